//! What a reseller wants, line by line, and how far each line is. An order never holds a number itself.
//!
//! Deliberately absent: whether names and numbers are free, whether a date is early enough, and what exists at the
//! company. Those are decided in the same commit by the aggregates that own them, joined above.

mod lifecycle;
pub mod commands;
pub mod events;
mod decide;
mod draft;
mod progress;
mod evolve;
mod claims;
mod errors;

pub mod line;
mod lines;
pub mod graph;
mod roll_up;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

pub use draft::{PORT_RANGES_MAX, SITE_SOURCES_MAX};
pub use errors::{Minted, OrderError};
pub use lifecycle::OrderStatus;
pub use lines::{Line, Lines};
pub use roll_up::{RollUp, Tally, roll_up};

use self::{
    commands::{OrderAction, OrderCommand},
    events::{OrderEvent, OrderEventKind},
    line::{LineKind, LineNumber, Milestone},
};
use crate::{
    decider::{Context, Decider},
    ids::{AggregateKind, AssetId, CompanyId, PortRequestId, ResellerId},
    lifecycle::{Lifecycle, Step},
    names::OrderReference,
    refusal::Reason,
    sealed::Sealed,
};

/// An order, holding at each stage what is known then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Not begun.
    #[default]
    New,
    /// The reseller still writes it.
    Draft(Draft),
    /// It is worked on, or could be.
    Open(Placed, Stage),
    /// The carrier looks whether to cancel it, and why; where it does not, the order goes back to that stage.
    AssessingCancellation(Placed, Stage, Ground),
    /// It will be cancelled; its open lines end.
    PendingCancellation(Placed),
    /// Nothing happens to it any more.
    Ended(Placed, Ending),
    /// The draft was given up.
    Discarded(Head),
}

/// Whose order it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Whose.
    pub reseller: ResellerId,
    /// The reseller's own reference.
    pub reference: OrderReference,
    /// For which company; a port may name none.
    pub company: Option<CompanyId>,
}

/// An order that is still written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    head: Head,
    lines: Lines,
    /// The highest number ever given to a line, also to one that is gone.
    last_line: u32,
    untouched_until: DateTime<Utc>,
}

/// An order that was submitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    head: Head,
    lines: Lines,
    assets: OrdMap<LineNumber, AssetId>,
    port_requests: OrdMap<LineNumber, PortRequestId>,
}

/// How far an open order is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The reseller wants it done.
    Submitted,
    /// The carrier has accepted it for processing.
    Acknowledged,
    /// Work has begun.
    InProgress,
    /// The reseller must tell something first.
    Pending {
        /// What.
        question: Sealed,
        /// By when.
        deadline: DateTime<Utc>,
        /// Where the order goes on.
        back_to: Begun,
    },
    /// Work is stopped for a while.
    Held {
        /// Why.
        reason: Sealed,
    },
}

/// Why the carrier looks whether to cancel an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// The reseller asked, and may only be refused for lines past their point of no return.
    Requested,
    /// The reseller did not tell what it was asked; the carrier may go on all the same.
    InformationOverdue,
}

/// Whether work on an acknowledged order has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Begun {
    /// Not yet.
    Acknowledged,
    /// It has.
    InProgress,
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The carrier did not take it.
    Rejected {
        /// Why.
        reasons: Vec<Reason>,
    },
    /// Every line is done.
    Completed,
    /// Some lines are done.
    Partial,
    /// No line is done, and at least one could not be.
    Failed,
    /// No line is done or was wanted any more.
    Cancelled,
}

impl From<Begun> for Stage {
    fn from(begun: Begun) -> Self {
        match begun {
            Begun::Acknowledged => Self::Acknowledged,
            Begun::InProgress => Self::InProgress,
        }
    }
}

impl Stage {
    fn status(&self) -> OrderStatus {
        match self {
            Self::Submitted => OrderStatus::Submitted,
            Self::Acknowledged => OrderStatus::Acknowledged,
            Self::InProgress => OrderStatus::InProgress,
            Self::Pending { .. } => OrderStatus::Pending,
            Self::Held { .. } => OrderStatus::Held,
        }
    }
}

impl Ending {
    fn status(&self) -> OrderStatus {
        match self {
            Self::Rejected { .. } => OrderStatus::Rejected,
            Self::Completed => OrderStatus::Completed,
            Self::Partial => OrderStatus::Partial,
            Self::Failed => OrderStatus::Failed,
            Self::Cancelled => OrderStatus::Cancelled,
        }
    }
}

impl Decider for Order {
    const KIND: AggregateKind = AggregateKind::Order;
    const LIFECYCLE: Lifecycle<OrderStatus, OrderAction, OrderEventKind> = lifecycle::ORDER;

    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = OrderError;
    type Status = OrderStatus;
    type Action = OrderAction;
    type EventKind = OrderEventKind;

    fn status(&self) -> OrderStatus {
        match self {
            Self::New => OrderStatus::New,
            Self::Draft(_) => OrderStatus::Draft,
            Self::Open(_, stage) => stage.status(),
            Self::AssessingCancellation(..) => OrderStatus::AssessingCancellation,
            Self::PendingCancellation(_) => OrderStatus::PendingCancellation,
            Self::Ended(_, ending) => ending.status(),
            Self::Discarded(_) => OrderStatus::Discarded,
        }
    }

    fn may_take(&self, step: &Step<OrderStatus, OrderAction, OrderEventKind>) -> bool {
        // Where these two lead is fixed when the order comes to where they are asked for.
        match (step.action, self) {
            (OrderAction::RefuseCancellation, Self::AssessingCancellation(_, stage, _)) => {
                step.to == stage.status()
            }
            (
                OrderAction::ProvideInformation,
                Self::Open(_, Stage::Pending { back_to, .. })
                | Self::AssessingCancellation(_, Stage::Pending { back_to, .. }, _),
            ) => step.to == Stage::from(*back_to).status(),
            _ => true,
        }
    }

    fn action(command: &OrderCommand) -> OrderAction {
        command.into()
    }

    fn decide(&self, command: &OrderCommand, context: &Context) -> Result<Vec<OrderEvent>, Vec<OrderError>> {
        decide::decide(self, command, context)
    }

    fn evolve(self, event: &OrderEvent) -> Self {
        evolve::evolve(self, event)
    }
}

impl Order {
    /// Whose it is; `None` before it began.
    pub fn head(&self) -> Option<&Head> {
        match self {
            Self::New => None,
            Self::Discarded(head) => Some(head),
            Self::Draft(draft) => Some(&draft.head),
            _ => self.placed().map(|placed| &placed.head),
        }
    }

    /// Whose it is.
    pub fn reseller(&self) -> Option<ResellerId> {
        self.head().map(|head| head.reseller)
    }

    /// The reseller's own reference.
    pub fn reference(&self) -> Option<&OrderReference> {
        self.head().map(|head| &head.reference)
    }

    /// For which company.
    pub fn company(&self) -> Option<CompanyId> {
        self.head().and_then(|head| head.company)
    }

    /// Its lines with what is known of all of them together; `None` where there never were any, or no more.
    pub fn graph(&self) -> Option<&Lines> {
        match self {
            Self::Draft(draft) => Some(&draft.lines),
            _ => self.placed().map(|placed| &placed.lines),
        }
    }

    /// Its lines, by number.
    pub fn lines(&self) -> impl Iterator<Item = (LineNumber, &Line)> {
        self.graph().into_iter().flat_map(Lines::iter)
    }

    /// One of its lines.
    pub fn line(&self, line: LineNumber) -> Option<&Line> {
        self.graph().and_then(|lines| lines.get(line))
    }

    /// What a line waits for, or waited for.
    pub fn dependencies(&self, line: LineNumber) -> Vec<graph::Dependency> {
        self.graph().map(|lines| graph::dependencies(lines, line)).unwrap_or_default()
    }

    /// The lines that could be started now, by number.
    pub fn ready_lines(&self) -> Vec<LineNumber> {
        let may_start = Self::LIFECYCLE.permits(self.status(), OrderAction::StartLine);
        self.graph().filter(|_| may_start).map(|lines| lines.ready().collect()).unwrap_or_default()
    }

    /// The lines of a submitted order that have not ended, by number; none once the order itself has.
    pub fn open_lines(&self) -> Vec<LineNumber> {
        let placed = self.placed().filter(|_| !self.is_terminal());
        placed.map(|placed| placed.lines.open().collect()).unwrap_or_default()
    }

    /// The open lines that cannot be cancelled any more: ports as their port requests say, others once committed.
    pub fn past_ponr(&self, ports_past_cut_off: &[LineNumber]) -> Vec<LineNumber> {
        let past = |number: &LineNumber| {
            self.line(*number).is_some_and(|line| match line.kind() {
                LineKind::Port => ports_past_cut_off.contains(number),
                _ => line.milestones.contains(&Milestone::Committed),
            })
        };
        self.open_lines().into_iter().filter(past).collect()
    }

    /// The service id minted for a line.
    pub fn asset(&self, line: LineNumber) -> Option<AssetId> {
        self.placed().and_then(|placed| placed.assets.get(&line).copied())
    }

    /// The service ids minted for its lines, by line.
    pub fn assets(&self) -> impl Iterator<Item = (LineNumber, AssetId)> + '_ {
        self.placed().into_iter().flat_map(|placed| placed.assets.iter().map(|(line, id)| (*line, *id)))
    }

    /// The port request of a port line.
    pub fn port_request(&self, line: LineNumber) -> Option<PortRequestId> {
        self.placed().and_then(|placed| placed.port_requests.get(&line).copied())
    }

    /// The port requests of its port lines, by line.
    pub fn port_requests(&self) -> impl Iterator<Item = (LineNumber, PortRequestId)> + '_ {
        self.placed()
            .into_iter()
            .flat_map(|placed| placed.port_requests.iter().map(|(line, id)| (*line, *id)))
    }

    /// When the draft is discarded unless somebody touches it.
    pub fn untouched_until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Draft(draft) => Some(draft.untouched_until),
            _ => None,
        }
    }

    /// By when the reseller must tell what it was asked.
    pub fn information_deadline(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Open(_, Stage::Pending { deadline, .. }) => Some(*deadline),
            _ => None,
        }
    }

    /// What the reseller must tell before work goes on.
    pub fn information_question(&self) -> Option<&Sealed> {
        match self {
            Self::Open(_, Stage::Pending { question, .. }) => Some(question),
            _ => None,
        }
    }

    /// Whether it was submitted and neither ended nor is to be cancelled: submitted, acknowledged, in progress,
    /// pending or held.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open(..))
    }

    /// Whether nothing happens to it any more.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Ended(..) | Self::Discarded(_))
    }

    fn placed(&self) -> Option<&Placed> {
        match self {
            Self::Open(placed, _)
            | Self::AssessingCancellation(placed, ..)
            | Self::PendingCancellation(placed)
            | Self::Ended(placed, _) => Some(placed),
            Self::New | Self::Draft(_) | Self::Discarded(_) => None,
        }
    }
}
