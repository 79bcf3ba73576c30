//! The notices: gapless per reseller and per order, in the order of the log, nothing after an order has ended, and each with
//! the rows as its event left them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use orderwire::{
    domain::{
        company::events::{CompanyEvent as E, ReservationEnd},
        fact::Happened,
        ids::{NoticeId, OrderId, ResellerId, ReservationId, StreamId},
        notice::NoticeType,
        order::{events::OrderEvent, line::LineNumber},
        views::{
            company_directory::CompanyView,
            fold::load,
            fold_orders,
            memory::MemoryRows,
            notices::{NOTICE, Notice},
            order_status::{LineView, OrderView, line_key},
            port_diary::PortView,
            reservations::ReservationView,
            table::Record,
        },
    },
    engine::Engine,
};

use super::{Audit, derived::rows};

/// Checks every notice.
pub async fn check(audit: &Audit, engine: &Engine) {
    let notices = all(engine).await;
    chain(&notices, |notice| notice.reseller, |notice| (notice.sequence, notice.previous_id));
    let mut of_orders: Vec<Notice> =
        notices.iter().filter(|notice| notice.order_sequence.is_some()).cloned().collect();
    of_orders.sort_by_key(|notice| (notice.order, notice.order_sequence));
    chain(
        &of_orders,
        |notice| notice.order,
        |notice| (notice.order_sequence.unwrap(), notice.order_previous_id),
    );
    ends(&of_orders);
    ends_after_its_lines(&of_orders);
    every_event_that_is_told(audit, &notices);
    complete_comes_last(audit);
    shows_what_was_there(audit, &notices);
    ahead_of_time(audit);
}

/// Every notice, by reseller and in order.
pub async fn all(engine: &Engine) -> Vec<Notice> {
    let stored = rows(engine, &NOTICE).await;
    let mut notices: Vec<Notice> =
        stored.values().map(|row| serde_json::from_str(&row.doc).unwrap()).collect();
    notices.sort_by_key(|notice| (notice.reseller, notice.sequence));
    notices
}

/// 1, 2, 3 …, each naming the one before it, and each further along the log.
fn chain<K: Ord + Copy + std::fmt::Debug>(
    notices: &[Notice],
    of: impl Fn(&Notice) -> K,
    link: impl Fn(&Notice) -> (u64, Option<NoticeId>),
) {
    let mut last: BTreeMap<K, (u64, NoticeId, u64)> = BTreeMap::new();
    for notice in notices {
        let (sequence, previous) = link(notice);
        let before = last.insert(of(notice), (sequence, notice.id, notice.position));
        assert_eq!(sequence, before.map_or(1, |(sequence, ..)| sequence + 1), "{:?} has a gap", of(notice));
        assert_eq!(
            previous,
            before.map(|(_, id, _)| id),
            "{:?}: {sequence} names another before it",
            of(notice)
        );
        assert!(
            before.is_none_or(|(.., position)| position < notice.position),
            "{:?}: {sequence}",
            of(notice)
        );
    }
}

fn ends(of_orders: &[Notice]) {
    let mut ended: BTreeSet<OrderId> = BTreeSet::new();
    for notice in of_orders {
        let order = notice.order.expect("a notice with a number among those of its order");
        assert!(!ended.contains(&order), "{:?} after the end of {order}", notice.notice_type);
        if notice.notice_type.ends_an_order() {
            ended.insert(order);
        }
    }
}

/// Whatever is told was told once, at its position; nothing else was.
fn every_event_that_is_told(audit: &Audit, notices: &[Notice]) {
    let told: BTreeSet<(u64, ResellerId)> = notices.iter().map(|it| (it.position, it.reseller)).collect();
    assert_eq!(told.len(), notices.len(), "an event was told twice");
    let expected =
        audit.facts.iter().filter_map(|fact| Some((fact.position, NoticeType::of(&fact.happened)?)));
    let found: BTreeMap<u64, NoticeType> = notices.iter().map(|it| (it.position, it.notice_type)).collect();
    assert_eq!(found, expected.collect::<BTreeMap<_, _>>());
}

/// An order is complete after the last of its lines is, and never before.
fn complete_comes_last(audit: &Audit) {
    let mut open: BTreeMap<OrderId, BTreeSet<LineNumber>> = BTreeMap::new();
    for fact in &audit.facts {
        let Happened::Order(order, event) = &fact.happened else { continue };
        let lines = open.entry(*order).or_default();
        match event {
            OrderEvent::LineAdded { line, .. } => {
                lines.insert(*line);
            }
            OrderEvent::LineRemoved { line, .. } | OrderEvent::LineCompleted { line, .. } => {
                lines.remove(line);
            }
            OrderEvent::OrderCompleted => assert!(lines.is_empty(), "{order} is complete without {lines:?}"),
            _ => {}
        }
    }
}

/// An order that was carried out is told to have ended after every one of its lines was, each once.
fn ends_after_its_lines(of_orders: &[Notice]) {
    let mut told: BTreeMap<OrderId, BTreeSet<LineNumber>> = BTreeMap::new();
    for notice in of_orders {
        let order = notice.order.expect("a notice with a number among those of its order");
        match notice.notice_type {
            NoticeType::LineCompleted | NoticeType::LineFailed | NoticeType::LineCancelled => {
                let line = notice.data.line.as_ref().expect("it is about a line").line;
                assert!(told.entry(order).or_default().insert(line), "line {line} of {order} ended twice");
            }
            NoticeType::OrderCompleted
            | NoticeType::OrderPartlyCompleted
            | NoticeType::OrderFailed
            | NoticeType::OrderCancelled => {
                let lines = notice.data.order.as_ref().expect("it is about an order").lines.total as usize;
                let ended = told.get(&order).map_or(0, BTreeSet::len);
                assert_eq!(ended, lines, "{order} is told to have ended after so many of its lines");
            }
            _ => {}
        }
    }
}

/// The data of each notice is what a query would have shown right after its event, found by folding the log up to there.
fn shows_what_was_there(audit: &Audit, notices: &[Notice]) {
    let told: BTreeMap<u64, &Notice> = notices.iter().map(|notice| (notice.position, notice)).collect();
    let mut rows = MemoryRows::default();
    for fact in &audit.facts {
        fold_orders(&mut rows, fact).unwrap();
        let Some(notice) = told.get(&fact.position) else { continue };
        let at = format!("{} at {}", notice.notice_type, notice.position);
        let mut row = Rows { rows: &mut rows, at: &at };
        let data = &notice.data;
        match &fact.happened {
            Happened::Order(..) => assert!(data.order.is_some(), "{at}: which order?"),
            Happened::PortRequest(..) => assert!(data.port_request.is_some(), "{at}: which port?"),
            Happened::Company(..) => assert!(data.company.is_some(), "{at}: which company?"),
            _ => panic!("{at}: nobody is told of that"),
        }
        if let Some(order) = &data.order {
            row.shows::<OrderView>(&order.order.to_string(), order, |_| {});
        }
        if let Some(line) = &data.line {
            row.shows::<LineView>(&line_key(line.order, line.line), line, |_| {});
        }
        if let Some(port) = &data.port_request {
            row.shows::<PortView>(&port.port_request.to_string(), port, |found| found.timeline.clear());
        }
        if let Some(company) = &data.company {
            row.shows::<CompanyView>(&company.company.to_string(), company, |_| {});
        }
        if let Some(reservation) = &data.reservation {
            row.shows::<ReservationView>(&reservation.reservation.to_string(), reservation, |_| {});
        }
    }
}

/// Rows right after the event of a notice.
struct Rows<'a> {
    rows: &'a mut MemoryRows,
    at: &'a str,
}

impl Rows<'_> {
    fn shows<T: Record + PartialEq + std::fmt::Debug>(
        &mut self,
        key: &str,
        told: &T,
        without: impl Fn(&mut T),
    ) {
        let mut found: T = load(self.rows, key).unwrap().unwrap_or_else(|| panic!("{}: no {key}", self.at));
        without(&mut found);
        assert_eq!(told, &found, "{}: the data is not the row", self.at);
    }
}

/// Whatever was to be announced and came to its end by time was announced before, once, and at its time.
fn ahead_of_time(audit: &Audit) {
    let mut due: BTreeMap<(StreamId, Option<ReservationId>), (DateTime<Utc>, bool)> = BTreeMap::new();
    for fact in &audit.facts {
        let Happened::Company(_, event) = &fact.happened else { continue };
        let stream = fact.happened.stream();
        let mut begins = |of, announce_at: &Option<DateTime<Utc>>| match announce_at {
            Some(at) => drop(due.insert((stream, of), (*at, false))),
            None => drop(due.remove(&(stream, of))),
        };
        match event {
            E::CompanyQualified { announce_at, .. }
            | E::QualificationExtended { announce_at, .. }
            | E::OrderClosed { qualified_until: Some(_), announce_at, .. } => begins(None, announce_at),
            E::NumbersReserved { reservation, announce_at, .. } => begins(Some(*reservation), announce_at),
            E::QualificationExpiring { .. } | E::ReservationExpiring { .. } => {
                let of = match event {
                    E::ReservationExpiring { reservation, .. } => Some(*reservation),
                    _ => None,
                };
                let (at, told) = due.get_mut(&(stream, of)).expect("it was to be announced");
                assert_eq!(
                    (*at, *told),
                    (fact.decided_at, false),
                    "{stream}: announced at its time and once"
                );
                *told = true;
            }
            E::CompanyExpired { .. } => {
                let told = due.remove(&(stream, None)).is_none_or(|(at, told)| told || at > fact.decided_at);
                assert!(told, "{stream}: the end of its qualification was not announced");
            }
            E::ReservationEnded { reservation, how } => {
                let to_come = due.remove(&(stream, Some(*reservation)));
                // One that ends with its company's qualification may have had longer: that end was announced.
                let told = to_come.is_none_or(|(at, told)| told || at > fact.decided_at);
                let by_time = *how == ReservationEnd::Expired;
                assert!(told || !by_time, "{stream}: the end of {reservation} was not announced");
            }
            _ => {}
        }
    }
}
