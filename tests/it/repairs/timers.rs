//! A timer that is refused by what happened a moment before is kept until that was read: it may only rest.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use orderwire::{
    domain::{
        ids::OrderId,
        order::{commands::OrderCommand, line::Milestone},
        testing::port_request::sealed,
        timer::TIMER,
    },
    engine::{fulfilment::ManualProvisioner, log::Select},
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
    Audit::of(&engine).await;
}
