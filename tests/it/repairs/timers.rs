//! Timers that fall due while the log moves on: one that is refused by what happened a moment before is kept until that
//! was read, since it may only rest, and no timer waits for the log to stand still.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use chrono::TimeDelta;
use orderwire::{
    domain::{
        decider::Decider as _,
        ids::OrderId,
        order::{Order, OrderStatus, commands::OrderCommand, line::Milestone},
        testing::port_request::sealed,
        timer::TIMER,
    },
    engine::{fulfilment::ManualProvisioner, log::Select, refusals::Sought},
};

use super::beside;
use crate::{invariants::Audit, world::*};

/// Another process, which wants the order cancelled at the moment its timer is looked up.
#[derive(Default)]
struct Meanwhile(Mutex<Option<(World, OrderId)>>);

#[async_trait]
impl Meddles for Meanwhile {
    async fn select(&self, select: &Select) {
        if *select.table == TIMER {
            let other = self.0.lock().unwrap().take();
            if let Some((world, order)) = other {
                world.tell(order, OrderCommand::RequestCancellation { reason: None }).await;
            }
        }
    }
}

/// While a cancellation is looked at, the deadline for information rests; refused, the deadline counts again.
#[tokio::test]
async fn a_timer_whose_stream_moved_while_it_fell_due_is_not_lost() {
    let store = Store::memory().await;
    let world = World::open_with(&store, ManualProvisioner).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let (order, _) = world.submitted(company, "PO-1", new_company(1, 5)).await;
    world.settle().await;
    // Past its point of no return, so that no cancellation is accepted.
    let milestone = Milestone::Committed;
    world.tell(order, OrderCommand::ReachMilestone { line: line(3), milestone }).await;
    let deadline = world.engine.now() + TimeDelta::days(3);
    world
        .tell(
            order,
            OrderCommand::RequireInformation { question: sealed("which floor?"), deadline: Some(deadline) },
        )
        .await;
    world.settle().await;

    let meanwhile = Arc::new(Meanwhile::default());
    let engine = beside(&store, &world, &meanwhile, ManualProvisioner).await;
    engine.settle().await.unwrap();
    world.clock.move_to(deadline);
    *meanwhile.0.lock().unwrap() = Some((world.clone(), order));
    engine.settle().await.unwrap();
    assert!(meanwhile.0.lock().unwrap().is_none(), "the cancellation was wanted in between");
    let events = engine.stream(order.stream(), 0, 100).await.unwrap();
    let last: Vec<&str> = events.iter().rev().map(|event| event.event_type.as_str()).take(4).collect();
    // The deadline that rested has passed, and what it led to was answered the same.
    let expected =
        ["CancellationRefused", "InformationOverdue", "CancellationRefused", "CancellationRequested"];
    assert_eq!(last, expected);
    let refused = engine.refusals(&Sought::default(), 10).await.unwrap().refusals;
    assert_eq!(refused, [], "what a timer wanted in vain was nobody's wish");
    Audit::of(&engine).await;
}

/// Another process, which appends something whenever this one looks how far the log goes.
struct Busy {
    world: World,
    resellers: AtomicU32,
}

#[async_trait]
impl Meddles for Busy {
    async fn head(&self) {
        self.world.reseller(self.resellers.fetch_add(1, Ordering::SeqCst)).await;
    }
}

#[tokio::test]
async fn a_timer_is_answered_although_the_log_never_stands_still() {
    let store = Store::memory().await;
    let world = World::open_with(&store, ManualProvisioner).await;
    let reseller = world.reseller(1).await;
    let company = world.company(reseller, "Acme").await;
    let order = world.order(company, "PO-1", vec![company_line(1)]).await;
    world.settle().await;

    let busy = Arc::new(Busy { world: world.clone(), resellers: AtomicU32::new(2) });
    let engine = beside(&store, &world, &busy, ManualProvisioner).await;
    world.clock.move_to(beginning() + TimeDelta::days(91));
    engine.settle().await.unwrap();
    let draft = engine.load::<Order>(order).await.unwrap().1;
    assert_eq!(draft.status(), OrderStatus::Discarded, "nobody touched it for 90 days");
    world.settle().await;
    Audit::of(&world.engine).await;
}
