//! Rows for a while, in memory: where there is no `SQLite` to keep them in a file.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use orderwire_domain::views::{
    overlay::Source,
    table::{Need, Row, Table},
};

use crate::engine::log::{RowChange, StoreError};

/// Tables of rows that go away with this.
#[derive(Debug)]
pub struct Scratch {
    sheets: Mutex<BTreeMap<&'static str, Sheet>>,
}

#[derive(Debug, Default)]
struct Sheet {
    rows: BTreeMap<String, Row>,
    /// Parents and keys.
    children: BTreeMap<String, BTreeSet<String>>,
}

impl Sheet {
    fn remove(&mut self, key: &str) {
        if let Some(row) = self.rows.remove(key)
            && let Some(keys) = self.children.get_mut(&row.parent)
        {
            keys.remove(key);
        }
    }

    fn put(&mut self, row: Row) {
        self.remove(&row.key);
        self.children.entry(row.parent.clone()).or_default().insert(row.key.clone());
        self.rows.insert(row.key.clone(), row);
    }
}

impl Scratch {
    /// Empty tables.
    pub fn new(tables: &[&'static Table]) -> Result<Self, StoreError> {
        let sheets = tables.iter().map(|table| (table.name, Sheet::default())).collect();
        Ok(Self { sheets: Mutex::new(sheets) })
    }

    /// Changes rows in order.
    pub fn change(&self, changes: impl IntoIterator<Item = RowChange>) -> Result<(), StoreError> {
        let mut sheets = self.sheets();
        for change in changes {
            let (RowChange::Put(table, _) | RowChange::Delete(table, _)) = &change;
            let sheet = sheets.get_mut(table.name).ok_or_else(|| missing(table.name))?;
            match change {
                RowChange::Put(_, row) => sheet.put(row),
                RowChange::Delete(_, key) => sheet.remove(&key),
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
        let sheets = self.sheets();
        let sheet = sheets.get(table.name).ok_or_else(|| missing(table.name))?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(sheet
            .rows
            .range::<str, _>((from, Bound::Unbounded))
            .take(limit)
            .map(|(_, row)| row.clone())
            .collect())
    }

    fn sheets(&self) -> MutexGuard<'_, BTreeMap<&'static str, Sheet>> {
        // A panic leaves whole changes only.
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Scratch {
    type Error = StoreError;

    fn answer(&self, need: &Need) -> Result<Vec<Row>, StoreError> {
        let sheets = self.sheets();
        let (Need::Key(name, _) | Need::Parent(name, _)) = need;
        let sheet = sheets.get(name).ok_or_else(|| missing(name))?;
        let keys = match need {
            Need::Key(_, key) => &BTreeSet::from([key.clone()]),
            Need::Parent(_, parent) => sheet.children.get(parent).unwrap_or(const { &BTreeSet::new() }),
        };
        Ok(keys.iter().filter_map(|key| sheet.rows.get(key)).cloned().collect())
    }
}

fn missing(table: &str) -> StoreError {
    StoreError::Corrupt(format!("no such table: {table}"))
}
