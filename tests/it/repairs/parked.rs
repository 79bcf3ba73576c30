//! One order whose history cannot be right stops no other; a store that cannot be read parks nobody.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use orderwire::{
    domain::{
        decider::Decider as _,
        ids::{OrderId, StreamId},
        order::{Order, OrderStatus, commands::OrderCommand},
    },
    engine::{
        Engine, ErrorKind,
        fulfilment::{AutoProvisioner, FULFILMENT},
        log::{StoreError, StreamLoad},
    },
};

use super::beside;
use crate::{invariants::Audit, world::*};

/// What is wrong with a stream, for as long as it is.
#[derive(Default)]
struct Harm(Mutex<Option<(StreamId, Wrong)>>);

#[derive(Clone, Copy)]
enum Wrong {
    /// Its first event is not there.
    Gap,
    /// The store cannot be asked for it.
    Gone,
}

impl Meddles for Harm {
    fn load(&self, stream: StreamId, load: &mut StreamLoad) -> Result<(), StoreError> {
        match *self.0.lock().unwrap() {
            Some((harmed, Wrong::Gap)) if harmed == stream => {
                load.events.remove(0);
                Ok(())
            }
            Some((harmed, Wrong::Gone)) if harmed == stream => Err(StoreError::Unavailable("gone".into())),
            _ => Ok(()),
        }
    }
}

impl Harm {
    fn to(&self, order: OrderId, wrong: Wrong) {
        *self.0.lock().unwrap() = Some((order.stream(), wrong));
    }

    fn heal(&self) {
        *self.0.lock().unwrap() = None;
    }
}

/// Two companies, each with an order that is ready to be submitted, and all of it read.
async fn two_orders(store: &Store) -> (World, [OrderId; 2]) {
    let world = World::open(store).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let mut orders = Vec::new();
    for n in [1, 2] {
        let company = world.company(reseller, &format!("Company {n}")).await;
        orders.push(world.order(company, &format!("PO-{n}"), new_company(n, 5)).await);
    }
    world.settle().await;
    (world, orders.try_into().unwrap())
}

async fn submit(world: &World, orders: [OrderId; 2]) {
    for order in orders {
        world.done(orderwire::domain::joint::Command::Submit { order }).await;
    }
}

async fn status(engine: &Engine, order: OrderId) -> OrderStatus {
    engine.load::<Order>(order).await.unwrap().1.status()
}

#[tokio::test]
async fn an_order_whose_history_cannot_be_right_stops_no_other() {
    let store = Store::memory().await;
    let (world, [broken, sound]) = two_orders(&store).await;
    submit(&world, [broken, sound]).await;
    let harm = Arc::new(Harm::default());
    harm.to(broken, Wrong::Gap);
    let engine = beside(&store, &world, &harm, AutoProvisioner).await;
    engine.settle().await.unwrap();
    assert_eq!(status(&engine, sound).await, OrderStatus::Completed);
    let parked = engine.parked();
    let [(name, why)] = parked.as_slice() else { panic!("one is left out: {parked:?}") };
    assert_eq!(*name, broken.to_string());
    assert!(why.contains("cannot be right") && why.contains("event 2 follows event 0"), "{why}");

    // Somebody has looked; it goes on with its next fact, and is not left out any more.
    harm.heal();
    engine.settle().await.unwrap();
    assert_eq!(status(&engine, broken).await, OrderStatus::Submitted);
    world.tell(broken, OrderCommand::Acknowledge).await;
    engine.settle().await.unwrap();
    assert_eq!(status(&engine, broken).await, OrderStatus::Completed);
    assert_eq!(engine.parked(), []);
    Audit::of(&engine).await;
}

#[tokio::test]
async fn a_store_that_cannot_be_read_parks_nobody_and_leaves_no_page_behind() {
    let store = Store::memory().await;
    let (world, [unread, other]) = two_orders(&store).await;
    submit(&world, [unread, other]).await;
    let harm = Arc::new(Harm::default());
    harm.to(unread, Wrong::Gone);
    let engine = beside(&store, &world, &harm, AutoProvisioner).await;
    let before = engine.log().checkpoint(FULFILMENT).await.unwrap();
    assert_eq!(engine.settle().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(engine.parked(), []);
    assert_eq!(engine.log().checkpoint(FULFILMENT).await.unwrap(), before);

    harm.heal();
    engine.settle().await.unwrap();
    for order in [unread, other] {
        assert_eq!(status(&engine, order).await, OrderStatus::Completed);
    }
    Audit::of(&engine).await;
}

#[tokio::test]
async fn a_timer_of_a_broken_stream_stops_no_other_and_is_answered_after_a_restart() {
    let store = Store::memory().await;
    let (world, [broken, sound]) = two_orders(&store).await;
    let harm = Arc::new(Harm::default());
    harm.to(broken, Wrong::Gap);
    let engine = beside(&store, &world, &harm, AutoProvisioner).await;
    world.clock.move_to(beginning() + TimeDelta::days(91));
    engine.settle().await.unwrap();
    assert_eq!(status(&engine, sound).await, OrderStatus::Discarded);
    let parked = engine.parked();
    let [(name, why)] = parked.as_slice() else { panic!("one is left out: {parked:?}") };
    assert!(name.contains(&broken.to_string()) && why.contains("cannot be right"), "{name}: {why}");

    harm.heal();
    engine.settle().await.unwrap();
    assert_eq!(status(&engine, broken).await, OrderStatus::Draft, "it is left out until a restart");
    let engine = beside(&store, &world, &harm, AutoProvisioner).await;
    engine.settle().await.unwrap();
    assert_eq!(status(&engine, broken).await, OrderStatus::Discarded);
    Audit::of(&engine).await;
}
