//! What resellers are told: the types of notice, and which event makes which.
//!
//! Types are versioned apart from events, by the number that ends them: a receiver that knows one never meets another
//! shape under it. Absent: rows and sequences, see [`views::notices`](crate::views::notices), and delivery.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::{
    company::events::{CompanyEvent, ReservationEnd, WithdrawalReason},
    fact::Happened,
    order::{events::OrderEvent, line::Milestone},
    port_request::events::PortEvent,
    webhook::events::WebhookEvent,
};

macro_rules! notice_types {
    ($($(#[$doc:meta])* $name:ident = $type:literal;)*) => {
        /// A type of notice; its text is the `type` of the `CloudEvent`.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString,
            IntoStaticStr, VariantArray,
        )]
        pub enum NoticeType {
            $(
                $(#[$doc])*
                #[serde(rename = $type)]
                #[strum(serialize = $type)]
                $name,
            )*
        }
    };
}

notice_types! {
    /// The carrier has accepted the order for processing.
    OrderAcknowledged = "com.orderwire.order.acknowledged.v1";
    /// The carrier will not process it; the data says why.
    OrderRejected = "com.orderwire.order.rejected.v1";
    /// A line is done.
    LineCompleted = "com.orderwire.order.line_completed.v1";
    /// A line could not be done.
    LineFailed = "com.orderwire.order.line_failed.v1";
    /// A line will not be done.
    LineCancelled = "com.orderwire.order.line_cancelled.v1";
    /// Work on a line stopped for a while.
    LineHeld = "com.orderwire.order.line_held.v1";
    /// Work on a line goes on.
    LineResumed = "com.orderwire.order.line_resumed.v1";
    /// The ported numbers of a line belong to the company, though they do not work yet.
    LineAllocated = "com.orderwire.order.line_allocated.v1";
    /// A line has passed its point of no return; it will be done.
    LineCommitted = "com.orderwire.order.line_committed.v1";
    /// Information must come before work goes on.
    InformationRequired = "com.orderwire.order.information_required.v1";
    /// Information did not come in time.
    InformationOverdue = "com.orderwire.order.information_overdue.v1";
    /// Work on the whole order stopped for a while.
    OrderHeld = "com.orderwire.order.held.v1";
    /// Work on the whole order goes on.
    OrderResumed = "com.orderwire.order.resumed.v1";
    /// What is still open will be cancelled.
    CancellationAccepted = "com.orderwire.order.cancellation_accepted.v1";
    /// The order cannot be cancelled any more; the data says which lines are too far.
    CancellationRefused = "com.orderwire.order.cancellation_refused.v1";
    /// The last open line ended before the cancellation was answered.
    CancellationTooLate = "com.orderwire.order.cancellation_too_late.v1";
    /// Every line is done.
    OrderCompleted = "com.orderwire.order.completed.v1";
    /// Some lines are done, the others will not be.
    OrderPartlyCompleted = "com.orderwire.order.partly_completed.v1";
    /// No line is done, and at least one could not be.
    OrderFailed = "com.orderwire.order.failed.v1";
    /// No line is done; none was wanted any more.
    OrderCancelled = "com.orderwire.order.cancelled.v1";
    /// A draft was discarded because nobody touched it.
    OrderDiscarded = "com.orderwire.order.discarded.v1";
    /// Everybody who must has accepted the port; the data has its date.
    PortAccepted = "com.orderwire.port.accepted.v1";
    /// The losing provider has accepted the port, the range holder must too.
    PortAwaitsRangeHolder = "com.orderwire.port.awaits_range_holder.v1";
    /// The losing provider proposes another date, which must be agreed.
    PortDateProposed = "com.orderwire.port.date_proposed.v1";
    /// Losing provider or range holder refuses; the data says why and who must act.
    PortRejected = "com.orderwire.port.rejected.v1";
    /// The answer is overdue.
    PortOverdue = "com.orderwire.port.overdue.v1";
    /// The numbers belong to a company, though they do not work yet.
    PortAllocated = "com.orderwire.port.allocated.v1";
    /// Another date was accepted.
    PortDateChanged = "com.orderwire.port.date_changed.v1";
    /// Another date was refused; the old one stands.
    PortDateChangeRefused = "com.orderwire.port.date_change_refused.v1";
    /// The old window opened before the other date was answered; the old one stands.
    PortDateChangeLapsed = "com.orderwire.port.date_change_lapsed.v1";
    /// The window is open: the port can be activated.
    PortReadyToActivate = "com.orderwire.port.ready_to_activate.v1";
    /// The window closed and nobody had activated.
    PortLapsed = "com.orderwire.port.lapsed.v1";
    /// No number moved.
    PortActivationFailed = "com.orderwire.port.activation_failed.v1";
    /// The network has not answered in time.
    PortNetworkOverdue = "com.orderwire.port.network_overdue.v1";
    /// The numbers work here.
    PortCompleted = "com.orderwire.port.ported.v1";
    /// Some numbers work here.
    PortPartlyCompleted = "com.orderwire.port.partly_ported.v1";
    /// The losing provider has withdrawn.
    PortWithdrawn = "com.orderwire.port.withdrawn.v1";
    /// Nothing happened for too long.
    PortTimedOut = "com.orderwire.port.timed_out.v1";
    /// It is not wanted any more.
    PortCancelled = "com.orderwire.port.cancelled.v1";
    /// The numbers moved back in an emergency.
    PortRestored = "com.orderwire.port.restored.v1";
    /// A reservation is about to end; what no order uses by then is free again.
    ReservationExpiring = "com.orderwire.reservation.expiring.v1";
    /// Numbers that were reserved are free again, because time is over.
    ReservationExpired = "com.orderwire.reservation.expired.v1";
    /// A qualification is about to end; it can be extended, or an order submitted.
    QualificationExpiring = "com.orderwire.qualification.expiring.v1";
    /// Name and domain of a company are free again, because time is over.
    QualificationExpired = "com.orderwire.qualification.expired.v1";
    /// The last order for a company ended without it in service: its qualification counts again, and runs out.
    QualificationResumed = "com.orderwire.qualification.resumed.v1";
    /// Numbers of a company moved on to another provider.
    NumbersPortedOut = "com.orderwire.numbers.ported_out.v1";
    /// Nothing new may be ordered for a company.
    CompanySuspended = "com.orderwire.company.suspended.v1";
    /// A company may be ordered for again.
    CompanyResumed = "com.orderwire.company.resumed.v1";
    /// Notices did not arrive at a webhook for too long; none are sent there until somebody resumes it.
    WebhookPaused = "com.orderwire.webhook.paused.v1";
    /// The endpoint of a webhook said that it is gone; none are sent there until somebody resumes it.
    WebhookDisabled = "com.orderwire.webhook.disabled.v1";
}

impl NoticeType {
    /// The `type` of the `CloudEvent`.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// The type without what is the same for all of them, such as `order.completed`.
    pub fn short(self) -> &'static str {
        let word = self.word().strip_prefix("com.orderwire.").expect("every type begins so");
        word.rsplit_once(".v").expect("every type ends in its version").0
    }

    /// The type of this name, in full or short.
    pub fn named(name: &str) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|known| name == known.word() || name == known.short())
    }

    /// Whether it tells that an order has ended; nothing of that order follows it.
    pub fn ends_an_order(self) -> bool {
        matches!(
            self,
            Self::OrderRejected
                | Self::OrderCompleted
                | Self::OrderPartlyCompleted
                | Self::OrderFailed
                | Self::OrderCancelled
                | Self::OrderDiscarded
        )
    }

    /// What resellers are told of an event, if anything.
    pub fn of(happened: &Happened) -> Option<Self> {
        match happened {
            Happened::Order(_, event) => Self::of_order(event),
            Happened::PortRequest(_, event) => Self::of_port(event),
            Happened::Company(_, event) => Self::of_company(event),
            Happened::Webhook(_, event) => Self::of_webhook(event),
            Happened::NumberBlock(..) | Happened::Reseller(..) => None,
        }
    }

    /// Numbers that are gone for another reason are told with their port.
    fn of_company(event: &CompanyEvent) -> Option<Self> {
        match event {
            CompanyEvent::ReservationExpiring { .. } => Some(Self::ReservationExpiring),
            CompanyEvent::QualificationExpiring { .. } => Some(Self::QualificationExpiring),
            CompanyEvent::ReservationEnded { how: ReservationEnd::Expired, .. } => {
                Some(Self::ReservationExpired)
            }
            CompanyEvent::CompanyExpired { .. } => Some(Self::QualificationExpired),
            CompanyEvent::OrderClosed { qualified_until: Some(_), .. } => Some(Self::QualificationResumed),
            CompanyEvent::NumbersWithdrawn { why: WithdrawalReason::PortedOut, .. } => {
                Some(Self::NumbersPortedOut)
            }
            CompanyEvent::CompanySuspended { .. } => Some(Self::CompanySuspended),
            CompanyEvent::CompanyResumed => Some(Self::CompanyResumed),
            _ => None,
        }
    }

    /// What becomes of a webhook without anybody asking for it.
    fn of_webhook(event: &WebhookEvent) -> Option<Self> {
        match event {
            WebhookEvent::WebhookStopped { .. } => Some(Self::WebhookPaused),
            WebhookEvent::WebhookGone => Some(Self::WebhookDisabled),
            _ => None,
        }
    }

    /// What the reseller does itself, it need not be told; nor that work on a line began.
    fn of_order(event: &OrderEvent) -> Option<Self> {
        Some(match event {
            OrderEvent::OrderAcknowledged => Self::OrderAcknowledged,
            OrderEvent::OrderRejected { .. } => Self::OrderRejected,
            OrderEvent::LineCompleted { .. } => Self::LineCompleted,
            OrderEvent::LineFailed { .. } => Self::LineFailed,
            OrderEvent::LineCancelled { .. } => Self::LineCancelled,
            OrderEvent::LineHeld { .. } => Self::LineHeld,
            OrderEvent::LineResumed { .. } => Self::LineResumed,
            OrderEvent::LineMilestoneReached { milestone: Milestone::Allocated, .. } => Self::LineAllocated,
            OrderEvent::LineMilestoneReached { milestone: Milestone::Committed, .. } => Self::LineCommitted,
            OrderEvent::InformationRequired { .. } => Self::InformationRequired,
            OrderEvent::InformationOverdue => Self::InformationOverdue,
            OrderEvent::OrderHeld { .. } => Self::OrderHeld,
            OrderEvent::OrderResumed => Self::OrderResumed,
            OrderEvent::CancellationAccepted => Self::CancellationAccepted,
            OrderEvent::CancellationRefused { .. } => Self::CancellationRefused,
            OrderEvent::CancellationTooLate => Self::CancellationTooLate,
            OrderEvent::OrderCompleted => Self::OrderCompleted,
            OrderEvent::OrderPartlyCompleted => Self::OrderPartlyCompleted,
            OrderEvent::OrderFailed => Self::OrderFailed,
            OrderEvent::OrderCancelled => Self::OrderCancelled,
            OrderEvent::OrderDiscarded { untouched: true, .. } => Self::OrderDiscarded,
            OrderEvent::OrderCreated { .. }
            | OrderEvent::LineAdded { .. }
            | OrderEvent::LineChanged { .. }
            | OrderEvent::LineRemoved { .. }
            | OrderEvent::LineAmended { .. }
            | OrderEvent::OrderDiscarded { untouched: false, .. }
            | OrderEvent::OrderSubmitted { .. }
            | OrderEvent::LineStarted { .. }
            | OrderEvent::InformationProvided { .. }
            | OrderEvent::CancellationRequested { .. } => return None,
        })
    }

    fn of_port(event: &PortEvent) -> Option<Self> {
        Some(match event {
            PortEvent::LcpAccepted { given_up_at: Some(_), .. }
            | PortEvent::DateAgreed { given_up_at: Some(_), .. } => Self::PortAwaitsRangeHolder,
            PortEvent::LcpAccepted { .. } | PortEvent::DateAgreed { .. } | PortEvent::RhAccepted { .. } => {
                Self::PortAccepted
            }
            PortEvent::LcpAcceptedAsComplex { .. } | PortEvent::EarlierDateProposed { .. } => {
                Self::PortDateProposed
            }
            PortEvent::PortRejected { .. } => Self::PortRejected,
            PortEvent::PortOverdue => Self::PortOverdue,
            PortEvent::PortAllocated { .. } => Self::PortAllocated,
            PortEvent::DateChangeAccepted { .. } => Self::PortDateChanged,
            PortEvent::DateChangeRefused { .. } => Self::PortDateChangeRefused,
            PortEvent::DateChangeLapsed => Self::PortDateChangeLapsed,
            PortEvent::WindowOpened => Self::PortReadyToActivate,
            PortEvent::WindowClosed { .. } => Self::PortLapsed,
            PortEvent::ActivationFailed { .. } => Self::PortActivationFailed,
            PortEvent::NetworkOverdue => Self::PortNetworkOverdue,
            PortEvent::PortCompleted { .. } => Self::PortCompleted,
            PortEvent::PortPartlyCompleted { .. } => Self::PortPartlyCompleted,
            PortEvent::PortWithdrawn { .. } => Self::PortWithdrawn,
            PortEvent::PortTimedOut { .. } => Self::PortTimedOut,
            PortEvent::PortCancelled { .. } => Self::PortCancelled,
            PortEvent::PortRestored { .. } => Self::PortRestored,
            PortEvent::PortDrafted(_)
            | PortEvent::PortNumbersAdded { .. }
            | PortEvent::PortSubmitted { .. }
            | PortEvent::PortRepresented { .. }
            | PortEvent::DateChangeRequested { .. }
            | PortEvent::ActivationRequested { .. }
            | PortEvent::PortedNumbersCeased { .. }
            | PortEvent::OpenPortReleased { .. }
            | PortEvent::KeptNumbersReleased { .. }
            | PortEvent::PortReturned { .. }
            | PortEvent::SupplierMessageIgnored { .. } => return None,
        })
    }
}
