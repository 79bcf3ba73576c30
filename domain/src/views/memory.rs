//! Every row in memory, for the tests of folds and of embedders: always at hand, and a store for an overlay to ask.

use std::{collections::BTreeMap, convert::Infallible};

use super::{
    fold::{Fault, Fold},
    overlay::{Change, NotFolded, Overlay, Source},
    table::{Held, Need, Row, Rows, Table},
};
use crate::fact::Fact;

/// Rows that are all at hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryRows {
    tables: BTreeMap<&'static str, BTreeMap<String, Held>>,
}

impl MemoryRows {
    /// Every row of a table, by key.
    pub fn table(&self, table: &Table) -> BTreeMap<String, Row> {
        self.rows(table.name).map(|row| (row.key.clone(), row)).collect()
    }

    /// What a store with these rows answers to a need.
    pub fn answer(&self, need: &Need) -> Vec<Row> {
        match need {
            Need::Key(table, key) => {
                self.tables.get(table).and_then(|rows| rows.get(key)).map(Held::to_row).into_iter().collect()
            }
            Need::Parent(table, parent) => self.rows(table).filter(|row| row.parent == *parent).collect(),
        }
    }

    fn rows(&self, table: &str) -> impl Iterator<Item = Row> {
        self.tables.get(table).into_iter().flat_map(BTreeMap::values).map(Held::to_row)
    }

    /// Keeps changes, as a store does.
    pub fn keep(&mut self, changes: Vec<Change>) {
        for (table, key, row) in changes {
            match row {
                Some(row) => self.put(table, key, row.parent.clone(), Held::Row(row)),
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

    /// Folds facts with a source that answers at once, a page at a time, over an overlay that forgets what is at hand now and then.
    pub fn read_at_once(&mut self, fold: Fold, facts: &[Fact], page: usize) -> Result<(), Fault> {
        let mut overlay = Overlay::new();
        for (number, facts) in facts.chunks(page).enumerate() {
            if number % 3 == 2 {
                overlay = Overlay::new();
            }
            for fact in facts {
                overlay.fold_from(self, fold, fact).map_err(|error| match error {
                    NotFolded::Broken(position, why) => {
                        Fault::Broken(format!("at position {position}: {why}"))
                    }
                    NotFolded::Source(never) => match never {},
                })?;
            }
            self.keep(overlay.take_changes());
        }
        Ok(())
    }
}

impl Source for MemoryRows {
    type Error = Infallible;

    fn answer(&self, need: &Need) -> Result<Vec<Row>, Infallible> {
        Ok(self.answer(need))
    }
}

impl Rows for MemoryRows {
    fn get(&mut self, table: &'static Table, key: &str) -> Result<Option<&Held>, Need> {
        Ok(self.tables.get(table.name).and_then(|rows| rows.get(key)))
    }

    fn children(&mut self, table: &'static Table, parent: &str) -> Result<Vec<&Held>, Need> {
        let rows = self.tables.get(table.name).into_iter().flat_map(BTreeMap::values);
        Ok(rows.filter(|held| matches!(held, Held::Row(row) if row.parent == parent)).collect())
    }

    // As stored, so that what a record would lose on its way is lost here too.
    fn put(&mut self, table: &'static Table, key: String, _: String, row: Held) {
        self.tables.entry(table.name).or_default().insert(key, Held::Row(row.to_row()));
    }

    fn delete(&mut self, table: &'static Table, key: &str) {
        let Some(rows) = self.tables.get_mut(table.name) else { return };
        rows.remove(key);
        // A table without rows is the same as none: two histories that leave the same rows are equal.
        if rows.is_empty() {
            self.tables.remove(table.name);
        }
    }
}
