//! Several engines on one store: each part works in one of them at a time, another takes over, and whoever lost a lease writes
//! nothing under it. The engines here are of one process; in `processes` they are stopped and killed by the system.

mod publishing;
#[cfg(unix)]
mod processes;
mod rebuilding;
mod taking_over;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use orderwire::{
    domain::{
        decider::Decider as _,
        ids::{OrderId, ResellerId},
        order::{Order, OrderStatus},
        views::READERS,
    },
    engine::{
        Engine,
        clock::SimulatedClock,
        fulfilment::{AutoProvisioner, FULFILMENT},
        log::{Commit, Position, ReaderCommit, SharedLog, StoreError, Verdict},
        provisioning::PROVISIONING,
        tiles::TILES,
    },
};

use crate::world::*;

/// Nothing here takes as long, unless it never ends.
pub const WITHIN: Duration = Duration::from_mins(2);

/// What an engine wrote, in order: the reader, or the lease that a commit was made under, and the token.
#[derive(Clone, Default)]
pub struct Wrote(Arc<Mutex<Vec<(String, u64)>>>);

impl Wrote {
    pub fn names(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }

    /// What was written since this was last asked.
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().map(|(name, _)| name).collect()
    }
}

#[async_trait]
impl Meddles for Wrote {
    async fn append(&self, batch: &[Arc<Commit>]) -> Result<Option<Verdict>, StoreError> {
        let fences = batch.iter().filter_map(|commit| commit.fence.as_ref());
        self.0.lock().unwrap().extend(fences.map(|fence| (fence.name.clone(), fence.token)));
        Ok(None)
    }

    async fn apply(&self, commit: &mut ReaderCommit) {
        let fence = commit.fence.as_ref().expect("whatever a reader writes is under a lease");
        self.0.lock().unwrap().push((commit.reader.clone(), fence.token));
    }
}

/// An engine that works by itself, and what it writes.
pub async fn working(store: &Store, clock: &SimulatedClock, ttl: Duration) -> (World, Wrote) {
    let wrote = Wrote::default();
    let meddled = store.meddled_with(wrote.clone()).await;
    let builder = Engine::builder().clock(clock.clone()).provisioner(AutoProvisioner).lease_ttl(ttl);
    let engine = builder.open(meddled.log().await, store.master()).await.unwrap();
    (World { engine, clock: clock.clone() }, wrote)
}

/// Every part of an engine that has a lease.
pub fn parts() -> BTreeSet<String> {
    let readers = READERS.iter().map(|reader| reader.name);
    readers.chain([TILES, FULFILMENT, PROVISIONING, "due timers"]).map(str::to_owned).collect()
}

/// The owners of all leases of an engine's parts; `None` for each that nobody has.
pub async fn owners(log: &SharedLog) -> BTreeSet<Option<String>> {
    let standings = log.standings().await.unwrap();
    let owner = |part: &String| {
        standings.iter().find(|standing| standing.name == *part).and_then(|standing| standing.owner.clone())
    };
    parts().iter().map(owner).collect()
}

/// Waits until one owner has everything, who is none of these; answers who, and how long it took.
pub async fn sole_owner(log: &SharedLog, but: &[&str]) -> (String, Duration) {
    let begun = Instant::now();
    loop {
        let owners = owners(log).await;
        if let (1, Some(Some(owner))) = (owners.len(), owners.first())
            && !but.contains(&owner.as_str())
        {
            return (owner.clone(), begun.elapsed());
        }
        assert!(begun.elapsed() < WITHIN, "nobody has every lease: {owners:?}");
        tokio::task::yield_now().await;
    }
}

/// Waits until every reader has come to a position, as this engine sees it.
pub async fn all_reach(engine: &Engine, position: Position) {
    for reader in engine.readers().iter() {
        let wait = engine.wait_for(&reader.name, position);
        wait.await.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// An order that everything has to be done for; answers once it was done, whoever does it.
pub async fn fulfilled(world: &World, reseller: ResellerId, n: u32) {
    let company = world.company(reseller, &format!("Company {n}")).await;
    let (order, _) = world.submitted(company, &format!("PO-{n}"), new_company(n, 2)).await;
    completed(world, order).await;
}

/// Waits until an order was completed, whoever does it.
pub async fn completed(world: &World, order: OrderId) {
    let mut progress = world.engine.readers().get("orders").unwrap().progress();
    let looks = async {
        while world.state::<Order>(order).await.status() != OrderStatus::Completed {
            progress.changed().await.unwrap();
        }
    };
    tokio::time::timeout(WITHIN, looks).await.expect("somebody fulfils it");
}
