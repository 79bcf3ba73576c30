//! One number has one holder, whoever wants it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use orderwire::domain::{
    company::{Company, commands::CompanyCommand},
    ids::{CompanyId, ReservationId},
    joint::Command,
    number::NumberSet,
    order::line::NumberAsk,
};

use super::{all, close, codes, on_every_store};
use crate::{invariants::Audit, world::*};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_reservations_are_all_or_nothing_and_nobody_waits_for_ever() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let mut companies = Vec::new();
        for n in 0..4 {
            companies.push(world.company(reseller, &format!("Company {n}")).await);
        }
        let tasks = (0..64_u32).map(|n| {
            let (world, company) = (world.clone(), companies[n as usize % companies.len()]);
            // Seven numbers each, of 70: every set overlaps a dozen others, and no two begin in the same order.
            let numbers: NumberSet = (0..7)
                .flat_map(|k| leeds((n * 11 + k * (n % 5 + 3)) % 70, 1).iter().collect::<Vec<_>>())
                .collect();
            async move {
                let outcome = world.ask(&reserve(company, numbers.clone())).await;
                (company, numbers, outcome)
            }
        });
        let mut holders: BTreeMap<_, CompanyId> = BTreeMap::new();
        let mut won = 0;
        for (company, numbers, outcome) in all(tasks).await {
            if outcome.is_ok() {
                won += 1;
                for number in numbers.iter() {
                    assert_eq!(holders.insert(number, company), None, "{number} was reserved twice");
                }
            } else {
                let known = ["number_taken", "numbers_held"];
                assert!(codes(&outcome).iter().all(|code| known.contains(code)), "{outcome:?}");
            }
        }
        assert!((1..64).contains(&won), "{won} of 64 sets of 70 numbers");
        for company in companies {
            let held = world.state::<Company>(company).await;
            for (number, _) in held.numbers() {
                assert_eq!(
                    holders.remove(&number),
                    Some(company),
                    "{number} belongs to whom it was promised"
                );
            }
        }
        assert!(holders.is_empty(), "promised and not held: {holders:?}");
        world.settle().await;
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_resellers_reserve_one_number_in_the_same_instant_and_one_has_it() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        world.leeds().await;
        let mut companies = Vec::new();
        for n in 1..=2 {
            companies.push(world.company(world.reseller(n).await, &format!("Company {n}")).await);
        }
        for number in 0..20 {
            let tasks = companies.clone().into_iter().map(|company| {
                let world = world.clone();
                async move { world.ask(&reserve(company, leeds(number, 1))).await }
            });
            let outcomes = all(tasks).await;
            let (done, refused): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.is_ok());
            assert_eq!((done.len(), refused.len()), (1, 1), "{outcomes:?}");
            assert_eq!(codes(refused[0]), ["number_taken"]);
            let told = refused[0].as_ref().unwrap_err().to_string();
            assert!(
                !companies.iter().any(|company| told.contains(&company.to_string())),
                "who has it is told: {told}"
            );
        }
        world.settle().await;
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

#[tokio::test]
async fn fifty_are_asked_for_where_48_are_free_and_none_is_taken() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.stock("0113 496 0000-0099", "Leeds").await;
        let (other, company) =
            (world.company(reseller, "Other").await, world.company(reseller, "Acme").await);
        world.reserve(other, leeds(10, 52)).await;
        world.settle().await;
        let command = Command::ReserveNumbers { company, ask: search(50), ring_fence: false };
        let error = world.refused(command, &["not_enough_numbers"]).await;
        assert!(error.to_string().contains("50 numbers were asked for, 48 are free"), "{error}");
        assert_eq!(world.state::<Company>(company).await.numbers().count(), 0);
        let command = Command::ReserveNumbers { company, ask: search(48), ring_fence: false };
        world.done(command).await;
        world.settle().await;
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

/// Two thirds of the searches can have what they want; the rest learn how little there is. A lost race picks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn searches_that_race_for_the_last_numbers_pick_again() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let mut companies = Vec::new();
        for n in 0..6 {
            companies.push(world.company(reseller, &format!("Company {n}")).await);
        }
        world.settle().await;
        let tasks = companies.into_iter().map(|company| {
            let world = world.clone();
            let command = Command::ReserveNumbers { company, ask: search(50), ring_fence: false };
            async move { world.ask(&command).await }
        });
        let outcomes = all(tasks).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4, "{outcomes:?}");
        for lost in outcomes.iter().filter(|outcome| outcome.is_err()) {
            assert_eq!(codes(lost), ["not_enough_numbers"]);
        }
        world.settle().await;
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

/// The release and the new hold may be appended in one batch: the claim is moved, not lost and not held twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_number_that_is_released_while_another_takes_it_ends_with_one_holder() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let (mut holder, mut other) =
            (world.company(reseller, "One").await, world.company(reseller, "Two").await);
        let mut reservation: ReservationId = world.reserve(holder, leeds(0, 3)).await;
        for _ in 0..20 {
            let release = Command::Company {
                company: holder,
                command: CompanyCommand::ReleaseReservation { reservation },
            };
            let (released, taken) = tokio::join!(world.ask(&release), async {
                tokio::task::yield_now().await;
                world.ask(&reserve(other, leeds(0, 3))).await
            },);
            released.unwrap();
            reservation = match taken {
                Ok(receipt) => receipt.id("reservation"),
                refused => {
                    assert_eq!(codes(&refused)[0], "number_taken");
                    world.reserve(other, leeds(0, 3)).await
                }
            };
            (holder, other) = (other, holder);
        }
        assert_eq!(world.state::<Company>(holder).await.numbers().count(), 3);
        assert_eq!(world.state::<Company>(other).await.numbers().count(), 0);
        world.settle().await;
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

/// The timer of the reservation and the order that uses it meet; whoever is first, nobody holds half of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reservation_that_expires_during_submit_is_used_whole_or_not_at_all() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.in_service(reseller, 1).await;
        let before = world.state::<Company>(company).await.numbers().count();
        for round in 0..6_u32 {
            let reservation = world.reserve(company, leeds(100 + round * 5, 5)).await;
            let lines = vec![numbers_line(NumberAsk::Reservation(reservation))];
            let order = world.order(company, &format!("PO-{round}"), lines).await;
            world.settle().await;
            world
                .clock
                .move_to(world.engine.now() + TimeDelta::days(14) - TimeDelta::seconds(i64::from(round % 2)));
            let submit = Command::Submit { order };
            let (submitted, settled) = tokio::join!(world.ask(&submit), world.engine.settle());
            settled.unwrap();
            let on_time = round % 2 == 1;
            assert_eq!(submitted.is_ok(), on_time, "round {round}: {submitted:?}");
            world.sleep(TimeDelta::days(1)).await;
        }
        assert_eq!(world.state::<Company>(company).await.numbers().count(), before + 15);
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

/// Readers lag: what was loaded a moment ago is found all the same, and the refusal counts what is free now.
#[tokio::test]
async fn a_search_is_not_refused_by_a_read_model_that_lags() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        let company = world.company(reseller, "Acme").await;
        world.leeds().await;
        world.done(Command::ReserveNumbers { company, ask: search(30), ring_fence: false }).await;
        world.reserve(company, leeds(60, 20)).await;
        let command = Command::ReserveNumbers { company, ask: search(151), ring_fence: false };
        let error = world.refused(command, &["not_enough_numbers"]).await;
        assert!(error.to_string().contains("151 numbers were asked for, 150 are free"), "{error}");
        close(world).await;
    })
    .await;
}

/// Twenty reservations that no reader has seen yet: a search finds what is behind them, however few its attempts.
#[tokio::test]
async fn a_search_gets_past_whatever_was_taken_a_moment_ago() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        let (taker, company) =
            (world.company(reseller, "Taker").await, world.company(reseller, "Acme").await);
        world.leeds().await;
        world.settle().await;
        for n in 0..20 {
            world.reserve(taker, leeds(n * 2, 2)).await;
        }
        world.done(Command::ReserveNumbers { company, ask: search(2), ring_fence: false }).await;
        close(world).await;
    })
    .await;
}
