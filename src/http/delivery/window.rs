//! What one webhook is about to be sent: lanes, each strictly in order, all of them beside one another.
//!
//! A lane is an order, or what a notice is about where it belongs to none. Its first notice is sent; the next when that has
//! arrived. So a lane whose first does not arrive waits, and no other does. Of what comes after a first that fails only the
//! sequences are kept, however many: each has a row, and is read again when its turn has come. Deliberately absent: time and
//! chance, which are arguments; what is sent, and where anything is stored.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, Utc};

/// One delivery of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// Of the notice of this sequence.
    Notice(u64),
    /// Of the same once more, because somebody wants it: out of turn.
    Again(u64),
}

#[derive(Debug)]
struct Item {
    lane: Arc<str>,
    due: DateTime<Utc>,
    failed: bool,
    flies: bool,
}

/// What comes one after the other.
#[derive(Debug, Default)]
struct Lane {
    /// Those at hand.
    turns: BTreeSet<Job>,
    /// Sequences that come after all of those, and have rows that say so.
    later: VecDeque<u64>,
}

/// What was read and has not arrived.
#[derive(Debug)]
pub struct Window {
    /// Up to where notices were read.
    read_to: u64,
    items: BTreeMap<Job, Item>,
    lanes: HashMap<Arc<str>, Lane>,
    /// Lanes with nothing at hand but something later.
    starved: BTreeSet<Arc<str>>,
    deferred: usize,
    /// The first of every lane, unless it is being sent.
    due: BTreeSet<(DateTime<Utc>, Job)>,
    /// Sequences that have no row which says that they wait.
    unstored: BTreeSet<u64>,
}

impl Window {
    /// One that goes on after a sequence.
    pub fn after(sequence: u64) -> Self {
        Self {
            read_to: sequence,
            items: BTreeMap::new(),
            lanes: HashMap::new(),
            starved: BTreeSet::new(),
            deferred: 0,
            due: BTreeSet::new(),
            unstored: BTreeSet::new(),
        }
    }

    /// Up to where notices were read.
    pub fn read_to(&self) -> u64 {
        self.read_to
    }

    /// Every notice up to here has arrived, was not wanted, or has a row which says that it waits.
    pub fn done_to(&self) -> u64 {
        self.unstored.first().map_or(self.read_to, |first| first - 1)
    }

    /// How many have not arrived.
    pub fn waiting(&self) -> usize {
        self.items.len() + self.deferred
    }

    /// How many of them are at hand.
    pub fn at_hand(&self) -> usize {
        self.items.len()
    }

    /// Of how many only the sequence is kept.
    pub fn deferred(&self) -> usize {
        self.deferred
    }

    /// How many have no row yet.
    pub fn unstored(&self) -> usize {
        self.unstored.len()
    }

    /// Whether this one is being sent.
    pub fn flies(&self, job: Job) -> bool {
        self.items.get(&job).is_some_and(|item| item.flies)
    }

    /// The next notice is not to be sent.
    pub fn skip(&mut self, sequence: u64) {
        self.read_to = self.read_to.max(sequence);
    }

    /// The next notice is to be sent, from `now` on.
    pub fn add(&mut self, sequence: u64, lane: &str, now: DateTime<Utc>) {
        self.skip(sequence);
        if self.insert(Job::Notice(sequence), lane, now, false) {
            self.unstored.insert(sequence);
        }
    }

    /// One that has a row is to be sent from a time on. Must not be of a lane that is being sent.
    pub fn restore(&mut self, job: Job, lane: &str, due: DateTime<Utc>, failed: bool) {
        self.insert(job, lane, due, failed);
    }

    /// Whether the next of this lane waits for one that fails, or for others that do: its row is enough until then.
    pub fn defers(&self, lane: &str) -> bool {
        self.lanes.get(lane).is_some_and(|lane| {
            !lane.later.is_empty() || lane.turns.first().is_some_and(|first| self.items[first].failed)
        })
    }

    /// Whether there is anything of this lane.
    pub fn has(&self, lane: &str) -> bool {
        self.lanes.contains_key(lane)
    }

    /// One that has a row waits for what is at hand of its lane, and for what comes before it.
    pub fn defer(&mut self, sequence: u64, lane: &str) {
        let (lane, turns) = self.lane(lane);
        // Where rows were lost, one is found after what follows it.
        let place = turns.later.partition_point(|other| *other < sequence);
        turns.later.insert(place, sequence);
        if turns.turns.is_empty() {
            self.starved.insert(lane);
        }
        self.deferred += 1;
    }

    /// Sequences whose turn has come, of one lane. Whoever asks reads their rows, and restores every one of them.
    pub fn recall(&mut self, limit: usize) -> Vec<u64> {
        let Some(lane) = self.starved.pop_first() else { return Vec::new() };
        let later = &mut self.lanes.get_mut(&lane).expect("a lane that starves is there").later;
        let recalled: Vec<u64> = later.drain(..limit.min(later.len())).collect();
        self.deferred -= recalled.len();
        recalled
    }

    /// Whether there is something to recall.
    pub fn starves(&self) -> bool {
        !self.starved.is_empty()
    }

    /// A lane, which is there from now on.
    fn lane(&mut self, name: &str) -> (Arc<str>, &mut Lane) {
        let name =
            self.lanes.get_key_value(name).map_or_else(|| Arc::from(name), |(name, _)| Arc::clone(name));
        let lane = self.lanes.entry(Arc::clone(&name)).or_default();
        (name, lane)
    }

    /// Whether it was new.
    fn insert(&mut self, job: Job, lane: &str, due: DateTime<Utc>, failed: bool) -> bool {
        if self.items.contains_key(&job) {
            return false;
        }
        let (lane, Lane { turns, .. }) = self.lane(lane);
        let before = turns.first().copied();
        turns.insert(job);
        let is_first = turns.first() == Some(&job);
        if is_first {
            if let Some(before) = before {
                self.due.remove(&(self.items[&before].due, before));
            }
            self.due.insert((due, job));
        }
        self.items.insert(job, Item { lane, due, failed, flies: false });
        true
    }

    /// When the next one is due.
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        self.due.first().map(|(due, _)| *due)
    }

    /// One that is due; it is being sent from here on.
    pub fn take(&mut self, now: DateTime<Utc>) -> Option<Job> {
        let (due, job) = *self.due.first().filter(|(due, _)| *due <= now)?;
        self.due.remove(&(due, job));
        self.items.get_mut(&job).expect("what is due is there").flies = true;
        Some(job)
    }

    /// One that was sent has arrived: the next of its lane may follow.
    pub fn arrived(&mut self, job: Job) {
        let Some(item) = self.items.remove(&job) else { return };
        if let Job::Notice(sequence) = job {
            self.unstored.remove(&sequence);
        }
        let lane = self.lanes.get_mut(&item.lane).expect("an item has a lane");
        lane.turns.remove(&job);
        match lane.turns.first() {
            Some(next) => {
                self.due.insert((self.items[next].due, *next));
            }
            None if lane.later.is_empty() => {
                self.lanes.remove(&item.lane);
            }
            None => {
                self.starved.insert(item.lane);
            }
        }
    }

    /// One that was sent has not arrived; it is sent again from a time on. Whoever says so stores a row of it.
    pub fn failed(&mut self, job: Job, due: DateTime<Utc>) {
        let Some(item) = self.items.get_mut(&job) else { return };
        (item.due, item.failed, item.flies) = (due, true, false);
        self.due.insert((due, job));
        if let Job::Notice(sequence) = job {
            self.unstored.remove(&sequence);
        }
    }

    /// Lets everything that waits be due now, such as when a webhook was resumed.
    pub fn wake(&mut self, now: DateTime<Utc>) {
        let waiting = std::mem::take(&mut self.due);
        for (_, job) in waiting {
            self.items.get_mut(&job).expect("what is due is there").due = now;
            self.due.insert((now, job));
        }
    }

    /// Those that wait for one before them which does not arrive, or before one that has a row: without rows they would
    /// hold up [`done_to`](Self::done_to), and whoever goes on from the rows would send a later one of their lane first.
    /// Whoever asks stores a row of each, with whatever else it has to store.
    pub fn held_up(&mut self) -> Vec<u64> {
        let waits = |sequence: &u64| self.defers(&self.items[&Job::Notice(*sequence)].lane);
        let held_up: Vec<u64> = self.unstored.iter().copied().filter(waits).collect();
        for sequence in &held_up {
            self.unstored.remove(sequence);
        }
        held_up
    }
}
