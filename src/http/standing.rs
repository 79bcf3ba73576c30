//! Where a resource is, and what may be asked of it there over HTTP: what [`edge::standing`](crate::edge::standing) knows,
//! with who asks for it and by which operation.
//!
//! A list of actions and a problem say the same, for both are drawn from here.

use orderwire_domain::{company::asset::AssetKind, ids::StreamId};

use super::{
    action_operations::{self, By, Operation},
    problem::Fault,
};
use crate::{
    edge::{self, keys::Role, standing},
    engine::{Engine, Provenance},
};

/// Where a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its status.
    pub status: &'static str,
    /// Everything that could be asked of it.
    pub actions: Vec<Action>,
}

/// One thing that could be asked of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// Where it is asked for.
    pub operation: Operation,
    /// What speaks against it: the lifecycle, or every rule. Nothing where it is open.
    pub rules: Vec<Fault>,
    /// Where it could be asked for.
    pub from: Vec<&'static str>,
    /// What would have to happen before, in order; none where it never can be asked for.
    pub way: Option<Vec<Unlock>>,
}

/// One step towards where an action could be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlock {
    /// What is done.
    pub action: &'static str,
    /// Who does it.
    pub by: By,
    /// Where it is asked for, if it is.
    pub operation: Option<Operation>,
    /// The event by which it is known.
    pub event: &'static str,
    /// Where that which it is done to is then.
    pub to: &'static str,
}

impl Standing {
    /// Of a resource, as somebody may ask.
    pub async fn of(
        engine: &Engine,
        provenance: &Provenance,
        role: Role,
        stream: StreamId,
    ) -> Result<Self, edge::Error> {
        let (_, state) = engine.state(stream).await?;
        let mut actions = Vec::new();
        for (name, operation) in action_operations::of(stream.kind, role) {
            let asset = asset_of(operation.path);
            let asked = standing::asked(engine, provenance, (stream, &state), (name, asset)).await?;
            actions.extend(asked.map(|asked| Action::of(asked, operation)));
        }
        Ok(Self { status: state.status(), actions })
    }

    /// The names of what may be asked for.
    pub fn open(&self) -> Vec<String> {
        let open = self.actions.iter().filter(|action| action.rules.is_empty());
        let mut open: Vec<String> = open.map(|action| action.name.to_owned()).collect();
        // What several operations ask for is named once; they stand side by side.
        open.dedup();
        open
    }
}

impl Action {
    fn of(standing::Action { name, rules, from, way }: standing::Action, operation: Operation) -> Self {
        // What is expected is here where the resource would have to be, in words of the document.
        let rule = |problem: edge::Problem| Fault { expected: problem.expected.clone(), ..problem.into() };
        let rules = rules.into_iter().map(rule).collect();
        let way = way.map(|way| way.into_iter().map(Unlock::from).collect());
        Self { name, operation, rules, from, way }
    }
}

impl From<standing::Unlock> for Unlock {
    fn from(standing::Unlock { of, action, from, event, to }: standing::Unlock) -> Self {
        let (by, operation) = action_operations::taken(of, from, action);
        Self { action, by, operation, event, to }
    }
}

/// The kind of asset that a path is about, if it is about one.
fn asset_of(path: &str) -> Option<AssetKind> {
    let kind = match path.strip_prefix("/v1/companies/{id}/")?.split('/').next()? {
        "sites" => AssetKind::Site,
        "users" => AssetKind::User,
        "devices" => AssetKind::Device,
        "add-ons" => AssetKind::AddOn,
        "pbxs" => AssetKind::Pbx,
        "trunks" => AssetKind::Trunk,
        "emergency-details" => AssetKind::EmergencyDetails,
        _ => return None,
    };
    Some(kind)
}
