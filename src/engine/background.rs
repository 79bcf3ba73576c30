//! What runs beside the callers: each task takes its steps one after the other until the engine is closed.
//!
//! A step may run an embedder's code, so a panic in one must not end its task silently. Absent: what the steps do.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::{sync::watch, time::Instant};

use super::{Inner, error::Error, follower::LAG_MAX, log::Fence, recent::Source};

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

/// A task: its name, the lease it works under, whether it is woken by the head, and how often it looks anyway.
pub(super) struct Task {
    name: String,
    pub(super) lease: String,
    wakes: Wakes,
    every: Duration,
}

/// What begins a step before its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wakes {
    /// Something was appended, here or elsewhere.
    Head,
    /// Nothing does.
    Time,
}

impl Task {
    /// A task that only has something to do when something was appended, under a lease of its own name.
    pub(super) fn following(name: &str) -> Self {
        Self { name: name.to_owned(), lease: name.to_owned(), wakes: Wakes::Head, every: LOOK_ANYWAY }
    }

    /// A task that has something to do when time has passed.
    pub(super) fn by_the_clock(lease: &str) -> Self {
        Self { name: lease.to_owned(), lease: lease.to_owned(), wakes: Wakes::Time, every: POLL }
    }

    /// Runs a step for as long as this process has the lease and there is something to do; then waits for the head to
    /// move. Where this process moved it, the step looks no further than at what was appended here; where another did,
    /// where the lease was got anew, and where nothing has happened for a while, it looks into the log.
    pub(super) async fn keep_going<F: Future<Output = Result<usize, Error>> + Send>(
        self,
        inner: Arc<Inner>,
        mut lease_here: watch::Receiver<Option<Fence>>,
        step: impl Fn(Source) -> F + Send,
    ) {
        let Self { name, lease, wakes, every } = self;
        let mut head = inner.head.clone();
        let mut ended = inner.stop.subscribe();
        let mut source = Source::Log;
        let mut looked = Instant::now();
        let mut under = None;
        loop {
            let here = tokio::select! {
                _ = ended.wait_for(|ended| *ended) => return,
                here = lease_here.wait_for(Option::is_some) => match here {
                    Ok(fence) => fence.clone(),
                    Err(_) => return,
                },
            };
            if under != here || looked.elapsed() >= every {
                // However much happens here.
                source = Source::Log;
                under = here;
            }
            let wait = match whole(step(source)).await {
                // What was looked at and left alone is told to the store soon, since others wait for that.
                Ok(0) if source == Source::Own => LAG_MAX,
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
            if source == Source::Log {
                looked = Instant::now();
            }
            let moved = async {
                match wakes {
                    Wakes::Head => head.changed().await,
                    Wakes::Time => std::future::pending().await,
                }
            };
            let moved = tokio::select! {
                _ = ended.wait_for(|ended| *ended) => return,
                moved = moved => match moved {
                    Ok(()) => true,
                    Err(_) => return,
                },
                () = tokio::time::sleep(wait) => false,
            };
            let ours = moved && *head.borrow() <= inner.recent.appended_to();
            source = if ours { Source::Own } else { Source::Log };
        }
    }
}
