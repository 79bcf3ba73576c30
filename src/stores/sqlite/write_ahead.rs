//! Folding the write-ahead log into the file beside the connection that writes, so that no append waits for it.
//!
//! A thread with a connection of its own folds what there is while others write. The log begins at its start again only
//! when all of it is folded, and it must: one that grows costs several times what one costs that is overwritten. So then
//! the writing thread folds what was written meanwhile, once nothing waits for it. Both wait for the disk, which appends
//! want too; they are seldom enough to be met by one append in hundreds. Where the writing thread is never idle, `SQLite`
//! folds the rest itself ([`super::connect::fold_later`]). Absent: what is written.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use rusqlite::Connection;

use super::worker::{Urgency, Workers};
use crate::engine::log::StoreError;

/// Rows that are changed before the log is folded. A row is one to three pages of it.
const ROWS_BETWEEN_FOLDS: u64 = 4_000;

/// The write-ahead log of a store.
#[derive(Debug)]
pub(super) struct WriteAhead {
    writer: Arc<Workers>,
    folder: Workers,
    /// Rows that the writer will have changed when the log is folded next.
    due: AtomicU64,
    /// Whether the writing thread has been asked to fold the rest.
    rest_waits: AtomicBool,
}

impl WriteAhead {
    /// Folds on a connection of its own what this writer writes.
    pub(super) fn new(writer: &Arc<Workers>, folder: Connection) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self {
            writer: Arc::clone(writer),
            folder: Workers::start("folder", vec![folder])?,
            due: AtomicU64::new(ROWS_BETWEEN_FOLDS),
            rest_waits: AtomicBool::new(false),
        }))
    }

    /// The writer has written; `changed` counts all the rows it ever changed.
    pub(super) fn written(self: &Arc<Self>, changed: u64) {
        if changed < self.due.load(Ordering::Relaxed) {
            return;
        }
        self.due.store(changed + ROWS_BETWEEN_FOLDS, Ordering::Relaxed);
        let this = Arc::clone(self);
        said(self.folder.later(Urgency::Patient, move |connection| {
            said(fold(connection));
            // Once more for what was written meanwhile: whatever is left the writer has to wait for.
            said(fold(connection));
            this.fold_rest();
        }));
    }

    fn fold_rest(self: &Arc<Self>) {
        if self.rest_waits.swap(true, Ordering::Relaxed) {
            return;
        }
        let this = Arc::clone(self);
        said(self.writer.later(Urgency::Idle, move |connection| {
            this.rest_waits.store(false, Ordering::Relaxed);
            said(fold(connection));
        }));
    }

    /// Ends the thread, before the writer closes the file.
    pub(super) async fn close(&self) {
        self.folder.close().await;
    }
}

/// Folds as much as can be folded without anybody waiting.
fn fold(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    let (busy, pages, folded): (bool, i64, i64) =
        statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    tracing::trace!(busy, pages, folded, "the write-ahead log was folded");
    Ok(())
}

/// Nothing depends on it: what is not folded now is folded later, or when the file is closed.
fn said(folded: Result<(), StoreError>) {
    if let Err(error) = folded {
        tracing::debug!(%error, "the write-ahead log was not folded");
    }
}

#[cfg(test)]
mod tests {
    use super::{super::connect, *};
    use crate::stores::Migrate;

    const NOTHING: fn(&mut Connection) -> Result<(), StoreError> = |_| Ok(());

    #[tokio::test]
    async fn the_log_begins_at_its_start_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let connection = connect::writer(&path, Migrate::Yes).unwrap();
        // Here nobody else folds.
        connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        connection.execute_batch("CREATE TABLE shelf (thing TEXT NOT NULL) STRICT").unwrap();
        let writer = Arc::new(Workers::start("test", vec![connection]).unwrap());
        let ahead = WriteAhead::new(&writer, connect::folder(&path).unwrap()).unwrap();
        let rows = |count: u64| {
            let ahead = Arc::clone(&ahead);
            move |connection: &mut Connection| {
                let transaction = connection.transaction()?;
                for _ in 0..count {
                    transaction
                        .prepare_cached("INSERT INTO shelf VALUES (hex(randomblob(1000)))")?
                        .execute([])?;
                }
                transaction.commit()?;
                ahead.written(connection.total_changes());
                Ok(())
            }
        };
        writer.run(Urgency::Patient, rows(ROWS_BETWEEN_FOLDS)).await.unwrap();
        // What waits is folded, and then the rest, before the second of two jobs at the latest.
        ahead.close().await;
        writer.run(Urgency::Idle, NOTHING).await.unwrap();
        writer.run(Urgency::Patient, rows(1)).await.unwrap();
        let look = connect::folder(&path).unwrap();
        let pages: i64 = look.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap();
        assert!(pages < 10, "{pages} pages are in the log");
        writer.close().await;
    }
}
