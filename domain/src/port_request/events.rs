//! What happened to a port request. Stored for good: a shape never changes, it gets a new version beside it.
//!
//! What a dated table decided (lead time, deadlines) stands in the event with its inputs, so that an auditor can check it.
//! "The numbers, for the claims" are at most as many as one event may name: a larger port releases the others by
//! `OpenPortReleased` or `KeptNumbersReleased` just before, in the same commit.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::reason::PortRejection;
use crate::{
    address::Postcode,
    calendar::PortWindow,
    ids::{CompanyId, OrderId, ResellerId},
    lead_time::{LeadTime, PortRoute, PortShape},
    names::{Cupid, MessageId},
    number::{NumberSet, TelephoneNumber},
    order::line::LineNumber,
    sealed::Sealed,
};

/// What happened to a port request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants, IntoStaticStr)]
#[serde(deny_unknown_fields)]
#[strum_discriminants(
    name(PortEventKind),
    doc = "The events of a port request by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)
)]
pub enum PortEvent {
    /// An order with a port line was submitted. Takes the open port of its numbers.
    PortDrafted(Box<PortDraft>),
    /// Further numbers of the same draft, where there are more than one event names. Takes their open port.
    PortNumbersAdded {
        /// Which.
        numbers: NumberSet,
    },
    /// The request was sent to the losing provider.
    PortSubmitted {
        /// When an answer is overdue.
        overdue_at: DateTime<Utc>,
        /// When the request is given up unless something happens.
        given_up_at: DateTime<Utc>,
    },
    /// The losing provider accepts.
    LcpAccepted {
        /// Its message.
        message: MessageId,
        /// When the numbers will move.
        window: PortWindow,
        /// For a subsequent port: when the request is given up unless the range holder answers.
        given_up_at: Option<DateTime<Utc>>,
    },
    /// The losing provider accepts as part of a range, on another date.
    LcpAcceptedAsComplex {
        /// Its message.
        message: MessageId,
        /// When the numbers could move.
        proposed: PortWindow,
        /// When the request is given up unless the date is agreed.
        given_up_at: DateTime<Utc>,
    },
    /// The losing provider accepts an earlier date than was asked for; nobody wanted that yet.
    EarlierDateProposed {
        /// Its message.
        message: MessageId,
        /// When the numbers could move.
        proposed: PortWindow,
        /// When the request is given up unless the date is agreed.
        given_up_at: DateTime<Utc>,
    },
    /// The proposed date was agreed.
    DateAgreed {
        /// When the numbers will move.
        window: PortWindow,
        /// For a subsequent port: when the request is given up unless the range holder answers.
        given_up_at: Option<DateTime<Utc>>,
    },
    /// The range holder accepts too.
    RhAccepted {
        /// Its message.
        message: MessageId,
    },
    /// Losing provider or range holder refuses.
    PortRejected {
        /// Its message.
        message: MessageId,
        /// Which of the two.
        by: Supplier,
        /// Why; at least one.
        reasons: Vec<PortRejection>,
        /// When the request is given up unless it is presented again.
        given_up_at: DateTime<Utc>,
    },
    /// The answer is overdue.
    PortOverdue,
    /// The request was changed and sent again; its lead time started again.
    PortRepresented {
        /// What it says now.
        details: Box<PortDetails>,
        /// Which attempt this is, the first being 1.
        attempt: u32,
        /// When an answer is overdue.
        overdue_at: DateTime<Utc>,
        /// When the request is given up unless something happens.
        given_up_at: DateTime<Utc>,
    },
    /// Nothing happened for too long. Releases the open port.
    PortTimedOut {
        /// The numbers, for the claims.
        numbers: NumberSet,
    },
    /// The numbers belong to a company, though they do not work yet.
    PortAllocated {
        /// Which.
        company: CompanyId,
    },
    /// Another date was asked for.
    DateChangeRequested {
        /// When the numbers should move.
        window: PortWindow,
        /// From which working day the lead time counts.
        day_zero: NaiveDate,
        /// The lead time it keeps.
        lead_time: LeadTime,
        /// For a lapsed request, which has no old date: when it is given up unless the change is answered.
        given_up_at: Option<DateTime<Utc>>,
    },
    /// Another date was accepted.
    DateChangeAccepted {
        /// The losing provider's message.
        message: MessageId,
        /// When the numbers will move.
        window: PortWindow,
    },
    /// Another date was refused: the old one stands.
    DateChangeRefused {
        /// The losing provider's message.
        message: MessageId,
    },
    /// The old window opened before the change was answered: the change is off.
    DateChangeLapsed,
    /// The losing provider withdraws. Releases the open port.
    PortWithdrawn {
        /// Its message.
        message: MessageId,
        /// Why, as it says.
        reason: Sealed,
        /// The numbers, for the claims.
        numbers: NumberSet,
    },
    /// We do not want it any more. Releases the open port.
    PortCancelled {
        /// Why.
        why: PortCancellation,
        /// The numbers, for the claims.
        numbers: NumberSet,
    },
    /// The window opened.
    WindowOpened,
    /// The window closed and nobody had activated.
    WindowClosed {
        /// When the request is given up unless another date is asked for.
        given_up_at: DateTime<Utc>,
    },
    /// The network was told to move the numbers.
    ActivationRequested {
        /// When the network's silence becomes a jeopardy.
        overdue_at: DateTime<Utc>,
    },
    /// The network has not answered in time.
    NetworkOverdue,
    /// A part of the numbers of a large port about to end, where one event cannot name them all. Releases their open port.
    OpenPortReleased {
        /// Which.
        numbers: NumberSet,
    },
    /// All numbers work here. Releases the open port.
    PortCompleted {
        /// The network's message; `None` where the rest went back by our own choice.
        message: Option<MessageId>,
        /// The numbers that work here.
        live: NumberSet,
        /// The numbers that went back to the losing provider.
        returned: NumberSet,
        /// The numbers, for the claims.
        numbers: NumberSet,
        /// Until when an emergency restore is possible.
        restorable_until: DateTime<Utc>,
    },
    /// Some numbers work here.
    PortPartlyCompleted {
        /// The network's message.
        message: MessageId,
        /// The numbers that work here now.
        live: NumberSet,
        /// The numbers that do not.
        failed: NumberSet,
    },
    /// No number works here; the window is still open, or the request lapses.
    ActivationFailed {
        /// The network's message.
        message: MessageId,
        /// Where the window is over: when the request is given up unless another date is asked for.
        given_up_at: Option<DateTime<Utc>>,
    },
    /// The numbers moved back in an emergency. Releases what was kept.
    PortRestored {
        /// Its sender's message.
        message: MessageId,
        /// Who sent it.
        by: Supplier,
        /// The numbers that worked for a user until now.
        numbers: NumberSet,
        /// Ceased numbers that the request kept, for the claims.
        kept: NumberSet,
    },
    /// Numbers ported in were ceased by their user; the request keeps them until the whole range is unused. Takes them.
    PortedNumbersCeased {
        /// Which.
        numbers: NumberSet,
    },
    /// A part of the kept numbers of a large port about to go back, where one event cannot name them all. Releases them.
    KeptNumbersReleased {
        /// Which.
        numbers: NumberSet,
    },
    /// The whole range is unused and goes back to the range holder. Releases what was kept.
    PortReturned {
        /// The numbers, for the claims.
        numbers: NumberSet,
    },
    /// A supplier said something that changes nothing here.
    SupplierMessageIgnored {
        /// The message.
        message: MessageId,
        /// Who sent it.
        by: Supplier,
        /// Why it changes nothing.
        why: IgnoredBecause,
    },
}

impl PortEvent {
    /// The supplier's message that led to it, and who sent it.
    pub fn message(&self) -> Option<(Supplier, &MessageId)> {
        match self {
            Self::LcpAccepted { message, .. }
            | Self::LcpAcceptedAsComplex { message, .. }
            | Self::EarlierDateProposed { message, .. }
            | Self::DateChangeAccepted { message, .. }
            | Self::DateChangeRefused { message }
            | Self::PortWithdrawn { message, .. } => Some((Supplier::Lcp, message)),
            Self::RhAccepted { message } => Some((Supplier::Rh, message)),
            Self::PortCompleted { message, .. } => message.as_ref().map(|it| (Supplier::Network, it)),
            Self::PortPartlyCompleted { message, .. } | Self::ActivationFailed { message, .. } => {
                Some((Supplier::Network, message))
            }
            Self::PortRejected { message, by, .. }
            | Self::PortRestored { message, by, .. }
            | Self::SupplierMessageIgnored { message, by, .. } => Some((*by, message)),
            _ => None,
        }
    }
}

/// What a port request is about from its first moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortDraft {
    /// For whom.
    pub reseller: ResellerId,
    /// The order that wants it.
    pub order: OrderId,
    /// Its line.
    pub line: LineNumber,
    /// The company the numbers are for, if the order names one.
    pub company: Option<CompanyId>,
    /// The first numbers of `details`, at most as many as an event names.
    pub numbers: NumberSet,
    /// What the losing provider is told.
    pub details: PortDetails,
}

/// What the losing provider is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortDetails {
    /// What decides the lead time.
    pub shape: PortShape,
    /// Whether the range holder must accept too.
    pub route: PortRoute,
    /// The number, or the main billing number.
    pub main_number: TelephoneNumber,
    /// Who has the numbers now.
    pub losing_provider: Cupid,
    /// To whom Ofcom allocated them.
    pub range_holder: Cupid,
    /// The postcode it knows; never corrected.
    pub postcode: Postcode,
    /// The account there.
    pub account: Sealed,
    /// Who signed the letter of authority.
    pub signatory: Sealed,
    /// When the numbers should move.
    pub window: PortWindow,
    /// From which working day the lead time counts.
    pub day_zero: NaiveDate,
    /// The row of the dated table that applied.
    pub lead_time: LeadTime,
}

/// Who outside may speak about a port.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Supplier {
    /// The losing provider.
    Lcp,
    /// The range holder.
    Rh,
    /// The network.
    Network,
}

/// Why we do not want a port any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortCancellation {
    /// The reseller asked.
    Requested,
    /// Its order was cancelled or rejected, or its line failed.
    OrderEnded,
    /// The proposed date was refused.
    DateRefused,
}

/// Why a supplier's message changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoredBecause {
    /// The request is not where such a message could change it.
    NotExpected,
    /// The request has ended.
    Ended,
    /// It names numbers that are not in the request.
    UnknownNumbers,
    /// It names a date that cannot be: past, or no working day.
    ImpossibleDate,
    /// It accepts an earlier date than a date change asked for; only that date was asked.
    EarlierThanAsked,
    /// It came after the restoration period.
    TooLate,
}
