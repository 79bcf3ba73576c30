//! What runs beside the callers: each task takes its steps one after the other until the engine is closed.
//!
//! A step may run an embedder's code, so a panic in one must not end its task silently. Absent: what the steps do.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::sync::watch;

use super::{Inner, error::Error, log::Fence};

/// How often it is looked what has fallen due.
const POLL: Duration = Duration::from_millis(250);
/// The keeper says when another process appends; this is only for what it may have missed.
const LOOK_ANYWAY: Duration = Duration::from_secs(1);
/// How often expired idempotency records are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(10);
/// How long a reader waits after the store failed it, or after it panicked.
const RETRY: Duration = Duration::from_millis(500);

/// Why a step was not made.
enum Fault {
    Error(Error),
    /// With what the panic said.
    Panic(String),
}

/// Takes a step as a whole: nothing it began is relied on after a panic, since a step that fails is begun again from its
/// checkpoint.
async fn whole(step: impl Future<Output = Result<usize, Error>>) -> Result<usize, Fault> {
    match AssertUnwindSafe(step).catch_unwind().await {
        Ok(outcome) => outcome.map_err(Fault::Error),
        Err(panic) => Err(Fault::Panic(said(&*panic))),
    }
}

/// What a panic said.
pub(super) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "nothing".to_owned())
}

/// Forgets expired idempotency records now and then, so that the table holds a week of them and no more.
pub(super) async fn forget_records(inner: Arc<Inner>) {
    let mut ended = inner.stop.subscribe();
    loop {
        let forget = async {
            let count = inner.log.forget_records(inner.clock.now().timestamp_micros()).await?;
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        };
        match whole(forget).await {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "expired idempotency records were forgotten"),
            Err(Fault::Error(error)) => tracing::warn!(%error, "expired idempotency records stay for now"),
            Err(Fault::Panic(said)) => tracing::error!(%said, "forgetting idempotency records panicked"),
        }
        tokio::select! {
            _ = ended.wait_for(|ended| *ended) => return,
            () = tokio::time::sleep(FORGET_EVERY) => {}
        }
    }
}

/// A task: its name, the lease it works under, and how often it looks although nothing was appended.
pub(super) struct Task {
    pub name: String,
    pub lease: String,
    pub every: Duration,
}

impl Task {
    /// A task that only has something to do when something was appended, under a lease of its own name.
    pub(super) fn following(name: &str) -> Self {
        Self { name: name.to_owned(), lease: name.to_owned(), every: LOOK_ANYWAY }
    }

    /// A task that has something to do when time has passed.
    pub(super) fn by_the_clock(lease: &str) -> Self {
        Self { name: lease.to_owned(), lease: lease.to_owned(), every: POLL }
    }

    /// Runs a step for as long as this process has the lease and there is something to do; then waits for the head to
    /// move, by this process or another.
    pub(super) async fn keep_going<F: Future<Output = Result<usize, Error>> + Send>(
        self,
        inner: Arc<Inner>,
        mut lease_here: watch::Receiver<Option<Fence>>,
        step: impl Fn() -> F + Send,
    ) {
        let Self { name, lease, every } = self;
        let mut head = inner.head.clone();
        let mut ended = inner.stop.subscribe();
        loop {
            tokio::select! {
                _ = ended.wait_for(|ended| *ended) => return,
                here = lease_here.wait_for(Option::is_some) => if here.is_err() { return },
            }
            let wait = match whole(step()).await {
                Ok(0) => every,
                Ok(_) if !*ended.borrow() => continue,
                Ok(_) => return,
                // Why a reader stopped was said once, when it did. Another process may get past it.
                Err(Fault::Error(Error::ReaderStopped { reader, .. })) if reader == name => {
                    if let Err(error) = inner.leases.give_back(&[lease]).await {
                        tracing::warn!(%name, %error, "the lease of a reader that has stopped was not given back");
                    }
                    return;
                }
                Err(Fault::Error(error)) => {
                    tracing::warn!(%name, %error, "a step was not made; it is tried again");
                    RETRY
                }
                Err(Fault::Panic(said)) => {
                    tracing::error!(%name, %said, "a step panicked; it is tried again");
                    RETRY
                }
            };
            tokio::select! {
                _ = ended.wait_for(|ended| *ended) => return,
                moved = head.changed() => if moved.is_err() { return },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}
