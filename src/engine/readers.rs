//! Readers of the log: each has a name, a checkpoint, and an effect that is stored in the transaction that advances it.
//!
//! A reader takes a page in order and folds it; a fold that cannot be right stops its reader, loudly, and never skips.
//! Deliberately absent: what the read models mean (`domain::views`), and how rows are stored.

mod effect;
mod facts;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orderwire_domain::{
    fact::Fact,
    views::{self, fold::Fold, overlay::Overlay, table::Table},
};
use tokio::sync::watch;

pub use self::{
    effect::{Effect, ReaderTx},
    facts::{fact, fact_of},
};

use super::{
    Inner,
    error::{Error, ErrorKind},
    folding::{FoldError, fold_page},
    follower::Lag,
    leases::{Turn, is_fenced_out},
    log::{Fence, Position, ReaderCommit, RowChange, SharedLog, StoreError},
    recent::Source,
    tiles::{self, TILES},
};

/// Events in one page; on SQLite a page is one transaction of the one writer, so it is kept short.
pub const PAGE_EVENTS_MAX: usize = 256;
/// Rows that a reader keeps at hand between pages; past this it starts again from what is stored.
const ROWS_AT_HAND_MAX: usize = 10_000;
/// A query waits at most this long for its read model.
const REACHED_WITHIN: Duration = Duration::from_secs(5);

/// The reader that folds timers.
pub const TIMERS: &str = "timers";

/// What a reader does with a page.
enum Work {
    Fold(Fold, Mutex<Overlay>),
    Effect(Effect),
    /// It looks at leaves, and only where they fill a tile.
    Tiles,
}

/// How the tables of a reader are made from the log.
#[derive(Clone, Copy)]
pub(super) enum Making {
    Fold(Fold),
    Tiles,
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
    /// The token under which the rows at hand were written; under any other, somebody else may have written since.
    under: Mutex<Option<u64>>,
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

    /// The one of tiles.
    pub(super) fn of_tiles() -> Self {
        Self::new(TILES, vec![&tiles::TILE_HASH], Work::Tiles)
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
            under: Mutex::default(),
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

    /// Takes one page, or waits for whoever has its lease to do so; answers how many events were taken.
    pub(super) async fn step(&self, inner: &Inner, source: Source) -> Result<usize, Error> {
        let (log, recent) = (&inner.log, &inner.recent);
        let mut lag = self.turn.lock().await;
        if let Some(detail) = self.stopped() {
            return Err(Error::ReaderStopped { reader: self.name.clone(), detail });
        }
        if matches!(self.work, Work::Tiles) {
            let taken = self.step_tiles(inner, source, &mut lag).await;
            return taken.map_err(|error| self.stop_if_corrupt(error));
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
                after = self.at_rest(inner, &mut lag).await?;
                recent.page(log, after, source).await.map_err(|error| self.stop_if_corrupt(error))?
            }
            page => page,
        };
        let Some(last) = page.last() else { return Ok(0) };
        let to = last.position;
        let fence = match inner.leases.turn(&self.name, after).await? {
            Turn::Mine(fence) => fence,
            Turn::Theirs(_) => return self.go_back(log, &mut lag).await.map(|()| page.len()),
        };
        if !self.is_under(&fence) {
            self.come_under(log, &mut lag, &fence).await?;
            if self.reached() != after {
                return Ok(page.len());
            }
        }
        // Rows are at hand again only when they are stored: a page that failed is folded on what is stored, and so is one
        // whose caller gave up half way, which nothing here would notice.
        let mut rows = self.take_rows();
        let applied = match self.commit(log, lag.stored, to, &page, &mut rows).await {
            Ok(commit) => {
                let commit = ReaderCommit { fence: Some(fence.clone()), ..commit };
                self.apply(inner, &mut lag, &commit, source).await
            }
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
                self.go_back(log, &mut lag).await?;
                Ok(page.len())
            }
            // Another process takes it now.
            Err(error) if is_fenced_out(&error) => {
                inner.leases.lost(&fence);
                self.go_back(log, &mut lag).await?;
                Ok(page.len())
            }
            // It did so while rows were fetched for this page, so they were of a later one.
            Err(Error::ReaderStopped { .. }) if self.moved(log, &mut lag).await? => Ok(page.len()),
            Err(Error::ReaderStopped { detail, .. }) => Err(self.stop(detail)),
            Err(error) => Err(error),
        }
    }

    /// Stores what came of a page, as long as nobody else has the lease. What changes nothing can wait for what does.
    pub(super) async fn apply(
        &self,
        inner: &Inner,
        lag: &mut Lag,
        commit: &ReaderCommit,
        source: Source,
    ) -> Result<(), Error> {
        if let Some(fence) = &commit.fence {
            inner.leases.confirm(fence).await?;
        }
        if source == Source::Own && commit.is_empty() && lag.may_grow(commit.to) {
            return Ok(());
        }
        inner.log.apply(commit).await?;
        *lag = Lag::none(commit.to);
        Ok(())
    }

    /// Whether it has worked under this fence since it last learnt where it is.
    pub(super) fn is_under(&self, fence: &Fence) -> bool {
        *self.under.lock().unwrap_or_else(PoisonError::into_inner) == Some(fence.token)
    }

    /// Works under this fence from here on. If that is another than before, what is at hand may be old, and so may be where
    /// it thinks it is.
    pub(super) async fn come_under(
        &self,
        log: &SharedLog,
        lag: &mut Lag,
        fence: &Fence,
    ) -> Result<(), Error> {
        self.go_back(log, lag).await?;
        *self.under.lock().unwrap_or_else(PoisonError::into_inner) = Some(fence.token);
        Ok(())
    }

    /// Learns where another process has taken it.
    pub(super) fn saw(&self, at: Position) {
        let later = |reached: &mut Position| {
            let later = at > *reached;
            *reached = at.max(*reached);
            later
        };
        if self.reached.send_if_modified(later) {
            *self.under.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Nobody takes a page while this is kept.
    pub(super) async fn hold(&self) -> tokio::sync::MutexGuard<'_, Lag> {
        self.turn.lock().await
    }

    /// Begins anew on what is stored: its tables were put in place by somebody else.
    pub(super) fn begin_anew(&self) {
        *self.under.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How its tables are made; those of an embedder's reader are its own business.
    pub(super) fn making(&self) -> Option<Making> {
        match &self.work {
            Work::Fold(fold, _) => Some(Making::Fold(*fold)),
            Work::Tiles => Some(Making::Tiles),
            Work::Effect(_) => None,
        }
    }

    /// Looks whether somebody else advanced it, or it was reset; then what is at hand may be old.
    pub(super) async fn moved(&self, log: &SharedLog, lag: &mut Lag) -> Result<bool, Error> {
        let at = log.checkpoint(&self.name).await?;
        let moved = at != lag.stored;
        if moved {
            self.forget_rows();
            *lag = Lag::none(at);
            self.reached.send_replace(at);
        }
        Ok(moved)
    }

    /// Goes on from where the store has it: what was only looked at beyond that is somebody else's to look at by now.
    pub(super) async fn go_back(&self, log: &SharedLog, lag: &mut Lag) -> Result<(), Error> {
        self.forget_rows();
        let at = log.checkpoint(&self.name).await?;
        *lag = Lag::none(at);
        self.reached.send_replace(at);
        Ok(())
    }

    /// Nothing is left to take: the store is told where it is, if nobody moved it. Answers where that is.
    async fn at_rest(&self, inner: &Inner, lag: &mut Lag) -> Result<Position, Error> {
        let log = &inner.log;
        let reached = self.reached();
        if !self.moved(log, lag).await? && reached > lag.stored {
            match inner.leases.look(&self.name).await? {
                Turn::Mine(fence) if self.is_under(&fence) => {
                    let (reader, fence) = (self.name.clone(), Some(fence));
                    let commit = ReaderCommit {
                        reader,
                        after: lag.stored,
                        to: reached,
                        fence,
                        ..ReaderCommit::default()
                    };
                    match self.apply(inner, lag, &commit, Source::Log).await {
                        Ok(()) => {}
                        Err(Error::Store(StoreError::CheckpointMoved { .. } | StoreError::FencedOut(_))) => {
                            self.go_back(log, lag).await?;
                        }
                        Err(error) => return Err(error),
                    }
                }
                // It is not this process's to tell.
                _ => self.go_back(log, lag).await?,
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
            Work::Tiles => unreachable!("it takes leaves, not facts"),
        };
        Ok(ReaderCommit { reader: self.name.clone(), after, to, changes, statements, fence: None })
    }

    async fn fold(
        &self,
        log: &SharedLog,
        fold: Fold,
        overlay: &mut Overlay,
        facts: &[Fact],
    ) -> Result<Vec<RowChange>, Error> {
        let own = |name: &str| self.tables.iter().find(|table| table.name == name).copied();
        fold_page(log, fold, overlay, facts, own).await.map_err(|error| match error {
            FoldError::Broken(why) => self.broken(&why),
            FoldError::Other(error) => error,
        })
    }

    fn forget_rows(&self) {
        self.keep_rows(Overlay::default());
    }

    fn take_rows(&self) -> Overlay {
        match &self.work {
            Work::Fold(_, overlay) => {
                std::mem::take(&mut *overlay.lock().unwrap_or_else(PoisonError::into_inner))
            }
            Work::Effect(_) | Work::Tiles => Overlay::default(),
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

    /// Where it is once it has taken a log of this length. What fills no tile yet is nothing to the reader of tiles.
    pub fn due(&self, head: Position) -> Position {
        if matches!(self.work, Work::Tiles) { tiles::filled(head) } else { head }
    }

    /// What it lacks of a log of this length.
    pub fn behind(&self, head: Position) -> Position {
        self.due(head).saturating_sub(self.reached())
    }

    /// It has come here, and the store knows.
    pub(super) fn came_to(&self, position: Position) {
        self.reached.send_replace(position);
    }

    /// Where it is, for whoever waits for it to move.
    pub fn progress(&self) -> watch::Receiver<Position> {
        self.reached.subscribe()
    }
}

/// Every reader of an engine.
#[derive(Debug)]
pub struct Readers(Vec<Arc<Reader>>);

impl Readers {
    /// The read models of the domain, the tiles, and an embedder's own readers.
    pub fn new(own: Vec<Reader>) -> Self {
        let views = views::READERS.iter().map(|view| Reader::of_view(view.name, view.tables, view.fold));
        Self(views.chain([Reader::of_tiles()]).chain(own).map(Arc::new).collect())
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
    pub(super) async fn catch_up(&self, name: &str, inner: &Inner) -> Result<(), Error> {
        let head = inner.log.head().await?.position;
        self.catch_up_to(name, head, inner).await
    }

    /// The same, up to a position that is in the log.
    pub(super) async fn catch_up_to(&self, name: &str, to: Position, inner: &Inner) -> Result<(), Error> {
        let unknown =
            || Error::ReaderStopped { reader: name.to_owned(), detail: "there is no such reader".to_owned() };
        let reader = self.get(name).ok_or_else(unknown)?;
        while reader.step(inner, Source::Log).await? > 0 && reader.reached() < to {}
        Ok(())
    }

    /// Waits, within bounds, until a reader has taken this position.
    pub async fn reached(&self, name: &str, position: Position) -> Result<(), Error> {
        let unknown =
            || Error::ReaderStopped { reader: name.to_owned(), detail: "there is no such reader".to_owned() };
        let reader = self.get(name).ok_or_else(unknown)?;
        let mut reached = reader.reached.subscribe();
        let wait = reached.wait_for(|reached| *reached >= reader.due(position));
        if tokio::time::timeout(REACHED_WITHIN, wait).await.is_ok_and(|waited| waited.is_ok()) {
            return Ok(());
        }
        if let Some(detail) = reader.stopped() {
            return Err(Error::ReaderStopped { reader: name.to_owned(), detail });
        }
        Err(Error::NotThereYet { reader: name.to_owned(), reached: reader.reached(), wanted: position })
    }
}
