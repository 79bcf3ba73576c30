//! A decider: what may happen to one aggregate, and what happened to it.
//!
//! [`handle`] and [`apply`] are the only two ways to run one. `handle` asks the lifecycle table whether the action is
//! permitted before the decider is asked anything; `apply` checks that the event led where the table says it may.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    claim::ClaimChange,
    ids::{AggregateKind, StreamId},
    lifecycle::{Lifecycle, Step, Word},
    refusal::{Reason, Rule},
    rules::Rules,
};

/// An aggregate as two pure functions and a table.
pub trait Decider:
    Clone + fmt::Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What kind of stream holds its events.
    const KIND: AggregateKind;
    /// The only authority on what is legal when.
    const LIFECYCLE: Lifecycle<Self::Status, Self::Action, Self::EventKind>;

    /// What somebody wants to happen.
    type Command: Clone + fmt::Debug + Send + Sync;
    /// What did happen; stored for good.
    type Event: Event<Kind = Self::EventKind>;
    /// Why a permitted command was refused.
    type Error: Rule;
    /// The stages.
    type Status: Word;
    /// The commands by name.
    type Action: Word;
    /// The events by name.
    type EventKind: Word;

    /// The stage it is in.
    fn status(&self) -> Self::Status;

    /// Whether a step of the table can still be one of this very aggregate: what is known of it rules some out. It says
    /// what lies ahead, not what is legal.
    fn may_take(&self, _step: &Step<Self::Status, Self::Action, Self::EventKind>) -> bool {
        true
    }

    /// The name of a command.
    fn action(command: &Self::Command) -> Self::Action;

    /// What the command leads to, or every rule that speaks against it.
    fn decide(
        &self,
        command: &Self::Command,
        context: &Context,
    ) -> Result<Vec<Self::Event>, Vec<Self::Error>>;

    /// The state after the event. Called through [`apply`] only.
    #[must_use]
    fn evolve(self, event: &Self::Event) -> Self;
}

/// An event of one aggregate.
pub trait Event:
    Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The events by name.
    type Kind: Word;

    /// Which event this is.
    fn kind(&self) -> Self::Kind;

    /// The type as stored, such as `OrderSubmitted`.
    fn name(&self) -> &'static str;

    /// The version of its shape, as stored.
    fn version(&self) -> &'static str {
        "1"
    }

    /// What it takes and releases, `holder` being the stream it belongs to.
    fn claims(&self, holder: StreamId) -> Vec<ClaimChange>;
}

/// What a decision is given besides state and command.
#[derive(Clone, Debug)]
pub struct Context {
    /// When the decision is made; for a timer, when it was due.
    pub at: DateTime<Utc>,
    /// The rules it is made under.
    pub rules: Arc<Rules>,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused<D: Decider> {
    /// The lifecycle has no such step from here.
    NotPermitted {
        /// Where the aggregate is.
        status: D::Status,
        /// What was asked.
        action: D::Action,
    },
    /// The step exists, and these rules speak against it.
    Rules(Vec<D::Error>),
}

impl<D: Decider> Refused<D> {
    /// The same, for whoever does not care which aggregate it was.
    pub fn reasons(&self) -> Vec<Reason> {
        match self {
            Self::NotPermitted { status, action } => {
                let open: Vec<&str> = D::LIFECYCLE.actions(*status).into_iter().map(Into::into).collect();
                let expected =
                    if open.is_empty() { "nothing: it has ended".to_owned() } else { open.join(", ") };
                let kind = D::KIND.word().replace('_', " ");
                let (action, status): (&str, &str) = ((*action).into(), (*status).into());
                let detail = format!("cannot {} while the {kind} is {status}", action.replace('_', " "));
                vec![Reason {
                    code: "not_permitted".to_owned(),
                    subject: None,
                    detail,
                    expected: Some(expected),
                }]
            }
            Self::Rules(errors) => errors.iter().map(Reason::from_rule).collect(),
        }
    }
}

/// An event that the lifecycle does not allow: the history cannot be right, or it is not this aggregate's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} is not a step of {aggregate} from {from} to {to}")]
pub struct IllegalEvent {
    /// The kind of aggregate.
    pub aggregate: &'static str,
    /// The status before.
    pub from: &'static str,
    /// The event.
    pub event: &'static str,
    /// The status it led to.
    pub to: &'static str,
}

/// Asks the table, then the decider.
pub fn handle<D: Decider>(
    state: &D,
    command: &D::Command,
    context: &Context,
) -> Result<Vec<D::Event>, Refused<D>> {
    let (status, action) = (state.status(), D::action(command));
    if !D::LIFECYCLE.permits(status, action) {
        return Err(Refused::NotPermitted { status, action });
    }
    state.decide(command, context).map_err(Refused::Rules)
}

/// Evolves, then asks the table whether the event may lead there.
pub fn apply<D: Decider>(state: D, event: &D::Event) -> Result<D, IllegalEvent> {
    let from = state.status();
    let state = state.evolve(event);
    if D::LIFECYCLE.allows(from, event.kind(), state.status()) {
        return Ok(state);
    }
    let to = state.status();
    Err(IllegalEvent { aggregate: D::KIND.word(), from: from.into(), event: event.name(), to: to.into() })
}
