//! Recording refusals beside the commands: a queue that nobody waits at, and one task that writes what is in it.
//!
//! A refused command is answered at once. What does not fit into the queue, or cannot be written, is counted, and the count
//! becomes a row as soon as one can be written. Absent: durability of the last moment. What was refused within
//! [`GATHER`] before a process is killed may be missing; closing the engine writes everything.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use orderwire_domain::{
    ids::{ResellerId, StreamId},
    views::table::Record as _,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout, timeout_at},
};
use uuid::Uuid;

use super::{COUNTED_WITHIN_SECS, RECORDER, REFUSAL, Refusal, SHARE_OF_ONE, Tried};
use crate::engine::{
    clock::Clock,
    log::{Position, RowChange, SharedLog, StoreError},
    measures,
    provenance::Via,
    query::{self, equal},
};

/// Refusals that wait to be written at most; some megabytes.
pub const QUEUE_MAX: usize = 8_192;
/// So long refusals are gathered for one transaction, unless somebody waits for them; that bounds how often the store is
/// written for them.
const GATHER: Duration = Duration::from_millis(250);
/// Rows of one transaction, and so of one [`GATHER`]: more than a thousand a second. The store writes commits beside them, and a flood
/// of refusals is to cost those little; what comes faster fills the queue.
const BATCH_ROWS_MAX: usize = 320;
/// Rows that are counted on at most; with more, those of before are left as they are.
const OPEN_ROWS_MAX: usize = 20_000;
/// How often a write is tried while the store is away.
const WRITES_MAX: u32 = 3;
/// How long it is waited before one is tried again.
const RETRY: Duration = Duration::from_millis(250);
/// Whoever wants everything to be written waits so long at most, since a store may hang.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);
/// After so many new rows it is looked whether there are too many.
const LOOKS_EVERY: usize = 64;
/// What a row of the recorder's own says was wanted.
const RECORD: &str = "refusal.record";

/// Where refused commands leave a note.
pub struct Recorder {
    queue: mpsc::Sender<Message>,
    untold: Arc<Untold>,
    /// How many wait until everything is written.
    somebody_waits: Arc<AtomicUsize>,
    records: bool,
}

/// Refusals that no row tells of yet.
#[derive(Default)]
struct Untold {
    /// The queue was full.
    queue_full: AtomicU64,
    /// The store did not take them.
    not_written: AtomicU64,
}

enum Message {
    Refused(Box<Note>),
    /// Answered once everything before it was written, or counted.
    Flush(oneshot::Sender<()>),
}

/// A refused command, with how many reasons each rule gave.
struct Note {
    at: DateTime<Utc>,
    kind: Kind,
    rules: BTreeMap<String, u64>,
    position: Position,
    correlation: Option<String>,
}

/// What refusals have in common that are counted in one row, but for the rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    actor: String,
    via: Via,
    reseller: Option<ResellerId>,
    about: Option<StreamId>,
    command: String,
    status: Option<&'static str>,
}

impl Recorder {
    /// One that keeps so many rows; with none it records nothing.
    pub fn start(log: &SharedLog, clock: &Arc<dyn Clock>, keep: u64) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let (untold, somebody_waits) = (Arc::default(), Arc::default());
        let writer = Writer {
            log: SharedLog::clone(log),
            clock: Arc::clone(clock),
            keep,
            untold: Arc::clone(&untold),
            somebody_waits: Arc::clone(&somebody_waits),
            open: HashMap::new(),
            closed: Vec::new(),
            unwritten: 0,
            position: 0,
            // Processes that write a row or two each look now and then too.
            new_rows: usize::from(Uuid::now_v7().as_bytes()[15]) % LOOKS_EVERY,
            new_rows_of: BTreeSet::new(),
        };
        tokio::spawn(writer.run(waiting));
        Self { queue, untold, somebody_waits, records: keep > 0 }
    }

    /// Notes a refusal, with a code per reason. Never waits.
    pub fn note<'a>(&self, at: DateTime<Utc>, tried: Tried<'_>, codes: impl Iterator<Item = &'a str>) {
        if !self.records {
            return;
        }
        let mut rules = BTreeMap::new();
        for code in codes {
            *rules.entry(code.to_owned()).or_default() += 1;
        }
        let Tried { provenance, command, about, status, position } = tried;
        let kind = Kind {
            actor: provenance.actor.as_str().to_owned(),
            via: provenance.via,
            reseller: provenance.reseller,
            about,
            command: command.to_owned(),
            // What does not exist for whoever asked has no status either.
            status: status.filter(|_| !rules.contains_key("not_found")),
        };
        let count = rules.len() as u64;
        let note = Note { at, kind, rules, position, correlation: provenance.correlation.clone() };
        if self.queue.try_send(Message::Refused(Box::new(note))).is_err() {
            self.untold.queue_full.fetch_add(count, Ordering::Relaxed);
            measures::refusals_dropped("queue_full", count);
        }
    }

    /// Waits, within bounds, until what was noted before is written, or is counted as not written.
    pub async fn flush(&self) {
        let (answer, written) = oneshot::channel();
        let _waits = Waits::begin(&self.somebody_waits);
        let flushed = async {
            // Without its task there is nothing left to wait for.
            if self.queue.send(Message::Flush(answer)).await.is_err() || written.await.is_err() {
                tracing::error!("refusals are not recorded any more: their task has ended");
            }
        };
        if timeout(FLUSH_WITHIN, flushed).await.is_err() {
            tracing::warn!("refusals are not written yet: the store does not answer");
        }
    }

    /// How many refusals no row tells of yet.
    pub fn untold(&self) -> u64 {
        self.untold.queue_full.load(Ordering::Relaxed) + self.untold.not_written.load(Ordering::Relaxed)
    }
}

/// Somebody who waits, until the wait is over or was given up.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What writes.
struct Writer {
    log: SharedLog,
    clock: Arc<dyn Clock>,
    keep: u64,
    untold: Arc<Untold>,
    somebody_waits: Arc<AtomicUsize>,
    /// Rows on which further refusals of their kind are counted.
    open: HashMap<(Kind, String), Open>,
    /// Rows whose minute was over before they were written.
    closed: Vec<Open>,
    /// Rows of both that the store does not have as they are.
    unwritten: usize,
    /// The last position that was noted.
    position: Position,
    /// New rows since it was looked whether there are too many, and whose.
    new_rows: usize,
    new_rows_of: BTreeSet<String>,
}

struct Open {
    row: Refusal,
    /// How many of them the store does not know of.
    unwritten: u64,
    /// Whether it was ever written.
    stored: bool,
}

impl Writer {
    async fn run(mut self, mut waiting: mpsc::Receiver<Message>) {
        while let Some(first) = waiting.recv().await {
            let mut flushed = self.take(first);
            let until = Instant::now() + GATHER;
            while flushed.is_none() && self.unwritten < BATCH_ROWS_MAX {
                match timeout_at(until, waiting.recv()).await {
                    Ok(Some(next)) => flushed = self.take(next),
                    Ok(None) | Err(_) => break,
                }
            }
            if self.unwritten >= BATCH_ROWS_MAX && self.somebody_waits.load(Ordering::Relaxed) == 0 {
                sleep_until(until).await;
            }
            self.write().await;
            if let Some(flushed) = flushed
                && flushed.send(()).is_err()
            {
                tracing::debug!("nobody waits any more until refusals are written");
            }
        }
    }

    /// Counts a refusal; hands back who waits until everything is written.
    fn take(&mut self, message: Message) -> Option<oneshot::Sender<()>> {
        match message {
            Message::Flush(answer) => return Some(answer),
            Message::Refused(note) => {
                let Note { at, kind, rules, position, correlation } = *note;
                self.position = self.position.max(position);
                for (rule, reasons) in rules {
                    self.count(at, (kind.clone(), rule), (1, reasons), (position, correlation.clone()));
                }
            }
        }
        None
    }

    fn count(
        &mut self,
        at: DateTime<Utc>,
        key: (Kind, String),
        (times, reasons): (u64, u64),
        (position, correlation): (Position, Option<String>),
    ) {
        let within = TimeDelta::seconds(COUNTED_WITHIN_SECS);
        if let Some(open) = self.open.get_mut(&key)
            && (at - open.row.at) >= TimeDelta::zero()
            && (at - open.row.at) < within
        {
            self.unwritten += usize::from(open.unwritten == 0);
            open.unwritten += times;
            open.row.times += times;
            open.row.last_at = open.row.last_at.max(at);
            return;
        }
        let (Kind { actor, via, reseller, about, command, status }, rule) = key.clone();
        let row = Refusal {
            id: Uuid::now_v7().simple().to_string(),
            at,
            last_at: at,
            times,
            actor,
            via,
            reseller,
            about,
            command,
            rule,
            reasons,
            status: status.map(str::to_owned),
            position,
            correlation,
        };
        let replaced = self.open.insert(key, Open { row, unwritten: times, stored: false });
        self.unwritten += 1;
        self.closed.extend(replaced.filter(|open| open.unwritten > 0));
    }

    fn lose(&self, count: u64) {
        self.untold.not_written.fetch_add(count, Ordering::Relaxed);
        measures::refusals_dropped("not_written", count);
    }

    /// Writes what the store does not have; what it does not take is counted instead.
    async fn write(&mut self) {
        let told = self.tell_missing();
        let unwritten = || self.closed.iter().chain(self.open.values()).filter(|open| open.unwritten > 0);
        let rows: Vec<RowChange> =
            unwritten().map(|open| RowChange::Put(&REFUSAL, open.row.to_row())).collect();
        if rows.is_empty() {
            return;
        }
        let new: Vec<String> =
            unwritten().filter(|open| !open.stored).map(|open| open.row.actor.clone()).collect();
        match self.written(&rows).await {
            Ok(()) => {
                for open in self.open.values_mut() {
                    (open.unwritten, open.stored) = (0, true);
                }
                self.new_rows += new.len();
                self.new_rows_of.extend(new);
            }
            Err(error) => {
                tracing::warn!(%error, rows = rows.len(), "refusals are not recorded");
                let own = |open: &Open| open.row.actor == RECORDER;
                let lost = unwritten().filter(|open| !own(open)).map(|open| open.unwritten).sum();
                self.lose(lost);
                // What a row of the recorder's own would have told is told by the next one.
                self.untold.queue_full.fetch_add(told.0, Ordering::Relaxed);
                self.untold.not_written.fetch_add(told.1, Ordering::Relaxed);
                self.open.retain(|_, open| open.unwritten == 0);
            }
        }
        self.unwritten = 0;
        self.closed.clear();
        self.close_old();
        if self.new_rows >= LOOKS_EVERY
            && let Err(error) = self.forget().await
        {
            tracing::warn!(%error, "the oldest refusals are not forgotten yet");
        }
    }

    /// Rows of the recorder's own for what no row tells of; answers what they tell.
    fn tell_missing(&mut self) -> (u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        let (queue_full, not_written) = (take(&self.untold.queue_full), take(&self.untold.not_written));
        let kind = Kind {
            actor: RECORDER.to_owned(),
            via: Via::Embedded,
            reseller: None,
            about: None,
            command: RECORD.to_owned(),
            status: None,
        };
        for (rule, times) in [("queue_full", queue_full), ("not_written", not_written)] {
            if times > 0 {
                let key = (kind.clone(), rule.to_owned());
                self.count(self.clock.now(), key, (times, 1), (self.position, None));
            }
        }
        (queue_full, not_written)
    }

    /// Puts rows, a few times where the store is away for a moment.
    async fn written(&self, rows: &[RowChange]) -> Result<(), StoreError> {
        let mut tried = 1;
        loop {
            match self.log.change_rows(rows, None).await {
                Err(StoreError::Unavailable(_)) if tried < WRITES_MAX => tried += 1,
                outcome => return outcome,
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Counts no further on rows whose minute is over.
    fn close_old(&mut self) {
        let now = self.clock.now();
        self.open.retain(|_, open| now - open.row.at < TimeDelta::seconds(COUNTED_WITHIN_SECS));
        if self.open.len() > OPEN_ROWS_MAX {
            self.open.clear();
        }
    }

    /// Forgets the oldest of each actor that has more than its share, and the oldest of all where there are too many.
    async fn forget(&mut self) -> Result<(), StoreError> {
        self.new_rows = 0;
        let share = (self.keep / SHARE_OF_ONE).max(1);
        for actor in std::mem::take(&mut self.new_rows_of) {
            query::keep_newest(&self.log, &REFUSAL, vec![equal("actor", actor)], share).await?;
        }
        query::keep_newest(&self.log, &REFUSAL, Vec::new(), self.keep).await
    }
}
