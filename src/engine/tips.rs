//! The newest known state of every hot stream, with what is in flight already: what the next command is decided on.
//!
//! A tip may be ahead of the store: it is the state that the commits in flight will leave. When one of them is refused,
//! its tips are dropped, and whatever was decided on them is refused too and decided again.

use std::collections::{BTreeMap, HashMap};

use orderwire_domain::{
    ids::StreamId,
    joint::{State, Streams},
};

use uuid::Uuid;

use super::log::Sequence;

/// A commit of this process: its place in the order of decisions, and its id.
pub type Written = (u64, Uuid);

/// The newest known state of a stream.
#[derive(Clone, Debug)]
struct Tip {
    sequence: Sequence,
    state: State,
    /// The last commit of this process that wrote it, in flight or not.
    commit: Option<Written>,
    used: u64,
}

/// A bounded cache of tips; the least recently used ones go first.
#[derive(Debug)]
pub struct Tips {
    by_stream: HashMap<StreamId, Tip>,
    by_use: BTreeMap<u64, StreamId>,
    clock: u64,
    capacity: usize,
}

impl Tips {
    /// A cache of so many streams.
    pub fn new(capacity: usize) -> Self {
        Self { by_stream: HashMap::new(), by_use: BTreeMap::new(), clock: 0, capacity: capacity.max(1) }
    }

    /// Takes in what was loaded, unless something newer is known.
    pub fn loaded(&mut self, stream: StreamId, sequence: Sequence, state: State) {
        if self.by_stream.get(&stream).is_none_or(|tip| tip.sequence < sequence) {
            self.put(stream, sequence, state, None);
        }
    }

    /// Takes in what a commit in flight will leave.
    pub fn decided(&mut self, stream: StreamId, sequence: Sequence, state: State, commit: Written) {
        self.put(stream, sequence, state, Some(commit));
    }

    /// The commit that last wrote a stream, as far as its tip goes back.
    pub fn written_by(&self, stream: StreamId) -> Option<Written> {
        self.by_stream.get(&stream).and_then(|tip| tip.commit)
    }

    /// Forgets a stream whose tip turned out wrong.
    pub fn drop_tip(&mut self, stream: StreamId) {
        if let Some(tip) = self.by_stream.remove(&stream) {
            self.by_use.remove(&tip.used);
        }
    }

    /// Marks streams as just used.
    pub fn touch(&mut self, streams: impl IntoIterator<Item = StreamId>) {
        for stream in streams {
            if let Some(tip) = self.by_stream.get_mut(&stream) {
                self.by_use.remove(&tip.used);
                self.clock += 1;
                tip.used = self.clock;
                self.by_use.insert(self.clock, stream);
            }
        }
    }

    fn put(&mut self, stream: StreamId, sequence: Sequence, state: State, commit: Option<Written>) {
        self.clock += 1;
        let tip = Tip { sequence, state, commit, used: self.clock };
        if let Some(old) = self.by_stream.insert(stream, tip) {
            self.by_use.remove(&old.used);
        }
        self.by_use.insert(self.clock, stream);
        while self.by_stream.len() > self.capacity {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.by_stream.remove(&oldest);
        }
    }
}

impl Streams for Tips {
    fn state(&self, stream: StreamId) -> Option<(u64, State)> {
        self.by_stream.get(&stream).map(|tip| (tip.sequence, tip.state.clone()))
    }
}
