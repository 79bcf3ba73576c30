//! Cases of commands that look at more than one question or one cache can hold.

use orderwire::{
    domain::{
        decider::Decider as _,
        joint::Command,
        number::NumberSet,
        order::{Order, OrderStatus, line::NumberAsk},
    },
    engine::fulfilment::AutoProvisioner,
};

use crate::world::*;

/// Every search leaves out what the one before it found, and still they are asked for together.
#[tokio::test]
async fn an_order_of_2000_searches_gets_the_numbers_of_each() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.stock("0113 496 0000-0999", "Leeds").await;
    world.stock("020 7946 0000-0999", "London").await;
    let company = world.company(reseller, "Acme").await;
    let london = || {
        let NumberAsk::Search(search) = search(1) else { unreachable!() };
        let by = orderwire::domain::order::line::SearchBy::Place("London".parse().unwrap());
        NumberAsk::Search(orderwire::domain::order::line::NumberSearch { by, ..search })
    };
    let lines = (0..2_000).map(|n| numbers_line(if n % 2 == 0 { search(1) } else { london() })).collect();
    let (order, _) = world.submitted(company, "PO-1", lines).await;
    world.settle().await;
    assert_eq!(world.state::<Order>(order).await.status(), OrderStatus::Completed);
    let company = world.state::<orderwire::domain::company::Company>(company).await;
    assert_eq!(company.numbers().count(), 2_000);
}

/// The last of many searches that finds too little says so, and nothing is taken.
#[tokio::test]
async fn of_many_searches_the_one_that_finds_too_little_is_named() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let lines = (0..201).map(|_| numbers_line(search(1))).collect();
    let order = world.order(company, "PO-1", lines).await;
    let error = world.refused(Command::Submit { order }, &["not_enough_numbers"]).await;
    assert_eq!(error.reasons()[0].subject.as_deref(), Some("/lines/201/ask"));
}

/// A command keeps what it was brought, however little the cache keeps at hand for all.
#[tokio::test]
async fn a_command_may_look_at_more_than_is_kept_at_hand() {
    let store = Store::memory().await;
    let clock = orderwire::engine::clock::SimulatedClock::at(beginning());
    let engine = store.engine(&clock, AutoProvisioner, 1).await;
    let world = World { engine, clock };
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.in_service(reseller, 1).await;
    let state = world.state::<orderwire::domain::company::Company>(company).await;
    assert_eq!(state.numbers().map(|(number, _)| number).collect::<NumberSet>(), leeds(0, 20));
}
