//! What was repaired in the engine, each with the case that was wrong: what is left out, tried again, ignored or waited
//! for when something beside the engine fails.
//!
//! Everything runs on one thread with events in memory, so what waits is seen to wait: nothing else can run.

mod certain;
mod closing;
mod given_up;
mod parked;
mod panics;
mod provisioning;
mod retries;
mod sealing;
mod snapshots;
mod timers;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use orderwire::engine::{
    Engine,
    fulfilment::Provisioner,
    log::{Commit, StoreError, Verdict},
};
use tokio::sync::Notify;

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

/// Holds up the batch with the next event of a type, and then may fail it.
#[derive(Default)]
pub struct Gate {
    pub event: &'static str,
    pub fails: bool,
    /// It opens once and for all.
    pub closed: AtomicBool,
    pub reached: Notify,
    pub opened: Notify,
}

#[async_trait]
impl Meddles for Gate {
    async fn append(&self, batch: &[Arc<Commit>]) -> Result<Option<Verdict>, StoreError> {
        let mut events = batch.iter().flat_map(|commit| &commit.appends).flat_map(|append| &append.events);
        if !events.any(|event| event.event_type == self.event) || !self.closed.swap(false, Ordering::SeqCst) {
            return Ok(None);
        }
        self.reached.notify_one();
        self.opened.notified().await;
        if self.fails { Err(StoreError::Unavailable("the gate".into())) } else { Ok(None) }
    }
}
