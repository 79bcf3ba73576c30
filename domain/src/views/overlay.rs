//! Rows at hand: what was fetched, with what folds changed on top.
//!
//! A fold that asks for something not at hand is interrupted and its changes are undone; the caller fetches what was
//! missed, all of it in one round, and folds again. Absent: any store. An overlay that is kept from page to page must be
//! the only writer of its tables, or it answers with rows of yesterday.

mod supplied;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

pub use self::supplied::{NotFolded, Source};
use super::{
    fold::{Fault, Fold},
    table::{Held, Need, Row, Rows, Table},
};
use crate::fact::Fact;

/// One changed row: its table, its key, and the row, or nothing where it is gone.
pub type Change = (&'static Table, String, Option<Row>);

/// Fetched rows and the changes made to them.
#[derive(Debug, Default)]
pub struct Overlay {
    sheets: HashMap<&'static str, Sheet>,
    /// Every row that differs from the store, in the order of its first change.
    changed: Vec<(&'static Table, Arc<str>)>,
    /// How to take back what the fact being folded has changed, the newest last.
    undo: Vec<Undo>,
    /// What was asked for and is not at hand.
    missing: BTreeSet<Need>,
}

/// How far a page was folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many of the facts are folded, from the first on.
    pub folded: usize,
    /// What the next of them, and those after it, are known to need.
    pub needs: BTreeSet<Need>,
}

/// The rows of one table.
#[derive(Debug, Default)]
struct Sheet {
    slots: HashMap<Arc<str>, Slot>,
    /// Keys of the rows at hand, by parent.
    children: HashMap<String, BTreeSet<Arc<str>>>,
    /// The parents whose rows are all at hand.
    whole: HashSet<String>,
}

/// A row at hand, or the knowledge that there is none.
#[derive(Debug)]
struct Slot {
    now: Option<Placed>,
    stored: Stored,
}

/// A row, and the parent that it is kept under.
#[derive(Clone, Debug, PartialEq)]
struct Placed {
    parent: String,
    row: Held,
}

/// What the store has where a slot is.
#[derive(Debug)]
enum Stored {
    /// The same row.
    Same,
    /// This row, or none.
    Was(Option<Placed>),
    /// Nobody asked before it was written.
    Unknown,
}

#[derive(Debug)]
enum Undo {
    /// The slot was as in the store, or was not.
    First(&'static Table, Arc<str>),
    /// The slot had been changed before.
    Again(&'static Table, Arc<str>, Option<Placed>),
}

impl Overlay {
    /// An overlay with nothing at hand.
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds one fact; on a fault nothing of it remains.
    pub fn fold(&mut self, fold: Fold, fact: &Fact) -> Result<(), Fault> {
        self.undo.clear();
        let outcome = fold(self, fact);
        if outcome.is_err() {
            self.roll_back();
        }
        outcome
    }

    /// Folds facts in order as far as it can. Where one needs something, those after it are tried only to learn what
    /// they need, so that a page takes as many rounds as its longest chain of needs, not one for each fact.
    pub fn fold_page(&mut self, fold: Fold, facts: &[Fact]) -> Result<Progress, Fault> {
        self.missing.clear();
        for (folded, fact) in facts.iter().enumerate() {
            match self.fold(fold, fact) {
                Ok(()) => {}
                Err(Fault::Need(_)) => {
                    facts[folded + 1..].iter().for_each(|later| self.try_out(fold, later));
                    return Ok(Progress { folded, needs: std::mem::take(&mut self.missing) });
                }
                Err(Fault::Broken(why)) => {
                    return Err(Fault::Broken(format!("at position {}: {why}", fact.position)));
                }
            }
        }
        Ok(Progress { folded: facts.len(), needs: BTreeSet::new() })
    }

    /// What was asked for and is not at hand, since the last call.
    pub fn take_needs(&mut self) -> BTreeSet<Need> {
        std::mem::take(&mut self.missing)
    }

    /// Puts what the store answered at hand: for a key its row or none, for a parent all of its rows.
    pub fn supply(&mut self, need: &Need, rows: Vec<Row>) {
        let (Need::Key(table, _) | Need::Parent(table, _)) = need;
        let sheet = self.sheets.entry(table).or_default();
        if let Need::Key(_, key) = need
            && rows.is_empty()
            && !sheet.slots.contains_key(key.as_str())
        {
            sheet.slots.insert(key.as_str().into(), Slot { now: None, stored: Stored::Same });
        }
        // What was changed here is newer than what the store says.
        for row in rows {
            if !sheet.slots.contains_key(row.key.as_str()) {
                let key: Arc<str> = row.key.as_str().into();
                sheet.index(&row.parent, &key);
                let now = Some(Placed { parent: row.parent.clone(), row: Held::Row(row) });
                sheet.slots.insert(key, Slot { now, stored: Stored::Same });
            }
        }
        if let Need::Parent(_, parent) = need {
            sheet.whole.insert(parent.clone());
        }
    }

    /// The net change of every row, in the order of first changes; from here on they count as stored.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.undo.clear();
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().filter_map(|(table, key)| self.settle(table, &key)).collect()
    }

    /// How many rows, or absences of rows, are at hand: for a bound on memory.
    pub fn len(&self) -> usize {
        self.sheets.values().map(|sheet| sheet.slots.len()).sum()
    }

    /// Whether nothing is at hand.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn settle(&mut self, table: &'static Table, key: &str) -> Option<Change> {
        let slot = self.sheets.get_mut(table.name)?.slots.get_mut(key)?;
        match std::mem::replace(&mut slot.stored, Stored::Same) {
            Stored::Was(row) if row == slot.now => None,
            _ => Some((table, key.to_owned(), slot.now.as_ref().map(|placed| placed.row.to_row()))),
        }
    }

    /// Folds to learn needs. Whatever else comes of it rests on facts that were not folded, so it is undone.
    fn try_out(&mut self, fold: Fold, fact: &Fact) {
        self.undo.clear();
        match fold(self, fact) {
            Ok(()) | Err(Fault::Need(_) | Fault::Broken(_)) => self.roll_back(),
        }
    }

    fn roll_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            let (table, key, again) = match undo {
                Undo::First(table, key) => (table, key, None),
                Undo::Again(table, key, before) => (table, key, Some(before)),
            };
            let sheet = self.sheets.get_mut(table.name).expect("what was changed is at hand");
            let mut slot = sheet.slots.remove(&key).expect("what was changed is at hand");
            let undone = slot.now.take();
            let back = match (again, slot.stored) {
                (Some(before), stored) => Some(Slot { now: before, stored }),
                (None, stored) => {
                    self.changed.pop();
                    match stored {
                        Stored::Was(row) => Some(Slot { now: row, stored: Stored::Same }),
                        Stored::Same | Stored::Unknown => None,
                    }
                }
            };
            let (undone, now) = (parent_of(undone.as_ref()), back.as_ref());
            sheet.reindex(undone, now.and_then(|slot| parent_of(slot.now.as_ref())), &key);
            if let Some(back) = back {
                sheet.slots.insert(key, back);
            }
        }
    }

    fn change(&mut self, table: &'static Table, key: &str, now: Option<Placed>) {
        let sheet = self.sheets.entry(table.name).or_default();
        // Most changes are to a row that stays under its parent.
        let Some((shared, slot)) = sheet.slots.get_key_value(key) else {
            let key: Arc<str> = key.into();
            sheet.reindex(None, parent_of(now.as_ref()), &key);
            sheet.slots.insert(key.clone(), Slot { now, stored: Stored::Unknown });
            self.undo.push(Undo::First(table, key.clone()));
            self.changed.push((table, key));
            return;
        };
        let key = shared.clone();
        let moved = parent_of(slot.now.as_ref()) != parent_of(now.as_ref());
        if moved {
            let before = slot.now.as_ref().map(|placed| placed.parent.clone());
            sheet.reindex(before.as_deref(), parent_of(now.as_ref()), &key);
        }
        let slot = sheet.slots.get_mut(&key).expect("it was found just now");
        let before = std::mem::replace(&mut slot.now, now);
        if matches!(slot.stored, Stored::Same) {
            slot.stored = Stored::Was(before);
            self.undo.push(Undo::First(table, key.clone()));
            self.changed.push((table, key));
        } else {
            self.undo.push(Undo::Again(table, key, before));
        }
    }
}

fn parent_of(placed: Option<&Placed>) -> Option<&str> {
    placed.map(|placed| placed.parent.as_str())
}

impl Rows for Overlay {
    fn get(&mut self, table: &'static Table, key: &str) -> Result<Option<&Held>, Need> {
        if let Some(slot) = self.sheets.get(table.name).and_then(|sheet| sheet.slots.get(key)) {
            return Ok(slot.now.as_ref().map(|placed| &placed.row));
        }
        let need = Need::Key(table.name, key.to_owned());
        self.missing.insert(need.clone());
        Err(need)
    }

    fn children(&mut self, table: &'static Table, parent: &str) -> Result<Vec<&Held>, Need> {
        if let Some(sheet) = self.sheets.get(table.name).filter(|sheet| sheet.whole.contains(parent)) {
            let keys = sheet.children.get(parent).into_iter().flatten();
            let row = |key| sheet.slots.get(key)?.now.as_ref().map(|placed: &Placed| &placed.row);
            return Ok(keys.filter_map(row).collect());
        }
        let need = Need::Parent(table.name, parent.to_owned());
        self.missing.insert(need.clone());
        Err(need)
    }

    fn put(&mut self, table: &'static Table, key: String, parent: String, row: Held) {
        self.change(table, &key, Some(Placed { parent, row }));
    }

    fn delete(&mut self, table: &'static Table, key: &str) {
        self.change(table, key, None);
    }
}

impl Sheet {
    fn index(&mut self, parent: &str, key: &Arc<str>) {
        match self.children.get_mut(parent) {
            Some(keys) => {
                keys.insert(key.clone());
            }
            None => {
                self.children.insert(parent.to_owned(), BTreeSet::from([key.clone()]));
            }
        }
    }

    fn reindex(&mut self, before: Option<&str>, after: Option<&str>, key: &Arc<str>) {
        if before == after {
            return;
        }
        if let Some(keys) = before.and_then(|parent| self.children.get_mut(parent)) {
            keys.remove(key);
        }
        if let Some(parent) = after {
            self.index(parent, key);
        }
    }
}
