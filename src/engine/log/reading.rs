//! What readers of the log write, and how their rows are looked at.

use orderwire_domain::views::table::{Row, Table, Value};

use super::{Fence, Position};

/// A change of a reader's rows.
#[derive(Clone, Debug)]
pub enum RowChange {
    /// Inserted, or put in place of the row with the same key.
    Put(&'static Table, Row),
    /// Removed if present.
    Delete(&'static Table, String),
}

/// One write statement of an embedder's own reader, with `$1`-style parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The SQL text.
    pub sql: String,
    /// Its parameters.
    pub parameters: Vec<Value>,
}

/// What a reader made of a page: applied in the transaction that advances its checkpoint from `after` to `to`, or not at
/// all if the checkpoint is no longer `after`.
#[derive(Clone, Debug, Default)]
pub struct ReaderCommit {
    /// The reader's name.
    pub reader: String,
    /// Where its checkpoint was when the page was read.
    pub after: Position,
    /// Where it is afterwards.
    pub to: Position,
    /// Changes of its rows, in order.
    pub changes: Vec<RowChange>,
    /// Further statements, after the rows; refused by stores that do not speak SQL.
    pub statements: Vec<Statement>,
    /// Under which lease it was made, if under any: applied only while nobody else took it.
    pub fence: Option<Fence>,
}

impl ReaderCommit {
    /// Whether it only says that the page was read.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.statements.is_empty()
    }
}

/// Tables that were built beside others, and now take their places. All of it happens, or nothing where a checkpoint or a
/// lease is not as it says.
#[derive(Clone, Debug)]
pub struct Swap {
    /// The reader whose tables are replaced.
    pub reader: String,
    /// The name under which the others were built.
    pub beside: String,
    /// Where the checkpoints of both are.
    pub at: Position,
    /// Each table with the one that takes its place.
    pub tables: Vec<(&'static Table, &'static Table)>,
    /// The leases of both.
    pub fences: [Fence; 2],
}

/// A look into one table of a read model.
#[derive(Clone, Debug)]
pub struct Select {
    /// The table.
    pub table: &'static Table,
    /// All must hold. Column names are `key`, `parent` or one of the table's.
    pub filters: Vec<Filter>,
    /// The column to order by; ties by key.
    pub order: &'static str,
    /// Largest first.
    pub descending: bool,
    /// Rows after this (order value, key), for paging.
    pub after: Option<(Value, String)>,
    /// At most this many rows.
    pub limit: usize,
}

impl Select {
    /// A page of a table: so many rows behind a key, by key.
    pub fn page(table: &'static Table, after: Option<&str>, limit: usize) -> Self {
        let after = after.map(|key| (key.into(), key.to_owned()));
        Self { table, filters: Vec::new(), order: "key", descending: false, after, limit }
    }
}

/// A condition on a column.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The column.
    pub column: &'static str,
    /// How it compares.
    pub comparison: Comparison,
    /// With what; a null never matches.
    pub value: Value,
}

/// How a column compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Equal or greater.
    AtLeast,
    /// Equal or less.
    AtMost,
}
