//! Rebuilding a read model beside the live one, which goes on being written and read meanwhile.
//!
//! Tables of another name are folded from the first event, under a checkpoint and a lease of their own. When they have come
//! as far as the live reader, it is stopped for a moment, they take the places of its tables in one transaction, and it
//! goes on from there. What resellers were told is not rebuilt ([`views::KEPT`]): what the fold makes of it is thrown
//! away, so not one notice is written or changed. A rebuild that was cut short leaves only tables that nobody reads; the
//! next one drops them, and so does [`Engine::drop_rebuild`]. Absent: embedders' readers, whose tables only they know.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use orderwire_domain::{
    fact::Fact,
    views::{self, fold::Fold, overlay::Overlay, table::Table},
};

use super::{
    Engine, Inner,
    error::Error,
    folding::{FoldError, fold_page},
    leases::is_fenced_out,
    log::{Fence, Position, ReaderCommit, RowChange, StoreError, Swap, Take},
    readers::{Making, Reader},
    recent::Source,
    tiles,
};

/// Rows kept at hand from page to page, as readers do.
const ROWS_AT_HAND_MAX: usize = 10_000;
/// While the live reader is stopped, it should have no more than this to wait for.
const LAST_EVENTS_MAX: Position = 512;
/// How often the last step is tried, where a query holds up the tables for too long.
const SWAP_ATTEMPTS_MAX: u32 = 4;

/// What is under way for one reader.
struct Rebuild<'a> {
    inner: &'a Inner,
    reader: &'a Reader,
    making: Making,
    /// The name of its checkpoint and lease.
    beside: String,
    /// Each table with the one beside it.
    tables: Vec<(&'static Table, &'static Table)>,
    fence: Fence,
    at: Position,
    rows: Overlay,
}

impl Engine {
    /// Folds every read model again from the first event, beside the live ones, and takes what is in the log by then.
    pub async fn rebuild(&self) -> Result<(), Error> {
        for name in self.rebuildable() {
            self.rebuild_reader(name).await?;
        }
        Ok(())
    }

    /// The names of the readers whose read models can be rebuilt.
    pub fn rebuildable(&self) -> impl Iterator<Item = &str> {
        let folding = self.inner.readers.iter().filter(|reader| reader.making().is_some());
        folding.map(|reader| reader.name.as_str())
    }

    /// How far the rebuild of a reader is that is under way; 0 where none is.
    pub async fn rebuilt_to(&self, name: &str) -> Result<Position, Error> {
        Ok(self.inner.log.checkpoint(&beside(name)).await?)
    }

    /// The same for one reader. Of two that rebuild it at once, one is told that it is being done.
    pub async fn rebuild_reader(&self, name: &str) -> Result<(), Error> {
        let reader = self.read_model(name)?;
        let mut rebuild = Rebuild::begin(&self.inner, reader).await?;
        let done = rebuild.finish().await;
        let given_back = self.inner.leases.give_back(std::slice::from_ref(&rebuild.beside)).await;
        done?;
        let_go_later(&rebuild.beside, given_back);
        while reader.step(&self.inner, Source::Log).await? > 0 {}
        Ok(())
    }

    /// Drops what a rebuild of this reader left that was cut short.
    pub async fn drop_rebuild(&self, name: &str) -> Result<(), Error> {
        let rebuild = Rebuild::begin(&self.inner, self.read_model(name)?).await?;
        rebuild.drop_tables().await?;
        self.inner.leases.give_back(std::slice::from_ref(&rebuild.beside)).await
    }

    fn read_model(&self, name: &str) -> Result<&Reader, Error> {
        let known = self.inner.readers.get(name).filter(|reader| reader.making().is_some());
        let unknown = || Error::ReaderStopped {
            reader: name.to_owned(),
            detail: "there is no read model of that name".to_owned(),
        };
        known.map(|reader| &**reader).ok_or_else(unknown)
    }
}

impl<'a> Rebuild<'a> {
    /// Takes the lease, and drops what an earlier one left.
    async fn begin(inner: &'a Inner, reader: &'a Reader) -> Result<Self, Error> {
        let making = reader.making().expect("whoever asks has looked");
        let beside = beside(&reader.name);
        let taken = inner.leases.take(&beside, Take::IfFree).await?;
        let fence = taken.ok_or_else(|| Error::RebuildUnderWay { reader: reader.name.clone() })?;
        let is_kept = |table: &Table| views::KEPT.iter().any(|kept| kept.name == table.name);
        let folded = reader.tables.iter().filter(|table| !is_kept(table));
        let tables = folded.map(|table| (*table, beside_of(table))).collect();
        let rebuild = Self { inner, reader, making, beside, tables, fence, at: 0, rows: Overlay::default() };
        rebuild.drop_tables().await?;
        Ok(rebuild)
    }

    async fn drop_tables(&self) -> Result<(), Error> {
        let beside: Vec<_> = self.tables.iter().map(|(_, beside)| *beside).collect();
        Ok(self.inner.log.drop_tables(&beside).await?)
    }

    async fn finish(&mut self) -> Result<(), Error> {
        let beside: Vec<_> = self.tables.iter().map(|(_, beside)| *beside).collect();
        self.inner.log.create_tables(&beside).await?;
        self.inner.log.reset(&self.beside, &beside).await?;
        // Never past the live reader: it alone tells resellers of an event.
        let mut live = self.live().await?;
        while live - self.at > LAST_EVENTS_MAX {
            self.fold_to(live).await?;
            live = self.live().await?;
        }
        let (mut attempt, mut is_unknown) = (1, false);
        loop {
            let outcome = self.swap().await;
            is_unknown |= matches!(outcome, Err(Error::Store(StoreError::Unavailable(_))));
            match outcome {
                // Whoever has the lease now may have begun anew, which looks the same.
                Err(error) if is_unknown && !is_fenced_out(&error) && self.was_swapped().await? => {
                    tracing::info!(reader = %self.reader.name, %error, "the tables are swapped, though nobody said so");
                    return Ok(());
                }
                // A query held up the tables for too long, or another process was faster with the lease.
                Err(Error::Store(why @ (StoreError::Unavailable(_) | StoreError::FencedOut(_))))
                    if attempt < SWAP_ATTEMPTS_MAX =>
                {
                    tracing::warn!(reader = %self.reader.name, %why, "the tables were not swapped yet");
                    attempt += 1;
                    self.go_on_from_what_is_stored().await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Forgets what was folded and may not have been written, so that nothing is folded twice.
    async fn go_on_from_what_is_stored(&mut self) -> Result<(), Error> {
        self.rows = Overlay::default();
        self.at = self.at.max(self.inner.log.checkpoint(&self.beside).await?);
        Ok(())
    }

    /// Whether the tables were swapped though the answer was lost. That takes this rebuild's checkpoint back to the beginning,
    /// and nobody else has the lease to write it. Of an empty log it cannot be told.
    async fn was_swapped(&self) -> Result<bool, Error> {
        Ok(self.at > 0 && self.inner.log.checkpoint(&self.beside).await? == 0)
    }

    async fn live(&self) -> Result<Position, Error> {
        Ok(self.inner.log.checkpoint(&self.reader.name).await?)
    }

    /// Takes what is in the log up to a position.
    async fn fold_to(&mut self, to: Position) -> Result<(), Error> {
        while self.at < to {
            let (last, changes) = match self.making {
                Making::Fold(fold) => {
                    let page = self.inner.recent.page(&self.inner.log, self.at, Source::Log).await?;
                    let facts = &page[..page.partition_point(|fact| fact.position <= to)];
                    let Some(last) = facts.last() else { break };
                    (last.position, self.folded(fold, facts).await?)
                }
                Making::Tiles => {
                    let last = tiles::next(self.at, to);
                    let (_, table) = self.tables[0];
                    (last, tiles::changes(&self.inner.log, self.at, last, table).await?)
                }
            };
            self.inner.leases.confirm(&self.fence).await?;
            let commit = ReaderCommit {
                reader: self.beside.clone(),
                after: self.at,
                to: last,
                changes,
                fence: Some(self.fence.clone()),
                ..ReaderCommit::default()
            };
            self.inner.log.apply(&commit).await?;
            self.at = last;
            if self.rows.len() > ROWS_AT_HAND_MAX {
                self.rows = Overlay::default();
            }
        }
        Ok(())
    }

    /// What a fold changes of the tables beside.
    async fn folded(&mut self, fold: Fold, facts: &[Fact]) -> Result<Vec<RowChange>, Error> {
        let (tables, own) = (&self.tables, &self.reader.tables);
        let read = |name: &str| {
            let beside = tables.iter().find(|(table, _)| table.name == name).map(|(_, beside)| *beside);
            // What is kept is read where it is.
            beside.or_else(|| own.iter().find(|table| table.name == name).copied())
        };
        let changes = fold_page(&self.inner.log, fold, &mut self.rows, facts, read).await;
        let changes = changes.map_err(|error| match error {
            FoldError::Broken(detail) => Error::ReaderStopped { reader: self.beside.clone(), detail },
            FoldError::Other(error) => error,
        })?;
        Ok(changes.into_iter().filter_map(|change| self.moved_beside(change)).collect())
    }

    /// The same change of the table beside; none of what is kept.
    fn moved_beside(&self, change: RowChange) -> Option<RowChange> {
        let beside = |of: &Table| {
            self.tables.iter().find(|(table, _)| table.name == of.name).map(|(_, beside)| *beside)
        };
        match change {
            RowChange::Put(table, row) => beside(table).map(|beside| RowChange::Put(beside, row)),
            RowChange::Delete(table, key) => beside(table).map(|beside| RowChange::Delete(beside, key)),
        }
    }

    /// Stops the live reader wherever it runs, takes what it has taken, and puts the new tables in place of its own.
    async fn swap(&mut self) -> Result<(), Error> {
        let inner = self.inner;
        let name = &self.reader.name;
        let _nobody_else_here = self.reader.hold().await;
        let was_here = inner.leases.current(name);
        let live_fence = if let Some(fence) = &was_here {
            fence.clone()
        } else {
            let taken = inner.leases.take(name, Take::FromAnybody).await?;
            taken.ok_or_else(|| StoreError::FencedOut(name.clone()))?
        };
        let swapped = self.swap_under(live_fence.clone()).await;
        if matches!(&swapped, Err(error) if is_fenced_out(error)) {
            // It was lost without anybody noticing; the next attempt takes it.
            inner.leases.lost(&live_fence);
        }
        if was_here.is_none() {
            let_go_later(name, inner.leases.hand_back(name).await);
        }
        swapped
    }

    async fn swap_under(&mut self, live_fence: Fence) -> Result<(), Error> {
        let at = self.live().await?;
        self.fold_to(at).await?;
        let (reader, beside) = (self.reader.name.clone(), self.beside.clone());
        let fences = [live_fence, self.fence.clone()];
        let swap = Swap { reader, beside, at, tables: self.tables.clone(), fences };
        let swapped = self.inner.log.swap(&swap).await;
        // Also where that failed: whether it has is not always known, and what is at hand must be of the new tables.
        self.reader.begin_anew();
        Ok(swapped?)
    }
}

/// A lease that could not be given back ends by itself: what was done under it is done.
fn let_go_later(name: &str, given_back: Result<(), Error>) {
    if let Err(error) = given_back {
        tracing::warn!(lease = name, %error, "a lease was not given back: others wait until its time is over");
    }
}

/// The name of the checkpoint and the lease of a rebuild.
fn beside(reader: &str) -> String {
    format!("{reader} beside")
}

/// The table that is built beside another. Each is made once: as many as there are tables, for as long as the process runs.
fn beside_of(table: &'static Table) -> &'static Table {
    static BESIDE: LazyLock<Mutex<BTreeMap<&'static str, &'static Table>>> = LazyLock::new(Mutex::default);
    let mut made = BESIDE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(table.name).or_insert_with(|| {
        let name: &'static str = Box::leak(format!("{}_beside", table.name).into_boxed_str());
        Box::leak(Box::new(Table { name, columns: table.columns, indexes: table.indexes }))
    })
}
