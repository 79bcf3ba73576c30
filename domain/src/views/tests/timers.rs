//! Timers: what is due, what rests, what is void.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    super::{memory::MemoryRows, table::Value},
    orders::{add, create, fact, facts, message, order, port, submitted, window},
};
use crate::{
    company::events::{CompanyEvent, ReservationEnd},
    fact::Happened,
    ids::{CompanyId, NumberBlockId, ResellerId, ReservationId},
    names::{CompanyName, Domain},
    number::{NumberRange, NumberSet},
    number_block::events::BlockEvent,
    order::events::OrderEvent,
    port_request::events::PortEvent,
    sealed::Sealed,
    testing::scenario::moment,
    timer::{TIMER, Timer, fold_timers},
};

/// The timers after these events: what falls due, and what rests in parentheses.
fn after(happened: impl IntoIterator<Item = Happened>) -> Vec<String> {
    let mut rows = MemoryRows::default();
    for fact in facts(happened) {
        fold_timers(&mut rows, &fact).unwrap();
    }
    let shown = rows.table(&TIMER).into_values().map(|row| {
        let timer: Timer = serde_json::from_str(&row.doc).unwrap();
        assert_eq!(timer.rests, row.columns[0] == Value::Null);
        let name = timer.name.to_string();
        if timer.rests { format!("({name})") } else { name }
    });
    shown.collect()
}

fn ports(events: impl IntoIterator<Item = PortEvent>) -> Vec<String> {
    after(events.into_iter().map(|event| Happened::PortRequest(port(), event)))
}

fn accepted(given_up_at: Option<DateTime<Utc>>) -> PortEvent {
    PortEvent::LcpAccepted { message: message(), window: window("2026-06-20"), given_up_at }
}

#[test]
fn a_draft_has_one_timer_until_it_is_submitted() {
    let submit = OrderEvent::OrderSubmitted { assets: vec![], port_requests: vec![] };
    let of =
        |events: Vec<OrderEvent>| after(events.into_iter().map(|event| Happened::Order(order(1), event)));
    assert_eq!(of(vec![create(1), add(1), add(2)]), ["draft_untouched"]);
    assert_eq!(of(vec![create(1), add(1), submit]), [""; 0]);
}

#[test]
fn a_deadline_rests_while_a_cancellation_is_assessed() {
    let sealed = || {
        let [key_id, nonce, ciphertext, tag] = ["com_1", "00", "00", "00"].map(str::to_owned);
        Sealed { key_id, nonce, ciphertext, tag }
    };
    let asked =
        OrderEvent::InformationRequired { question: sealed(), deadline: moment("2026-07-01T10:00:00Z") };
    let cancel = OrderEvent::CancellationRequested { reason: None };
    let refused = OrderEvent::CancellationRefused { lines: vec![] };
    let of = |events: &[&OrderEvent]| {
        after(events.iter().map(|event| Happened::Order(order(1), (*event).clone())))
    };
    assert_eq!(of(&[&asked]), ["information_deadline"]);
    assert_eq!(of(&[&asked, &cancel]), ["(information_deadline)"]);
    assert_eq!(of(&[&asked, &cancel, &refused]), ["information_deadline"]);
    assert_eq!(of(&[&asked, &cancel, &OrderEvent::CancellationAccepted]), [""; 0]);
}

#[test]
fn a_window_opens_once_everybody_has_accepted_and_closes_after_it_opened() {
    let until = Some(moment("2026-06-15T10:00:00Z"));
    let rh = || PortEvent::RhAccepted { message: message() };
    let asked = ["port_answer_overdue", "port_give_up"];
    assert_eq!(ports([submitted()]), asked);
    assert_eq!(ports([submitted(), PortEvent::PortOverdue]), ["port_give_up"]);
    let waiting = ["port_give_up", "(port_window_closes)", "(port_window_opens)"];
    assert_eq!(ports([submitted(), accepted(until)]), waiting);
    let ready = ["(port_window_closes)", "port_window_opens"];
    assert_eq!(ports([submitted(), accepted(until), rh()]), ready);
    assert_eq!(ports([submitted(), accepted(None)]), ready);
    assert_eq!(ports([submitted(), accepted(None), PortEvent::WindowOpened]), ["port_window_closes"]);
}

#[test]
fn an_open_window_still_closes_after_an_activation_that_moved_nothing() {
    let overdue_at = moment("2026-06-20T14:00:00Z");
    let activation = PortEvent::ActivationRequested { overdue_at };
    let failed = PortEvent::ActivationFailed { message: message(), given_up_at: None };
    let mut story = vec![submitted(), accepted(None), PortEvent::WindowOpened, activation];
    assert_eq!(ports(story.clone()), ["port_network_silent", "(port_window_closes)"]);
    story.push(failed);
    assert_eq!(ports(story.clone()), ["port_window_closes"]);
    story.push(PortEvent::WindowClosed { given_up_at: moment("2026-07-20T14:00:00Z") });
    assert_eq!(ports(story.clone()), ["port_give_up"]);
    story.push(PortEvent::PortTimedOut { numbers: NumberSet::new() });
    assert_eq!(ports(story), [""; 0]);
}

#[test]
fn a_qualification_is_announced_and_expires_unless_an_order_is_open() {
    let id = CompanyId(Uuid::from_u128(7));
    let until = moment("2026-07-01T10:00:00Z");
    let announce_at = Some(moment("2026-06-29T10:00:00Z"));
    let qualified = CompanyEvent::CompanyQualified {
        reseller: ResellerId(Uuid::from_u128(8)),
        name: CompanyName::parse("Acme Ltd").unwrap(),
        domain: Domain::parse("acme.example").unwrap(),
        expires_at: until,
        announce_at,
    };
    let opened = CompanyEvent::OrderOpened { order: order(1), channels: None };
    let closed = |announce_at| CompanyEvent::OrderClosed {
        order: order(1),
        qualified_until: Some(until),
        announce_at,
    };
    let extended = |announce_at| CompanyEvent::QualificationExtended {
        expires_at: until + TimeDelta::days(30),
        announce_at,
    };
    let announced = CompanyEvent::QualificationExpiring { expires_at: until };
    let of =
        |events: &[&CompanyEvent]| after(events.iter().map(|event| Happened::Company(id, (*event).clone())));
    let both = ["qualification_expiring", "qualification_expiry"];
    assert_eq!(of(&[&qualified]), both);
    assert_eq!(of(&[&qualified, &announced]), ["qualification_expiry"]);
    assert_eq!(of(&[&qualified, &announced, &extended(announce_at)]), both);
    assert_eq!(of(&[&qualified, &extended(None)]), ["qualification_expiry"], "the end is too near");
    assert_eq!(of(&[&qualified, &opened]), [""; 0]);
    assert_eq!(of(&[&qualified, &opened, &closed(announce_at)]), both);
    assert_eq!(of(&[&qualified, &opened, &closed(None)]), ["qualification_expiry"]);

    let reservation = ReservationId(Uuid::from_u128(9));
    let numbers: NumberSet = NumberRange::parse("0113 496 0100-109").unwrap().into();
    let reserve = |expires_at: Option<_>| {
        let announce_at = expires_at.and(announce_at);
        CompanyEvent::NumbersReserved { reservation, numbers: numbers.clone(), expires_at, announce_at }
    };
    let announced = CompanyEvent::ReservationExpiring { reservation, expires_at: until };
    let ended = CompanyEvent::ReservationEnded { reservation, how: ReservationEnd::Released };
    assert_eq!(
        of(&[&reserve(Some(until)), &reserve(Some(until))]),
        [format!("reservation_expiring/{reservation}"), format!("reservation_expiry/{reservation}")]
    );
    assert_eq!(of(&[&reserve(Some(until)), &announced]), [format!("reservation_expiry/{reservation}")]);
    assert_eq!(of(&[&reserve(Some(until)), &ended]), [""; 0]);
    assert_eq!(of(&[&reserve(None)]), [""; 0]);
}

#[test]
fn numbers_that_rest_until_one_time_share_a_timer_and_leave_it_one_by_one() {
    let block = NumberBlockId(Uuid::from_u128(5));
    let set = |text: &str| NumberSet::from(NumberRange::parse(text).unwrap());
    let until = moment("2026-07-01T10:00:00Z");
    let rest = |text| BlockEvent::NumbersQuarantined { numbers: set(text), until };
    let mut rows = MemoryRows::default();
    let mut fold = |event| {
        fold_timers(&mut rows, &fact(1, Happened::NumberBlock(block, event))).unwrap();
        let timers = rows.table(&TIMER).into_values();
        timers.map(|row| serde_json::from_str::<Timer>(&row.doc).unwrap().numbers.len()).collect::<Vec<_>>()
    };
    assert_eq!(fold(rest("0113 496 0100-109")), [10]);
    assert_eq!(fold(rest("0113 496 0110-119")), [20]);
    assert_eq!(
        fold(BlockEvent::NumbersPortedOut {
            numbers: set("0113 496 0105"),
            quarantined: set("0113 496 0105"),
            message: Some(message()),
        }),
        [19]
    );
    assert_eq!(fold(BlockEvent::NumbersFreed { numbers: set("0113 496 0100-119") }), [0; 0]);
}
