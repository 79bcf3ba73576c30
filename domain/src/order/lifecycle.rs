//! When what may happen to an order, and to one of its lines.
//!
//! Deliberately absent: rows for a supplier's word while the order is acknowledged. A line that has begun has moved its
//! order on to in progress, so there is nothing yet that a supplier could speak about, and nothing completed either.

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{commands::OrderAction, events::OrderEventKind, line::LineStatus};
use crate::lifecycle::{Lifecycle, step};

/// Where an order is.
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
    Display,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrderStatus {
    /// Not begun.
    New,
    /// The reseller still writes it.
    Draft,
    /// The reseller wants it done.
    Submitted,
    /// The carrier has accepted it for processing.
    Acknowledged,
    /// Work has begun.
    InProgress,
    /// The reseller must tell something first.
    Pending,
    /// Work is stopped for a while.
    Held,
    /// The carrier looks whether it can still be cancelled.
    AssessingCancellation,
    /// It will be cancelled; what is open ends.
    PendingCancellation,
    /// The carrier did not take it.
    Rejected,
    /// Every line is done.
    Completed,
    /// Some lines are done.
    Partial,
    /// No line is done, and at least one could not be.
    Failed,
    /// No line is done or was wanted any more.
    Cancelled,
    /// The draft was given up.
    Discarded,
}

/// Every step of an order.
#[rustfmt::skip]
// The lint is silent when tests are built, so the expectation must be too.
#[cfg_attr(not(test), expect(clippy::enum_glob_use, reason = "a row reads as a sentence of bare words"))]
pub(super) const ORDER: Lifecycle<OrderStatus, OrderAction, OrderEventKind> = {
    use {OrderAction::*, OrderEventKind::*, OrderStatus::*};
    Lifecycle(&[
        //   from                   action                     event                 to
        step(New,                   Create,                    OrderCreated,         Draft),
        step(Draft,                 AddLine,                   LineAdded,            Draft),
        step(Draft,                 ChangeLine,                LineChanged,          Draft),
        step(Draft,                 RemoveLine,                LineRemoved,          Draft),
        step(Draft,                 Discard,                   OrderDiscarded,       Discarded),
        step(Draft,                 DiscardUntouched,          OrderDiscarded,       Discarded),
        step(Draft,                 Submit,                    OrderSubmitted,       Submitted),

        step(Submitted,             Acknowledge,               OrderAcknowledged,    Acknowledged),
        step(Submitted,             Reject,                    OrderRejected,        Rejected),
        step(Submitted,             AmendLine,                 LineAmended,          Submitted),
        step(Submitted,             RequestCancellation,       CancellationRequested, AssessingCancellation),

        step(Acknowledged,          Reject,                    OrderRejected,        Rejected),
        step(Acknowledged,          StartLine,                 LineStarted,          InProgress),
        step(Acknowledged,          FailLine,                  LineFailed,           Acknowledged),
        step(Acknowledged,          FailLine,                  LineCancelled,        Acknowledged),
        step(Acknowledged,          FailLine,                  OrderFailed,          Failed),
        step(Acknowledged,          AmendLine,                 LineAmended,          Acknowledged),
        step(Acknowledged,          RequireInformation,        InformationRequired,  Pending),
        step(Acknowledged,          RequestCancellation,       CancellationRequested, AssessingCancellation),

        step(InProgress,            StartLine,                 LineStarted,          InProgress),
        step(InProgress,            ReachMilestone,            LineMilestoneReached, InProgress),
        step(InProgress,            HoldLine,                  LineHeld,             InProgress),
        step(InProgress,            ResumeLine,                LineResumed,          InProgress),
        step(InProgress,            CompleteLine,              LineCompleted,        InProgress),
        step(InProgress,            CompleteLine,              OrderCompleted,       Completed),
        step(InProgress,            CompleteLine,              OrderPartlyCompleted, Partial),
        step(InProgress,            FailLine,                  LineFailed,           InProgress),
        step(InProgress,            FailLine,                  LineCancelled,        InProgress),
        step(InProgress,            FailLine,                  OrderPartlyCompleted, Partial),
        step(InProgress,            FailLine,                  OrderFailed,          Failed),
        step(InProgress,            AmendLine,                 LineAmended,          InProgress),
        step(InProgress,            RequireInformation,        InformationRequired,  Pending),
        step(InProgress,            Hold,                      OrderHeld,            Held),
        step(InProgress,            RequestCancellation,       CancellationRequested, AssessingCancellation),

        step(Pending,               ReachMilestone,            LineMilestoneReached, Pending),
        step(Pending,               HoldLine,                  LineHeld,             Pending),
        step(Pending,               ResumeLine,                LineResumed,          Pending),
        step(Pending,               CompleteLine,              LineCompleted,        Pending),
        step(Pending,               CompleteLine,              OrderCompleted,       Completed),
        step(Pending,               CompleteLine,              OrderPartlyCompleted, Partial),
        step(Pending,               FailLine,                  LineFailed,           Pending),
        step(Pending,               FailLine,                  LineCancelled,        Pending),
        step(Pending,               FailLine,                  OrderPartlyCompleted, Partial),
        step(Pending,               FailLine,                  OrderFailed,          Failed),
        step(Pending,               AmendLine,                 LineAmended,          Pending),
        step(Pending,               ProvideInformation,        InformationProvided,  Acknowledged),
        step(Pending,               ProvideInformation,        InformationProvided,  InProgress),
        step(Pending,               InformationDeadlinePasses, InformationOverdue,   AssessingCancellation),
        step(Pending,               RequestCancellation,       CancellationRequested, AssessingCancellation),

        step(Held,                  ReachMilestone,            LineMilestoneReached, Held),
        step(Held,                  HoldLine,                  LineHeld,             Held),
        step(Held,                  ResumeLine,                LineResumed,          Held),
        step(Held,                  CompleteLine,              LineCompleted,        Held),
        step(Held,                  CompleteLine,              OrderCompleted,       Completed),
        step(Held,                  CompleteLine,              OrderPartlyCompleted, Partial),
        step(Held,                  FailLine,                  LineFailed,           Held),
        step(Held,                  FailLine,                  LineCancelled,        Held),
        step(Held,                  FailLine,                  OrderPartlyCompleted, Partial),
        step(Held,                  FailLine,                  OrderFailed,          Failed),
        step(Held,                  AmendLine,                 LineAmended,          Held),
        step(Held,                  Resume,                    OrderResumed,         InProgress),
        step(Held,                  RequestCancellation,       CancellationRequested, AssessingCancellation),

        step(AssessingCancellation, ReachMilestone,            LineMilestoneReached, AssessingCancellation),
        step(AssessingCancellation, HoldLine,                  LineHeld,             AssessingCancellation),
        step(AssessingCancellation, ResumeLine,                LineResumed,          AssessingCancellation),
        step(AssessingCancellation, CompleteLine,              LineCompleted,        AssessingCancellation),
        step(AssessingCancellation, CompleteLine,              CancellationTooLate,  AssessingCancellation),
        step(AssessingCancellation, CompleteLine,              OrderCompleted,       Completed),
        step(AssessingCancellation, CompleteLine,              OrderPartlyCompleted, Partial),
        step(AssessingCancellation, FailLine,                  LineFailed,           AssessingCancellation),
        step(AssessingCancellation, FailLine,                  LineCancelled,        AssessingCancellation),
        step(AssessingCancellation, FailLine,                  CancellationTooLate,  AssessingCancellation),
        step(AssessingCancellation, FailLine,                  OrderPartlyCompleted, Partial),
        step(AssessingCancellation, FailLine,                  OrderFailed,          Failed),
        step(AssessingCancellation, AmendLine,             LineAmended,          AssessingCancellation),
        step(AssessingCancellation, AcceptCancellation,        CancellationAccepted, PendingCancellation),
        step(AssessingCancellation, RefuseCancellation,        CancellationRefused,  Submitted),
        step(AssessingCancellation, RefuseCancellation,        CancellationRefused,  Acknowledged),
        step(AssessingCancellation, RefuseCancellation,        CancellationRefused,  InProgress),
        step(AssessingCancellation, RefuseCancellation,        CancellationRefused,  Pending),
        step(AssessingCancellation, RefuseCancellation,        CancellationRefused,  Held),

        step(PendingCancellation,   ReachMilestone,            LineMilestoneReached, PendingCancellation),
        step(PendingCancellation,   HoldLine,                  LineHeld,             PendingCancellation),
        step(PendingCancellation,   ResumeLine,                LineResumed,          PendingCancellation),
        step(PendingCancellation,   CompleteLine,              LineCompleted,        PendingCancellation),
        step(PendingCancellation,   CompleteLine,              OrderCompleted,       Completed),
        step(PendingCancellation,   CompleteLine,              OrderPartlyCompleted, Partial),
        step(PendingCancellation,   FailLine,                  LineFailed,           PendingCancellation),
        step(PendingCancellation,   FailLine,                  LineCancelled,        PendingCancellation),
        step(PendingCancellation,   FailLine,                  OrderPartlyCompleted, Partial),
        step(PendingCancellation,   FailLine,                  OrderFailed,          Failed),
        step(PendingCancellation,   CancelLine,                LineCancelled,        PendingCancellation),
        step(PendingCancellation,   CancelLine,                OrderPartlyCompleted, Partial),
        step(PendingCancellation,   CancelLine,                OrderFailed,          Failed),
        step(PendingCancellation,   CancelLine,                OrderCancelled,       Cancelled),
    ])
};

/// Every step of one line, once its order is submitted. Which line may be amended after it began is a guard.
#[rustfmt::skip]
// The lint is silent when tests are built, so the expectation must be too.
#[cfg_attr(not(test), expect(clippy::enum_glob_use, reason = "a row reads as a sentence of bare words"))]
pub(super) const LINE: Lifecycle<LineStatus, OrderAction, OrderEventKind> = {
    use {LineStatus::*, OrderAction::*, OrderEventKind::*};
    Lifecycle(&[
        //   from        action          event                 to
        step(Waiting,    StartLine,      LineStarted,          InProgress),
        step(Waiting,    AmendLine,      LineAmended,          Waiting),
        step(Waiting,    FailLine,       LineFailed,           Failed),
        step(Waiting,    CancelLine,     LineCancelled,        Cancelled),
        step(InProgress, AmendLine,      LineAmended,          InProgress),
        step(InProgress, ReachMilestone, LineMilestoneReached, InProgress),
        step(InProgress, HoldLine,       LineHeld,             Held),
        step(InProgress, CompleteLine,   LineCompleted,        Completed),
        step(InProgress, FailLine,       LineFailed,           Failed),
        step(InProgress, CancelLine,     LineCancelled,        Cancelled),
        step(Held,       AmendLine,      LineAmended,          Held),
        step(Held,       ReachMilestone, LineMilestoneReached, Held),
        step(Held,       ResumeLine,     LineResumed,          InProgress),
        step(Held,       CompleteLine,   LineCompleted,        Completed),
        step(Held,       FailLine,       LineFailed,           Failed),
        step(Held,       CancelLine,     LineCancelled,        Cancelled),
    ])
};
