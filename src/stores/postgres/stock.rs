//! Reads a table that the stock crates wrote.
//!
//! Not by their own reader, whose streams end without an error when the database fails. Absent: any judgement of what
//! is read, which is [`crate::engine::import`]'s.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, postgres::PgRow};

use super::{
    Failure,
    connect::{Server, check_server},
    limit_of, signed, unsigned,
};
use crate::{
    engine::{
        import::{IMPORT_EVENTS_MAX, StockEvent},
        log::StoreError,
    },
    stores::sql::TableName,
};

/// Rows of one page.
const PAGE_ROWS: usize = 1_000;

/// Every event of a stock table, as it was at one moment; by kind, id and sequence.
pub async fn read(url: &str, table: &TableName) -> Result<Vec<StockEvent>, StoreError> {
    let mut connection = Server::from_url(url)?.plain_connection().await?;
    check_server(&mut connection).await?;
    let read = read_all(&mut connection, table).await.map_err(Failure::into_store_error);
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "the reading connection was closed by the other side");
    }
    read
}

async fn read_all(connection: &mut PgConnection, table: &TableName) -> Result<Vec<StockEvent>, Failure> {
    let mut snapshot = connection.begin().await?;
    // Pages are looks into one snapshot, so that a writer between two of them does not tear the history.
    snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let sql = format!(
        "SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text \
         FROM {} WHERE (aggregate_type, aggregate_id, sequence) > ($1, $2, $3) \
         ORDER BY aggregate_type, aggregate_id, sequence LIMIT $4",
        table.quoted()
    );
    let mut events: Vec<StockEvent> = Vec::new();
    loop {
        let (kind, id, sequence) = events.last().map_or(("", "", -1), |last| {
            (last.aggregate_type.as_str(), last.aggregate_id.as_str(), signed(last.sequence))
        });
        let page = sqlx::query(&sql).bind(kind).bind(id).bind(sequence).bind(limit_of(PAGE_ROWS));
        let rows = page.fetch_all(&mut *snapshot).await?;
        for row in &rows {
            events.push(event_of(row)?);
        }
        if events.len() > IMPORT_EVENTS_MAX {
            let detail = format!("a stock history of more than {IMPORT_EVENTS_MAX} events");
            return Err(StoreError::Unsupported(detail).into());
        }
        if rows.len() < PAGE_ROWS {
            snapshot.rollback().await?;
            return Ok(events);
        }
    }
}

fn event_of(row: &PgRow) -> Result<StockEvent, Failure> {
    Ok(StockEvent {
        aggregate_type: row.try_get(0)?,
        aggregate_id: row.try_get(1)?,
        sequence: unsigned(row.try_get(2)?)?,
        event_type: row.try_get(3)?,
        event_version: row.try_get(4)?,
        payload: row.try_get(5)?,
        metadata: row.try_get(6)?,
    })
}
