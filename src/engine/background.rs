//! What runs beside the callers: each task takes its steps one after the other until the engine is closed.
//!
//! A step may run an embedder's code, so a panic in one must not end its task silently. Absent: what the steps do.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::time::Instant;

use super::{Inner, error::Error, recent::Source};

/// How often readers look for events that another process appended.
const POLL: Duration = Duration::from_millis(250);
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

/// What begins a step before [`POLL`] is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wakes {
    /// This process has appended something.
    Head,
    /// Nothing does.
    Time,
}

/// Runs a step for as long as there is something to do; then waits for the head to move, or for another process. Whoever
/// is woken by the head looks no further than that: what others appended is looked for when nothing has happened here.
pub(super) async fn keep_going<F: Future<Output = Result<usize, Error>> + Send>(
    inner: Arc<Inner>,
    name: String,
    wakes: Wakes,
    step: impl Fn(Source) -> F + Send,
) {
    let mut head = inner.head.clone();
    let mut ended = inner.stop.subscribe();
    let mut source = Source::Log;
    let mut looked = Instant::now();
    loop {
        if looked.elapsed() >= POLL {
            // However much happens here.
            source = Source::Log;
        }
        let wait = match whole(step(source)).await {
            Ok(0) => POLL,
            Ok(_) if !*ended.borrow() => continue,
            // Why a reader stopped was said once, when it did.
            Ok(_) => return,
            Err(Fault::Error(Error::ReaderStopped { reader, .. })) if reader == name => return,
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
        source = tokio::select! {
            _ = ended.wait_for(|ended| *ended) => return,
            moved = moved => if moved.is_err() { return } else { Source::Own },
            () = tokio::time::sleep(wait) => Source::Log,
        };
    }
}
