//! Reading the log and what lives beside it: streams, pages, snapshots, claims, records, keys and settings.

use std::{collections::HashMap, time::Duration};

use orderwire_domain::{claim::Claim, ids::StreamId};
use sqlx::{
    Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{
    Failure,
    connect::is_connection_lost,
    limit_of,
    pool::{CONNECTIONS_MAX, Pool},
    signed, unsigned,
    write::{HOLDERS, RECORDS, claim_of, head_of, name_of, record_of, stream_of},
};
use crate::{
    engine::leaf::Hash,
    engine::log::{
        Head, LoadedEvent, Position, Sequence, Snapshot, StoreError, StoredEvent, StoredRecord, StreamLoad,
        WrappedKey,
    },
    stores::sql::LOG_ID,
};

/// A read takes longer only if the server cannot be heard.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The columns of an event, as [`event_of`] reads them.
const EVENT: &str = "e.position, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version, \
                     e.recorded_at, e.payload::text, e.metadata::text, e.leaf";

/// The rows of a statement that may be run twice: on a connection that turns out to be dead, it is.
pub(super) async fn fetch<'q>(
    pool: &Pool,
    query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send + Sync,
) -> Result<Vec<PgRow>, StoreError> {
    // After a restart of the server, every connection of the pool may have to be found dead once.
    let mut lost = 0;
    loop {
        let mut connection = pool.take().await?;
        let error = match tokio::time::timeout(READ_TIMEOUT, query().fetch_all(&mut *connection)).await {
            Ok(Ok(rows)) => {
                connection.give_back();
                return Ok(rows);
            }
            Ok(Err(error)) => error,
            Err(_) => return Err(StoreError::Unavailable("the database did not answer in time".to_owned())),
        };
        lost += 1;
        if !is_connection_lost(&error) || lost > CONNECTIONS_MAX {
            return Err(super::connect::store_error(&error));
        }
    }
}

pub(super) async fn head(pool: &Pool) -> Result<Head, StoreError> {
    let sql = "SELECT position, recorded_at, frontier FROM log_head WHERE log_id = $1";
    head_of(fetch(pool, || sqlx::query(sql).bind(LOG_ID)).await?.first())
}

/// All streams in one statement: a row per event, and one for a stream without any. The state of a snapshot comes with
/// the first row of its stream only.
const LOAD: &str = "
SELECT a.nth, s.sequence, CASE WHEN e.sequence IS NULL OR e.sequence = s.sequence + 1 THEN s.state END,
       e.sequence, e.event_type, e.event_version, e.payload::text
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS a (aggregate_type, aggregate_id, fingerprint, nth)
LEFT JOIN LATERAL (SELECT * FROM snapshots s
    WHERE s.aggregate_type = a.aggregate_type AND s.aggregate_id = a.aggregate_id AND s.fingerprint = a.fingerprint
    OFFSET 0) s ON true
LEFT JOIN LATERAL (SELECT e.sequence, e.event_type, e.event_version, e.payload FROM events e
    WHERE e.aggregate_type = a.aggregate_type AND e.aggregate_id = a.aggregate_id
    AND e.sequence > coalesce(s.sequence, 0) OFFSET 0) e ON true
ORDER BY a.nth, e.sequence";

pub(super) async fn load(pool: &Pool, streams: &[(StreamId, &str)]) -> Result<Vec<StreamLoad>, StoreError> {
    let kinds: Vec<&str> = streams.iter().map(|(stream, _)| stream.kind.word()).collect();
    let ids: Vec<String> = streams.iter().map(|(stream, _)| stream.to_string()).collect();
    let fingerprints: Vec<&str> = streams.iter().map(|(_, fingerprint)| *fingerprint).collect();
    let rows = fetch(pool, || sqlx::query(LOAD).bind(&kinds).bind(&ids).bind(&fingerprints)).await?;

    let mut loads = vec![StreamLoad::default(); streams.len()];
    for row in &rows {
        add_to_load(row, streams, &mut loads).map_err(Failure::into_store_error)?;
    }
    Ok(loads)
}

fn add_to_load(row: &PgRow, streams: &[(StreamId, &str)], loads: &mut [StreamLoad]) -> Result<(), Failure> {
    let nth: i64 = row.try_get(0)?;
    let index = usize::try_from(nth - 1).expect("ordinality counts what was asked, from 1");
    let (stream, fingerprint) = streams[index];
    if let Some(state) = row.try_get::<Option<String>, _>(2)? {
        let sequence = unsigned(row.try_get(1)?)?;
        let fingerprint = fingerprint.to_owned();
        loads[index].snapshot = Some(Snapshot { stream, sequence, fingerprint, state });
    }
    if let Some(sequence) = row.try_get::<Option<i64>, _>(3)? {
        let event = LoadedEvent {
            sequence: unsigned(sequence)?,
            event_type: row.try_get(4)?,
            event_version: row.try_get(5)?,
            payload: row.try_get(6)?,
        };
        loads[index].events.push(event);
    }
    Ok(())
}

pub(super) async fn stream(
    pool: &Pool,
    stream: StreamId,
    after: Sequence,
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    let sql = format!(
        "SELECT {EVENT} FROM events e WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 \
         ORDER BY sequence LIMIT $4"
    );
    let id = stream.to_string();
    let query =
        || sqlx::query(&sql).bind(stream.kind.word()).bind(&id).bind(signed(after)).bind(limit_of(limit));
    events_of(&fetch(pool, query).await?)
}

pub(super) async fn page(pool: &Pool, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
    let sql = format!(
        "SELECT {EVENT} FROM events e WHERE log_id = $1 AND position > $2 ORDER BY position LIMIT $3"
    );
    let query = || sqlx::query(&sql).bind(LOG_ID).bind(signed(after)).bind(limit_of(limit));
    events_of(&fetch(pool, query).await?)
}

pub(super) async fn leaves(pool: &Pool, after: Position, limit: usize) -> Result<Vec<Hash>, StoreError> {
    let sql =
        "SELECT leaf FROM events WHERE log_id = $1 AND position > $2 AND position <= $3 ORDER BY position";
    let last = after.saturating_add(limit as u64).min(i64::MAX.unsigned_abs());
    let rows = fetch(pool, || sqlx::query(sql).bind(LOG_ID).bind(signed(after)).bind(signed(last))).await?;
    rows.iter().map(|row| leaf_of(row, 0)).collect::<Result<_, _>>().map_err(Failure::into_store_error)
}

/// Rows that no page shows and streams would be read with: of another log, or below the first position, which a constraint
/// refuses for as long as it is there.
pub(super) async fn hidden(pool: &Pool) -> Result<u64, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM events WHERE log_id = $1 AND position < 1) \
               + (SELECT count(*) FROM events WHERE log_id < $1 OR log_id > $1)";
    let rows = fetch(pool, || sqlx::query(sql).bind(LOG_ID)).await?;
    let count = rows.first().map_or(Ok(0), |row| row.try_get::<i64, _>(0));
    Ok(count.map_err(|error| super::connect::store_error(&error))?.unsigned_abs())
}

fn leaf_of(row: &PgRow, column: usize) -> Result<Hash, Failure> {
    let leaf: &[u8] = row.try_get(column)?;
    let wrong = |_| StoreError::Corrupt("a leaf is not 32 bytes long".to_owned()).into();
    leaf.try_into().map_err(wrong)
}

fn events_of(rows: &[PgRow]) -> Result<Vec<StoredEvent>, StoreError> {
    rows.iter().map(event_of).collect::<Result<_, _>>().map_err(Failure::into_store_error)
}

fn event_of(row: &PgRow) -> Result<StoredEvent, Failure> {
    let stream = stream_of(row.try_get(2)?)?;
    let kind: &str = row.try_get(1)?;
    if kind != stream.kind.word() {
        return Err(StoreError::Corrupt(format!("{stream} is stored as a {kind}")).into());
    }
    Ok(StoredEvent {
        position: unsigned(row.try_get(0)?)?,
        stream,
        sequence: unsigned(row.try_get(3)?)?,
        event_type: row.try_get(4)?,
        event_version: row.try_get(5)?,
        recorded_at_us: row.try_get(6)?,
        payload: row.try_get(7)?,
        metadata: row.try_get(8)?,
        leaf: leaf_of(row, 9)?,
    })
}

pub(super) async fn keep_snapshots(pool: &Pool, snapshots: &[Snapshot]) -> Result<(), StoreError> {
    // One statement may not change a row twice, so of two snapshots of one stream the later goes in.
    let mut latest: HashMap<StreamId, &Snapshot> = HashMap::new();
    for snapshot in snapshots {
        let kept = latest.entry(snapshot.stream).or_insert(snapshot);
        if kept.sequence <= snapshot.sequence {
            *kept = snapshot;
        }
    }
    let latest: Vec<&Snapshot> = latest.into_values().collect();
    let sql = "INSERT INTO snapshots AS s (aggregate_type, aggregate_id, sequence, fingerprint, state) \
               SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[]) \
               ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE \
               SET sequence = excluded.sequence, fingerprint = excluded.fingerprint, state = excluded.state \
               WHERE s.sequence <= excluded.sequence";
    let query = || {
        sqlx::query(sql)
            .bind(latest.iter().map(|snapshot| snapshot.stream.kind.word()).collect::<Vec<_>>())
            .bind(latest.iter().map(|snapshot| snapshot.stream.to_string()).collect::<Vec<_>>())
            .bind(latest.iter().map(|snapshot| signed(snapshot.sequence)).collect::<Vec<_>>())
            .bind(latest.iter().map(|snapshot| snapshot.fingerprint.as_str()).collect::<Vec<_>>())
            .bind(latest.iter().map(|snapshot| snapshot.state.as_str()).collect::<Vec<_>>())
    };
    fetch(pool, query).await?;
    Ok(())
}

pub(super) async fn holders(pool: &Pool, claims: &[Claim]) -> Result<Vec<Option<StreamId>>, StoreError> {
    let names: Vec<String> = claims.iter().map(name_of).collect();
    let rows = fetch(pool, || sqlx::query(HOLDERS).bind(LOG_ID).bind(&names)).await?;
    let holder = |row: &PgRow| -> Result<Option<StreamId>, Failure> {
        let holder: Option<&str> = row.try_get(0)?;
        Ok(holder.map(stream_of).transpose()?)
    };
    rows.iter().map(holder).collect::<Result<_, _>>().map_err(Failure::into_store_error)
}

pub(super) async fn claims(
    pool: &Pool,
    after: Option<&Claim>,
    limit: usize,
) -> Result<Vec<(Claim, StreamId)>, StoreError> {
    let after = after.map_or_else(String::new, name_of);
    let sql = "SELECT claim, holder FROM claims WHERE log_id = $1 AND claim > $2 ORDER BY claim LIMIT $3";
    let query = || sqlx::query(sql).bind(LOG_ID).bind(&after).bind(limit_of(limit));
    let claim = |row: &PgRow| -> Result<(Claim, StreamId), Failure> {
        Ok((claim_of(row.try_get(0)?)?, stream_of(row.try_get(1)?)?))
    };
    fetch(pool, query).await?.iter().map(claim).collect::<Result<_, _>>().map_err(Failure::into_store_error)
}

pub(super) async fn claim_count(pool: &Pool) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM claims WHERE log_id = $1";
    let count = value(pool, || sqlx::query(sql).bind(LOG_ID)).await?;
    unsigned(count.unwrap_or(0))
}

pub(super) async fn record(
    pool: &Pool,
    owner: &str,
    key: &str,
    now_us: i64,
) -> Result<Option<StoredRecord>, StoreError> {
    let query = || sqlx::query(RECORDS).bind(LOG_ID).bind([owner]).bind([key]).bind(now_us);
    let rows = fetch(pool, query).await?;
    rows.first().map(record_of).transpose().map_err(Failure::into_store_error)
}

pub(super) async fn forget_records(pool: &Pool, now_us: i64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM idempotency WHERE log_id = $1 AND expires_at <= $2 RETURNING 1";
    let forgotten = fetch(pool, || sqlx::query(sql).bind(LOG_ID).bind(now_us)).await?;
    Ok(forgotten.len() as u64)
}

pub(super) async fn data_key(pool: &Pool, key_id: &str) -> Result<Option<WrappedKey>, StoreError> {
    let sql = "SELECT wrapped FROM data_keys WHERE key_id = $1 AND wrapped IS NOT NULL";
    let wrapped = value(pool, || sqlx::query(sql).bind(key_id)).await?;
    Ok(wrapped.map(|wrapped| WrappedKey { key_id: key_id.to_owned(), wrapped }))
}

pub(super) async fn setting(pool: &Pool, name: &str) -> Result<Option<String>, StoreError> {
    value(pool, || sqlx::query("SELECT value FROM settings WHERE name = $1").bind(name)).await
}

pub(super) async fn settle(pool: &Pool, name: &str, settled: &str) -> Result<String, StoreError> {
    // The update changes nothing; it makes the statement answer with the row that was there.
    let sql = "INSERT INTO settings AS s (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = s.value RETURNING value";
    let value = value(pool, || sqlx::query(sql).bind(name).bind(settled)).await?;
    value.ok_or_else(|| StoreError::Corrupt(format!("the setting {name} does not stay")))
}

/// The first column of the first row, if there is one.
pub(super) async fn value<'q, T>(
    pool: &Pool,
    query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send + Sync,
) -> Result<Option<T>, StoreError>
where
    T: for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    let rows = fetch(pool, query).await?;
    let first = rows.first().map(|row| row.try_get(0)).transpose();
    first.map_err(|error| super::connect::store_error(&error))
}
