//! Naming what a company has already: by its id, or by what people call it.
//!
//! A name is looked up when an order is placed, and what is decided rests on the id alone. Deliberately absent: whether
//! the named thing may have what is hung on it, which the rules decide.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use orderwire_domain::{
    claim::ClaimScope,
    company::{
        Company,
        asset::{AssetPlan, Name},
        estate::{Asset, AssetStage},
    },
    ids::AssetId,
    names::{PbxName, SiteName, UsernameLocal},
    order::line::LineNumber,
    sealed::Sealed,
};

use super::{
    document::{LineNames, Personal},
    problem::Problem,
    reader::Spot,
};

/// Most names that a message lists; a company with more knows its own.
const LISTED_MAX: usize = 10;

/// What a line hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentParent {
    /// What another line of the document makes.
    Line(LineNumber),
    /// Something that the company has.
    Asset(DocumentAsset),
}

/// Something that the company has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentAsset {
    /// By its id.
    Id(AssetId),
    /// A site, by its name.
    Site(SiteName),
    /// A PBX, by its name.
    Pbx(PbxName),
    /// A user, by the local part of the username.
    User(Personal),
}

/// Reads what a line hangs on: another line, or an asset by its id or by the name that its kind has.
pub(super) fn parent(spot: &Spot<'_>, name: &'static str, lines: &LineNames<'_>) -> Option<DocumentParent> {
    let choices: &'static [&'static str] = match name {
        "pbx_name" => &["line", "pbx_name", "asset"],
        "username" => &["line", "username", "asset"],
        _ => &["line", "site_name", "asset"],
    };
    spot.choice(choices, |choice, it| match choice {
        "line" => line_of(&it, lines).map(DocumentParent::Line),
        "asset" => it.parsed().map(DocumentAsset::Id).map(DocumentParent::Asset),
        "pbx_name" => it.parsed().map(DocumentAsset::Pbx).map(DocumentParent::Asset),
        "username" => {
            let username = it.parsed::<UsernameLocal>().map(Personal::new);
            username.map(DocumentAsset::User).map(DocumentParent::Asset)
        }
        _ => it.parsed().map(DocumentAsset::Site).map(DocumentParent::Asset),
    })
}

/// Reads a site that the company has; a site of the same order takes the numbers of a line by naming it.
pub(super) fn existing_site(spot: &Spot<'_>, lines: &LineNames<'_>) -> Option<DocumentAsset> {
    match parent(spot, "site_name", lines)? {
        DocumentParent::Asset(asset) => Some(asset),
        DocumentParent::Line(_) => spot.refuse(
            "site_not_existing",
            "numbers go to a new site when the site's own `numbers` name this line",
            "the `site_name` or `asset` of an existing site",
        ),
    }
}

/// Reads the name of another line.
pub(super) fn line_of(spot: &Spot<'_>, lines: &LineNames<'_>) -> Option<LineNumber> {
    let id = spot.text()?;
    match lines.get(id) {
        Some(line) => Some(*line),
        None => {
            spot.refuse("line_unknown", "no line of this document has that id", "the `id` of another line")
        }
    }
}

/// What a company has, by name; a new company has nothing.
#[derive(Default)]
pub(super) struct Named {
    company: Option<Arc<Company>>,
    /// Made when the first name is looked up: most documents have none.
    ids: OnceLock<BTreeMap<Name, AssetId>>,
}

impl Named {
    pub(super) fn of(company: Arc<Company>) -> Self {
        Self { company: Some(company), ids: OnceLock::new() }
    }

    /// The site of a name. A problem points to below where the site is named.
    pub(super) fn site(&self, name: &SiteName) -> Result<AssetId, Problem> {
        let key = Name { scope: ClaimScope::SiteName, key: name.key() };
        self.find(&key).map_err(|stage| {
            let expected = self.expected("site", |plan| match plan {
                AssetPlan::Site { name, .. } => Some(name.as_str()),
                _ => None,
            });
            refused(stage, ("site", "/site_name"), name.as_str(), expected)
        })
    }

    /// The PBX of a name.
    pub(super) fn pbx(&self, name: &PbxName) -> Result<AssetId, Problem> {
        let key = Name { scope: ClaimScope::PbxName, key: name.key() };
        self.find(&key).map_err(|stage| {
            let expected = self.expected("PBX", |plan| match plan {
                AssetPlan::Pbx { name, .. } => Some(name.as_str()),
                _ => None,
            });
            refused(stage, ("PBX", "/pbx_name"), name.as_str(), expected)
        })
    }

    /// The user of a username, which the company's key has sealed: users are told apart by their tags.
    pub(super) fn user(&self, username: &Personal, sealed: &Sealed) -> Result<AssetId, Problem> {
        let key = Name { scope: ClaimScope::Username, key: sealed.tag.clone() };
        let expected = "the username of a user in service, or the `line` of one in this document";
        self.find(&key)
            .map_err(|stage| refused(stage, ("user", "/username"), &username.text, expected.to_owned()))
    }

    /// The asset of a name, if it is in service; else its stage, if there is such an asset.
    fn find(&self, name: &Name) -> Result<AssetId, Option<AssetStage>> {
        let ids = self.ids.get_or_init(|| {
            let named = |(id, asset): (AssetId, &Asset)| {
                asset.plan.names().into_iter().map(move |name| (name, id)).collect::<Vec<_>>()
            };
            self.assets().flat_map(named).collect()
        });
        let id = *ids.get(name).ok_or(None)?;
        let stage = self.company.as_ref().and_then(|company| company.asset(id)).map(|asset| asset.stage);
        if stage == Some(AssetStage::Real) { Ok(id) } else { Err(stage) }
    }

    fn assets(&self) -> impl Iterator<Item = (AssetId, &Asset)> {
        self.company.iter().flat_map(|company| company.assets())
    }

    /// The names that would be right.
    fn expected(&self, kind: &str, name_of: impl Fn(&AssetPlan) -> Option<&str>) -> String {
        let in_service = self.assets().filter(|(_, asset)| asset.stage == AssetStage::Real);
        let mut names: Vec<&str> = in_service.filter_map(|(_, asset)| name_of(&asset.plan)).collect();
        names.sort_unstable();
        let unlisted = names.len().saturating_sub(LISTED_MAX);
        names.truncate(LISTED_MAX);
        match (names.is_empty(), unlisted) {
            (true, _) => format!("the `line` of a {kind} in this document: the company has none in service"),
            (_, 0) => format!("one of {}", names.join(", ")),
            (_, unlisted) => format!("one of {} and {unlisted} more", names.join(", ")),
        }
    }
}

fn refused(
    stage: Option<AssetStage>,
    (kind, pointer): (&str, &str),
    name: &str,
    expected: String,
) -> Problem {
    match stage {
        Some(AssetStage::Planned) => {
            let detail = format!("the {kind} `{name}` is still to be made by another order");
            Problem::new(pointer, "name_not_in_service", detail, expected)
        }
        _ => Problem::new(pointer, "name_unknown", format!("the company has no {kind} `{name}`"), expected),
    }
}
