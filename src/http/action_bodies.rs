//! What may be asked of a resource now, and for what may not: the rule, and what would unlock it.

use std::sync::Arc;

use orderwire_domain::{decider::Context, joint::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    problem::Fault,
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
    /// Whether it can be asked for now. What rests on more than this resource is found out by asking.
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
    pub fn of(look: &Look, what: &str, state: &State) -> Self {
        let engine = &look.app.engine;
        let context = Context { at: engine.now(), rules: Arc::clone(engine.rules()) };
        let (status, actions) = standing::all(state, look.caller.role);
        let body = |action: Action| {
            let rules = if action.open {
                let against = standing::against(state, action.name, &context);
                against.into_iter().map(|reason| edge::Problem::from(reason).into()).collect()
            } else {
                vec![elsewhere(&action, what, status)]
            };
            let unlock = action.way.map(|way| way.into_iter().map(UnlockBody::from).collect());
            ActionBody { action: action.name, open: rules.is_empty(), rules, from: action.from, unlock }
        };
        Self { status, actions: actions.into_iter().map(body).collect() }
    }
}

/// That the resource is not where this can be asked of it.
fn elsewhere(action: &Action, what: &str, status: &str) -> Fault {
    Fault {
        pointer: String::new(),
        parameter: None,
        code: "not_permitted".to_owned(),
        detail: format!("the {what} is {status}"),
        expected: Some(action.from.join(", ")),
    }
}

impl From<Unlock> for UnlockBody {
    fn from(Unlock { action, event, to }: Unlock) -> Self {
        Self { action, event, to }
    }
}
