//! Who works, and who goes on.

use std::sync::Mutex;

use orderwire::engine::log::{CommitRefusal, Take};
use tokio::sync::Semaphore;

use super::*;
use crate::{invariants::Audit, race::on_every_store};

/// Longer than any test takes: what changes hands here does not because its time is over.
const LONG: Duration = Duration::from_mins(10);

/// Parts that have nothing to do in so short a log.
fn idle() -> BTreeSet<String> {
    ["due timers", TILES].map(str::to_owned).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_engine_works_at_a_time_and_the_next_once_it_is_closed() {
    on_every_store(async |store| {
        let clock = SimulatedClock::at(beginning());
        let (one, one_wrote) = working(&store, &clock, LONG).await;
        let (other, other_wrote) = working(&store, &clock, LONG).await;
        let log = store.log().await;
        let (first, _) = sole_owner(&log, &[]).await;
        let reseller = other.reseller(1).await;
        other.leeds().await;
        fulfilled(&other, reseller, 1).await;
        // What the one has done is seen by the other.
        let head = other.engine.head().await.unwrap().position;
        all_reach(&other.engine, head).await;
        assert_eq!(other_wrote.names(), BTreeSet::new());
        assert_eq!(one_wrote.take(), &parts() - &idle());

        one.engine.close().await;
        one_wrote.take();
        let (second, took) = sole_owner(&log, &[&first]).await;
        assert!(took < Duration::from_secs(5), "it was given back: {took:?}");
        assert_ne!(second, first);
        fulfilled(&other, reseller, 2).await;
        let head = other.engine.head().await.unwrap().position;
        all_reach(&other.engine, head).await;
        assert_eq!(one_wrote.names(), BTreeSet::new());
        assert_eq!(other_wrote.names(), &parts() - &idle());
        other.settle().await;
        Audit::of(&other.engine).await;
        other.engine.close().await;
        log.close().await;
    })
    .await;
}

/// Holds whatever is written under one name, until it is let go.
struct Frozen {
    name: &'static str,
    /// Says that something is held.
    held: Semaphore,
    go_on: Semaphore,
    refused: Mutex<Vec<String>>,
}

impl Frozen {
    async fn hold(&self, name: &str) {
        if name == self.name {
            self.held.add_permits(1);
            self.go_on.acquire().await.unwrap().forget();
            // Nothing is held a second time.
            self.go_on.add_permits(1);
        }
    }
}

#[async_trait]
impl Meddles for Frozen {
    async fn append(&self, batch: &[Arc<Commit>]) -> Result<Option<Verdict>, StoreError> {
        for fence in batch.iter().filter_map(|commit| commit.fence.as_ref()) {
            self.hold(&format!("commit of {}", fence.name)).await;
        }
        Ok(None)
    }

    async fn apply(&self, commit: &mut ReaderCommit) {
        self.hold(&commit.reader).await;
    }

    fn applied(&self, commit: &ReaderCommit, outcome: &Result<(), StoreError>) {
        if matches!(outcome, Err(StoreError::FencedOut(_))) {
            self.refused.lock().unwrap().push(commit.reader.clone());
        }
    }

    fn appended(&self, batch: &[Arc<Commit>], verdicts: &[Verdict]) {
        for (commit, verdict) in batch.iter().zip(verdicts) {
            if let Verdict::Refused(CommitRefusal::FencedOut(name)) = verdict {
                assert_eq!(commit.fence.as_ref().map(|fence| &fence.name), Some(name));
                self.refused.lock().unwrap().push(format!("commit of {name}"));
            }
        }
    }
}

/// What was begun before somebody else had the lease is refused, whatever it is; and once the lease is back, it is done once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_under_a_lease_that_is_lost_is_not_written() {
    for (name, lease) in [
        ("orders", "orders"),
        ("timers", "timers"),
        (FULFILMENT, FULFILMENT),
        ("commit of fulfilment", FULFILMENT),
        ("commit of provisioning", PROVISIONING),
        ("commit of due timers", "due timers"),
    ] {
        on_every_store(async |store| {
            let clock = SimulatedClock::at(beginning());
            let frozen = Arc::new(Frozen {
                name,
                held: Semaphore::new(0),
                go_on: Semaphore::new(0),
                refused: Mutex::default(),
            });
            let meddled = store.meddled_with(Arc::clone(&frozen)).await;
            let builder = Engine::builder().clock(clock.clone()).provisioner(AutoProvisioner).lease_ttl(LONG);
            let engine = builder.open(meddled.log().await, store.master()).await.unwrap();
            let world = World { engine, clock };
            let beside = World::open(&store).await;
            let reseller = beside.reseller(1).await;
            beside.leeds().await;
            let company = beside.company(reseller, "Acme").await;
            if lease == "due timers" {
                beside.reserve(company, leeds(0, 5)).await;
                beside.clock.move_to(beginning() + chrono::TimeDelta::days(20));
                world.clock.move_to(beginning() + chrono::TimeDelta::days(20));
            } else if !READERS.iter().any(|reader| reader.name == lease) {
                beside.submitted(company, "PO-1", new_company(1, 2)).await;
            }
            frozen.held.acquire().await.unwrap().forget();

            // Somebody else has it meanwhile.
            let log = store.log().await;
            let standing = log.standings().await.unwrap();
            let before = (log.head().await.unwrap(), log.checkpoint(lease).await.unwrap());
            let seized = log.take_lease(lease, "somebody", LONG, Take::FromAnybody).await.unwrap().unwrap();
            assert!(standing.iter().any(|held| held.name == lease && held.token + 1 == seized.token));
            frozen.go_on.add_permits(1);
            let refused = async {
                while frozen.refused.lock().unwrap().is_empty() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(WITHIN, refused).await.expect("it is refused");
            assert_eq!(frozen.refused.lock().unwrap()[0], name);
            assert_eq!(log.checkpoint(lease).await.unwrap(), before.1);
            let head = log.head().await.unwrap();
            if name.starts_with("commit") {
                assert_eq!(head, before.0, "nothing of it was appended");
            }

            log.give_back("somebody", &[lease.to_owned()]).await.unwrap();
            beside.settle().await;
            Audit::of(&beside.engine).await;
            world.engine.close().await;
            beside.engine.close().await;
            log.close().await;
        })
        .await;
    }
}

/// As a command of the command line beside a server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_settles_by_hand_waits_for_the_engine_that_works() {
    on_every_store(async |store| {
        let clock = SimulatedClock::at(beginning());
        let (works, wrote) = working(&store, &clock, LONG).await;
        let by_hand = Wrote::default();
        let meddled = store.meddled_with(by_hand.clone()).await;
        let engine = meddled.engine(&clock, AutoProvisioner, 100).await;
        let world = World { engine, clock: clock.clone() };
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.company(reseller, "Acme").await;
        let (order, _) = world.submitted(company, "PO-1", new_company(1, 2)).await;
        world.settle().await;
        assert_eq!(world.state::<Order>(order).await.status(), OrderStatus::Completed);
        assert_eq!(world.engine.catch_up(WITHIN).await, Ok(0));
        assert_eq!(by_hand.names(), BTreeSet::new());
        assert!(wrote.names().contains(FULFILMENT));

        // Without the other it does everything itself.
        works.engine.close().await;
        let company = world.company(reseller, "Bravo").await;
        let (order, _) = world.submitted(company, "PO-2", new_company(2, 2)).await;
        world.settle().await;
        assert_eq!(world.state::<Order>(order).await.status(), OrderStatus::Completed);
        assert!(by_hand.names().contains(FULFILMENT));
        Audit::of(&world.engine).await;
        world.engine.close().await;
    })
    .await;
}
