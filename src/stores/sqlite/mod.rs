//! The embedded store: one `SQLite` file, no server to start.
//!
//! Every write of the process queues for one thread, appends before everything else; reads have connections and threads
//! of their own. Another process, such as the command line, may write too: each write transaction takes `SQLite`'s write
//! lock before it looks at anything.

mod append;
pub(super) mod baseline;
mod connect;
mod error;
mod events;
mod kept;
mod keys;
mod leases;
mod rows;
mod scratch;
mod worker;
mod write_ahead;

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use orderwire_domain::{
    claim::Claim,
    ids::StreamId,
    views::table::{Row, Table},
};
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use self::{connect::SCHEMA_VERSION, scratch::Scratch};
use self::{
    leases::Presence,
    worker::{Urgency, Workers},
    write_ahead::WriteAhead,
};
use super::Migrate;
use crate::engine::{
    leaf::Hash,
    log::{
        Commit, Fence, Filter, Head, Lease, Log, Position, ReaderCommit, RowChange, Select, Sequence,
        Snapshot, Standing, StoreError, StoredEvent, StoredRecord, StreamLoad, Swap, Sweep, Take, Verdict,
        WrappedKey,
    },
};

/// Reads run on this many connections: few, since `SQLite` reads are short and the machine has other work.
const READ_CONNECTIONS: usize = 3;

/// A log in a `SQLite` file.
#[derive(Debug)]
pub struct SqliteLog {
    writer: Arc<Workers>,
    ahead: Arc<WriteAhead>,
    readers: Workers,
    presence: Arc<Presence>,
}

impl SqliteLog {
    /// Opens a file; with [`Migrate::Yes`] it is created where there is none and brought up to date.
    pub async fn open(path: impl AsRef<Path>, migrate: Migrate) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let Connections { writer, folder, readers, presence } =
            blocking(move || connections(&path, migrate)).await??;
        let writer = Arc::new(Workers::start("writer", vec![writer])?);
        Ok(Self {
            presence: Arc::new(presence),
            ahead: WriteAhead::new(&writer, folder)?,
            writer,
            readers: Workers::start("reader", readers)?,
        })
    }

    /// The version of a file's schema; 0 where there is none.
    pub async fn schema_version(path: impl AsRef<Path>) -> Result<i64, StoreError> {
        let path = path.as_ref().to_owned();
        blocking(move || connect::found_version(&path)).await?
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let job = |connection: &mut Connection| {
            // One transaction is one moment: everything one call answers was true together. Reads are so short that it
            // counts whether its two statements are prepared.
            connection.prepare_cached("BEGIN")?.raw_execute()?;
            let found = look(connection);
            // Some failures have ended it already.
            if !connection.is_autocommit() {
                connection.prepare_cached("COMMIT")?.raw_execute()?;
            }
            found
        };
        self.readers.run(Urgency::Patient, job).await
    }

    /// Runs a job on the connection that writes.
    async fn on_writer<T: Send + 'static>(
        &self,
        urgency: Urgency,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ahead = Arc::clone(&self.ahead);
        let job = move |connection: &mut Connection| {
            let done = job(connection);
            ahead.written(connection.total_changes());
            done
        };
        self.writer.run(urgency, job).await
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let job = |connection: &mut Connection| {
            let transaction = begin(connection)?;
            let changed = change(&transaction)?;
            transaction.commit()?;
            Ok(changed)
        };
        self.on_writer(Urgency::Patient, job).await
    }

    /// The same, without waiting for the disk.
    async fn write_not_synced<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let job = |connection: &mut Connection| {
            connect::not_synced(connection, |connection| {
                let transaction = begin(connection)?;
                let changed = change(&transaction)?;
                transaction.commit()?;
                Ok(changed)
            })
        };
        self.on_writer(Urgency::Patient, job).await
    }
}

/// Takes the write lock of the file before anything is looked at; other processes wait, up to the busy timeout.
fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)
}

struct Connections {
    writer: Connection,
    folder: Connection,
    readers: Vec<Connection>,
    presence: Presence,
}

fn connections(path: &Path, migrate: Migrate) -> Result<Connections, StoreError> {
    let writer = connect::writer(path, migrate)?;
    connect::fold_later(&writer)?;
    let readers: Result<_, _> = (0..READ_CONNECTIONS).map(|_| connect::reader(path)).collect();
    let folder = connect::folder(path)?;
    Ok(Connections { writer, folder, readers: readers?, presence: Presence::beside(path) })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    let finished = tokio::task::spawn_blocking(work).await;
    finished.map_err(|error| StoreError::Unavailable(format!("a thread of the store ended: {error}")))
}

#[async_trait]
impl Log for SqliteLog {
    async fn head(&self) -> Result<Head, StoreError> {
        self.read(append::head).await
    }

    async fn append(&self, batch: &[Arc<Commit>], now_us: i64) -> Result<Vec<Verdict>, StoreError> {
        let batch = batch.to_vec();
        self.on_writer(Urgency::First, move |connection| append::append(connection, &batch, now_us)).await
    }

    async fn load(&self, streams: &[(StreamId, &str)]) -> Result<Vec<StreamLoad>, StoreError> {
        let streams: Vec<(StreamId, String)> =
            streams.iter().map(|(stream, fingerprint)| (*stream, (*fingerprint).to_owned())).collect();
        self.read(move |transaction| {
            streams
                .iter()
                .map(|(stream, fingerprint)| events::load(transaction, *stream, fingerprint))
                .collect()
        })
        .await
    }

    async fn stream(
        &self,
        stream: StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(move |transaction| events::stream(transaction, stream, after, limit)).await
    }

    async fn page(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(move |transaction| events::page(transaction, after, limit)).await
    }

    async fn hidden_rows(&self) -> Result<u64, StoreError> {
        self.read(events::hidden).await
    }

    async fn leaves(&self, after: Position, limit: usize) -> Result<Vec<Hash>, StoreError> {
        self.read(move |transaction| events::leaves(transaction, after, limit)).await
    }

    async fn keep_snapshots(&self, snapshots: &[Snapshot]) -> Result<(), StoreError> {
        let snapshots = snapshots.to_vec();
        self.write(move |transaction| events::keep_snapshots(transaction, &snapshots)).await
    }

    async fn holders(&self, claims: &[Claim]) -> Result<Vec<Option<StreamId>>, StoreError> {
        let claims = claims.to_vec();
        self.read(move |transaction| claims.iter().map(|claim| kept::holder(transaction, claim)).collect())
            .await
    }

    async fn claims(
        &self,
        after: Option<&Claim>,
        limit: usize,
    ) -> Result<Vec<(Claim, StreamId)>, StoreError> {
        let after = after.cloned();
        self.read(move |transaction| kept::claims(transaction, after.as_ref(), limit)).await
    }

    async fn claim_count(&self) -> Result<u64, StoreError> {
        self.read(kept::claim_count).await
    }

    async fn record(&self, owner: &str, key: &str, now_us: i64) -> Result<Option<StoredRecord>, StoreError> {
        let (owner, key) = (owner.to_owned(), key.to_owned());
        self.read(move |transaction| kept::record(transaction, &owner, &key, now_us)).await
    }

    async fn forget_records(&self, now_us: i64) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let some = self.write(move |transaction| kept::forget_some_records(transaction, now_us)).await?;
            if some == 0 {
                return Ok(forgotten);
            }
            forgotten += some;
        }
    }

    async fn data_key(&self, key_id: &str) -> Result<Option<WrappedKey>, StoreError> {
        let key_id = key_id.to_owned();
        self.read(move |transaction| kept::data_key(transaction, key_id)).await
    }

    async fn data_keys(&self, after: &str, limit: usize) -> Result<Vec<WrappedKey>, StoreError> {
        let after = after.to_owned();
        self.read(move |transaction| keys::after(transaction, &after, limit)).await
    }

    async fn restore_keys(&self, keys: &[WrappedKey]) -> Result<u64, StoreError> {
        let keys = keys.to_vec();
        self.write(move |transaction| keys::restore(transaction, &keys)).await
    }

    async fn destroy_keys(&self, ids: &[String]) -> Result<u64, StoreError> {
        let ids = ids.to_vec();
        self.write(move |transaction| keys::destroy(transaction, &ids)).await
    }

    async fn sweep(&self, sweep: Sweep) -> Result<(), StoreError> {
        self.on_writer(Urgency::Patient, move |connection| keys::sweep(connection, sweep)).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.read(move |transaction| kept::setting(transaction, &name)).await
    }

    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |transaction| kept::settle(transaction, &name, value)).await
    }

    async fn create_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        let tables = tables.to_vec();
        self.write(move |transaction| rows::create(transaction, &tables)).await
    }

    async fn checkpoint(&self, reader: &str) -> Result<Position, StoreError> {
        let reader = reader.to_owned();
        self.read(move |transaction| rows::checkpoint(transaction, &reader)).await
    }

    async fn apply(&self, commit: &ReaderCommit) -> Result<(), StoreError> {
        let commit = commit.clone();
        // What a reader makes of the log can be made again, so it need not be on the disk before the next thing is done:
        // a power cut takes it with the checkpoint that says so, and the next append carries it along.
        self.write_not_synced(move |transaction| rows::apply(transaction, &commit)).await
    }

    async fn change_rows(&self, changes: &[RowChange], fence: Option<&Fence>) -> Result<(), StoreError> {
        let (changes, fence) = (changes.to_vec(), fence.cloned());
        self.write(move |transaction| {
            leases::check(transaction, &fence)?;
            rows::change(transaction, &changes)
        })
        .await
    }

    async fn reset(&self, reader: &str, tables: &[&'static Table]) -> Result<(), StoreError> {
        let (reader, tables) = (reader.to_owned(), tables.to_vec());
        self.write(move |transaction| rows::reset(transaction, &reader, &tables)).await
    }

    async fn swap(&self, swap: &Swap) -> Result<(), StoreError> {
        let swap = swap.clone();
        self.write(move |transaction| rows::swap(transaction, &swap)).await
    }

    async fn drop_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        let tables = tables.to_vec();
        self.write(move |transaction| rows::drop_tables(transaction, &tables)).await
    }

    async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        ttl: Duration,
        take: Take,
    ) -> Result<Option<Lease>, StoreError> {
        let (presence, name, owner) = (Arc::clone(&self.presence), name.to_owned(), owner.to_owned());
        // A power cut ends every process on the file, so no lease outlives what it takes with it.
        let job = move |transaction: &Transaction<'_>| {
            leases::take(transaction, &presence, (&name, &owner), ttl, take)
        };
        self.write_not_synced(job).await
    }

    async fn give_back(&self, owner: &str, names: &[String]) -> Result<(), StoreError> {
        let (presence, owner, names) = (Arc::clone(&self.presence), owner.to_owned(), names.to_vec());
        let job =
            move |transaction: &Transaction<'_>| leases::give_back(transaction, &presence, &owner, &names);
        self.write_not_synced(job).await
    }

    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        let presence = Arc::clone(&self.presence);
        self.read(move |transaction| leases::standings(transaction, &presence)).await
    }

    async fn rows(&self, table: &'static Table, keys: &[String]) -> Result<Vec<Row>, StoreError> {
        let keys = keys.to_vec();
        self.read(move |transaction| rows::by(transaction, table, "key", keys)).await
    }

    async fn children(&self, table: &'static Table, parents: &[String]) -> Result<Vec<Row>, StoreError> {
        let parents = parents.to_vec();
        self.read(move |transaction| rows::by(transaction, table, "parent", parents)).await
    }

    async fn select(&self, select: &Select) -> Result<Vec<Row>, StoreError> {
        let select = select.clone();
        self.read(move |transaction| rows::select(transaction, &select)).await
    }

    async fn docs(&self, looks: &[Select]) -> Result<Vec<Vec<String>>, StoreError> {
        let looks = looks.to_vec();
        self.read(move |transaction| looks.iter().map(|look| rows::docs(transaction, look)).collect()).await
    }

    async fn count(&self, table: &'static Table, filters: &[Filter]) -> Result<u64, StoreError> {
        let filters = filters.to_vec();
        self.read(move |transaction| rows::count(transaction, table, &filters)).await
    }

    async fn close(&self) {
        // The writer goes last: whoever closes the file last folds the write-ahead log into it, and readers may not.
        self.readers.close().await;
        self.ahead.close().await;
        self.writer.close().await;
        self.presence.ends();
    }
}
