//! What was repaired in the engine, each with the case that was wrong: what is left out, tried again, ignored or waited
//! for when something beside the engine fails.
//!
//! Everything runs on one thread with events in memory, so what waits is seen to wait: nothing else can run.

mod certain;
mod closing;
mod parked;
mod panics;
mod retries;
mod sealing;
mod snapshots;
mod timers;

use std::sync::Arc;

use orderwire::engine::{Engine, fulfilment::Provisioner};

use crate::world::*;

/// An engine that has nothing at hand, on the same events through a store that is meddled with.
pub async fn beside<M: Meddles>(
    store: &Store,
    world: &World,
    meddler: &Arc<M>,
    provisioner: impl Provisioner,
) -> Engine {
    store.meddled_with(Arc::clone(meddler)).await.engine(&world.clock, provisioner, 1_000).await
}

/// Lets every other task run until it waits for something that does not come by itself.
pub async fn let_others_run() {
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
}
