//! The port to a store: one totally ordered log, the claims and idempotency records that live in its transactions, and
//! the rows its readers write.
//!
//! Deliberately absent: SQL, and the meaning of events. A store sees text and keys; what may be appended was decided
//! above, and what must hold at the moment of appending is checked by [`super::append`], the same for every store.

mod lease;
mod reading;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use orderwire_domain::{
    claim::{Claim, ClaimChange},
    ids::StreamId,
    views::table::{Row, Table},
};
use uuid::Uuid;

pub use self::{
    lease::{Fence, Lease, Standing, Take},
    reading::{Comparison, Filter, ReaderCommit, RowChange, Select, Statement, Swap},
};
use super::leaf::{Frontier, Hash};

/// The index of an event in the log: the first is 1, and none is ever left out.
pub type Position = u64;

/// The index of an event in its stream: the first is 1; 0 is the stream before any event.
pub type Sequence = u64;

/// A batch ends at this many commits, so that the first in it never waits long.
pub const BATCH_COMMITS_MAX: usize = 512;
/// A batch ends at this many rows of events, claims and records.
pub const BATCH_ROWS_MAX: usize = 5_000;
/// A batch ends at this many bytes of payload and metadata.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An event that is to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its type, such as `OrderSubmitted`.
    pub event_type: String,
    /// The version of its shape.
    pub event_version: String,
    /// The event as JSON; stored and hashed byte for byte.
    pub payload: String,
    /// A flat map of strings with sorted keys, as JSON; stored and hashed byte for byte.
    pub metadata: String,
}

/// Events for one stream, decided on its state after `after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamId,
    /// The sequence the decision saw; the first event takes the next one.
    pub after: Sequence,
    /// In order; never empty.
    pub events: Vec<NewEvent>,
}

/// Everything one command does, appended whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Names this attempt, also in the metadata of its events.
    pub id: Uuid,
    /// What is appended; empty where the command changed nothing.
    pub appends: Vec<StreamAppend>,
    /// Streams that were read but not written, with the sequence the decision saw.
    pub reads: Vec<(StreamId, Sequence)>,
    /// Commits whose outcome it was decided on: where one of them was not appended, neither is this. Sequences alone
    /// would not tell, since another process may have appended as many events in its place.
    pub rests_on: Vec<Uuid>,
    /// Claims taken and released, in the order of the events.
    pub claims: Vec<ClaimChange>,
    /// What makes a retry of this command answer the same.
    pub record: Option<IdempotencyRecord>,
    /// Data keys made or destroyed with these events.
    pub keys: Vec<KeyChange>,
    /// Under which lease it was decided, if under any: appended only while nobody else took it.
    pub fence: Option<Fence>,
}

impl Commit {
    /// How many events it appends.
    pub fn event_count(&self) -> usize {
        self.appends.iter().map(|append| append.events.len()).sum()
    }
}

/// A caller's key, remembered with what was answered: positions and ids, never a rendered body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Whose key it is: a reseller's id, or a word for the engine's own.
    pub owner: String,
    /// The key.
    pub key: String,
    /// SHA-256 of what was asked: the same key with another fingerprint is refused.
    pub fingerprint: Hash,
    /// Ids that the answer names, as JSON.
    pub ids: String,
    /// When it may be forgotten, in microseconds since 1970; `None` keeps it for good.
    pub expires_at_us: Option<i64>,
}

/// What a command was answered with, as far as the log knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of its first event; the head's position where it appended none.
    pub first: Position,
    /// How many events.
    pub count: u64,
    /// The `recorded_at` of its events, in microseconds since 1970.
    pub recorded_at_us: i64,
}

impl Appended {
    /// The position at which everything it did can be seen.
    pub fn last(&self) -> Position {
        if self.count == 0 { self.first } else { self.first + self.count - 1 }
    }
}

/// An idempotency record as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// SHA-256 of what was asked.
    pub fingerprint: Hash,
    /// Ids that the answer named, as JSON.
    pub ids: String,
    /// Where it was appended.
    pub appended: Appended,
}

/// What became of one commit of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable.
    Appended(Appended),
    /// Its key was used before for the same request: the answer of then.
    Repeated(StoredRecord),
    /// It was not appended, and nothing of it was.
    Refused(CommitRefusal),
}

/// Why a commit was refused at the moment of appending; the rest of its batch is not touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitRefusal {
    /// A stream is not where the decision saw it: decide again.
    #[error("{stream} is at {actual}, the decision saw {seen}")]
    Moved {
        /// The stream.
        stream: StreamId,
        /// The sequence the decision saw.
        seen: Sequence,
        /// The sequence it has.
        actual: Sequence,
    },
    /// Somebody else holds what it would take. Who holds it is never told.
    #[error("{} of its claims are taken", .0.len())]
    ClaimsTaken(Vec<Claim>),
    /// It releases what its stream does not hold: a fault of our own, not of the caller.
    #[error("{holder} does not hold {claim:?}")]
    NotHeld {
        /// What would be released.
        claim: Claim,
        /// By whom.
        holder: StreamId,
    },
    /// The idempotency key was used before for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// A commit that it was decided on was not appended: decide again.
    #[error("a commit that it rests on was not appended")]
    RestsOnRefused,
    /// Somebody else took the lease that it was decided under.
    #[error("the lease `{0}` was taken by somebody else")]
    FencedOut(String),
    /// The store refused this commit alone for a reason no check foresaw.
    #[error("the store refused it: {0}")]
    Unforeseen(String),
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its index in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its index in the stream.
    pub sequence: Sequence,
    /// Its type.
    pub event_type: String,
    /// The version of its shape.
    pub event_version: String,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at_us: i64,
    /// JSON, byte for byte as appended.
    pub payload: String,
    /// JSON, byte for byte as appended.
    pub metadata: String,
    /// Its leaf in the Merkle tree.
    pub leaf: Hash,
}

/// The end of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The position of the last event.
    pub position: Position,
    /// Its `recorded_at`, in microseconds since 1970.
    pub recorded_at_us: i64,
    /// The right edge of the Merkle tree.
    pub frontier: Frontier,
}

/// A stream's state at some sequence, kept so that a cold load is short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamId,
    /// The sequence of the last event in it.
    pub sequence: Sequence,
    /// Names the schema of the state; a snapshot of another one is not used.
    pub fingerprint: String,
    /// The state as JSON.
    pub state: String,
}

/// What it takes to bring a stream up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamLoad {
    /// Where to start, if there is one with the asked fingerprint.
    pub snapshot: Option<Snapshot>,
    /// Every event after it, in order.
    pub events: Vec<LoadedEvent>,
}

/// An event with just what a fold needs of it: a cold load is on the path of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedEvent {
    /// Its index in the stream.
    pub sequence: Sequence,
    /// Its type.
    pub event_type: String,
    /// The version of its shape.
    pub event_version: String,
    /// JSON, byte for byte as appended.
    pub payload: String,
}

/// A data key, wrapped by the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Whose key it is: the id of a company or reseller.
    pub key_id: String,
    /// The key, encrypted under the master key.
    pub wrapped: Vec<u8>,
}

/// A data key made or destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Stored in the same transaction as the events that need it.
    Make(WrappedKey),
    /// Overwritten in the same transaction as the event that says so.
    Destroy {
        /// Whose key.
        key_id: String,
    },
}

/// How thoroughly files are swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// What was freed is overwritten, and logs that are not needed any more are cut.
    Light,
    /// What keys are in is written anew.
    Whole,
}

/// Why the store itself could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Not reachable now, busy, or out of some resource: wait and try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What is stored cannot be right: somebody must look.
    #[error("the store is corrupt: {0}")]
    Corrupt(String),
    /// A newer Orderwire has migrated it.
    #[error("the store has schema {found}, this binary knows {known}: use a newer orderwire")]
    SchemaNewer {
        /// The store's schema version.
        found: i64,
        /// The newest this binary knows.
        known: i64,
    },
    /// It has to be migrated first.
    #[error("the store has schema {found}, this binary needs {known}: run `orderwire migrate`")]
    SchemaOlder {
        /// The store's schema version; 0 for none.
        found: i64,
        /// The one needed.
        known: i64,
    },
    /// It cannot be written.
    #[error("the store is read-only: {0}")]
    ReadOnly(String),
    /// There is no room left.
    #[error("the store is full: {0}")]
    Full(String),
    /// A reader's checkpoint was moved by somebody else; its page was not applied.
    #[error("the checkpoint of reader `{reader}` is at {actual}, not {expected}")]
    CheckpointMoved {
        /// The reader.
        reader: String,
        /// Where this process thought it was.
        expected: Position,
        /// Where it is.
        actual: Position,
    },
    /// Somebody else took the lease that this was to be done under; nothing was done.
    #[error("the lease `{0}` was taken by somebody else")]
    FencedOut(String),
    /// This store cannot do that at all.
    #[error("not supported by this store: {0}")]
    Unsupported(String),
}

/// A store, shared by everything in the process.
pub type SharedLog = Arc<dyn Log>;

/// A store of one log.
///
/// Every method either does the whole of what it says or nothing. `append` is called by one task at a time in a
/// process; other processes may append to the same store.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// The end of the log.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Appends a batch in one transaction: each commit is appended whole or refused alone, in the order given.
    /// `now_us` is the engine's clock; `recorded_at` never falls below the head's.
    async fn append(&self, batch: &[Arc<Commit>], now_us: i64) -> Result<Vec<Verdict>, StoreError>;

    /// Loads streams from their snapshot of that fingerprint, or from the start; one answer per stream, in order.
    async fn load(&self, streams: &[(StreamId, &str)]) -> Result<Vec<StreamLoad>, StoreError>;

    /// Events of one stream after a sequence, in order.
    async fn stream(
        &self,
        stream: StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// Events of the log after a position, in order.
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// Leaves of the Merkle tree: those of the events after a position, so many positions at most, in order.
    async fn leaves(&self, after: Position, limit: usize) -> Result<Vec<Hash>, StoreError>;

    /// Rows of events that are at no position a page could show, such as one below 1: whoever verifies a log asks for them,
    /// since streams would be read with them. None where the store itself refuses such rows.
    async fn hidden_rows(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Keeps snapshots, each unless a later one of the same stream is kept already.
    async fn keep_snapshots(&self, snapshots: &[Snapshot]) -> Result<(), StoreError>;

    /// Who holds each of these claims now: advice, since only an append decides.
    async fn holders(&self, claims: &[Claim]) -> Result<Vec<Option<StreamId>>, StoreError>;

    /// Every claim held, in order of scope and key, after the given one.
    async fn claims(&self, after: Option<&Claim>, limit: usize)
    -> Result<Vec<(Claim, StreamId)>, StoreError>;

    /// How many claims are held.
    async fn claim_count(&self) -> Result<u64, StoreError>;

    /// The record of an idempotency key that has not expired at `now_us`.
    async fn record(&self, owner: &str, key: &str, now_us: i64) -> Result<Option<StoredRecord>, StoreError>;

    /// Forgets records that expired before `now_us`, and says how many.
    async fn forget_records(&self, now_us: i64) -> Result<u64, StoreError>;

    /// A wrapped data key, unless there is none or it was destroyed.
    async fn data_key(&self, key_id: &str) -> Result<Option<WrappedKey>, StoreError>;

    /// Wrapped data keys that are there, in order of their ids, after an id.
    async fn data_keys(&self, after: &str, limit: usize) -> Result<Vec<WrappedKey>, StoreError>;

    /// Puts back keys of which the store knows nothing, and says how many; one that was destroyed stays so.
    async fn restore_keys(&self, keys: &[WrappedKey]) -> Result<u64, StoreError>;

    /// Destroys keys of which the log says already that they are, and says how many were there.
    async fn destroy_keys(&self, ids: &[String]) -> Result<u64, StoreError>;

    /// Removes what destroyed keys left behind in the files of the store, as far as that is its own to do.
    async fn sweep(&self, sweep: Sweep) -> Result<(), StoreError>;

    /// The value of a setting of the store, such as the check value of its master key.
    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Sets a setting if it has no value yet, and answers the value it then has.
    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError>;

    /// Creates the tables that do not exist yet, with their indexes.
    async fn create_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError>;

    /// Where a reader is; 0 for one that never ran.
    async fn checkpoint(&self, reader: &str) -> Result<Position, StoreError>;

    /// Applies a reader's page and advances its checkpoint in one transaction.
    async fn apply(&self, commit: &ReaderCommit) -> Result<(), StoreError>;

    /// Changes rows without a checkpoint: for what is done with a row outside any page, such as a timer that was answered.
    /// With a fence, only while nobody else took its lease.
    async fn change_rows(&self, changes: &[RowChange], fence: Option<&Fence>) -> Result<(), StoreError>;

    /// Removes every row of these tables and sets the reader's checkpoint to 0, in one transaction.
    async fn reset(&self, reader: &str, tables: &[&'static Table]) -> Result<(), StoreError>;

    /// Puts tables that were built beside in the place of others, in one transaction; what was there before is gone.
    async fn swap(&self, swap: &Swap) -> Result<(), StoreError>;

    /// Drops tables where they exist.
    async fn drop_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError>;

    /// Takes or renews a lease for `ttl` from now, by the store's own clock. `None` while somebody else has it.
    async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        ttl: Duration,
        take: Take,
    ) -> Result<Option<Lease>, StoreError>;

    /// Gives leases back, as far as this owner has them: the next who asks has them at once.
    async fn give_back(&self, owner: &str, names: &[String]) -> Result<(), StoreError>;

    /// Every checkpoint and lease there is, in order of their names.
    async fn standings(&self) -> Result<Vec<Standing>, StoreError>;

    /// The rows of these keys, in order of the keys.
    async fn rows(&self, table: &'static Table, keys: &[String]) -> Result<Vec<Row>, StoreError>;

    /// Every row of these parents, in order of parent and key.
    async fn children(&self, table: &'static Table, parents: &[String]) -> Result<Vec<Row>, StoreError>;

    /// A look into one table.
    async fn select(&self, select: &Select) -> Result<Vec<Row>, StoreError>;

    /// The documents of the rows that each look finds, in order: all that queries want of them, for one question.
    async fn docs(&self, looks: &[Select]) -> Result<Vec<Vec<String>>, StoreError> {
        let mut found = Vec::with_capacity(looks.len());
        for look in looks {
            found.push(self.select(look).await?.into_iter().map(|row| row.doc).collect());
        }
        Ok(found)
    }

    /// How many rows match.
    async fn count(&self, table: &'static Table, filters: &[Filter]) -> Result<u64, StoreError>;

    /// Finishes what is under way and closes files and connections.
    async fn close(&self);
}
