//! What may be asked of a resource now, and for what may not: the rule, and what would unlock it.

use orderwire_domain::ids::StreamId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    action_operations::{By, Operation},
    problem::{Fault, Problem},
    request::Look,
    standing::{Action, Standing, Unlock},
    words,
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
    /// What would have to happen first, in order, where it cannot be asked for in this status, or where a rule speaks against
    /// it that somebody's step would end; null where it never can be asked for again.
    unlock: Option<Vec<UnlockBody>>,
}

/// One step towards what cannot be asked for yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Unlock)]
pub struct UnlockBody {
    /// What is done.
    #[schema(example = "lcp_accept")]
    action: &'static str,
    /// Who does it: `reseller`, `operator`, `losing_provider`, `range_holder` or `network`, whose messages an operator passes
    /// on; `engine`, of itself, once it can; `time`.
    #[schema(value_type = words::UnlockBy, example = "losing_provider")]
    by: By,
    /// Where it is asked for, where it is.
    operation: Option<Operation>,
    /// The event by which it is known, as the history has it.
    #[schema(example = "LcpAccepted")]
    event: &'static str,
    /// Where that to which it is done is then.
    #[schema(example = "accepted")]
    to: &'static str,
}

impl ActionsBody {
    /// Of a resource, for whoever asks.
    pub async fn of(look: &Look, stream: StreamId) -> Result<Self, Problem> {
        let Standing { status, actions } = look.standing(stream).await?;
        Ok(Self { status, actions: actions.into_iter().map(ActionBody::from).collect() })
    }
}

impl From<Action> for ActionBody {
    fn from(Action { name, operation, rules, from, way }: Action) -> Self {
        let unlock = way.map(|way| way.into_iter().map(UnlockBody::from).collect());
        Self { action: name, operation, open: rules.is_empty(), rules, from, unlock }
    }
}

impl From<edge::standing::Unlock> for UnlockBody {
    fn from(unlock: edge::standing::Unlock) -> Self {
        Unlock::from(unlock).into()
    }
}

impl From<Unlock> for UnlockBody {
    fn from(Unlock { action, by, operation, event, to }: Unlock) -> Self {
        Self { action, by, operation, event, to }
    }
}
