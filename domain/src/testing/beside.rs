//! An aggregate that walks beside its model: after every step the same answer, legal events, claims that add up, and
//! states and events that survive storage.
//!
//! A [`Mirror`] says how to compare the two; [`Beside`] is then a state machine test. The walks of this crate's own
//! aggregates are made so. Absent: anything but pure deciders; for a whole system, write a `StateMachineTest` on
//! [`Machine`] instead.

use std::{
    collections::BTreeSet,
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::{DateTime, Utc};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use super::{
    ledger::Ledger,
    machine::{CommandOf, Life, Machine, Model, Said, Step},
};
use crate::{
    claim::Claim,
    decider::{Context, Decider, Event as _, apply, handle},
    ids::StreamId,
};

/// A model that can be compared with what it is a model of.
pub trait Mirror: Model {
    /// How many keys one of its events may name under the rules of the model.
    const KEYS_MAX: usize;

    /// The stream of the aggregate that walks.
    fn stream() -> StreamId;

    /// Compares after every step, to which the model said this; panics on any difference.
    fn compare(&self, said: Said, walked: &Walked<Self>);
}

/// From where, by which action and event, to where.
pub type Taken<D> =
    (<D as Decider>::Status, <D as Decider>::Action, <D as Decider>::EventKind, <D as Decider>::Status);

/// An aggregate and where it has been.
#[derive(Debug)]
pub struct Walked<M: Model> {
    /// What it is now.
    pub state: M::Of,
    /// What it was after each event.
    pub states: Vec<M::Of>,
    /// What happened.
    pub history: Vec<<M::Of as Decider>::Event>,
    /// How many of the events the last command led to.
    pub last: usize,
    /// The rows of the lifecycle that it took.
    pub taken: BTreeSet<Taken<M::Of>>,
    ledger: Ledger,
}

impl<M: Mirror> Walked<M> {
    fn begin() -> Self {
        Self {
            state: M::Of::default(),
            states: vec![],
            history: vec![],
            last: 0,
            taken: BTreeSet::new(),
            ledger: Ledger::default(),
        }
    }

    /// What its events took and did not release.
    pub fn held(&self) -> BTreeSet<Claim> {
        self.ledger.held_by(M::stream())
    }

    /// The events that the last command led to.
    pub fn last_events(&self) -> &[<M::Of as Decider>::Event] {
        &self.history[self.history.len() - self.last..]
    }

    /// Asks, and compares the answer with what the model said.
    fn go(&mut self, command: &CommandOf<M>, at: DateTime<Utc>, life: &Life<M>) {
        let context = Context { at, rules: life.model.rules() };
        let outcome = handle(&self.state, command, &context);
        let agreed = match (&outcome, life.said) {
            (Ok(_), Said::Done) | (Err(_), Said::Refused) => true,
            (Ok(events), Said::Repeated) => events.is_empty(),
            (Ok(events), Said::Ignored(_)) => events.len() == 1,
            _ => false,
        };
        assert!(agreed, "{command:?} at {at}: {outcome:?}, but the model says {:?}", life.said);
        let events = outcome.unwrap_or_default();
        self.last = events.len();
        for event in events {
            self.happen(M::Of::action(command), event);
        }
        assert_eq!(stored_and_read(&self.state), self.state, "a state survives storage");
    }

    fn happen(&mut self, action: <M::Of as Decider>::Action, event: <M::Of as Decider>::Event) {
        self.ledger.record(&event.claims(M::stream()), M::KEYS_MAX);
        let from = self.state.status();
        let state = std::mem::take(&mut self.state);
        self.state = apply(state, &event).unwrap_or_else(|illegal| panic!("{illegal}"));
        self.taken.insert((from, action, event.kind(), self.state.status()));
        assert_eq!(stored_and_read(&event), event, "an event survives storage");
        self.states.push(self.state.clone());
        self.history.push(event);
    }
}

/// The state machine test of a mirror.
#[derive(Debug)]
pub struct Beside<M>(PhantomData<M>);

impl<M: Mirror> StateMachineTest for Beside<M> {
    type SystemUnderTest = Walked<M>;
    type Reference = Machine<M>;

    fn init_test(_: &Life<M>) -> Walked<M> {
        Walked::begin()
    }

    fn apply(mut walked: Walked<M>, life: &Life<M>, step: Step<M>) -> Walked<M> {
        walked.go(&step.command, step.at, life);
        walked
    }

    fn check_invariants(walked: &Walked<M>, life: &Life<M>) {
        life.model.compare(life.said, walked);
    }
}

/// A walk as the strategy of a [`Machine`] makes it: where it begins, its steps, and how many were seen.
pub type Walk<M> = (Life<M>, Vec<Step<M>>, Option<Arc<AtomicUsize>>);

/// Takes a whole walk, for tests that look at where it led.
pub fn walk<M: Mirror>((mut life, steps, seen): Walk<M>) -> (Life<M>, Walked<M>) {
    let mut walked = Walked::begin();
    for step in steps {
        // Whoever shrinks a walk wants to know how far it came.
        if let Some(seen) = &seen {
            seen.fetch_add(1, Ordering::SeqCst);
        }
        life = Machine::apply(life, &step);
        walked = Beside::apply(walked, &life, step);
        life.model.compare(life.said, &walked);
    }
    (life, walked)
}

fn stored_and_read<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("what we write can be written");
    serde_json::from_str(&text).expect("what was written can be read")
}
