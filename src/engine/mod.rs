//! The engine: executes commands, feeds the log to its readers, and owns the ports that stores and outside systems
//! implement.
//!
//! Only this folder knows cqrs-es. Deliberately absent: SQL, HTTP, environment variables and the wall clock, which is a
//! port like every other.

mod ahead;
pub mod append;
mod background;
mod bring;
mod builder;
mod census;
mod certain;
pub mod clock;
mod committer;
mod erasure;
pub mod error;
mod execute;
pub(crate) mod folding;
mod follower;
pub mod fulfilment;
pub mod hosted;
mod hundreds;
pub mod import;
mod keeper;
mod key_backup;
pub mod keyring;
pub mod leaf;
pub mod lease;
mod leases;
mod loader;
mod measures;
pub mod lately;
pub mod log;
mod parked;
mod picks;
pub mod portability;
pub mod provenance;
pub mod provisioning;
pub mod query;
pub mod readers;
mod rebuild;
pub mod reference;
pub mod refusals;
mod recent;
pub mod sealing;
mod snapshots;
mod states;
pub mod tiles;
mod timers;
mod tips;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::{OrderId, ResellerId, StreamId},
    joint::{Seated, State},
    rules::Rules,
    views::{order_status::OrderView, table::Table},
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::Instant,
};

use self::{
    background::{Task, forget_records},
    clock::Clock,
    committer::SharedCore,
    execute::Turns,
    follower::Follower,
    fulfilment::FULFILMENT,
    hundreds::Hundreds,
    keyring::Keyring,
    lately::Lately,
    leases::Leases,
    loader::Loader,
    log::{Head, Position, Sequence, SharedLog, StoredEvent},
    parked::Parked,
    picks::Picks,
    provisioning::{PROVISIONING, Provisioner},
    readers::{PAGE_EVENTS_MAX, Reader, Readers},
    recent::{Recent, Source},
    reference::References,
    refusals::Recorder,
    snapshots::Snapshots,
    timers::DUE_TIMERS,
};
pub use self::{
    builder::Builder,
    erasure::Reapplied,
    error::{Error, ErrorKind},
    execute::{COMMIT_ATTEMPTS_MAX, Expected, IDEMPOTENCY_DAYS, IdempotencyKey, Receipt},
    key_backup::RestoredKeys,
    lease::HeldLease,
    leases::LEASE_TTL,
    loader::schema as snapshot_schema,
    provenance::{Actor, Provenance, Via},
};

/// Commands taken in at once; more are answered with [`Error::Overloaded`].
pub const COMMANDS_IN_FLIGHT_MAX: usize = 10_000;
/// An idempotency key and its owner have at most this many bytes each: every store indexes them.
pub const KEY_BYTES_MAX: usize = 400;

/// The order core. Cheap to clone; every clone is the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What every task of an engine shares.
struct Inner {
    log: SharedLog,
    clock: Arc<dyn Clock>,
    rules: Arc<Rules>,
    provisioner: Arc<dyn Provisioner>,
    reference: References,
    core: SharedCore,
    permits: Arc<Semaphore>,
    turns: Mutex<Turns>,
    loader: Loader,
    snapshots: Snapshots,
    picks: Picks,
    hundreds: Hundreds,
    keyring: Keyring,
    readers: Readers,
    leases: Arc<Leases>,
    /// Whether somebody asks for leases already.
    keeps_leases: AtomicBool,
    background: bool,
    recent: Arc<Recent>,
    lately: Lately,
    refusals: Recorder,
    parked: Parked,
    fulfilment: Follower,
    provisioning: Follower,
    timers_turn: tokio::sync::Mutex<()>,
    head: watch::Receiver<Position>,
    /// Where whoever learns of the head says so.
    head_known: watch::Sender<Position>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    /// The committer shares what holds its queue, so it ends only when the queue is taken away.
    fn drop(&mut self) {
        committer::lock(&self.core).queue = None;
    }
}

impl Engine {
    /// What an engine can be put together from.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// An aggregate, with the sequence of its last event.
    pub async fn load<D: Seated>(&self, id: D::Id) -> Result<(Sequence, Arc<D>), Error> {
        let stream = id.into();
        let (sequence, state) = self.inner.newest(stream).await?;
        Ok((sequence, Self::of_kind(stream, &state)?))
    }

    /// An aggregate as this process knows it, or as its commits in flight will leave it. What other processes have done to
    /// it since may be missing, so this is for what never changes once it is so.
    pub async fn known<D: Seated>(&self, id: D::Id) -> Result<Arc<D>, Error> {
        let stream = id.into();
        let (_, state) = self.inner.state(stream).await?;
        Self::of_kind(stream, &state)
    }

    fn of_kind<D: Seated>(stream: StreamId, state: &State) -> Result<Arc<D>, Error> {
        let wrong = || Error::Corrupt {
            stream: stream.to_string(),
            detail: "its state is of another kind".to_owned(),
        };
        D::of(state).map(Arc::clone).ok_or_else(wrong)
    }

    /// How many companies of a reseller are neither released, expired nor ceased, and the sequence of the reseller at
    /// which that was so. Counted from the log, so it takes its time where there are many companies.
    pub async fn live_companies(&self, reseller: ResellerId) -> Result<(Sequence, u32), Error> {
        census::live_companies(&self.inner, reseller).await
    }

    /// The state of any aggregate, with the sequence of its last event.
    pub async fn state(&self, stream: StreamId) -> Result<(Sequence, State), Error> {
        self.inner.newest(stream).await
    }

    /// Events of one stream after a sequence, in order.
    pub async fn stream(
        &self,
        id: StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, Error> {
        Ok(self.inner.log.stream(id, after, limit).await?)
    }

    /// Events of the log after a position, in order.
    pub async fn page(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, Error> {
        Ok(self.inner.log.page(after, limit).await?)
    }

    /// The end of the log.
    pub async fn head(&self) -> Result<Head, Error> {
        Ok(self.inner.log.head().await?)
    }

    /// The store, for queries of [`query`].
    pub fn log(&self) -> &SharedLog {
        &self.inner.log
    }

    /// The readers, for where they are.
    pub fn readers(&self) -> &Readers {
        &self.inner.readers
    }

    /// Waits, within bounds, until a reader has taken a position: what a receipt names can then be seen.
    pub async fn wait_for(&self, reader: &str, position: Position) -> Result<(), Error> {
        self.inner.readers.reached(reader, position).await
    }

    /// A secret of this store for one purpose, the same in every process that has its master key.
    pub fn derived_key(&self, purpose: &str) -> [u8; 32] {
        self.inner.keyring.derived(purpose)
    }

    /// An order as it was at a position, folded from its own events; `None` where there was none, or where it has too many
    /// events to be worth it.
    pub async fn order_as_of(&self, order: OrderId, to: Position) -> Result<Option<OrderView>, Error> {
        ahead::order(&self.inner.log, &self.inner.recent, order, to).await
    }

    /// Whether readers, fulfilment and timers run by themselves.
    pub fn runs_in_background(&self) -> bool {
        self.inner.background
    }

    /// What time it is for the engine.
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    /// The rules it decides under.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.inner.rules
    }

    /// Runs readers, fulfilment and due timers until nothing is left to do at this time.
    pub async fn settle(&self) -> Result<(), Error> {
        loop {
            let fulfilled = watch::channel(false).0;
            let work = async {
                let moved = self.fulfil().await;
                fulfilled.send_replace(true);
                moved
            };
            let readers = self.inner.readers.iter().map(|reader| self.follow(reader, fulfilled.subscribe()));
            let (moved, read) = tokio::try_join!(work, futures::future::try_join_all(readers))?;
            let moved = moved + read.into_iter().sum::<usize>();
            if moved == 0 && timers::fire_due(&self.inner).await? == 0 {
                return Ok(());
            }
        }
    }

    /// Has every reader take what is in the log by now, and does nothing that this makes due. Answers how many events the
    /// slowest of them still lacks when the time is over.
    pub async fn catch_up(&self, within: Duration) -> Result<u64, Error> {
        let (head, until) = (self.head().await?.position, Instant::now() + within);
        let mut lacks = 0;
        for reader in self.inner.readers.iter() {
            // Whoever has its lease may take longer than that.
            let step = || tokio::time::timeout_at(until, reader.step(&self.inner, Source::Log));
            while step().await.unwrap_or(Ok(0))? > 0 && reader.behind(head) > 0 && Instant::now() < until {}
            lacks = lacks.max(reader.behind(head));
        }
        Ok(lacks)
    }

    /// Fulfils and gives lines out until there is nothing left to do; answers how many events that took.
    async fn fulfil(&self) -> Result<usize, Error> {
        let mut moved = 0;
        loop {
            match tokio::try_join!(
                fulfilment::step(&self.inner, Source::Log),
                provisioning::step(&self.inner, Source::Log)
            )? {
                (0, 0) => return Ok(moved),
                (fulfilled, given_out) => moved += fulfilled + given_out,
            }
        }
    }

    /// Lets a reader follow until nothing more can come; answers how many events it took. While more is coming it waits
    /// for whole pages: each is a transaction, and nothing in fulfilment waits for a reader.
    async fn follow(&self, reader: &Reader, mut fulfilled: watch::Receiver<bool>) -> Result<usize, Error> {
        let mut head = self.inner.head.clone();
        let mut taken = 0;
        loop {
            let last = *fulfilled.borrow();
            let behind = reader.behind(*head.borrow_and_update());
            let step = last || behind >= PAGE_EVENTS_MAX as u64;
            match if step { reader.step(&self.inner, Source::Log).await? } else { 0 } {
                0 if last => return Ok(taken),
                0 => tokio::select! {
                    _ = fulfilled.wait_for(|fulfilled| *fulfilled) => {}
                    changed = head.changed() => changed.map_err(|_| Error::Closed)?,
                },
                some => taken += some,
            }
        }
    }

    /// Orders, lines and timers that were left out because their history cannot be right, or because the provisioner
    /// panicked or was silent; by stream, line (`ord_…/lines/3`) or timer, with the reason. Empty after a start, since it is kept in memory alone.
    pub fn parked(&self) -> Vec<(String, String)> {
        self.inner.parked.list()
    }

    /// When the next timer is due, as far as the readers have come.
    pub async fn next_timer(&self) -> Result<Option<DateTime<Utc>>, Error> {
        timers::next_due(&self.inner).await
    }

    /// Every table of the read models, of tiles, reference data and refusals, for migrating a store.
    pub fn tables() -> Vec<&'static Table> {
        let views = orderwire_domain::views::tables().into_iter();
        views
            .chain([&tiles::TILE_HASH, &refusals::REFUSAL])
            .chain(reference::TABLES.iter().copied())
            .collect()
    }

    /// Ends what runs in the background and closes the store. Commands in flight are appended first.
    pub async fn close(&self) {
        self.inner.stop.send_replace(true);
        let tasks =
            std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the engine ended badly");
            }
        }
        // Whoever holds every permit knows that nothing is in flight any more.
        let all = u32::try_from(COMMANDS_IN_FLIGHT_MAX).unwrap_or(u32::MAX);
        if self.inner.permits.acquire_many(all).await.is_ok() {
            self.inner.permits.close();
        }
        self.inner.refusals.flush().await;
        committer::lock(&self.inner.core).queue = None;
        self.inner.leases.give_all_back().await;
        self.inner.log.close().await;
    }

    async fn start(&self) {
        for reader in self.inner.readers.iter() {
            let reader = Arc::clone(reader);
            self.run(Task::following(&reader.name), move |inner, source| {
                let reader = Arc::clone(&reader);
                async move { reader.step(&inner, source).await }
            });
        }
        self.run(Task::following(FULFILMENT), |inner, source| async move {
            fulfilment::step(&inner, source).await
        });
        if self.inner.provisioner.takes_lines() {
            self.run(Task::following(PROVISIONING), |inner, source| async move {
                provisioning::step(&inner, source).await
            });
        }
        // What is due does not depend on what was appended last, and looking takes several questions to the store.
        self.run(Task::by_the_clock(DUE_TIMERS), |inner, _| async move { timers::fire_due(&inner).await });
        // What is free is here before anybody asks for anything.
        if let Err(error) = keeper::ask(&self.inner, false).await {
            tracing::warn!(%error, "leases could not be asked for; that is tried again");
        }
        self.keep_leases();
        self.spawn(keeper::watch(Arc::clone(&self.inner)));
        self.spawn(forget_records(Arc::clone(&self.inner)));
    }

    /// Runs a task in the background, while this process has its lease.
    fn run<F: Future<Output = Result<usize, Error>> + Send + 'static>(
        &self,
        task: Task,
        step: impl Fn(Arc<Inner>, Source) -> F + Send + Sync + 'static,
    ) {
        let inner = Arc::clone(&self.inner);
        let held = inner.leases.want(&task.lease);
        let shared = Arc::clone(&inner);
        let step = move |source| step(Arc::clone(&shared), source);
        self.spawn(task.keep_going(inner, held, step));
    }

    /// Asks for leases and renews them from here on.
    fn keep_leases(&self) {
        if !self.inner.keeps_leases.swap(true, Ordering::Relaxed) {
            self.spawn(keeper::keep(Arc::clone(&self.inner)));
        }
    }

    /// Closing waits for this task.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.inner.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tasks.push(tokio::spawn(task));
    }
}
