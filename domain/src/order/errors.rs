//! Why a permitted command on an order was refused.

use chrono::{DateTime, Utc};

use super::{
    commands::OrderAction,
    decide::{CODE_MAX, DETAIL_MAX},
    graph::{Dependency, Field},
    lifecycle::{self, OrderStatus},
    line::{LineKind, LineNumber, LineStatus, Milestone},
};
use crate::{calendar::BeyondCalendar, refusal::Rule};

/// What is minted for a line when its order is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Minted {
    /// A service id.
    Asset,
    /// A port request.
    PortRequest,
}

/// Why a permitted command on an order was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each variant means, and its fields fill them in")]
pub enum OrderError {
    #[error("cannot {action:?} while the order is {status}")]
    NotPermitted { status: OrderStatus, action: OrderAction },
    #[error("the order has no line {line}")]
    LineUnknown { line: LineNumber },
    #[error("the line is {status}")]
    LineNotPermitted { line: LineNumber, status: LineStatus, action: OrderAction },
    #[error("the line waits until line {} is {}", on.line, on.until)]
    LineWaits { line: LineNumber, on: Dependency },
    #[error("the line has begun")]
    LineBegun { line: LineNumber },
    #[error("the line would become another kind of line")]
    LineKindChanges { line: LineNumber, kind: LineKind },
    #[error("more than the window of the port would change")]
    MoreThanDateChanges { line: LineNumber },
    #[error("the line has reached {} before", word(*milestone))]
    MilestoneReached { line: LineNumber, milestone: Milestone },
    #[error("a line of kind {kind} never reaches {}", word(*milestone))]
    MilestoneForeign { line: LineNumber, milestone: Milestone, kind: LineKind },

    #[error("there is no line {parent} in the order")]
    ParentUnknown { line: LineNumber, field: Field, parent: LineNumber },
    #[error("line {parent} is of kind {found}")]
    ParentWrong {
        line: LineNumber,
        field: Field,
        parent: LineNumber,
        found: LineKind,
        expects: &'static [LineKind],
    },
    #[error("line {parent} has ended and will not be done")]
    ParentEnded { line: LineNumber, field: Field, parent: LineNumber },
    #[error("the numbers of line {parent} go to another site")]
    NumbersElsewhere { line: LineNumber, field: Field, parent: LineNumber },
    #[error("line {by} hangs on the line")]
    LineInUse { line: LineNumber, by: LineNumber },
    #[error("line {other} is a company line already")]
    SecondCompany { line: LineNumber, other: LineNumber },
    #[error("line {line} needs a company, and the order names none")]
    CompanyMissing { line: LineNumber },
    #[error("{found} is out of bounds")]
    OutOfBounds { line: LineNumber, field: Field, found: usize, min: usize, max: usize },

    #[error("the order has no line")]
    NoLine,
    #[error("the order would have {found} lines")]
    TooManyLines { found: usize, max: usize },
    #[error("the draft is not discarded before {0}")]
    UntouchedUntil(DateTime<Utc>),
    #[error("no {minted} was minted for the line")]
    MintedMissing { line: LineNumber, minted: Minted },
    #[error("the {minted} of a line that has none was minted")]
    MintedInVain { line: LineNumber, minted: Minted },
    #[error("the {minted} of the line was given before")]
    MintedTwice { line: LineNumber, minted: Minted },

    #[error("{found} reasons were given")]
    ReasonsOutOfBounds { found: usize, max: usize },
    #[error("reason {index} has no slug for a code, or a text that is too long")]
    ReasonOutOfBounds { index: usize },
    #[error("the code of the failure is no slug, or too long")]
    CodeOutOfBounds { line: LineNumber },
    #[error("the deadline {0} has passed before it is set")]
    DeadlinePast(DateTime<Utc>),
    #[error(transparent)]
    DeadlineBeyondCalendar(BeyondCalendar),
    #[error("the information may be given until {0}")]
    DeadlineRuns(DateTime<Utc>),
    #[error("the line is past its point of no return")]
    PastNoReturn { line: LineNumber },
    #[error("the line can still be cancelled")]
    CanBeCancelled { line: LineNumber },
    #[error("no line past its point of no return was named")]
    NoReturnUnnamed,
}

fn word(milestone: Milestone) -> &'static str {
    milestone.into()
}

impl Rule for OrderError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotPermitted { .. } => "not_permitted",
            Self::LineUnknown { .. } => "line_unknown",
            Self::LineNotPermitted { .. } => "line_not_permitted",
            Self::LineWaits { .. } => "line_waits",
            Self::LineBegun { .. } => "line_begun",
            Self::LineKindChanges { .. } => "line_kind_changes",
            Self::MoreThanDateChanges { .. } => "more_than_date_changes",
            Self::MilestoneReached { .. } => "milestone_reached",
            Self::MilestoneForeign { .. } => "milestone_foreign",
            Self::ParentUnknown { .. } => "parent_unknown",
            Self::ParentWrong { .. } => "parent_wrong",
            Self::ParentEnded { .. } => "parent_ended",
            Self::NumbersElsewhere { .. } => "numbers_elsewhere",
            Self::LineInUse { .. } => "line_in_use",
            Self::SecondCompany { .. } => "second_company",
            Self::CompanyMissing { .. } => "company_missing",
            Self::OutOfBounds { .. } => "out_of_bounds",
            Self::NoLine => "no_line",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::UntouchedUntil(_) => "draft_untouched_until",
            Self::MintedMissing { .. } => "minted_missing",
            Self::MintedInVain { .. } => "minted_in_vain",
            Self::MintedTwice { .. } => "minted_twice",
            Self::ReasonsOutOfBounds { .. } => "reasons_out_of_bounds",
            Self::ReasonOutOfBounds { .. } => "reason_out_of_bounds",
            Self::CodeOutOfBounds { .. } => "code_out_of_bounds",
            Self::DeadlinePast(_) => "deadline_past",
            Self::DeadlineBeyondCalendar(_) => "deadline_beyond_calendar",
            Self::DeadlineRuns(_) => "deadline_runs",
            Self::PastNoReturn { .. } => "past_no_return",
            Self::CanBeCancelled { .. } => "can_be_cancelled",
            Self::NoReturnUnnamed => "no_return_unnamed",
        }
    }

    fn subject(&self) -> Option<String> {
        match self {
            Self::NotPermitted { .. } | Self::UntouchedUntil(_) | Self::DeadlineRuns(_) => None,
            Self::NoLine | Self::TooManyLines { .. } | Self::NoReturnUnnamed => Some("/lines".to_owned()),
            Self::CompanyMissing { .. } => Some("/company".to_owned()),
            Self::ReasonsOutOfBounds { .. } => Some("/reasons".to_owned()),
            Self::ReasonOutOfBounds { index } => Some(format!("/reasons/{index}")),
            Self::CodeOutOfBounds { line } => Some(format!("/lines/{line}/code")),
            Self::DeadlinePast(_) | Self::DeadlineBeyondCalendar(_) => Some("/deadline".to_owned()),
            Self::LineUnknown { line }
            | Self::LineNotPermitted { line, .. }
            | Self::LineWaits { line, .. }
            | Self::LineBegun { line }
            | Self::LineKindChanges { line, .. }
            | Self::MilestoneReached { line, .. }
            | Self::MilestoneForeign { line, .. }
            | Self::LineInUse { line, .. }
            | Self::SecondCompany { line, .. }
            | Self::MoreThanDateChanges { line }
            | Self::PastNoReturn { line }
            | Self::CanBeCancelled { line } => Some(format!("/lines/{line}")),
            Self::ParentUnknown { line, field, .. }
            | Self::ParentWrong { line, field, .. }
            | Self::ParentEnded { line, field, .. }
            | Self::NumbersElsewhere { line, field, .. }
            | Self::OutOfBounds { line, field, .. } => Some(format!("/lines/{line}/{field}")),
            Self::MintedMissing { line, minted }
            | Self::MintedInVain { line, minted }
            | Self::MintedTwice { line, minted } => Some(format!("/lines/{line}/{minted}")),
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::LineNotPermitted { action: OrderAction::AmendLine, .. }
            | Self::LineBegun { .. }
            | Self::MoreThanDateChanges { .. } => {
                Some("a line that waits, and of a port that has begun its window".to_owned())
            }
            Self::LineNotPermitted { action, .. } => Some(format!("a line that is {}", from(*action))),
            Self::LineKindChanges { kind, .. } => Some(format!("a line of kind {kind}")),
            Self::ParentUnknown { .. } => Some("a line of this order".to_owned()),
            Self::ParentWrong { expects, .. } => {
                let kinds: Vec<&str> = expects.iter().map(|kind| (*kind).into()).collect();
                Some(format!("a line of kind {}", kinds.join(" or ")))
            }
            Self::NumbersElsewhere { .. } => Some("numbers of the same site".to_owned()),
            Self::SecondCompany { .. } => Some("at most one company line".to_owned()),
            Self::OutOfBounds { min, max, .. } => Some(format!("{min} to {max}")),
            Self::NoLine => Some("at least 1 line".to_owned()),
            Self::TooManyLines { max, .. } => Some(format!("at most {max} lines")),
            Self::ReasonsOutOfBounds { max, .. } => Some(format!("1 to {max} reasons")),
            Self::ReasonOutOfBounds { .. } => {
                Some(format!("a slug of 1 to {CODE_MAX} characters, and texts of at most {DETAIL_MAX}"))
            }
            Self::CodeOutOfBounds { .. } => Some(format!("a slug of 1 to {CODE_MAX} characters")),
            _ => None,
        }
    }
}

/// The statuses from which a line's action is possible.
fn from(action: OrderAction) -> String {
    let rows = lifecycle::LINE.0.iter().filter(|row| row.action == action);
    let statuses: Vec<&str> = rows.map(|row| row.from.into()).collect();
    statuses.join(" or ")
}
