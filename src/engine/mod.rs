//! The engine: executes commands, feeds the log to its readers, and owns the ports that stores and outside systems
//! implement.
//!
//! Only this folder knows cqrs-es. Deliberately absent: SQL, HTTP, environment variables and the wall clock, which is a
//! port like every other.

pub mod append;
mod background;
mod bring;
mod certain;
pub mod clock;
mod committer;
pub mod error;
mod execute;
pub mod fulfilment;
pub mod hosted;
mod hundreds;
pub mod import;
pub mod keyring;
pub mod leaf;
mod loader;
pub mod log;
mod parked;
mod picks;
pub mod portability;
pub mod provenance;
pub mod query;
pub mod readers;
pub mod reference;
mod recent;
pub mod sealing;
mod timers;
mod tips;

use std::{
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::StreamId,
    joint::{Command, Seated, State},
    refusal::Reason,
    rules::Rules,
    sealed::Sealed,
    views::table::Table,
};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use self::{
    background::{forget_records, keep_going},
    clock::{Clock, SystemClock},
    committer::{Core, SharedCore},
    execute::{Asked, Snapshots, Turns},
    fulfilment::{FULFILMENT, ManualProvisioner, Provisioner},
    hundreds::Hundreds,
    keyring::Keyring,
    loader::Loader,
    log::{Head, Position, Sequence, SharedLog, StoredEvent},
    parked::Parked,
    picks::Picks,
    readers::{Effect, PAGE_EVENTS_MAX, Reader, Readers},
    recent::Recent,
    reference::{Chosen, References},
    sealing::MasterKey,
    tips::Tips,
};
pub use self::{
    error::{Error, ErrorKind},
    execute::{COMMIT_ATTEMPTS_MAX, IDEMPOTENCY_DAYS, IdempotencyKey, Receipt},
    loader::schema as snapshot_schema,
    provenance::{Actor, Provenance},
};

/// Commands taken in at once; more are answered with [`Error::Overloaded`].
pub const COMMANDS_IN_FLIGHT_MAX: usize = 10_000;
/// An idempotency key and its owner have at most this many bytes each: every store indexes them.
pub const KEY_BYTES_MAX: usize = 400;
/// Aggregates kept at hand, unless the builder says otherwise.
const AGGREGATES_AT_HAND: usize = 10_000;

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
    recent: Recent,
    parked: Parked,
    /// Every commit up to this number has been answered.
    certain_to: AtomicU64,
    fulfilment_turn: tokio::sync::Mutex<()>,
    timers_turn: tokio::sync::Mutex<()>,
    head: watch::Receiver<Position>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    /// The committer shares what holds its queue, so it ends only when the queue is taken away.
    fn drop(&mut self) {
        committer::lock(&self.core).queue = None;
    }
}

/// Puts an engine together.
pub struct Builder {
    clock: Arc<dyn Clock>,
    rules: Arc<Rules>,
    provisioner: Arc<dyn Provisioner>,
    reference: Chosen,
    own_readers: Vec<Reader>,
    aggregates_at_hand: usize,
    background: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            rules: Arc::new(Rules::bundled()),
            provisioner: Arc::new(ManualProvisioner),
            reference: Chosen::default(),
            own_readers: Vec::new(),
            aggregates_at_hand: AGGREGATES_AT_HAND,
            background: true,
        }
    }
}

impl Builder {
    /// Another clock than the wall's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Other rules than the bundled ones.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = Arc::new(rules);
        self
    }

    /// The systems that provision sites, users and devices.
    #[must_use]
    pub fn provisioner(mut self, provisioner: impl Provisioner) -> Self {
        self.provisioner = Arc::new(provisioner);
        self
    }

    /// A reader of the embedder's own: its statements and its checkpoint are one transaction.
    #[must_use]
    pub fn reader(mut self, name: &str, effect: Effect) -> Self {
        self.own_readers.push(Reader::of_effect(name, effect));
        self
    }

    /// How many aggregates are kept at hand.
    #[must_use]
    pub fn aggregates_at_hand(mut self, count: usize) -> Self {
        self.aggregates_at_hand = count;
        self
    }

    /// Whether readers, fulfilment and timers run by themselves. Without, [`Engine::settle`] runs them.
    #[must_use]
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// An engine over this store, which was opened and migrated before.
    pub async fn open(self, log: SharedLog, master: MasterKey) -> Result<Engine, Error> {
        let keyring = Keyring::open(master, &log).await?;
        let reference = self.reference.open(&log).await?;
        let start = log.head().await?.position;
        let (queue, waiting) = mpsc::unbounded_channel();
        let core: SharedCore = Arc::new(Mutex::new(Core {
            tips: Tips::new(self.aggregates_at_hand),
            next: 1,
            queue: Some(queue),
        }));
        let (head_sender, head) = watch::channel(start);
        let committer = committer::run(
            Arc::clone(&log),
            Arc::clone(&self.clock),
            Arc::clone(&core),
            waiting,
            head_sender,
        );
        tokio::spawn(async move {
            if let Err(panic) = tokio::spawn(committer).await {
                tracing::error!(%panic, "the committer has ended: nothing is appended any more");
            }
        });
        let (stop, _) = watch::channel(false);
        let inner = Arc::new(Inner {
            loader: Loader::start(&log),
            snapshots: Snapshots::start(&log),
            picks: Picks::default(),
            hundreds: Hundreds::default(),
            log,
            clock: self.clock,
            rules: self.rules,
            provisioner: self.provisioner,
            reference,
            core,
            permits: Arc::new(Semaphore::new(COMMANDS_IN_FLIGHT_MAX)),
            turns: Mutex::default(),
            keyring,
            readers: Readers::new(self.own_readers),
            recent: Recent::default(),
            parked: Parked::default(),
            certain_to: AtomicU64::default(),
            fulfilment_turn: tokio::sync::Mutex::default(),
            timers_turn: tokio::sync::Mutex::default(),
            head,
            stop,
            tasks: Mutex::default(),
        });
        for reader in inner.readers.iter() {
            reader.begin(&inner.log).await?;
        }
        let engine = Engine { inner };
        if self.background {
            engine.start();
        }
        Ok(engine)
    }
}

impl Engine {
    /// What an engine can be put together from.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Does something, or answers why not. With a key, asking again is answered the same and done once.
    pub async fn execute(
        &self,
        command: &Command,
        provenance: &Provenance,
        key: Option<&IdempotencyKey>,
    ) -> Result<Receipt, Error> {
        if let Some(key) = key.filter(|key| key.owner.len().max(key.key.len()) > KEY_BYTES_MAX) {
            return Err(Error::Refused(vec![key_too_long(key)]));
        }
        execute::execute(&self.inner, Asked { command, provenance, key, at: None }).await
    }

    /// An aggregate, with the sequence of its last event.
    pub async fn load<D: Seated>(&self, id: D::Id) -> Result<(Sequence, Arc<D>), Error> {
        let stream = id.into();
        let (sequence, state) = self.inner.newest(stream).await?;
        let wrong = || Error::Corrupt {
            stream: stream.to_string(),
            detail: "its state is of another kind".to_owned(),
        };
        D::of(&state).map(|state| (sequence, Arc::clone(state))).ok_or_else(wrong)
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

    /// What time it is for the engine.
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    /// The rules it decides under.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.inner.rules
    }

    /// Seals a text with the data key of a company or reseller. `normalised` is what equal texts have in common.
    pub async fn seal(&self, owner: StreamId, text: &str, normalised: &str) -> Result<Sealed, Error> {
        let key = self.inner.keyring.key(&self.inner.log, &owner.to_string()).await?;
        Ok(key.seal(text, normalised))
    }

    /// Opens a sealed text; `None` once it was erased.
    pub async fn open_sealed(&self, sealed: &Sealed) -> Result<Option<String>, Error> {
        Ok(self.inner.keyring.open_sealed(&self.inner.log, sealed).await?)
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
            while reader.step(&self.inner.log, &self.inner.recent).await? > 0
                && reader.reached() < head
                && Instant::now() < until
            {}
            lacks = lacks.max(head.saturating_sub(reader.reached()));
        }
        Ok(lacks)
    }

    /// Fulfils until there is nothing left to do; answers how many events that took.
    async fn fulfil(&self) -> Result<usize, Error> {
        let mut moved = 0;
        loop {
            match fulfilment::step(&self.inner).await? {
                0 => return Ok(moved),
                taken => moved += taken,
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
            let behind = head.borrow_and_update().saturating_sub(reader.reached());
            let step = last || behind >= PAGE_EVENTS_MAX as u64;
            match if step { reader.step(&self.inner.log, &self.inner.recent).await? } else { 0 } {
                0 if last => return Ok(taken),
                0 => tokio::select! {
                    _ = fulfilled.wait_for(|fulfilled| *fulfilled) => {}
                    changed = head.changed() => changed.map_err(|_| Error::Closed)?,
                },
                some => taken += some,
            }
        }
    }

    /// Orders and timers that were left out because their history cannot be right, by stream or timer, with the reason.
    /// Empty after a start, since it is kept in memory alone.
    pub fn parked(&self) -> Vec<(String, String)> {
        self.inner.parked.list()
    }

    /// When the next timer is due, as far as the readers have come.
    pub async fn next_timer(&self) -> Result<Option<DateTime<Utc>>, Error> {
        timers::next_due(&self.inner).await
    }

    /// Folds every read model again from the first event.
    pub async fn rebuild(&self) -> Result<(), Error> {
        for reader in self.inner.readers.iter().filter(|reader| !reader.tables.is_empty()) {
            reader.reset(&self.inner.log).await?;
            while reader.step(&self.inner.log, &self.inner.recent).await? > 0 {}
        }
        Ok(())
    }

    /// Every table of the read models and of reference data, for migrating a store.
    pub fn tables() -> Vec<&'static Table> {
        orderwire_domain::views::tables().into_iter().chain(reference::TABLES.iter().copied()).collect()
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
        committer::lock(&self.inner.core).queue = None;
        self.inner.log.close().await;
    }

    fn start(&self) {
        let mut tasks = Vec::new();
        for reader in self.inner.readers.iter() {
            let reader = Arc::clone(reader);
            let inner = Arc::clone(&self.inner);
            let name = reader.name.clone();
            tasks.push(tokio::spawn(keep_going(Arc::clone(&self.inner), name, move || {
                let (inner, reader) = (Arc::clone(&inner), Arc::clone(&reader));
                async move { reader.step(&inner.log, &inner.recent).await }
            })));
        }
        let inner = Arc::clone(&self.inner);
        tasks.push(tokio::spawn(keep_going(Arc::clone(&self.inner), FULFILMENT.to_owned(), move || {
            let inner = Arc::clone(&inner);
            async move { fulfilment::step(&inner).await }
        })));
        let inner = Arc::clone(&self.inner);
        tasks.push(tokio::spawn(keep_going(Arc::clone(&self.inner), "due timers".to_owned(), move || {
            let inner = Arc::clone(&inner);
            async move { timers::fire_due(&inner).await }
        })));
        tasks.push(tokio::spawn(forget_records(Arc::clone(&self.inner))));
        self.inner.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(tasks);
    }
}

fn key_too_long(key: &IdempotencyKey) -> Reason {
    Reason {
        code: "idempotency_key_too_long".to_owned(),
        subject: None,
        detail: format!("the idempotency key has {} bytes, its owner {}", key.key.len(), key.owner.len()),
        expected: Some(format!("at most {KEY_BYTES_MAX} bytes each")),
    }
}
