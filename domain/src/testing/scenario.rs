//! Given, when, then, over any decider.
//!
//! ```
//! use orderwire_domain::{reseller::Reseller, testing::scenario::given};
//! let nobody = given::<Reseller>([]);
//! assert_eq!(nobody.state(), &Reseller::default());
//! ```

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    decider::{Context, Decider, Refused, apply, handle},
    rules::Rules,
};

/// An aggregate with a history, at a moment.
#[derive(Clone, Debug)]
pub struct Given<D: Decider> {
    state: D,
    context: Context,
}

/// What a command led to.
#[derive(Debug)]
pub struct Then<D: Decider> {
    before: Given<D>,
    outcome: Result<Vec<D::Event>, Refused<D>>,
}

/// The aggregate that this history leads to. Panics on an illegal history.
pub fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let context = Context { at: moment("2026-06-01T10:00:00Z"), rules: Arc::new(Rules::bundled()) };
    Given { state: D::default(), context }.and(history)
}

/// A moment from its RFC 3339 text. Panics on any other text.
pub fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("an RFC 3339 time")
}

impl<D: Decider> Given<D> {
    /// Moves the clock.
    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.context.at = at;
        self
    }

    /// Adds to the history.
    #[must_use]
    pub fn and(mut self, events: impl IntoIterator<Item = D::Event>) -> Self {
        for event in events {
            self.state = apply(self.state, &event).expect("the given history is legal");
        }
        self
    }

    /// The state it is in.
    pub fn state(&self) -> &D {
        &self.state
    }

    /// What a decision is given besides state and command.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Lets somebody want something.
    pub fn when(&self, command: &D::Command) -> Then<D> {
        let outcome = handle(&self.state, command, &self.context);
        Then { before: self.clone(), outcome }
    }
}

impl<D: Decider> Then<D> {
    /// It led to exactly these events; the aggregate goes on from there.
    #[track_caller]
    pub fn expect(self, events: &[D::Event]) -> Given<D> {
        assert_eq!(self.outcome.as_deref(), Ok(events));
        self.accepted()
    }

    /// It led to whatever events; the aggregate goes on from there.
    #[track_caller]
    pub fn accepted(self) -> Given<D> {
        match self.outcome {
            Ok(events) => self.before.and(events),
            Err(refused) => panic!("refused: {:?}", refused.reasons()),
        }
    }

    /// The events it led to.
    #[track_caller]
    pub fn events(self) -> Vec<D::Event> {
        match self.outcome {
            Ok(events) => events,
            Err(refused) => panic!("refused: {:?}", refused.reasons()),
        }
    }

    /// It was refused with exactly these reason codes; nothing changed.
    #[track_caller]
    pub fn refused(self, codes: &[&str]) -> Given<D> {
        match self.outcome {
            Ok(events) => panic!("accepted: {events:?}"),
            Err(refused) => {
                let reasons = refused.reasons();
                let found: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
                assert_eq!(found, codes);
            }
        }
        self.before
    }
}
