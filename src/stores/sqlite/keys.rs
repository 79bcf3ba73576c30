//! Data keys beside any append: put back, destroyed again, and their remains swept.

use rusqlite::{Connection, params};

use super::events::bounded;
use crate::{
    engine::log::{StoreError, Sweep, WrappedKey},
    stores::sql::LOG_ID,
};

/// Keys that are there, by id.
pub(super) fn after(
    connection: &Connection,
    after: &str,
    limit: usize,
) -> Result<Vec<WrappedKey>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT key_id, wrapped FROM data_keys WHERE log_id = ?1 AND key_id > ?2 AND destroyed = 0 \
         ORDER BY key_id LIMIT ?3",
    )?;
    let rows = statement.query_map(params![LOG_ID, after, bounded(limit)], |row| {
        Ok(WrappedKey { key_id: row.get(0)?, wrapped: row.get(1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts back those of which nothing is known; says how many.
pub(super) fn restore(connection: &Connection, keys: &[WrappedKey]) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO data_keys (log_id, key_id, wrapped, destroyed) VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING",
    )?;
    let mut restored = 0;
    for WrappedKey { key_id, wrapped } in keys {
        restored += statement.execute(params![LOG_ID, key_id, wrapped])? as u64;
    }
    Ok(restored)
}

/// Destroys those that are there; says how many.
pub(super) fn destroy(connection: &Connection, ids: &[String]) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(
        "UPDATE data_keys SET wrapped = NULL, destroyed = 1 WHERE log_id = ?1 AND key_id = ?2 AND destroyed = 0",
    )?;
    let mut destroyed = 0;
    for id in ids {
        destroyed += statement.execute(params![LOG_ID, id])? as u64;
    }
    Ok(destroyed)
}

/// What is freed is zeroed as it is freed (`secure_delete`); what the write-ahead log still has of it goes here.
pub(super) fn sweep(connection: &mut Connection, sweep: Sweep) -> Result<(), StoreError> {
    if sweep == Sweep::Whole {
        connection.execute_batch("VACUUM")?;
    }
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        let why = "somebody reads what the write-ahead log has, so it cannot be emptied yet";
        return Err(StoreError::Unavailable(why.to_owned()));
    }
    Ok(())
}
