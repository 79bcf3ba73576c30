//! What a command on an order leads to. Whether it may be asked for at all, the lifecycle has said before.

use chrono::{DateTime, Utc};

use super::{
    Ground, Order, OrderError, Placed, Stage,
    commands::OrderCommand,
    draft,
    events::OrderEvent,
    line::{LineFailure, LineNumber, LineRequest},
    progress,
};
use crate::{decider::Context, decider::Decider, refusal::Reason};

/// Most characters of the slug of a failure or rejection: twice the longest of our own.
pub const CODE_MAX: usize = 60;
/// Most characters of a text beside it: a few sentences, so that an event stays small.
pub const DETAIL_MAX: usize = 500;

/// The events, or every reason against them.
pub(super) type Decided = Result<Vec<OrderEvent>, Vec<OrderError>>;

/// What the command leads to.
pub(super) fn decide(order: &Order, command: &OrderCommand, context: &Context) -> Decided {
    match (order, command) {
        (_, OrderCommand::Create { .. }) => draft::create(command, context),
        (Order::Draft(draft), _) => draft::decide(draft, command, context),
        (Order::Open(_, Stage::Pending { deadline, .. }), OrderCommand::InformationDeadlinePasses) => {
            overdue(*deadline, context.at)
        }
        (
            Order::Open(placed, _)
            | Order::AssessingCancellation(placed, ..)
            | Order::PendingCancellation(placed),
            _,
        ) => of_placed(order, placed, command, context),
        _ => Err(vec![not_permitted(order, command)]),
    }
}

fn of_placed(order: &Order, placed: &Placed, command: &OrderCommand, context: &Context) -> Decided {
    let assessing = matches!(order, Order::AssessingCancellation(..));
    let event = match command {
        OrderCommand::Acknowledge => return Ok(progress::acknowledge(placed)),
        OrderCommand::Reject { reasons } => return reject(reasons, context),
        OrderCommand::StartLine { line } => return progress::start(placed, *line),
        OrderCommand::ReachMilestone { line, milestone } => {
            return progress::reach(placed, *line, *milestone);
        }
        OrderCommand::HoldLine { line, reason } => return progress::hold(placed, *line, reason),
        OrderCommand::ResumeLine { line } => return progress::resume(placed, *line),
        OrderCommand::CompleteLine { line } => return progress::complete(placed, *line, assessing),
        OrderCommand::FailLine { line, failure } => {
            return progress::fail(placed, *line, &bounded(*line, failure)?, assessing);
        }
        OrderCommand::CancelLine { line } => return progress::cancel(placed, *line, assessing),
        // What a losing provider agreed to meanwhile is so; nothing else is amended then.
        OrderCommand::AmendLine { request, .. } if assessing && !matches!(request, LineRequest::Port(_)) => {
            return Err(vec![not_permitted(order, command)]);
        }
        OrderCommand::AmendLine { line, request } => {
            return progress::amend(placed, *line, request, context);
        }
        OrderCommand::AcceptCancellation { ports_past_cut_off } => {
            return accept_cancellation(order, ports_past_cut_off);
        }
        OrderCommand::RefuseCancellation { lines } => return refuse_cancellation(order, lines),
        OrderCommand::RequireInformation { question, deadline } => {
            let deadline = information_deadline(*deadline, context)?;
            OrderEvent::InformationRequired { question: question.clone(), deadline }
        }
        OrderCommand::ProvideInformation { answer } => {
            OrderEvent::InformationProvided { answer: answer.clone() }
        }
        OrderCommand::Hold { reason } => OrderEvent::OrderHeld { reason: reason.clone() },
        OrderCommand::Resume => OrderEvent::OrderResumed,
        OrderCommand::RequestCancellation { reason } => {
            OrderEvent::CancellationRequested { reason: reason.clone() }
        }
        _ => return Err(vec![not_permitted(order, command)]),
    };
    Ok(vec![event])
}

/// For whoever asks `decide` without asking the lifecycle first.
fn not_permitted(order: &Order, command: &OrderCommand) -> OrderError {
    OrderError::NotPermitted { status: order.status(), action: command.into() }
}

/// The deadline that was set, or the end of the last of the working days that a reseller has anyway.
fn information_deadline(
    deadline: Option<DateTime<Utc>>,
    context: &Context,
) -> Result<DateTime<Utc>, Vec<OrderError>> {
    match deadline {
        Some(deadline) if deadline <= context.at => Err(vec![OrderError::DeadlinePast(deadline)]),
        Some(deadline) => Ok(deadline),
        None => {
            let days = context.rules.limits().information_deadline_working_days;
            let end = context.rules.calendar().end_of_working_day(context.at, days);
            end.map_err(|beyond| vec![OrderError::DeadlineBeyondCalendar(beyond)])
        }
    }
}

fn overdue(deadline: DateTime<Utc>, at: DateTime<Utc>) -> Decided {
    if at < deadline {
        return Err(vec![OrderError::DeadlineRuns(deadline)]);
    }
    Ok(vec![OrderEvent::InformationOverdue])
}

fn reject(reasons: &[Reason], context: &Context) -> Decided {
    let max = usize::try_from(context.rules.limits().order_reject_reasons_max).unwrap_or(usize::MAX);
    if !(1..=max).contains(&reasons.len()) {
        return Err(vec![OrderError::ReasonsOutOfBounds { found: reasons.len(), max }]);
    }
    let wrong: Vec<OrderError> = reasons.iter().enumerate().filter_map(too_long).collect();
    if wrong.is_empty() {
        Ok(vec![OrderEvent::OrderRejected { reasons: reasons.to_vec() }])
    } else {
        Err(wrong)
    }
}

/// Whether a text of the reason is longer than an event should keep.
fn too_long((index, reason): (usize, &Reason)) -> Option<OrderError> {
    let texts = [Some(&reason.detail), reason.subject.as_ref(), reason.expected.as_ref()];
    let longest = texts.into_iter().flatten().map(|text| text.chars().count()).max().unwrap_or_default();
    let is_sound = is_slug(&reason.code) && longest <= DETAIL_MAX;
    (!is_sound).then_some(OrderError::ReasonOutOfBounds { index })
}

/// The failure as it is kept. Its code must be one; its detail is cut short rather than refused, because it may be made
/// of every reason against a step of the engine's own, and a line must always be able to fail.
fn bounded(line: LineNumber, failure: &LineFailure) -> Result<LineFailure, Vec<OrderError>> {
    if !is_slug(&failure.code) {
        return Err(vec![OrderError::CodeOutOfBounds { line }]);
    }
    Ok(LineFailure { code: failure.code.clone(), detail: failure.detail.chars().take(DETAIL_MAX).collect() })
}

fn is_slug(code: &str) -> bool {
    let of_slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (1..=CODE_MAX).contains(&code.len()) && code.chars().all(of_slug)
}

fn accept_cancellation(order: &Order, ports_past_cut_off: &[LineNumber]) -> Decided {
    let past = order.past_ponr(ports_past_cut_off);
    if past.is_empty() {
        return Ok(vec![OrderEvent::CancellationAccepted]);
    }
    Err(past.into_iter().map(|line| OrderError::PastNoReturn { line }).collect())
}

/// The order knows which lines are committed; which ports are past their cut-off, it is told.
fn refuse_cancellation(order: &Order, lines: &[LineNumber]) -> Decided {
    if lines.is_empty() && matches!(order, Order::AssessingCancellation(_, _, Ground::Requested)) {
        return Err(vec![OrderError::NoReturnUnnamed]);
    }
    let past = order.past_ponr(lines);
    let wrong: Vec<OrderError> = lines
        .iter()
        .filter(|line| !past.contains(line))
        .map(|line| match order.line(*line) {
            Some(_) => OrderError::CanBeCancelled { line: *line },
            None => OrderError::LineUnknown { line: *line },
        })
        .collect();
    if wrong.is_empty() { Ok(vec![OrderEvent::CancellationRefused { lines: past }]) } else { Err(wrong) }
}
