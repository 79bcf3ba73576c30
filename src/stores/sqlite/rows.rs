//! The rows of read models and the checkpoints of their readers.

use orderwire_domain::views::table::{Row, Table, Value};
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types};

use super::leases;
use crate::{
    engine::log::{Filter, Position, ReaderCommit, RowChange, Select, StoreError, Swap},
    stores::sql::{self, Dialect, LOG_ID},
};

/// Creates tables and indexes that do not exist yet.
pub(super) fn create(connection: &Connection, tables: &[&Table]) -> Result<(), StoreError> {
    let sql = "SELECT name, tbl_name FROM sqlite_schema WHERE type IN ('table', 'index')";
    let mut statement = connection.prepare(sql)?;
    let present = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let present: BTreeMap<String, String> = present.collect::<Result<_, _>>()?;
    for statement in tables.iter().flat_map(|table| sql::create_missing(table, &present, Dialect::Sqlite)) {
        connection.execute_batch(&statement)?;
    }
    Ok(())
}

/// Drops tables where they exist.
pub(super) fn drop_tables(connection: &Connection, tables: &[&Table]) -> Result<(), StoreError> {
    for table in tables {
        connection.execute_batch(&sql::drop_table(table))?;
    }
    Ok(())
}

/// Puts tables that were built beside in the place of others.
pub(super) fn swap(connection: &Connection, swap: &Swap) -> Result<(), StoreError> {
    leases::check(connection, &swap.fences)?;
    for reader in [&swap.reader, &swap.beside] {
        check_at(connection, reader, swap.at)?;
    }
    for (table, beside) in &swap.tables {
        connection.execute_batch(&sql::drop_table(table))?;
        connection.execute_batch(&sql::rename_table(beside, table))?;
    }
    set_checkpoint(connection, &swap.beside, 0)
}

/// Where a reader is.
pub(super) fn checkpoint(connection: &Connection, reader: &str) -> Result<Position, StoreError> {
    let position =
        connection.prepare_cached("SELECT position FROM readers WHERE log_id = ?1 AND name = ?2").and_then(
            |mut statement| statement.query_row(params![LOG_ID, reader], |row| row.get(0)).optional(),
        )?;
    Ok(position.unwrap_or(0))
}

/// Applies a page and advances the checkpoint, if it is where the page begins.
pub(super) fn apply(connection: &Connection, commit: &ReaderCommit) -> Result<(), StoreError> {
    leases::check(connection, &commit.fence)?;
    check_at(connection, &commit.reader, commit.after)?;
    change(connection, &commit.changes)?;
    for statement in &commit.statements {
        // How many rows it affects is the embedder's business.
        execute(connection, (statement.sql.clone(), statement.parameters.clone()))?;
    }
    set_checkpoint(connection, &commit.reader, commit.to)
}

/// Refuses what begins elsewhere than where a reader is.
fn check_at(connection: &Connection, reader: &str, expected: Position) -> Result<(), StoreError> {
    let actual = checkpoint(connection, reader)?;
    if actual == expected {
        return Ok(());
    }
    Err(StoreError::CheckpointMoved { reader: reader.to_owned(), expected, actual })
}

/// Changes rows in order.
pub(super) fn change(connection: &Connection, changes: &[RowChange]) -> Result<(), StoreError> {
    for change in changes {
        match change {
            RowChange::Put(table, row) => {
                let affected = execute(connection, sql::put(table, row))?;
                assert_eq!(affected, 1, "an upsert inserts or updates");
            }
            RowChange::Delete(table, key) => {
                let affected = execute(connection, sql::delete(table, key))?;
                assert!(affected <= 1, "a key names one row");
            }
        }
    }
    Ok(())
}

/// Removes every row of these tables and sets the checkpoint to 0.
pub(super) fn reset(connection: &Connection, reader: &str, tables: &[&Table]) -> Result<(), StoreError> {
    for table in tables {
        let removed = execute(connection, sql::clear(table))?;
        tracing::debug!(table = table.name, removed, "a read model starts again");
    }
    set_checkpoint(connection, reader, 0)
}

fn set_checkpoint(connection: &Connection, reader: &str, to: Position) -> Result<(), StoreError> {
    let set = connection
        .prepare_cached(
            "INSERT INTO readers (log_id, name, position) VALUES (?1, ?2, ?3) \
             ON CONFLICT (log_id, name) DO UPDATE SET position = excluded.position",
        )
        .and_then(|mut statement| statement.execute(params![LOG_ID, reader, to]))?;
    assert_eq!(set, 1, "an upsert inserts or updates");
    Ok(())
}

/// The rows whose key or parent is one of these, in order of it and of the key.
pub(super) fn by(
    connection: &Connection,
    table: &Table,
    column: &str,
    mut wanted: Vec<String>,
) -> Result<Vec<Row>, StoreError> {
    wanted.sort_unstable();
    wanted.dedup();
    let (columns, name) = (sql::columns(table), sql::quoted(table.name));
    let sql = format!("SELECT {columns} FROM {name} WHERE log_id = ?1 AND {column} = ?2 ORDER BY key");
    let mut rows = Vec::new();
    for one in wanted {
        rows.extend(query(connection, table, &sql, vec![LOG_ID.into(), one.into()])?);
    }
    Ok(rows)
}

/// A look into one table.
pub(super) fn select(connection: &Connection, select: &Select) -> Result<Vec<Row>, StoreError> {
    let (sql, values) = sql::select(select);
    query(connection, select.table, &sql, values)
}

/// The documents of a look.
pub(super) fn docs(connection: &Connection, select: &Select) -> Result<Vec<String>, StoreError> {
    let (sql, values) = sql::docs(select, Vec::new());
    let mut statement = connection.prepare_cached(&sql)?;
    let docs = statement.query_map(bound(values), |row| row.get(0))?;
    docs.collect::<Result<_, _>>().map_err(StoreError::from)
}

/// How many rows match.
pub(super) fn count(connection: &Connection, table: &Table, filters: &[Filter]) -> Result<u64, StoreError> {
    let (sql, values) = sql::count(table, filters);
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row(bound(values), |row| row.get(0)))
        .map_err(StoreError::from)
}

fn execute(connection: &Connection, (sql, values): (String, Vec<Value>)) -> Result<usize, StoreError> {
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.execute(bound(values)))
        .map_err(StoreError::from)
}

/// The rows of a statement that lists columns as [`sql::columns`] does.
pub(super) fn query(
    connection: &Connection,
    table: &Table,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        let columns: Result<_, _> = (2..2 + table.columns.len()).map(|index| value(row, index)).collect();
        let doc = row.get(2 + table.columns.len())?;
        Ok(Row { key: row.get(0)?, parent: row.get(1)?, columns: columns?, doc })
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(bound(values), read)?;
    rows.collect::<Result<_, _>>().map_err(StoreError::from)
}

fn bound(values: Vec<Value>) -> impl rusqlite::Params {
    params_from_iter(values.into_iter().map(|value| match value {
        Value::Null => types::Value::Null,
        Value::Integer(integer) => types::Value::Integer(integer),
        Value::Text(text) => types::Value::Text(text),
    }))
}

fn value(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Value> {
    Ok(match row.get(index)? {
        types::Value::Null => Value::Null,
        types::Value::Integer(integer) => Value::Integer(integer),
        types::Value::Text(text) => Value::Text(text),
        other @ (types::Value::Real(_) | types::Value::Blob(_)) => {
            let name = row.as_ref().column_name(index)?.to_owned();
            return Err(rusqlite::Error::InvalidColumnType(index, name, other.data_type()));
        }
    })
}

#[cfg(test)]
mod tests {
    use orderwire_domain::views::{
        number_availability::{NUMBER, NUMBER_RUN},
        table::{integer, text},
    };

    use super::*;
    use crate::engine::log::Comparison;

    static SHELF: Table =
        Table { name: "shelf", columns: &[text("of"), integer("due")], indexes: &[&["of", "due"]] };

    #[test]
    fn a_page_of_a_select_is_a_search_in_an_index_without_sorting() {
        let connection = Connection::open_in_memory().unwrap();
        create(&connection, &[&SHELF]).unwrap();
        for (descending, due) in [(false, Value::Integer(7)), (true, Value::Integer(7)), (true, Value::Null)]
        {
            let look = Select {
                table: &SHELF,
                filters: vec![Filter { column: "of", comparison: Comparison::Equal, value: "a".into() }],
                order: "due",
                descending,
                after: Some((due, "k".into())),
                limit: 10,
            };
            let (sql, values) = sql::select(&look);
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps: Vec<String> =
                explain.query_map(bound(values), |row| row.get(3)).unwrap().map(Result::unwrap).collect();
            assert!(steps.iter().all(|step| step.contains("USING INDEX shelf_by_of_due")), "{steps:?}");
        }
    }
    /// The steps of a look, as the database plans them.
    fn plan(look: &Select) -> Vec<String> {
        let connection = Connection::open_in_memory().unwrap();
        create(&connection, &[look.table]).unwrap();
        let (sql, values) = sql::select(look);
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        explain.query_map(bound(values), |row| row.get(3)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_page_of_numbers_begins_where_the_last_one_ended() {
        let equal =
            |column, value: &str| Filter { column, comparison: Comparison::Equal, value: value.into() };
        let longer = Filter { column: "length", comparison: Comparison::AtLeast, value: 1.into() };
        let run = |filters, descending| {
            let after = Some((Value::Integer(7), "+441134960100".to_owned()));
            Select { table: &NUMBER_RUN, filters, order: "length", descending, after, limit: 51 }
        };
        let number = |filters| {
            let after = Some(("+441134960100".into(), "+441134960100".to_owned()));
            Select { table: &NUMBER, filters, order: "key", descending: false, after, limit: 51 }
        };
        let looks = [
            ("number_run_by_area_length", run(vec![equal("area", "0113")], false)),
            ("number_run_by_place_length", run(vec![equal("place", "leeds")], false)),
            ("number_run_by_place_length", run(vec![equal("place", "leeds"), longer.clone()], true)),
            ("number_run_by_length", run(vec![longer], true)),
            ("number_by_company", number(vec![equal("company", "com_1")])),
            ("number_by_site", number(vec![equal("site", "ast_1")])),
            (
                "number_by_reseller_holding",
                number(vec![equal("reseller", "rsl_1"), equal("holding", "free")]),
            ),
        ];
        for (index, look) in looks {
            let steps = plan(&look);
            let [step] = steps.as_slice() else { panic!("it sorts: {steps:?}") };
            assert!(step.contains(&format!("USING INDEX {index} (")), "{step}");
            // The place where it begins is found by the index, not by reading up to it.
            assert!(step.contains("key)") || step.contains("key>"), "{step}");
        }
    }
}
