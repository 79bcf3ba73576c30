//! Threads that own connections, and the queue they take their work from.
//!
//! `SQLite` blocks, so its work stays off the threads of the runtime; and a connection that never leaves its thread needs
//! no lock. What is urgent is always taken first.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::blocking;
use crate::engine::log::StoreError;

/// More work than this does not wait, it is refused: callers retry, and memory stays bounded.
const JOBS_WAITING_MAX: usize = 4_096;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Whether a job goes before those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Before everything that is patient.
    First,
    /// In its turn.
    Patient,
    /// Once nothing else waits.
    Idle,
}

/// Threads with a connection each and one queue.
#[derive(Debug)]
pub(super) struct Workers {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    first: VecDeque<Job>,
    patient: VecDeque<Job>,
    idle: VecDeque<Job>,
    closed: bool,
}

impl Waiting {
    fn count(&self) -> usize {
        self.first.len() + self.patient.len() + self.idle.len()
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.lock();
        out.debug_struct("Queue").field("waiting", &waiting.count()).field("closed", &waiting.closed).finish()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }

    /// The next job; none once the queue is closed and empty.
    fn next(&self) -> Option<Job> {
        let nothing = |waiting: &mut Waiting| waiting.count() == 0 && !waiting.closed;
        let mut waiting =
            self.changed.wait_while(self.lock(), nothing).unwrap_or_else(PoisonError::into_inner);
        let Waiting { first, patient, idle, .. } = &mut *waiting;
        first.pop_front().or_else(|| patient.pop_front()).or_else(|| idle.pop_front())
    }

    fn push(&self, urgency: Urgency, job: Job) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Unavailable("it was closed".into()));
        }
        let line = match urgency {
            Urgency::First => &mut waiting.first,
            Urgency::Patient => &mut waiting.patient,
            Urgency::Idle => &mut waiting.idle,
        };
        if line.len() >= JOBS_WAITING_MAX {
            return Err(StoreError::Unavailable(format!("{JOBS_WAITING_MAX} jobs are waiting")));
        }
        line.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// A thread that ends in a panic takes the queue with it, so that nobody waits for work that nobody does.
struct ClosesOnPanic<'a>(&'a Queue);

impl Drop for ClosesOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let abandoned = {
                let mut waiting = self.0.lock();
                waiting.closed = true;
                let Waiting { first, patient, idle, .. } = &mut *waiting;
                [first, patient, idle].map(std::mem::take)
            };
            self.0.changed.notify_all();
            // Dropping a job tells its caller; that needs no lock.
            drop(abandoned);
        }
    }
}

impl Workers {
    /// Starts one thread per connection.
    pub(super) fn start(name: &str, connections: Vec<Connection>) -> Result<Self, StoreError> {
        let workers = Self { queue: Arc::default(), threads: Mutex::default() };
        for connection in connections {
            let queue = workers.queue.clone();
            let thread = thread::Builder::new()
                .name(format!("orderwire-sqlite-{name}"))
                .spawn(move || work(&queue, connection))
                .map_err(|error| StoreError::Unavailable(format!("no thread for the store: {error}")))?;
            lock(&workers.threads).push(thread);
        }
        Ok(workers)
    }

    /// Runs a job on one of the connections.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        urgency: Urgency,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            if answer.send(work(connection)).is_err() {
                tracing::debug!("nobody waits for the answer of the store any more");
            }
        };
        self.queue.push(urgency, Box::new(job))?;
        match answered.await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Unavailable("a thread of the store ended".into())),
        }
    }

    /// Has a job run on one of the connections, whenever that is; it answers nobody. Refused once this is closed.
    pub(super) fn later(
        &self,
        urgency: Urgency,
        job: impl FnOnce(&mut Connection) + Send + 'static,
    ) -> Result<(), StoreError> {
        self.queue.push(urgency, Box::new(job))
    }

    /// Finishes what waits and ends the threads.
    pub(super) async fn close(&self) {
        self.queue.close();
        let threads = std::mem::take(&mut *lock(&self.threads));
        let joined =
            blocking(move || threads.into_iter().filter_map(|thread| thread.join().err()).count()).await;
        if joined != Ok(0) {
            tracing::error!("a thread of the store ended in a panic");
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn work(queue: &Queue, mut connection: Connection) {
    let closes = ClosesOnPanic(queue);
    while let Some(job) = queue.next() {
        job(&mut connection);
    }
    drop(closes);
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "a connection of the store did not close cleanly");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No job runs under a lock, so what it guards is whole even after a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn one() -> Workers {
        Workers::start("test", vec![Connection::open_in_memory().unwrap()]).unwrap()
    }

    #[tokio::test]
    async fn what_is_urgent_goes_before_what_waits() {
        let workers = one();
        let (go, gate) = mpsc::channel();
        let (done, order) = mpsc::channel();
        let job = |name: &'static str| {
            let done = done.clone();
            move |_: &mut Connection| done.send(name).map_err(|_| unreachable!("the test listens"))
        };
        let waits_for_gate =
            move |_: &mut Connection| gate.recv().map_err(|_| unreachable!("the test opens the gate"));
        // `join!` queues them in this order, and the last lets the first go on.
        let (blocked, fold, reader, append, opened) = tokio::join!(
            workers.run(Urgency::Patient, waits_for_gate),
            workers.run(Urgency::Idle, job("fold")),
            workers.run(Urgency::Patient, job("reader")),
            workers.run(Urgency::First, job("append")),
            async { go.send(()) }
        );
        opened.unwrap();
        blocked.and(fold).and(reader).and(append).unwrap();
        let order: Vec<&str> = order.try_iter().collect();
        // The first job may be taken before or after the others are queued; the append is before the reader either way.
        assert_eq!(order, ["append", "reader", "fold"]);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_thread_that_panicked() {
        let workers = one();
        let panics = |_: &mut Connection| -> Result<(), StoreError> { panic!("planted") };
        let (planted, waiting) =
            tokio::join!(workers.run(Urgency::Patient, panics), workers.run(Urgency::Patient, |_| Ok(())));
        let ended = |outcome| matches!(outcome, Err(StoreError::Unavailable(_)));
        assert!(ended(planted) && ended(waiting));
        assert!(ended(workers.run(Urgency::First, |_| Ok(())).await));
        workers.close().await;
    }

    #[tokio::test]
    async fn closing_finishes_what_waits() {
        let workers = one();
        let (answered, ()) = tokio::join!(workers.run(Urgency::Patient, |_| Ok(7)), workers.close());
        assert_eq!(answered, Ok(7));
    }
}
