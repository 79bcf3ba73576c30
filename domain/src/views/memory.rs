//! Every row in memory, for the tests of folds and of embedders: always at hand, and a store for an overlay to ask.

use std::collections::BTreeMap;

use super::{
    fold::{Fault, Fold},
    overlay::{Change, Overlay},
    table::{Need, Row, Rows, Table},
};
use crate::fact::Fact;

/// Rows that are all at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryRows {
    tables: BTreeMap<&'static str, BTreeMap<String, Row>>,
}

impl MemoryRows {
    /// Every row of a table, by key.
    pub fn table(&self, table: &Table) -> BTreeMap<String, Row> {
        self.tables.get(table.name).cloned().unwrap_or_default()
    }

    /// What a store with these rows answers to a need.
    pub fn answer(&self, need: &Need) -> Vec<Row> {
        let rows = |table| self.tables.get(table).into_iter().flat_map(BTreeMap::values);
        match need {
            Need::Key(table, key) => {
                self.tables.get(table).and_then(|rows| rows.get(key)).cloned().into_iter().collect()
            }
            Need::Parent(table, parent) => rows(table).filter(|row| row.parent == *parent).cloned().collect(),
        }
    }

    /// Keeps changes, as a store does.
    pub fn keep(&mut self, changes: Vec<Change>) {
        for (table, key, row) in changes {
            match row {
                Some(row) => self.put(table, row),
                None => self.delete(table, &key),
            }
        }
    }

    /// Folds facts as a reader does, a page at a time, over an overlay that has nothing at hand when a page begins.
    pub fn read(&mut self, fold: Fold, facts: &[Fact], page: usize) -> Result<(), Fault> {
        for mut facts in facts.chunks(page) {
            let mut overlay = Overlay::new();
            loop {
                let progress = overlay.fold_page(fold, facts)?;
                facts = &facts[progress.folded..];
                if facts.is_empty() {
                    break;
                }
                progress.needs.iter().for_each(|need| overlay.supply(need, self.answer(need)));
            }
            self.keep(overlay.take_changes());
        }
        Ok(())
    }
}

impl Rows for MemoryRows {
    fn get(&mut self, table: &'static Table, key: &str) -> Result<Option<Row>, Need> {
        Ok(self.tables.get(table.name).and_then(|rows| rows.get(key)).cloned())
    }

    fn children(&mut self, table: &'static Table, parent: &str) -> Result<BTreeMap<String, Row>, Need> {
        let rows = self.answer(&Need::Parent(table.name, parent.to_owned()));
        Ok(rows.into_iter().map(|row| (row.key.clone(), row)).collect())
    }

    fn put(&mut self, table: &'static Table, row: Row) {
        self.tables.entry(table.name).or_default().insert(row.key.clone(), row);
    }

    fn delete(&mut self, table: &'static Table, key: &str) {
        self.tables.entry(table.name).or_default().remove(key);
    }
}
