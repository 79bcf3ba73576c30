//! Where a resource is, and what may be asked of it there over HTTP: what [`edge::standing`](crate::edge::standing) reads off
//! its lifecycle table, with the operation that asks for it.

use orderwire_domain::{
    company::asset::AssetKind,
    ids::{AggregateKind, StreamId},
    joint::State,
};

use super::action_operations::{self, Operation};
pub use crate::edge::standing::Unlock;
use crate::{
    edge::{self, Problem, keys::Role, standing},
    engine::{Engine, Provenance},
};

/// One thing that could be asked of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What, and when it can be.
    pub asked: standing::Action,
    /// Where it is asked for.
    pub operation: Operation,
}

/// The status, and the names of what may be asked for.
pub fn of(state: &State, role: Role) -> (&'static str, Vec<String>) {
    let (status, actions) = all(state, role);
    let open = actions.into_iter().filter(|action| action.asked.open);
    let mut open: Vec<String> = open.map(|action| action.asked.name.to_owned()).collect();
    // What several operations ask for is named once; they stand side by side.
    open.dedup();
    (status, open)
}

/// The status, and everything that could be asked for.
pub fn all(state: &State, role: Role) -> (&'static str, Vec<Action>) {
    let known = standing::actions(state);
    let action = |(name, operation): (&'static str, Operation)| {
        let asked = known.iter().find(|action| action.name == name)?.clone();
        Some(Action { asked, operation })
    };
    (state.status(), action_operations::of(kind(state), role).filter_map(action).collect())
}

fn kind(state: &State) -> AggregateKind {
    match state {
        State::Order(_) => AggregateKind::Order,
        State::Company(_) => AggregateKind::Company,
        State::PortRequest(_) => AggregateKind::PortRequest,
        State::NumberBlock(_) => AggregateKind::NumberBlock,
        State::Reseller(_) => AggregateKind::Reseller,
        State::Webhook(_) => AggregateKind::Webhook,
    }
}

/// What the rules say now against an action that the lifecycle permits. Nothing happens.
pub async fn against(
    engine: &Engine,
    provenance: &Provenance,
    at: (StreamId, &State),
    action: &Action,
) -> Result<Vec<Problem>, edge::Error> {
    let asset = asset_of(action.operation.path);
    standing::against(engine, provenance, at, (action.asked.name, asset)).await
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
