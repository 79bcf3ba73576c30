//! What may happen to the lines of a submitted order, and what follows from it for the lines that hang on them and for
//! the order itself. All of it is one decision, and the order's own end always comes last.

use super::{
    OrderError, Placed,
    commands::OrderAction,
    decide::Decided,
    draft,
    events::OrderEvent,
    lifecycle,
    line::{LineFailure, LineKind, LineNumber, LineRequest, LineState, LineStatus, Milestone},
    lines::{Line, Lines},
    roll_up::roll_up,
};
use crate::{decider::Context, sealed::Sealed};

/// A port waits for nothing but this.
pub(super) fn acknowledge(placed: &Placed) -> Vec<OrderEvent> {
    let waits =
        |line: &LineNumber| placed.lines.get(*line).is_some_and(|line| line.state == LineState::Waiting);
    let ports = placed.port_requests.keys().copied().filter(waits);
    let started = ports.map(|line| OrderEvent::LineStarted { line });
    std::iter::once(OrderEvent::OrderAcknowledged).chain(started).collect()
}

pub(super) fn start(placed: &Placed, number: LineNumber) -> Decided {
    find(placed, number, OrderAction::StartLine)?;
    let unmet = placed.lines.unmet(number);
    if unmet.is_empty() {
        return Ok(vec![OrderEvent::LineStarted { line: number }]);
    }
    Err(unmet.into_iter().map(|on| OrderError::LineWaits { line: number, on }).collect())
}

pub(super) fn reach(placed: &Placed, number: LineNumber, milestone: Milestone) -> Decided {
    let line = find(placed, number, OrderAction::ReachMilestone)?;
    // A port is past its point of no return by its cut-off, so only other lines are ever committed.
    let kind = line.kind();
    if (kind == LineKind::Port) != (milestone == Milestone::Allocated) {
        return Err(vec![OrderError::MilestoneForeign { line: number, milestone, kind }]);
    }
    if line.milestones.contains(&milestone) {
        return Err(vec![OrderError::MilestoneReached { line: number, milestone }]);
    }
    Ok(vec![OrderEvent::LineMilestoneReached { line: number, milestone }])
}

pub(super) fn hold(placed: &Placed, number: LineNumber, reason: &Sealed) -> Decided {
    find(placed, number, OrderAction::HoldLine)?;
    Ok(vec![OrderEvent::LineHeld { line: number, reason: reason.clone() }])
}

pub(super) fn resume(placed: &Placed, number: LineNumber) -> Decided {
    find(placed, number, OrderAction::ResumeLine)?;
    Ok(vec![OrderEvent::LineResumed { line: number }])
}

pub(super) fn complete(placed: &Placed, number: LineNumber, assessing: bool) -> Decided {
    find(placed, number, OrderAction::CompleteLine)?;
    let asset = placed.assets.get(&number).copied();
    let mut lines = placed.lines.clone();
    set_state(&mut lines, number, LineState::Completed);
    Ok(with_roll_up(vec![OrderEvent::LineCompleted { line: number, asset }], &lines, assessing))
}

pub(super) fn fail(placed: &Placed, number: LineNumber, failure: &LineFailure, assessing: bool) -> Decided {
    find(placed, number, OrderAction::FailLine)?;
    let first = OrderEvent::LineFailed { line: number, failure: failure.clone() };
    Ok(ended(placed, number, first, LineState::Failed(failure.clone()), assessing))
}

pub(super) fn cancel(placed: &Placed, number: LineNumber, assessing: bool) -> Decided {
    find(placed, number, OrderAction::CancelLine)?;
    let first = OrderEvent::LineCancelled { line: number, because_of: None };
    Ok(ended(placed, number, first, LineState::Cancelled, assessing))
}

pub(super) fn amend(
    placed: &Placed,
    number: LineNumber,
    request: &LineRequest,
    context: &Context,
) -> Decided {
    let line = find(placed, number, OrderAction::AmendLine)?;
    let mut wrong = Vec::new();
    match (&*line.request, request) {
        (LineRequest::Port(from), LineRequest::Port(to)) => {
            if !from.is_but_for_its_window(to) {
                wrong.push(OrderError::MoreThanDateChanges { line: number });
            }
        }
        _ if line.kind() != request.into() => {
            wrong.push(OrderError::LineKindChanges { line: number, kind: line.kind() });
        }
        _ if line.status() != LineStatus::Waiting => wrong.push(OrderError::LineBegun { line: number }),
        _ => {
            let mut lines = placed.lines.clone();
            lines.put(number, Line::new(request.clone()));
            draft::check_around(&lines, number, context, &mut wrong);
        }
    }
    if wrong.is_empty() {
        return Ok(vec![OrderEvent::LineAmended { line: number, request: request.clone() }]);
    }
    Err(wrong)
}

/// The line, if its own lifecycle permits the action.
fn find(placed: &Placed, number: LineNumber, action: OrderAction) -> Result<&Line, Vec<OrderError>> {
    let line = placed.lines.get(number).ok_or_else(|| vec![OrderError::LineUnknown { line: number }])?;
    let status = line.status();
    if !lifecycle::LINE.permits(status, action) {
        return Err(vec![OrderError::LineNotPermitted { line: number, status, action }]);
    }
    Ok(line)
}

/// A line that will not be done takes with it what waits on it, and what waits on that, and nothing that has begun.
fn ended(
    placed: &Placed,
    number: LineNumber,
    first: OrderEvent,
    state: LineState,
    assessing: bool,
) -> Vec<OrderEvent> {
    let mut lines = placed.lines.clone();
    set_state(&mut lines, number, state);
    let mut events = vec![first];
    let mut parents = vec![number];
    while let Some(parent) = parents.pop() {
        for child in lines.dependents(parent) {
            if lines.get(child).is_some_and(|line| line.state == LineState::Waiting) {
                set_state(&mut lines, child, LineState::Cancelled);
                events.push(OrderEvent::LineCancelled { line: child, because_of: Some(parent) });
                parents.push(child);
            }
        }
    }
    with_roll_up(events, &lines, assessing)
}

fn set_state(lines: &mut Lines, number: LineNumber, state: LineState) {
    if let Some(line) = lines.get(number).cloned() {
        lines.put(number, Line { state, ..line });
    }
}

fn with_roll_up(mut events: Vec<OrderEvent>, lines: &Lines, assessing: bool) -> Vec<OrderEvent> {
    if let Some(outcome) = roll_up(lines.tally()) {
        events.extend(assessing.then_some(OrderEvent::CancellationTooLate));
        events.push(outcome.event());
    }
    events
}
