//! The life of an order in words, read from the log.
//!
//! What happens to many lines at the same time is one row with a count. Deliberately absent: personal data, which no row
//! needs.

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
    engine::{
        Engine,
        log::{Position, StoredEvent},
        query,
        readers::fact,
    },
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
    /// Lines of a kind that are asked for.
    Wanted(LineKind),
    /// Words about lines of a kind.
    Lines(LineKind, &'static str),
}

/// Reads the timeline of an order.
pub async fn of(engine: &Engine, told: &Told) -> anyhow::Result<Timeline> {
    let view: OrderView =
        query::get(engine.log(), &told.order.to_string()).await?.context("an order has no row")?;
    let (_, order) = engine.load::<Order>(told.order).await?;
    let mut events = events(engine, told.order.stream()).await?;
    for (_, port) in order.port_requests() {
        events.extend(self::events(engine, port.stream()).await?);
    }
    // What is said of a port comes before what it means for the order, though both are one commit; the other way round
    // only an order that is taken on.
    let first_of_commit: BTreeMap<String, Position> =
        events.iter().rev().map(|(commit, fact)| (commit.clone(), fact.position)).collect();
    events.sort_by_key(|(commit, fact)| {
        let follows = match &fact.happened {
            Happened::Order(_, event) => !matches!(event, OrderEvent::OrderAcknowledged),
            _ => false,
        };
        (first_of_commit.get(commit).copied(), follows, fact.position)
    });
    let facts: Vec<Fact> = events.into_iter().map(|(_, fact)| fact).collect();

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

/// The events of a stream, each with the commit that appended it.
async fn events(engine: &Engine, stream: StreamId) -> anyhow::Result<Vec<(String, Fact)>> {
    let events = engine.stream(stream, 0, EVENTS_MAX).await?;
    let with_commit = |event: &StoredEvent| {
        let metadata: BTreeMap<String, String> = serde_json::from_str(&event.metadata)?;
        let commit = metadata.get("commit").cloned().unwrap_or_default();
        anyhow::Ok((commit, fact(event)?))
    };
    events.iter().map(with_commit).collect()
}

/// Rows in order of time; what is told in the same words at the same time is counted.
fn collected(facts: &[Fact]) -> Vec<Row> {
    let mut kinds: BTreeMap<LineNumber, LineKind> = BTreeMap::new();
    let mut rows = Vec::new();
    for at_once in facts.chunk_by(|one, next| one.recorded_at == next.recorded_at) {
        let mut counted: Vec<(Words, String, u32)> = Vec::new();
        for fact in at_once {
            if let Happened::Order(_, OrderEvent::LineAdded { line, request, .. }) = &fact.happened {
                kinds.insert(*line, request.into());
            }
            let Some((words, detail)) = told_as(fact, &kinds) else { continue };
            match counted.iter_mut().find(|(known, of, _)| *known == words && *of == detail) {
                Some((_, _, count)) => *count += 1,
                None => counted.push((words, detail, 1)),
            }
        }
        let at = at_once[0].recorded_at;
        let wanted = |words: &Words| matches!(words, Words::Wanted(_));
        let (asked_for, rest): (Vec<_>, Vec<_>) = counted.into_iter().partition(|(words, ..)| wanted(words));
        if !asked_for.is_empty() {
            let lines: Vec<String> =
                asked_for.iter().map(|(words, detail, count)| told(*words, detail, *count)).collect();
            rows.push(Row { at, what: format!("the reseller drafts an order for {}", lines.join(", ")) });
        }
        rows.extend(rest.iter().map(|(words, detail, count)| Row { at, what: told(*words, detail, *count) }));
    }
    rows
}

fn told(words: Words, detail: &str, count: u32) -> String {
    let (kind, words) = match words {
        Words::Once(words) if count == 1 => return format!("{words}{detail}"),
        Words::Once(words) => return format!("{words}{detail} ({count} times)"),
        Words::Wanted(kind) => (kind, ""),
        Words::Lines(kind, words) => (kind, words),
    };
    let (one, many) = noun(kind);
    let lines = if count == 1 { one.to_owned() } else { format!("{count} {many}") };
    format!("{lines}{words}{detail}")
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
        OrderEvent::LineAdded { line, .. } => Some((Words::Wanted(*kinds.get(line)?), String::new())),
        OrderEvent::OrderSubmitted { .. } => once("submitted: every name and number it needs is held"),
        OrderEvent::OrderAcknowledged => once("acknowledged by the carrier"),
        OrderEvent::LineCompleted { line, .. } => match kinds.get(line)? {
            LineKind::Numbers => lines(line, " given to the company"),
            LineKind::Port => lines(line, " complete"),
            _ => lines(line, " in service"),
        },
        OrderEvent::LineFailed { line, failure } => {
            let (words, _) = lines(line, " failed:")?;
            Some((words, format!(" {}", failure.detail)))
        }
        OrderEvent::LineCancelled { line, .. } => lines(line, " cancelled"),
        OrderEvent::OrderDiscarded { .. } => once("draft given up by the reseller"),
        OrderEvent::OrderRejected { .. } => once("rejected by the carrier"),
        OrderEvent::CancellationRequested { .. } => once("cancellation requested by the reseller"),
        OrderEvent::CancellationAccepted => {
            once("cancellation accepted: nothing is past its point of no return")
        }
        OrderEvent::CancellationRefused { .. } => {
            once("cancellation refused: some lines are past their point of no return")
        }
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
            let who = if *by == Supplier::Rh {
                "range holder rejects the port:"
            } else {
                "losing provider rejects the port:"
            };
            Some((Words::Once(who), format!(" {}", reasons.join("; "))))
        }
        PortEvent::PortRepresented { attempt, details, .. } => {
            let detail = format!(" {}, attempt {attempt}", details.window.date());
            Some((Words::Once("reseller corrects the port and presents it again for"), detail))
        }
        PortEvent::PortOverdue => once("the losing provider's answer is overdue"),
        PortEvent::PortAllocated { .. } => {
            once("ported numbers allocated to the company, ahead of the port date")
        }
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
