//! What folds see of an event: read once from its stored text.

use orderwire_domain::{
    fact::{Fact, Happened},
    ids::StreamId,
};

use crate::engine::{
    clock::time,
    error::Error,
    log::{NewEvent, Position, Sequence, StoredEvent},
    provenance::{self, Told},
};

/// An event of the log as folds see it.
pub fn fact(event: &StoredEvent) -> Result<Fact, Error> {
    let StoredEvent { position, stream, sequence, recorded_at_us, .. } = *event;
    let texts = [&event.event_type, &event.event_version, &event.payload, &event.metadata];
    read(stream, (position, sequence), texts, recorded_at_us)
}

/// The same of an event that was appended at a position and sequence.
pub fn fact_of(
    stream: StreamId,
    place: (Position, Sequence),
    event: &NewEvent,
    recorded_at_us: i64,
) -> Result<Fact, Error> {
    let texts = [&event.event_type, &event.event_version, &event.payload, &event.metadata];
    read(stream, place, texts, recorded_at_us)
}

fn read(
    stream: StreamId,
    (position, sequence): (Position, Sequence),
    [event_type, event_version, payload, metadata]: [&String; 4],
    recorded_at_us: i64,
) -> Result<Fact, Error> {
    let corrupt = |detail: String| Error::Corrupt { stream: stream.to_string(), detail };
    let happened = Happened::read(stream, event_type, event_version, payload)
        .map_err(|error| corrupt(format!("event {sequence} cannot be read: {error}")))?;
    let recorded_at = time(recorded_at_us);
    let Told { decided_at, correlation } = provenance::told(metadata);
    let decided_at = decided_at.unwrap_or(recorded_at);
    Ok(Fact { position, sequence, recorded_at, decided_at, correlation, happened })
}
