//! Why a permitted command of a port request is refused.

use chrono::{DateTime, NaiveDate, Utc};
use thiserror::Error;

use super::draft::{PORT_HOURS_FROM, PORT_HOURS_TO};
use crate::{
    calendar::{BeyondCalendar, PortWindow},
    number::{NUMBER_SET_MAX, NumberSet, TelephoneNumber},
    order::line::LineNumber,
    refusal::Rule,
    rules::EarliestPortDate,
};

/// Why a command was refused. Each message completes "the port request was not changed: …".
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PortError {
    /// A port line asks for something that cannot be.
    #[error("{1}")]
    Line(LineNumber, RequestFault),
    /// A change asks for something that cannot be.
    #[error("{0}")]
    Change(RequestFault),
    /// It was drafted before.
    #[error("the request was drafted before")]
    DraftedBefore,
    /// What it was presented with last time is presented again.
    #[error("nothing would change")]
    NothingChanged,
    /// It was presented as often as it may be.
    #[error("the request was presented {0} times")]
    NoAttemptsLeft(u32),
    /// A timer came too early, or belongs to what has happened since.
    #[error("this is not due before {0}")]
    NotDueBefore(DateTime<Utc>),
    /// A timer came for which nothing is waiting.
    #[error("nothing of this kind is due")]
    NothingDue,
    /// The proposed date has passed.
    #[error("the proposed window closed at {0}")]
    ProposalOver(DateTime<Utc>),
    /// The order names another company.
    #[error("the numbers were ordered for another company")]
    OtherCompany,
    /// A company has the numbers already.
    #[error("the numbers are allocated already")]
    AllocatedBefore,
    /// It is too late to change or cancel the confirmed date.
    #[error("the cut-off was at {0}")]
    PastCutOff(DateTime<Utc>),
    /// The confirmed date is asked for again.
    #[error("the numbers move in this window already")]
    SameWindow,
    /// No company has the numbers.
    #[error("the numbers are not allocated to a company")]
    NotAllocated,
    /// The window is not open yet.
    #[error("the window is not open yet")]
    OpensAt(PortWindow),
    /// The window is not open any more.
    #[error("the window closed at {0}")]
    ClosedAt(DateTime<Utc>),
    /// A rejection says nothing.
    #[error("a rejection without a reason")]
    NoReason,
    /// A rejection says too much.
    #[error("a rejection with {found} reasons")]
    TooManyReasons {
        /// How many it gives.
        found: usize,
        /// How many are taken.
        max: u32,
    },
    /// No number was named.
    #[error("no number was named")]
    NoNumbers,
    /// Numbers that nobody uses were named.
    #[error("not in use here: {}", listed(.0))]
    NotInUse(NumberSet),
    /// A deadline lies beyond the calendar.
    #[error(transparent)]
    Calendar(#[from] BeyondCalendar),
}

/// What speaks against the content of a request.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RequestFault {
    /// A single line has nothing beside its one number.
    #[error("a single line has no associated numbers")]
    AssociatedOfSingleLine,
    /// A single line has no ranges.
    #[error("a single line has no ranges")]
    RangesOfSingleLine,
    /// A single line is one number.
    #[error("a single line is one number, not {0}")]
    NotSingle(usize),
    /// Multi line is more than one number.
    #[error("one number is no multi-line installation")]
    NotMulti,
    /// Geographic and non-geographic numbers have different processes.
    #[error("geographic and non-geographic numbers in one request")]
    Mixed,
    /// More numbers than a request can have.
    #[error("{0} numbers in one request")]
    TooManyNumbers(usize),
    /// The main number is not one of the request's.
    #[error("{0} is not one of the request's numbers")]
    OtherMainNumber(TelephoneNumber),
    /// Nobody ports on that day.
    #[error("{date} is no working day")]
    NoWorkingDay {
        /// The day.
        date: NaiveDate,
        /// The next day on which somebody does.
        next: NaiveDate,
    },
    /// Nobody ports at that time of day.
    #[error("the window leaves the working hours")]
    OddHours,
    /// The date leaves less than the lead time.
    #[error("{date} is {}", if *past { "in the past" } else { "earlier than the lead time allows" })]
    TooEarly {
        /// The date asked for.
        date: NaiveDate,
        /// Whether it is over already.
        past: bool,
        /// What would be possible, and why.
        earliest: EarliestPortDate,
    },
    /// The calendar does not reach that far.
    #[error(transparent)]
    Calendar(#[from] BeyondCalendar),
}

impl Rule for PortError {
    fn code(&self) -> &'static str {
        match self {
            Self::Line(_, fault) | Self::Change(fault) => fault.code(),
            Self::DraftedBefore => "port_drafted_before",
            Self::NothingChanged => "port_nothing_changed",
            Self::NoAttemptsLeft(_) => "port_no_attempts_left",
            Self::NotDueBefore(_) => "port_not_due",
            Self::NothingDue => "port_nothing_due",
            Self::ProposalOver(_) => "port_proposal_over",
            Self::OtherCompany => "port_other_company",
            Self::AllocatedBefore => "port_allocated_before",
            Self::PastCutOff(_) => "port_past_cut_off",
            Self::SameWindow => "port_same_window",
            Self::NotAllocated => "port_not_allocated",
            Self::OpensAt(_) => "port_window_not_open",
            Self::ClosedAt(_) => "port_window_closed",
            Self::NoReason => "port_reason_missing",
            Self::TooManyReasons { .. } => "port_reasons_too_many",
            Self::NoNumbers => "port_numbers_missing",
            Self::NotInUse(_) => "port_numbers_not_in_use",
            Self::Calendar(_) => "beyond_calendar",
        }
    }

    fn subject(&self) -> Option<String> {
        let field = match self {
            Self::Line(line, fault) => return Some(format!("/lines/{line}/{}", fault.field())),
            Self::Change(fault) => fault.field(),
            Self::OtherCompany | Self::AllocatedBefore => "company",
            Self::SameWindow => "window",
            Self::NoReason | Self::TooManyReasons { .. } => "reasons",
            Self::NoNumbers | Self::NotInUse(_) => "numbers",
            _ => return None,
        };
        Some(format!("/{field}"))
    }

    fn expected(&self) -> Option<String> {
        Some(match self {
            Self::Line(_, fault) | Self::Change(fault) => fault.expected(),
            Self::NothingChanged => "at least one change of what was refused".to_owned(),
            Self::NoAttemptsLeft(_) => "a cancellation, then a new order".to_owned(),
            Self::NotDueBefore(due) => format!("at or after {due}"),
            Self::ProposalOver(_) => "a refusal of the date".to_owned(),
            Self::OtherCompany => "the company of the order".to_owned(),
            Self::PastCutOff(cut_off) => format!("at or before {cut_off}"),
            Self::SameWindow => "another window".to_owned(),
            Self::NotAllocated => "an allocation first".to_owned(),
            Self::OpensAt(window) => {
                format!("from {} until before {}", window.opens_at(), window.closes_at())
            }
            Self::ClosedAt(_) => "another date, once the window has lapsed".to_owned(),
            Self::NoReason => "at least one reason".to_owned(),
            Self::TooManyReasons { max, .. } => format!("at most {max} reasons"),
            Self::NoNumbers => "at least one number".to_owned(),
            Self::NotInUse(_) => "numbers that were ported and not ceased since".to_owned(),
            Self::Calendar(why) => in_calendar(*why),
            Self::DraftedBefore | Self::NothingDue | Self::AllocatedBefore => return None,
        })
    }
}

impl RequestFault {
    fn code(&self) -> &'static str {
        match self {
            Self::AssociatedOfSingleLine => "single_line_associated",
            Self::RangesOfSingleLine => "single_line_ranges",
            Self::NotSingle(_) => "single_line_numbers",
            Self::NotMulti => "multi_line_numbers",
            Self::Mixed => "port_numbers_mixed",
            Self::TooManyNumbers(_) => "port_numbers_too_many",
            Self::OtherMainNumber(_) => "port_main_number",
            Self::NoWorkingDay { .. } => "port_window_no_working_day",
            Self::OddHours => "port_window_hours",
            Self::TooEarly { .. } => "port_window_too_early",
            Self::Calendar(_) => "beyond_calendar",
        }
    }

    /// The field of the line or change that it is about.
    fn field(&self) -> &'static str {
        match self {
            Self::AssociatedOfSingleLine | Self::Mixed | Self::TooManyNumbers(_) => "associated",
            Self::RangesOfSingleLine => "ranges",
            Self::NotSingle(_) | Self::NotMulti => "class",
            Self::OtherMainNumber(_) => "main_number",
            Self::NoWorkingDay { .. } | Self::OddHours | Self::TooEarly { .. } | Self::Calendar(_) => {
                "window"
            }
        }
    }

    fn expected(&self) -> String {
        match self {
            Self::AssociatedOfSingleLine | Self::RangesOfSingleLine => {
                "no other numbers, or the class multi_line".to_owned()
            }
            Self::NotSingle(_) => "multi_line".to_owned(),
            Self::NotMulti => "two numbers or a range, or the class single_line".to_owned(),
            Self::Mixed => "a request for each".to_owned(),
            Self::TooManyNumbers(_) => format!("at most {NUMBER_SET_MAX} numbers"),
            Self::OtherMainNumber(_) => "one of the numbers that were asked for".to_owned(),
            Self::NoWorkingDay { next, .. } => format!("a working day, such as {next}"),
            Self::OddHours => {
                format!("from {PORT_HOURS_FROM} or later to {PORT_HOURS_TO} or earlier")
            }
            Self::TooEarly { earliest, .. } => {
                let EarliestPortDate { day_zero, lead_time, date } = earliest;
                let (row, days) = (&lead_time.row, lead_time.working_days);
                format!("{date} or later: {days} working days from {day_zero} ({row})")
            }
            Self::Calendar(why) => in_calendar(*why),
        }
    }
}

/// A single reason is a list of reasons.
impl From<PortError> for Vec<PortError> {
    fn from(error: PortError) -> Self {
        vec![error]
    }
}

fn in_calendar(why: BeyondCalendar) -> String {
    format!("a date from {} to {}, or a longer calendar", why.first, why.last)
}

/// The ranges in short; a thousand of them would help nobody.
fn listed(numbers: &NumberSet) -> String {
    const SHOWN: usize = 5;
    let mut shown: Vec<String> = numbers.runs().take(SHOWN).map(|run| run.to_string()).collect();
    let more = numbers.runs().count() - shown.len();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}
