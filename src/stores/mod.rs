//! Stores: one transaction, one append. Only this folder knows SQL.
//!
//! A store is named by a url: `sqlite:PATH` or just a path, `postgres://…`, or `memory:` for tests.

#[cfg(feature = "testing")]
pub mod conformance;
pub(crate) mod baseline;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod scratch;
pub mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::sync::Arc;

use self::sql::TableName;
use crate::engine::{
    import::StockEvent,
    log::{SharedLog, StoreError},
};

/// Whether opening a store may change its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Create it where there is none, and bring it up to date.
    Yes,
    /// Only open what has the schema of this binary.
    No,
}

/// Opens the store that a url names.
pub async fn open(url: &str, migrate: Migrate) -> Result<SharedLog, StoreError> {
    misnamed(url).map_or(Ok(()), |why| Err(StoreError::Unsupported(why)))?;
    if url == "memory:" {
        return Ok(Arc::new(memory::MemoryLog::new()));
    }
    if is_postgres(url) {
        return open_postgres(url, migrate).await;
    }
    open_sqlite(url.strip_prefix("sqlite:").unwrap_or(url), migrate).await
}

/// Brings the schema of a store up to date, creating the store where there is none.
pub async fn migrate(url: &str) -> Result<(), StoreError> {
    open(url, Migrate::Yes).await?.close().await;
    Ok(())
}

/// Why a url names no store: it is empty, or for a database that there is no store on. It is not repeated as a whole,
/// since it may carry a password.
pub fn misnamed(url: &str) -> Option<String> {
    const RIGHT: &str = "name a path, sqlite:PATH or postgres://…";
    if url.strip_prefix("sqlite:").unwrap_or(url).trim().is_empty() {
        return Some(format!("the name of the store is empty: {RIGHT}"));
    }
    let (scheme, _) = url.split_once("://")?;
    let is_scheme = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let known = is_postgres(url) || scheme == "sqlite";
    (is_scheme && !known).then(|| format!("there is no store on `{scheme}://`: {RIGHT}"))
}

/// Whether a url names a store on `PostgreSQL`.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Reads the events table that the stock crates wrote into the `PostgreSQL` database of a url.
#[cfg(feature = "postgres")]
pub async fn read_stock(url: &str, table: &TableName) -> Result<Vec<StockEvent>, StoreError> {
    postgres::stock::read(url, table).await
}

/// Reads no stock table, since this binary was built without postgres.
#[cfg(not(feature = "postgres"))]
pub async fn read_stock(_url: &str, _table: &TableName) -> Result<Vec<StockEvent>, StoreError> {
    Err(StoreError::Unsupported("this binary was built without postgres".into()))
}

#[cfg(feature = "postgres")]
async fn open_postgres(url: &str, migrate: Migrate) -> Result<SharedLog, StoreError> {
    Ok(Arc::new(postgres::PostgresLog::open(url, migrate).await?))
}

#[cfg(not(feature = "postgres"))]
async fn open_postgres(_url: &str, _migrate: Migrate) -> Result<SharedLog, StoreError> {
    // The url may carry a password, so it is not repeated.
    Err(StoreError::Unsupported("this binary was built without postgres".into()))
}

#[cfg(feature = "sqlite")]
async fn open_sqlite(path: &str, migrate: Migrate) -> Result<SharedLog, StoreError> {
    Ok(Arc::new(sqlite::SqliteLog::open(path, migrate).await?))
}

#[cfg(not(feature = "sqlite"))]
async fn open_sqlite(path: &str, _migrate: Migrate) -> Result<SharedLog, StoreError> {
    Err(StoreError::Unsupported(format!("this binary was built without sqlite: {path}")))
}
