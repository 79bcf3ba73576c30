//! The life of an order in words, read from the log.
//!
//! What happens to many lines in the same minute is one row with a count. Deliberately absent: personal data, which no
//! row needs.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::scripts::Told;
use crate::{
    domain::{
        fact::{Fact, Happened},
        ids::StreamId,
        order::{
            Order,
            events::OrderEvent,
            line::{LineKind, LineNumber},
        },
        port_request::events::{PortEvent, Supplier},
        views::order_status::OrderView,
    },
    engine::{Engine, query, readers::fact},
};

/// Events of one stream that are looked at; an order of the demo has fewer.
const EVENTS_MAX: usize = 10_000;

/// A row: when, and what happened how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: String,
}

/// The timeline of one order, with its state at the end.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The order in a few words.
    pub title: &'static str,
    /// The reseller's reference.
    pub reference: String,
    /// Where it ended.
    pub state: &'static str,
    /// What happened, in order.
    pub rows: Vec<Row>,
}

/// Something that happened, of which there may be more in the same minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    /// The same words, whatever the number.
    Once(&'static str),
    /// Words about lines of a kind.
    Lines(LineKind, &'static str),
}

/// Reads the timeline of an order.
pub async fn of(engine: &Engine, told: &Told) -> anyhow::Result<Timeline> {
    let view: OrderView = query::get(engine.log(), &told.order.to_string()).await?.context("an order has no row")?;
    let (_, order) = engine.load::<Order>(told.order).await?;
    let mut facts = facts(engine, told.order.stream()).await?;
    for (_, port) in order.port_requests() {
        facts.extend(self::facts(engine, port.stream()).await?);
    }
    facts.sort_by_key(|fact| fact.position);

    let mut rows = collected(&facts);
    if let Some((at, reasons)) = &told.refused {
        let mut lines = vec![format!("submission refused, for {} reasons:", reasons.len())];
        lines.extend(reasons.iter().map(|reason| format!("  {reason}")));
        let place = rows.iter().position(|row| row.at > *at).unwrap_or(rows.len());
        rows.insert(place, Row { at: *at, what: lines.join("\n") });
    }
    let reference = view.reference.to_string();
    Ok(Timeline { title: told.document.title(), reference, state: view.status.into(), rows })
}

async fn facts(engine: &Engine, stream: StreamId) -> anyhow::Result<Vec<Fact>> {
    let events = engine.stream(stream, 0, EVENTS_MAX).await?;
    Ok(events.iter().map(fact).collect::<Result<_, _>>()?)
}

/// Rows in order of time; within a minute, what is told in the same words is counted.
fn collected(facts: &[Fact]) -> Vec<Row> {
    let mut kinds: BTreeMap<LineNumber, LineKind> = BTreeMap::new();
    let mut rows = Vec::new();
    for minute in facts.chunk_by(|one, next| one.recorded_at == next.recorded_at) {
        let mut counted: Vec<(Words, u32, String)> = Vec::new();
        for fact in minute {
            if let Happened::Order(_, OrderEvent::LineAdded { line, request, .. }) = &fact.happened {
                kinds.insert(*line, request.into());
            }
            for (words, detail) in told_as(fact, &kinds) {
                match counted.iter_mut().find(|(known, _, of)| *known == words && *of == detail) {
                    Some((_, count, _)) => *count += 1,
                    None => counted.push((words, 1, detail)),
                }
            }
        }
        let told = counted.into_iter().map(|(words, count, detail)| told(words, count) + &detail);
        rows.extend(told.map(|what| Row { at: minute[0].recorded_at, what }));
    }
    rows
}

fn told(words: Words, count: u32) -> String {
    match words {
        Words::Once(words) => words.to_owned(),
        Words::Lines(kind, words) => {
            let (one, many) = noun(kind);
            if count == 1 { format!("{one} {words}") } else { format!("{count} {many} {words}") }
        }
    }
}

fn noun(kind: LineKind) -> (&'static str, &'static str) {
    match kind {
        LineKind::Company => ("the company", "companies"),
        LineKind::Numbers => ("a batch of new numbers", "batches of new numbers"),
        LineKind::Port => ("a port", "ports"),
        LineKind::Site => ("a site", "sites"),
        LineKind::EmergencyDetails => ("emergency details", "sites' emergency details"),
        LineKind::User => ("a user", "users"),
        LineKind::AddOn => ("an add-on", "add-ons"),
        LineKind::Device => ("a device", "devices"),
        LineKind::Pbx => ("a PBX", "PBXs"),
        LineKind::Trunk => ("a trunk", "trunks"),
    }
}

/// What an event is told as; nothing where it only leads to what is told next.
fn told_as(fact: &Fact, kinds: &BTreeMap<LineNumber, LineKind>) -> Option<(Words, String)> {
    match &fact.happened {
        Happened::Order(_, event) => of_order(event, kinds),
        Happened::PortRequest(_, event) => of_port(event),
        _ => None,
    }
}

fn of_order(event: &OrderEvent, kinds: &BTreeMap<LineNumber, LineKind>) -> Option<(Words, String)> {
    let lines = |line: &LineNumber, words| Some((Words::Lines(*kinds.get(line)?, words), String::new()));
    let once = |words| Some((Words::Once(words), String::new()));
    match event {
        OrderEvent::OrderCreated { .. } => once("order drafted by the reseller, asking for"),
        OrderEvent::LineAdded { line, .. } => lines(line, "wanted"),
        OrderEvent::OrderSubmitted { .. } => once("submitted: every name and number it needs is held"),
        OrderEvent::OrderAcknowledged => once("acknowledged by the carrier"),
        OrderEvent::LineCompleted { line, .. } => match kinds.get(line)? {
            LineKind::Numbers => lines(line, "given to the company"),
            LineKind::Port => lines(line, "complete"),
            _ => lines(line, "in service"),
        },
        OrderEvent::LineMilestoneReached { line, milestone } => {
            let (Words::Lines(kind, _), _) = lines(line, "")? else { return None };
            let word: &str = (*milestone).into();
            Some((Words::Lines(kind, "got further:"), format!(" {word}")))
        }
        OrderEvent::LineFailed { line, failure } => {
            let (words, _) = lines(line, "failed:")?;
            Some((words, format!(" {}", failure.detail)))
        }
        OrderEvent::LineCancelled { line, .. } => lines(line, "cancelled"),
        OrderEvent::OrderDiscarded { .. } => once("draft given up by the reseller"),
        OrderEvent::OrderRejected { .. } => once("rejected by the carrier"),
        OrderEvent::CancellationRequested { .. } => once("cancellation requested by the reseller"),
        OrderEvent::CancellationAccepted => once("cancellation accepted: nothing is past its point of no return"),
        OrderEvent::CancellationRefused { .. } => once("cancellation refused: some lines are past their point of no return"),
        OrderEvent::CancellationTooLate => once("cancellation too late"),
        OrderEvent::OrderCompleted => once("order completed"),
        OrderEvent::OrderPartlyCompleted => once("order ended, partly completed"),
        OrderEvent::OrderFailed => once("order failed"),
        OrderEvent::OrderCancelled => once("order cancelled"),
        _ => None,
    }
}

fn of_port(event: &PortEvent) -> Option<(Words, String)> {
    let once = |words| Some((Words::Once(words), String::new()));
    match event {
        PortEvent::PortSubmitted { .. } => once("port request sent to the losing provider"),
        PortEvent::LcpAccepted { window, given_up_at, .. } => {
            let also = if given_up_at.is_some() { "; the range holder must accept too" } else { "" };
            Some((Words::Once("losing provider accepts the port for"), format!(" {}{also}", window.date())))
        }
        PortEvent::RhAccepted { .. } => once("range holder accepts the port"),
        PortEvent::PortRejected { by, reasons, .. } => {
            let reasons: Vec<&str> = reasons.iter().map(|reason| reason.detail()).collect();
            let who = if *by == Supplier::Rh { "range holder rejects the port:" } else { "losing provider rejects the port:" };
            Some((Words::Once(who), format!(" {}", reasons.join("; "))))
        }
        PortEvent::PortRepresented { attempt, details, .. } => {
            let detail = format!(" {}, attempt {attempt}", details.window.date());
            Some((Words::Once("reseller corrects the port and presents it again for"), detail))
        }
        PortEvent::PortOverdue => once("the losing provider's answer is overdue"),
        PortEvent::PortAllocated { .. } => once("ported numbers allocated to the company, ahead of the port date"),
        PortEvent::WindowOpened => once("port window opens: ready to activate"),
        PortEvent::ActivationRequested { .. } => once("reseller activates the port"),
        PortEvent::PortCompleted { live, .. } => {
            Some((Words::Once("network reports the numbers live:"), format!(" {}", live.len())))
        }
        PortEvent::PortCancelled { .. } => once("port request cancelled"),
        PortEvent::PortWithdrawn { .. } => once("losing provider withdraws"),
        PortEvent::PortTimedOut { .. } => once("port request timed out"),
        _ => None,
    }
}
