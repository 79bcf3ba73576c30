//! The shape of a read model: tables of rows that a pure fold reads and changes.
//!
//! A fold never touches a database. It asks [`Rows`] for what it needs; what is not at hand yet is answered with
//! [`Need`], the caller fetches it in bulk and folds again. So a fold is the same code over every store, and a page of
//! events costs a few bulk reads instead of one round trip each.

use std::{any::Any, fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

/// A table of a read model. Migrating creates it from this definition, so every store has the same columns.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in SQL.
    pub name: &'static str,
    /// The columns that queries filter or order by, besides `key` and `parent`.
    pub columns: &'static [Column],
    /// The indexes, each a list of columns; `key` and `parent` are always indexed.
    pub indexes: &'static [&'static [&'static str]],
}

/// A column of a read model.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in SQL.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds; both may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// `TEXT`, compared byte by byte.
    Text,
    /// A 64-bit integer; times are microseconds since 1970.
    Integer,
}

/// Shorthand for a text column.
pub const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text }
}

/// Shorthand for an integer column.
pub const fn integer(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Integer }
}

/// The value of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing.
    Null,
    /// An integer.
    Integer(i64),
    /// A text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row: its key, the group it is fetched with, the indexed columns in the table's order, and everything else as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Unique within the table.
    pub key: String,
    /// Rows that a fold needs together have the same parent.
    pub parent: String,
    /// One value per column of the table.
    pub columns: Vec<Value>,
    /// The document, as JSON.
    pub doc: String,
}

/// What a fold needs before it can go on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The row of one key.
    Key(&'static str, String),
    /// Every row of one parent.
    Parent(&'static str, String),
}

/// A row as a fold sees it. A record stays a record until somebody stores it, so that a row which a page of events
/// changes a hundred times is written as JSON once.
#[derive(Clone, Debug)]
pub enum Held {
    /// As it is stored.
    Row(Row),
    /// As it will be stored.
    Record(Arc<dyn AnyRecord>),
}

/// Rows as a fold sees them: what is stored, changed by what was folded so far.
pub trait Rows {
    /// The row of a key, if there is one.
    fn get(&mut self, table: &'static Table, key: &str) -> Result<Option<&Held>, Need>;
    /// Every row of a parent, in order of the keys.
    fn children(&mut self, table: &'static Table, parent: &str) -> Result<Vec<&Held>, Need>;
    /// Writes a row under its own key and parent, in place of one with the same key.
    fn put(&mut self, table: &'static Table, key: String, parent: String, row: Held);
    /// Removes the row of a key; nothing happens where there is none.
    fn delete(&mut self, table: &'static Table, key: &str);
}

/// A typed row of one table.
pub trait Record: Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Where rows of this type live.
    const TABLE: &'static Table;
    /// Unique within the table.
    fn key(&self) -> String;
    /// What it is fetched with; its own key where nothing is.
    fn parent(&self) -> String {
        self.key()
    }
    /// One value per column of the table, in its order.
    fn columns(&self) -> Vec<Value>;

    /// The row that stores this.
    fn to_row(&self) -> Row {
        let columns = self.columns();
        assert_eq!(columns.len(), Self::TABLE.columns.len(), "a value per column of {}", Self::TABLE.name);
        let doc = serde_json::to_string(self).expect("a record has string keys only, so it is JSON");
        Row { key: self.key(), parent: self.parent(), columns, doc }
    }
}

/// A record of whatever type.
pub trait AnyRecord: fmt::Debug + Send + Sync {
    /// The row that stores it.
    fn row(&self) -> Row;
    /// The record, for whoever knows its type.
    fn any(&self) -> &dyn Any;
}

impl<T: Record> AnyRecord for T {
    fn row(&self) -> Row {
        self.to_row()
    }

    fn any(&self) -> &dyn Any {
        self
    }
}

impl Held {
    /// The row as it is stored.
    pub fn to_row(&self) -> Row {
        match self {
            Self::Row(row) => row.clone(),
            Self::Record(record) => record.row(),
        }
    }

    /// The record, if that is what the row holds.
    pub fn read<T: Record>(&self) -> Result<T, serde_json::Error> {
        match self {
            Self::Row(row) => serde_json::from_str(&row.doc),
            Self::Record(record) => match record.any().downcast_ref::<T>() {
                Some(record) => Ok(record.clone()),
                None => serde_json::from_str(&record.row().doc),
            },
        }
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Row(one), Self::Row(other)) => one == other,
            _ => self.to_row() == other.to_row(),
        }
    }
}
