//! How far every order is, and every line of it.
//!
//! A line has a row of its own, so that a step of one line costs the same in an order of five lines and of five thousand.
//! Absent: what the lines ask for in full, and anything personal. The order's own stream has both.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{
    fold::{Fault, broken, require, save},
    table::{Record, Rows, Table, Value, integer, text},
};
use crate::{
    company::events::CompanyEvent,
    fact::{Fact, Happened},
    ids::{AssetId, CompanyId, OrderId, PortRequestId, ResellerId},
    names::OrderReference,
    number::NumberSet,
    order::{
        events::OrderEvent,
        line::{LineFailure, LineKind, LineNumber, LineRequest, LineStatus, Milestone, NumberAsk},
    },
    port_request::events::PortEvent,
    refusal::Reason,
};

/// One row per order. The indexes answer: a reseller's orders, newest first, of any or one status; its order of a
/// reference; a company's orders; what has been in a status longest.
pub static ORDER_STATUS: Table = Table {
    name: "order_status",
    columns: &[
        text("reseller"),
        text("company"),
        text("reference"),
        text("status"),
        integer("created_at"),
        integer("updated_at"),
        integer("position"),
    ],
    indexes: &[
        &["reseller", "created_at"],
        &["reseller", "status", "created_at"],
        &["reseller", "reference"],
        &["company", "created_at"],
        &["status", "updated_at"],
    ],
};

/// One row per line; its parent is the order. The index answers what waits for an outside system, longest first.
pub static ORDER_LINE: Table = Table {
    name: "order_line",
    columns: &[text("status"), text("kind"), integer("updated_at")],
    indexes: &[&["status", "kind", "updated_at"]],
};

/// Where an order is, as its events tell.
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
#[expect(missing_docs, reason = "the words of the order's lifecycle, which says what each means")]
pub enum OrderStage {
    Draft,
    Submitted,
    Acknowledged,
    InProgress,
    Pending,
    Held,
    AssessingCancellation,
    PendingCancellation,
    Rejected,
    Completed,
    Partial,
    Failed,
    Cancelled,
    Discarded,
}

impl OrderStage {
    /// Whether the order has ended.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Rejected
                | Self::Completed
                | Self::Partial
                | Self::Failed
                | Self::Cancelled
                | Self::Discarded
        )
    }
}

/// An order as queries and notices show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Which.
    pub order: OrderId,
    /// Whose.
    pub reseller: ResellerId,
    /// For which company.
    pub company: Option<CompanyId>,
    /// The reseller's own reference.
    pub reference: OrderReference,
    /// Where it is.
    pub status: OrderStage,
    /// Where it goes when the information has come.
    pub pending_from: Option<OrderStage>,
    /// Where it goes when the cancellation is refused.
    pub assessed_from: Option<OrderStage>,
    /// Its lines by status.
    pub lines: LineCounts,
    /// Why it was rejected.
    pub reasons: Vec<Reason>,
    /// By when the information must come, while it is pending.
    pub information_due: Option<DateTime<Utc>>,
    /// The lines past their point of no return, where a cancellation was refused.
    pub past_no_return: Vec<LineNumber>,
    /// When the draft was begun.
    pub created_at: DateTime<Utc>,
    /// When it was submitted.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When anything last happened to it.
    pub updated_at: DateTime<Utc>,
    /// The position of that event.
    pub position: u64,
}

/// How many lines are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each word is a line status, but for the first")]
pub struct LineCounts {
    pub total: u32,
    pub waiting: u32,
    pub in_progress: u32,
    pub held: u32,
    pub completed: u32,
    pub failed: u32,
    pub cancelled: u32,
}

/// A line as queries and notices show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// Its order.
    pub order: OrderId,
    /// Its number.
    pub line: LineNumber,
    /// What kind of thing it asks for.
    pub kind: LineKind,
    /// How far it is.
    pub status: LineStatus,
    /// The last milestone it reached.
    pub milestone: Option<Milestone>,
    /// Why it failed.
    pub failure: Option<LineFailure>,
    /// The line it hung on, where that ended first.
    pub because_of: Option<LineNumber>,
    /// The service id of what it makes.
    pub asset: Option<AssetId>,
    /// The port request of a port line.
    pub port_request: Option<PortRequestId>,
    /// How many numbers it asks for, where it says.
    pub numbers_asked: Option<u32>,
    /// How many numbers are committed to it or being ported for it.
    pub numbers: u32,
    /// When anything last happened to it.
    pub updated_at: DateTime<Utc>,
}

impl Record for OrderView {
    const TABLE: &'static Table = &ORDER_STATUS;

    fn key(&self) -> String {
        self.order.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.reseller.to_string().into(),
            self.company.map(|company| company.to_string()).into(),
            self.reference.as_str().into(),
            <&str>::from(self.status).into(),
            self.created_at.timestamp_micros().into(),
            self.updated_at.timestamp_micros().into(),
            i64::try_from(self.position).unwrap_or(i64::MAX).into(),
        ]
    }
}

impl Record for LineView {
    const TABLE: &'static Table = &ORDER_LINE;

    fn key(&self) -> String {
        line_key(self.order, self.line)
    }

    fn parent(&self) -> String {
        self.order.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let (status, kind): (&str, &str) = (self.status.into(), self.kind.into());
        vec![status.into(), kind.into(), self.updated_at.timestamp_micros().into()]
    }
}

/// The key of a line's row; keys sort as the lines do.
pub fn line_key(order: OrderId, line: LineNumber) -> String {
    format!("{order}/{:05}", line.0)
}

impl LineCounts {
    /// How many lines have ended, of a hundred.
    pub fn progress_percent(self) -> u32 {
        let ended = self.completed + self.failed + self.cancelled;
        (ended * 100).checked_div(self.total).unwrap_or(0)
    }

    fn of(&mut self, status: LineStatus) -> &mut u32 {
        match status {
            LineStatus::Waiting => &mut self.waiting,
            LineStatus::InProgress => &mut self.in_progress,
            LineStatus::Held => &mut self.held,
            LineStatus::Completed => &mut self.completed,
            LineStatus::Failed => &mut self.failed,
            LineStatus::Cancelled => &mut self.cancelled,
        }
    }

    fn add(&mut self, status: LineStatus) {
        self.total += 1;
        *self.of(status) += 1;
    }

    fn take(&mut self, status: LineStatus) -> Result<(), Fault> {
        let count = self.of(status);
        *count = count.checked_sub(1).ok_or_else(|| broken(format!("no line is {status}")))?;
        self.total -= 1;
        Ok(())
    }
}

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
            save(rows, &line);
            Ok(())
        }
        Happened::Company(..)
        | Happened::PortRequest(..)
        | Happened::NumberBlock(..)
        | Happened::Reseller(..) => Ok(()),
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
            order.information_due = None
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
    save(rows, &order);
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
            save(rows, &added(fact, id, *line, request));
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
    save(rows, &view);
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
    save(rows, &view);
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
