//! Orders, ports and the notices about them.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{
    READERS, fold_orders,
    memory::MemoryRows,
    notices::{NOTICE, Notice},
    order_status::{ORDER_LINE, ORDER_STATUS, OrderStage, OrderView},
    port_diary::{Jeopardy, PORT_DIARY, PortStage, PortView},
    table::{Record, Row},
    tables,
};
use crate::{
    address::Postcode,
    calendar::PortWindow,
    fact::{Fact, Happened},
    ids::{OrderId, PortRequestId, ResellerId},
    lead_time::{LeadTime, PortClass, PortRoute, PortShape},
    names::{Cupid, MessageId, OrderReference, SiteName},
    notice::NoticeType,
    number::{NumberRange, NumberSet},
    order::{
        events::OrderEvent,
        line::{LineFailure, LineNumber, LineRequest, NumberAsk, NumberSearch, NumbersLine, SearchBy},
    },
    port_request::{
        events::{PortDetails, PortDraft, PortEvent, Supplier},
        reason::PortRejection,
    },
    sealed::Sealed,
    testing::scenario::moment,
};

pub(super) fn fact(position: u64, happened: Happened) -> Fact {
    let at = moment("2026-06-01T10:00:00Z") + TimeDelta::seconds(i64::try_from(position).unwrap());
    Fact { position, sequence: position, recorded_at: at, decided_at: at, correlation: None, happened }
}

pub(super) fn facts(happened: impl IntoIterator<Item = Happened>) -> Vec<Fact> {
    happened.into_iter().zip(1..).map(|(happened, position)| fact(position, happened)).collect()
}

pub(super) fn order(id: u128) -> OrderId {
    OrderId(Uuid::from_u128(0xa000 + id))
}

pub(super) fn reseller() -> ResellerId {
    ResellerId(Uuid::from_u128(0xb000))
}

fn happened(id: u128, event: OrderEvent) -> Happened {
    Happened::Order(order(id), event)
}

pub(super) fn created(id: u128) -> Fact {
    fact(1, happened(id, create(id)))
}

pub(super) fn acknowledged(position: u64, id: u128) -> Fact {
    fact(position, happened(id, OrderEvent::OrderAcknowledged))
}

pub(super) fn create(id: u128) -> OrderEvent {
    OrderEvent::OrderCreated {
        reseller: reseller(),
        reference: OrderReference::parse(&format!("PO-{id}")).unwrap(),
        company: None,
        untouched_until: moment("2026-09-01T10:00:00Z"),
    }
}

pub(super) fn add(line: u32) -> OrderEvent {
    let by = SearchBy::Place(SiteName::parse("Leeds").unwrap());
    let ask = NumberAsk::Search(NumberSearch { by, quantity: 5, contiguous: false });
    OrderEvent::LineAdded {
        line: LineNumber(line),
        request: LineRequest::Numbers(NumbersLine { ask, site: None }),
        untouched_until: moment("2026-09-01T10:00:00Z"),
    }
}

fn submit() -> OrderEvent {
    OrderEvent::OrderSubmitted { assets: vec![], port_requests: vec![] }
}

fn sealed() -> Sealed {
    let text = |text: &str| text.to_owned();
    Sealed { key_id: text("com_1"), nonce: text("00"), ciphertext: text("5ec2e7"), tag: text("7a6") }
}

/// The events of one order of `lines` lines, each of which ends as told, with a hold and a question in between.
pub(super) fn life(id: u128, ends: &[u8]) -> Vec<Happened> {
    let mut events = vec![create(id)];
    let lines: Vec<_> = ends.iter().zip(1u32..).collect();
    events.extend(lines.iter().map(|(_, line)| add(*line)));
    events.extend([submit(), OrderEvent::OrderAcknowledged]);
    events.extend([
        OrderEvent::InformationRequired { question: sealed(), deadline: moment("2026-07-01T10:00:00Z") },
        OrderEvent::InformationProvided { answer: sealed() },
    ]);
    for (end, line) in &lines {
        let line = LineNumber(*line);
        match *end {
            0 => {
                let failure = LineFailure { code: "x".into(), detail: "x".into() };
                events.push(OrderEvent::LineFailed { line, failure });
            }
            1 => events.push(OrderEvent::LineCancelled { line, because_of: None }),
            _ => {
                events.push(OrderEvent::LineStarted { line });
                events.push(OrderEvent::LineHeld { line, reason: sealed() });
                events.push(OrderEvent::LineResumed { line });
                events.push(OrderEvent::LineCompleted { line, asset: None });
            }
        }
    }
    events.push(OrderEvent::OrderPartlyCompleted);
    events.into_iter().map(|event| happened(id, event)).collect()
}

/// Several lives at once, each in its own order.
fn interleaved(lives: Vec<Vec<Happened>>, picks: &[usize]) -> Vec<Fact> {
    let mut lives: Vec<_> = lives.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    let mut picks = picks.iter().copied().cycle();
    while !lives.is_empty() {
        let at = picks.next().unwrap_or(0) % lives.len();
        match lives[at].next() {
            Some(event) => all.push(event),
            None => drop(lives.remove(at)),
        }
    }
    facts(all)
}

fn notices(rows: &MemoryRows) -> Vec<Notice> {
    let mut notices: Vec<Notice> =
        rows.table(&NOTICE).values().map(|row| serde_json::from_str(&row.doc).unwrap()).collect();
    notices.sort_by_key(|notice| notice.sequence);
    notices
}

fn json(notice: &Notice) -> String {
    serde_json::to_string(notice).unwrap()
}

fn one<T: Record>(rows: &BTreeMap<String, Row>) -> T {
    serde_json::from_str(&rows.values().next().unwrap().doc).unwrap()
}

fn folded(facts: &[Fact]) -> MemoryRows {
    let mut rows = MemoryRows::default();
    for fact in facts {
        fold_orders(&mut rows, fact).unwrap();
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn notices_are_gapless_for_the_reseller_and_for_each_order(
        ends in prop::collection::vec(prop::collection::vec(0u8..4, 1..6), 1..4),
        picks in prop::collection::vec(0usize..4, 1..20),
    ) {
        let lives = ends.iter().zip(1u128..).map(|(ends, id)| life(id, ends)).collect();
        let facts = interleaved(lives, &picks);
        let all = notices(&folded(&facts));

        let mut last = BTreeMap::new();
        let mut previous = None;
        for (notice, sequence) in all.iter().zip(1u64..) {
            prop_assert_eq!((notice.sequence, notice.previous_id), (sequence, previous));
            previous = Some(notice.id);
            let (number, before) = last.insert(notice.order, (notice.order_sequence, Some(notice.id))).unwrap_or((Some(0), None));
            prop_assert_eq!(notice.order_sequence, number.map(|number| number + 1));
            prop_assert_eq!(notice.order_previous_id, before);
        }
        for id in 1..=ends.len() as u128 {
            let of = all.iter().filter(|notice| notice.order == Some(order(id)));
            let last = of.max_by_key(|notice| notice.order_sequence).unwrap();
            prop_assert!(last.notice_type.ends_an_order());
        }
        prop_assert!(all.iter().all(|notice| !json(notice).contains("5ec2e7")));
    }

    #[test]
    fn a_reader_that_must_ask_for_everything_comes_to_the_same_rows(
        ends in prop::collection::vec(prop::collection::vec(0u8..4, 1..6), 1..4),
        picks in prop::collection::vec(0usize..4, 1..20),
        page in 1usize..40,
    ) {
        let lives = ends.iter().zip(1u128..).map(|(ends, id)| life(id, ends)).collect();
        let facts = interleaved(lives, &picks);
        for reader in READERS {
            let mut plain = MemoryRows::default();
            for fact in &facts {
                (reader.fold)(&mut plain, fact).unwrap();
            }
            let mut asked = MemoryRows::default();
            asked.read(reader.fold, &facts, page).unwrap();
            let mut at_once = MemoryRows::default();
            at_once.read_at_once(reader.fold, &facts, page).unwrap();
            for table in reader.tables {
                prop_assert_eq!(plain.table(table), asked.table(table), "{}", table.name);
                prop_assert_eq!(plain.table(table), at_once.table(table), "{}", table.name);
            }
        }
    }
}

#[test]
fn an_order_counts_its_lines_and_goes_back_where_it_came_from() {
    let before_the_end = {
        let mut life = life(1, &[2, 0, 1]);
        life.pop();
        life
    };
    let rows = folded(&facts(before_the_end));
    let order: OrderView = one(&rows.table(&ORDER_STATUS));
    assert_eq!(order.status, OrderStage::InProgress);
    let lines = order.lines;
    assert_eq!((lines.total, lines.completed, lines.failed, lines.cancelled), (3, 1, 1, 1));
    assert_eq!(lines.progress_percent(), 100);
    assert_eq!(rows.table(&ORDER_LINE).len(), 3);
}

#[test]
fn nothing_follows_the_end_of_an_order() {
    let mut facts = facts(life(1, &[2]));
    let after = fact(facts.len() as u64 + 1, happened(1, OrderEvent::OrderHeld { reason: sealed() }));
    let mut rows = folded(&facts);
    assert!(fold_orders(&mut rows, &after).unwrap_err().to_string().contains("was partial"));
    facts.push(after);
    assert!(
        MemoryRows::default().read(fold_orders, &facts, 100).unwrap_err().to_string().contains("position")
    );
}

#[test]
fn every_table_has_its_name_for_itself_and_columns_for_its_indexes() {
    let all = tables();
    let names: std::collections::BTreeSet<_> = all.iter().map(|table| table.name).collect();
    assert_eq!(names.len(), all.len());
    for table in all {
        let known = |name: &str| name == "parent" || table.columns.iter().any(|column| column.name == name);
        assert!(
            table.indexes.iter().flat_map(|index| index.iter()).all(|name| known(name)),
            "{}",
            table.name
        );
    }
}

pub(super) fn window(date: &str) -> PortWindow {
    PortWindow::parse(date, "09:00", "17:00").unwrap()
}

pub(super) fn draft(numbers: &NumberSet) -> PortDraft {
    let shape = PortShape {
        class: PortClass::MultiLine,
        numbers: u32::try_from(numbers.len()).unwrap(),
        has_range: true,
        complex: false,
        geographic: true,
        simultaneous: 1,
    };
    let details = PortDetails {
        shape,
        route: PortRoute::Provide,
        main_number: numbers.iter().next().unwrap(),
        losing_provider: Cupid::parse("001").unwrap(),
        range_holder: Cupid::parse("001").unwrap(),
        postcode: Postcode::parse("LS1 4AP").unwrap(),
        account: sealed(),
        signatory: sealed(),
        window: window("2026-06-20"),
        day_zero: "2026-06-01".parse().unwrap(),
        lead_time: LeadTime { row: "multi_line".into(), working_days: 10 },
    };
    PortDraft {
        reseller: reseller(),
        order: order(1),
        line: LineNumber(1),
        company: None,
        numbers: numbers.clone(),
        details,
    }
}

pub(super) fn message() -> MessageId {
    MessageId::parse("m-1").unwrap()
}

pub(super) fn port() -> PortRequestId {
    PortRequestId(Uuid::from_u128(0xc000))
}

pub(super) fn submitted() -> PortEvent {
    PortEvent::PortSubmitted {
        overdue_at: moment("2026-06-03T10:00:00Z"),
        given_up_at: moment("2026-06-15T10:00:00Z"),
    }
}

#[test]
fn a_port_tells_its_story_and_hides_what_is_personal() {
    let numbers: NumberSet = NumberRange::parse("0113 496 0100-109").unwrap().into();
    let mut story: Vec<_> =
        [create(1), add(1), submit(), OrderEvent::OrderAcknowledged].map(|event| happened(1, event)).into();
    let rejected = PortEvent::PortRejected {
        message: message(),
        by: Supplier::Lcp,
        reasons: vec![PortRejection::SingleLineButMultiLine],
        given_up_at: moment("2026-06-20T10:00:00Z"),
    };
    let events =
        [PortEvent::PortDrafted(Box::new(draft(&numbers))), submitted(), PortEvent::PortOverdue, rejected];
    story.extend(events.map(|event| Happened::PortRequest(port(), event)));
    let rows = folded(&facts(story));

    let view: PortView = one(&rows.table(&PORT_DIARY));
    assert_eq!((view.status, view.jeopardy, view.numbers), (PortStage::Rejected, None, 10));
    assert_eq!(view.timeline.len(), 4);
    assert_eq!(view.rejection.unwrap().reasons[0].code.as_deref(), Some("25"));
    let told: Vec<_> = notices(&rows).into_iter().map(|notice| notice.notice_type).collect();
    assert_eq!(told, [NoticeType::OrderAcknowledged, NoticeType::PortOverdue, NoticeType::PortRejected]);
    let overdue = &notices(&rows)[1];
    let shown = overdue.data.port_request.as_ref().unwrap();
    assert_eq!((shown.jeopardy, shown.timeline.len()), (Some(Jeopardy::AnswerOverdue), 0));
    assert!(!json(overdue).contains("5ec2e7"));
}

#[test]
fn a_port_of_an_ended_order_is_told_outside_the_orders_sequence() {
    let numbers: NumberSet = NumberRange::parse("0113 496 0100-109").unwrap().into();
    let mut story: Vec<_> = [create(1), add(1), submit()].map(|event| happened(1, event)).into();
    story.push(Happened::PortRequest(port(), PortEvent::PortDrafted(Box::new(draft(&numbers)))));
    story.push(happened(1, OrderEvent::OrderRejected { reasons: vec![] }));
    let why = crate::port_request::events::PortCancellation::OrderEnded;
    story.push(Happened::PortRequest(port(), PortEvent::PortCancelled { why, numbers }));
    let all = notices(&folded(&facts(story)));
    assert_eq!(all.iter().map(|notice| notice.order_sequence).collect::<Vec<_>>(), [Some(1), None]);
    assert_eq!(all[1].previous_id, Some(all[0].id));
}
