//! What somebody may want of an order. What must change together with companies and port requests is joined above
//! (`crate::joint`); these are the order's own part.

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

/// What somebody wants of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(OrderAction),
    doc = "The commands of an order by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum OrderCommand {
    /// Begin a draft, with its first lines in one step.
    Create {
        /// Whose.
        reseller: ResellerId,
        /// The reseller's own reference.
        reference: OrderReference,
        /// For which company.
        company: Option<CompanyId>,
        /// Its first lines, numbered from 1.
        lines: Vec<LineRequest>,
    },
    /// Add a line to the draft.
    AddLine {
        /// What it asks for.
        request: LineRequest,
    },
    /// Let a line of the draft ask for something else.
    ChangeLine {
        /// Which.
        line: LineNumber,
        /// What it asks for now.
        request: LineRequest,
    },
    /// Take a line out of the draft.
    RemoveLine {
        /// Which.
        line: LineNumber,
    },
    /// Give the draft up.
    Discard,
    /// Nobody touched the draft (timer).
    DiscardUntouched,
    /// Want it done.
    Submit {
        /// The service ids minted for its lines.
        assets: Vec<(LineNumber, AssetId)>,
        /// The port requests minted for its port lines.
        port_requests: Vec<(LineNumber, PortRequestId)>,
    },
    /// Accept it for processing.
    Acknowledge,
    /// Refuse to process it.
    Reject {
        /// Why; at least one.
        reasons: Vec<Reason>,
    },
    /// Begin work on a line.
    StartLine {
        /// Which.
        line: LineNumber,
    },
    /// Say that a line got further.
    ReachMilestone {
        /// Which.
        line: LineNumber,
        /// How far.
        milestone: Milestone,
    },
    /// Stop work on a line for a while.
    HoldLine {
        /// Which.
        line: LineNumber,
        /// Why.
        reason: Sealed,
    },
    /// Go on with a line.
    ResumeLine {
        /// Which.
        line: LineNumber,
    },
    /// Say that a line is done.
    CompleteLine {
        /// Which.
        line: LineNumber,
    },
    /// Say that a line could not be done.
    FailLine {
        /// Which.
        line: LineNumber,
        /// Why.
        failure: LineFailure,
    },
    /// End a line that is not wanted any more, while a cancellation is carried out.
    CancelLine {
        /// Which.
        line: LineNumber,
    },
    /// Let a waiting line ask for something else (on a port line: another date).
    AmendLine {
        /// Which.
        line: LineNumber,
        /// What it asks for now.
        request: LineRequest,
    },
    /// Ask the reseller for something before work goes on.
    RequireInformation {
        /// What.
        question: Sealed,
        /// By when; without one, the limit for such information says it.
        deadline: Option<DateTime<Utc>>,
    },
    /// Tell it.
    ProvideInformation {
        /// What.
        answer: Sealed,
    },
    /// The deadline has passed (timer).
    InformationDeadlinePasses,
    /// Stop work on the whole order for a while.
    Hold {
        /// Why.
        reason: Sealed,
    },
    /// Go on with the whole order.
    Resume,
    /// Want it cancelled.
    RequestCancellation {
        /// Why.
        reason: Option<Sealed>,
    },
    /// Cancel it.
    AcceptCancellation {
        /// Port lines past their cut-off, as their port requests say.
        ports_past_cut_off: Vec<LineNumber>,
    },
    /// Do not cancel it.
    RefuseCancellation {
        /// The lines past their point of no return.
        lines: Vec<LineNumber>,
    },
}
