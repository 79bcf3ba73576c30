//! Readers of the log: each has a name, a checkpoint, and an effect that is stored in the transaction that advances it.
//!
//! A reader takes a page in order and folds it; a fold that cannot be right stops its reader, loudly, and never skips.
//! Deliberately absent: what the read models mean (`domain::views`), and how rows are stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orderwire_domain::{
    fact::{Fact, Happened},
    ids::StreamId,
    views::{
        self,
        fold::{Fault, Fold},
        overlay::Overlay,
        table::{Need, Row, Table},
    },
};
use tokio::sync::watch;

use super::{
    clock::time,
    error::{Error, ErrorKind},
    follower::Lag,
    log::{
        Log, NewEvent, Position, ReaderCommit, RowChange, Sequence, SharedLog, Statement, StoreError,
        StoredEvent,
    },
    provenance,
    recent::{Recent, Source},
};

/// Events in one page; on SQLite a page is one transaction of the one writer, so it is kept short.
pub const PAGE_EVENTS_MAX: usize = 256;
/// Rows that a reader keeps at hand between pages; past this it starts again from what is stored.
const ROWS_AT_HAND_MAX: usize = 10_000;
/// A query waits at most this long for its read model.
const REACHED_WITHIN: Duration = Duration::from_secs(5);

/// The reader that folds timers.
pub const TIMERS: &str = "timers";

/// What an embedder's own reader does with a page: statements that are executed with its checkpoint.
pub type Effect = Arc<dyn Fn(&mut ReaderTx, &[Fact]) -> Result<(), String> + Send + Sync>;

/// What an embedder's reader wants written in the transaction that advances its checkpoint.
#[derive(Debug, Default)]
pub struct ReaderTx {
    changes: Vec<RowChange>,
    statements: Vec<Statement>,
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
    pub fn execute(&mut self, sql: impl Into<String>, parameters: Vec<views::table::Value>) {
        self.statements.push(Statement { sql: sql.into(), parameters });
    }
}

/// What a reader does with a page.
enum Work {
    Fold(Fold, Mutex<Overlay>),
    Effect(Effect),
}

/// One reader.
pub struct Reader {
    /// Its name, under which its checkpoint is kept.
    pub name: String,
    /// The tables it alone writes.
    pub tables: Vec<&'static Table>,
    work: Work,
    reached: watch::Sender<Position>,
    /// One page at a time, whoever asks for it; and how far it is beyond its checkpoint.
    turn: tokio::sync::Mutex<Lag>,
    stopped: Mutex<Option<String>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Reader({} at {})", self.name, *self.reached.borrow())
    }
}

impl Reader {
    /// A read model of the domain.
    pub fn of_view(name: &str, tables: &[&'static Table], fold: Fold) -> Self {
        Self::new(name, tables.to_vec(), Work::Fold(fold, Mutex::default()))
    }

    /// An embedder's own.
    pub fn of_effect(name: &str, effect: Effect) -> Self {
        Self::new(name, Vec::new(), Work::Effect(effect))
    }

    fn new(name: &str, tables: Vec<&'static Table>, work: Work) -> Self {
        let (reached, _) = watch::channel(0);
        Self {
            name: name.to_owned(),
            tables,
            work,
            reached,
            turn: tokio::sync::Mutex::default(),
            stopped: Mutex::default(),
        }
    }

    /// Learns where it was left.
    pub async fn begin(&self, log: &SharedLog) -> Result<(), Error> {
        let stored = log.checkpoint(&self.name).await?;
        *self.turn.lock().await = Lag::none(stored);
        self.reached.send_replace(stored);
        Ok(())
    }

    /// Takes one page; answers how many events it took.
    pub async fn step(&self, log: &SharedLog, recent: &Recent, source: Source) -> Result<usize, Error> {
        let mut lag = self.turn.lock().await;
        if let Some(detail) = self.stopped() {
            return Err(Error::ReaderStopped { reader: self.name.clone(), detail });
        }
        if self.name == TIMERS {
            // Rows of answered timers go without any event, so those are never kept at hand.
            self.forget_rows();
        }
        // Whether it is still there is found out by the commit, or where nothing is left to take.
        let mut after = self.reached();
        let page = recent.page(log, after, source).await.map_err(|error| self.stop_if_corrupt(error));
        let page = match page? {
            page if page.is_empty() && source == Source::Log => {
                after = self.at_rest(log, &mut lag).await?;
                recent.page(log, after, source).await.map_err(|error| self.stop_if_corrupt(error))?
            }
            page => page,
        };
        let Some(last) = page.last() else { return Ok(0) };
        let to = last.position;
        // Rows are at hand again only when they are stored: a page that failed is folded on what is stored, and so is one
        // whose caller gave up half way, which nothing here would notice.
        let mut rows = self.take_rows();
        let applied = match self.commit(log, lag.stored, to, &page, &mut rows).await {
            // What changes nothing can wait for what does.
            Ok(commit) if source == Source::Own && commit.is_empty() && lag.may_grow(to) => Ok(()),
            Ok(commit) => match log.apply(&commit).await {
                Ok(()) => {
                    *lag = Lag::none(to);
                    Ok(())
                }
                Err(error) => Err(Error::from(error)),
            },
            Err(error) => Err(error),
        };
        match applied {
            Ok(()) => {
                self.keep_rows(rows);
                self.reached.send_replace(to);
                Ok(page.len())
            }
            // Another process took this page: there is nothing left of it to do.
            Err(Error::Store(StoreError::CheckpointMoved { .. })) => {
                self.moved(log, &mut lag).await?;
                Ok(page.len())
            }
            // It did so while rows were fetched for this page, so they were of a later one.
            Err(Error::ReaderStopped { .. }) if self.moved(log, &mut lag).await? => Ok(page.len()),
            Err(Error::ReaderStopped { detail, .. }) => Err(self.stop(detail)),
            Err(error) => Err(error),
        }
    }

    /// Looks whether somebody else advanced it, or it was reset; then what is at hand may be old.
    async fn moved(&self, log: &SharedLog, lag: &mut Lag) -> Result<bool, Error> {
        let at = log.checkpoint(&self.name).await?;
        let moved = at != lag.stored;
        if moved {
            self.forget_rows();
            *lag = Lag::none(at);
            self.reached.send_replace(at);
        }
        Ok(moved)
    }

    /// Nothing is left to take: the store is told where it is, if nobody moved it. Answers where that is.
    async fn at_rest(&self, log: &SharedLog, lag: &mut Lag) -> Result<Position, Error> {
        let reached = self.reached();
        if !self.moved(log, lag).await? && reached > lag.stored {
            let reader = self.name.clone();
            let commit = ReaderCommit { reader, after: lag.stored, to: reached, ..ReaderCommit::default() };
            match log.apply(&commit).await {
                Ok(()) => *lag = Lag::none(reached),
                Err(StoreError::CheckpointMoved { .. }) => {
                    self.moved(log, lag).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.reached())
    }

    async fn commit(
        &self,
        log: &SharedLog,
        after: Position,
        to: Position,
        facts: &[Fact],
        rows: &mut Overlay,
    ) -> Result<ReaderCommit, Error> {
        let (changes, statements) = match &self.work {
            Work::Fold(fold, _) => (self.fold(log, *fold, rows, facts).await?, Vec::new()),
            Work::Effect(effect) => {
                let mut tx = ReaderTx::default();
                effect(&mut tx, facts).map_err(|why| self.broken(&why))?;
                (tx.changes, tx.statements)
            }
        };
        Ok(ReaderCommit { reader: self.name.clone(), after, to, changes, statements })
    }

    /// Folds a page, fetching in as few rounds as it takes.
    async fn fold(
        &self,
        log: &SharedLog,
        fold: Fold,
        overlay: &mut Overlay,
        facts: &[Fact],
    ) -> Result<Vec<RowChange>, Error> {
        let mut rest = facts;
        while !rest.is_empty() {
            let progress = overlay.fold_page(fold, rest);
            let progress = progress.map_err(|fault| match fault {
                Fault::Broken(why) => self.broken(&why),
                Fault::Need(need) => self.broken(&format!("{need:?} was asked for outside a page")),
            })?;
            rest = &rest[progress.folded..];
            for (need, rows) in fetch(&**log, &self.tables, progress.needs).await? {
                overlay.supply(&need, rows);
            }
        }
        let changes = overlay.take_changes().into_iter().map(|(table, key, row)| match row {
            Some(row) => RowChange::Put(table, row),
            None => RowChange::Delete(table, key),
        });
        Ok(changes.collect())
    }

    fn forget_rows(&self) {
        self.keep_rows(Overlay::default());
    }

    fn take_rows(&self) -> Overlay {
        match &self.work {
            Work::Fold(_, overlay) => {
                std::mem::take(&mut *overlay.lock().unwrap_or_else(PoisonError::into_inner))
            }
            Work::Effect(_) => Overlay::default(),
        }
    }

    fn keep_rows(&self, rows: Overlay) {
        if let Work::Fold(_, overlay) = &self.work {
            let rows = if rows.len() > ROWS_AT_HAND_MAX { Overlay::default() } else { rows };
            *overlay.lock().unwrap_or_else(PoisonError::into_inner) = rows;
        }
    }

    /// What it made of a page cannot be right, unless somebody else has taken that page.
    fn broken(&self, why: &impl ToString) -> Error {
        Error::ReaderStopped { reader: self.name.clone(), detail: why.to_string() }
    }

    /// Stops for good: what this reader does cannot be right any more, and it must not skip.
    fn stop(&self, detail: String) -> Error {
        tracing::error!(reader = %self.name, %detail, "a reader has stopped");
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(detail.clone());
        Error::ReaderStopped { reader: self.name.clone(), detail }
    }

    /// An event that cannot be read will not be readable later; a store that could not be asked may be.
    fn stop_if_corrupt(&self, error: Error) -> Error {
        if error.kind() == ErrorKind::Corrupt { self.stop(error.to_string()) } else { error }
    }

    /// Why it has stopped for good, if it has.
    pub fn stopped(&self) -> Option<String> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where it is, as far as this process knows.
    pub fn reached(&self) -> Position {
        *self.reached.borrow()
    }

    /// Where it is, for whoever waits for it to move.
    pub fn progress(&self) -> watch::Receiver<Position> {
        self.reached.subscribe()
    }

    /// Clears its tables, but for what is kept for good, and starts again from the first event.
    pub async fn reset(&self, log: &SharedLog) -> Result<(), Error> {
        let mut lag = self.turn.lock().await;
        let kept = |table: &&'static Table| views::KEPT.iter().any(|kept| kept.name == table.name);
        let cleared: Vec<_> = self.tables.iter().filter(|table| !kept(table)).copied().collect();
        log.reset(&self.name, &cleared).await?;
        self.forget_rows();
        *lag = Lag::none(0);
        self.reached.send_replace(0);
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

/// Every reader of an engine.
#[derive(Debug)]
pub struct Readers(Vec<Arc<Reader>>);

impl Readers {
    /// The read models of the domain, and an embedder's own readers.
    pub fn new(own: Vec<Reader>) -> Self {
        let views = views::READERS.iter().map(|view| Reader::of_view(view.name, view.tables, view.fold));
        Self(views.chain(own).map(Arc::new).collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Reader>> {
        self.0.iter()
    }

    /// The reader of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Reader>> {
        self.0.iter().find(|reader| reader.name == name)
    }

    /// Has a reader take what is in the log by now, without waiting for its turn in the background.
    pub async fn catch_up(&self, name: &str, log: &SharedLog, recent: &Recent) -> Result<(), Error> {
        let head = log.head().await?.position;
        self.catch_up_to(name, head, log, recent).await
    }

    /// The same, up to a position that is in the log.
    pub async fn catch_up_to(
        &self,
        name: &str,
        to: Position,
        log: &SharedLog,
        recent: &Recent,
    ) -> Result<(), Error> {
        let unknown =
            || Error::ReaderStopped { reader: name.to_owned(), detail: "there is no such reader".to_owned() };
        let reader = self.get(name).ok_or_else(unknown)?;
        while reader.step(log, recent, Source::Log).await? > 0 && reader.reached() < to {}
        Ok(())
    }

    /// Waits, within bounds, until a reader has taken this position.
    pub async fn reached(&self, name: &str, position: Position) -> Result<(), Error> {
        let unknown =
            || Error::ReaderStopped { reader: name.to_owned(), detail: "there is no such reader".to_owned() };
        let reader = self.get(name).ok_or_else(unknown)?;
        let mut reached = reader.reached.subscribe();
        let wait = reached.wait_for(|reached| *reached >= position);
        if tokio::time::timeout(REACHED_WITHIN, wait).await.is_ok_and(|waited| waited.is_ok()) {
            return Ok(());
        }
        if let Some(detail) = reader.stopped() {
            return Err(Error::ReaderStopped { reader: name.to_owned(), detail });
        }
        Err(Error::NotThereYet { reader: name.to_owned(), reached: reader.reached(), wanted: position })
    }
}

/// Fetches what folds need, with one question per table and kind of need.
async fn fetch(
    log: &dyn Log,
    tables: &[&'static Table],
    needs: BTreeSet<Need>,
) -> Result<Vec<(Need, Vec<Row>)>, Error> {
    let mut keys: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut parents: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for need in needs {
        match need {
            Need::Key(table, key) => keys.entry(table).or_default().push(key),
            Need::Parent(table, parent) => parents.entry(table).or_default().push(parent),
        }
    }
    let table = |name: &str| tables.iter().find(|table| table.name == name).copied();
    let unknown = |name: &str| {
        StoreError::Unsupported(format!("a fold asks for table `{name}`, which it does not own"))
    };
    let mut fetched = Vec::new();
    for (name, keys) in keys {
        let rows = log.rows(table(name).ok_or_else(|| unknown(name))?, &keys).await?;
        let mut by_key: BTreeMap<String, Row> = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        fetched.extend(keys.into_iter().map(|key| {
            let row = by_key.remove(&key);
            (Need::Key(name, key), row.into_iter().collect())
        }));
    }
    for (name, parents) in parents {
        let rows = log.children(table(name).ok_or_else(|| unknown(name))?, &parents).await?;
        let mut by_parent: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            by_parent.entry(row.parent.clone()).or_default().push(row);
        }
        fetched.extend(parents.into_iter().map(|parent| {
            let rows = by_parent.remove(&parent).unwrap_or_default();
            (Need::Parent(name, parent), rows)
        }));
    }
    Ok(fetched)
}

/// An event of the log as folds see it.
pub fn fact(event: &StoredEvent) -> Result<Fact, Error> {
    let StoredEvent { position, stream, sequence, recorded_at_us, .. } = *event;
    let texts = [&event.event_type, &event.event_version, &event.payload, &event.metadata];
    read(stream, (position, sequence), texts, recorded_at_us)
}

/// The same of an event that was appended at a position and sequence.
pub fn fact_of(
    stream: StreamId,
    place: (Position, Sequence),
    event: &NewEvent,
    recorded_at_us: i64,
) -> Result<Fact, Error> {
    let texts = [&event.event_type, &event.event_version, &event.payload, &event.metadata];
    read(stream, place, texts, recorded_at_us)
}

fn read(
    stream: StreamId,
    (position, sequence): (Position, Sequence),
    [event_type, event_version, payload, metadata]: [&String; 4],
    recorded_at_us: i64,
) -> Result<Fact, Error> {
    let corrupt = |detail: String| Error::Corrupt { stream: stream.to_string(), detail };
    let happened = Happened::read(stream, event_type, event_version, payload)
        .map_err(|error| corrupt(format!("event {sequence} cannot be read: {error}")))?;
    let recorded_at = time(recorded_at_us);
    let decided_at = provenance::decided_at(metadata).unwrap_or(recorded_at);
    Ok(Fact { position, sequence, recorded_at, decided_at, happened })
}
