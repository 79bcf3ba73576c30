//! A request with an idempotency key is done once, however often and whenever it is asked again.

use orderwire::{
    domain::{company::Company, decider::Decider as _},
    engine::{Error, ErrorKind},
};

use super::{all, close, codes, on_every_store};
use crate::{invariants::Audit, world::*};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_retry_before_during_and_after_is_answered_the_same_and_done_once() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        let command = qualify(reseller, "Acme Ltd");
        let tasks = (0..16).map(|_| {
            let (engine, command) = (world.engine.clone(), command.clone());
            async move { engine.execute(&command, &of(reseller), Some(&key("k-1"))).await.unwrap() }
        });
        let receipts = all(tasks).await;
        assert_eq!(receipts.iter().filter(|receipt| !receipt.repeated).count(), 1);
        // Another engine, which has seen none of this, and the same one much later.
        let other = store.engine(&world.clock, orderwire::engine::fulfilment::AutoProvisioner, 10).await;
        let later = other.execute(&command, &of(reseller), Some(&key("k-1"))).await.unwrap();
        world.clock.move_to(world.engine.now() + chrono::TimeDelta::days(6));
        let last = world.engine.execute(&command, &of(reseller), Some(&key("k-1"))).await.unwrap();
        for receipt in receipts.iter().chain([&later, &last]) {
            assert_eq!((&receipt.ids, &receipt.appended), (&receipts[0].ids, &receipts[0].appended));
        }
        assert!(later.repeated && last.repeated);
        world.settle().await;
        let audit = Audit::of(&world.engine).await;
        assert_eq!(audit.facts.iter().filter(|fact| fact.happened.name() == "CompanyQualified").count(), 1);
        close(world).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_used_for_two_requests_at_once_serves_one_of_them() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        for round in 0..8 {
            let tasks = ["Acme", "Bolt"].map(|name| {
                let (engine, command) = (world.engine.clone(), qualify(reseller, &format!("{name} {round}")));
                async move { engine.execute(&command, &of(reseller), Some(&key(&format!("k-{round}")))).await }
            });
            let outcomes = all(tasks).await;
            let reused = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::KeyReused))).count();
            assert_eq!((reused, outcomes.iter().filter(|it| it.is_ok()).count()), (1, 1), "{outcomes:?}");
        }
        let command = qualify(reseller, "Third");
        let error = world.engine.execute(&command, &of(reseller), Some(&key("k-0"))).await.unwrap_err();
        assert_eq!((error.kind(), error), (ErrorKind::Refused, Error::KeyReused));
        world.settle().await;
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

/// A refusal is not remembered: asked again with the same key, the rules of then decide.
#[tokio::test]
async fn a_refused_request_may_be_asked_again_with_its_key() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let (one, two) = (world.company(reseller, "One").await, world.company(reseller, "Two").await);
        let reservation = world.reserve(one, leeds(0, 2)).await;
        let command = reserve(two, leeds(0, 2));
        let ask = async || world.engine.execute(&command, &of(reseller), Some(&key("k"))).await;
        assert_eq!(codes(&ask().await)[0], "number_taken");
        assert_eq!(codes(&ask().await)[0], "number_taken");
        let release =
            orderwire::domain::company::commands::CompanyCommand::ReleaseReservation { reservation };
        world.done(orderwire::domain::joint::Command::Company { company: one, command: release }).await;
        assert!(!ask().await.unwrap().repeated);
        assert!(ask().await.unwrap().repeated);
        assert_eq!(world.state::<Company>(two).await.numbers().count(), 2);
        world.settle().await;
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

/// What would be refused now, because it was done before, is answered as then.
#[tokio::test]
async fn a_retry_is_answered_though_the_rules_speak_against_it_by_now() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.company(reseller, "Acme").await;
        let order = world.order(company, "PO-1", new_company(1, 5)).await;
        world.settle().await;
        let command = orderwire::domain::joint::Command::Submit { order };
        let ask = async || world.engine.execute(&command, &of(reseller), Some(&key("submit"))).await.unwrap();
        let first = ask().await;
        world.settle().await;
        let again = ask().await;
        assert_eq!((&first.appended, &first.ids), (&again.appended, &again.ids));
        assert!(again.repeated);
        assert!(world.state::<orderwire::domain::order::Order>(order).await.is_terminal());
        assert_eq!(world.state::<Company>(company).await.status().to_string(), "active");
        close(world).await;
    })
    .await;
}

#[tokio::test]
async fn a_key_that_no_store_could_index_is_refused_by_name() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        let command = qualify(reseller, "Acme Ltd");
        let long = key(&"k".repeat(orderwire::engine::KEY_BYTES_MAX + 1));
        let outcome = world.engine.execute(&command, &of(reseller), Some(&long)).await;
        assert_eq!(codes(&outcome), ["idempotency_key_too_long"]);
        let fits = key(&"k".repeat(orderwire::engine::KEY_BYTES_MAX));
        world.engine.execute(&command, &of(reseller), Some(&fits)).await.unwrap();
        assert_eq!(world.engine.parked(), []);
        close(world).await;
    })
    .await;
}
