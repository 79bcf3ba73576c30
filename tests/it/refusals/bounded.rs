//! However much is refused, refused commands are answered, and what is kept has a bound that leaves everybody their own.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use orderwire::{
    domain::joint::Command,
    engine::{
        Engine,
        log::{RowChange, StoreError},
        refusals::{REFUSAL, Sought},
    },
};
use tokio::time::timeout;

use super::{all, given_up, named, refusals, thing};
use crate::world::*;

/// A store that takes no refusals until the gate is open.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

impl Meddles for Gate {
    fn change_rows(&self, changes: &mut Vec<RowChange>) -> Result<(), StoreError> {
        if changes.iter().any(is_refusal) {
            drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
        }
        Ok(())
    }
}

pub fn is_refusal(change: &RowChange) -> bool {
    matches!(change, RowChange::Put(table, _) if table.name == REFUSAL.name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_full_queue_delays_nobody_and_every_refusal_is_told_or_counted() {
    const TRIED: u64 = 20_000;
    let gate = Arc::new(Gate::default());
    let store = Store::memory().await.meddled_with(Arc::clone(&gate)).await;
    let world = World::open(&store).await;
    let (_, order) = given_up(&world).await;
    for n in 0..TRIED {
        let about = Some(thing(u128::from(n)));
        world.engine.tried(&named("flood"), "order.submit", about, ["not_found"].into_iter());
    }
    let submit = Command::Submit { order };
    let refused = timeout(Duration::from_secs(5), world.ask(&submit)).await;
    assert!(refused.expect("a refused command waits for no record").is_err());
    gate.open();
    let found = world.engine.refusals(&Sought::default(), 100_000).await.unwrap();
    assert!(found.not_recorded > 0, "the queue was not full");
    let recorded = found.refusals.iter().filter(|it| it.actor != "engine:refusals");
    let told: u64 = recorded.map(|it| it.times).sum();
    assert_eq!(told + found.not_recorded, TRIED + 1, "what is not told is counted");
    // What is asked about one actor says all the same that something is missing.
    let nobody = Sought { actor: Some("nobody".into()), ..Sought::default() };
    let found = world.engine.refusals(&nobody, 10).await.unwrap();
    assert!(found.not_recorded > 0 && found.refusals.is_empty(), "{found:?}");
    world.engine.close().await;
}

async fn keeping(store: &Store, keep: u64) -> Engine {
    let builder = Engine::builder().background(false).refusals_kept(keep);
    builder.open(store.log().await, store.master()).await.unwrap()
}

#[tokio::test]
async fn the_newest_are_kept_and_a_flood_of_one_leaves_those_of_others() {
    let engine = keeping(&Store::sqlite(), 5_000).await;
    for n in 0..10 {
        engine.tried(&named("alice"), "order.submit", Some(thing(n)), ["not_permitted"].into_iter());
    }
    assert_eq!(all(&engine).await.len(), 10);
    let mut n: u128 = 100;
    for flood in ["one", "other"] {
        for _ in 0..3 {
            for _ in 0..1_000 {
                n += 1;
                engine.tried(&named(flood), "order.submit", Some(thing(n)), ["not_found"].into_iter());
            }
            all(&engine).await;
        }
        let of = Sought { actor: Some(flood.to_owned()), ..Sought::default() };
        let kept = refusals(&engine, &of).await;
        // A tenth, and what came since it was looked last.
        assert!((500..=564).contains(&kept.len()), "{flood} has {}", kept.len());
        assert!(kept.iter().any(|it| it.about == Some(thing(n))), "the newest is kept");
    }
    let alice = Sought { actor: Some("alice".into()), ..Sought::default() };
    assert_eq!(refusals(&engine, &alice).await.len(), 10);
    engine.close().await;

    let engine = keeping(&Store::sqlite(), 200).await;
    for n in 0..1_000 {
        engine.tried(&named(&format!("a{n}")), "order.submit", None, ["not_found"].into_iter());
    }
    let kept = all(&engine).await.len();
    assert!((200..=264).contains(&kept), "of all together there are {kept}");
    engine.close().await;
}

#[tokio::test]
async fn what_was_refused_before_the_engine_was_closed_is_there_when_it_is_opened_again() {
    let store = Store::sqlite();
    for n in 1..4 {
        let engine = keeping(&store, 100).await;
        let world = World { engine, clock: orderwire::engine::clock::SimulatedClock::at(beginning()) };
        world
            .ask(&Command::Submit { order: orderwire::domain::ids::OrderId(thing(n).id) })
            .await
            .unwrap_err();
        world.engine.close().await;
    }
    let engine = keeping(&store, 100).await;
    let found = all(&engine).await;
    let about: Vec<_> = found.iter().rev().map(|it| it.about.unwrap()).collect();
    assert_eq!(about, [thing(1), thing(2), thing(3)]);
    engine.close().await;
}

#[tokio::test]
async fn engines_on_one_store_record_side_by_side() {
    crate::race::with_two_engines(async |one, other| {
        let (_, order) = given_up(&one).await;
        for world in [&one, &other] {
            for _ in 0..3 {
                world.ask(&Command::Submit { order }).await.unwrap_err();
            }
        }
        let mut times = Vec::new();
        for world in [&one, &other] {
            times.push(all(&world.engine).await.iter().map(|it| it.times).collect::<Vec<_>>());
        }
        assert_eq!(times[1], [3, 3], "a row of each");
    })
    .await;
}
