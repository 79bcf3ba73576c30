//! What lives beside the events: claims, idempotency records, data keys and settings.

use orderwire_domain::{claim::Claim, ids::StreamId};
use rusqlite::{Connection, OptionalExtension, params};

use super::events::{bounded, stream_id};
use crate::{
    engine::log::{Appended, StoreError, StoredRecord, WrappedKey},
    stores::sql::LOG_ID,
};

/// Records are forgotten this many at a time, so that appends get in between.
const RECORDS_FORGOTTEN_MAX: i64 = 1_000;

/// Who holds a claim.
pub(super) fn holder(connection: &Connection, claim: &Claim) -> Result<Option<StreamId>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT holder FROM claims WHERE log_id = ?1 AND scope = ?2 AND key = ?3")?;
    let mut rows = statement.query(params![LOG_ID, <&str>::from(claim.scope), claim.key])?;
    rows.next()?.map(|row| stream_id(row, 0)).transpose()
}

/// Claims after one, by scope and key.
pub(super) fn claims(
    connection: &Connection,
    after: Option<&Claim>,
    limit: usize,
) -> Result<Vec<(Claim, StreamId)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT scope, key, holder FROM claims WHERE log_id = ?1 AND (scope, key) > (?2, ?3) \
             ORDER BY scope, key LIMIT ?4",
    )?;
    // No scope has an empty name, so everything comes after this.
    let (scope, key) = after.map_or(("", ""), |claim| (claim.scope.into(), claim.key.as_str()));
    let mut rows = statement.query(params![LOG_ID, scope, key, bounded(limit)])?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next()? {
        let scope: String = row.get(0)?;
        let scope = scope
            .parse()
            .map_err(|_| StoreError::Corrupt(format!("`{scope}` is not the scope of a claim")))?;
        let claim = Claim { scope, key: row.get(1)? };
        claims.push((claim, stream_id(row, 2)?));
    }
    Ok(claims)
}

/// How many claims are held.
pub(super) fn claim_count(connection: &Connection) -> Result<u64, StoreError> {
    connection
        .query_row("SELECT count(*) FROM claims WHERE log_id = ?1", [LOG_ID], |row| row.get(0))
        .map_err(StoreError::from)
}

/// A record that has not expired.
pub(super) fn record(
    connection: &Connection,
    owner: &str,
    key: &str,
    now_us: i64,
) -> Result<Option<StoredRecord>, StoreError> {
    connection
        .prepare_cached(
            "SELECT fingerprint, ids, first, count, recorded_at FROM idempotency \
             WHERE log_id = ?1 AND owner = ?2 AND key = ?3 AND (expires_at IS NULL OR expires_at > ?4)",
        )
        .and_then(|mut statement| {
            let found = statement.query_row(params![LOG_ID, owner, key, now_us], |row| {
                let appended =
                    Appended { first: row.get(2)?, count: row.get(3)?, recorded_at_us: row.get(4)? };
                Ok(StoredRecord { fingerprint: row.get(0)?, ids: row.get(1)?, appended })
            });
            found.optional()
        })
        .map_err(StoreError::from)
}

/// Forgets some expired records; none once there are no more.
pub(super) fn forget_some_records(connection: &Connection, now_us: i64) -> Result<u64, StoreError> {
    let forgotten = connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE (log_id, owner, key) IN (SELECT log_id, owner, key FROM idempotency \
             WHERE log_id = ?1 AND expires_at <= ?2 LIMIT ?3)",
        )
        .and_then(|mut statement| statement.execute(params![LOG_ID, now_us, RECORDS_FORGOTTEN_MAX]))?;
    Ok(forgotten as u64)
}

/// A data key, unless it was destroyed.
pub(super) fn data_key(connection: &Connection, key_id: String) -> Result<Option<WrappedKey>, StoreError> {
    let wrapped: Option<Vec<u8>> = connection
        .prepare_cached("SELECT wrapped FROM data_keys WHERE log_id = ?1 AND key_id = ?2 AND destroyed = 0")
        .and_then(|mut statement| {
            statement.query_row(params![LOG_ID, key_id], |row| row.get(0)).optional()
        })?;
    Ok(wrapped.map(|wrapped| WrappedKey { key_id, wrapped }))
}

/// The value of a setting.
pub(super) fn setting(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    connection
        .prepare_cached("SELECT value FROM settings WHERE log_id = ?1 AND name = ?2")
        .and_then(|mut statement| statement.query_row(params![LOG_ID, name], |row| row.get(0)).optional())
        .map_err(StoreError::from)
}

/// Sets a setting that has no value; answers the value it has.
pub(super) fn settle(connection: &Connection, name: &str, value: String) -> Result<String, StoreError> {
    if let Some(settled) = setting(connection, name)? {
        return Ok(settled);
    }
    let inserted = connection
        .prepare_cached("INSERT INTO settings (log_id, name, value) VALUES (?1, ?2, ?3)")
        .and_then(|mut statement| statement.execute(params![LOG_ID, name, value]))?;
    assert_eq!(inserted, 1, "an insert inserts");
    Ok(value)
}
