//! The portability check agrees with what a submit refuses, and is quick.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use orderwire::domain::{
    joint::Command,
    number::NumberSet,
    port_request::commands::PortCommand,
    portability::{CHECK_NUMBERS_MAX, NotPortable, PortabilityAsk, Verdict},
    testing::port_request::sealed,
};

use super::*;

async fn verdict(world: &World, number: &str) -> Result<(String, String), NotPortable> {
    let ask = PortabilityAsk::read(&[number]).unwrap();
    let checked = world.engine.check_portability(&ask.numbers).await.unwrap();
    match checked[0].verdict.clone() {
        Verdict::NotPortable { reason } => Err(reason),
        Verdict::Portable { earliest, .. } => {
            let dates = earliest.unwrap();
            Ok((dates.provide.date.to_string(), dates.subsequent.date.to_string()))
        }
    }
}

#[tokio::test]
async fn a_number_of_another_provider_is_portable_from_the_published_dates_on() {
    on_every_store(async |world| {
        // Monday morning: four and seven working days.
        let dates = Ok(("2026-06-05".to_owned(), "2026-06-10".to_owned()));
        assert_eq!(verdict(&world, "020 7946 0123").await, dates);
        world.clock.move_to(beginning() + TimeDelta::hours(5));
        let later = Ok(("2026-06-08".to_owned(), "2026-06-11".to_owned()));
        assert_eq!(
            verdict(&world, "020 7946 0123").await,
            later,
            "after one o'clock it counts from tomorrow"
        );
    })
    .await;
}

#[tokio::test]
async fn what_speaks_against_a_port_speaks_against_it_in_a_submit_too() {
    on_every_store(async |world| {
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.in_service(reseller, 1).await;
        let here = Err(NotPortable::AlreadyHere);
        assert_eq!(verdict(&world, "0113 496 0199").await, here, "free stock of our own");
        assert_eq!(verdict(&world, "0113 496 0000").await, here, "a company has it");
        assert_eq!(verdict(&world, "01204 600000").await, Err(NotPortable::UnknownRange));

        let asked = vec![port(port_of(1, morning("2026-06-12")))];
        let (_, ports) = world.submitted(company, "PO-2", asked.clone()).await;
        assert_eq!(verdict(&world, "020 7946 0001").await, Err(NotPortable::OpenRequest));
        let again = world.order(company, "PO-3", asked.clone()).await;
        world.refused(Command::Submit { order: again }, &["port_open_already"]).await;

        world.settle().await;
        world.accepted(ports[0], "m1").await;
        world.say(ports[0], PortCommand::Allocate { company }).await;
        assert_eq!(verdict(&world, "020 7946 0001").await, here, "it is allocated ahead of its date");
        let free = verdict(&world, "020 7946 0002").await;
        assert!(free.is_ok(), "{free:?}");
        world
            .say(ports[0], PortCommand::LcpWithdraw { message: "m2".parse().unwrap(), reason: sealed("why") })
            .await;
        assert!(verdict(&world, "020 7946 0001").await.is_ok(), "withdrawn: it may be tried again");
    })
    .await;
}

#[tokio::test]
async fn a_range_that_nobody_holds_is_not_portable() {
    let world = World::in_memory().await;
    let text = "Block,Status,CP Name\n207946,Free,\n2079461,Allocated,Zed\n";
    blocks(&world, &[text], Refusing::Everything).await;
    assert_eq!(verdict(&world, "020 7946 0123").await, Err(NotPortable::RangeNotAllocated));
    assert!(verdict(&world, "020 7946 1123").await.is_ok());
    assert_eq!(verdict(&world, "0113 496 0123").await, Err(NotPortable::UnknownRange));
}

#[tokio::test]
async fn ten_thousand_numbers_are_checked_in_a_moment() {
    on_every_store(async |world| {
        world.leeds().await;
        // No drama range is that long.
        let ask = PortabilityAsk::read(&["0113 496 0000-9999"]).unwrap();
        let begun = Instant::now();
        let checked = world.engine.check_portability(&ask.numbers).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?} for a debug build", begun.elapsed());
        assert_eq!(checked.len(), CHECK_NUMBERS_MAX);
        let portable = checked.iter().filter(|it| matches!(it.verdict, Verdict::Portable { .. })).count();
        assert_eq!(portable, CHECK_NUMBERS_MAX - 200, "all but our own stock");
    })
    .await;
}

#[tokio::test]
async fn more_than_ten_thousand_numbers_are_refused() {
    let world = World::in_memory().await;
    let ask = PortabilityAsk::read(&["0113 496 0000-9999"]).unwrap();
    let more: NumberSet =
        ask.numbers.union(&leeds(0, 1)).union(&PortabilityAsk::read(&["020 7946 0000"]).unwrap().numbers);
    let refused = world.engine.check_portability(&more).await.unwrap_err();
    assert_eq!(refused.reasons()[0].code, "check_too_large");
}
