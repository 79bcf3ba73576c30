//! Fulfilment begins a command again that others kept getting in the way of, and leaves no page behind without it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use orderwire::{
    domain::{
        decider::Decider as _,
        order::{Order, OrderStatus},
    },
    engine::{
        COMMIT_ATTEMPTS_MAX, ErrorKind,
        fulfilment::{AutoProvisioner, FULFILMENT},
        log::{Commit, CommitRefusal, StoreError, Verdict},
    },
};

use super::beside;
use crate::{invariants::Audit, world::*};

/// Says so many times of a completed line that its order had moved.
struct InTheWay(AtomicU32);

#[async_trait]
impl Meddles for InTheWay {
    async fn append(&self, batch: &[Arc<Commit>]) -> Result<Option<Verdict>, StoreError> {
        let appends = batch.iter().flat_map(|commit| &commit.appends);
        let of_a_line = |event: &&orderwire::engine::log::NewEvent| event.event_type == "LineCompleted";
        let Some(append) = appends.into_iter().find(|append| append.events.iter().any(|it| of_a_line(&it)))
        else {
            return Ok(None);
        };
        let more = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let (stream, seen) = (append.stream, append.after);
        Ok(more.is_ok().then_some(Verdict::Refused(CommitRefusal::Moved { stream, seen, actual: seen + 1 })))
    }
}

#[tokio::test]
async fn a_conflict_is_no_answer_and_its_page_is_not_left_behind() {
    // More often than one command is decided; and for longer than its step takes it.
    for (times, at_once) in [(COMMIT_ATTEMPTS_MAX + 4, true), (10_000, false)] {
        let store = Store::memory().await;
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.company(reseller, "Acme").await;
        world.settle().await;
        let (order, _) = world.submitted(company, "PO-1", new_company(1, 5)).await;
        let in_the_way = Arc::new(InTheWay(AtomicU32::new(times)));
        let engine = beside(&store, &world, &in_the_way, AutoProvisioner).await;
        let first = engine.settle().await;
        if at_once {
            first.unwrap();
            assert_eq!(in_the_way.0.load(Ordering::SeqCst), 0, "it was refused that often");
        } else {
            assert_eq!(first.unwrap_err().kind(), ErrorKind::Conflict);
            let (checkpoint, head) =
                (engine.log().checkpoint(FULFILMENT).await.unwrap(), engine.head().await.unwrap().position);
            assert!(checkpoint < head, "the page of the line is still to come");
            in_the_way.0.store(0, Ordering::SeqCst);
            engine.settle().await.unwrap();
        }
        assert_eq!(engine.load::<Order>(order).await.unwrap().1.status(), OrderStatus::Completed);
        Audit::of(&engine).await;
    }
}
