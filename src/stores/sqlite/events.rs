//! Reading events: by stream, by position, and from a snapshot on.

use orderwire_domain::ids::StreamId;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use crate::{
    engine::leaf::Hash,
    engine::log::{LoadedEvent, Position, Sequence, Snapshot, StoreError, StoredEvent, StreamLoad},
    stores::sql::LOG_ID,
};

macro_rules! select_events {
    ($rest:literal) => {
        concat!(
            "SELECT position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, ",
            "recorded_at, leaf FROM events WHERE ",
            $rest
        )
    };
}

/// The sequence of a stream's last event; 0 where there is none.
pub(super) fn sequence(connection: &Connection, stream: StreamId) -> Result<Sequence, StoreError> {
    connection
        .prepare_cached(
            "SELECT coalesce(max(sequence), 0) FROM events \
             WHERE log_id = ?1 AND aggregate_type = ?2 AND aggregate_id = ?3",
        )
        .and_then(|mut statement| {
            statement.query_row(params![LOG_ID, stream.kind.word(), stream.to_string()], |row| row.get(0))
        })
        .map_err(StoreError::from)
}

/// Events of one stream after a sequence.
pub(super) fn stream(
    connection: &Connection,
    stream: StreamId,
    after: Sequence,
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    let sql = select_events!(
        "log_id = ?1 AND aggregate_type = ?2 AND aggregate_id = ?3 AND sequence > ?4 ORDER BY sequence LIMIT ?5"
    );
    let values = params![LOG_ID, stream.kind.word(), stream.to_string(), after, bounded(limit)];
    read(connection, sql, values)
}

/// Events of the log after a position.
pub(super) fn page(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    // The position alone is the key of the table; a file holds one log.
    read(
        connection,
        select_events!("position > ?1 ORDER BY position LIMIT ?2"),
        params![after, bounded(limit)],
    )
}

/// Leaves of the events after a position. Where one is missing there are fewer of them, and none in its place.
pub(super) fn leaves(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<Hash>, StoreError> {
    let sql = "SELECT leaf FROM events WHERE position > ?1 AND position <= ?2 ORDER BY position";
    let last = after.saturating_add(limit as u64).min(i64::MAX.unsigned_abs());
    let mut statement = connection.prepare_cached(sql)?;
    let leaves = statement.query_map(params![after, last], |row| row.get(0))?;
    leaves.collect::<Result<_, _>>().map_err(StoreError::from)
}

/// A stream from its snapshot of that fingerprint on, or from the start.
pub(super) fn load(
    connection: &Connection,
    of: StreamId,
    fingerprint: &str,
) -> Result<StreamLoad, StoreError> {
    let sql = "SELECT sequence, state FROM snapshots \
               WHERE log_id = ?1 AND aggregate_type = ?2 AND aggregate_id = ?3 AND fingerprint = ?4";
    let values = params![LOG_ID, of.kind.word(), of.to_string(), fingerprint];
    let found: Option<(u64, String)> = connection.prepare_cached(sql).and_then(|mut statement| {
        statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?))).optional()
    })?;
    let snapshot = found.map(|(sequence, state)| {
        let fingerprint = fingerprint.to_owned();
        Snapshot { stream: of, sequence, fingerprint, state }
    });
    let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.sequence);
    let sql = "SELECT sequence, event_type, event_version, payload FROM events \
               WHERE log_id = ?1 AND aggregate_type = ?2 AND aggregate_id = ?3 AND sequence > ?4 ORDER BY sequence";
    let values = params![LOG_ID, of.kind.word(), of.to_string(), from];
    let mut statement = connection.prepare_cached(sql)?;
    let events = statement.query_map(values, |row| {
        Ok(LoadedEvent {
            sequence: row.get(0)?,
            event_type: row.get(1)?,
            event_version: row.get(2)?,
            payload: row.get(3)?,
        })
    })?;
    Ok(StreamLoad { snapshot, events: events.collect::<Result<_, _>>()? })
}

/// Keeps each snapshot unless a later one is kept already.
pub(super) fn keep_snapshots(connection: &Connection, snapshots: &[Snapshot]) -> Result<(), StoreError> {
    let sql = "INSERT INTO snapshots (log_id, aggregate_type, aggregate_id, sequence, fingerprint, state) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (log_id, aggregate_type, aggregate_id) DO UPDATE SET \
               sequence = excluded.sequence, fingerprint = excluded.fingerprint, state = excluded.state \
               WHERE snapshots.sequence <= excluded.sequence";
    let mut statement = connection.prepare_cached(sql)?;
    for snapshot in snapshots {
        let (kind, id) = (snapshot.stream.kind.word(), snapshot.stream.to_string());
        let kept = statement.execute(params![
            LOG_ID,
            kind,
            id,
            snapshot.sequence,
            snapshot.fingerprint,
            snapshot.state
        ])?;
        if kept == 0 {
            tracing::debug!(stream = id, snapshot.sequence, "a later snapshot is kept already");
        }
    }
    Ok(())
}

/// A limit as `SQLite` counts.
pub(super) fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn read(connection: &Connection, sql: &str, values: impl Params) -> Result<Vec<StoredEvent>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(event(row)?);
    }
    Ok(events)
}

fn event(row: &Row<'_>) -> Result<StoredEvent, StoreError> {
    let position = row.get(0)?;
    let wrong = |what: &str| StoreError::Corrupt(format!("{what} of the event at {position}"));
    let column = |error: rusqlite::Error| wrong(&error.to_string());
    let kind = row.get_ref(1).map_err(column)?;
    let stream = stream_id(row, 2).map_err(|_| wrong("the aggregate id"))?;
    // The leaf is computed from the id alone, so a changed type would not show there.
    if kind.as_str().ok() != Some(stream.kind.word()) {
        return Err(wrong("the aggregate type"));
    }
    Ok(StoredEvent {
        position,
        stream,
        sequence: row.get(3).map_err(column)?,
        event_type: row.get(4).map_err(column)?,
        event_version: row.get(5).map_err(column)?,
        payload: row.get(6).map_err(column)?,
        metadata: row.get(7).map_err(column)?,
        recorded_at_us: row.get(8).map_err(column)?,
        leaf: row.get(9).map_err(column)?,
    })
}

/// The id of a stream in a column.
pub(super) fn stream_id(row: &Row<'_>, column: usize) -> Result<StreamId, StoreError> {
    let text = row.get_ref(column)?;
    let parsed = text.as_str().ok().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| StoreError::Corrupt(format!("{text:?} is not the id of a stream")))
}
