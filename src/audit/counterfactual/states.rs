//! The states that decisions were made on: those of streams that were met lately, and any other from its own events.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use orderwire_domain::{decider::Decider as _, fact::Happened, ids::StreamId, joint::State};

use crate::{
    audit::{as_of::step, walk},
    engine::{Engine, Error, log::StoredEvent},
};

/// Streams at hand; past this all are folded anew.
const STREAMS_MAX: usize = 10_000;

/// States with the sequence of their last event.
#[derive(Default)]
pub(super) struct States(BTreeMap<StreamId, (u64, State)>);

impl States {
    /// The state that an event happened to, where it is at hand or `wanted`; from here on it is the one after.
    pub(super) async fn before(
        &mut self,
        engine: &Engine,
        event: &StoredEvent,
        happened: &Happened,
        wanted: bool,
    ) -> Result<Option<State>, Error> {
        let at_hand = self.0.remove(&event.stream).filter(|(sequence, _)| sequence + 1 == event.sequence);
        let before = match at_hand {
            Some((_, state)) => state,
            None if !wanted => return Ok(None),
            None => fold(engine, event).await?,
        };
        let after = step(before.clone(), event)?;
        if !is_done_with(&after, happened) {
            if self.0.len() >= STREAMS_MAX {
                self.0.clear();
            }
            self.0.insert(event.stream, (event.sequence, after));
        }
        Ok(Some(before))
    }
}

/// Whether nothing of interest will happen to it: of an order, once it was submitted.
fn is_done_with(state: &State, happened: &Happened) -> bool {
    match state {
        State::Order(order) => order.status() != orderwire_domain::order::OrderStatus::Draft,
        State::PortRequest(port) => port.has_ended(),
        State::Company(company) => company.estate().is_none(),
        State::NumberBlock(_) => false,
        State::Reseller(_) | State::Webhook(_) => {
            matches!(happened, Happened::Reseller(..) | Happened::Webhook(..))
        }
    }
}

async fn fold(engine: &Engine, event: &StoredEvent) -> Result<State, Error> {
    let mut state = State::beginning(event.stream);
    walk::stream(engine, (event.stream, 0), |earlier| {
        if earlier.sequence >= event.sequence {
            return Ok(ControlFlow::Break(()));
        }
        state = step(std::mem::replace(&mut state, State::beginning(event.stream)), &earlier)?;
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    Ok(state)
}
