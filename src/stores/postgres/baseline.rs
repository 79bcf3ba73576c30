//! Bare durable transactions beside the store, for the bench to compare with.

use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _, PgConnection};

use super::connect::{Server, store_error};
use crate::engine::log::StoreError;

/// Rows per second over so many connections; for single rows the better of a statement that commits by itself and one
/// between BEGIN and COMMIT.
pub(in crate::stores) async fn rows_per_second(
    url: &str,
    connections: usize,
    rows: usize,
    payload: &str,
    time: Duration,
) -> Result<f64, StoreError> {
    let server = Server::from_url(url)?;
    let mut admin = with_table(&server).await?;
    // A server takes so many connections; past that, more callers only wait.
    let connections = connections.min(CONNECTIONS_MAX);
    let alone = if rows == 1 { run(&server, connections, 1, false, payload, time / 2).await? } else { 0.0 };
    let share = if rows == 1 { time / 2 } else { time };
    let together = run(&server, connections, rows, true, payload, share).await?;
    admin.execute("DROP TABLE bench_bare").await.map_err(|error| store_error(&error))?;
    Ok(alone.max(together))
}

/// How long each row took that committed by itself, one after the other over one connection.
#[cfg(feature = "server")]
pub(in crate::stores) async fn latencies(
    url: &str,
    payload: &str,
    time: Duration,
) -> Result<Vec<Duration>, StoreError> {
    let server = Server::from_url(url)?;
    let mut admin = with_table(&server).await?;
    let mut connection = server.plain_connection().await?;
    let payload = serde_json::to_string(payload).expect("a text is JSON");
    let until = Instant::now() + time;
    let mut took = Vec::new();
    while Instant::now() < until {
        let begun = Instant::now();
        insert_one(&mut connection, &payload).await.map_err(|error| store_error(&error))?;
        took.push(begun.elapsed());
    }
    connection.close().await.map_err(|error| store_error(&error))?;
    admin.execute("DROP TABLE bench_bare").await.map_err(|error| store_error(&error))?;
    Ok(took)
}

/// A connection beside those that are measured, once there is a table for rows.
async fn with_table(server: &Server) -> Result<PgConnection, StoreError> {
    let mut admin = server.plain_connection().await?;
    let create = "CREATE TABLE IF NOT EXISTS bench_bare (stream text, sequence bigint, payload json, \
                  PRIMARY KEY (stream, sequence))";
    admin.execute(create).await.map_err(|error| store_error(&error))?;
    Ok(admin)
}

/// Connections of the baseline at most.
const CONNECTIONS_MAX: usize = 64;

async fn run(
    server: &Server,
    connections: usize,
    rows: usize,
    explicit: bool,
    payload: &str,
    time: Duration,
) -> Result<f64, StoreError> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(server.plain_connection().await?);
    }
    // JSON, as events are.
    let payload = serde_json::to_string(payload).expect("a text is JSON");
    let begun = Instant::now();
    let until = begun + time;
    let tasks = open.into_iter().map(|connection| {
        let payload = payload.clone();
        tokio::spawn(async move { insert(connection, rows, explicit, &payload, until).await })
    });
    let mut written = 0;
    for task in futures::future::join_all(tasks).await {
        let done = task.map_err(|panic| StoreError::Unavailable(panic.to_string()))?;
        written += done.map_err(|error| store_error(&error))?;
    }
    Ok(f64::from(written) / begun.elapsed().as_secs_f64())
}

async fn insert(
    mut connection: PgConnection,
    rows: usize,
    explicit: bool,
    payload: &str,
    until: Instant,
) -> Result<u32, sqlx::Error> {
    let mut written = 0;
    while Instant::now() < until {
        if explicit {
            let mut transaction = connection.begin().await?;
            for _ in 0..rows {
                insert_one(&mut transaction, payload).await?;
            }
            transaction.commit().await?;
        } else {
            insert_one(&mut connection, payload).await?;
        }
        written += u32::try_from(rows).unwrap_or(u32::MAX);
    }
    connection.close().await?;
    Ok(written)
}

async fn insert_one(connection: &mut PgConnection, payload: &str) -> Result<(), sqlx::Error> {
    let stream = uuid::Uuid::now_v7().simple().to_string();
    let insert = sqlx::query("INSERT INTO bench_bare VALUES ($1, 1, $2::json)").bind(stream).bind(payload);
    insert.execute(connection).await.map(drop)
}
