//! A state as a document: the same fields in every stage, so that two moments of one thing can be compared path by path.
//!
//! What changes by itself is a [`Part`]; what is absent is left out. Lines, numbers and assets stand under their own number or
//! id, never under a place in a list. Deliberately absent: opening what is sealed, and what several aggregates say together.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use orderwire_domain::{
    changed::changed as differing,
    company::{
        Company,
        estate::{Estate, HeldNumber, Holding, Origin},
        events::NumberSource,
    },
    decider::Decider as _,
    ids::{AssetId, OrderId, ReservationId},
    joint::State,
    number::TelephoneNumber,
    number_block::NumberBlock,
    order::{
        Ending, Line, Lines, Order, OrderStatus, Stage,
        line::{LineNumber, LineState},
    },
    port_request::PortRequest,
    reseller::Reseller,
    webhook::Webhook,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A part of a document that changes by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Everything but the parts below.
    Head,
    /// A line of an order.
    Line(LineNumber),
    /// A reservation of a company.
    Reservation(ReservationId),
    /// An open order of a company.
    Order(OrderId),
    /// A number of a company, or one of a block that rests or is with another provider.
    Number(TelephoneNumber),
    /// Something that a company has or will have.
    Asset(AssetId),
}

impl Part {
    /// Where in the document it is.
    fn place(&self) -> Option<(&'static str, String)> {
        Some(match self {
            Self::Head => return None,
            Self::Line(line) => ("lines", line.to_string()),
            Self::Reservation(reservation) => ("reservations", reservation.to_string()),
            Self::Order(order) => ("orders", order.to_string()),
            Self::Number(number) => ("numbers", number.to_string()),
            Self::Asset(asset) => ("assets", asset.to_string()),
        })
    }

    /// The pointer that every path of it begins with.
    pub fn pointer(&self) -> String {
        self.place().map_or_else(String::new, |(table, key)| format!("/{table}/{key}"))
    }
}

/// The whole document.
pub fn of(state: &State) -> Value {
    let mut document = object(head(state));
    for part in parts(state) {
        if let (Some((table, key)), Some(value)) = (part.place(), part_of(state, &part)) {
            let table = document.entry(table).or_insert_with(|| json!({}));
            if let Value::Object(table) = table {
                table.insert(key, value);
            }
        }
    }
    Value::Object(document)
}

/// A part of the document, where there is one.
pub fn part_of(state: &State, part: &Part) -> Option<Value> {
    match (state, part) {
        (_, Part::Head) => Some(head(state)),
        (State::Order(order), Part::Line(number)) => order.line(*number).map(|it| line(order, *number, it)),
        (State::Company(company), part) => {
            let estate = company.estate()?;
            match part {
                Part::Reservation(id) => estate.reservations.get(id).map(entry),
                Part::Order(id) => estate.orders.get(id).map(entry),
                Part::Number(number) => estate.numbers.get(number).map(held),
                Part::Asset(id) => estate.assets.get(id).map(entry),
                Part::Head | Part::Line(_) => None,
            }
        }
        (State::NumberBlock(block), Part::Number(number)) => {
            let rests = block.rests_until(*number).map(|until| json!({ "rests_until": until }));
            rests.or_else(|| block.is_ported_out(*number).then(|| json!({ "ported_out": true })))
        }
        _ => None,
    }
}

/// Every part but the head.
fn parts(state: &State) -> Vec<Part> {
    let beginning = match state {
        State::Order(_) => State::Order(Arc::default()),
        State::Company(_) => State::Company(Arc::default()),
        State::PortRequest(_) => State::PortRequest(Arc::default()),
        State::NumberBlock(_) => State::NumberBlock(Arc::default()),
        State::Reseller(_) => State::Reseller(Arc::default()),
        State::Webhook(_) => State::Webhook(Arc::default()),
    };
    let mut parts = changed(&beginning, state);
    parts.retain(|part| *part != Part::Head);
    parts
}

/// The parts that may differ between two states of one thing; what both share is not looked at.
pub fn changed(before: &State, after: &State) -> Vec<Part> {
    let mut parts = vec![Part::Head];
    match (before, after) {
        (State::Order(before), State::Order(after)) => {
            parts.extend(lines_changed(before, after).into_iter().map(Part::Line));
        }
        (State::Company(before), State::Company(after)) => {
            company_changed(before.estate(), after.estate(), &mut parts);
        }
        (State::NumberBlock(before), State::NumberBlock(after)) => {
            let (before, after) = (not_free(before), not_free(after));
            parts.extend(before.symmetric_difference(&after).map(|(number, _)| Part::Number(*number)));
        }
        _ => {}
    }
    parts
}

fn lines_changed(before: &Order, after: &Order) -> Vec<LineNumber> {
    // Submitting mints the service ids and port requests of its lines, without touching the lines.
    let minted = before.status() == OrderStatus::Draft && after.status() != OrderStatus::Draft;
    let none = Lines::default();
    let old = before.graph().filter(|_| !minted).unwrap_or(&none);
    after.graph().unwrap_or(&none).changed_since(old)
}

/// Copies of persistent maps cost nothing, so those of a company that has ended, or has not begun, are empty ones.
fn company_changed(before: Option<&Estate>, after: Option<&Estate>, parts: &mut Vec<Part>) {
    let [before, after] = [before, after].map(|estate| {
        estate.map(|it| (it.reservations.clone(), it.orders.clone(), it.numbers.clone(), it.assets.clone()))
    });
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    parts.extend(differing(&before.0, &after.0).into_iter().map(Part::Reservation));
    parts.extend(differing(&before.1, &after.1).into_iter().map(Part::Order));
    parts.extend(differing(&before.2, &after.2).into_iter().map(Part::Number));
    parts.extend(differing(&before.3, &after.3).into_iter().map(Part::Asset));
}

/// The numbers of a block that are not free, each with until when it rests.
fn not_free(block: &NumberBlock) -> BTreeSet<(TelephoneNumber, Option<DateTime<Utc>>)> {
    let NumberBlock::Active { quarantined, ported_out, .. } = block else { return BTreeSet::new() };
    let resting = quarantined.iter().map(|(number, until)| (*number, Some(*until)));
    resting.chain(ported_out.iter().map(|number| (*number, None))).collect()
}

/// What is said of the whole of it.
fn head(state: &State) -> Value {
    let mut head = match state {
        State::Order(order) => of_order(order),
        State::Company(company) => of_company(company),
        State::PortRequest(port) => of_port(port),
        State::NumberBlock(block) => block.stretch().map_or_else(|| json!({}), value),
        State::Reseller(reseller) => {
            let mut head = object(reseller.tenant().map_or_else(|| json!({}), value));
            if let Reseller::Suspended { reason, .. } = &**reseller {
                head.insert("suspended_for".to_owned(), value(reason));
            }
            Value::Object(head)
        }
        State::Webhook(webhook) => {
            let mut head = object(webhook.endpoint().map_or_else(|| json!({}), value));
            if let Webhook::Stopped { failing_since, last_status, .. } = &**webhook {
                head.insert("failing_since".to_owned(), value(failing_since));
                head.insert("last_status".to_owned(), value(last_status));
            }
            Value::Object(head)
        }
    };
    head["status"] = json!(state.status());
    without_nulls(head)
}

fn of_order(order: &Order) -> Value {
    let mut head = json!({
        "reseller": order.reseller(),
        "reference": order.reference(),
        "company": order.company(),
        "untouched_until": order.untouched_until(),
        "information_deadline": order.information_deadline(),
        "information_question": order.information_question(),
    });
    match order {
        Order::Open(_, Stage::Held { reason }) => head["held_for"] = value(reason),
        Order::AssessingCancellation(_, stage, ground) => {
            head["goes_back_to"] = value(stage);
            head["assessed_because"] = value(ground);
        }
        Order::Ended(_, Ending::Rejected { reasons }) => head["rejected_for"] = value(reasons),
        _ => {}
    }
    head
}

/// A number on its two axes: who may use it, and whether it works.
fn held(number: &HeldNumber) -> Value {
    let mut shown = match number.holding {
        Holding::Reserved(reservation) => json!({ "holding": "reserved", "reservation": reservation }),
        Holding::RingFenced(reservation) => json!({ "holding": "ring_fenced", "reservation": reservation }),
        Holding::Committed { order, line, source } => {
            let reservation = match source {
                NumberSource::Stock => None,
                NumberSource::Reservation(reservation) => Some(reservation),
            };
            json!({ "holding": "committed", "order": order, "line": line, "reservation": reservation })
        }
        Holding::Allocated => json!({ "holding": "allocated" }),
        Holding::AssignedToSite(asset) => json!({ "holding": "assigned_to_site", "asset": asset }),
        Holding::AssignedToUser(asset) => json!({ "holding": "assigned_to_user", "asset": asset }),
    };
    match number.origin {
        Origin::Own => shown["network"] = json!("own"),
        Origin::Ported { port_request, live } => {
            shown["network"] = json!(if live { "ported_in" } else { "port_pending" });
            shown["port_request"] = json!(port_request);
        }
    }
    without_nulls(shown)
}

fn line(order: &Order, number: LineNumber, line: &Line) -> Value {
    let mut shown = json!({
        "kind": <&str>::from(line.kind()),
        "status": line.status().to_string(),
        "asset": order.asset(number),
        "port_request": order.port_request(number),
    });
    if !line.milestones.is_empty() {
        shown["milestones"] = value(&line.milestones);
    }
    match &line.state {
        LineState::Held { reason } => shown["held_for"] = value(reason),
        LineState::Failed(failure) => shown["failure"] = value(failure),
        _ => {}
    }
    shown["asks"] = inner(value(&*line.request));
    without_nulls(shown)
}

fn of_company(company: &Company) -> Value {
    let mut head = json!({
        "reseller": company.reseller(),
        "name": company.name(),
        "domain": company.domain(),
        "channels": company.channels(),
        "announce_at": company.announce_at(),
    });
    match company {
        Company::Qualified { expires_at, extensions, .. }
        | Company::Ordered { expires_at, extensions, .. } => {
            head["expires_at"] = value(expires_at);
            head["extensions"] = value(extensions);
        }
        Company::Suspended { reason, .. } => head["suspended_for"] = value(reason),
        _ => {}
    }
    head
}

/// A stage has its own fields beside the request, which every stage has: both are said on one level.
fn of_port(port: &PortRequest) -> Value {
    let mut stage = match inner(value(port)) {
        Value::Object(stage) => stage,
        _ => Map::new(),
    };
    let mut head = stage.remove("request").map(object).unwrap_or_default();
    // What suppliers said is in the history, message by message.
    head.remove("messages");
    head.extend(stage);
    Value::Object(head)
}

/// What stands under the name of a variant.
fn inner(variant: Value) -> Value {
    match variant {
        Value::Object(named) if named.len() == 1 => {
            named.into_iter().next().map_or(Value::Null, |(_, inner)| inner)
        }
        other => other,
    }
}

fn value(of: &(impl Serialize + ?Sized)) -> Value {
    serde_json::to_value(of).expect("a state has text, numbers and text keys")
}

fn entry(of: &impl Serialize) -> Value {
    without_nulls(value(of))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn without_nulls(value: Value) -> Value {
    Value::Object(object(value).into_iter().filter(|(_, value)| !value.is_null()).collect())
}
