//! Something as it was at a moment: its own events up to then, folded as the engine folds them.
//!
//! Read models, snapshots and caches have no part in it.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use orderwire_domain::{ids::StreamId, joint::State};
use serde::Serialize;
use serde_json::Value;

use super::{Moment, document, moment::shown, walk};
use crate::{
    edge::{
        Error, Problem,
        history::{Sight, seen},
    },
    engine::{self, Engine, clock, log::StoredEvent, readers::fact},
};

/// The code of what had not begun at a moment.
pub(super) const NOT_YET: &str = "not_yet";

/// Where in the log a state stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The last event of its own by then.
    pub position: u64,
    /// How many it had.
    pub sequence: u64,
    /// When that event was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// Something as it was.
#[derive(Clone, Debug, Serialize)]
pub struct AsOf {
    /// Which.
    pub id: String,
    /// What kind of thing.
    pub kind: &'static str,
    /// Where in the log it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Its status then.
    pub status: &'static str,
    /// Everything else that its state said.
    pub document: Value,
}

/// The state at a moment, with where it stands.
pub struct Stood {
    /// What it was.
    pub state: State,
    /// Where in the log that is.
    pub place: Place,
}

/// The document of something as it was at a moment.
pub async fn as_of(engine: &Engine, stream: StreamId, moment: Moment, sight: Sight) -> Result<AsOf, Error> {
    let Stood { state, place } = fold(engine, stream, moment).await?;
    let document = seen(engine, document::of(&state), sight).await?;
    Ok(AsOf { id: stream.to_string(), kind: stream.kind.word(), place, status: state.status(), document })
}

/// The state at a moment; refused where there is nothing of that id, or was not yet.
pub async fn fold(engine: &Engine, stream: StreamId, moment: Moment) -> Result<Stood, Error> {
    moment.check(engine).await?;
    let (mut state, mut place, mut later) = (State::beginning(stream), None, None);
    walk::stream(engine, (stream, 0), |event| {
        if !moment.includes(&event) {
            later = Some(Place::of(&event));
            return Ok(ControlFlow::Break(()));
        }
        state = step(std::mem::replace(&mut state, State::beginning(stream)), &event)?;
        place = Some(Place::of(&event));
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    match (place, later) {
        (Some(place), _) => Ok(Stood { state, place }),
        (None, Some(first)) => Err(Error::refused(not_yet(stream, moment, &first))),
        (None, None) => Err(Error::refused(nobody(stream))),
    }
}

/// The state after one more event.
pub fn step(state: State, event: &StoredEvent) -> Result<State, engine::Error> {
    let happened = fact(event)?.happened;
    state.after(&happened).map_err(|illegal| engine::Error::Corrupt {
        stream: event.stream.to_string(),
        detail: format!("event {} at position {}: {illegal}", event.sequence, event.position),
    })
}

impl Place {
    /// After an event.
    pub fn of(event: &StoredEvent) -> Self {
        let StoredEvent { position, sequence, recorded_at_us, .. } = *event;
        Self { position, sequence, recorded_at: clock::time(recorded_at_us) }
    }
}

fn not_yet(stream: StreamId, moment: Moment, first: &Place) -> Problem {
    let kind = stream.kind.word().replace('_', " ");
    let detail = format!("there was no {kind} {stream} at {moment}");
    let expected = format!("position {} or later: it began at {}", first.position, shown(first.recorded_at));
    Problem::new("", NOT_YET, detail, expected)
}

/// That nothing of this id ever happened.
pub fn nobody(stream: StreamId) -> Problem {
    let kind = stream.kind.word().replace('_', " ");
    Problem {
        pointer: String::new(),
        code: "not_found".to_owned(),
        detail: format!("there is no {kind} {stream}"),
        expected: None,
        line: None,
    }
}
