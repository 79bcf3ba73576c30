//! The order after each event.
//!
//! An event that fits neither the stage nor the line leads back to `New`, where no row of the lifecycle leads: so a
//! history that is wrong in one line only is found by [`crate::decider::apply`] like any other.

use super::{
    Begun, Draft, Ending, Ground, Head, Order, Placed, Stage,
    events::OrderEvent,
    lifecycle,
    line::{LineNumber, LineState, LineStatus},
    lines::{Line, Lines},
    roll_up::{RollUp, roll_up},
};
use crate::decider::Event;

pub(super) fn evolve(order: Order, event: &OrderEvent) -> Order {
    use OrderEvent::{
        CancellationAccepted, CancellationRefused, CancellationRequested, CancellationTooLate,
        InformationOverdue, InformationProvided, InformationRequired, OrderAcknowledged, OrderCreated,
        OrderDiscarded, OrderHeld, OrderRejected, OrderResumed, OrderSubmitted,
    };
    match (order, event) {
        (Order::New, OrderCreated { reseller, reference, company, untouched_until }) => {
            let head = Head { reseller: *reseller, reference: reference.clone(), company: *company };
            let lines = Lines::default();
            Order::Draft(Draft { head, lines, last_line: 0, untouched_until: *untouched_until })
        }
        (Order::Draft(draft), OrderDiscarded { .. }) => Order::Discarded(draft.head),
        (Order::Draft(draft), OrderSubmitted { assets, port_requests }) => {
            let Draft { head, lines, .. } = draft;
            let assets = assets.iter().copied().collect();
            let port_requests = port_requests.iter().copied().collect();
            Order::Open(Placed { head, lines, assets, port_requests }, Stage::Submitted)
        }
        (Order::Draft(draft), _) => written(draft, event).map_or(Order::New, Order::Draft),

        (Order::Open(placed, Stage::Submitted), OrderAcknowledged) => {
            Order::Open(placed, Stage::Acknowledged)
        }
        (Order::Open(placed, _), OrderRejected { reasons }) => {
            Order::Ended(placed, Ending::Rejected { reasons: reasons.clone() })
        }
        (Order::Open(placed, stage), InformationRequired { question, deadline }) => {
            let back_to = if stage == Stage::Acknowledged { Begun::Acknowledged } else { Begun::InProgress };
            Order::Open(placed, Stage::Pending { question: question.clone(), deadline: *deadline, back_to })
        }
        (Order::Open(placed, Stage::Pending { back_to, .. }), InformationProvided { .. }) => {
            Order::Open(placed, back_to.into())
        }
        (Order::Open(placed, Stage::Pending { back_to, .. }), InformationOverdue) => {
            Order::AssessingCancellation(placed, back_to.into(), Ground::InformationOverdue)
        }
        (Order::Open(placed, _), OrderHeld { reason }) => {
            Order::Open(placed, Stage::Held { reason: reason.clone() })
        }
        (Order::Open(placed, Stage::Held { .. }), OrderResumed) => Order::Open(placed, Stage::InProgress),
        (Order::Open(placed, back_to), CancellationRequested { .. }) => {
            Order::AssessingCancellation(placed, back_to, Ground::Requested)
        }
        (Order::AssessingCancellation(placed, ..), CancellationAccepted) => {
            Order::PendingCancellation(placed)
        }
        (Order::AssessingCancellation(placed, back_to, _), CancellationRefused { .. }) => {
            Order::Open(placed, back_to)
        }
        (order @ Order::AssessingCancellation(..), CancellationTooLate)
        | (order @ (Order::New | Order::Ended(..) | Order::Discarded(_)), _) => order,

        (Order::Open(placed, stage), _) => {
            let begins = matches!((&stage, event), (Stage::Acknowledged, OrderEvent::LineStarted { .. }));
            let stage = if begins { Stage::InProgress } else { stage };
            worked(placed, event, |placed| Order::Open(placed, stage))
        }
        (Order::AssessingCancellation(placed, back_to, ground), _) => {
            worked(placed, event, |placed| Order::AssessingCancellation(placed, back_to, ground))
        }
        (Order::PendingCancellation(placed), _) => worked(placed, event, Order::PendingCancellation),
    }
}

/// The draft after one of its lines was written; `None` where the event does not fit.
fn written(mut draft: Draft, event: &OrderEvent) -> Option<Draft> {
    let until = match event {
        OrderEvent::LineAdded { line, request, untouched_until } if line.0 > draft.last_line => {
            draft.lines.put(*line, Line::new(request.clone()));
            draft.last_line = line.0;
            untouched_until
        }
        OrderEvent::LineChanged { line, request, untouched_until } => {
            draft.lines.get(*line)?;
            draft.lines.put(*line, Line::new(request.clone()));
            untouched_until
        }
        OrderEvent::LineRemoved { line, untouched_until } => {
            draft.lines.remove(*line)?;
            untouched_until
        }
        _ => return None,
    };
    draft.untouched_until = *until;
    Some(draft)
}

/// The order after one of its lines moved, or after the last of them ended.
fn worked(mut placed: Placed, event: &OrderEvent, stays: impl FnOnce(Placed) -> Order) -> Order {
    let (outcome, ending) = match event {
        OrderEvent::OrderCompleted => (RollUp::Completed, Ending::Completed),
        OrderEvent::OrderPartlyCompleted => (RollUp::Partial, Ending::Partial),
        OrderEvent::OrderFailed => (RollUp::Failed, Ending::Failed),
        OrderEvent::OrderCancelled => (RollUp::Cancelled, Ending::Cancelled),
        _ => return move_line(&mut placed.lines, event).map_or(Order::New, |()| stays(placed)),
    };
    if roll_up(placed.lines.tally()) == Some(outcome) { Order::Ended(placed, ending) } else { Order::New }
}

/// Moves the line of the event; `None` where there is none, or where its lifecycle has no such step.
fn move_line(lines: &mut Lines, event: &OrderEvent) -> Option<()> {
    let number = line_of(event)?;
    let mut line = lines.get(number)?.clone();
    let from = line.status();
    match event {
        OrderEvent::LineStarted { .. } | OrderEvent::LineResumed { .. } => line.state = LineState::InProgress,
        OrderEvent::LineHeld { reason, .. } => line.state = LineState::Held { reason: reason.clone() },
        OrderEvent::LineCompleted { .. } => line.state = LineState::Completed,
        OrderEvent::LineFailed { failure, .. } => line.state = LineState::Failed(failure.clone()),
        OrderEvent::LineCancelled { .. } => line.state = LineState::Cancelled,
        OrderEvent::LineMilestoneReached { milestone, .. } => {
            line.milestones.insert(*milestone);
        }
        OrderEvent::LineAmended { request, .. } => line.request = request.clone().into(),
        _ => return None,
    }
    let to: LineStatus = line.status();
    lifecycle::LINE.allows(from, event.kind(), to).then(|| lines.put(number, line))
}

fn line_of(event: &OrderEvent) -> Option<LineNumber> {
    match event {
        OrderEvent::LineStarted { line }
        | OrderEvent::LineMilestoneReached { line, .. }
        | OrderEvent::LineHeld { line, .. }
        | OrderEvent::LineResumed { line }
        | OrderEvent::LineCompleted { line, .. }
        | OrderEvent::LineFailed { line, .. }
        | OrderEvent::LineCancelled { line, .. }
        | OrderEvent::LineAmended { line, .. } => Some(*line),
        _ => None,
    }
}
