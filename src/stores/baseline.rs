//! What a database can do at all: rows of event size in durable transactions, and nothing else. The bench compares with it.

use std::time::Duration;

use crate::engine::log::StoreError;

/// A database to write bare rows to. It stays open from round to round, as the store beside it does.
pub enum Bare {
    /// A file beside the store.
    #[cfg(feature = "sqlite")]
    Sqlite(std::sync::Arc<std::sync::Mutex<super::sqlite::baseline::Bare>>),
    /// A table beside the store's.
    #[cfg(feature = "postgres")]
    Postgres(String),
}

impl Bare {
    /// Makes room beside the store of a url.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        if super::is_postgres(url) {
            #[cfg(feature = "postgres")]
            return Ok(Self::Postgres(url.to_owned()));
            #[cfg(not(feature = "postgres"))]
            return Err(StoreError::Unsupported("this binary was built without postgres".into()));
        }
        of_sqlite(url.strip_prefix("sqlite:").unwrap_or(url)).await
    }

    /// Rows per second with so many connections, so many rows a transaction, and so many bytes a row.
    pub async fn rows_per_second(
        &self,
        #[cfg_attr(
            not(feature = "postgres"),
            expect(
                unused_variables,
                reason = "a file has one writer, so one connection is all that it can do"
            )
        )]
        connections: usize,
        rows: usize,
        bytes: usize,
        time: Duration,
    ) -> Result<f64, StoreError> {
        let payload = "x".repeat(bytes);
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(bare) => {
                let bare = std::sync::Arc::clone(bare);
                let measure = move || {
                    let mut bare = bare.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    bare.rows_per_second(rows, &payload, time)
                };
                blocking(measure).await
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                super::postgres::baseline::rows_per_second(url, connections, rows, &payload, time).await
            }
        }
    }

    /// How long each of many transactions of one row took, one after the other.
    #[cfg(feature = "server")]
    pub async fn latencies(&self, bytes: usize, time: Duration) -> Result<Vec<Duration>, StoreError> {
        let payload = "x".repeat(bytes);
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(bare) => {
                let bare = std::sync::Arc::clone(bare);
                let measure = move || {
                    let mut bare = bare.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    bare.latencies(&payload, time)
                };
                blocking(measure).await
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => super::postgres::baseline::latencies(url, &payload, time).await,
        }
    }
}

#[cfg(feature = "sqlite")]
async fn of_sqlite(path: &str) -> Result<Bare, StoreError> {
    let path = path.to_owned();
    let bare = blocking(move || super::sqlite::baseline::Bare::open(&path)).await?;
    Ok(Bare::Sqlite(std::sync::Arc::new(std::sync::Mutex::new(bare))))
}

#[cfg(not(feature = "sqlite"))]
async fn of_sqlite(_path: &str) -> Result<Bare, StoreError> {
    Err(StoreError::Unsupported("this binary was built without sqlite".into()))
}

#[cfg(feature = "sqlite")]
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| StoreError::Unavailable(panic.to_string()))?
}
