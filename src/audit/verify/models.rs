//! Read models, timers and notices, compared with a fresh fold of the log.
//!
//! They are folded beside ([`Aside`]) by the same code as readers use, as far as the live reader has come. Notices are compared as
//! they are made and not kept, since no fold reads them again. Where readers go on meanwhile, the fold follows, and what
//! differed is looked at again.

use orderwire_domain::{
    fact::Fact,
    timer::{TIMER, Timer},
    views::{
        self,
        notices::NOTICE,
        overlay::Overlay,
        table::{Row, Table},
    },
};
use serde_json::Value;

use super::{Finding, Stop, beside::Aside, read::Seen};
use crate::engine::{
    Engine, Error,
    folding::{FoldError, fold_page},
    log::{Position, ReaderCommit, RowChange, Select, StoreError},
    readers::{PAGE_EVENTS_MAX, fact},
};

/// Rows at hand for each reader.
const ROWS_AT_HAND_MAX: usize = 30_000;
/// Rows compared together.
const ROWS_AT_ONCE: usize = 1_000;
/// How often what differs is looked at again while readers go on.
const ROUNDS_MAX: u32 = 50;
/// What differs is only kept so far; past it nobody is merely ahead.
const DIFFERING_MAX: usize = 1_000;

/// The fresh fold of every reader.
pub struct Models {
    engine: Engine,
    aside: Aside,
    readers: Vec<Beside>,
    notices: u64,
}

/// The fold of one.
struct Beside {
    view: &'static views::Reader,
    rows: Overlay,
    at: Position,
    /// How far the live one has come.
    due: Position,
}

/// A row that differs, by its table and key.
type Differing = (&'static Table, String);

impl Models {
    /// Learns how far the live ones have come.
    pub async fn begin(engine: &Engine) -> Result<Self, Stop> {
        let mut readers = Vec::new();
        for view in views::READERS {
            let due = engine.log().checkpoint(view.name).await.map_err(Error::from)?;
            readers.push(Beside { view, rows: Overlay::default(), at: 0, due });
        }
        Ok(Self { engine: engine.clone(), aside: Aside::open().await?, readers, notices: 0 })
    }

    /// Folds a chunk of the log.
    pub async fn fold(&mut self, seen: Vec<Seen>) -> Result<(), Stop> {
        let facts: Vec<Fact> = seen.into_iter().map(|event| event.fact).collect();
        for reader in 0..self.readers.len() {
            self.fold_for(reader, &facts).await?;
        }
        Ok(())
    }

    async fn fold_for(&mut self, reader: usize, facts: &[Fact]) -> Result<(), Stop> {
        let Beside { view, rows, at, due } = &mut self.readers[reader];
        let facts = &facts[..facts.partition_point(|fact| fact.position <= *due)];
        let Some(last) = facts.last() else { return Ok(()) };
        let changes = fold_page(&self.aside.log, view.fold, rows, facts, views::table_named).await;
        let changes = changes.map_err(|error| match error {
            FoldError::Broken(why) => Stop::Found(Finding::among(*at + 1, last.position, "model", why)),
            FoldError::Other(error) => Stop::Failed(error),
        })?;
        let is_notice = |change: &RowChange| matches!(change, RowChange::Put(table, _) if **table == NOTICE);
        let (notices, changes): (Vec<_>, Vec<_>) = changes.into_iter().partition(is_notice);
        let commit = ReaderCommit {
            reader: view.name.to_owned(),
            after: *at,
            to: last.position,
            changes,
            ..Default::default()
        };
        *at = last.position;
        if rows.len() > ROWS_AT_HAND_MAX {
            *rows = Overlay::default();
        }
        self.aside.log.apply(&commit).await.map_err(Error::from)?;
        let notices = notices.into_iter().filter_map(|change| match change {
            RowChange::Put(_, row) => Some(row),
            RowChange::Delete(..) => None,
        });
        self.compare_notices(notices.collect()).await
    }

    async fn compare_notices(&mut self, expected: Vec<Row>) -> Result<(), Stop> {
        self.notices += expected.len() as u64;
        for expected in expected.chunks(ROWS_AT_ONCE) {
            let keys: Vec<String> = expected.iter().map(|row| row.key.clone()).collect();
            let mut stored = self.engine.log().rows(&NOTICE, &keys).await.map_err(Error::from)?.into_iter();
            let mut found = std::collections::HashMap::new();
            found.extend(stored.by_ref().map(|row| (row.key.clone(), row)));
            for row in expected {
                let what = match found.get(&row.key) {
                    Some(stored) if stored == row => continue,
                    Some(_) => "says something else than the events",
                    None => "is not there",
                };
                return Err(about_notice(row, what).into());
            }
        }
        Ok(())
    }

    /// Compares every row with the live one; answers how many there are.
    pub async fn compare(mut self, _head: Position) -> Result<u64, Stop> {
        let mut same = self.notices;
        for reader in 0..self.readers.len() {
            self.follow(reader).await?;
            let mut differing = Vec::new();
            for table in self.readers[reader].view.tables {
                if **table != NOTICE {
                    same += self.compare_table(table, &mut differing).await?;
                }
            }
            self.settle(reader, differing).await?;
        }
        let told = self.engine.log().count(&NOTICE, &[]).await.map_err(Error::from)?;
        if told > self.notices {
            let detail = format!("the store has {told} notices, and the events lead to {}", self.notices);
            return Err(Finding::of("notice", detail).into());
        }
        Ok(same)
    }

    /// Takes what the live reader has taken since.
    async fn follow(&mut self, reader: usize) -> Result<(), Stop> {
        let name = self.readers[reader].view.name;
        let due = self.engine.log().checkpoint(name).await.map_err(Error::from)?;
        self.readers[reader].due = due;
        while self.readers[reader].at < due {
            let page = self.engine.page(self.readers[reader].at, PAGE_EVENTS_MAX).await?;
            let facts: Vec<Fact> = page.iter().map(fact).collect::<Result<_, _>>()?;
            if facts.is_empty() {
                return Err(Finding::at(due, "model", format!("`{name}` is ahead of the log")).into());
            }
            self.fold_for(reader, &facts).await?;
        }
        Ok(())
    }

    /// Goes through both tables side by side; answers how many rows are the same.
    async fn compare_table(
        &self,
        table: &'static Table,
        differing: &mut Vec<Differing>,
    ) -> Result<u64, Stop> {
        let (mut ours, mut theirs) = (Rows::of(&self.aside.log, table), Rows::of(self.engine.log(), table));
        let (mut fresh, mut stored) = (ours.next().await?, theirs.next().await?);
        let mut same = 0;
        loop {
            let key = match (&fresh, &stored) {
                (None, None) => return Ok(same),
                (Some(fresh), None) => fresh.key.clone(),
                (None, Some(stored)) => stored.key.clone(),
                (Some(fresh), Some(stored)) => fresh.key.clone().min(stored.key.clone()),
            };
            let is_it = |row: &Option<Row>| row.as_ref().is_some_and(|row| row.key == key);
            let (in_fresh, in_stored) = (is_it(&fresh), is_it(&stored));
            if in_fresh && in_stored && fresh == stored {
                same += 1;
            } else {
                differing.push((table, key));
                if differing.len() > DIFFERING_MAX {
                    return Ok(same);
                }
            }
            if in_fresh {
                fresh = ours.next().await?;
            }
            if in_stored {
                stored = theirs.next().await?;
            }
        }
    }

    /// What still differs when the live reader stands still is wrong.
    async fn settle(&mut self, reader: usize, mut differing: Vec<Differing>) -> Result<(), Stop> {
        for _ in 0..ROUNDS_MAX {
            let at = self.readers[reader].at;
            let mut wrong: Option<Finding> = None;
            let mut left = Vec::new();
            for (table, key) in differing {
                let keys = std::slice::from_ref(&key);
                let fresh = self.aside.log.rows(table, keys).await.map_err(Error::from)?.pop();
                let stored = self.engine.log().rows(table, keys).await.map_err(Error::from)?.pop();
                if let Some(found) = self.difference(table, &key, fresh.as_ref(), stored.as_ref())? {
                    wrong.get_or_insert(found);
                    left.push((table, key));
                }
            }
            let Some(found) = wrong else { return Ok(()) };
            self.follow(reader).await?;
            if self.readers[reader].at == at {
                return Err(found.into());
            }
            differing = left;
        }
        let view = self.readers[reader].view.name.to_owned();
        let detail =
            "it went on for too long while it was compared: verify again when less is written".to_owned();
        Err(Stop::Failed(Error::ReaderStopped { reader: view, detail }))
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

/// The rows of a table, in order of their keys.
struct Rows<'a> {
    log: &'a crate::engine::log::SharedLog,
    table: &'static Table,
    page: std::vec::IntoIter<Row>,
    after: Option<String>,
    is_last: bool,
}

impl<'a> Rows<'a> {
    fn of(log: &'a crate::engine::log::SharedLog, table: &'static Table) -> Self {
        Self { log, table, page: Vec::new().into_iter(), after: None, is_last: false }
    }

    async fn next(&mut self) -> Result<Option<Row>, Error> {
        if let Some(row) = self.page.next() {
            return Ok(Some(row));
        }
        if self.is_last {
            return Ok(None);
        }
        let after = self.after.take().map(|key| (key.clone().into(), key));
        let look = Select {
            table: self.table,
            filters: Vec::new(),
            order: "key",
            descending: false,
            after,
            limit: ROWS_AT_ONCE,
        };
        let page = self.log.select(&look).await?;
        self.is_last = page.len() < ROWS_AT_ONCE;
        self.after = page.last().map(|row| row.key.clone());
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}
