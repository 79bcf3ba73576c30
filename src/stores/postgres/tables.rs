//! The tables of read models themselves: made, dropped, and put in the place of one another.

use std::collections::BTreeMap;

use orderwire_domain::views::table::Table;
use sqlx::Executor as _;

use super::{
    Failure, leases,
    pool::Pool,
    reader::{bounded, moved},
    signed, unsigned,
};
use crate::{
    engine::log::{StoreError, Swap},
    stores::sql::{self, Dialect, LOG_ID},
};

/// Every table and index of the schema, with the table that it belongs to.
const PRESENT: &str = "
SELECT c.relname::text, coalesce(t.relname, c.relname)::text
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relkind IN ('r', 'p', 'i')";

/// Creates what is missing. To find out that an index exists already, its statement would wait for every transaction that
/// writes to the table, and those of another process for this one, until one of them is ended.
pub(super) async fn create(pool: &Pool, tables: &[&'static Table]) -> Result<(), StoreError> {
    bounded(create_missing(pool, tables)).await
}

async fn create_missing(pool: &Pool, tables: &[&'static Table]) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    // The same turn as for migrations: two processes that create one table at once would collide.
    let turn = "SELECT version FROM schema_migrations WHERE version = 0 FOR UPDATE";
    sqlx::query(turn).fetch_one(&mut *transaction).await?;
    let present: Vec<(String, String)> = sqlx::query_as(PRESENT).fetch_all(&mut *transaction).await?;
    let present: BTreeMap<String, String> = present.into_iter().collect();
    let missing = tables.iter().flat_map(|table| sql::create_missing(table, &present, Dialect::Postgres));
    // A plain text is sent as it is, however many statements it holds.
    transaction.execute(missing.collect::<Vec<_>>().join("; ").as_str()).await?;
    transaction.commit().await
}

pub(super) async fn drop_all(pool: &Pool, tables: &[&'static Table]) -> Result<(), StoreError> {
    let statements: Vec<String> = tables.iter().map(|table| sql::drop_table(table)).collect();
    bounded(async {
        let mut transaction = pool.begin().await?;
        transaction.execute(statements.join("; ").as_str()).await?;
        transaction.commit().await
    })
    .await
}

/// Puts tables that were built beside in the place of others. Queries under way are waited for, and those that come
/// meanwhile see the tables as they are afterwards.
pub(super) async fn swap(pool: &Pool, swap: &Swap) -> Result<(), StoreError> {
    bounded(swap_now(pool, swap)).await
}

async fn swap_now(pool: &Pool, swap: &Swap) -> Result<(), Failure> {
    let mut transaction = pool.begin().await?;
    for fence in &swap.fences {
        leases::check(&mut transaction, Some(fence)).await?;
    }
    for reader in [&swap.reader, &swap.beside] {
        let sql = "SELECT position FROM readers WHERE log_id = $1 AND name = $2 FOR UPDATE";
        let actual: Option<i64> =
            sqlx::query_scalar(sql).bind(LOG_ID).bind(reader).fetch_optional(&mut *transaction).await?;
        let actual = unsigned(actual.unwrap_or(0))?;
        if actual != swap.at {
            return Err(moved(reader, swap.at, actual));
        }
    }
    for (table, beside) in &swap.tables {
        let statements = [sql::drop_table(table), sql::rename_table(beside, table)].join("; ");
        transaction.execute(statements.as_str()).await?;
    }
    sqlx::query("UPDATE readers SET position = $3 WHERE log_id = $1 AND name = $2")
        .bind(LOG_ID)
        .bind(&swap.beside)
        .bind(signed(0))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}
