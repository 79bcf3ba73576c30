//! One reader's read model, folded once more beside the live one.
//!
//! It is folded on a thread of its own, into tables of a [`Scratch`]: what the log is verified for is not changed, and memory
//! stays flat however many rows there are. Rows changed last are at hand.

use std::sync::Arc;

use orderwire_domain::{
    fact::Fact,
    views::{
        self,
        fold::Fold,
        notices::NOTICE,
        overlay::{NotFolded, Overlay},
        table::Row,
    },
};
use tokio::task::JoinHandle;

use super::{Finding, Stop, joined};
use crate::{
    engine::{
        Error,
        log::{Position, RowChange, StoreError},
    },
    stores::scratch::Scratch,
};

/// Rows at hand, at one or two KiB each.
const ROWS_AT_HAND_MAX: usize = 8_000;

/// The fold of one reader.
pub struct Beside {
    view: &'static views::Reader,
    /// The rows that it wrote.
    pub rows: Arc<Scratch>,
    /// How far it is, with what it folds now.
    pub at: Position,
    /// What it folds with, while it does not.
    hand: Option<Overlay>,
    folding: Option<JoinHandle<Folded>>,
}

/// The rows at hand, and the notices that are due to be compared.
type Folded = (Overlay, Result<Vec<Row>, NotFolded<StoreError>>);

impl Beside {
    /// Nothing was folded yet.
    pub fn begin(view: &'static views::Reader) -> Result<Self, Error> {
        let rows = Arc::new(Scratch::new(view.tables)?);
        Ok(Self { view, rows, at: 0, hand: Some(Overlay::new()), folding: None })
    }

    /// Begins to fold the first of these facts that follow what was folded, `count` of them, once the page before is folded.
    /// Answers the notices that are due to be compared.
    pub async fn fold(&mut self, facts: &Arc<[Fact]>, count: usize) -> Result<Vec<Row>, Stop> {
        let notices = self.rest().await?;
        if let Some(last) = facts[..count].last() {
            self.at = last.position;
            self.begin_page(Arc::clone(facts), count, ROWS_AT_HAND_MAX);
        }
        Ok(notices)
    }

    /// Folds what was begun, and writes what is at hand. Answers the notices that are left.
    pub async fn finish(&mut self) -> Result<Vec<Row>, Stop> {
        let mut notices = self.rest().await?;
        self.begin_page(Arc::new([]), 0, 0);
        notices.append(&mut self.rest().await?);
        Ok(notices)
    }

    fn begin_page(&mut self, facts: Arc<[Fact]>, count: usize, at_hand_max: usize) {
        let hand = self.hand.take().expect("it rests");
        let (rows, fold) = (Arc::clone(&self.rows), self.view.fold);
        let page = move || page(hand, &rows, fold, &facts[..count], at_hand_max);
        self.folding = Some(tokio::task::spawn_blocking(page));
    }

    async fn rest(&mut self) -> Result<Vec<Row>, Stop> {
        let Some(folding) = self.folding.take() else { return Ok(Vec::new()) };
        let (hand, notices) = joined(folding.await)?;
        self.hand = Some(hand);
        notices.map_err(|error| match error {
            NotFolded::Broken(position, why) => Stop::Found(Finding::at(position, "model", why)),
            NotFolded::Source(error) => Stop::Failed(error.into()),
        })
    }
}

/// Folds a page. Rows are written when there are too many at hand, so that one that changes often is written seldom.
fn page(mut hand: Overlay, rows: &Scratch, fold: Fold, facts: &[Fact], at_hand_max: usize) -> Folded {
    for fact in facts {
        if let Err(error) = hand.fold_from(rows, fold, fact) {
            return (hand, Err(error));
        }
    }
    if hand.len() <= at_hand_max {
        return (hand, Ok(Vec::new()));
    }
    let mut notices = Vec::new();
    let changes = hand.take_changes().into_iter().filter_map(|(table, key, row)| match row {
        // No fold reads them again.
        Some(row) if *table == NOTICE => {
            notices.push(row);
            None
        }
        Some(row) => Some(RowChange::Put(table, row)),
        None => Some(RowChange::Delete(table, key)),
    });
    let written = rows.change(changes);
    (Overlay::new(), written.map(|()| notices).map_err(NotFolded::Source))
}
