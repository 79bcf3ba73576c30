//! Read models, timers and notices, compared with a fresh fold of the log.
//!
//! They are folded beside ([`Beside`]) by the same code as readers use, as far as the live reader has come, while the log is
//! followed further. Notices are compared as they are made and not kept, since no fold reads them again. Where readers go on
//! meanwhile, the fold follows, and what differed is looked at again.

use std::{collections::HashMap, sync::Arc};

use orderwire_domain::{
    fact::Fact,
    timer::{TIMER, Timer},
    views::{
        self,
        notices::NOTICE,
        overlay::Source as _,
        table::{Need, Row, Table},
    },
};
use serde_json::Value;

use super::{Finding, Stop, beside::Beside, read::Seen, side_by_side::Rows};
use crate::engine::{
    Engine, Error,
    log::{Comparison, Filter, Position, StoreError},
    readers::{PAGE_EVENTS_MAX, fact},
};

/// Notices looked for together.
const NOTICES_AT_ONCE: usize = 1_000;
/// How often it is tried to look at rows between two pages of the live reader.
const ROUNDS_MAX: u32 = 200;
/// Rows that differed and are looked at again together.
const DIFFERING_MAX: usize = 500;

/// The fresh fold of every reader.
pub struct Models {
    engine: Engine,
    readers: Vec<Reader>,
    notices: u64,
}

/// One reader, there and beside.
struct Reader {
    view: &'static views::Reader,
    beside: Beside,
    /// How far the live one has come.
    due: Position,
}

impl Models {
    /// Learns how far the live ones have come.
    pub async fn begin(engine: &Engine) -> Result<Self, Stop> {
        let mut readers = Vec::new();
        for view in views::READERS {
            let due = engine.log().checkpoint(view.name).await.map_err(Error::from)?;
            readers.push(Reader { view, beside: Beside::begin(view)?, due });
        }
        Ok(Self { engine: engine.clone(), readers, notices: 0 })
    }

    /// Folds a chunk of the log, while the next is followed.
    pub async fn fold(&mut self, seen: Vec<Seen>) -> Result<(), Stop> {
        let facts: Arc<[Fact]> = seen.into_iter().map(|event| event.fact).collect();
        for reader in 0..self.readers.len() {
            self.fold_for(reader, &facts).await?;
        }
        Ok(())
    }

    async fn fold_for(&mut self, reader: usize, facts: &Arc<[Fact]>) -> Result<(), Stop> {
        let Reader { beside, due, .. } = &mut self.readers[reader];
        let count = facts.partition_point(|fact| fact.position <= *due);
        let notices = beside.fold(facts, count).await?;
        self.compare_notices(notices).await
    }

    /// Waits until everything is folded and written that was begun.
    pub async fn finish(&mut self) -> Result<(), Stop> {
        for reader in 0..self.readers.len() {
            let notices = self.readers[reader].beside.finish().await?;
            self.compare_notices(notices).await?;
        }
        Ok(())
    }

    async fn compare_notices(&mut self, expected: Vec<Row>) -> Result<(), Stop> {
        self.notices += expected.len() as u64;
        for expected in expected.chunks(NOTICES_AT_ONCE) {
            let keys: Vec<String> = expected.iter().map(|row| row.key.clone()).collect();
            let stored = self.engine.log().rows(&NOTICE, &keys).await.map_err(Error::from)?;
            let found: HashMap<&str, &Row> = stored.iter().map(|row| (row.key.as_str(), row)).collect();
            for row in expected {
                let what = match found.get(row.key.as_str()) {
                    Some(stored) if *stored == row => continue,
                    Some(_) => "says something else than the events",
                    None => "is not there",
                };
                return Err(about_notice(row, what).into());
            }
        }
        Ok(())
    }

    /// Compares every row with the live one; answers how many there are.
    pub async fn compare(mut self) -> Result<u64, Stop> {
        self.finish().await?;
        let mut same = 0;
        for reader in 0..self.readers.len() {
            self.follow(reader).await?;
            for table in self.readers[reader].view.tables {
                if **table != NOTICE {
                    same += self.compare_table(reader, table).await?;
                }
            }
            if self.readers[reader].view.tables.iter().any(|table| **table == NOTICE) {
                self.count_notices(reader).await?;
            }
        }
        Ok(same + self.notices)
    }

    /// Each notice that the events lead to was found: there are no others. First those up to where the fold is; then all of them,
    /// with the fold where the live reader was after they were counted, so that what is told meanwhile is no surprise.
    async fn count_notices(&mut self, reader: usize) -> Result<(), Stop> {
        let at = i64::try_from(self.readers[reader].beside.at).unwrap_or(i64::MAX);
        let so_far = Filter { column: "position", comparison: Comparison::AtMost, value: at.into() };
        for filters in [vec![so_far], Vec::new()] {
            let told = self.engine.log().count(&NOTICE, &filters).await.map_err(Error::from)?;
            if filters.is_empty() {
                self.follow(reader).await?;
            }
            if told > self.notices {
                let detail = format!("the store has {told} notices, and the events lead to {}", self.notices);
                return Err(Finding::of("notice", detail).into());
            }
        }
        Ok(())
    }

    /// Takes what the live reader has taken since.
    async fn follow(&mut self, reader: usize) -> Result<(), Stop> {
        let due = self.live_at(reader).await?;
        self.follow_to(reader, due).await
    }

    async fn live_at(&self, reader: usize) -> Result<Position, Stop> {
        Ok(self.engine.log().checkpoint(self.readers[reader].view.name).await.map_err(Error::from)?)
    }

    async fn follow_to(&mut self, reader: usize, due: Position) -> Result<(), Stop> {
        let name = self.readers[reader].view.name;
        if due < self.readers[reader].beside.at {
            return Err(self.too_busy(reader, due));
        }
        self.readers[reader].due = due;
        while self.readers[reader].beside.at < due {
            let page = self.engine.page(self.readers[reader].beside.at, PAGE_EVENTS_MAX).await?;
            let facts: Arc<[Fact]> = page.iter().map(fact).collect::<Result<_, _>>()?;
            if facts.is_empty() {
                return Err(Finding::at(due, "model", format!("`{name}` is ahead of the log")).into());
            }
            self.fold_for(reader, &facts).await?;
        }
        self.finish().await
    }

    /// The live reader does not stand still for long enough, or was set back: verify again.
    fn too_busy(&self, reader: usize, reached: Position) -> Stop {
        let Reader { view, beside, .. } = &self.readers[reader];
        Stop::Failed(Error::NotThereYet { reader: view.name.to_owned(), reached, wanted: beside.at })
    }

    /// Goes through both tables side by side; answers how many rows are the same.
    async fn compare_table(&mut self, reader: usize, table: &'static Table) -> Result<u64, Stop> {
        let mut differing = Vec::new();
        let mut ours = Rows::beside(&self.readers[reader].beside.rows, table);
        let mut theirs = Rows::live(self.engine.log(), table);
        let (mut fresh, mut stored) = (ours.next().await?, theirs.next().await?);
        let mut same = 0;
        loop {
            let key = match (&fresh, &stored) {
                (None, None) => break,
                (Some(fresh), None) => fresh.key.clone(),
                (None, Some(stored)) => stored.key.clone(),
                (Some(fresh), Some(stored)) => fresh.key.clone().min(stored.key.clone()),
            };
            let is_it = |row: &Option<Row>| row.as_ref().is_some_and(|row| row.key == key);
            let (in_fresh, in_stored) = (is_it(&fresh), is_it(&stored));
            if in_fresh && in_stored && fresh == stored {
                same += 1;
            } else {
                differing.push(key);
                if differing.len() == DIFFERING_MAX {
                    same += self.settle(reader, table, std::mem::take(&mut differing)).await?;
                }
            }
            if in_fresh {
                fresh = ours.next().await?;
            }
            if in_stored {
                stored = theirs.next().await?;
            }
        }
        Ok(same + self.settle(reader, table, differing).await?)
    }

    /// Looks again at rows that differed, as they are at a position that the live reader is at before and after: there the fold
    /// has to have the same. Answers how many there are.
    async fn settle(&mut self, reader: usize, table: &'static Table, keys: Vec<String>) -> Result<u64, Stop> {
        if keys.is_empty() {
            return Ok(0);
        }
        for _ in 0..ROUNDS_MAX {
            let at = self.live_at(reader).await?;
            let stored = self.engine.log().rows(table, &keys).await.map_err(Error::from)?;
            if self.live_at(reader).await? != at {
                continue;
            }
            self.follow_to(reader, at).await?;
            let by_key: HashMap<&str, &Row> = stored.iter().map(|row| (row.key.as_str(), row)).collect();
            for key in &keys {
                let need = Need::Key(table.name, key.clone());
                let fresh = self.readers[reader].beside.rows.answer(&need).map_err(Error::from)?.pop();
                let stored = by_key.get(key.as_str()).copied();
                if let Some(found) = self.difference(table, key, fresh.as_ref(), stored)? {
                    return Err(found.into());
                }
            }
            return Ok(stored.len() as u64);
        }
        let at = self.live_at(reader).await?;
        Err(self.too_busy(reader, at))
    }

    /// What is wrong with a row. A timer that was answered is gone.
    fn difference(
        &self,
        table: &'static Table,
        key: &str,
        fresh: Option<&Row>,
        stored: Option<&Row>,
    ) -> Result<Option<Finding>, Stop> {
        let is_timer = *table == TIMER;
        let what = match (fresh, stored) {
            (fresh, stored) if fresh == stored => return Ok(None),
            (Some(fresh), None) if is_timer => {
                let timer: Timer = serde_json::from_str(&fresh.doc)
                    .map_err(|why| Stop::Failed(Error::Store(StoreError::Corrupt(why.to_string()))))?;
                if !timer.rests && timer.due <= self.engine.now() {
                    return Ok(None);
                }
                "is gone, and was not due"
            }
            (Some(_), None) => "is not there",
            (None, _) => "is there, and nothing in the log led to it",
            _ => "says something else than the events",
        };
        let check = if is_timer { "timer" } else { "model" };
        Ok(Some(Finding::of(check, format!("row {key} of {} {what}", table.name))))
    }
}

fn about_notice(row: &Row, what: &str) -> Finding {
    // Where it names none, it is told by its key alone.
    let position = serde_json::from_str::<Value>(&row.doc).ok().and_then(|doc| doc["position"].as_u64());
    Finding { position, ..Finding::of("notice", format!("notice {} {what}", row.key)) }
}
