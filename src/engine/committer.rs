//! The one task of a process that appends: whatever is waiting goes into one transaction.
//!
//! Commits wait in the order in which they were decided, so the commits of one stream are appended in that order. When
//! one is refused, what was decided on the state it would have left is refused with it, before the store is even asked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use orderwire_domain::ids::StreamId;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use uuid::Uuid;

use super::{
    clock::Clock,
    error::Error,
    log::{
        BATCH_BYTES_MAX, BATCH_COMMITS_MAX, BATCH_ROWS_MAX, Commit, CommitRefusal, Position, SharedLog,
        StoreError, Verdict,
    },
    measures,
    recent::Recent,
    tips::Tips,
};

/// A commit that waits, and who waits for it.
#[derive(Debug)]
pub struct Waiting {
    /// Its place in the order of decisions.
    pub number: u64,
    /// The commit.
    pub commit: Arc<Commit>,
    /// Where the answer goes. Whoever asked may be gone; the commit is appended all the same.
    pub answer: oneshot::Sender<Answer>,
    /// The place it takes among the commands in flight, until it is answered: also when its caller is gone.
    pub permit: Arc<OwnedSemaphorePermit>,
}

/// What became of a commit.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The store's verdict.
    Verdict(Verdict),
    /// What it was decided on never came to be: decide again.
    Followed,
    /// The store could not say.
    Failed(StoreError),
}

/// What deciding and appending share: decisions are made and queued under one lock, so both have one order.
#[derive(Debug)]
pub struct Core {
    /// The newest known states.
    pub tips: Tips,
    /// The number of the next commit.
    pub next: u64,
    /// Every commit up to this number has been answered, or is about to be.
    pub certain_to: u64,
    /// Where commits wait; nothing once the engine is closed.
    pub queue: Option<mpsc::UnboundedSender<Waiting>>,
}

/// Shared by every task that decides.
pub type SharedCore = Arc<Mutex<Core>>;

/// The lock. A panic elsewhere leaves tips whole: they are changed only after a decision was made.
pub fn lock(core: &SharedCore) -> std::sync::MutexGuard<'_, Core> {
    core.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a commit appended after those that were decided before it; the answer comes through what this returns.
pub fn queue(
    core: &mut Core,
    commit: Commit,
    permit: &Arc<OwnedSemaphorePermit>,
) -> Result<oneshot::Receiver<Answer>, Error> {
    let (answer, verdict) = oneshot::channel();
    let number = core.next;
    core.next += 1;
    let waiting = Waiting { number, commit: Arc::new(commit), answer, permit: Arc::clone(permit) };
    core.queue.as_ref().ok_or(Error::Closed)?.send(waiting).map_err(|_| Error::Closed)?;
    Ok(verdict)
}

/// Commits that were not appended, each until nothing decided on it can still be waiting.
#[derive(Debug, Default)]
struct Refused(HashMap<Uuid, u64>);

impl Refused {
    fn took(&self, waiting: &Waiting) -> bool {
        waiting.commit.rests_on.iter().any(|commit| self.0.contains_key(commit))
    }

    /// `horizon`: whatever is decided from this number on was not decided on `commit`.
    fn add(&mut self, commit: Uuid, horizon: u64) {
        self.0.insert(commit, horizon);
    }

    fn forget_before(&mut self, done: u64) {
        self.0.retain(|_, horizon| *horizon > done);
    }
}

/// Appends until the queue is closed and empty.
pub async fn run(
    log: SharedLog,
    clock: Arc<dyn Clock>,
    core: SharedCore,
    recent: Arc<Recent>,
    mut queue: mpsc::UnboundedReceiver<Waiting>,
    head: watch::Sender<Position>,
) {
    let mut refused = Refused::default();
    let mut carried = None;
    while let Some(batch) = next_batch(&mut queue, &mut carried).await {
        let last = batch.last().map_or(0, |waiting| waiting.number);
        let (followers, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(|waiting| {
            // A follower of a follower has a higher number, so one pass in order finds every one.
            let took = refused.took(waiting);
            if took {
                refuse(&core, &mut refused, waiting);
            }
            took
        });
        for follower in followers {
            answer(follower, Answer::Followed);
        }
        if !batch.is_empty() {
            append(&log, &*clock, &core, &recent, &mut refused, batch, &head).await;
        }
        refused.forget_before(last);
    }
}

async fn append(
    log: &SharedLog,
    clock: &dyn Clock,
    core: &SharedCore,
    recent: &Recent,
    refused: &mut Refused,
    batch: Vec<Waiting>,
    head: &watch::Sender<Position>,
) {
    let commits: Vec<Arc<Commit>> = batch.iter().map(|waiting| Arc::clone(&waiting.commit)).collect();
    measures::batch(commits.len());
    let verdicts = match log.append(&commits, clock.now().timestamp_micros()).await {
        Ok(verdicts) => verdicts,
        Err(error) => {
            tracing::error!(%error, commits = commits.len(), "a batch was not appended");
            for waiting in batch {
                refuse(core, refused, &waiting);
                answer(waiting, Answer::Failed(error.clone()));
            }
            return;
        }
    };
    assert_eq!(verdicts.len(), batch.len(), "a store gives one verdict per commit");
    let number = batch.last().map_or(0, |waiting| waiting.number);
    let (mut appended, mut answers) = (Vec::new(), Vec::with_capacity(batch.len()));
    for (waiting, verdict) in batch.into_iter().zip(verdicts) {
        let outcome = match verdict {
            Verdict::Appended(it) => {
                appended.push((Arc::clone(&waiting.commit), it.clone()));
                Answer::Verdict(Verdict::Appended(it))
            }
            Verdict::Refused(CommitRefusal::RestsOnRefused) => {
                refuse(core, refused, &waiting);
                Answer::Followed
            }
            other => {
                refuse(core, refused, &waiting);
                Answer::Verdict(other)
            }
        };
        answers.push((waiting, outcome));
    }
    // Whoever is answered, or hears of the head, finds this done.
    lock(core).certain_to = number;
    recent.appended(appended.iter().map(|(commit, appended)| (commit, appended)));
    for (waiting, outcome) in answers {
        answer(waiting, outcome);
    }
    let last = appended.iter().map(|(_, appended)| appended.last()).max().unwrap_or(0);
    head.send_if_modified(|position| {
        let moved = last > *position;
        *position = last.max(*position);
        moved
    });
}

/// Drops the tips that a refused commit would have left.
fn refuse(core: &SharedCore, refused: &mut Refused, waiting: &Waiting) {
    let mut core = lock(core);
    for stream in streams_of(&waiting.commit) {
        core.tips.drop_tip(stream);
    }
    refused.add(waiting.commit.id, core.next);
}

/// Every stream a commit reads or writes. What was only read may be what had moved.
fn streams_of(commit: &Commit) -> impl Iterator<Item = StreamId> {
    let written = commit.appends.iter().map(|append| append.stream);
    written.chain(commit.reads.iter().map(|(stream, _)| *stream))
}

fn answer(waiting: Waiting, answer: Answer) {
    let Waiting { commit, answer: asked, permit, .. } = waiting;
    if asked.send(answer).is_err() {
        tracing::debug!(commit = %commit.id, "nobody waits for this commit any more");
    }
    // From here on another command may take its place.
    drop(permit);
}

/// Whatever is waiting, up to the bounds of a batch; `None` once the queue is closed and empty.
async fn next_batch(
    queue: &mut mpsc::UnboundedReceiver<Waiting>,
    carried: &mut Option<Waiting>,
) -> Option<Vec<Waiting>> {
    let first = match carried.take() {
        Some(first) => first,
        None => queue.recv().await?,
    };
    let (mut rows, mut bytes) = size(&first.commit);
    let mut batch = vec![first];
    while batch.len() < BATCH_COMMITS_MAX {
        let Ok(next) = queue.try_recv() else { break };
        let (more_rows, more_bytes) = size(&next.commit);
        rows += more_rows;
        bytes += more_bytes;
        if rows > BATCH_ROWS_MAX || bytes > BATCH_BYTES_MAX {
            *carried = Some(next);
            break;
        }
        batch.push(next);
    }
    Some(batch)
}

/// The rows and the bytes that a commit adds to a batch.
pub fn size(commit: &Commit) -> (usize, usize) {
    let rows = commit.event_count() + commit.claims.len() + usize::from(commit.record.is_some());
    let events = commit.appends.iter().flat_map(|append| &append.events);
    (rows, events.map(|event| event.payload.len() + event.metadata.len()).sum())
}
