//! An overlay whose source answers at once, so that no fold is ever interrupted.
//!
//! For whoever folds beside a store of his own: each fact is folded once. Readers of a store that is asked over a network fold
//! by [`Overlay::fold_page`].

use super::Overlay;
use crate::{
    fact::Fact,
    views::{
        fold::{Fault, Fold},
        table::{Held, Need, Row, Rows, Table},
    },
};

/// Where rows are that are not at hand.
pub trait Source {
    /// Why it cannot answer.
    type Error;

    /// For a key its row, or none; for a parent all of its rows.
    fn answer(&self, need: &Need) -> Result<Vec<Row>, Self::Error>;
}

/// Why a fact was not folded.
#[derive(Debug)]
pub enum NotFolded<E> {
    /// The rows and the fact at this position cannot both be right.
    Broken(u64, String),
    /// The source did not answer.
    Source(E),
}

/// Rows at hand, and where the others come from.
struct Supplied<'a, S: Source> {
    overlay: &'a mut Overlay,
    source: &'a S,
    failed: Option<S::Error>,
}

impl Overlay {
    /// Folds one fact, with what is not at hand from `source`. What failed is not undone: such an overlay is of no use any more.
    pub fn fold_from<S: Source>(
        &mut self,
        source: &S,
        fold: Fold,
        fact: &Fact,
    ) -> Result<(), NotFolded<S::Error>> {
        self.undo.clear();
        let mut rows = Supplied { overlay: self, source, failed: None };
        match (fold(&mut rows, fact), rows.failed) {
            (_, Some(error)) => Err(NotFolded::Source(error)),
            (Ok(()), None) => Ok(()),
            (Err(Fault::Broken(why)), None) => Err(NotFolded::Broken(fact.position, why)),
            (Err(Fault::Need(need)), None) => unreachable!("{need:?} was answered"),
        }
    }
}

impl<S: Source> Supplied<'_, S> {
    fn supply(&mut self, need: Need) -> Result<(), Need> {
        match self.source.answer(&need) {
            Ok(rows) => self.overlay.supply(&need, rows),
            Err(error) => {
                self.failed = Some(error);
                return Err(need);
            }
        }
        Ok(())
    }
}

impl<S: Source> Rows for Supplied<'_, S> {
    fn get(&mut self, table: &'static Table, key: &str) -> Result<Option<&Held>, Need> {
        let at_hand = |overlay: &Overlay| Some(overlay.sheets.get(table.name)?.slots.contains_key(key));
        if at_hand(self.overlay) != Some(true) {
            self.supply(Need::Key(table.name, key.to_owned()))?;
        }
        self.overlay.get(table, key)
    }

    fn children(&mut self, table: &'static Table, parent: &str) -> Result<Vec<&Held>, Need> {
        let at_hand = |overlay: &Overlay| Some(overlay.sheets.get(table.name)?.whole.contains(parent));
        if at_hand(self.overlay) != Some(true) {
            self.supply(Need::Parent(table.name, parent.to_owned()))?;
        }
        self.overlay.children(table, parent)
    }

    fn put(&mut self, table: &'static Table, key: String, parent: String, row: Held) {
        self.overlay.put(table, key, parent, row);
    }

    fn delete(&mut self, table: &'static Table, key: &str) {
        self.overlay.delete(table, key);
    }
}
