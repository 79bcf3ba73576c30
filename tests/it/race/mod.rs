//! What happens when many want the same at once: one has it, the others are told, nobody waits for ever.
//!
//! Every race runs in memory and on SQLite; on PostgreSQL where `ORDERWIRE_TEST_POSTGRES` names a server.

mod engines;
mod hot;
mod keys;
mod numbers;

use std::sync::Arc;

use orderwire::engine::{Error, Receipt, fulfilment::AutoProvisioner};
use tokio::task::JoinSet;

use crate::{
    invariants::Audit,
    world::{Store, World},
};

/// Runs a race on every store there is.
pub async fn on_every_store(race: impl AsyncFn(Arc<Store>)) {
    race(Arc::new(Store::memory().await)).await;
    race(Arc::new(Store::sqlite())).await;
    #[cfg(feature = "postgres")]
    if let Some(database) = crate::postgres::Scratch::make().await {
        race(Arc::new(Store::at(database.url()))).await;
        database.drop_it().await;
    }
}

/// Runs a race of two engines, as two processes would have them, on every store there is: whatever they did, each then knows
/// what the log says, and so does everything derived from it.
pub async fn with_two_engines(race: impl AsyncFn(World, World)) {
    on_every_store(async |store| {
        let one = World::open(&store).await;
        // It has few aggregates at hand, so that it also has to load.
        let other =
            World { engine: store.engine(&one.clock, AutoProvisioner, 100).await, clock: one.clock.clone() };
        race(one.clone(), other.clone()).await;
        one.settle().await;
        for world in [one, other] {
            Audit::of(&world.engine).await;
            world.engine.close().await;
        }
    })
    .await;
}

/// What became of each task, in the order in which they were begun.
pub async fn all<T: Send + 'static>(
    tasks: impl IntoIterator<Item: Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut set = JoinSet::new();
    for (n, task) in tasks.into_iter().enumerate() {
        set.spawn(async move { (n, task.await) });
    }
    let mut outcomes = set.join_all().await;
    outcomes.sort_by_key(|(n, _)| *n);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Closes what a race opened, once it is over.
pub async fn close(world: World) {
    world.engine.close().await;
}

/// The codes of a refusal; anything else than a refusal is a fault.
#[track_caller]
pub fn codes(outcome: &Result<Receipt, Error>) -> Vec<&str> {
    match outcome {
        Ok(receipt) => panic!("it was done: {receipt:?}"),
        Err(Error::Refused(reasons)) => reasons.iter().map(|reason| reason.code.as_str()).collect(),
        Err(other) => panic!("not a refusal: {other}"),
    }
}
