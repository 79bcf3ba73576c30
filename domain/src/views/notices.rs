//! The notices, in order: one gapless sequence per reseller and one per order, each naming the notice before it.
//!
//! They are written by the reader that updated the rows they show, so what a notice announces, a query can see. An id is
//! made from the event, never at random: folding again gives the same notices. What was told stays told: a rebuild keeps
//! these tables ([`KEPT`](super::KEPT)) and the fold passes over the events that it has told of, so that a newer fold, which
//! may tell more, never changes what receivers have counted. Absent: delivery, and personal data, which no receiver could
//! be made to forget.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    company_directory::CompanyView,
    fold::{Fault, broken, load, require, save},
    order_status::{LineView, OrderView, line_key},
    port_diary::PortView,
    reservations::ReservationView,
    table::{Record, Rows, Table, Value, integer, text},
    webhooks::WebhookView,
};
use crate::{
    company::events::CompanyEvent,
    fact::{Fact, Happened},
    ids::{CompanyId, Mint, NoticeId, OrderId, ResellerId, WebhookId},
    notice::NoticeType,
    number::NumberSet,
    order::{events::OrderEvent, line::LineNumber},
};

/// Every notice; the key is its id, the parent the order, or the reseller where it is about none. The indexes answer what
/// a reseller is told after a sequence, what was told of one order, and what the readers behind must deliver next.
pub static NOTICE: Table = Table {
    name: "notice",
    columns: &[
        text("reseller"),
        integer("sequence"),
        text("subject"),
        integer("order_sequence"),
        text("type"),
        integer("position"),
    ],
    indexes: &[&["reseller", "sequence"], &["parent", "sequence"], &["position"]],
};

/// How far the sequences of resellers and orders are, and how far along the log events were told of.
pub static NOTICE_COUNTER: Table = Table { name: "notice_counter", columns: &[], indexes: &[] };

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which.
    pub id: NoticeId,
    /// What it says.
    #[serde(rename = "type")]
    pub notice_type: NoticeType,
    /// To whom.
    pub reseller: ResellerId,
    /// Its number among the reseller's notices, from 1.
    pub sequence: u64,
    /// The reseller's notice before it.
    pub previous_id: Option<NoticeId>,
    /// The order it is about, or for which the port is.
    pub order: Option<OrderId>,
    /// Its number among the order's notices, from 1. None once the order has ended, as when ported numbers move back.
    pub order_sequence: Option<u64>,
    /// The order's notice before it.
    pub order_previous_id: Option<NoticeId>,
    /// The id of what it is about.
    pub subject: String,
    /// When the event was recorded.
    pub time: DateTime<Utc>,
    /// The position of the event.
    pub position: u64,
    /// The rows as the event left them.
    pub data: NoticeData,
}

/// What a notice shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeData {
    /// The order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderView>,
    /// The line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<LineView>,
    /// The port request, without its timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_request: Option<PortView>,
    /// The company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyView>,
    /// The reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationView>,
    /// The numbers that left the company, which no row of it shows any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberSet>,
    /// The webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookView>,
}

/// The key of the counter whose number is the last position of the log that was looked at.
pub const LOG: &str = "log";

/// How far one sequence is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeCounter {
    /// A reseller or an order; or `log`.
    pub of: String,
    /// The last number given, 0 for none.
    pub last: u64,
    /// The notice that has it.
    pub last_id: Option<NoticeId>,
    /// Whether nothing may follow, because the order has ended.
    pub closed: bool,
}

impl Record for Notice {
    const TABLE: &'static Table = &NOTICE;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn parent(&self) -> String {
        self.order.map_or_else(|| self.reseller.to_string(), |order| order.to_string())
    }

    fn columns(&self) -> Vec<Value> {
        let integer = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        vec![
            self.reseller.to_string().into(),
            integer(self.sequence).into(),
            self.subject.as_str().into(),
            self.order_sequence.map(integer).into(),
            self.notice_type.word().into(),
            integer(self.position).into(),
        ]
    }
}

impl Record for NoticeCounter {
    const TABLE: &'static Table = &NOTICE_COUNTER;

    fn key(&self) -> String {
        self.of.clone()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// Whom a notice is for and what it is about.
struct About {
    reseller: ResellerId,
    order: Option<OrderId>,
    subject: String,
    data: NoticeData,
}

/// Writes the notice of one event, if it makes one. The rows that it shows must have been folded before.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    if load::<NoticeCounter>(rows, LOG)?.is_some_and(|told| fact.position <= told.last) {
        return Ok(());
    }
    tell(rows, fact)?;
    save(rows, NoticeCounter { of: LOG.to_owned(), last: fact.position, last_id: None, closed: false });
    Ok(())
}

fn tell(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    let Some(notice_type) = NoticeType::of(&fact.happened) else { return Ok(()) };
    let about = match &fact.happened {
        Happened::Order(order, event) => about_order(rows, *order, event)?,
        Happened::PortRequest(port, _) => about_port(rows, &port.to_string())?,
        Happened::Company(company, event) => about_company(rows, *company, event)?,
        Happened::Webhook(webhook, _) => about_webhook(rows, *webhook)?,
        Happened::NumberBlock(..) | Happened::Reseller(..) => return Ok(()),
    };
    write(rows, fact, notice_type, about)
}

fn about_order(rows: &mut dyn Rows, id: OrderId, event: &OrderEvent) -> Result<About, Fault> {
    let order: OrderView = require(rows, &id.to_string())?;
    let line = match line_of(event) {
        Some(line) => Some(require(rows, &line_key(id, line))?),
        None => None,
    };
    let reseller = order.reseller;
    let data = NoticeData { order: Some(order), line, ..NoticeData::default() };
    Ok(About { reseller, order: Some(id), subject: id.to_string(), data })
}

fn line_of(event: &OrderEvent) -> Option<LineNumber> {
    match event {
        OrderEvent::LineCompleted { line, .. }
        | OrderEvent::LineFailed { line, .. }
        | OrderEvent::LineCancelled { line, .. }
        | OrderEvent::LineHeld { line, .. }
        | OrderEvent::LineResumed { line }
        | OrderEvent::LineMilestoneReached { line, .. } => Some(*line),
        _ => None,
    }
}

fn about_port(rows: &mut dyn Rows, subject: &str) -> Result<About, Fault> {
    let mut port: PortView = require(rows, subject)?;
    port.timeline.clear();
    let (reseller, order) = (port.reseller, Some(port.order));
    let data = NoticeData { port_request: Some(port), ..NoticeData::default() };
    Ok(About { reseller, order, subject: subject.to_owned(), data })
}

fn about_company(rows: &mut dyn Rows, company: CompanyId, event: &CompanyEvent) -> Result<About, Fault> {
    let view: CompanyView = require(rows, &company.to_string())?;
    let reseller = view.reseller;
    let reservation = match event {
        CompanyEvent::ReservationExpiring { reservation, .. }
        | CompanyEvent::ReservationEnded { reservation, .. } => {
            Some(require::<ReservationView>(rows, &reservation.to_string())?)
        }
        _ => None,
    };
    let numbers = match event {
        CompanyEvent::NumbersWithdrawn { numbers, .. } => Some(numbers.clone()),
        _ => None,
    };
    let subject = reservation.as_ref().map_or_else(|| company.to_string(), Record::key);
    let data = NoticeData { company: Some(view), reservation, numbers, ..NoticeData::default() };
    Ok(About { reseller, order: None, subject, data })
}

fn about_webhook(rows: &mut dyn Rows, id: WebhookId) -> Result<About, Fault> {
    let view: WebhookView = require(rows, &id.to_string())?;
    let reseller = view.reseller;
    let data = NoticeData { webhook: Some(view), ..NoticeData::default() };
    Ok(About { reseller, order: None, subject: id.to_string(), data })
}

fn write(rows: &mut dyn Rows, fact: &Fact, notice_type: NoticeType, about: About) -> Result<(), Fault> {
    let id = notice_id(fact);
    let whole = next(rows, about.reseller.to_string(), id, false)?;
    let of_order = match about.order {
        Some(order) => next(rows, order.to_string(), id, notice_type.ends_an_order())?,
        None => None,
    };
    let Some((sequence, previous_id)) = whole else { return Err(broken("a reseller's sequence is closed")) };
    let (order_sequence, order_previous_id) = match of_order {
        Some((sequence, previous)) => (Some(sequence), previous),
        None if matches!(fact.happened, Happened::Order(..)) => {
            return Err(broken(format!("{} has ended, and {} would follow", about.subject, notice_type)));
        }
        None => (None, None),
    };
    let notice = Notice {
        id,
        notice_type,
        reseller: about.reseller,
        sequence,
        previous_id,
        order: about.order,
        order_sequence,
        order_previous_id,
        subject: about.subject,
        time: fact.recorded_at,
        position: fact.position,
        data: about.data,
    };
    save(rows, notice);
    Ok(())
}

/// The next number of a sequence, and the notice before it; nothing where the sequence is closed.
fn next(
    rows: &mut dyn Rows,
    of: String,
    id: NoticeId,
    closes: bool,
) -> Result<Option<(u64, Option<NoticeId>)>, Fault> {
    let begun = load::<NoticeCounter>(rows, &of)?;
    let mut counter = begun.unwrap_or(NoticeCounter { of, last: 0, last_id: None, closed: false });
    if counter.closed {
        return Ok(None);
    }
    let previous = counter.last_id.replace(id);
    counter.last += 1;
    counter.closed = closes;
    let number = counter.last;
    save(rows, counter);
    Ok(Some((number, previous)))
}

/// One event makes at most one notice, so stream and position name it, on whatever log.
fn notice_id(fact: &Fact) -> NoticeId {
    let stream = fact.happened.stream().id.as_u128();
    Mint::new(Uuid::from_u128(stream ^ u128::from(fact.position)), fact.recorded_at).fresh()
}
