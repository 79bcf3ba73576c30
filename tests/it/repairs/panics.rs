//! An embedder's code that panics is said to have, and nothing waits for it for ever.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use orderwire::{
    domain::{
        decider::Decider as _,
        order::{Order, OrderStatus, commands::OrderCommand, line::LineKind},
        testing::port_request::sealed,
    },
    engine::{
        Engine, Error,
        clock::Clock,
        fulfilment::{AutoProvisioner, Provisioned, StartedLine},
        readers::Effect,
    },
};

use crate::{invariants::Audit, world::*};

/// Longer than anything here takes.
const WITHIN: Duration = Duration::from_secs(20);

/// An engine whose readers, fulfilment and timers run by themselves.
async fn running(store: &Store, reader: Effect) -> World {
    let clock = orderwire::engine::clock::SimulatedClock::at(beginning());
    let builder = Engine::builder().clock(clock.clone()).provisioner(AutoProvisioner).reader("own", reader);
    World { engine: builder.open(store.log().await, store.master()).await.unwrap(), clock }
}

#[tokio::test]
async fn a_reader_that_panicked_takes_every_event_once_when_it_is_tried_again() {
    let said = Overheard::default();
    let _listening = said.listen(tracing::Level::INFO);
    let store = Store::memory().await;
    let (left, taken) = (AtomicI32::new(2), Arc::new(Mutex::new(Vec::new())));
    let taking = Arc::clone(&taken);
    let world = running(
        &store,
        Arc::new(move |_, facts| {
            assert!(left.fetch_sub(1, Ordering::SeqCst) <= 0, "the embedder's fault");
            taking.lock().unwrap().extend(facts.iter().map(|fact| fact.position));
            Ok(())
        }),
    )
    .await;
    world.reseller(1).await;
    let last = world.done(load("0113 496 0000-0199", "Leeds")).await.appended.last();
    world.engine.wait_for("own", last).await.unwrap();
    assert_eq!(*taken.lock().unwrap(), (1..=last).collect::<Vec<_>>());
    assert!(said.has("the embedder's fault") && said.has("own"), "it was said");
    world.engine.close().await;
}

#[tokio::test]
async fn a_reader_that_always_panics_holds_up_nothing_else() {
    let said = Overheard::default();
    let _listening = said.listen(tracing::Level::INFO);
    let store = Store::memory().await;
    let world = running(&store, Arc::new(|_, _| panic!("never any good"))).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let (order, _) = world.submitted(company, "PO-1", new_company(1, 5)).await;
    let completed = async {
        let mut position = 0;
        while world.state::<Order>(order).await.status() != OrderStatus::Completed {
            // Each look waits for the readers to be as far as the log.
            position = position.max(world.engine.head().await.unwrap().position);
            world.engine.wait_for("orders", position).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WITHIN, completed).await.expect("the order is carried out all the same");
    assert!(said.has("never any good"));
    tokio::time::timeout(WITHIN, world.engine.close()).await.expect("closing does not wait for it");
}

/// It is asked about one site and panics; the other order goes on, and the line can be given to it again.
#[tokio::test]
async fn a_provisioner_that_panics_over_one_line_parks_that_line_alone() {
    let store = Store::memory().await;
    let (broken, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU32::new(0)));
    let (breaks, asks) = (Arc::clone(&broken), Arc::clone(&asked));
    let world = World::open_with(
        &store,
        Script(move |started: &StartedLine| {
            if started.kind == LineKind::Site && breaks.load(Ordering::SeqCst) {
                asks.fetch_add(1, Ordering::SeqCst);
                panic!("no such floor");
            }
            Provisioned::Done
        }),
    )
    .await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let first = world.company(reseller, "Acme").await;
    let second = world.company(reseller, "Zenith").await;
    world.settle().await;
    let (harmed, _) = world.submitted(first, "PO-1", new_company(1, 5)).await;
    let (sound, _) = world.submitted(second, "PO-2", vec![company_line(1), numbers_line(search(5))]).await;
    tokio::time::timeout(WITHIN, world.engine.settle()).await.expect("it does not hang").unwrap();
    assert_eq!(world.state::<Order>(sound).await.status(), OrderStatus::Completed);
    assert_eq!(world.state::<Order>(harmed).await.status(), OrderStatus::InProgress);
    let parked = world.engine.parked();
    let [(name, why)] = parked.as_slice() else { panic!("{parked:?}") };
    assert!(
        *name == format!("{harmed}/lines/3") && why.contains("no such floor") && why.contains("line 3"),
        "{why}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it is not asked again and again");

    broken.store(false, Ordering::SeqCst);
    world.tell(harmed, OrderCommand::HoldLine { line: line(3), reason: sealed("floor plan") }).await;
    world.tell(harmed, OrderCommand::ResumeLine { line: line(3) }).await;
    world.settle().await;
    assert_eq!(world.state::<Order>(harmed).await.status(), OrderStatus::Completed);
    assert_eq!(world.engine.parked(), []);
    Audit::of(&world.engine).await;
}

/// Stands still, and panics once when it was asked so many times more.
#[derive(Clone)]
struct Faulty(Arc<AtomicI32>);

impl Clock for Faulty {
    fn now(&self) -> DateTime<Utc> {
        assert_ne!(self.0.fetch_sub(1, Ordering::SeqCst), 1, "the clock has stopped");
        beginning()
    }
}

/// Wherever it is asked: whoever waits is answered, and what comes after is done, or told that the engine is closed.
#[tokio::test]
async fn a_clock_that_panics_leaves_nobody_waiting() {
    let (mut done, mut closed) = (0, 0);
    for (background, left) in [false, true].into_iter().flat_map(|it| (1..8).map(move |left| (it, left))) {
        let store = Store::memory().await;
        let clock = Faulty(Arc::new(AtomicI32::new(0)));
        let builder = Engine::builder().clock(clock.clone()).background(background);
        let engine = builder.open(store.log().await, store.master()).await.unwrap();
        let ask = |n: u32| {
            let (engine, command) = (engine.clone(), new_reseller(n));
            let asked = tokio::spawn(async move {
                engine.execute(&command, &operator(), Some(&key(&format!("{n}")))).await
            });
            tokio::time::timeout(WITHIN, asked)
        };
        ask(1).await.expect("an answer").unwrap().unwrap();
        clock.0.store(left, Ordering::SeqCst);
        for n in 2..6 {
            // A panic in the caller's own task is the caller's to see.
            match ask(n).await.expect("an answer, or a panic") {
                Ok(Ok(_)) => done += 1,
                Ok(Err(error)) => {
                    assert_eq!(error, Error::Closed);
                    closed += 1;
                }
                Err(panic) => assert!(panic.is_panic()),
            }
        }
        tokio::time::timeout(WITHIN, engine.close()).await.expect("closing does not hang");
    }
    assert!(done > 0 && closed > 0, "{done} done, {closed} closed");
}
