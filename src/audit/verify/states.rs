//! The states of streams while the log is followed: whether each event is a step of its lifecycle.
//!
//! Of every stream the last sequence is kept. Of states only those that were needed last are: what was put aside is folded
//! again from its own events when it is needed again, which is seldom, since what happens to one thing happens close together.

use std::{collections::HashMap, ops::ControlFlow};

use orderwire_domain::{ids::StreamId, joint::State};

use super::{Finding, Stop, read::Seen};
use crate::{
    audit::{as_of, walk},
    engine::{Engine, Error, log::StoreError},
};

/// States that are kept of each generation: at one or two KiB each, the two take some 60 MB.
const STATES_MAX: usize = 16_384;

/// What is known of the streams of a log.
#[derive(Default)]
pub struct States {
    /// The sequence of the last event of each.
    sequences: HashMap<StreamId, u32>,
    /// Those that were needed since the old ones were put aside.
    young: HashMap<StreamId, State>,
    old: HashMap<StreamId, State>,
    /// Whether events before the first that is followed are known by a checkpoint alone.
    has_past: bool,
}

impl States {
    /// Nothing was followed yet. Where streams have a past, it is read when they are met.
    pub fn begin(has_past: bool) -> Self {
        Self { has_past, ..Self::default() }
    }

    /// How many streams were written.
    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Takes the next event of the log.
    pub async fn take(&mut self, engine: &Engine, event: &Seen) -> Result<(), Stop> {
        let (stream, position) = (event.fact.happened.stream(), event.fact.position);
        let sequence = event.fact.sequence;
        let before = match self.sequences.get(&stream) {
            Some(before) => u64::from(*before),
            None if self.has_past => sequence.saturating_sub(1),
            None => 0,
        };
        if sequence != before + 1 {
            let detail = format!("it is event {sequence} of {stream}, after event {before}");
            return Err(Finding::at(position, "sequence", detail).into());
        }
        let state = match self.young.remove(&stream).or_else(|| self.old.remove(&stream)) {
            Some(state) => state,
            None if before == 0 => State::beginning(stream),
            None => self.again(engine, stream, before, position).await?,
        };
        let next = state.after(&event.fact.happened).map_err(|illegal| {
            Finding::at(position, "lifecycle", format!("event {sequence} of {stream}: {illegal}"))
        })?;
        let sequence = u32::try_from(sequence).map_err(|_| {
            Finding::at(position, "sequence", format!("{stream} cannot have {sequence} events"))
        })?;
        self.sequences.insert(stream, sequence);
        if self.young.len() >= STATES_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, next);
        Ok(())
    }

    /// Folds a stream up to a sequence from its own events.
    async fn again(&self, engine: &Engine, stream: StreamId, to: u64, position: u64) -> Result<State, Stop> {
        let (mut state, mut at) = (State::beginning(stream), 0);
        let folded = walk::stream(engine, (stream, 0), |event| {
            if at == to {
                return Ok(ControlFlow::Break(()));
            }
            state = as_of::step(std::mem::replace(&mut state, State::beginning(stream)), &event)?;
            at = event.sequence;
            Ok(ControlFlow::Continue(()))
        })
        .await;
        match folded {
            Ok(()) if at == to => Ok(state),
            Ok(()) => {
                let detail = format!("{stream} has {at} events before it, and should have {to}");
                Err(Finding::at(position, "sequence", detail).into())
            }
            Err(error @ (Error::Corrupt { .. } | Error::Store(StoreError::Corrupt(_)))) => {
                Err(Finding::at(position, "lifecycle", format!("what {stream} was before: {error}")).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
