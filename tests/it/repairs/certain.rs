//! States are looked at as commits in flight will leave them. Whatever is concluded from one that fails is not told, and
//! nothing is left behind because of it.

use std::sync::{Arc, atomic::Ordering};

use orderwire::{
    domain::{
        decider::Decider as _,
        joint::Command,
        order::{Order, OrderStatus, commands::OrderCommand},
        refusal::Reason,
    },
    engine::{ErrorKind, fulfilment::FULFILMENT},
};

use super::{Gate, let_others_run};
use crate::{invariants::Audit, world::*};

/// A world of which the next event of that type fails.
async fn gated(event: &'static str) -> (World, Arc<Gate>) {
    let gate = Arc::new(Gate { event, fails: true, ..Gate::default() });
    let store = Store::memory().await.meddled_with(Arc::clone(&gate)).await;
    (World::open(&store).await, gate)
}

#[tokio::test]
async fn a_refusal_is_told_only_when_what_it_rests_on_is_certain() {
    let (world, gate) = gated("NumbersReserved").await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    world.settle().await;
    gate.closed.store(true, Ordering::SeqCst);
    let ask = || {
        let world = world.clone();
        tokio::spawn(async move { world.ask(&reserve(company, leeds(0, 5))).await })
    };
    let first = ask();
    gate.reached.notified().await;
    // The numbers are held by what is in flight.
    let second = ask();
    let_others_run().await;
    assert!(!second.is_finished(), "nobody knows yet whether the numbers are held");
    gate.opened.notify_one();
    assert_eq!(first.await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    second.await.unwrap().expect("the numbers were never held");
    world.settle().await;
    Audit::of(&world.engine).await;
}

#[tokio::test]
async fn a_page_is_left_behind_only_when_it_is_certain_that_nothing_is_to_be_done() {
    let (world, gate) = gated("OrderRejected").await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    world.settle().await;
    let (order, _) = world.submitted(company, "PO-1", new_company(1, 5)).await;
    gate.closed.store(true, Ordering::SeqCst);
    let reason = Reason { code: "no".into(), subject: None, detail: "no".into(), expected: None };
    let rejecting = tokio::spawn({
        let world = world.clone();
        let command = OrderCommand::Reject { reasons: vec![reason] };
        async move { world.ask(&Command::Order { order, command }).await }
    });
    gate.reached.notified().await;
    // Of an order that is rejected there is nothing to carry out.
    let before = world.engine.log().checkpoint(FULFILMENT).await.unwrap();
    let settling = tokio::spawn({
        let world = world.clone();
        async move { world.engine.settle().await }
    });
    let_others_run().await;
    assert!(!settling.is_finished());
    assert_eq!(world.engine.log().checkpoint(FULFILMENT).await.unwrap(), before);
    gate.opened.notify_one();
    assert_eq!(rejecting.await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    settling.await.unwrap().unwrap();
    assert_eq!(world.state::<Order>(order).await.status(), OrderStatus::Completed);
    Audit::of(&world.engine).await;
}

/// The outcome of provisioning is known nowhere else, so that the line is not in progress any more must be certain too.
#[tokio::test]
async fn a_line_is_given_to_nobody_only_when_it_is_certain_that_it_does_not_go_on() {
    let (world, gate) = gated("LineHeld").await;
    let reseller = world.reseller(1).await;
    let company = world.company(reseller, "Acme").await;
    let (order, _) =
        world.submitted(company, "PO-1", vec![company_line(1), site_with(1, "61", vec![])]).await;
    for command in [
        OrderCommand::Acknowledge,
        OrderCommand::StartLine { line: line(1) },
        OrderCommand::CompleteLine { line: line(1) },
        OrderCommand::StartLine { line: line(2) },
    ] {
        world.tell(order, command).await;
    }
    gate.closed.store(true, Ordering::SeqCst);
    let holding = tokio::spawn({
        let world = world.clone();
        let reason = orderwire::domain::testing::port_request::sealed("wait");
        let command = OrderCommand::HoldLine { line: line(2), reason };
        async move { world.ask(&Command::Order { order, command }).await }
    });
    gate.reached.notified().await;
    let settling = tokio::spawn({
        let world = world.clone();
        async move { world.engine.settle().await }
    });
    let_others_run().await;
    gate.opened.notify_one();
    holding.await.unwrap().unwrap_err();
    settling.await.unwrap().unwrap();
    assert_eq!(world.state::<Order>(order).await.status(), OrderStatus::Completed);
    Audit::of(&world.engine).await;
}
