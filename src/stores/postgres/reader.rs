//! The rows of read models: a page's changes with its checkpoint in one transaction, and look-ups.

use std::{collections::BTreeMap, time::Duration};

use orderwire_domain::views::table::{ColumnKind, Row, Table, Value};
use sqlx::{
    Encode, PgConnection, Postgres, Row as _, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo, types::Oid},
    query::Query,
};

use super::{
    Failure,
    connect::store_error,
    leases,
    pool::Pool,
    read::{fetch, value},
    signed, unsigned,
};
use crate::{
    engine::log::{Fence, Filter, Position, ReaderCommit, RowChange, Select, StoreError},
    stores::sql::{self, LOG_ID, quoted},
};

/// The write of a page takes longer only if the server cannot be heard.
const APPLY_TIMEOUT: Duration = Duration::from_mins(1);

pub(super) async fn checkpoint(pool: &Pool, reader: &str) -> Result<Position, StoreError> {
    let sql = "SELECT position FROM readers WHERE log_id = $1 AND name = $2";
    let position = value(pool, || sqlx::query(sql).bind(LOG_ID).bind(reader)).await?;
    unsigned(position.unwrap_or(0))
}

pub(super) async fn apply(pool: &Pool, commit: &ReaderCommit) -> Result<(), StoreError> {
    bounded(apply_page(pool, commit)).await
}

async fn apply_page(pool: &Pool, commit: &ReaderCommit) -> Result<(), Failure> {
    // What a reader makes of the log can be made again: a crash of the server takes it with the checkpoint that says so.
    let mut transaction = pool.begin_not_synced().await?;
    if let Err(moved) = advance(&mut transaction, commit).await {
        // Where others read as well, that is an everyday thing: the connection is kept.
        transaction.roll_back().await?;
        return Err(moved);
    }
    write_rows(&mut transaction, &commit.changes).await?;
    for statement in &commit.statements {
        // Not kept prepared: a null takes its type from its place, and the next value there may have another.
        let query = sqlx::query(&statement.sql).persistent(false);
        bind_all(query, &statement.parameters).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

pub(super) async fn change_rows(
    pool: &Pool,
    changes: &[RowChange],
    fence: Option<&Fence>,
) -> Result<(), StoreError> {
    bounded(change_rows_now(pool, changes, fence)).await
}

async fn change_rows_now(pool: &Pool, changes: &[RowChange], fence: Option<&Fence>) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    leases::check(&mut transaction, fence).await?;
    write_rows(&mut transaction, changes).await?;
    transaction.commit().await
}

pub(super) async fn reset(pool: &Pool, reader: &str, tables: &[&'static Table]) -> Result<(), StoreError> {
    reset_now(pool, reader, tables).await.map_err(Failure::into_store_error)
}

async fn reset_now(pool: &Pool, reader: &str, tables: &[&'static Table]) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    let sql = "INSERT INTO readers (log_id, name, position) VALUES ($1, $2, 0) \
               ON CONFLICT (log_id, name) DO UPDATE SET position = 0";
    sqlx::query(sql).bind(LOG_ID).bind(reader).execute(&mut *transaction).await?;
    for table in tables {
        let (sql, values) = sql::clear(table);
        bind_all(sqlx::query(&sql), &values).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

pub(super) async fn rows(
    pool: &Pool,
    table: &'static Table,
    keys: &[String],
) -> Result<Vec<Row>, StoreError> {
    let (columns, name) = (sql::columns(table), quoted(table.name));
    let sql = format!("SELECT {columns} FROM {name} WHERE log_id = $1 AND key = ANY ($2) ORDER BY key");
    rows_of(table, &fetch(pool, || sqlx::query(&sql).bind(LOG_ID).bind(keys)).await?)
}

pub(super) async fn children(
    pool: &Pool,
    table: &'static Table,
    parents: &[String],
) -> Result<Vec<Row>, StoreError> {
    let (columns, name) = (sql::columns(table), quoted(table.name));
    let sql =
        format!("SELECT {columns} FROM {name} WHERE log_id = $1 AND parent = ANY ($2) ORDER BY parent, key");
    rows_of(table, &fetch(pool, || sqlx::query(&sql).bind(LOG_ID).bind(parents)).await?)
}

pub(super) async fn select(pool: &Pool, select: &Select) -> Result<Vec<Row>, StoreError> {
    let (sql, values) = sql::select(select);
    rows_of(select.table, &fetch(pool, || bind_all(sqlx::query(&sql), &values)).await?)
}

/// One statement and one row for all of it: a row of the answer costs more than a document in it.
pub(super) async fn docs(pool: &Pool, looks: &[Select]) -> Result<Vec<Vec<String>>, StoreError> {
    let (mut arrays, mut values) = (Vec::with_capacity(looks.len()), Vec::new());
    for look in looks {
        let sql;
        (sql, values) = sql::docs(look, values);
        arrays.push(format!("ARRAY({sql})"));
    }
    let sql = format!("SELECT {}", arrays.join(", "));
    let rows = fetch(pool, || bind_all(sqlx::query(&sql), &values)).await?;
    let row = rows.first().ok_or_else(|| StoreError::Corrupt("a look was not answered".to_owned()))?;
    let docs = (0..looks.len()).map(|index| row.try_get(index));
    docs.collect::<sqlx::Result<_>>().map_err(|error| store_error(&error))
}

pub(super) async fn count(pool: &Pool, table: &'static Table, filters: &[Filter]) -> Result<u64, StoreError> {
    let (sql, values) = sql::count(table, filters);
    unsigned(value(pool, || bind_all(sqlx::query(&sql), &values)).await?.unwrap_or(0))
}

pub(super) async fn bounded(work: impl Future<Output = Result<(), Failure>>) -> Result<(), StoreError> {
    match tokio::time::timeout(APPLY_TIMEOUT, work).await {
        Ok(done) => done.map_err(Failure::into_store_error),
        Err(_) => Err(StoreError::Unavailable("the database did not answer in time".to_owned())),
    }
}

/// Moves the checkpoint, and holds its row until the transaction ends. The lease of the reader itself is in that row, so
/// its token is checked by the way.
async fn advance(transaction: &mut PgConnection, commit: &ReaderCommit) -> Result<(), Failure> {
    let own = commit.fence.as_ref().filter(|fence| fence.name == commit.reader);
    if own.is_none() {
        leases::check(transaction, commit.fence.as_ref()).await?;
    }
    let (after, to) = (signed(commit.after), signed(commit.to));
    let advanced = sqlx::query(
        "UPDATE readers SET position = $4 WHERE log_id = $1 AND name = $2 AND position = $3 \
         AND fencing_token = coalesce($5, fencing_token)",
    )
    .bind(LOG_ID)
    .bind(&commit.reader)
    .bind(after)
    .bind(to)
    .bind(own.map(leases::token_of))
    .execute(&mut *transaction)
    .await?;
    if advanced.rows_affected() == 1 {
        return Ok(());
    }
    if after == 0 && own.is_none_or(|fence| fence.token == 0) {
        let sql = "INSERT INTO readers (log_id, name, position) VALUES ($1, $2, $3) \
                   ON CONFLICT (log_id, name) DO NOTHING";
        let first =
            sqlx::query(sql).bind(LOG_ID).bind(&commit.reader).bind(to).execute(&mut *transaction).await?;
        if first.rows_affected() == 1 {
            return Ok(());
        }
    }
    let actual: Option<(i64, i64)> =
        sqlx::query_as("SELECT position, fencing_token FROM readers WHERE log_id = $1 AND name = $2")
            .bind(LOG_ID)
            .bind(&commit.reader)
            .fetch_optional(transaction)
            .await?;
    let (actual, token) = actual.unwrap_or_default();
    match own {
        Some(fence) if leases::token_of(fence) != token => Err(leases::fenced_out(fence)),
        _ => Err(moved(&commit.reader, commit.after, unsigned(actual)?)),
    }
}

/// A checkpoint is not where it was thought to be.
pub(super) fn moved(reader: &str, expected: Position, actual: Position) -> Failure {
    StoreError::CheckpointMoved { reader: reader.to_owned(), expected, actual }.into()
}

/// One statement per table for what is put and one for what is deleted; of several changes of a row, the last counts.
async fn write_rows(transaction: &mut PgConnection, changes: &[RowChange]) -> Result<(), Failure> {
    let mut tables: BTreeMap<&str, (&'static Table, BTreeMap<&str, Option<&Row>>)> = BTreeMap::new();
    for change in changes {
        let (table, key, row) = match change {
            RowChange::Put(table, row) => (table, &row.key, Some(row)),
            RowChange::Delete(table, key) => (table, key, None),
        };
        tables.entry(table.name).or_insert_with(|| (table, BTreeMap::new())).1.insert(key, row);
    }
    for (table, rows) in tables.into_values() {
        let put: Vec<&Row> = rows.values().copied().flatten().collect();
        if !put.is_empty() {
            put_rows(transaction, table, &put).await?;
        }
        let deleted: Vec<&str> = rows.iter().filter(|(_, row)| row.is_none()).map(|(key, _)| *key).collect();
        if !deleted.is_empty() {
            let sql = format!("DELETE FROM {} WHERE log_id = $1 AND key = ANY ($2)", quoted(table.name));
            sqlx::query(&sql).bind(LOG_ID).bind(deleted).execute(&mut *transaction).await?;
        }
    }
    Ok(())
}

async fn put_rows(transaction: &mut PgConnection, table: &'static Table, rows: &[&Row]) -> sqlx::Result<()> {
    let names: Vec<String> = table.columns.iter().map(|column| quoted(column.name)).collect();
    let changed: Vec<&str> =
        std::iter::once("parent").chain(names.iter().map(String::as_str)).chain(["doc"]).collect();
    let mut arrays = vec!["$2::text[]".to_owned(), "$3::text[]".to_owned()];
    for (column, parameter) in table.columns.iter().zip(4..) {
        let kind = match column.kind {
            ColumnKind::Text => "text",
            ColumnKind::Integer => "bigint",
        };
        arrays.push(format!("${parameter}::{kind}[]"));
    }
    arrays.push(format!("${}::text[]", table.columns.len() + 4));
    let sets: Vec<String> = changed.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let sql = format!(
        "INSERT INTO {} (log_id, key, {}) SELECT $1, n.* FROM unnest({}) AS n \
         ON CONFLICT (log_id, key) DO UPDATE SET {}",
        quoted(table.name),
        changed.join(", "),
        arrays.join(", "),
        sets.join(", ")
    );

    let mut query = sqlx::query(&sql)
        .bind(LOG_ID)
        .bind(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.parent.as_str()).collect::<Vec<_>>());
    for (index, column) in table.columns.iter().enumerate() {
        let values = rows.iter().map(|row| &row.columns[index]);
        query = match column.kind {
            ColumnKind::Text => query.bind(values.map(text_of).collect::<Vec<_>>()),
            ColumnKind::Integer => query.bind(values.map(integer_of).collect::<Vec<_>>()),
        };
    }
    query.bind(rows.iter().map(|row| row.doc.as_str()).collect::<Vec<_>>()).execute(transaction).await?;
    Ok(())
}

fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Null => None,
        Value::Integer(_) => panic!("a record puts texts into its text columns"),
    }
}

fn integer_of(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(integer) => Some(*integer),
        Value::Null => None,
        Value::Text(_) => panic!("a record puts integers into its integer columns"),
    }
}

fn rows_of(table: &'static Table, rows: &[PgRow]) -> Result<Vec<Row>, StoreError> {
    rows.iter().map(|row| row_of(table, row)).collect::<Result<_, _>>().map_err(|error| store_error(&error))
}

fn row_of(table: &'static Table, row: &PgRow) -> sqlx::Result<Row> {
    let mut columns = Vec::with_capacity(table.columns.len());
    for (column, index) in table.columns.iter().zip(2..) {
        columns.push(match column.kind {
            ColumnKind::Text => row.try_get::<Option<String>, _>(index)?.into(),
            ColumnKind::Integer => row.try_get::<Option<i64>, _>(index)?.into(),
        });
    }
    let doc = row.try_get(columns.len() + 2)?;
    Ok(Row { key: row.try_get(0)?, parent: row.try_get(1)?, columns, doc })
}

fn bind_all<'q>(
    query: Query<'q, Postgres, PgArguments>,
    values: &[Value],
) -> Query<'q, Postgres, PgArguments> {
    values.iter().fold(query, |query, value| match value {
        Value::Null => query.bind(Untyped),
        Value::Integer(integer) => query.bind(*integer),
        Value::Text(text) => query.bind(text.clone()),
    })
}

/// A null whose type the server infers.
struct Untyped;

impl Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}
