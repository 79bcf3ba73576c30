//! Who has read the audit is kept, newest first, up to a bound; and is no part of the log.

use orderwire::{
    edge::audit_reads::{self, AUDIT_READ, Recorded, Via},
    engine::{
        clock::SimulatedClock,
        fulfilment::AutoProvisioner,
        log::{RowChange, StoreError},
    },
};

use crate::world::*;

#[tokio::test]
async fn reads_are_kept_up_to_a_bound_and_lengthen_no_log() {
    let world = World::in_memory().await;
    world.reseller(1).await;
    let engine = &world.engine;
    let head = engine.head().await.unwrap().position;
    for number in 0..10 {
        let actor = if number % 2 == 0 { "alice" } else { "bob" };
        let recorded = audit_reads::record(engine, actor, Via::Http, &format!("GET {number}")).await.unwrap();
        assert_eq!(recorded, Recorded::Yes);
        world.clock.move_to(engine.now() + chrono::TimeDelta::seconds(1));
    }
    let asked = async |actor, before| {
        let found = audit_reads::list(engine, actor, before, 3).await.unwrap();
        let last = found.last().map(|last| (last.at.timestamp_micros(), last.id.clone()));
        (found.into_iter().map(|read| read.what).collect::<Vec<_>>(), last)
    };
    let (newest, last) = asked(None, None).await;
    assert_eq!(newest, ["GET 9", "GET 8", "GET 7"]);
    assert_eq!(asked(None, last).await.0, ["GET 6", "GET 5", "GET 4"]);
    assert_eq!(asked(Some("alice"), None).await.0, ["GET 8", "GET 6", "GET 4"]);
    let read = &audit_reads::list(engine, None, None, 1).await.unwrap()[0];
    assert_eq!((read.position, read.via, read.actor.as_str()), (head, Via::Http, "bob"));
    assert_eq!(engine.head().await.unwrap().position, head);
    audit_reads::forget(engine, 4).await.unwrap();
    let left = audit_reads::list(engine, None, None, 100).await.unwrap();
    assert_eq!(
        left.iter().map(|read| read.what.as_str()).collect::<Vec<_>>(),
        ["GET 9", "GET 8", "GET 7", "GET 6"]
    );
}

/// A store that takes no reads of the audit.
struct Refuses(StoreError);

impl Meddles for Refuses {
    fn change_rows(&self, changes: &mut Vec<RowChange>) -> Result<(), StoreError> {
        let is_read =
            |change: &RowChange| matches!(change, RowChange::Put(table, _) if table.name == AUDIT_READ.name);
        if changes.iter().any(is_read) { Err(self.0.clone()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused_unless_the_store_takes_nothing_at_all() {
    let clock = SimulatedClock::at(beginning());
    for (error, goes_on) in [
        (StoreError::Unavailable("busy".into()), false),
        (StoreError::ReadOnly("standby".into()), true),
        (StoreError::Full("disk".into()), true),
    ] {
        let store = Store::memory().await.meddled_with(Refuses(error.clone())).await;
        let engine = store.engine(&clock, AutoProvisioner, 10).await;
        let recorded = audit_reads::record(&engine, "alice", Via::Http, "GET /").await;
        assert_eq!(matches!(recorded, Ok(Recorded::TakesNoWrites(_))), goes_on, "{error}: {recorded:?}");
        assert_eq!(recorded.is_err(), !goes_on, "{error}: {recorded:?}");
        engine.close().await;
    }
}
