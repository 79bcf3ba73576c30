//! Read models and timers: equal to a fresh fold of the log, and equal to what the states of the aggregates say.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use orderwire::{
    domain::{
        claim::{Claim, ClaimScope},
        company::{Company, estate::Holding as Held},
        ids::{ReservationId, StreamId},
        joint::State,
        number::{NumberSet, TelephoneNumber},
        order::Order,
        timer::{TIMER, Timer, TimerName},
        views::{
            READERS,
            company_directory::CompanyView,
            memory::MemoryRows,
            number_availability::{FreeRun, Holding, NUMBER_RUN, NumberView},
            order_status::{LineView, OrderView, line_key},
            port_diary::PortView,
            reservations::{ReservationStage, ReservationView},
            table::{Record, Row, Table},
            webhooks::WebhookView,
        },
    },
    engine::{Engine, log::Select, query},
};

use super::Audit;

/// Compares every table with a fresh fold, then what it says with the states.
pub async fn check(audit: &Audit, engine: &Engine) {
    let head = engine.head().await.unwrap().position;
    for reader in READERS {
        let mut fresh = MemoryRows::default();
        // A page of another length than the engine's, so that a fold that minds where pages end is found.
        fresh.read(reader.fold, &audit.facts, 37).unwrap_or_else(|fault| panic!("{}: {fault}", reader.name));
        assert_eq!(
            engine.log().checkpoint(reader.name).await.unwrap(),
            head,
            "{} has not settled",
            reader.name
        );
        for table in reader.tables {
            let (stored, fresh) = (rows(engine, table).await, fresh.table(table));
            if **table == TIMER {
                check_answered(engine, &stored, &fresh);
            } else {
                same_rows(table, &stored, &fresh);
            }
        }
    }
    timers(audit, engine).await;
    states(audit, engine).await;
    numbers(audit, engine).await;
}

/// Every row of a table.
pub async fn rows(engine: &Engine, table: &'static Table) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut after = None;
    loop {
        let limit = 500;
        let select = Select { table, filters: vec![], order: "key", descending: false, after, limit };
        let page = engine.log().select(&select).await.unwrap();
        let count = page.len();
        rows.extend(page.into_iter().map(|row| (row.key.clone(), row)));
        let Some((last, _)) = rows.last_key_value().filter(|_| count == limit) else { return rows };
        after = Some((last.clone().into(), last.clone()));
    }
}

fn same_rows(table: &Table, stored: &BTreeMap<String, Row>, fresh: &BTreeMap<String, Row>) {
    for (key, row) in fresh {
        assert_eq!(stored.get(key), Some(row), "{} {key}: a fresh fold has it otherwise", table.name);
    }
    for key in stored.keys() {
        assert!(fresh.contains_key(key), "{} {key}: a fresh fold does not have it", table.name);
    }
}

/// A timer that was answered is gone; any other is as a fresh fold has it.
fn check_answered(engine: &Engine, stored: &BTreeMap<String, Row>, fresh: &BTreeMap<String, Row>) {
    for (key, row) in stored {
        assert_eq!(Some(row), fresh.get(key), "timer {key}: a fresh fold has it otherwise");
    }
    for (key, row) in fresh.iter().filter(|(key, _)| !stored.contains_key(*key)) {
        let timer: Timer = serde_json::from_str(&row.doc).unwrap();
        assert!(!timer.rests && timer.due <= engine.now(), "timer {key} is gone before it was due");
    }
}

type Due = BTreeMap<(StreamId, String, i64), NumberSet>;

/// The timers that run are those that the states imply: nothing is waited for in vain, and nothing waits for nobody.
async fn timers(audit: &Audit, engine: &Engine) {
    let mut running: Due = BTreeMap::new();
    for row in rows(engine, &TIMER).await.values() {
        let timer: Timer = serde_json::from_str(&row.doc).unwrap();
        if !timer.rests {
            let key = (timer.stream, timer.name.to_string(), timer.due.timestamp_micros());
            running.insert(key, timer.numbers);
        }
    }
    let implied = implied(audit, engine.now());
    for (timer, numbers) in &implied {
        let state = &audit.states[&timer.0];
        let now = engine.now();
        assert_eq!(running.get(timer), Some(numbers), "at {now}: {timer:?} is implied by {state:?}");
    }
    for timer in running.keys() {
        assert!(implied.contains_key(timer), "{timer:?} is not implied by its state");
    }
}

fn implied(audit: &Audit, now: DateTime<Utc>) -> Due {
    let mut due: Due = BTreeMap::new();
    for (stream, (_, state)) in &audit.states {
        let mut add = |name: TimerName, at: DateTime<Utc>, numbers: NumberSet| {
            let known = due.entry((*stream, name.to_string(), at.timestamp_micros())).or_default();
            *known = known.union(&numbers);
        };
        let none = NumberSet::new;
        match state {
            State::Order(order) => {
                order.untouched_until().into_iter().for_each(|at| add(TimerName::DraftUntouched, at, none()));
                order
                    .information_deadline()
                    .into_iter()
                    .for_each(|at| add(TimerName::InformationDeadline, at, none()));
            }
            State::Company(company) => {
                // Numbers in service put the end off until the last of them goes.
                let kept = company.numbers().any(|(_, held)| held.is_in_service());
                let expires_at = company.expires_at().filter(|at| *at > now || !kept);
                if let Some(at) = expires_at {
                    add(TimerName::QualificationExpiry, at, none());
                }
                if let Some(at) = company.announce_at() {
                    add(TimerName::QualificationExpiring, at, none());
                }
                let reservations = company.estate().into_iter().flat_map(|estate| &estate.reservations);
                for (id, reservation) in reservations {
                    let name = TimerName::ReservationExpiry(*id);
                    reservation.expires_at.into_iter().for_each(|at| add(name, at, none()));
                    let name = TimerName::ReservationExpiring(*id);
                    reservation.announce_at.into_iter().for_each(|at| add(name, at, none()));
                }
            }
            State::PortRequest(port) => {
                for timer in port.timers() {
                    let name = match timer.name {
                        "answer_overdue" => TimerName::PortAnswerOverdue,
                        "time_out" => TimerName::PortGiveUp,
                        "open_window" => TimerName::PortWindowOpens,
                        "close_window" => TimerName::PortWindowCloses,
                        "network_silent" => TimerName::PortNetworkSilent,
                        other => panic!("a port request has no timer {other}"),
                    };
                    add(name, timer.due, none());
                }
            }
            State::NumberBlock(block) => {
                let range = block.stretch().map(|stretch| NumberSet::from(stretch.range)).unwrap_or_default();
                for number in range.iter() {
                    let until = block.rests_until(number);
                    if let Some(at) = until {
                        add(TimerName::QuarantineEnd, at, [number].into_iter().collect());
                    }
                }
            }
            State::Reseller(_) | State::Webhook(_) => {}
        }
    }
    due
}

async fn one<T: Record>(engine: &Engine, key: &str) -> T {
    query::get(engine.log(), key).await.unwrap().unwrap_or_else(|| panic!("{} has no {key}", T::TABLE.name))
}

/// Orders, lines, companies and ports are shown where they are.
async fn states(audit: &Audit, engine: &Engine) {
    for (stream, (_, state)) in &audit.states {
        let shown: &str = match state {
            State::Order(order) => {
                lines(engine, *stream, order).await;
                one::<OrderView>(engine, &stream.to_string()).await.status.into()
            }
            State::Company(company) => {
                reservations(engine, company).await;
                let view = one::<CompanyView>(engine, &stream.to_string()).await;
                if view.erased { "erased" } else { view.status.into() }
            }
            State::PortRequest(_) => one::<PortView>(engine, &stream.to_string()).await.status.into(),
            State::Webhook(_) => one::<WebhookView>(engine, &stream.to_string()).await.status.into(),
            State::NumberBlock(_) | State::Reseller(_) => continue,
        };
        assert_eq!(shown, state.status(), "{stream} as it is shown");
    }
}

/// What a reservation holds is shown as the company has it.
async fn reservations(engine: &Engine, company: &Company) {
    for (id, held) in company.estate().into_iter().flat_map(|estate| &estate.reservations) {
        let view = one::<ReservationView>(engine, &id.to_string()).await;
        assert_eq!(view.status, ReservationStage::Live, "{id} as it is shown");
        assert_eq!((&view.uncommitted, &view.committed), (&held.uncommitted, &held.committed), "{id}");
        assert_eq!(view.expires_at, held.expires_at, "{id}");
    }
}

async fn lines(engine: &Engine, stream: StreamId, order: &Order) {
    let order_id = orderwire::domain::ids::OrderId(stream.id);
    for (number, line) in order.lines() {
        let view: LineView = one(engine, &line_key(order_id, number)).await;
        assert_eq!(view.status, line.status(), "line {number} of {stream} as it is shown");
        assert_eq!(view.asset, order.asset(number), "line {number} of {stream}: its service id");
    }
}

/// What is free is the stock that nobody claims; what a company has is shown as it has it.
async fn numbers(audit: &Audit, engine: &Engine) {
    let mut free = NumberSet::new();
    let mut runs = BTreeSet::new();
    for row in rows(engine, &NUMBER_RUN).await.values() {
        let run: FreeRun = serde_json::from_str(&row.doc).unwrap();
        runs.insert((run.block, run.start, run.length));
        (0..run.length).for_each(|n| {
            assert!(free.insert(run.start.offset(n).unwrap()), "runs overlap at {}", run.start);
        });
    }
    let mut expected = NumberSet::new();
    for (_, state) in audit.states.values() {
        let State::NumberBlock(block) = state else { continue };
        if let (Some(stretch), "active") = (block.stretch(), state.status()) {
            expected = expected.union(&stretch.range.into());
        }
    }
    let unclaimed = |number: &TelephoneNumber| {
        !audit.holders.contains_key(&Claim::platform(ClaimScope::Number, number.to_string()))
    };
    let expected: NumberSet = expected.iter().filter(unclaimed).collect();
    assert_eq!(free, expected, "free stock is what nobody claims");
    for (block, start, length) in &runs {
        let next = start.offset(*length);
        assert!(
            !next.is_some_and(|next| runs.iter().any(|run| run.0 == *block && run.1 == next)),
            "{start} is not whole"
        );
    }
    for (stream, (_, state)) in &audit.states {
        let State::Company(company) = state else { continue };
        for (number, held) in company.numbers() {
            let view: NumberView = one(engine, &number.to_string()).await;
            let (holding, reservation): (Holding, Option<ReservationId>) = match held.holding {
                Held::Reserved(id) => (Holding::Reserved, Some(id)),
                Held::RingFenced(id) => (Holding::RingFenced, Some(id)),
                Held::Committed { .. } => (Holding::Committed, view.reservation),
                Held::Allocated => (Holding::Allocated, view.reservation),
                Held::AssignedToSite(_) => (Holding::AssignedToSite, view.reservation),
                Held::AssignedToUser(_) => (Holding::AssignedToUser, view.reservation),
            };
            assert_eq!((view.holding, view.reservation), (holding, reservation), "{number} of {stream}");
            assert_eq!(view.company.map(StreamId::from), Some(*stream), "whose {number} is");
        }
    }
}
