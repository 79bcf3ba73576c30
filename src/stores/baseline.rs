//! What a database can do at all: rows of event size in durable transactions, and nothing else. The bench compares with it.

use std::time::Duration;

use crate::engine::log::StoreError;

/// Rows per second with so many connections, so many rows a transaction, and so many bytes a row.
pub async fn rows_per_second(
    url: &str,
    connections: usize,
    rows: usize,
    bytes: usize,
    time: Duration,
) -> Result<f64, StoreError> {
    let payload = "x".repeat(bytes);
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return of_postgres(url, connections, rows, &payload, time).await;
    }
    of_sqlite(url.strip_prefix("sqlite:").unwrap_or(url), rows, payload, time).await
}

#[cfg(feature = "postgres")]
async fn of_postgres(
    url: &str,
    connections: usize,
    rows: usize,
    payload: &str,
    time: Duration,
) -> Result<f64, StoreError> {
    super::postgres::baseline::rows_per_second(url, connections, rows, payload, time).await
}

#[cfg(not(feature = "postgres"))]
async fn of_postgres(
    _url: &str,
    _connections: usize,
    _rows: usize,
    _payload: &str,
    _time: Duration,
) -> Result<f64, StoreError> {
    Err(StoreError::Unsupported("this binary was built without postgres".into()))
}

#[cfg(feature = "sqlite")]
async fn of_sqlite(path: &str, rows: usize, payload: String, time: Duration) -> Result<f64, StoreError> {
    let path = path.to_owned();
    let measured = tokio::task::spawn_blocking(move || {
        super::sqlite::baseline::rows_per_second(&path, rows, &payload, time)
    });
    measured.await.map_err(|panic| StoreError::Unavailable(panic.to_string()))?
}

#[cfg(not(feature = "sqlite"))]
async fn of_sqlite(_path: &str, _rows: usize, _payload: String, _time: Duration) -> Result<f64, StoreError> {
    Err(StoreError::Unsupported("this binary was built without sqlite".into()))
}
