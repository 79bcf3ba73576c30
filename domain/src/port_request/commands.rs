//! What somebody may want of a port request, and what suppliers say about it. What must change together with orders and
//! companies is joined above (`crate::joint`); these are the port request's own part.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::{
    events::{PortCancellation, Supplier},
    reason::PortRejection,
};
use crate::{
    address::Postcode,
    calendar::PortWindow,
    ids::{CompanyId, OrderId, ResellerId},
    lead_time::PortClass,
    names::{Cupid, MessageId},
    number::{NumberSet, TelephoneNumber},
    order::line::{LineNumber, PortLine},
    sealed::Sealed,
};

/// What somebody wants of a port request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(PortAction),
    doc = "The commands of a port request by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum PortCommand {
    /// Begin a request for a port line; fixes day 0.
    Draft {
        /// For whom.
        reseller: ResellerId,
        /// The order that wants it.
        order: OrderId,
        /// Its line.
        line: LineNumber,
        /// The company the numbers are for.
        company: Option<CompanyId>,
        /// What the line says.
        request: Box<PortLine>,
        /// How many single lines of one customer move at once.
        simultaneous: u32,
    },
    /// Send it to the losing provider.
    Submit,
    /// The answer is overdue (timer).
    AnswerOverdue,
    /// Nothing happened for too long (timer).
    TimeOut,
    /// Change it and send it again.
    Represent {
        /// What changes; at least one thing must.
        changes: PortChanges,
    },
    /// Agree to the proposed date.
    AgreeDate,
    /// Refuse the proposed date.
    RefuseDate,
    /// Let the numbers belong to a company.
    Allocate {
        /// Which.
        company: CompanyId,
    },
    /// Ask for another date.
    RequestDate {
        /// When the numbers should move.
        window: PortWindow,
    },
    /// The window opens (timer).
    OpenWindow,
    /// The window closes (timer).
    CloseWindow,
    /// Move the numbers now.
    Activate,
    /// The network is silent (timer).
    NetworkSilent,
    /// Try the rest of the numbers again.
    RetryActivation,
    /// Keep the live numbers; the rest goes back to the losing provider.
    ReturnRest,
    /// Do not want it any more.
    Cancel {
        /// Why.
        why: PortCancellation,
    },
    /// Its user gave numbers back.
    CeaseNumbers {
        /// Which.
        numbers: NumberSet,
    },
    /// The losing provider accepts.
    LcpAccept {
        /// Its message.
        message: MessageId,
        /// When the numbers will move.
        window: PortWindow,
    },
    /// The losing provider accepts as part of a range, on another date.
    LcpAcceptAsComplex {
        /// Its message.
        message: MessageId,
        /// When the numbers could move.
        proposed: PortWindow,
    },
    /// The range holder accepts.
    RhAccept {
        /// Its message.
        message: MessageId,
    },
    /// Losing provider or range holder refuses.
    SupplierReject {
        /// Its message.
        message: MessageId,
        /// Which of the two.
        by: Supplier,
        /// Why; at least one.
        reasons: Vec<PortRejection>,
    },
    /// The losing provider accepts another date.
    AcceptDateChange {
        /// Its message.
        message: MessageId,
        /// When the numbers will move.
        window: PortWindow,
    },
    /// The losing provider refuses another date.
    RefuseDateChange {
        /// Its message.
        message: MessageId,
    },
    /// The losing provider withdraws.
    LcpWithdraw {
        /// Its message.
        message: MessageId,
        /// Why, as it says.
        reason: Sealed,
    },
    /// The network tells which numbers work: all, some or none.
    NetworkReport {
        /// Its message.
        message: MessageId,
        /// The numbers that work here now.
        live: NumberSet,
    },
    /// The numbers moved back in an emergency.
    Restore {
        /// The message.
        message: MessageId,
        /// Who sent it.
        by: Supplier,
    },
}

impl PortCommand {
    /// The supplier's message that it passes on, and who sent it.
    pub fn message(&self) -> Option<(Supplier, &MessageId)> {
        match self {
            Self::LcpAccept { message, .. }
            | Self::LcpAcceptAsComplex { message, .. }
            | Self::AcceptDateChange { message, .. }
            | Self::RefuseDateChange { message }
            | Self::LcpWithdraw { message, .. } => Some((Supplier::Lcp, message)),
            Self::RhAccept { message } => Some((Supplier::Rh, message)),
            Self::NetworkReport { message, .. } => Some((Supplier::Network, message)),
            Self::SupplierReject { message, by, .. } | Self::Restore { message, by } => Some((*by, message)),
            _ => None,
        }
    }
}

/// What a re-presented request says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortChanges {
    /// Another class: the losing provider's word wins.
    pub class: Option<PortClass>,
    /// Another main billing number, of those in the request.
    pub main_number: Option<TelephoneNumber>,
    /// Another losing provider.
    pub losing_provider: Option<Cupid>,
    /// Another postcode.
    pub postcode: Option<Postcode>,
    /// Another account.
    pub account: Option<Sealed>,
    /// Another signatory.
    pub signatory: Option<Sealed>,
    /// Another window.
    pub window: Option<PortWindow>,
}
