//! Bare durable transactions in a file of their own, for the bench to compare with.
//!
//! The file is treated as the store's is: opened by the same code, and kept open. A write-ahead log that still grows costs
//! several times what one costs that is overwritten, since each commit then changes the size of the file as well; so it
//! is filled once before anything is measured.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use super::connect;
use crate::{engine::log::StoreError, stores::Migrate};

/// Rows of a transaction while the write-ahead log is filled.
const FILLING_ROWS: usize = 64;
/// A page with its frame in the write-ahead log.
const FRAME_BYTES: u64 = 4_096 + 24;

/// A file for bare rows. It is deleted in the end.
pub(crate) struct Bare {
    connection: Connection,
    file: PathBuf,
}

impl Bare {
    /// A file beside the store, with a write-ahead log that has been folded into it once.
    pub(in crate::stores) fn open(store: &str) -> Result<Self, StoreError> {
        let file = PathBuf::from(format!("{store}-bare"));
        let connection = connect::writer(&file, Migrate::Yes)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS bare (stream TEXT NOT NULL, sequence INTEGER NOT NULL, payload TEXT NOT NULL, \
             PRIMARY KEY (stream, sequence)) STRICT",
        )?;
        let mut bare = Self { connection, file };
        bare.warm_up()?;
        Ok(bare)
    }

    /// Every transaction writes a frame at least, so this comes to an end.
    fn warm_up(&mut self) -> Result<(), StoreError> {
        let folded_at = connect::PAGES_BETWEEN_CHECKPOINTS.unsigned_abs() * FRAME_BYTES;
        let payload = "x".repeat(1_024);
        while bytes(&self.beside("-wal"))? < folded_at {
            self.transactions(FILLING_ROWS, &payload, |written| written >= FILLING_ROWS)?;
        }
        // The first commit after the fold begins at its start again.
        self.transactions(1, &payload, |written| written >= 1)?;
        Ok(())
    }

    /// Rows per second, in transactions of so many.
    pub(in crate::stores) fn rows_per_second(
        &mut self,
        rows: usize,
        payload: &str,
        time: Duration,
    ) -> Result<f64, StoreError> {
        let from = Instant::now();
        let written = self.transactions(rows, payload, |_| from.elapsed() >= time)?;
        #[expect(clippy::cast_precision_loss, reason = "a count of rows is far below 2^52")]
        let rate = written as f64 / from.elapsed().as_secs_f64();
        // What was written is of no use to the next round.
        self.connection.execute_batch("DELETE FROM bare")?;
        Ok(rate)
    }

    /// How long each transaction of one row took, one after the other.
    #[cfg(any(feature = "server", test))]
    pub(in crate::stores) fn latencies(
        &mut self,
        payload: &str,
        time: Duration,
    ) -> Result<Vec<Duration>, StoreError> {
        let from = Instant::now();
        let mut begun = Vec::new();
        self.transactions(1, payload, |_| {
            begun.push(Instant::now());
            from.elapsed() >= time
        })?;
        self.connection.execute_batch("DELETE FROM bare")?;
        Ok(begun.windows(2).map(|pair| pair[1] - pair[0]).collect())
    }

    /// Writes until it is enough; answers how many rows.
    fn transactions(
        &mut self,
        rows: usize,
        payload: &str,
        mut enough: impl FnMut(usize) -> bool,
    ) -> Result<usize, StoreError> {
        let mut written = 0;
        let mut insert = self.connection.prepare_cached("INSERT INTO bare VALUES (?1, ?2, ?3)")?;
        let mut begin = self.connection.prepare_cached("BEGIN IMMEDIATE")?;
        let mut commit = self.connection.prepare_cached("COMMIT")?;
        while !enough(written) {
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
        Ok(written)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        PathBuf::from(format!("{}{ending}", self.file.display()))
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        for file in [self.file.clone(), self.beside("-wal"), self.beside("-shm")] {
            if let Err(error) = std::fs::remove_file(&file) {
                tracing::debug!(%error, file = %file.display(), "a file of the bench was not deleted");
            }
        }
    }
}

fn bytes(file: &Path) -> Result<u64, StoreError> {
    let found = std::fs::metadata(file).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_overwrites_a_log_that_grows_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("bench.db").display().to_string();
        let mut bare = Bare::open(&store).unwrap();
        let before = bytes(&bare.beside("-wal")).unwrap();
        for rows in [1, 64] {
            assert!(bare.rows_per_second(rows, "event", Duration::from_millis(20)).unwrap() > 0.0);
        }
        assert!(!bare.latencies("event", Duration::from_millis(20)).unwrap().is_empty());
        assert_eq!(bytes(&bare.beside("-wal")).unwrap(), before);
        drop(bare);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
