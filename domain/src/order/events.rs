//! What happened to an order. Stored for good: a shape never changes, it gets a new version beside it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::line::{LineFailure, LineNumber, LineRequest, Milestone};
use crate::{
    ids::{AssetId, CompanyId, PortRequestId, ResellerId},
    names::OrderReference,
    refusal::Reason,
    sealed::Sealed,
};

/// What happened to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants, IntoStaticStr)]
#[serde(deny_unknown_fields)]
#[strum_discriminants(
    name(OrderEventKind),
    doc = "The events of an order by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)
)]
pub enum OrderEvent {
    /// A draft was begun. Takes the reference within the reseller.
    OrderCreated {
        /// Whose.
        reseller: ResellerId,
        /// The reseller's own reference.
        reference: OrderReference,
        /// For which company; a number import may name none.
        company: Option<CompanyId>,
        /// When the draft is discarded unless somebody touches it.
        untouched_until: DateTime<Utc>,
    },
    /// A line was added to the draft.
    LineAdded {
        /// Its number.
        line: LineNumber,
        /// What it asks for.
        request: LineRequest,
        /// When the draft is discarded unless somebody touches it.
        untouched_until: DateTime<Utc>,
    },
    /// A line of the draft asks for something else.
    LineChanged {
        /// Its number.
        line: LineNumber,
        /// What it asks for now.
        request: LineRequest,
        /// When the draft is discarded unless somebody touches it.
        untouched_until: DateTime<Utc>,
    },
    /// A line was taken out of the draft.
    LineRemoved {
        /// Its number.
        line: LineNumber,
        /// When the draft is discarded unless somebody touches it.
        untouched_until: DateTime<Utc>,
    },
    /// The draft was given up. Releases the reference.
    OrderDiscarded {
        /// Whose, for the claim.
        reseller: ResellerId,
        /// The reseller's own reference.
        reference: OrderReference,
        /// Whether nobody touched it, rather than somebody discarding it.
        untouched: bool,
    },
    /// The reseller wants it done; everything it needs is held from here on.
    OrderSubmitted {
        /// The service ids that its lines will have.
        assets: Vec<(LineNumber, AssetId)>,
        /// The port requests of its port lines.
        port_requests: Vec<(LineNumber, PortRequestId)>,
    },
    /// The carrier has accepted it for processing.
    OrderAcknowledged,
    /// The carrier will not process it.
    OrderRejected {
        /// Why; at least one.
        reasons: Vec<Reason>,
    },
    /// Work on a line began.
    LineStarted {
        /// Its number.
        line: LineNumber,
    },
    /// A line got further.
    LineMilestoneReached {
        /// Its number.
        line: LineNumber,
        /// How far.
        milestone: Milestone,
    },
    /// Work on a line stopped for a while.
    LineHeld {
        /// Its number.
        line: LineNumber,
        /// Why.
        reason: Sealed,
    },
    /// Work on a line goes on.
    LineResumed {
        /// Its number.
        line: LineNumber,
    },
    /// A line is done.
    LineCompleted {
        /// Its number.
        line: LineNumber,
        /// The service id of what it made.
        asset: Option<AssetId>,
    },
    /// A line could not be done.
    LineFailed {
        /// Its number.
        line: LineNumber,
        /// Why.
        failure: LineFailure,
    },
    /// A line will not be done.
    LineCancelled {
        /// Its number.
        line: LineNumber,
        /// The line it hung on, where that ended first.
        because_of: Option<LineNumber>,
    },
    /// A line that waits asks for something else.
    LineAmended {
        /// Its number.
        line: LineNumber,
        /// What it asks for now.
        request: LineRequest,
    },
    /// The reseller must tell something before work goes on.
    InformationRequired {
        /// What.
        question: Sealed,
        /// By when.
        deadline: DateTime<Utc>,
    },
    /// The reseller has told it.
    InformationProvided {
        /// What.
        answer: Sealed,
    },
    /// The reseller did not tell it in time; the carrier now looks whether to cancel.
    InformationOverdue,
    /// Work on the whole order stopped for a while.
    OrderHeld {
        /// Why.
        reason: Sealed,
    },
    /// Work on the whole order goes on.
    OrderResumed,
    /// The reseller wants it cancelled.
    CancellationRequested {
        /// Why.
        reason: Option<Sealed>,
    },
    /// It can be cancelled: what is still open will end.
    CancellationAccepted,
    /// It cannot be cancelled any more.
    CancellationRefused {
        /// The lines past their point of no return.
        lines: Vec<LineNumber>,
    },
    /// The last open line ended before the cancellation was answered.
    CancellationTooLate,
    /// Every line is done.
    OrderCompleted,
    /// Some lines are done, the others will not be.
    OrderPartlyCompleted,
    /// No line is done, and at least one could not be.
    OrderFailed,
    /// No line is done; none was wanted any more.
    OrderCancelled,
}
