//! What an embedder's own reader makes of a page: a function of facts, and what it wants written.

use std::sync::Arc;

use orderwire_domain::{
    fact::Fact,
    views::table::{Row, Table, Value},
};

use crate::engine::log::{RowChange, Statement};

/// What an embedder's own reader does with a page: statements that are executed with its checkpoint.
pub type Effect = Arc<dyn Fn(&mut ReaderTx, &[Fact]) -> Result<(), String> + Send + Sync>;

/// What an embedder's reader wants written in the transaction that advances its checkpoint.
#[derive(Debug, Default)]
pub struct ReaderTx {
    pub(super) changes: Vec<RowChange>,
    pub(super) statements: Vec<Statement>,
}

impl ReaderTx {
    /// Puts a row.
    pub fn put(&mut self, table: &'static Table, row: Row) {
        self.changes.push(RowChange::Put(table, row));
    }

    /// Deletes a row.
    pub fn delete(&mut self, table: &'static Table, key: impl Into<String>) {
        self.changes.push(RowChange::Delete(table, key.into()));
    }

    /// Executes a statement with `$1`-style parameters; refused by a store that does not speak SQL.
    pub fn execute(&mut self, sql: impl Into<String>, parameters: Vec<Value>) {
        self.statements.push(Statement { sql: sql.into(), parameters });
    }
}
