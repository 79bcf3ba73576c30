//! Data keys beside any append: put back, destroyed again, and their remains swept.
//!
//! Absent: what was written of a key elsewhere, into the server's own write-ahead log, to its standbys and in backups of
//! its files. That ends when they do.

use sqlx::Row as _;

use super::{pool::Pool, read::fetch};
use crate::engine::log::{StoreError, Sweep, WrappedKey};

/// Keys that are there, by id.
pub(super) async fn after(pool: &Pool, after: &str, limit: usize) -> Result<Vec<WrappedKey>, StoreError> {
    let sql = "SELECT key_id, wrapped FROM data_keys WHERE key_id > $1 AND wrapped IS NOT NULL \
               ORDER BY key_id LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = fetch(pool, || sqlx::query(sql).bind(after).bind(limit)).await?;
    let key =
        |row: &sqlx::postgres::PgRow| Ok(WrappedKey { key_id: row.try_get(0)?, wrapped: row.try_get(1)? });
    let keys: Result<_, sqlx::Error> = rows.iter().map(key).collect();
    keys.map_err(|error| super::connect::store_error(&error))
}

/// Puts back those of which nothing is known; says how many.
pub(super) async fn restore(pool: &Pool, keys: &[WrappedKey]) -> Result<u64, StoreError> {
    let ids: Vec<&str> = keys.iter().map(|key| key.key_id.as_str()).collect();
    let wrapped: Vec<&[u8]> = keys.iter().map(|key| key.wrapped.as_slice()).collect();
    let sql = "INSERT INTO data_keys (key_id, wrapped) SELECT * FROM unnest($1::text[], $2::bytea[]) \
               ON CONFLICT DO NOTHING RETURNING 1";
    Ok(fetch(pool, || sqlx::query(sql).bind(&ids).bind(&wrapped)).await?.len() as u64)
}

/// Destroys those that are there; says how many.
pub(super) async fn destroy(pool: &Pool, ids: &[String]) -> Result<u64, StoreError> {
    let sql =
        "UPDATE data_keys SET wrapped = NULL WHERE key_id = ANY ($1) AND wrapped IS NOT NULL RETURNING 1";
    Ok(fetch(pool, || sqlx::query(sql).bind(ids)).await?.len() as u64)
}

/// Removes the row versions that nobody sees any more; with the whole of it, the table gets a new file.
pub(super) async fn sweep(pool: &Pool, sweep: Sweep) -> Result<(), StoreError> {
    let sql = match sweep {
        Sweep::Light => "VACUUM data_keys",
        Sweep::Whole => "VACUUM (FULL) data_keys",
    };
    fetch(pool, || sqlx::query(sql)).await.map(|_| ())
}
