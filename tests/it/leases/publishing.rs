//! What other parts of a process do under a lease, such as publishers.

use std::sync::atomic::{AtomicBool, Ordering};

use orderwire::engine::{Error, log::Take};

use super::*;

const LONG: Duration = Duration::from_mins(10);

async fn engine(store: &Store) -> Engine {
    let builder = Engine::builder().background(false).lease_ttl(LONG);
    builder.open(store.log().await, store.master()).await.unwrap()
}

fn sent(after: Position, to: Position, fence: &orderwire::engine::log::Fence) -> ReaderCommit {
    let (reader, fence) = ("publisher".to_owned(), Some(fence.clone()));
    ReaderCommit { reader, after, to, fence, ..ReaderCommit::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_works_in_one_process_and_goes_on_in_the_next() {
    let store = Store::sqlite();
    let (one, other) = (engine(&store).await, engine(&store).await);
    let (mut here, mut there) = (one.lease("publisher"), other.lease("publisher"));
    let fence = tokio::select! {
        fence = here.held() => fence.unwrap(),
        fence = there.held() => {
            std::mem::swap(&mut here, &mut there);
            fence.unwrap()
        }
    };
    assert_eq!((here.fence(), there.fence()), (Some(fence.clone()), None));
    here.confirm(&fence).await.unwrap();
    let log = store.log().await;
    log.apply(&sent(0, 5, &fence)).await.unwrap();
    assert_eq!(here.during(&fence, async { 7 }).await, Some(7));

    here.give_back().await.unwrap();
    let next = there.held().await.unwrap();
    assert_eq!(next.token, fence.token + 1);
    let late = log.apply(&sent(5, 6, &fence)).await;
    assert_eq!(late, Err(StoreError::FencedOut("publisher".into())));
    log.apply(&sent(5, 6, &next)).await.unwrap();
    assert_eq!(log.checkpoint("publisher").await.unwrap(), 6);

    // It ends what it does once somebody else has the lease, and asks for it again.
    log.take_lease("publisher", "somebody", LONG, Take::FromAnybody).await.unwrap();
    assert_eq!(log.apply(&sent(6, 7, &next)).await, late);
    there.lost(&next);
    assert_eq!(there.during(&next, std::future::pending::<()>()).await, None);
    log.give_back("somebody", &["publisher".into()]).await.unwrap();
    assert_eq!(there.held().await.unwrap().token, next.token + 2);
    for engine in [&one, &other] {
        engine.close().await;
    }
    assert_eq!(there.held().await, Err(Error::Closed));
    log.close().await;
}

/// Whether the store can be asked for leases.
struct Unreachable(AtomicBool);

#[async_trait]
impl Meddles for Unreachable {
    fn take_lease(&self) -> Result<(), StoreError> {
        let away = self.0.load(Ordering::SeqCst);
        if away { Err(StoreError::Unavailable("planted".to_owned())) } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_a_lease_in_time_stops_by_itself() {
    let store = Store::memory().await;
    let unreachable = Arc::new(Unreachable(AtomicBool::new(false)));
    let meddled = store.meddled_with(Arc::clone(&unreachable)).await;
    let ttl = Duration::from_secs(10);
    let builder = Engine::builder().background(false).lease_ttl(ttl);
    let engine = builder.open(meddled.log().await, store.master()).await.unwrap();
    let mut lease = engine.lease("publisher");
    let fence = lease.held().await.unwrap();
    // Renewed in time, it goes on under its token.
    for _ in 0..10 {
        tokio::time::advance(ttl / 3).await;
        tokio::task::yield_now().await;
        lease.confirm(&fence).await.unwrap();
    }
    unreachable.0.store(true, Ordering::SeqCst);
    lease.confirm(&fence).await.unwrap();
    tokio::time::advance(ttl).await;
    assert_eq!(lease.fence(), None);
    let error = lease.confirm(&fence).await.unwrap_err();
    assert_eq!(error, StoreError::Unavailable("planted".to_owned()).into());
    engine.close().await;
}
