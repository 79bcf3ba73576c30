//! How far every order is, and every line of it.
//!
//! A line has a row of its own, so that a step of one line costs the same in an order of five lines and of five thousand.
//! Absent: what the lines ask for in full, and anything personal. The order's own stream has both.

mod rows;

pub use rows::{LineCounts, LineView, ORDER_LINE, ORDER_STATUS, OrderStage, OrderView, line_key};

use super::{
    fold::{Fault, broken, require, save},
    table::Rows,
};
use crate::{
    company::events::CompanyEvent,
    fact::{Fact, Happened},
    ids::{CompanyId, OrderId, ResellerId},
    names::OrderReference,
    number::NumberSet,
    order::{
        events::OrderEvent,
        line::{LineNumber, LineRequest, LineStatus, NumberAsk},
    },
    port_request::events::PortEvent,
};

/// Folds one event into orders and lines.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    match &fact.happened {
        Happened::Order(order, event) => fold_order(rows, fact, *order, event),
        Happened::Company(_, CompanyEvent::NumbersCommitted { order, line, numbers, .. }) => {
            count_numbers(rows, *order, *line, |count| count.checked_add(len(numbers)))
        }
        Happened::Company(_, CompanyEvent::NumbersUncommitted { order, line, numbers, .. }) => {
            count_numbers(rows, *order, *line, |count| count.checked_sub(len(numbers)))
        }
        Happened::PortRequest(port_request, PortEvent::PortDrafted(draft)) => {
            let mut line: LineView = require(rows, &line_key(draft.order, draft.line))?;
            line.port_request = Some(*port_request);
            line.numbers = draft.details.shape.numbers;
            save(rows, line);
            Ok(())
        }
        Happened::Company(..)
        | Happened::PortRequest(..)
        | Happened::NumberBlock(..)
        | Happened::Reseller(..)
        | Happened::Webhook(..) => Ok(()),
    }
}

fn fold_order(rows: &mut dyn Rows, fact: &Fact, id: OrderId, event: &OrderEvent) -> Result<(), Fault> {
    let mut order = match event {
        OrderEvent::OrderCreated { reseller, reference, company, .. } => {
            let (reseller, reference, company) = (*reseller, reference.clone(), *company);
            begun(fact, id, reseller, reference, company)
        }
        _ => require::<OrderView>(rows, &id.to_string())?,
    };
    if order.status.is_terminal() {
        return Err(broken(format!("{} after {id} was {}", fact.happened.name(), order.status)));
    }
    move_lines(rows, fact, &mut order, event)?;
    if let Some(status) = status_after(&mut order, event) {
        order.status = status;
    }
    match event {
        OrderEvent::OrderSubmitted { .. } => order.submitted_at = Some(fact.recorded_at),
        OrderEvent::OrderRejected { reasons } => order.reasons.clone_from(reasons),
        OrderEvent::InformationRequired { deadline, .. } => order.information_due = Some(*deadline),
        OrderEvent::InformationProvided { .. } | OrderEvent::InformationOverdue => {
            order.information_due = None;
        }
        OrderEvent::CancellationRefused { lines } => order.past_no_return.clone_from(lines),
        _ => {}
    }
    if order.status.is_terminal() {
        order.ended_at = Some(fact.recorded_at);
        order.information_due = None;
    }
    order.updated_at = fact.recorded_at;
    order.position = fact.position;
    save(rows, order);
    Ok(())
}

fn begun(
    fact: &Fact,
    order: OrderId,
    reseller: ResellerId,
    reference: OrderReference,
    company: Option<CompanyId>,
) -> OrderView {
    OrderView {
        order,
        reseller,
        company,
        reference,
        status: OrderStage::Draft,
        pending_from: None,
        assessed_from: None,
        lines: LineCounts::default(),
        reasons: Vec::new(),
        information_due: None,
        past_no_return: Vec::new(),
        created_at: fact.recorded_at,
        submitted_at: None,
        ended_at: None,
        updated_at: fact.recorded_at,
        position: fact.position,
    }
}

/// The status that the event leads to; nothing where it stays.
fn status_after(order: &mut OrderView, event: &OrderEvent) -> Option<OrderStage> {
    use OrderStage as To;
    Some(match event {
        OrderEvent::OrderDiscarded { .. } => To::Discarded,
        OrderEvent::OrderSubmitted { .. } => To::Submitted,
        OrderEvent::OrderAcknowledged => To::Acknowledged,
        OrderEvent::OrderRejected { .. } => To::Rejected,
        OrderEvent::LineStarted { .. } if order.status == To::Acknowledged => To::InProgress,
        OrderEvent::InformationRequired { .. } => {
            order.pending_from = Some(order.status);
            To::Pending
        }
        OrderEvent::InformationProvided { .. } => return order.pending_from.take(),
        OrderEvent::CancellationRequested { .. } => {
            order.assessed_from = Some(order.status);
            To::AssessingCancellation
        }
        // There is nothing left to wait for, so a refusal leads back to where the order was before it waited.
        OrderEvent::InformationOverdue => {
            order.assessed_from = order.pending_from.take();
            To::AssessingCancellation
        }
        OrderEvent::OrderHeld { .. } => To::Held,
        OrderEvent::OrderResumed => To::InProgress,
        OrderEvent::CancellationAccepted => To::PendingCancellation,
        OrderEvent::CancellationRefused { .. } => return order.assessed_from.take(),
        OrderEvent::OrderCompleted => To::Completed,
        OrderEvent::OrderPartlyCompleted => To::Partial,
        OrderEvent::OrderFailed => To::Failed,
        OrderEvent::OrderCancelled => To::Cancelled,
        _ => return None,
    })
}

/// Brings the rows of the lines up to date that the event is about, and their counts in the order.
fn move_lines(
    rows: &mut dyn Rows,
    fact: &Fact,
    order: &mut OrderView,
    event: &OrderEvent,
) -> Result<(), Fault> {
    let id = order.order;
    match event {
        OrderEvent::LineAdded { line, request, .. } => {
            order.lines.add(LineStatus::Waiting);
            save(rows, added(fact, id, *line, request));
            Ok(())
        }
        OrderEvent::LineRemoved { line, .. } => {
            order.lines.take(LineStatus::Waiting)?;
            rows.delete(&ORDER_LINE, &line_key(id, *line));
            Ok(())
        }
        OrderEvent::LineChanged { line, request, .. } | OrderEvent::LineAmended { line, request } => {
            change_line(rows, fact, order, *line, |view| {
                view.kind = request.into();
                view.numbers_asked = numbers_asked(request);
            })
        }
        OrderEvent::OrderSubmitted { assets, port_requests } => {
            // One round brings every line, however many there are.
            rows.children(&ORDER_LINE, &id.to_string())?;
            for (line, asset) in assets {
                change_line(rows, fact, order, *line, |view| view.asset = Some(*asset))?;
            }
            for (line, port) in port_requests {
                change_line(rows, fact, order, *line, |view| view.port_request = Some(*port))?;
            }
            Ok(())
        }
        OrderEvent::LineStarted { line } | OrderEvent::LineResumed { line } => {
            change_line(rows, fact, order, *line, |view| view.status = LineStatus::InProgress)
        }
        OrderEvent::LineMilestoneReached { line, milestone } => {
            change_line(rows, fact, order, *line, |view| view.milestone = Some(*milestone))
        }
        OrderEvent::LineHeld { line, .. } => {
            change_line(rows, fact, order, *line, |view| view.status = LineStatus::Held)
        }
        OrderEvent::LineCompleted { line, asset } => change_line(rows, fact, order, *line, |view| {
            view.status = LineStatus::Completed;
            view.asset = asset.or(view.asset);
        }),
        OrderEvent::LineFailed { line, failure } => change_line(rows, fact, order, *line, |view| {
            view.status = LineStatus::Failed;
            view.failure = Some(failure.clone());
        }),
        OrderEvent::LineCancelled { line, because_of } => change_line(rows, fact, order, *line, |view| {
            view.status = LineStatus::Cancelled;
            view.because_of = *because_of;
        }),
        _ => Ok(()),
    }
}

fn added(fact: &Fact, order: OrderId, line: LineNumber, request: &LineRequest) -> LineView {
    LineView {
        order,
        line,
        kind: request.into(),
        status: LineStatus::Waiting,
        milestone: None,
        failure: None,
        because_of: None,
        asset: None,
        port_request: None,
        numbers_asked: numbers_asked(request),
        numbers: 0,
        updated_at: fact.recorded_at,
    }
}

fn change_line(
    rows: &mut dyn Rows,
    fact: &Fact,
    order: &mut OrderView,
    line: LineNumber,
    change: impl FnOnce(&mut LineView),
) -> Result<(), Fault> {
    let mut view: LineView = require(rows, &line_key(order.order, line))?;
    order.lines.take(view.status)?;
    change(&mut view);
    order.lines.add(view.status);
    view.updated_at = fact.recorded_at;
    save(rows, view);
    Ok(())
}

fn count_numbers(
    rows: &mut dyn Rows,
    order: OrderId,
    line: LineNumber,
    change: impl FnOnce(u32) -> Option<u32>,
) -> Result<(), Fault> {
    let key = line_key(order, line);
    let mut view: LineView = require(rows, &key)?;
    view.numbers = change(view.numbers).ok_or_else(|| broken(format!("{key} has fewer numbers")))?;
    save(rows, view);
    Ok(())
}

fn numbers_asked(request: &LineRequest) -> Option<u32> {
    match request {
        LineRequest::Numbers(line) => match &line.ask {
            NumberAsk::Reservation(_) => None,
            NumberAsk::Numbers(numbers) => Some(len(numbers)),
            NumberAsk::Search(search) => Some(search.quantity),
        },
        LineRequest::Port(line) => Some(len(&line.numbers())),
        _ => None,
    }
}

fn len(numbers: &NumberSet) -> u32 {
    u32::try_from(numbers.len()).unwrap_or(u32::MAX)
}
