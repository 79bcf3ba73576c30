//! The notices: gapless per reseller and per order, in the order of the log, and nothing after an order has ended.

use std::collections::{BTreeMap, BTreeSet};

use orderwire::{
    domain::{
        fact::Happened,
        ids::{NoticeId, OrderId, ResellerId},
        notice::NoticeType,
        order::{events::OrderEvent, line::LineNumber},
        views::notices::{NOTICE, Notice},
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
    every_event_that_is_told(audit, &notices);
    complete_comes_last(audit);
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
