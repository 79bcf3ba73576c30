//! Every line reaches a provisioner, whichever process started it, and one that says nothing holds up no other.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use orderwire::{
    domain::{
        decider::Decider as _,
        ids::OrderId,
        order::{
            Order, OrderStatus,
            commands::OrderCommand,
            line::{LineKind, LineStatus},
        },
    },
    engine::{
        fulfilment::{AutoProvisioner, ManualProvisioner, Provisioned, Provisioner, StartedLine},
        provisioning::{PROVISION_WAIT_MAX, PROVISIONING},
    },
};

use crate::{invariants::Audit, world::*};

/// An order for a new company, on a store whose engine gives nothing out.
async fn submitted(store: &Store) -> (World, OrderId) {
    let world = World::open_with(store, ManualProvisioner).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let (order, _) = world.submitted(company, "PO-1", new_company(1, 5)).await;
    (world, order)
}

async fn status(world: &World, order: OrderId) -> OrderStatus {
    world.state::<Order>(order).await.status()
}

#[tokio::test]
async fn a_provisioner_that_comes_later_is_offered_the_lines_that_are_still_open() {
    let store = Store::sqlite();
    let (world, order) = submitted(&store).await;
    world.settle().await;
    assert_eq!(status(&world, order).await, OrderStatus::InProgress, "nobody does its site");
    assert_eq!(world.engine.log().checkpoint(PROVISIONING).await.unwrap(), 0);
    world.engine.close().await;

    let later = World::open_with(&store, AutoProvisioner).await;
    later.settle().await;
    assert_eq!(status(&later, order).await, OrderStatus::Completed);
    Audit::of(&later.engine).await;
}

/// The engine without a provisioner is always the first to work on what the other has done.
#[tokio::test]
async fn an_engine_without_a_provisioner_takes_no_line_from_one_that_has_one() {
    let store = Store::sqlite();
    let (manual, order) = submitted(&store).await;
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let asks = Arc::clone(&asked);
    let provisioner = Script(move |started: &StartedLine| {
        asks.lock().unwrap().insert(started.line);
        // Its own command comes a moment later.
        Provisioned::Later
    });
    let real = store.engine(&manual.clock, provisioner, 1_000).await;
    let real = World { engine: real, clock: manual.clock.clone() };
    let lines: Vec<_> = manual.state::<Order>(order).await.lines().map(|(line, _)| line).collect();
    for line in lines {
        manual.settle().await;
        real.settle().await;
        let state = real.state::<Order>(order).await;
        if state.line(line).unwrap().status() == LineStatus::InProgress {
            assert!(asked.lock().unwrap().contains(&line), "line {line} was started, and given to nobody");
            real.tell(order, OrderCommand::CompleteLine { line }).await;
        }
    }
    real.settle().await;
    assert_eq!(status(&real, order).await, OrderStatus::Completed);
    assert_eq!(asked.lock().unwrap().len(), 3, "a site, a user and a device");
    Audit::of(&real.engine).await;
}

/// Says nothing about one kind of line, and does the others.
struct Silent(LineKind);

#[async_trait]
impl Provisioner for Silent {
    async fn provision(&self, line: &StartedLine) -> Provisioned {
        if line.kind == self.0 { std::future::pending().await } else { Provisioned::Done }
    }
}

/// Time passes only while everybody waits for it.
#[tokio::test(start_paused = true)]
async fn a_provisioner_that_says_nothing_about_one_line_holds_up_no_other_order() {
    let store = Store::memory().await;
    let world = World::open_with(&store, Silent(LineKind::Site)).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let first = world.company(reseller, "Acme").await;
    let second = world.company(reseller, "Zenith").await;
    let (silent, _) = world.submitted(first, "PO-1", new_company(1, 5)).await;
    let (sound, _) = world.submitted(second, "PO-2", vec![company_line(1), numbers_line(search(5))]).await;
    tokio::time::timeout(PROVISION_WAIT_MAX + Duration::from_secs(1), world.engine.settle())
        .await
        .expect("it is not waited for any longer")
        .unwrap();
    assert_eq!(status(&world, sound).await, OrderStatus::Completed);
    let parked = world.engine.parked();
    let [(name, why)] = parked.as_slice() else { panic!("{parked:?}") };
    assert!(*name == format!("{silent}/lines/3") && why.contains("silent for 30 seconds"), "{name}: {why}");

    // It counts as answered later: the outside system's own command is what was waited for.
    world.tell(silent, OrderCommand::CompleteLine { line: line(3) }).await;
    world.settle().await;
    assert_eq!(status(&world, silent).await, OrderStatus::Completed);
    assert_eq!(world.engine.parked(), []);
    Audit::of(&world.engine).await;
}
