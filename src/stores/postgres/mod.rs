//! The shared store: any number of engine processes beside one `PostgreSQL`.
//!
//! Appends of all processes take turns on the row of the log's head, so nothing here needs advisory locks, sequences or
//! notifications, which the databases that speak this language lack. Deliberately absent: any decision; what a batch may
//! write is computed by [`crate::engine::append`], the same for every store.

use async_trait::async_trait;
use orderwire_domain::{
    claim::Claim,
    ids::StreamId,
    views::table::{Row, Table},
};
use sqlx::Connection as _;
use std::{fmt, sync::Arc, time::Duration};

use super::Migrate;
use crate::engine::{
    leaf::Hash,
    log::{
        Commit, Fence, Filter, Head, Lease, Log, Position, ReaderCommit, RowChange, Select, Sequence,
        Snapshot, Standing, StoreError, StoredEvent, StoredRecord, StreamLoad, Swap, Sweep, Take, Verdict,
        WrappedKey,
    },
};

mod append;
pub(super) mod baseline;
mod connect;
mod keys;
mod leases;
mod lookups;
mod migrate;
mod pool;
mod read;
mod reader;
pub(super) mod stock;
mod tables;
mod write;

pub use migrate::SCHEMA_VERSION;

/// A log on `PostgreSQL` 14 or later.
pub struct PostgresLog {
    appender: append::Appender,
    pool: Arc<pool::Pool>,
    lookups: lookups::Lookups,
}

/// How often each way of appending was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Batches appended by one optimistic statement.
    pub fast: u64,
    /// Batches appended by a transaction that held the head and checked first.
    pub checked: u64,
}

impl PostgresLog {
    /// Opens the store at a `postgres://` URL.
    ///
    /// Fails where the server cannot be reached, is older than 14, or has another schema and may not be migrated.
    pub async fn open(url: &str, migrate: Migrate) -> Result<Self, StoreError> {
        let server = connect::Server::from_url(url)?;
        let mut connection = server.plain_connection().await?;
        connect::check_server(&mut connection).await?;
        migrate::prepare(&mut connection, migrate).await?;
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "the migrating connection was closed by the other side");
        }
        let appending = server.append_connection().await?;
        let pool = Arc::new(pool::Pool::new(server.clone()));
        let lookups = lookups::Lookups::start(&pool);
        Ok(Self { appender: append::Appender::new(server, appending), pool, lookups })
    }

    /// The schema of the database at a `postgres://` URL; 0 where nothing was migrated yet.
    pub async fn schema_version(url: &str) -> Result<i64, StoreError> {
        let mut connection = connect::Server::from_url(url)?.plain_connection().await?;
        migrate::version(&mut connection).await.map_err(|error| connect::store_error(&error))
    }

    /// How often each way of appending was taken since this was opened.
    pub fn paths(&self) -> Paths {
        self.appender.paths()
    }
}

impl fmt::Debug for PostgresLog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PostgresLog").field("paths", &self.paths()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Log for PostgresLog {
    async fn head(&self) -> Result<Head, StoreError> {
        read::head(&self.pool).await
    }

    async fn append(&self, batch: &[Arc<Commit>], now_us: i64) -> Result<Vec<Verdict>, StoreError> {
        self.appender.append(batch, now_us).await
    }

    async fn load(&self, streams: &[(StreamId, &str)]) -> Result<Vec<StreamLoad>, StoreError> {
        read::load(&self.pool, streams).await
    }

    async fn stream(
        &self,
        stream: StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        read::stream(&self.pool, stream, after, limit).await
    }

    async fn page(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        read::page(&self.pool, after, limit).await
    }

    async fn hidden_rows(&self) -> Result<u64, StoreError> {
        read::hidden(&self.pool).await
    }

    async fn leaves(&self, after: Position, limit: usize) -> Result<Vec<Hash>, StoreError> {
        read::leaves(&self.pool, after, limit).await
    }

    async fn keep_snapshots(&self, snapshots: &[Snapshot]) -> Result<(), StoreError> {
        read::keep_snapshots(&self.pool, snapshots).await
    }

    async fn holders(&self, claims: &[Claim]) -> Result<Vec<Option<StreamId>>, StoreError> {
        read::holders(&self.pool, claims).await
    }

    async fn claims(
        &self,
        after: Option<&Claim>,
        limit: usize,
    ) -> Result<Vec<(Claim, StreamId)>, StoreError> {
        read::claims(&self.pool, after, limit).await
    }

    async fn claim_count(&self) -> Result<u64, StoreError> {
        read::claim_count(&self.pool).await
    }

    async fn record(&self, owner: &str, key: &str, now_us: i64) -> Result<Option<StoredRecord>, StoreError> {
        read::record(&self.pool, owner, key, now_us).await
    }

    async fn forget_records(&self, now_us: i64) -> Result<u64, StoreError> {
        read::forget_records(&self.pool, now_us).await
    }

    async fn data_key(&self, key_id: &str) -> Result<Option<WrappedKey>, StoreError> {
        read::data_key(&self.pool, key_id).await
    }

    async fn data_keys(&self, after: &str, limit: usize) -> Result<Vec<WrappedKey>, StoreError> {
        keys::after(&self.pool, after, limit).await
    }

    async fn restore_keys(&self, keys: &[WrappedKey]) -> Result<u64, StoreError> {
        keys::restore(&self.pool, keys).await
    }

    async fn destroy_keys(&self, ids: &[String]) -> Result<u64, StoreError> {
        keys::destroy(&self.pool, ids).await
    }

    async fn sweep(&self, sweep: Sweep) -> Result<(), StoreError> {
        keys::sweep(&self.pool, sweep).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        read::setting(&self.pool, name).await
    }

    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        read::settle(&self.pool, name, value).await
    }

    async fn create_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        tables::create(&self.pool, tables).await
    }

    async fn checkpoint(&self, reader: &str) -> Result<Position, StoreError> {
        reader::checkpoint(&self.pool, reader).await
    }

    async fn apply(&self, commit: &ReaderCommit) -> Result<(), StoreError> {
        reader::apply(&self.pool, commit).await
    }

    async fn change_rows(&self, changes: &[RowChange], fence: Option<&Fence>) -> Result<(), StoreError> {
        reader::change_rows(&self.pool, changes, fence).await
    }

    async fn reset(&self, reader: &str, tables: &[&'static Table]) -> Result<(), StoreError> {
        reader::reset(&self.pool, reader, tables).await
    }

    async fn swap(&self, swap: &Swap) -> Result<(), StoreError> {
        tables::swap(&self.pool, swap).await
    }

    async fn drop_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        tables::drop_all(&self.pool, tables).await
    }

    async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        ttl: Duration,
        take: Take,
    ) -> Result<Option<Lease>, StoreError> {
        leases::take(&self.pool, name, owner, ttl, take).await
    }

    async fn give_back(&self, owner: &str, names: &[String]) -> Result<(), StoreError> {
        leases::give_back(&self.pool, owner, names).await
    }

    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        leases::standings(&self.pool).await
    }

    async fn rows(&self, table: &'static Table, keys: &[String]) -> Result<Vec<Row>, StoreError> {
        match keys {
            [key] => self.lookups.row(table, key.clone()).await,
            keys => reader::rows(&self.pool, table, keys).await,
        }
    }

    async fn children(&self, table: &'static Table, parents: &[String]) -> Result<Vec<Row>, StoreError> {
        reader::children(&self.pool, table, parents).await
    }

    async fn select(&self, select: &Select) -> Result<Vec<Row>, StoreError> {
        reader::select(&self.pool, select).await
    }

    async fn docs(&self, looks: &[Select]) -> Result<Vec<Vec<String>>, StoreError> {
        reader::docs(&self.pool, looks).await
    }

    async fn count(&self, table: &'static Table, filters: &[Filter]) -> Result<u64, StoreError> {
        reader::count(&self.pool, table, filters).await
    }

    async fn close(&self) {
        self.appender.close().await;
        self.pool.close().await;
    }
}

/// What can go wrong inside: the driver's own error where somebody still has to judge it, ours where it is judged.
#[derive(Debug)]
enum Failure {
    Sql(sqlx::Error),
    Store(StoreError),
}

impl Failure {
    fn into_store_error(self) -> StoreError {
        match self {
            Self::Sql(error) => connect::store_error(&error),
            Self::Store(error) => error,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A position, sequence or count as the database keeps it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("no log has 2^63 events")
}

/// The same, read back.
fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Corrupt(format!("{number} counts nothing")))
}

/// How many rows to ask for.
fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
