//! A read model is rebuilt beside the live one: nobody who writes, reads or is told anything notices.

use std::sync::atomic::{AtomicUsize, Ordering};

use orderwire::{
    domain::{
        company::commands::CompanyCommand,
        ids::ResellerId,
        joint::Command,
        testing::port_request::sealed,
        views::{
            company_directory::COMPANY_DIRECTORY,
            notices::{NOTICE, NOTICE_COUNTER},
            order_status::ORDER_STATUS,
            table::{Row, Table},
        },
    },
    engine::{
        Error,
        log::{RowChange, StoreError, Swap, Take},
    },
};
use tokio::sync::Semaphore;

use super::*;
use crate::{
    invariants::{Audit, derived},
    race::on_every_store,
    replay::{every_row, leave_a_row_in},
};

async fn rows(engine: &Engine, table: &'static Table) -> std::collections::BTreeMap<String, Row> {
    derived::rows(engine, table).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_beside_an_engine_that_works_equals_a_fresh_fold() {
    on_every_store(async |store| {
        let clock = SimulatedClock::at(beginning());
        let (works, _) = working(&store, &clock, Duration::from_mins(10)).await;
        let reseller = works.reseller(1).await;
        works.leeds().await;
        for n in 1..=3 {
            fulfilled(&works, reseller, n).await;
        }
        // Something that only a rebuild takes away.
        leave_a_row_in(&works.engine, &ORDER_STATUS).await;
        let told = rows(&works.engine, &NOTICE).await;

        // Another process rebuilds again and again, while this one takes orders and is looked at.
        let by_hand = World::open(&store).await;
        let rebuilds = async {
            for _ in 0..3 {
                by_hand.engine.rebuild().await.unwrap();
            }
        };
        let orders = async {
            for n in 4..=6 {
                fulfilled(&works, reseller, n).await;
            }
        };
        let (mut seen, mut looks) = (0, 0);
        let look = async {
            loop {
                let found = works.engine.log().count(&COMPANY_DIRECTORY, &[]).await.unwrap();
                assert!(found >= seen, "{seen} companies were there, {found} are left");
                (seen, looks) = (found, looks + 1);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            _ = async { tokio::join!(rebuilds, orders) } => {}
            () = look => {}
        }
        assert!(seen >= 3 && looks > 10);
        let head = works.engine.head().await.unwrap().position;
        all_reach(&works.engine, head).await;
        assert!(!rows(&works.engine, &ORDER_STATUS).await.contains_key("left"));
        for (key, notice) in told {
            assert_eq!(rows(&works.engine, &NOTICE).await.get(&key), Some(&notice));
        }
        works.settle().await;
        Audit::of(&works.engine).await;
        // The engine itself can do it too, and the command line goes on.
        works.engine.rebuild_reader("orders").await.unwrap();
        let unknown = works.engine.rebuild_reader("nobody").await;
        assert!(matches!(unknown, Err(Error::ReaderStopped { .. })), "{unknown:?}");
        fulfilled(&works, reseller, 7).await;
        let head = works.engine.head().await.unwrap().position;
        all_reach(&works.engine, head).await;
        works.settle().await;
        Audit::of(&works.engine).await;
        works.engine.close().await;
        by_hand.engine.close().await;
    })
    .await;
}

/// A row that is wrong is at hand when its table is replaced: what is written next is not that row again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_at_hand_is_not_written_into_the_new_tables() {
    for by_another in [false, true] {
        on_every_store(async |store| {
            let clock = SimulatedClock::at(beginning());
            let (works, _) = working(&store, &clock, Duration::from_mins(10)).await;
            let reseller = works.reseller(1).await;
            works.leeds().await;
            let company = works.in_service(reseller, 1).await;
            let suspend = CompanyCommand::Suspend { reason: sealed("unpaid") };
            let taken = async |command| {
                let done = works.done(Command::Company { company, command }).await;
                works.settle().await;
                all_reach(&works.engine, done.appended.last()).await;
            };
            taken(suspend.clone()).await;
            // Another process has the lease for a moment, so that nothing is at hand, and spoils a row.
            let right = rows(&works.engine, &COMPANY_DIRECTORY).await[&company.to_string()].clone();
            let wrong = Row { doc: right.doc.replace("Company 1", "Company X"), ..right.clone() };
            assert_ne!(wrong, right);
            let log = store.log().await;
            let put = RowChange::Put(&COMPANY_DIRECTORY, wrong);
            log.take_lease("orders", "somebody", WITHIN, Take::FromAnybody).await.unwrap();
            log.change_rows(&[put], None).await.unwrap();
            log.give_back("somebody", &["orders".to_owned()]).await.unwrap();
            taken(CompanyCommand::Resume).await;
            let spoilt = rows(&works.engine, &COMPANY_DIRECTORY).await[&company.to_string()].clone();
            assert!(spoilt.doc.contains("Company X"), "it is at hand: {}", spoilt.doc);

            if by_another {
                let by_hand = World::open(&store).await;
                by_hand.engine.rebuild_reader("orders").await.unwrap();
                by_hand.engine.close().await;
            } else {
                works.engine.rebuild_reader("orders").await.unwrap();
            }
            taken(suspend).await;
            // What the reseller was told of the wrong row stays told, so only the row itself is looked at.
            let suspended = rows(&works.engine, &COMPANY_DIRECTORY).await[&company.to_string()].clone();
            assert!(suspended.doc.contains("Company 1"), "it was written again: {}", suspended.doc);
            assert!(suspended.doc.contains("suspended"), "{}", suspended.doc);
            works.engine.close().await;
            log.close().await;
        })
        .await;
    }
}

/// A carrier with a reseller that has a company in service.
async fn with_a_company(store: &Store) -> (World, ResellerId) {
    let world = World::open(store).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    world.in_service(reseller, 1).await;
    (world, reseller)
}

/// Stops a rebuild for good, before it writes or before it swaps.
struct Cut {
    at_swap: bool,
    reached: Semaphore,
}

#[async_trait]
impl Meddles for Cut {
    async fn apply(&self, commit: &mut ReaderCommit) {
        if !self.at_swap && commit.reader == "orders beside" {
            self.reached.add_permits(1);
            std::future::pending::<()>().await;
        }
    }

    async fn swap(&self, _swap: &mut Swap) {
        self.reached.add_permits(1);
        std::future::pending::<()>().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_was_cut_short_leaves_the_live_one_as_it_is() {
    for at_swap in [false, true] {
        on_every_store(async |store| {
            let (world, reseller) = with_a_company(&store).await;
            leave_a_row_in(&world.engine, &ORDER_STATUS).await;
            let before = every_row(&world.engine).await;

            let cut = Arc::new(Cut { at_swap, reached: Semaphore::new(0) });
            let meddled = store.meddled_with(Arc::clone(&cut)).await;
            // As after a kill, once its time is over.
            let builder = Engine::builder().background(false).lease_ttl(Duration::ZERO);
            let dies = builder.open(meddled.log().await, store.master()).await.unwrap();
            tokio::select! {
                done = dies.rebuild_reader("orders") => panic!("it was cut short: {done:?}"),
                reached = cut.reached.acquire() => reached.unwrap().forget(),
            }
            assert_eq!(every_row(&world.engine).await, before);
            world.in_service(reseller, 2).await;

            if at_swap {
                world.engine.drop_rebuild("orders").await.unwrap();
                assert!(rows(&world.engine, &ORDER_STATUS).await.contains_key("left"));
            }
            let told = rows(&world.engine, &NOTICE_COUNTER).await;
            world.engine.rebuild().await.unwrap();
            assert!(!rows(&world.engine, &ORDER_STATUS).await.contains_key("left"));
            assert_eq!(rows(&world.engine, &NOTICE_COUNTER).await, told);
            Audit::of(&world.engine).await;
            dies.close().await;
            world.engine.close().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_read_model_is_rebuilt_by_one_at_a_time() {
    let store = Store::sqlite();
    let world = World::open(&store).await;
    let log = store.log().await;
    let taken = log.take_lease("orders beside", "somebody", WITHIN, Take::IfFree).await;
    assert!(taken.unwrap().is_some());
    let refused = world.engine.rebuild_reader("orders").await;
    assert_eq!(refused, Err(Error::RebuildUnderWay { reader: "orders".into() }));
    world.engine.rebuild_reader("names").await.unwrap();
    log.close().await;
    world.engine.rebuild_reader("orders").await.unwrap();
    world.engine.close().await;
}

/// Swaps tables and does not say so, once; then gives no lease back, where that is wished.
struct Forgets {
    keeps_leases: bool,
    swaps: AtomicUsize,
}

impl Meddles for Forgets {
    fn swapped(&self, outcome: Result<(), StoreError>) -> Result<(), StoreError> {
        outcome?;
        self.swaps.fetch_add(1, Ordering::SeqCst);
        Err(StoreError::Unavailable("the line was cut after the commit".to_owned()))
    }

    fn give_back(&self) -> Result<(), StoreError> {
        if self.keeps_leases && self.swaps.load(Ordering::SeqCst) > 0 {
            return Err(StoreError::Unavailable("the line is still cut".to_owned()));
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_whose_answer_is_lost_is_a_swap() {
    for keeps_leases in [false, true] {
        on_every_store(async |store| {
            let (world, _) = with_a_company(&store).await;
            leave_a_row_in(&world.engine, &ORDER_STATUS).await;
            world.engine.close().await;
            let forgets = Arc::new(Forgets { keeps_leases, swaps: AtomicUsize::new(0) });
            let meddled = store.meddled_with(Arc::clone(&forgets)).await;
            let builder = Engine::builder().background(false).lease_ttl(Duration::from_millis(10));
            let engine = builder.open(meddled.log().await, store.master()).await.unwrap();
            engine.rebuild_reader("orders").await.unwrap();
            assert_eq!(forgets.swaps.load(Ordering::SeqCst), 1, "it is not done twice");
            assert!(!rows(&engine, &ORDER_STATUS).await.contains_key("left"));
            engine.close().await;
        })
        .await;
    }
}

/// Applies no page of a rebuild the first time.
struct Refuses(AtomicUsize);

impl Meddles for Refuses {
    fn apply_fails(&self, commit: &ReaderCommit) -> bool {
        commit.reader == "orders beside" && self.0.fetch_add(1, Ordering::SeqCst) == 0
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_rebuild_that_was_not_written_counts_once() {
    on_every_store(async |store| {
        let (world, _) = with_a_company(&store).await;
        let right = rows(&world.engine, &COMPANY_DIRECTORY).await;
        world.engine.close().await;
        let refuses = Arc::new(Refuses(AtomicUsize::new(0)));
        let meddled = store.meddled_with(Arc::clone(&refuses)).await;
        let builder = Engine::builder().background(false);
        let engine = builder.open(meddled.log().await, store.master()).await.unwrap();
        engine.rebuild_reader("orders").await.unwrap();
        assert!(refuses.0.load(Ordering::SeqCst) > 1, "it was tried again");
        assert_eq!(rows(&engine, &COMPANY_DIRECTORY).await, right);
        engine.close().await;
    })
    .await;
}
