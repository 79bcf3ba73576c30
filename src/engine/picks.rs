//! Numbers that searches of this process picked and no read model shows as taken yet.
//!
//! A search looks at a read model, which is a moment behind. Commands that search at the same time would all pick the same
//! numbers, and all but one would lose the race for their claims. So searches take turns, and each leaves out what was
//! picked before it. This only saves races: whether a number is free, the commit decides.

use std::sync::{Mutex, MutexGuard, PoisonError};

use orderwire_domain::{joint::FoundNumbers, number::NumberSet, order::line::NumberSearch};

use super::{
    error::Error,
    log::{Position, SharedLog},
    query,
    readers::Readers,
};

/// The reader whose tables are searched.
const SEARCHED: &str = "orders";

/// Picks that are remembered; past this the oldest is forgotten, and may cost somebody a race. So many wait only where
/// the reader does not run.
const PICKS_MAX: usize = 1_000;

/// What was picked and is not shown yet.
#[derive(Default)]
pub struct Picks {
    /// Searches take turns.
    turn: tokio::sync::Mutex<()>,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    next: u64,
    picks: Vec<Pick>,
}

/// Numbers picked for one command.
struct Pick {
    of: u64,
    numbers: NumberSet,
    /// The position from which on the read model shows them; none while the command is undecided.
    shown_at: Option<Position>,
}

/// The picks of one command. Dropped without [`Picked::shown_at`], its numbers may be picked again at once.
pub struct Picked<'a> {
    picks: &'a Picks,
    of: u64,
}

impl Picks {
    /// The picks of a new command.
    pub fn of_command(&self) -> Picked<'_> {
        let mut noted = self.noted();
        noted.next += 1;
        Picked { picks: self, of: noted.next }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What others have picked: what they took for good, and all of it. What the read model shows by now is forgotten.
    fn of_others(&self, of: u64, shown: Position) -> (NumberSet, NumberSet) {
        let mut noted = self.noted();
        noted.picks.retain(|pick| pick.shown_at.is_none_or(|at| at > shown));
        let (mut taken, mut all) = (NumberSet::new(), NumberSet::new());
        for pick in noted.picks.iter().filter(|pick| pick.of != of) {
            all = all.union(&pick.numbers);
            if pick.shown_at.is_some() {
                taken = taken.union(&pick.numbers);
            }
        }
        (taken, all)
    }
}

impl Picked<'_> {
    /// Free numbers that fit a search, and that no other command has picked if there are enough of those.
    pub async fn search(
        &self,
        log: &SharedLog,
        readers: &Readers,
        search: &NumberSearch,
        except: &NumberSet,
    ) -> Result<FoundNumbers, Error> {
        let _turn = self.picks.turn.lock().await;
        let shown = readers.get(SEARCHED).map_or(0, |reader| reader.reached());
        let (taken, picked) = self.picks.of_others(self.of, shown);
        let mut found = query::free_numbers(log, search, &except.union(&picked)).await?;
        if found.numbers.len() < search.quantity as usize && picked != taken {
            // Who is undecided may yet fail, so what they picked is not gone: let the commit decide.
            found = query::free_numbers(log, search, &except.union(&taken)).await?;
        }
        let pick = Pick { of: self.of, numbers: found.numbers.clone(), shown_at: None };
        let mut noted = self.picks.noted();
        if noted.picks.len() >= PICKS_MAX {
            noted.picks.remove(0);
        }
        noted.picks.push(pick);
        Ok(found)
    }

    /// The command was appended: its numbers are shown as taken from this position on.
    pub fn shown_at(self, position: Position) {
        let mut noted = self.picks.noted();
        for pick in noted.picks.iter_mut().filter(|pick| pick.of == self.of) {
            pick.shown_at = Some(position);
        }
    }

    /// What was picked so far is not wanted any more.
    pub fn forget(&self) {
        self.picks.noted().picks.retain(|pick| pick.of != self.of || pick.shown_at.is_some());
    }
}

impl Drop for Picked<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}
