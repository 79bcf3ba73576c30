//! Verifying goes together with a server that works: what is written meanwhile is no finding, and hides none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use orderwire::{audit::verify, engine::Error};

use super::*;

/// Verifications of a store that is written to all the while.
const TIMES: usize = 8;

impl Copy {
    /// An engine that works, as a server's does.
    async fn working(&self) -> Engine {
        let log = stores::open(self.path.to_str().unwrap(), Migrate::No).await.unwrap();
        Engine::builder().clock(self.at.clone()).open(log, self.master.clone()).await.unwrap()
    }
}

async fn found_meanwhile(engine: &Engine) -> Option<Finding> {
    let plan = Plan { models: true, ..Plan::default() };
    verify::catch_up(engine, Duration::from_mins(1)).await.unwrap();
    loop {
        match verify(engine, &plan, |_| ()).await {
            Ok(report) => return report.finding,
            // The machine had no moment for it between two pages.
            Err(Error::NotThereYet { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_meanwhile_is_no_finding_and_hides_none() {
    let original = Original::made().await;
    let copy = original.copy();
    let world = World { engine: copy.working().await, clock: copy.at.clone() };
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let writing = tokio::spawn({
        let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
        let world = World { engine: world.engine.clone(), clock: world.clock.clone() };
        async move {
            for n in 1_000.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let reseller = world.reseller(n).await;
                world.company(reseller, &format!("Busy {n} Ltd")).await;
                written.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    for _ in 0..TIMES {
        let before = written.load(Ordering::Relaxed);
        assert_eq!(found_meanwhile(&world.engine).await, None);
        assert!(written.load(Ordering::Relaxed) > before, "somebody writes meanwhile");
    }
    for (meddling, check) in [
        (
            "UPDATE company_directory SET doc = replace(doc, 'Waits', 'Weights') WHERE doc LIKE '%Waits%'",
            "model",
        ),
        ("UPDATE company_directory SET doc = replace(doc, 'Weights', 'Waits')", ""),
        ("DELETE FROM claims WHERE scope = 'company_name' AND key LIKE '%waits%'", "claim"),
    ] {
        let connection = copy.connection();
        connection.busy_timeout(Duration::from_mins(1)).unwrap();
        assert!(connection.execute(meddling, []).unwrap() > 0, "{meddling} changes nothing");
        let found = found_meanwhile(&world.engine).await;
        assert_eq!(found.as_ref().map_or("", |found| found.check), check, "{meddling}: {found:?}");
    }
    stop.store(true, Ordering::Relaxed);
    writing.await.unwrap();
    world.engine.close().await;
}
