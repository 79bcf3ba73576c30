//! Rows for a while, in a file that nobody else sees.
//!
//! `SQLite` makes the file where temporary files go and removes its name at once, so that nothing is left however the process
//! ends. Nothing is synced, and nothing can be taken back. A table is one tree, by key; what is asked for by parent gets an index
//! when that happens first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use orderwire_domain::views::{
    overlay::Source,
    table::{Need, Row, Table, Value},
};
use rusqlite::{
    Connection, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::rows;
use crate::{
    engine::log::{RowChange, StoreError},
    stores::sql,
};

/// What is kept of the file in memory, in KiB.
const CACHE_KIB: i64 = 8 * 1024;
/// Documents are long for the pages of a tree that has rows in it.
const PAGE_BYTES: i64 = 16 * 1024;
/// More statements than there are for its tables, so that each is prepared once.
const STATEMENTS_PREPARED: usize = 256;

/// Tables of rows that go away with this.
#[derive(Debug)]
pub struct Scratch {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    sheets: Vec<Sheet>,
}

/// The statements of one table.
#[derive(Debug)]
struct Sheet {
    table: &'static Table,
    put: String,
    delete: String,
    by_key: String,
    by_parent: String,
    page: String,
    /// What makes the index by parent, until that is done.
    index: Option<String>,
    /// The last key there ever was, and the last parent. Ids grow with time, so most of what is new is known to be so.
    last: (String, String),
}

impl Sheet {
    fn of(table: &'static Table) -> Self {
        let (name, columns) = (sql::quoted(table.name), sql::columns(table));
        let places = vec!["?"; table.columns.len() + 3].join(", ");
        Self {
            table,
            put: format!("INSERT OR REPLACE INTO {name} ({columns}) VALUES ({places})"),
            delete: format!("DELETE FROM {name} WHERE key = ?1"),
            by_key: format!("SELECT {columns} FROM {name} WHERE key = ?1"),
            by_parent: format!("SELECT {columns} FROM {name} WHERE parent = ?1 ORDER BY key"),
            page: format!("SELECT {columns} FROM {name} WHERE key > ?1 ORDER BY key LIMIT ?2"),
            last: <(String, String)>::default(),
            index: Some(format!(
                "CREATE INDEX {} ON {name} (parent, key)",
                sql::quoted(&format!("{}_by_parent", table.name))
            )),
        }
    }

    fn note(&mut self, row: Row) {
        let (key, parent) = &mut self.last;
        if row.key > *key {
            *key = row.key;
        }
        if row.parent > *parent {
            *parent = row.parent;
        }
    }

    /// Whether nothing that was ever written can be what is asked for.
    fn is_new(&self, need: &Need) -> bool {
        match need {
            Need::Key(_, key) => *key > self.last.0,
            Need::Parent(_, parent) => *parent > self.last.1,
        }
    }

    fn create(&self) -> String {
        let columns = sql::columns(self.table).replacen("key", "key PRIMARY KEY", 1);
        format!("CREATE TABLE {} ({columns}) WITHOUT ROWID", sql::quoted(self.table.name))
    }
}

impl Scratch {
    /// Empty tables.
    pub fn new(tables: &[&'static Table]) -> Result<Self, StoreError> {
        let connection = Connection::open("")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_PREPARED);
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let _: String = connection.pragma_update_and_check(None, "journal_mode", "off", |row| row.get(0))?;
        let sheets: Vec<Sheet> = tables.iter().map(|table| Sheet::of(table)).collect();
        for sheet in &sheets {
            connection.execute_batch(&sheet.create())?;
        }
        connection.execute_batch("BEGIN")?;
        Ok(Self { inner: Mutex::new(Inner { connection, sheets }) })
    }

    /// Changes rows in order.
    pub fn change(&self, changes: impl IntoIterator<Item = RowChange>) -> Result<(), StoreError> {
        let mut inner = self.inner();
        for change in changes {
            let (RowChange::Put(table, _) | RowChange::Delete(table, _)) = &change;
            let place = inner.place(table.name)?;
            match change {
                RowChange::Put(_, row) => {
                    inner.execute(&inner.sheets[place].put, values(&row))?;
                    inner.sheets[place].note(row);
                }
                RowChange::Delete(_, key) => {
                    inner.execute(&inner.sheets[place].delete, [text(&key)])?;
                }
            }
        }
        Ok(())
    }

    /// So many rows behind a key, by key.
    pub fn page(
        &self,
        table: &'static Table,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let inner = self.inner();
        let sheet = &inner.sheets[inner.place(table.name)?];
        let limit = Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        rows::query(&inner.connection, table, &sheet.page, vec![after.unwrap_or_default().into(), limit])
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic leaves whole statements only.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn place(&self, table: &str) -> Result<usize, StoreError> {
        let place = self.sheets.iter().position(|sheet| sheet.table.name == table);
        place.ok_or_else(|| StoreError::Corrupt(format!("no such table: {table}")))
    }

    fn execute<'a>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = ToSqlOutput<'a>>,
    ) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.execute(params_from_iter(values))?)
    }

    fn has_index(&mut self, place: usize) -> Result<(), StoreError> {
        if let Some(index) = self.sheets[place].index.take() {
            self.connection.execute_batch(&index)?;
        }
        Ok(())
    }
}

impl Source for Scratch {
    type Error = StoreError;

    fn answer(&self, need: &Need) -> Result<Vec<Row>, StoreError> {
        let mut inner = self.inner();
        let (Need::Key(name, wanted) | Need::Parent(name, wanted)) = need;
        let place = inner.place(name)?;
        if inner.sheets[place].is_new(need) {
            return Ok(Vec::new());
        }
        if matches!(need, Need::Parent(..)) {
            inner.has_index(place)?;
        }
        let sheet = &inner.sheets[place];
        let sql = if matches!(need, Need::Parent(..)) { &sheet.by_parent } else { &sheet.by_key };
        rows::query(&inner.connection, sheet.table, sql, vec![wanted.as_str().into()])
    }
}

fn values(row: &Row) -> impl Iterator<Item = ToSqlOutput<'_>> {
    let columns = row.columns.iter().map(|value| match value {
        Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
        Value::Integer(integer) => ToSqlOutput::Borrowed(ValueRef::Integer(*integer)),
        Value::Text(value) => text(value),
    });
    [text(&row.key), text(&row.parent)].into_iter().chain(columns).chain([text(&row.doc)])
}

fn text(text: &str) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
}
