//! Commands that rules refused are on record: who, what, which rule, where in the log; beside the log, and up to a bound.

mod bounded;
mod stores_away;

use chrono::TimeDelta;
use orderwire::{
    domain::{
        ids::{OrderId, ResellerId, StreamId},
        joint::Command,
        order::commands::OrderCommand,
    },
    engine::{
        Actor, Engine, Provenance, Via,
        refusals::{Found, Refusal, Sought},
    },
};

use crate::{race::on_every_store, world::*};

/// Every refusal of a kind, the newest first.
pub async fn refusals(engine: &Engine, sought: &Sought) -> Vec<Refusal> {
    let Found { refusals, not_recorded } = engine.refusals(sought, 10_000).await.unwrap();
    assert_eq!(not_recorded, 0, "{refusals:?}");
    refusals
}

pub async fn all(engine: &Engine) -> Vec<Refusal> {
    refusals(engine, &Sought::default()).await
}

pub fn thing(n: u128) -> StreamId {
    OrderId(uuid::Uuid::from_u128(n)).into()
}

pub fn named(actor: &str) -> Provenance {
    Provenance::of(Actor::new(actor).unwrap())
}

/// An order that was given up: nothing can be done to it any more.
async fn given_up(world: &World) -> (ResellerId, OrderId) {
    let reseller = world.reseller(1).await;
    let company = world.company(reseller, "Acme").await;
    let order = world.order(company, "PO-1", vec![company_line(10)]).await;
    world.tell(order, OrderCommand::Discard).await;
    (reseller, order)
}

#[tokio::test]
async fn a_refusal_says_who_wanted_what_and_which_rule_said_no() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let engine = &world.engine;
        let (reseller, order) = given_up(&world).await;
        world.settle().await;
        assert_eq!(all(engine).await, [], "what is done is not refused");
        let head = engine.head().await.unwrap().position;
        let us = Provenance { correlation: Some("c-1".into()), via: Via::Http, ..of(reseller) };
        engine.execute(&Command::Submit { order }, &us, None).await.unwrap_err();

        let found = all(engine).await;
        let [refusal] = found.as_slice() else { panic!("{found:?}") };
        let expected = Refusal {
            id: refusal.id.clone(),
            at: beginning(),
            last_at: beginning(),
            times: 1,
            actor: "alice".into(),
            via: Via::Http,
            reseller: Some(reseller),
            about: Some(order.into()),
            command: "order.submit".into(),
            rule: "not_permitted".into(),
            reasons: 1,
            status: Some("discarded".into()),
            position: head,
            correlation: Some("c-1".into()),
        };
        assert_eq!(*refusal, expected);
        assert_eq!(engine.head().await.unwrap().position, head, "nobody tells the log");
        engine.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_another_resellers_was_tried_all_the_same() {
    let world = World::in_memory().await;
    let (_, order) = given_up(&world).await;
    let other = world.reseller(2).await;
    let nothing = thing(7);
    let submit = |order| Command::Submit { order };
    for order in [order, OrderId(nothing.id)] {
        world.engine.execute(&submit(order), &of(other), None).await.unwrap_err();
    }
    world.ask(&submit(order)).await.unwrap_err();
    let theirs = refusals(&world.engine, &Sought { reseller: Some(other), ..Sought::default() }).await;
    let told = |it: &Refusal| (it.about, it.rule.clone(), it.status.clone());
    let not_found = |about| (Some(about), "not_found".to_owned(), None);
    assert_eq!(theirs.iter().map(told).collect::<Vec<_>>(), [not_found(nothing), not_found(order.into())]);
    let about = Sought { about: Some(order.into()), ..Sought::default() };
    assert_eq!(refusals(&world.engine, &about).await.len(), 2, "one of each who asked");
    let rule = Sought { rule: Some("not_permitted".into()), ..about.clone() };
    let ours = refusals(&world.engine, &rule).await;
    assert_eq!(ours.iter().map(|it| it.actor.as_str()).collect::<Vec<_>>(), ["operator"]);
    let other_command = Sought { command: Some("order.discard".into()), ..about };
    assert_eq!(refusals(&world.engine, &other_command).await, []);
    let actor = Sought { actor: Some("alice".into()), ..Sought::default() };
    assert_eq!(refusals(&world.engine, &actor).await, theirs);
    // Page by page.
    let mut before = None;
    for expected in all(&world.engine).await {
        let found = world.engine.refusals(&Sought { before, ..Sought::default() }, 1).await.unwrap();
        assert_eq!(found.refusals, std::slice::from_ref(&expected));
        before = Some((expected.at.timestamp_micros(), expected.id));
    }
    world.engine.close().await;
}

#[tokio::test]
async fn the_same_within_a_minute_is_one_row_that_says_how_often() {
    let world = World::in_memory().await;
    let (_, order) = given_up(&world).await;
    let submit = Command::Submit { order };
    for second in 0..70 {
        world.clock.move_to(beginning() + TimeDelta::seconds(second));
        world.ask(&submit).await.unwrap_err();
        if second % 10 == 0 {
            assert!(!all(&world.engine).await.is_empty());
        }
    }
    world.engine.execute(&submit, &named("bob"), None).await.unwrap_err();
    world.ask(&Command::Order { order, command: OrderCommand::Discard }).await.unwrap_err();
    let found = all(&world.engine).await;
    let mut told: Vec<_> =
        found.iter().map(|it| (it.actor.as_str(), it.command.as_str(), it.times)).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("bob", "order.submit", 1),
            ("operator", "order.discard", 1),
            ("operator", "order.submit", 10),
            ("operator", "order.submit", 60)
        ]
    );
    let first = found.iter().find(|it| it.times == 60).unwrap();
    assert_eq!((first.at, first.last_at), (beginning(), beginning() + TimeDelta::seconds(59)));
    world.engine.close().await;
}

#[tokio::test]
async fn every_rule_that_spoke_against_it_is_a_row_with_how_many_reasons() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let (one, other) = (world.company(reseller, "Acme").await, world.company(reseller, "Bolt").await);
    world.reserve(one, leeds(0, 5)).await;
    world.ask(&reserve(other, leeds(0, 7))).await.unwrap_err();
    let found = all(&world.engine).await;
    let told: Vec<_> = found.iter().map(|it| (it.rule.as_str(), it.reasons, it.status.as_deref())).collect();
    assert_eq!(told, [("number_taken", 5, Some("qualified"))]);
    world.engine.close().await;
}

#[tokio::test]
async fn what_is_no_refusal_of_a_rule_is_not_recorded() {
    let world = World::in_memory().await;
    let (reseller, order) = given_up(&world).await;
    let engine = &world.engine;
    let company = world.company(reseller, "Bolt").await;
    let create = |reference: &str| Command::CreateOrder {
        reseller,
        reference: reference.parse().unwrap(),
        company: Some(company),
        lines: vec![company_line(10)],
    };
    // A key that was used, a retry, a condition that does not hold.
    engine.execute(&create("PO-2"), &operator(), Some(&key("k"))).await.unwrap();
    engine.execute(&create("PO-2"), &operator(), Some(&key("k"))).await.unwrap();
    engine.execute(&create("PO-3"), &operator(), Some(&key("k"))).await.unwrap_err();
    let expected = orderwire::engine::Expected { stream: order.into(), sequence: 1 };
    let submit = Command::Submit { order };
    engine.execute_expecting(&submit, &operator(), None, Some(expected)).await.unwrap_err();
    // Whatever the engine itself does.
    world.leeds().await;
    let company = world.in_service(reseller, 2).await;
    world.submitted(company, "PO-4", vec![port(port_of(1, morning("2026-06-12")))]).await;
    world.sleep(TimeDelta::days(200)).await;
    assert_eq!(all(engine).await, []);
    world.engine.close().await;
}

#[tokio::test]
async fn no_fold_knows_of_refusals() {
    let world = World::in_memory().await;
    let (_, order) = given_up(&world).await;
    world.ask(&Command::Submit { order }).await.unwrap_err();
    world.settle().await;
    let before = all(&world.engine).await;
    assert_eq!(before.len(), 1);
    crate::invariants::Audit::of(&world.engine).await;
    for reader in world.engine.readers().iter() {
        assert!(reader.tables.iter().all(|table| table.name != "refusal"), "{}", reader.name);
    }
    assert_eq!(all(&world.engine).await, before);
    world.engine.close().await;
}
