//! Two engines on one store, as two processes would be: neither keeps a decision that rested on what the other changed.

use orderwire::domain::{
    company::Company,
    joint::Command,
    order::{Order, line::NumberAsk},
    reseller::commands::ResellerCommand,
    testing::port_request::sealed,
};

use super::{all, codes, with_two_engines};
use crate::world::*;

/// Both have the company at hand; each moves it under the other, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_that_the_other_engine_moved_is_decided_again() {
    with_two_engines(async |one, other| {
        let reseller = one.reseller(1).await;
        one.leeds().await;
        let company = one.company(reseller, "Acme").await;
        for n in 0..10 {
            let world = if n % 2 == 0 { &one } else { &other };
            world.reserve(company, leeds(n, 1)).await;
        }
        // A refusal that rests on an old state is no answer: the engine looks again first.
        let reservation = one.reserve(company, leeds(50, 1)).await;
        other.state::<Company>(company).await;
        let release =
            orderwire::domain::company::commands::CompanyCommand::ReleaseReservation { reservation };
        other.refused(reserve(company, leeds(50, 1)), &["numbers_held"]).await;
        one.done(Command::Company { company, command: release }).await;
        other.reserve(company, leeds(50, 1)).await;
    })
    .await;
}

/// The reseller is only read by a qualification. Suspended through one engine, it is suspended for the other, which has
/// it at hand as active.
#[tokio::test]
async fn a_stream_that_was_only_read_and_moved_is_read_again() {
    with_two_engines(async |one, other| {
        let reseller = one.reseller(1).await;
        for round in 0..5 {
            other.company(reseller, &format!("Before {round}")).await;
            let command = ResellerCommand::Suspend { reason: sealed("unpaid") };
            one.done(Command::Reseller { reseller, command }).await;
            other.refused(qualify(reseller, &format!("While {round}")), &["reseller_not_active"]).await;
            one.done(Command::Reseller { reseller, command: ResellerCommand::Resume }).await;
            other.company(reseller, &format!("After {round}")).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_engines_in_a_hurry_share_companies_numbers_and_readers() {
    with_two_engines(async |one, other| {
        let reseller = one.reseller(1).await;
        one.leeds().await;
        one.settle().await;
        let mut companies = Vec::new();
        for n in 0..4 {
            companies.push(one.company(reseller, &format!("Company {n}")).await);
        }
        let tasks = (0..24_u32).map(|n| {
            let world = if n % 2 == 0 { one.clone() } else { other.clone() };
            let company = companies[n as usize / 2 % 4];
            async move {
                let outcome = world.ask(&reserve(company, leeds(n % 16 * 2, 3))).await;
                // Readers, fulfilment and timers of both engines run into each other too.
                if n % 6 == 0 {
                    world.settle().await;
                }
                outcome
            }
        });
        for outcome in all(tasks).await.iter().filter(|outcome| outcome.is_err()) {
            assert!(
                codes(outcome).iter().all(|code| ["number_taken", "numbers_held"].contains(code)),
                "{outcome:?}"
            );
        }
        for (n, company) in (1..).zip(&companies) {
            let world = if n % 2 == 0 { &one } else { &other };
            world.submitted(*company, &format!("PO-{n}"), new_company(n, 10)).await;
        }
        let (first, second) = tokio::join!(one.engine.settle(), other.engine.settle());
        first.unwrap();
        second.unwrap();
    })
    .await;
}

/// The order rests on the reservation that its company has; the other engine ends it in between.
#[tokio::test]
async fn a_reservation_released_through_the_other_engine_cannot_be_submitted() {
    with_two_engines(async |one, other| {
        let reseller = one.reseller(1).await;
        one.leeds().await;
        let company = one.company(reseller, "Acme").await;
        let reservation = one.reserve(company, leeds(0, 5)).await;
        let lines = vec![company_line(5), numbers_line(NumberAsk::Reservation(reservation))];
        let order = one.order(company, "PO-1", lines).await;
        one.state::<Company>(company).await;
        let command =
            orderwire::domain::company::commands::CompanyCommand::ReleaseReservation { reservation };
        other.done(Command::Company { company, command }).await;
        let outcome = one.ask(&Command::Submit { order }).await;
        assert!(codes(&outcome).contains(&"reservation_empty"), "{outcome:?}");
        assert!(!one.state::<Order>(order).await.is_open());
    })
    .await;
}

/// The one that carries out what is submitted knows the order as a draft; it must look again before it finds nothing to do.
#[tokio::test]
async fn an_order_submitted_through_one_engine_is_carried_out_by_the_other() {
    with_two_engines(async |one, other| {
        let reseller = one.reseller(1).await;
        one.leeds().await;
        let company = other.company(reseller, "Acme").await;
        let order = other.order(company, "PO-1", new_company(1, 5)).await;
        other.settle().await;
        one.done(Command::Submit { order }).await;
        other.settle().await;
        let status = orderwire::domain::decider::Decider::status(&*one.state::<Order>(order).await);
        assert_eq!(status, orderwire::domain::order::OrderStatus::Completed);
    })
    .await;
}
