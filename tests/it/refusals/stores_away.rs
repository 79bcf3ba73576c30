//! Where refusals cannot be written, commands are refused as ever, and how many are missing is told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use orderwire::{
    domain::joint::Command,
    engine::{
        Error,
        log::{RowChange, StoreError},
        refusals::Sought,
    },
};

use super::{all, bounded::is_refusal, given_up};
use crate::world::*;

/// A store that takes no refusals while it is away.
struct Away {
    away: Arc<AtomicBool>,
    how: StoreError,
}

impl Meddles for Away {
    fn change_rows(&self, changes: &mut Vec<RowChange>) -> Result<(), StoreError> {
        let away = self.away.load(Ordering::Relaxed) && changes.iter().any(is_refusal);
        if away { Err(self.how.clone()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn what_a_store_does_not_take_is_counted_and_told_once_it_does() {
    for how in [
        StoreError::ReadOnly("standby".into()),
        StoreError::Full("disk".into()),
        StoreError::Unavailable("busy".into()),
    ] {
        let away = Arc::new(AtomicBool::new(true));
        let meddler = Away { away: Arc::clone(&away), how: how.clone() };
        let world = World::open(&Store::memory().await.meddled_with(meddler).await).await;
        let (_, order) = given_up(&world).await;
        let submit = Command::Submit { order };
        for _ in 0..3 {
            assert!(matches!(world.ask(&submit).await, Err(Error::Refused(_))), "{how}");
        }
        let found = world.engine.refusals(&Sought::default(), 10).await.unwrap();
        assert_eq!((found.refusals.len(), found.not_recorded), (0, 3), "{how}");
        // Nor is it counted twice when it fails again.
        world.ask(&submit).await.unwrap_err();
        let found = world.engine.refusals(&Sought::default(), 10).await.unwrap();
        assert_eq!((found.refusals.len(), found.not_recorded), (0, 4), "{how}");

        away.store(false, Ordering::Relaxed);
        world.ask(&submit).await.unwrap_err();
        let found = world.engine.refusals(&Sought::default(), 10).await.unwrap();
        let mut told: Vec<_> =
            found.refusals.iter().map(|it| (it.actor.as_str(), it.rule.as_str(), it.times)).collect();
        told.sort_unstable();
        assert_eq!(told, [("engine:refusals", "not_written", 4), ("operator", "not_permitted", 1)], "{how}");
        assert_eq!(found.not_recorded, 4, "{how}");
        world.engine.close().await;
    }
}

#[tokio::test]
async fn an_engine_that_is_to_keep_none_records_none() {
    let store = Store::memory().await;
    let builder = orderwire::engine::Engine::builder().background(false).refusals_kept(0);
    let engine = builder.open(store.log().await, store.master()).await.unwrap();
    let submit = Command::Submit { order: orderwire::domain::ids::OrderId(super::thing(1).id) };
    engine.execute(&submit, &operator(), None).await.unwrap_err();
    assert_eq!(all(&engine).await, []);
    engine.close().await;
}
