//! Leases, by the clock of the server: no process compares its own with that of another.
//!
//! Whoever writes under a lease holds its row until its transaction ends, so nobody takes it between the check of the token
//! and the commit.

use std::time::Duration;

use sqlx::{PgConnection, Row as _};

use super::{
    Failure,
    connect::store_error,
    pool::Pool,
    read::{fetch, value},
    signed, unsigned,
};
use crate::{
    engine::log::{Fence, Lease, Standing, StoreError, Take},
    stores::sql::LOG_ID,
};

/// Takes or renews a lease. The clock is read when the row is held, not when the statement began to wait for it.
const TAKE: &str = "
INSERT INTO readers AS r (log_id, name, position, lease_owner, lease_until, fencing_token)
VALUES ($1, $2, 0, $3, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $4, 1)
ON CONFLICT (log_id, name) DO UPDATE
SET lease_owner = excluded.lease_owner,
    lease_until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $4,
    fencing_token = r.fencing_token + CASE WHEN r.lease_owner = excluded.lease_owner THEN 0 ELSE 1 END
WHERE $5 OR r.lease_owner IS NULL OR r.lease_owner = excluded.lease_owner
   OR r.lease_until <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
RETURNING fencing_token";

pub(super) async fn take(
    pool: &Pool,
    name: &str,
    owner: &str,
    ttl: Duration,
    take: Take,
) -> Result<Option<Lease>, StoreError> {
    let ttl_us = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX / 2);
    let token: Option<i64> = value(pool, || {
        sqlx::query(TAKE).bind(LOG_ID).bind(name).bind(owner).bind(ttl_us).bind(take == Take::FromAnybody)
    })
    .await?;
    let lease = |token| Ok(Lease { name: name.to_owned(), owner: owner.to_owned(), token: unsigned(token)? });
    token.map(lease).transpose()
}

pub(super) async fn give_back(pool: &Pool, owner: &str, names: &[String]) -> Result<(), StoreError> {
    let sql = "UPDATE readers SET lease_owner = NULL, lease_until = NULL \
               WHERE log_id = $1 AND lease_owner = $2 AND name = ANY ($3)";
    // Those that somebody else has by now are not ours to give.
    fetch(pool, || sqlx::query(sql).bind(LOG_ID).bind(owner).bind(names)).await?;
    Ok(())
}

pub(super) async fn standings(pool: &Pool) -> Result<Vec<Standing>, StoreError> {
    let sql = "SELECT name, position, \
               CASE WHEN lease_until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint \
               THEN lease_owner END, fencing_token FROM readers WHERE log_id = $1 ORDER BY name";
    let rows = fetch(pool, || sqlx::query(sql).bind(LOG_ID)).await?;
    let read = |row: &sqlx::postgres::PgRow| -> sqlx::Result<(String, i64, Option<String>, i64)> {
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
    };
    let standing = |row| {
        let (name, position, owner, token) = read(row).map_err(|error| store_error(&error))?;
        Ok(Standing { name, position: unsigned(position)?, owner, token: unsigned(token)? })
    };
    rows.iter().map(standing).collect()
}

/// The tokens of leases, each held as it is until the transaction ends. Those that nobody ever had are not among them.
pub(super) async fn hold(
    connection: &mut PgConnection,
    names: &[String],
) -> Result<Vec<(String, u64)>, Failure> {
    let sql = "SELECT name, fencing_token FROM readers WHERE log_id = $1 AND name = ANY ($2) \
               ORDER BY name FOR SHARE";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).bind(LOG_ID).bind(names).fetch_all(connection).await?;
    rows.into_iter().map(|(name, token)| Ok((name, unsigned(token)?))).collect()
}

/// Refuses what was begun before the lease changed hands, and keeps it from changing hands until the transaction ends.
pub(super) async fn check(connection: &mut PgConnection, fence: Option<&Fence>) -> Result<(), Failure> {
    let Some(fence) = fence else { return Ok(()) };
    let held = hold(connection, std::slice::from_ref(&fence.name)).await?;
    let token = held.first().map_or(0, |(_, token)| *token);
    if token == fence.token { Ok(()) } else { Err(fenced_out(fence)) }
}

pub(super) fn fenced_out(fence: &Fence) -> Failure {
    StoreError::FencedOut(fence.name.clone()).into()
}

/// The token of a fence as the database keeps it.
pub(super) fn token_of(fence: &Fence) -> i64 {
    signed(fence.token)
}
