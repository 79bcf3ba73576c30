//! What may be asked of a resource now, and for what may not: the rule, and what would unlock it.

use orderwire_domain::ids::StreamId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    action_operations::Operation,
    problem::{Fault, Problem},
    request::Look,
    standing::{self, Action, Unlock},
};
use crate::edge;

/// What may be asked of something now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actions)]
pub struct ActionsBody {
    /// Where it is.
    #[schema(example = "draft")]
    status: &'static str,
    /// Everything that could be asked of it.
    actions: Vec<ActionBody>,
}

/// One thing that could be asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
struct ActionBody {
    /// Its name.
    #[schema(example = "activate")]
    action: &'static str,
    /// Where it is asked for. Two operations of one action stand one after the other.
    operation: Operation,
    /// Whether it can be asked for now. What takes a body is decided on that in the end: of it, this says only whether
    /// anything speaks against every body.
    open: bool,
    /// Why not, where it cannot: each rule, and what it expects.
    rules: Vec<Fault>,
    /// The statuses in which it can be asked for.
    #[schema(example = json!(["accepted", "ready_to_activate"]))]
    from: Vec<&'static str>,
    /// What would have to happen first, in order, where it cannot be asked for in this status; null where it never can again.
    unlock: Option<Vec<UnlockBody>>,
}

/// One step towards what cannot be asked for yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Unlock)]
struct UnlockBody {
    /// What the caller, the carrier, a supplier or time does.
    #[schema(example = "lcp_accept")]
    action: &'static str,
    /// The event by which it is known, as the history has it.
    #[schema(example = "LcpAccepted")]
    event: &'static str,
    /// Where the resource is then.
    #[schema(example = "accepted")]
    to: &'static str,
}

impl ActionsBody {
    /// Of a resource, for whoever asks.
    pub async fn of(look: &Look, what: &str, stream: StreamId) -> Result<Self, Problem> {
        let engine = &look.app.engine;
        let (_, state) = engine.state(stream).await?;
        let (status, all) = standing::all(&state, look.caller.role);
        let provenance = look.provenance();
        let mut actions = Vec::with_capacity(all.len());
        for action in all {
            let rules: Vec<Fault> = if action.asked.open {
                let against = standing::against(engine, &provenance, (stream, &state), &action).await?;
                against.into_iter().map(Fault::from).collect()
            } else {
                let elsewhere = edge::standing::elsewhere(&action.asked, what, status);
                let expected = elsewhere.expected.clone();
                vec![Fault { expected, ..elsewhere.into() }]
            };
            let Action { asked: edge::standing::Action { name, from, way, .. }, operation } = action;
            let unlock = way.map(|way| way.into_iter().map(UnlockBody::from).collect());
            actions.push(ActionBody { action: name, operation, open: rules.is_empty(), rules, from, unlock });
        }
        Ok(Self { status, actions })
    }
}

impl From<Unlock> for UnlockBody {
    fn from(Unlock { action, event, to }: Unlock) -> Self {
        Self { action, event, to }
    }
}
