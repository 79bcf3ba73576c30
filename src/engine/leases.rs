//! Who may work here: which leases this process has, and under which fence something may be done.
//!
//! An engine that works in the background asks for its leases and renews them (`keeper`). One whose steps are taken by
//! hand, such as a single command of the command line, asks for none: where nobody has a lease, it works under the token as it
//! finds it, and where somebody has, it waits for them to do the work. Either way a commit is refused once the lease
//! has changed hands. Absent: what is done under a lease.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use uuid::Uuid;

use super::{
    error::Error,
    log::{Fence, Lease, Position, SharedLog, StoreError, Take},
};

/// A lease runs this long unless the builder says otherwise.
pub const LEASE_TTL: Duration = Duration::from_secs(10);
/// Looks at what somebody else does, while it is waited for; the pause doubles from the first to the last.
const LOOK_FIRST: Duration = Duration::from_millis(5);
const LOOK_LAST: Duration = Duration::from_millis(80);
/// Whoever has a lease and does nothing is waited for this many of its times; by then it would have lost it.
const WAITS_MAX: u32 = 2;

/// The leases of one engine.
pub(super) struct Leases {
    log: SharedLog,
    owner: String,
    ttl: Duration,
    slots: Mutex<BTreeMap<String, Slot>>,
    /// Wakes the keeper, when there is more to ask for.
    pub(super) more: Notify,
    ended: watch::Receiver<bool>,
}

struct Slot {
    held: watch::Sender<Option<Fence>>,
    /// Up to when it is certainly held, by the clock of this process.
    until: Instant,
    wanted: bool,
}

impl Slot {
    fn fence(&self) -> Option<Fence> {
        self.held.borrow().clone()
    }
}

/// Whose turn it is.
pub(super) enum Turn {
    /// This process's, under this fence.
    Mine(Fence),
    /// Somebody else's, who is at this position.
    Theirs(Position),
}

impl Leases {
    pub(super) fn new(log: SharedLog, ttl: Duration, ended: watch::Receiver<bool>) -> Self {
        // No two engines ever have the same, and an operator finds the process by its number.
        let owner = format!("{}-{}", std::process::id(), Uuid::now_v7().simple());
        Self { log, owner, ttl, slots: Mutex::default(), more: Notify::new(), ended }
    }

    pub(super) fn ttl(&self) -> Duration {
        self.ttl
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants a lease from now on.
    pub(super) fn want(&self, name: &str) -> watch::Receiver<Option<Fence>> {
        let mut slots = self.slots();
        let slot = slots.entry(name.to_owned()).or_insert_with(Slot::empty);
        if !slot.wanted {
            slot.wanted = true;
            self.more.notify_one();
        }
        slot.held.subscribe()
    }

    /// Each lease that is wanted, and whether it is held.
    pub(super) fn wanted(&self) -> Vec<(String, bool)> {
        let wanted = |(name, slot): (&String, &Slot)| (name.clone(), slot.held.borrow().is_some());
        self.slots().iter().filter(|(_, slot)| slot.wanted).map(wanted).collect()
    }

    /// Whether it is held, whatever the time.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.slots().get(name).is_some_and(|slot| slot.held.borrow().is_some())
    }

    /// The fence of a lease that is certainly held now.
    pub(super) fn current(&self, name: &str) -> Option<Fence> {
        self.slots().get(name).filter(|slot| Instant::now() < slot.until).and_then(Slot::fence)
    }

    /// Takes or renews a lease.
    pub(super) async fn take(&self, name: &str, take: Take) -> Result<Option<Fence>, Error> {
        // It runs from before it was asked for: the store cannot have begun earlier.
        let until = Instant::now() + self.ttl;
        let taken = self.log.take_lease(name, &self.owner, self.ttl, take).await?;
        let fence = taken.as_ref().map(Lease::fence);
        let mut slots = self.slots();
        let slot = slots.entry(name.to_owned()).or_insert_with(Slot::empty);
        slot.until = until.max(slot.until);
        let changed = slot.held.send_if_modified(|held| {
            let changed = *held != fence;
            held.clone_from(&fence);
            changed
        });
        if changed {
            tracing::info!(lease = name, works_here = fence.is_some(), "a lease changed hands");
        }
        Ok(fence)
    }

    /// Before something is written: renews the lease where its time is running out, and stops whoever lost it.
    pub(super) async fn confirm(&self, fence: &Fence) -> Result<(), Error> {
        let runs_out = {
            let slots = self.slots();
            let slot = slots.get(&fence.name).filter(|slot| slot.fence().as_ref() == Some(fence));
            slot.is_some_and(|slot| slot.until < Instant::now() + self.ttl / 2)
        };
        if runs_out && self.take(&fence.name, Take::IfFree).await?.as_ref() != Some(fence) {
            return Err(StoreError::FencedOut(fence.name.clone()).into());
        }
        Ok(())
    }

    /// What was begun under this fence was refused: somebody else has the lease.
    pub(super) fn lost(&self, fence: &Fence) {
        if let Some(slot) = self.slots().get(&fence.name) {
            slot.held.send_if_modified(|held| {
                let lost = held.as_ref() == Some(fence);
                if lost {
                    *held = None;
                }
                lost
            });
        }
        self.more.notify_one();
    }

    /// Who may work now: this process, under that fence, or somebody else, who has come so far.
    pub(super) async fn look(&self, name: &str) -> Result<Turn, Error> {
        loop {
            if let Some(fence) = self.current(name) {
                return Ok(Turn::Mine(fence));
            }
            let standings = self.log.standings().await?;
            let Some(standing) = standings.into_iter().find(|standing| standing.name == name) else {
                // Nobody ever had it: a token to work under has to be made first.
                self.log.take_lease(name, &self.owner, Duration::ZERO, Take::IfFree).await?;
                self.log.give_back(&self.owner, &[name.to_owned()]).await?;
                continue;
            };
            match standing.owner {
                None => return Ok(Turn::Mine(Fence { name: name.to_owned(), token: standing.token })),
                // Its time was over for us, and nobody took it.
                Some(owner) if owner == self.owner => self.take(name, Take::IfFree).await?,
                Some(_) => return Ok(Turn::Theirs(standing.position)),
            };
        }
    }

    /// Waits for a turn to work on what comes after a position: at once where nobody else has the lease, else until they
    /// have come further.
    pub(super) async fn turn(&self, name: &str, after: Position) -> Result<Turn, Error> {
        let give_up = Instant::now() + self.ttl * WAITS_MAX;
        let mut ended = self.ended.clone();
        let mut pause = LOOK_FIRST;
        loop {
            match self.look(name).await? {
                Turn::Theirs(reached) if reached <= after => {
                    if Instant::now() >= give_up {
                        let reader = name.to_owned();
                        return Err(Error::NotThereYet { reader, reached, wanted: after + 1 });
                    }
                }
                turn => return Ok(turn),
            }
            tokio::select! {
                _ = ended.wait_for(|ended| *ended) => return Err(Error::Closed),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LOOK_LAST);
        }
    }

    /// What came of something done under a fence. Where somebody else has the lease by now, it is left to them.
    pub(super) fn left(&self, fence: &Fence, outcome: Result<usize, Error>) -> Result<usize, Error> {
        match outcome {
            Err(error) if is_fenced_out(&error) => {
                self.lost(fence);
                Ok(1)
            }
            outcome => outcome,
        }
    }

    /// Wants a lease no longer, and gives it back.
    pub(super) async fn give_back(&self, names: &[String]) -> Result<(), Error> {
        let held: Vec<String> = {
            let mut slots = self.slots();
            let held = names.iter().filter(|name| {
                let slot = slots.get_mut(name.as_str());
                slot.is_some_and(|slot| {
                    slot.wanted = false;
                    slot.held.send_replace(None).is_some()
                })
            });
            held.cloned().collect()
        };
        if held.is_empty() {
            return Ok(());
        }
        Ok(self.log.give_back(&self.owner, &held).await?)
    }

    /// Wants a lease no longer, and does not renew it: others have it when its time is over.
    pub(super) fn let_go(&self, name: &str) {
        if let Some(slot) = self.slots().get_mut(name) {
            slot.wanted = false;
            slot.held.send_replace(None);
        }
    }

    /// Gives a lease back that was only borrowed; whether it is wanted stays as it was.
    pub(super) async fn hand_back(&self, name: &str) -> Result<(), Error> {
        if let Some(slot) = self.slots().get(name) {
            slot.held.send_replace(None);
        }
        self.log.give_back(&self.owner, &[name.to_owned()]).await?;
        self.more.notify_one();
        Ok(())
    }

    /// Gives back everything, since this process ends.
    pub(super) async fn give_all_back(&self) {
        let names: Vec<String> = self.slots().keys().cloned().collect();
        if let Err(error) = self.give_back(&names).await {
            tracing::warn!(%error, "leases were not given back: others wait until their time is over");
        }
    }
}

impl Slot {
    fn empty() -> Self {
        Self { held: watch::channel(None).0, until: Instant::now(), wanted: false }
    }
}

/// Whether an error says that a lease changed hands.
pub(super) fn is_fenced_out(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::FencedOut(_)))
}
