//! Whether names are free: of companies, and of what companies have.
//!
//! It is advice. Deliberately absent: holding anything, which qualifying a company or submitting an order does, and rules
//! about several names at once, such as an extension that would be dialled like a location code.

use std::collections::{BTreeMap, BTreeSet};

use orderwire_domain::{
    claim::{Claim, ClaimScope},
    company::{
        Company,
        asset::{AssetKind, AssetPlan},
    },
    ids::{AggregateKind, AssetId, CompanyId, ResellerId, StreamId},
    invalid::Invalid,
    names::{
        CompanyName, Domain, Extension, LocationCode, MacAddress, PbxName, SiteName, TrunkName, UsernameLocal,
    },
    views::company_directory::{COMPANY_DIRECTORY, CompanyView},
};
use serde::Serialize;
use strum::{Display, VariantArray};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::Answer, api::Api, assets, auth::Access, openapi::tags, problem::Problem, request::Call,
    request::Look, texts,
};
use crate::{
    edge::{
        document::Personal,
        history::Sight,
        reader::{self, Spot},
    },
    engine,
};

/// Most names of one request: what somebody pastes from a sheet, and one look into the claims.
const NAMES_MAX: usize = 1_000;

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.question(Access::Tenant, routes!(check))
}

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum Kind {
    CompanyName,
    CompanyDomain,
    Mac,
    SiteName,
    LocationCode,
    PbxName,
    TrunkName,
    Username,
    Extension,
}

/// Within what a name may exist once.
#[derive(Clone, Copy, Debug)]
enum Within {
    Platform,
    Company(CompanyId),
    Site(AssetId),
}

struct Asked {
    kind: Kind,
    name: String,
    within: Within,
}

/// Names to check.
#[derive(ToSchema)]
#[schema(as = NameChecks)]
#[expect(dead_code, reason = "this says to the reader of the API what is read field by field")]
struct NameChecksBody {
    /// The names.
    #[schema(min_items = 1, max_items = 1000)]
    names: Vec<NameCheck>,
}

/// A name, and where it should be unique.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "as above")]
enum NameCheck {
    OnPlatform(NameOnPlatform),
    InCompany(NameInCompany),
    AtSite(NameAtSite),
}

/// A name that is unique everywhere.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
struct NameOnPlatform {
    #[schema(inline)]
    kind: KindOnPlatform,
    /// The name as people write it.
    name: String,
}

/// A name that is unique in a company.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
struct NameInCompany {
    #[schema(inline)]
    kind: KindInCompany,
    /// The name as people write it.
    name: String,
    /// The service reference of the company.
    company: texts::CompanyId,
}

/// A name that is unique at a site.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
struct NameAtSite {
    #[schema(inline)]
    kind: KindAtSite,
    /// The name as people write it.
    name: String,
    /// The service id of the site.
    site: texts::AssetId,
}

/// What the name is the name of.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "as above")]
enum KindOnPlatform {
    CompanyName,
    CompanyDomain,
    Mac,
}

/// What the name is the name of.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "as above")]
enum KindInCompany {
    SiteName,
    LocationCode,
    PbxName,
    TrunkName,
    Username,
}

/// What the name is the name of.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "as above")]
enum KindAtSite {
    Extension,
}

/// What is known of each name, in the order asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedNames)]
struct CheckedBody {
    /// The names.
    names: Vec<CheckedName>,
}

/// What is known of a name.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedName {
    /// What it is the name of.
    #[schema(example = "company_domain")]
    kind: String,
    /// The name as it was asked for.
    #[schema(example = "acme.example")]
    name: String,
    /// `free`; `taken` by somebody, never is said by whom; `yours`, which a company of yours has; or `invalid`.
    #[schema(example = "free")]
    status: String,
    /// Of `yours`: the company.
    company: Option<String>,
    /// Of `invalid`: the rule that it breaks.
    rule: Option<BrokenRule>,
}

/// The rule that a name breaks.
#[derive(Debug, Serialize, ToSchema)]
struct BrokenRule {
    /// A stable slug.
    #[schema(example = "domain_one_label")]
    code: String,
    /// What is wrong.
    detail: String,
    /// What would be right.
    expected: String,
}

/// Find out whether names are free.
///
/// Up to 1,000 in one call. It is advice: nothing is held, and who asks next may get another answer. Qualifying a company holds
/// its name and domain; submitting an order holds the other names.
#[utoipa::path(post, path = "/v1/name-checks", operation_id = "check_names", tag = tags::VERIFY,
    request_body(content = NameChecksBody, example = json!({ "names": [
        { "kind": "company_name", "name": "Acme Ltd" },
        { "kind": "company_domain", "name": "acme.example" },
        { "kind": "site_name", "name": "Leeds", "company": "com_01890a5d000070008000000000000001" }] })),
    responses((status = 200, description = "What is known of each.", body = CheckedBody,
        example = json!({ "names": [
            { "kind": "company_name", "name": "Acme Ltd", "status": "free", "company": null, "rule": null },
            { "kind": "company_domain", "name": "acme", "status": "invalid", "company": null, "rule": {
                "code": "domain_one_label", "detail": "there are fewer than two labels",
                "expected": "a domain such as acme.example: letters, digits and inner hyphens between dots" } }] }))))]
async fn check(call: Call) -> Result<Answer, Problem> {
    call.unconditional()?;
    let asked = call.read(|it| {
        it.object(|fields| {
            fields.required("names", |it| {
                let names = it.list(NAMES_MAX, asked)?;
                if names.is_empty() {
                    it.refuse("list_empty", "the list is empty", "at least one name")
                } else {
                    Some(names)
                }
            })
        })
    })?;
    let look = &call.look;
    let mut scopes = Scopes::default();
    let mut keys = Vec::new();
    for asked in &asked {
        keys.push(claim(look, asked, &mut scopes).await?);
    }
    let claims: Vec<Claim> = keys.iter().filter_map(|key| key.as_ref().ok()).cloned().collect();
    let holders = look.app.engine.log().holders(&claims).await.map_err(engine::Error::from)?;
    let mine = mine(look, &holders).await?;
    let mut holders = holders.into_iter();
    let names = asked.into_iter().zip(keys).map(|(asked, key)| {
        let (status, company, rule) = match key {
            Err(Invalid { code, detail, expected }) => {
                ("invalid", None, Some(BrokenRule { code, detail, expected }))
            }
            Ok(_) => match holders.next().flatten() {
                None => ("free", None, None),
                Some(holder) if mine.contains(&holder) => ("yours", Some(holder.to_string()), None),
                Some(_) => ("taken", None, None),
            },
        };
        let (kind, status) = (asked.kind.to_string(), status.to_owned());
        // What can be no name is repeated only so far that it is recognised.
        let name = if rule.is_some() { reader::shown(&asked.name) } else { asked.name };
        CheckedName { kind, name, status, company, rule }
    });
    Ok(Answer::ok(&CheckedBody { names: names.collect() }))
}

fn asked(spot: Spot<'_>) -> Option<Asked> {
    spot.object(|fields| {
        let name = fields.required("name", |it| it.text().map(str::to_owned));
        let Some(kind) = fields.required("kind", |it| it.word(Kind::VARIANTS)) else {
            // Which fields there should be depends on the kind.
            fields.take_all();
            return None;
        };
        let within = match kind {
            Kind::CompanyName | Kind::CompanyDomain | Kind::Mac => Some(Within::Platform),
            Kind::SiteName | Kind::LocationCode | Kind::PbxName | Kind::TrunkName | Kind::Username => {
                fields.required("company", |it| it.parsed()).map(Within::Company)
            }
            Kind::Extension => fields.required("site", |it| it.parsed()).map(Within::Site),
        };
        Some(Asked { kind, name: name?, within: within? })
    })
}

/// Companies and sites that were looked at for a name: whether the caller has them, and how long extensions are.
#[derive(Default)]
struct Scopes {
    companies: BTreeMap<CompanyId, bool>,
    sites: BTreeMap<AssetId, Option<u8>>,
}

/// What would be held for the name, or the rule that it breaks.
async fn claim(
    look: &Look,
    Asked { kind, name, within }: &Asked,
    scopes: &mut Scopes,
) -> Result<Result<Claim, Invalid>, Problem> {
    match *within {
        Within::Platform => Ok(platform(*kind, name)),
        Within::Company(company) if !scopes.has_company(look, company).await? => {
            Ok(Err(unknown("company", &company)))
        }
        Within::Company(company) if *kind == Kind::Username => username(look, company, name).await,
        Within::Company(company) => Ok(within_company(*kind, name, company)),
        Within::Site(site) => match scopes.extensions_of(look, site).await? {
            None => Ok(Err(unknown("site", &site))),
            Some(length) => Ok(extension(name, site, length)),
        },
    }
}

fn platform(kind: Kind, name: &str) -> Result<Claim, Invalid> {
    let (scope, key) = match kind {
        Kind::CompanyName => (ClaimScope::CompanyName, name.parse::<CompanyName>()?.key()),
        Kind::CompanyDomain => (ClaimScope::CompanyDomain, name.parse::<Domain>()?.key()),
        _ => (ClaimScope::Mac, name.parse::<MacAddress>()?.key()),
    };
    Ok(Claim::platform(scope, key))
}

fn within_company(kind: Kind, name: &str, company: CompanyId) -> Result<Claim, Invalid> {
    let (scope, key) = match kind {
        Kind::LocationCode => (ClaimScope::LocationCode, name.parse::<LocationCode>()?.key()),
        Kind::PbxName => (ClaimScope::PbxName, name.parse::<PbxName>()?.key()),
        Kind::TrunkName => (ClaimScope::TrunkName, name.parse::<TrunkName>()?.key()),
        _ => (ClaimScope::SiteName, name.parse::<SiteName>()?.key()),
    };
    Ok(Claim::within(scope, company.stream(), key))
}

/// A username is held by a tag that only the key of its company makes.
async fn username(look: &Look, company: CompanyId, name: &str) -> Result<Result<Claim, Invalid>, Problem> {
    let local: UsernameLocal = match name.parse() {
        Ok(local) => local,
        Err(invalid) => return Ok(Err(invalid)),
    };
    if look.caller.sight() == Sight::Sealed {
        let detail = "usernames are personal data, which the caller is shown nothing of";
        return Ok(Err(Invalid::new("sealed", detail, "a name of another kind")));
    }
    let personal = Personal::new(local.to_string());
    match look.app.engine.seal(company.stream(), &personal.text, &personal.normalised).await {
        Ok(sealed) => Ok(Ok(Claim::within(ClaimScope::Username, company.stream(), sealed.tag))),
        Err(engine::Error::Sealing(engine::sealing::SealingError::Erased(_))) => Ok(Err(Invalid::new(
            "erased",
            "the personal data of the company was erased",
            "a company that was not erased",
        ))),
        Err(error) => Err(error.into()),
    }
}

fn extension(name: &str, site: AssetId, length: u8) -> Result<Claim, Invalid> {
    let key = name.parse::<Extension>()?.key();
    if key.len() != usize::from(length) {
        let detail = format!("the extension has {} digits", key.len());
        return Err(Invalid::new("extension_length", detail, format!("{length} digits, as the site has")));
    }
    Ok(Claim::platform(ClaimScope::Extension, format!("{site}/{key}")))
}

/// What another has is not told apart from what does not exist.
fn unknown(what: &str, id: &impl std::fmt::Display) -> Invalid {
    Invalid::new(&format!("{what}_unknown"), format!("there is no {what} {id}"), format!("a {what} of yours"))
}

impl Scopes {
    async fn has_company(&mut self, look: &Look, id: CompanyId) -> Result<bool, Problem> {
        if let Some(known) = self.companies.get(&id) {
            return Ok(*known);
        }
        let found = look.record(id.into(), |view: &CompanyView| view.reseller).await;
        let found = there(found)?.is_some();
        self.companies.insert(id, found);
        Ok(found)
    }

    async fn extensions_of(&mut self, look: &Look, id: AssetId) -> Result<Option<u8>, Problem> {
        if let Some(known) = self.sites.get(&id) {
            return Ok(*known);
        }
        let found = there(assets::visible(look, id, AssetKind::Site).await)?;
        let length = found.and_then(|site| match site.plan {
            AssetPlan::Site { extension_length, .. } => Some(extension_length),
            _ => None,
        });
        self.sites.insert(id, length);
        Ok(length)
    }
}

/// What there is for the caller, if it is there.
fn there<T>(found: Result<T, Problem>) -> Result<Option<T>, Problem> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(problem) if problem.status() == axum::http::StatusCode::NOT_FOUND => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Those of the holders that are companies of the reseller that asks.
async fn mine(look: &Look, holders: &[Option<StreamId>]) -> Result<BTreeSet<StreamId>, Problem> {
    let Some(own) = look.caller.reseller else { return Ok(BTreeSet::new()) };
    let companies: BTreeSet<StreamId> =
        holders.iter().flatten().filter(|holder| holder.kind == AggregateKind::Company).copied().collect();
    let keys: Vec<String> = companies.iter().map(ToString::to_string).collect();
    let engine = &look.app.engine;
    let mut owners: BTreeMap<String, ResellerId> = BTreeMap::new();
    for row in engine.log().rows(&COMPANY_DIRECTORY, &keys).await.map_err(engine::Error::from)? {
        owners.insert(row.key.clone(), engine::query::record::<CompanyView>(&row)?.reseller);
    }
    let mut mine = BTreeSet::new();
    for company in companies {
        let owner = match owners.get(&company.to_string()) {
            Some(owner) => Some(*owner),
            // Made a moment ago.
            None => engine.load::<Company>(CompanyId(company.id)).await?.1.reseller(),
        };
        if owner == Some(own) {
            mine.insert(company);
        }
    }
    Ok(mine)
}
