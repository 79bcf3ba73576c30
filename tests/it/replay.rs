//! Replay equals processing: the states that commands were decided on are those that the log leads to, whoever folds it and
//! from wherever; and read models folded again are those that were kept all along, with not one notice more.

use std::collections::BTreeMap;

use orderwire::{
    domain::{
        company::Company,
        ids::StreamId,
        joint::{Command, State},
        order::{Order, commands::OrderCommand, line::Parent},
        timer::TIMER,
        views::{
            self, KEPT,
            notices::NOTICE,
            table::{Row, Table, Value},
        },
    },
    engine::{Engine, fulfilment::AutoProvisioner, log::RowChange, reference},
};

use crate::{
    invariants::{Audit, derived, state_text},
    world::*,
};

/// Every row of every read model; timers are no read model, since rows of answered ones go without an event.
pub async fn every_row(engine: &Engine) -> BTreeMap<&'static str, BTreeMap<String, Row>> {
    let mut tables = BTreeMap::new();
    for table in Engine::tables().into_iter().filter(|table| **table != TIMER) {
        tables.insert(table.name, derived::rows(engine, table).await);
    }
    tables
}

/// A row of no event, such as an older fold may have left.
pub async fn leave_a_row_in(engine: &Engine, table: &'static Table) {
    let columns = vec![Value::Null; table.columns.len()];
    let row = Row { key: "left".into(), parent: "left".into(), columns, doc: "{}".into() };
    engine.log().change_rows(&[RowChange::Put(table, row)], None).await.unwrap();
}

#[tokio::test]
async fn what_is_rebuilt_is_what_was_kept_and_nobody_is_told_twice() {
    for store in [Store::memory().await, Store::sqlite()] {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.in_service(reseller, 1).await;
        world.submitted(company, "PO-2", vec![port(port_of(1, morning("2026-06-12")))]).await;
        world.settle().await;
        world.sleep(chrono::TimeDelta::days(40)).await;
        // What was loaded as reference data is no fold: it stays.
        for table in reference::TABLES {
            leave_a_row_in(&world.engine, table).await;
        }
        let (kept, head) = (every_row(&world.engine).await, world.engine.head().await.unwrap());
        assert!(kept[NOTICE.name].len() > 5);
        // Whatever else was in a table of a fold is gone too.
        for table in views::tables().into_iter().filter(|table| **table != TIMER) {
            leave_a_row_in(&world.engine, table).await;
        }
        world.engine.rebuild().await.unwrap();
        // What an older fold told stays as it was told.
        for table in KEPT {
            assert_eq!(world.engine.log().rows(table, &["left".into()]).await.unwrap().len(), 1);
            world.engine.log().change_rows(&[RowChange::Delete(table, "left".into())], None).await.unwrap();
        }
        assert_eq!(every_row(&world.engine).await, kept);
        // Timers that were answered are there again, and answered again they change nothing.
        world.settle().await;
        assert_eq!(world.engine.head().await.unwrap(), head);
        Audit::of(&world.engine).await;
    }
}

/// After each command, the state it left at hand is the one that all events up to then lead to.
#[tokio::test]
async fn the_state_after_each_command_is_that_of_a_fresh_replay() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    world.settle().await;
    let order = world.order(company, "PO-1", new_company(1, 5)).await;
    let steps = [
        Command::Submit { order },
        Command::Order { order, command: OrderCommand::Acknowledge },
        Command::Order { order, command: OrderCommand::StartLine { line: line(1) } },
        Command::Order { order, command: OrderCommand::CompleteLine { line: line(1) } },
        Command::Order { order, command: OrderCommand::StartLine { line: line(2) } },
        Command::Order { order, command: OrderCommand::CompleteLine { line: line(2) } },
    ];
    for step in steps {
        world.done(step).await;
        for stream in [order.stream(), company.stream()] {
            let (sequence, state) = world.engine.state(stream).await.unwrap();
            let replayed = replay(&world.engine, stream).await;
            assert_eq!((sequence, state_text(&state)), (replayed.0, state_text(&replayed.1)));
        }
    }
}

async fn replay(engine: &Engine, stream: StreamId) -> (u64, State) {
    let events = engine.stream(stream, 0, 100_000).await.unwrap();
    let mut state = State::beginning(stream);
    for event in &events {
        let happened = orderwire::domain::fact::Happened::read(
            stream,
            &event.event_type,
            &event.event_version,
            &event.payload,
        )
        .unwrap();
        state = state.after(&happened).unwrap();
    }
    (events.len() as u64, state)
}

/// Long enough for snapshots: an engine that knows nothing starts from them and comes to the same.
#[tokio::test]
async fn a_state_loaded_from_a_snapshot_is_that_of_a_fresh_replay() {
    for store in [Store::memory().await, Store::sqlite()] {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        let company = world.company(reseller, "Acme").await;
        let mut lines = vec![company_line(10), site_with(1, "99", vec![])];
        lines.extend((0..400).map(|n| user_at(n, &(300 + n).to_string(), Parent::Line(line(2)), None)));
        let (order, _) = world.submitted(company, "PO-1", lines).await;
        world.settle().await;
        let kept = snapshots(&world, &[order.stream(), company.stream()]).await;
        assert_eq!(kept, 2, "both are long enough for a snapshot");
        let cold = store.engine(&world.clock, AutoProvisioner, 1).await;
        for stream in [order.stream(), company.stream()] {
            let (replayed, (sequence, loaded)) =
                (replay(&cold, stream).await, cold.state(stream).await.unwrap());
            assert_eq!((sequence, state_text(&loaded)), (replayed.0, state_text(&replayed.1)));
        }
        assert!(world.state::<Order>(order).await.is_terminal());
        assert_eq!(world.state::<Company>(company).await.assets().count(), 401);
    }
}

/// How many of the streams have a snapshot. They are written off the hot path, so this looks until they are there.
async fn snapshots(world: &World, streams: &[StreamId]) -> usize {
    let asked: Vec<_> = streams.iter().map(|it| (*it, orderwire::engine::snapshot_schema(it.kind))).collect();
    for _ in 0..1_000 {
        let loads = world.engine.log().load(&asked).await.unwrap();
        let kept = loads.iter().filter(|load| load.snapshot.is_some()).count();
        if kept == streams.len() {
            return kept;
        }
        tokio::task::yield_now().await;
    }
    0
}
