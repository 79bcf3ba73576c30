//! The conversation about one port with losing provider, range holder and network.
//!
//! Whose the numbers are and whether they work are two questions: a company is allocated them as soon as the port is
//! accepted, long before the network moves them. Absent: the numbers' holder while they are in use, which is the
//! company; the request holds their open port, and later what their users gave back.

pub mod commands;
pub mod events;
pub mod reason;
mod lifecycle;
mod decide;
mod draft;
mod messages;
mod deadlines;
mod known;
mod evolve;
mod claims;
mod errors;

use chrono::{DateTime, Utc};
use imbl::OrdSet;
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use self::{
    commands::{PortAction, PortCommand},
    events::{PortDetails, PortEvent, PortEventKind, Supplier},
    reason::PortRejection,
};
use crate::{
    calendar::PortWindow,
    decider::{Context, Decider},
    ids::{AggregateKind, CompanyId, OrderId, ResellerId},
    lifecycle::Lifecycle,
    names::MessageId,
    number::NumberSet,
    order::line::LineNumber,
};

use lifecycle::PortStep;

pub use deadlines::PortTimer;
pub use errors::{PortError, RequestFault};

/// A port request, holding at each stage what is known then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(PortStatus),
    doc = "The stages of a port request.",
    derive(PartialOrd, Ord, Hash, Serialize, Deserialize, strum::Display, IntoStaticStr, VariantArray),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum PortRequest {
    /// Nothing yet.
    #[default]
    New,
    /// Its order was submitted; nobody outside knows of it.
    Draft {
        /// What it is about.
        request: Box<Request>,
    },
    /// The losing provider was asked.
    AwaitingLcp {
        /// What it is about.
        request: Box<Request>,
        /// Its answer.
        answer: Answer,
        /// When the request is given up.
        given_up_at: DateTime<Utc>,
    },
    /// The losing provider accepts, on a date that nobody asked for.
    AwaitingDateAgreement {
        /// What it is about.
        request: Box<Request>,
        /// The date.
        proposed: PortWindow,
        /// When the request is given up.
        given_up_at: DateTime<Utc>,
    },
    /// The losing provider accepts; the range holder was asked.
    AwaitingRh {
        /// What it is about.
        request: Box<Request>,
        /// The date the losing provider accepts.
        window: PortWindow,
        /// When the request is given up.
        given_up_at: DateTime<Utc>,
    },
    /// Losing provider or range holder refuses.
    Rejected {
        /// What it is about.
        request: Box<Request>,
        /// Why.
        reasons: Vec<PortRejection>,
        /// When the request is given up.
        given_up_at: DateTime<Utc>,
    },
    /// Everybody accepts.
    Accepted {
        /// What it is about.
        request: Box<Request>,
        /// When the numbers will move.
        window: PortWindow,
    },
    /// Another date was asked for.
    DateChangePending {
        /// What it is about.
        request: Box<Request>,
        /// That date.
        asked: PortWindow,
        /// What stands until it is accepted.
        old: OldDate,
    },
    /// The window is open.
    ReadyToActivate {
        /// What it is about.
        request: Box<Request>,
        /// When it opened and closes.
        window: PortWindow,
    },
    /// The network was told to move the numbers.
    Activating {
        /// What it is about.
        request: Box<Request>,
        /// The window of the first attempt.
        window: PortWindow,
        /// The network's answer.
        answer: Answer,
        /// The numbers that worked before this attempt.
        live: NumberSet,
    },
    /// Some numbers work here, the others do not.
    PartiallyPorted {
        /// What it is about.
        request: Box<Request>,
        /// The window of the first attempt.
        window: PortWindow,
        /// The numbers that work.
        live: NumberSet,
    },
    /// The window closed before any number worked.
    Lapsed {
        /// What it is about.
        request: Box<Request>,
        /// When the request is given up.
        given_up_at: DateTime<Utc>,
    },
    /// The numbers work here.
    Ported {
        /// What it is about.
        request: Box<Request>,
        /// The numbers that somebody uses.
        live: NumberSet,
        /// Those that their users gave back.
        kept: NumberSet,
        /// Until when an emergency restore is possible.
        restorable_until: DateTime<Utc>,
    },
    /// It was not wanted any more.
    Cancelled {
        /// What it was about.
        request: Box<Request>,
    },
    /// The losing provider withdrew.
    Withdrawn {
        /// What it was about.
        request: Box<Request>,
    },
    /// Nothing happened for too long.
    TimedOut {
        /// What it was about.
        request: Box<Request>,
    },
    /// The numbers moved back in an emergency.
    Restored {
        /// What it was about.
        request: Box<Request>,
    },
    /// No number is used any more: they went back to the range holder.
    Returned {
        /// What it was about.
        request: Box<Request>,
    },
}

/// What is known of a request at every stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// For whom.
    pub reseller: ResellerId,
    /// The order that wants it.
    pub order: OrderId,
    /// Its line.
    pub line: LineNumber,
    /// The company that the order names.
    pub company: Option<CompanyId>,
    /// The company that has the numbers; a question apart from whether they work.
    pub allocated: Option<CompanyId>,
    /// What the losing provider is told.
    pub details: PortDetails,
    /// How often it was presented; 1 is the first time.
    pub attempt: u32,
    /// Every number.
    pub numbers: NumberSet,
    /// Those for which no other request may be made.
    pub open: NumberSet,
    /// What suppliers said already. Never forgotten, as the claims are not; one entry per event at most.
    pub messages: OrdSet<(Supplier, MessageId)>,
}

/// An answer that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It should come before this.
    DueBy(DateTime<Utc>),
    /// It should have come; somebody was told.
    Overdue,
}

/// What stands while another date is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OldDate {
    /// The date confirmed before.
    Stands(PortWindow),
    /// None: its window closed unused. The request is given up at this instant.
    Lapsed(DateTime<Utc>),
}

/// What every stage but the first has: its request, by whichever kind of reference the state is given.
macro_rules! at_any_stage {
    ($state:expr, $request:ident => $then:expr, $otherwise:expr) => {
        match $state {
            PortRequest::New => $otherwise,
            PortRequest::Draft { $request, .. }
            | PortRequest::AwaitingLcp { $request, .. }
            | PortRequest::AwaitingDateAgreement { $request, .. }
            | PortRequest::AwaitingRh { $request, .. }
            | PortRequest::Rejected { $request, .. }
            | PortRequest::Accepted { $request, .. }
            | PortRequest::DateChangePending { $request, .. }
            | PortRequest::ReadyToActivate { $request, .. }
            | PortRequest::Activating { $request, .. }
            | PortRequest::PartiallyPorted { $request, .. }
            | PortRequest::Lapsed { $request, .. }
            | PortRequest::Ported { $request, .. }
            | PortRequest::Cancelled { $request, .. }
            | PortRequest::Withdrawn { $request, .. }
            | PortRequest::TimedOut { $request, .. }
            | PortRequest::Restored { $request, .. }
            | PortRequest::Returned { $request, .. } => $then,
        }
    };
}

use at_any_stage;

impl Decider for PortRequest {
    const KIND: AggregateKind = AggregateKind::PortRequest;
    const LIFECYCLE: Lifecycle<PortStatus, PortAction, PortEventKind> = lifecycle::LIFECYCLE;

    type Command = PortCommand;
    type Event = PortEvent;
    type Error = PortError;
    type Status = PortStatus;
    type Action = PortAction;
    type EventKind = PortEventKind;

    fn status(&self) -> PortStatus {
        self.into()
    }

    fn may_take(&self, step: &PortStep) -> bool {
        known::may_take(self, *step)
    }

    fn action(command: &PortCommand) -> PortAction {
        command.into()
    }

    fn decide(&self, command: &PortCommand, context: &Context) -> Result<Vec<PortEvent>, Vec<PortError>> {
        decide::decide(self, command, context)
    }

    fn evolve(self, event: &PortEvent) -> Self {
        evolve::evolve(self, event)
    }
}

#[cfg(test)]
mod tests;
