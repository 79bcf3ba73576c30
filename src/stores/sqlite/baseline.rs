//! Bare durable transactions in a file of their own, for the bench to compare with.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use rusqlite::params;

use super::connect;
use crate::{engine::log::StoreError, stores::Migrate};

/// Rows per second. `SQLite` has one writer, so one connection is all that a database can do.
pub(in crate::stores) fn rows_per_second(
    path: &str,
    rows: usize,
    payload: &str,
    time: Duration,
) -> Result<f64, StoreError> {
    // A file beside the store, opened as the store opens its own.
    let file = PathBuf::from(format!("{path}-bare"));
    let connection = connect::writer(&file, Migrate::Yes)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS bare (stream TEXT NOT NULL, sequence INTEGER NOT NULL, payload TEXT NOT NULL, \
         PRIMARY KEY (stream, sequence)) STRICT",
    )?;
    let from = Instant::now();
    let mut written: u32 = 0;
    {
        let mut insert = connection.prepare("INSERT INTO bare VALUES (?1, ?2, ?3)")?;
        let (mut begin, mut commit) = (connection.prepare("BEGIN IMMEDIATE")?, connection.prepare("COMMIT")?);
        while from.elapsed() < time {
            // One row commits by itself: that is faster than saying so around it.
            if rows > 1 {
                begin.raw_execute()?;
            }
            for _ in 0..rows {
                written += 1;
                insert.execute(params![uuid::Uuid::now_v7().simple().to_string(), 1, payload])?;
            }
            if rows > 1 {
                commit.raw_execute()?;
            }
        }
    }
    let rate = f64::from(written) / from.elapsed().as_secs_f64();
    connection.execute_batch("DROP TABLE bare")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(rate)
}
