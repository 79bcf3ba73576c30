//! Whoever follows the log without rows of its own: where it is, and where the store knows it to be.
//!
//! All it leaves in the store is its checkpoint, and most events are looked at and left alone: a transaction for each would
//! cost more than the look. So where nothing was done the checkpoint lags, within bounds: after a crash, and by whoever gets
//! the lease next, those events are looked at again, and again nothing is found to do. What lags is known only to the process
//! that looked, so it forgets it with its lease. Deliberately absent: what it does with events.

use std::time::Duration;

use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use super::{
    Inner,
    error::Error,
    leases::Turn,
    log::{Fence, Position, ReaderCommit, SharedLog, StoreError},
    recent::Source,
};

/// Events that are looked at again after a crash, or by another process, at most.
const LAG_EVENTS_MAX: Position = 1_024;
/// How long the store may be told later: another process looks at what it is not told of.
pub const LAG_MAX: Duration = Duration::from_millis(100);

/// What looking at some events came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// There was nothing to do, and whoever looks again finds the same.
    Nothing,
    /// Something was done: the store is told that it was.
    Work,
}

/// A checkpoint, and how far its owner is beyond it.
#[derive(Debug, Default)]
pub struct Lag {
    /// Where the store knows it to be.
    pub stored: Position,
    since: Option<Instant>,
}

/// One that follows.
#[derive(Debug)]
pub struct Follower {
    name: &'static str,
    place: Mutex<Place>,
}

/// Where a follower is; nowhere before it has asked the store.
#[derive(Debug, Default)]
pub struct Place {
    reached: Option<Position>,
    lag: Lag,
    /// The token under which it came there.
    under: Option<u64>,
}

impl Lag {
    /// None: the store knows.
    pub fn none(stored: Position) -> Self {
        Self { stored, since: None }
    }

    /// Whether it may grow to this position without telling the store yet.
    pub fn may_grow(&mut self, to: Position) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        to.saturating_sub(self.stored) < LAG_EVENTS_MAX && since.elapsed() < LAG_MAX
    }
}

impl Follower {
    /// One whose checkpoint is kept under this name.
    pub fn new(name: &'static str) -> Self {
        Self { name, place: Mutex::default() }
    }

    /// Its turn: one step at a time.
    pub async fn turn(&self) -> MutexGuard<'_, Place> {
        self.place.lock().await
    }

    /// After which event it goes on, and whose turn that is; `None` where there is nothing to go on with.
    pub(super) async fn goes_on(
        &self,
        inner: &Inner,
        place: &mut Place,
        source: Source,
    ) -> Result<Option<(Position, Turn)>, Error> {
        let after = self.after(&inner.log, place, source).await?;
        if inner.recent.page(&inner.log, after, source).await?.is_empty() {
            if source == Source::Log {
                self.rest(inner, place).await?;
            }
            return Ok(None);
        }
        match inner.leases.turn(self.name, after).await? {
            Turn::Mine(fence) if place.under == Some(fence.token) => Ok(Some((after, Turn::Mine(fence)))),
            Turn::Mine(fence) => {
                // Somebody else may have been at work since.
                let stored = inner.log.checkpoint(self.name).await?;
                *place = Place { reached: Some(stored), lag: Lag::none(stored), under: Some(fence.token) };
                Ok(Some((stored, Turn::Mine(fence))))
            }
            theirs @ Turn::Theirs(_) => {
                *place = Place::default();
                Ok(Some((after, theirs)))
            }
        }
    }

    async fn after(&self, log: &SharedLog, place: &mut Place, source: Source) -> Result<Position, Error> {
        if let (Source::Own, Some(reached)) = (source, place.reached) {
            return Ok(reached);
        }
        let stored = log.checkpoint(self.name).await?;
        // Unless another process has moved it, it is where this one left it.
        let reached = place.reached.filter(|reached| stored == place.lag.stored && *reached >= stored);
        if reached.is_none() {
            place.lag = Lag::none(stored);
        }
        Ok(*place.reached.insert(reached.unwrap_or(stored)))
    }

    /// Nothing is left to look at: the store is told where it is, if that is still this process's to tell.
    async fn rest(&self, inner: &Inner, place: &mut Place) -> Result<(), Error> {
        let Some(reached) = place.reached.filter(|reached| *reached > place.lag.stored) else {
            return Ok(());
        };
        match inner.leases.look(self.name).await? {
            Turn::Mine(fence) if place.under == Some(fence.token) => {
                let looked_at = (reached, Left::Nothing);
                let told = self.leave_behind(inner, place, &fence, looked_at, Source::Log).await;
                place.came_to(inner, &fence, told)?;
            }
            _ => *place = Place::default(),
        }
        Ok(())
    }

    /// Leaves behind what was looked at up to a position; whoever asks the log also tells it at once. Answers how many events
    /// that were.
    pub(super) async fn leave_behind(
        &self,
        inner: &Inner,
        place: &mut Place,
        fence: &Fence,
        (to, left): (Position, Left),
        source: Source,
    ) -> Result<usize, Error> {
        let after = place.reached.unwrap_or(place.lag.stored);
        inner.leases.confirm(fence).await?;
        let told = left == Left::Work || source == Source::Log;
        if to > place.lag.stored && (told || !place.lag.may_grow(to)) {
            let (reader, fence) = (self.name.to_owned(), Some(fence.clone()));
            let commit =
                ReaderCommit { reader, after: place.lag.stored, to, fence, ..ReaderCommit::default() };
            match inner.log.apply(&commit).await {
                Ok(()) => place.lag = Lag::none(to),
                // Another process was faster; both did the same, and whatever was done twice found nothing left to do.
                Err(StoreError::CheckpointMoved { actual, .. }) => {
                    place.lag = Lag::none(actual);
                    place.reached = Some(actual);
                    return Ok(distance(after, to));
                }
                Err(error) => return Err(error.into()),
            }
        }
        place.reached = Some(to);
        Ok(distance(after, to))
    }
}

impl Place {
    /// What came of work under a fence. Whatever failed is begun again where the store has it; where somebody else has the
    /// lease by now, it is left to them.
    pub(super) fn came_to(
        &mut self,
        inner: &Inner,
        fence: &Fence,
        outcome: Result<usize, Error>,
    ) -> Result<usize, Error> {
        if outcome.is_err() {
            *self = Self::default();
        }
        inner.leases.left(fence, outcome)
    }
}

/// How many events there are between two positions.
pub(super) fn distance(after: Position, to: Position) -> usize {
    usize::try_from(to.saturating_sub(after)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orderwire_domain::{ids::ResellerId, joint::Command};

    use super::*;
    use crate::{
        engine::{
            Actor, Engine, Provenance,
            fulfilment::{self, FULFILMENT},
            log::Take,
            readers::{Reader, TIMERS},
            sealing::MasterKey,
        },
        stores::memory::MemoryLog,
    };

    /// What is done to readers one by one, without anything in the background.
    struct Desk {
        log: SharedLog,
        engine: Engine,
        made: u32,
    }

    impl Desk {
        async fn open(log: &SharedLog, master: &MasterKey) -> Self {
            let engine = Engine::builder().background(false);
            let engine = engine.open(Arc::clone(log), master.clone()).await.unwrap();
            Self { log: Arc::clone(log), engine, made: 0 }
        }

        async fn execute(&self, command: &Command) -> crate::engine::Receipt {
            let operator = Provenance::of(Actor::new("operator").unwrap());
            self.engine.execute(command, &operator, None).await.unwrap()
        }

        /// Neither timers nor fulfilment have anything to do with it.
        async fn reseller(&mut self) -> ResellerId {
            self.made += 1;
            let code = format!("R{}", self.made);
            let command = Command::CreateReseller {
                code: code.parse().unwrap(),
                cug_id: code.parse().unwrap(),
                sales_tag: code.parse().unwrap(),
                name: "Northern Voice".parse().unwrap(),
            };
            self.execute(&command).await.id("reseller")
        }

        /// Sets a timer.
        async fn qualified(&self, reseller: ResellerId) -> Position {
            let (name, domain) = ("Acme".parse().unwrap(), "acme.example".parse().unwrap());
            self.execute(&Command::Qualify { reseller, name, domain }).await.appended.last()
        }

        fn timers(&self) -> &Reader {
            self.engine.readers().get(TIMERS).unwrap()
        }

        async fn step(&self, source: Source) {
            let inner = &self.engine.inner;
            self.timers().step(inner, source).await.unwrap();
            fulfilment::step(inner, source).await.unwrap();
        }

        async fn stored(&self) -> [Position; 2] {
            [self.log.checkpoint(TIMERS).await.unwrap(), self.log.checkpoint(FULFILMENT).await.unwrap()]
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_checkpoint_waits_for_something_to_do_or_for_rest() {
        let log: SharedLog = Arc::new(MemoryLog::new());
        log.create_tables(&Engine::tables()).await.unwrap();
        let master = MasterKey::generate();
        let mut desk = Desk::open(&log, &master).await;
        let reseller = desk.reseller().await;
        desk.step(Source::Own).await;
        assert_eq!((desk.timers().reached(), desk.stored().await), (1, [0, 0]), "there was nothing to do");
        let changed = desk.qualified(reseller).await;
        desk.step(Source::Own).await;
        assert_eq!(desk.stored().await, [changed, 0], "the row is stored with its checkpoint");
        desk.step(Source::Log).await;
        assert_eq!(desk.stored().await, [changed, changed], "the log has no more");

        desk.reseller().await;
        desk.step(Source::Own).await;
        tokio::time::advance(LAG_MAX).await;
        desk.reseller().await;
        desk.step(Source::Own).await;
        assert_eq!(desk.stored().await, [changed + 2, changed + 2], "it has waited long enough");
    }

    #[tokio::test]
    async fn what_was_only_looked_at_is_looked_at_again_after_a_crash() {
        let log: SharedLog = Arc::new(MemoryLog::new());
        log.create_tables(&Engine::tables()).await.unwrap();
        let master = MasterKey::generate();
        let mut desk = Desk::open(&log, &master).await;
        desk.reseller().await;
        desk.step(Source::Own).await;
        assert_eq!((desk.timers().reached(), desk.stored().await), (1, [0, 0]));

        // Another process begins where the store knows the first to be, and gets further.
        let other = Desk::open(&log, &master).await;
        assert_eq!(other.timers().reached(), 0);
        other.step(Source::Log).await;
        other.step(Source::Log).await;
        assert_eq!(other.stored().await, [1, 1]);
        // The first finds that out when it has something to store, and loses nothing.
        let reseller = desk.reseller().await;
        let changed = desk.qualified(reseller).await;
        desk.step(Source::Own).await;
        desk.step(Source::Log).await;
        desk.step(Source::Log).await;
        assert_eq!((desk.timers().reached(), desk.stored().await), (changed, [changed, changed]));
        assert!(desk.engine.next_timer().await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_was_only_looked_at_is_forgotten_when_the_lease_has_changed_hands() {
        let log: SharedLog = Arc::new(MemoryLog::new());
        log.create_tables(&Engine::tables()).await.unwrap();
        let mut desk = Desk::open(&log, &MasterKey::generate()).await;
        desk.reseller().await;
        desk.step(Source::Own).await;
        assert_eq!((desk.timers().reached(), desk.stored().await), (1, [0, 0]));
        let ttl = Duration::from_secs(10);
        assert!(log.take_lease(TIMERS, "somebody", ttl, Take::FromAnybody).await.unwrap().is_some());
        log.give_back("somebody", &[TIMERS.to_owned()]).await.unwrap();
        desk.reseller().await;
        desk.step(Source::Own).await;
        assert_eq!(desk.timers().reached(), 0, "it is where the store has it");
        desk.step(Source::Log).await;
        desk.step(Source::Log).await;
        assert_eq!((desk.timers().reached(), desk.stored().await), (2, [2, 2]));
    }
}
