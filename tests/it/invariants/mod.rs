//! What must hold of every history, whatever was asked of the engine: checked by reading the log alone, without the code
//! that wrote it.
//!
//! An [`Audit`] goes along with a log: [`Audit::follow`] after each step is cheap, [`Audit::finish`] once at the end of a
//! test compares everything that was derived from the log with a fresh fold of it.
//!
//! Each check was seen to fail on a planted defect; `docs/quality-proofs.md` lists them.

mod commits;
pub mod derived;
pub mod notices;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orderwire::{
    domain::{
        claim::{Claim, ClaimAction},
        fact::{Fact, Happened},
        ids::StreamId,
        joint::State,
        order::Order,
    },
    engine::{
        Engine,
        leaf::{Frontier, LeafEntry},
        log::{Sequence, StoredEvent},
        readers::fact,
    },
    stores::sql::LOG_ID,
};

/// Events read at once.
const PAGE: usize = 500;
/// One event names at most so many keys.
const EVENT_KEYS_MAX: usize = 500;

/// A fold of the log beside the engine's own.
#[derive(Default)]
pub struct Audit {
    frontier: Frontier,
    recorded_at_us: i64,
    commit: String,
    /// The commits that ended, so that none comes back.
    commits: BTreeSet<String>,
    /// Streams that the commit at hand wrote.
    written: BTreeSet<StreamId>,
    pub states: BTreeMap<StreamId, (Sequence, State)>,
    pub holders: HashMap<Claim, StreamId>,
    pub held: BTreeMap<StreamId, BTreeSet<Claim>>,
    pub facts: Vec<Fact>,
}

impl Audit {
    /// A whole log from the start, with everything that was derived from it.
    pub async fn of(engine: &Engine) -> Self {
        let mut audit = Self::default();
        audit.finish(engine).await;
        audit
    }

    /// Reads what is new in the log; panics on the first thing that cannot be.
    pub async fn follow(&mut self, engine: &Engine) {
        loop {
            let page = engine.page(self.frontier.leaves(), PAGE).await.unwrap();
            for event in &page {
                self.take(event);
            }
            if page.len() < PAGE {
                break;
            }
        }
        self.end_commit();
        let head = engine.head().await.unwrap();
        assert_eq!(head.position, self.frontier.leaves(), "the head is the last event");
        assert_eq!(head.frontier, self.frontier, "the head's tree is the tree of all leaves");
        if head.position > 0 {
            assert_eq!(head.recorded_at_us, self.recorded_at_us, "the head's time is the last event's");
        }
    }

    /// Follows, then compares everything derived. The engine must have settled.
    pub async fn finish(&mut self, engine: &Engine) {
        self.follow(engine).await;
        self.claims(engine).await;
        self.known_states(engine).await;
        derived::check(self, engine).await;
        notices::check(self, engine).await;
    }

    fn take(&mut self, event: &StoredEvent) {
        let at = format!("position {}, {} {}", event.position, event.stream, event.event_type);
        assert_eq!(event.position, self.frontier.leaves() + 1, "{at}: positions have no gap");
        assert!(event.recorded_at_us >= self.recorded_at_us, "{at}: time runs backwards");
        self.recorded_at_us = event.recorded_at_us;

        let entry = LeafEntry {
            log_id: LOG_ID,
            position: event.position,
            stream: event.stream,
            sequence: event.sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            recorded_at_us: event.recorded_at_us,
            payload: &event.payload,
            metadata: &event.metadata,
        };
        assert_eq!(entry.hash(), event.leaf, "{at}: the leaf is not that of the stored text");
        self.frontier.push(event.leaf);

        let metadata: BTreeMap<String, String> =
            serde_json::from_str(&event.metadata).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(serde_json::to_string(&metadata).unwrap(), event.metadata, "{at}: flat, sorted, compact");
        for name in ["actor", "command", "commit", "decided_at", "engine", "rules"] {
            assert!(metadata.contains_key(name), "{at}: nobody knows its {name}");
        }
        if metadata["commit"] != self.commit {
            self.end_commit();
            self.commit.clone_from(&metadata["commit"]);
            assert!(self.commits.insert(self.commit.clone()), "{at}: a commit is not in one piece");
        }

        let fact = fact(event).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(fact.happened.payload(), event.payload, "{at}: it reads as something else");
        assert_eq!(fact.happened.name(), event.event_type, "{at}: its name");
        assert_eq!(fact.happened.version(), event.event_version, "{at}: its version");
        self.step(&at, event, &fact.happened);
        self.change_claims(&at, &fact.happened);
        self.written.insert(event.stream);
        self.facts.push(fact);
    }

    fn step(&mut self, at: &str, event: &StoredEvent, happened: &Happened) {
        let begun = || (0, State::beginning(event.stream));
        let (sequence, state) = self.states.remove(&event.stream).unwrap_or_else(begun);
        assert_eq!(event.sequence, sequence + 1, "{at}: sequences have no gap");
        if let State::Order(order) = &state {
            assert!(!order.is_terminal(), "{at}: after the end of its order");
        }
        let state = state.after(happened).unwrap_or_else(|illegal| panic!("{at}: {illegal}"));
        self.states.insert(event.stream, (event.sequence, state));
    }

    fn change_claims(&mut self, at: &str, happened: &Happened) {
        let changes = happened.claims();
        let takes = changes.iter().filter(|change| change.action == ClaimAction::Take).count();
        // A message id is beside the keys that an event names.
        assert!(takes <= EVENT_KEYS_MAX + 1, "{at}: it names {takes} keys");
        for change in changes {
            assert_eq!(change.holder, happened.stream(), "{at}: it speaks for another stream");
            let held = self.held.entry(change.holder).or_default();
            match change.action {
                ClaimAction::Take => {
                    let before = self.holders.insert(change.claim.clone(), change.holder);
                    assert_eq!(before, None, "{at}: {:?} is taken twice", change.claim);
                    held.insert(change.claim);
                }
                ClaimAction::Release => {
                    let before = self.holders.remove(&change.claim);
                    assert_eq!(
                        before,
                        Some(change.holder),
                        "{at}: {:?} is released by another",
                        change.claim
                    );
                    held.remove(&change.claim);
                }
            }
        }
    }

    fn end_commit(&mut self) {
        for stream in std::mem::take(&mut self.written) {
            commits::check(self, stream);
        }
    }

    /// The store's claims are those of the log; so no number has two holders.
    pub async fn claims(&self, engine: &Engine) {
        let mut stored: Vec<(Claim, StreamId)> = Vec::new();
        loop {
            let page = engine.log().claims(stored.last().map(|(claim, _)| claim), PAGE).await.unwrap();
            let last = page.len() < PAGE;
            stored.extend(page);
            if last {
                break;
            }
        }
        assert_eq!(engine.log().claim_count().await.unwrap(), stored.len() as u64, "the count of claims");
        let count = stored.len();
        let stored: HashMap<Claim, StreamId> = stored.into_iter().collect();
        assert_eq!(stored.len(), count, "no claim is listed twice");
        for (claim, holder) in &self.holders {
            assert_eq!(stored.get(claim), Some(holder), "{claim:?}: held by the log, stored otherwise");
        }
        for (claim, holder) in &stored {
            assert_eq!(self.holders.get(claim), Some(holder), "{claim:?}: stored, not held by the log");
        }
    }

    /// What the engine decides on is what a replay leads to, and a stored state reads as it was.
    async fn known_states(&self, engine: &Engine) {
        for (stream, (sequence, state)) in &self.states {
            let (known_sequence, known) = engine.state(*stream).await.unwrap();
            assert_eq!(known_sequence, *sequence, "{stream}: where the engine thinks it is");
            assert_eq!(state_text(&known), state_text(state), "{stream}: the engine's state");
            assert_eq!(state_text(&read_back(state)), state_text(state), "{stream}: as a snapshot");
        }
    }
}

/// A state as snapshots store it.
pub fn state_text(state: &State) -> String {
    match state {
        State::Order(state) => serde_json::to_string(&**state),
        State::Company(state) => serde_json::to_string(&**state),
        State::PortRequest(state) => serde_json::to_string(&**state),
        State::NumberBlock(state) => serde_json::to_string(&**state),
        State::Reseller(state) => serde_json::to_string(&**state),
        State::Webhook(state) => serde_json::to_string(&**state),
    }
    .unwrap()
}

fn read_back(state: &State) -> State {
    let text = state_text(state);
    let read = match state {
        State::Order(_) => State::Order(serde_json::from_str::<Order>(&text).unwrap().into()),
        State::Company(_) => State::Company(std::sync::Arc::new(serde_json::from_str(&text).unwrap())),
        State::PortRequest(_) => {
            State::PortRequest(std::sync::Arc::new(serde_json::from_str(&text).unwrap()))
        }
        State::NumberBlock(_) => {
            State::NumberBlock(std::sync::Arc::new(serde_json::from_str(&text).unwrap()))
        }
        State::Reseller(_) => State::Reseller(std::sync::Arc::new(serde_json::from_str(&text).unwrap())),
        State::Webhook(_) => State::Webhook(std::sync::Arc::new(serde_json::from_str(&text).unwrap())),
    };
    let same = match (&read, state) {
        (State::Order(a), State::Order(b)) => a == b,
        (State::Company(a), State::Company(b)) => a == b,
        (State::PortRequest(a), State::PortRequest(b)) => a == b,
        (State::NumberBlock(a), State::NumberBlock(b)) => a == b,
        (State::Reseller(a), State::Reseller(b)) => a == b,
        (State::Webhook(a), State::Webhook(b)) => a == b,
        _ => false,
    };
    assert!(same, "a state reads as another: {text}");
    read
}
