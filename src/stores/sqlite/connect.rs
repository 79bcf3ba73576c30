//! Opening a file: what is refused, what is set, and the migrations.

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, DatabaseName, ErrorCode, OpenFlags, OptionalExtension};

use super::begin;
use crate::{engine::log::StoreError, stores::Migrate};

/// The files of `migrations/sqlite`, each with the schema version it leads to.
const MIGRATIONS: [(i64, &str); 1] = [(1, include_str!("../../../migrations/sqlite/0001_log.sql"))];

/// The newest schema this binary knows.
pub const SCHEMA_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// How long a transaction waits for one of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a new file is switched to a write-ahead log; with the pause between, half a second.
const SWITCH_ATTEMPTS_MAX: u32 = 50;
const SWITCH_PAUSE: Duration = Duration::from_millis(10);

/// The write-ahead log is folded into the file after this many pages, 16 MiB. Appends change the same index pages again
/// and again, and four times the default wrote them back so much less often that batches of 64 went up by a half.
pub(super) const PAGES_BETWEEN_CHECKPOINTS: i64 = 4_000;

/// More statements than the store has, so that each is prepared once per connection.
const STATEMENTS_PREPARED: usize = 256;

/// The one connection that writes.
pub(super) fn writer(path: &Path, migrate: Migrate) -> Result<Connection, StoreError> {
    // Without leave to migrate nothing may be created, not even an empty file.
    let create = match migrate {
        Migrate::Yes => OpenFlags::SQLITE_OPEN_CREATE,
        Migrate::No if !path.exists() => {
            return Err(StoreError::SchemaOlder { found: 0, known: SCHEMA_VERSION });
        }
        Migrate::No => OpenFlags::empty(),
    };
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | create)?;
    check_version(version(&connection)?, migrate)?;
    // SQLite opens a file it may not write all the same, and says so only here.
    if connection.is_readonly(DatabaseName::Main)? {
        return Err(StoreError::ReadOnly(path.display().to_string()));
    }
    let mode = write_ahead(&connection)?;
    if mode != "wal" {
        return Err(StoreError::Unavailable(format!("no write-ahead log here, only `{mode}`")));
    }
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", PAGES_BETWEEN_CHECKPOINTS)?;
    // A key that is destroyed is not to stay where its row was. What costs a write of its own is left out.
    let _: i64 = connection.pragma_update_and_check(None, "secure_delete", "fast", |row| row.get(0))?;
    if migrate == Migrate::Yes {
        run_migrations(&mut connection)?;
    }
    Ok(connection)
}

/// Has what is done here committed without waiting for the disk. Where full synchronisation cannot be restored, a
/// transaction is still open, and every later one of this connection is refused.
pub(super) fn not_synced<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.pragma_update(None, "synchronous", "normal")?;
    let done = work(connection);
    connection.pragma_update(None, "synchronous", "full")?;
    done
}

/// Switches a new file to a write-ahead log. Of two that switch it at once `SQLite` refuses one without waiting, since
/// neither could go on while both hold the file; the other is done in a moment.
fn write_ahead(connection: &Connection) -> Result<String, StoreError> {
    let switch = || connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
    for _ in 1..SWITCH_ATTEMPTS_MAX {
        match switch() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                thread::sleep(SWITCH_PAUSE);
            }
            switched => return Ok(switched?),
        }
    }
    Ok(switch()?)
}

/// Has a connection fold the write-ahead log itself only where [`super::write_ahead`] does not come to it.
pub(super) fn fold_later(writer: &Connection) -> Result<(), StoreError> {
    Ok(writer.pragma_update(None, "wal_autocheckpoint", 4 * PAGES_BETWEEN_CHECKPOINTS)?)
}

/// The connection that folds the write-ahead log.
pub(super) fn folder(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// The schema version of a file, without changing anything; 0 where there is no file.
pub(super) fn found_version(path: &Path) -> Result<i64, StoreError> {
    if !path.exists() {
        return Ok(0);
    }
    version(&reader(path)?)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_PREPARED);
    Ok(connection)
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'";
    let exists: Option<i64> = connection.query_row(exists, [], |row| row.get(0)).optional()?;
    if exists.is_none() {
        return Ok(0);
    }
    connection
        .query_row("SELECT coalesce(max(version), 0) FROM schema_migrations", [], |row| row.get(0))
        .map_err(StoreError::from)
}

fn check_version(found: i64, migrate: Migrate) -> Result<(), StoreError> {
    let known = SCHEMA_VERSION;
    if found > known {
        return Err(StoreError::SchemaNewer { found, known });
    }
    if found < known && migrate == Migrate::No {
        return Err(StoreError::SchemaOlder { found, known });
    }
    Ok(())
}

/// Runs what the file has not had yet, all of it or nothing: also when two processes start at once.
fn run_migrations(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = begin(connection)?;
    let found = version(&transaction)?;
    check_version(found, Migrate::Yes)?;
    for (next, migration) in MIGRATIONS.iter().filter(|(next, _)| *next > found) {
        transaction.execute_batch(migration)?;
        let table =
            "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER NOT NULL PRIMARY KEY) STRICT";
        transaction.execute_batch(table)?;
        let noted = transaction.execute("INSERT INTO schema_migrations (version) VALUES (?1)", [next])?;
        assert_eq!(noted, 1, "an insert inserts");
    }
    transaction.commit().map_err(StoreError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let writer = writer(&path, Migrate::Yes).unwrap();
        let refused = reader(&path).unwrap().execute("DELETE FROM events", []).unwrap_err();
        assert!(matches!(StoreError::from(refused), StoreError::ReadOnly(_)));
        writer.close().unwrap();
    }

    #[test]
    fn only_what_need_not_be_synced_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder.path().join("log.db"), Migrate::Yes).unwrap();
        let level = |connection: &Connection| -> i64 {
            connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap()
        };
        let (normal, full) = (1, 2);
        assert_eq!(level(&writer), full);
        assert_eq!(not_synced(&mut writer, |connection| Ok(level(connection))), Ok(normal));
        assert_eq!(level(&writer), full);
        let failed = not_synced::<()>(&mut writer, |connection| {
            let transaction = begin(connection)?;
            transaction.execute_batch("DELETE FROM nothing")?;
            Ok(())
        });
        assert!(failed.is_err());
        assert_eq!(level(&writer), full, "also after a failure");
    }

    #[test]
    fn two_that_migrate_at_once_both_find_the_schema() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        std::thread::scope(|scope| {
            let migrating: Vec<_> = (0..4).map(|_| scope.spawn(|| writer(&path, Migrate::Yes))).collect();
            for migrated in migrating {
                assert_eq!(version(&migrated.join().unwrap().unwrap()), Ok(SCHEMA_VERSION));
            }
        });
    }
}
