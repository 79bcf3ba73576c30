//! Reading the log in chunks, and what can be said of one event by itself: its leaf, its metadata, its shape.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _};
use orderwire_domain::fact::{Fact, Happened};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use uuid::Uuid;

use super::{Finding, Stop, joined};
use crate::{
    audit::tiles,
    engine::{
        Engine, Error, clock,
        leaf::Hash,
        log::{Position, StoreError, StoredEvent},
    },
};

/// Events of a chunk: whole tiles, so that their hashes can be compared chunk by chunk.
pub const CHUNK: u64 = 2_048;
/// Chunks that are read and parsed before they are followed.
const CHUNKS_AHEAD: usize = 3;

/// An event that is right by itself.
pub struct Seen {
    /// The event as folds see it.
    pub fact: Fact,
    /// The leaf, computed from the stored text.
    pub leaf: Hash,
    /// The commit it came about in.
    pub commit: Uuid,
    /// What all events of that commit have; an imported event has its own.
    pub metadata: Option<String>,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at_us: i64,
}

/// What came of a chunk: events that are right by themselves, and the first that is not.
pub struct Chunk {
    pub seen: Vec<Seen>,
    pub finding: Option<Finding>,
}

/// The log in chunks, after one position up to another. The first begins where it is asked to, the others where tiles do.
pub fn chunks(engine: &Engine, after: Position, to: Position) -> impl Stream<Item = Result<Chunk, Stop>> {
    let mut at = after;
    let ranges = std::iter::from_fn(move || {
        let end = to.min(at - at % CHUNK + CHUNK);
        let range = (at, end);
        at = end;
        (range.0 < range.1).then_some(range)
    });
    let engine = engine.clone();
    let read = move |(after, to): (Position, Position)| {
        let engine = engine.clone();
        async move {
            let (events, finding) = fetch(&engine, after, to).await?;
            let examined = tokio::task::spawn_blocking(move || examine(events, finding));
            Ok(joined(examined.await)?)
        }
    };
    futures::stream::iter(ranges).map(read).buffered(CHUNKS_AHEAD)
}

/// Events after a position, up to another. Where a row cannot be read they end before it, and where one is missing too.
async fn fetch(
    engine: &Engine,
    after: Position,
    to: Position,
) -> Result<(Vec<StoredEvent>, Option<Finding>), Error> {
    let limit = |from: Position| usize::try_from(to - from).unwrap_or(usize::MAX);
    match engine.page(after, limit(after)).await {
        Ok(page) => Ok(whole(page, after, to)),
        Err(Error::Store(StoreError::Corrupt(_))) => {
            let mut events = Vec::new();
            for at in after..to {
                match engine.page(at, 1).await {
                    Ok(page) => events.extend(page.into_iter().filter(|event| event.position == at + 1)),
                    Err(Error::Store(StoreError::Corrupt(why))) => {
                        let (events, gap) = whole(events, after, at);
                        let unreadable = Finding::at(at + 1, "row", format!("it cannot be read: {why}"));
                        return Ok((events, gap.or(Some(unreadable))));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(whole(events, after, to))
        }
        Err(error) => Err(error),
    }
}

fn whole(mut events: Vec<StoredEvent>, after: Position, to: Position) -> (Vec<StoredEvent>, Option<Finding>) {
    let right =
        events.iter().zip(after + 1..).take_while(|(event, position)| event.position == *position).count();
    events.truncate(right);
    let next = after + right as u64 + 1;
    let missing = (next <= to).then(|| Finding::at(next, "position", "there is no event at this position"));
    (events, missing)
}

fn examine(events: Vec<StoredEvent>, finding: Option<Finding>) -> Chunk {
    let mut seen = Vec::with_capacity(events.len());
    for event in events {
        match one(event) {
            Ok(event) => seen.push(event),
            Err(found) => return Chunk { seen, finding: Some(found) },
        }
    }
    Chunk { seen, finding }
}

fn one(event: StoredEvent) -> Result<Seen, Finding> {
    let StoredEvent { position, stream, sequence, recorded_at_us, .. } = event;
    let leaf = tiles::entry(&event).hash();
    if leaf != event.leaf {
        return Err(Finding::at(position, "leaf", "its leaf is not that of its stored text"));
    }
    let told: Told = serde_json::from_str(&event.metadata)
        .map_err(|why| Finding::at(position, "metadata", format!("its metadata cannot be right: {why}")))?;
    let happened = Happened::read(stream, &event.event_type, &event.event_version, &event.payload)
        .map_err(|why| Finding::at(position, "event", format!("it cannot be read: {why}")))?;
    let fact = Fact {
        position,
        sequence,
        recorded_at: clock::time(recorded_at_us),
        decided_at: told.decided_at,
        correlation: told.correlation,
        happened,
    };
    let metadata = (!told.is_imported).then_some(event.metadata);
    Ok(Seen { fact, leaf, commit: told.commit, metadata, recorded_at_us })
}

/// Metadata, read strictly: flat, texts only, sorted by their names; and who, when and in which commit is there.
struct Told {
    commit: Uuid,
    decided_at: DateTime<Utc>,
    correlation: Option<String>,
    is_imported: bool,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Told;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a flat object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Told, A::Error> {
                let (mut commit, mut decided_at, mut correlation) = (None, None, None);
                let (mut has_actor, mut is_imported) = (false, false);
                let mut before: Option<Text<'de>> = None;
                while let Some((name, Text(text))) = fields.next_entry::<Text<'de>, Text<'de>>()? {
                    if before.as_ref().is_some_and(|before| before.0 >= name.0) {
                        return Err(A::Error::custom(format_args!("`{}` is not in its place", name.0)));
                    }
                    // What cannot be read is told below as what is not there.
                    match &*name.0 {
                        "actor" => has_actor = !text.is_empty(),
                        "commit" => commit = Uuid::try_parse(&text).ok(),
                        "decided_at" => decided_at = text.parse().ok(),
                        "correlation" => correlation = Some(text.into_owned()),
                        "imported_from" => is_imported = true,
                        _ => {}
                    }
                    before = Some(name);
                }
                let lacks = |name| A::Error::custom(format_args!("it has no `{name}`, or none that can be"));
                if !has_actor {
                    return Err(lacks("actor"));
                }
                Ok(Told {
                    commit: commit.ok_or_else(|| lacks("commit"))?,
                    decided_at: decided_at.ok_or_else(|| lacks("decided_at"))?,
                    correlation,
                    is_imported,
                })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
