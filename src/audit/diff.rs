//! What became otherwise between two moments: field by field, each with the event that made it what it is.
//!
//! Only the parts of a state that an event changed are looked at, so a large order is compared at the cost of what happened
//! to it. A list is one field; so is what is sealed, and text that was sealed anew without a change is none.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use chrono::{DateTime, Utc};
use orderwire_domain::{ids::StreamId, joint::State, sealed::Sealed};
use serde::Serialize;
use serde_json::Value;

use super::{
    Moment, Origin,
    as_of::{self, NOT_YET, Place, Stood},
    document::{self, Part},
    walk,
};
use crate::{
    edge::{
        Error, Problem,
        history::{Sight, seen},
    },
    engine::{self, Engine, clock, log::StoredEvent},
};

/// What became otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// Of what.
    pub id: String,
    /// What kind of thing.
    pub kind: &'static str,
    /// Where it was; nothing where it had not begun.
    pub from: Option<Place>,
    /// Where it came to.
    pub to: Place,
    /// Every field that differs, by path.
    pub changes: Vec<Change>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where it stands in the document, as a JSON Pointer.
    pub path: String,
    /// What it was; null where it was not there.
    pub old: Option<Value>,
    /// What it is; null where it is gone.
    pub new: Option<Value>,
    /// The event that made it so, the last one where there were several.
    #[serde(flatten)]
    pub by: By,
}

/// Who changed a field, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct By {
    /// The position of the event.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// An opaque id of whoever wanted it.
    pub actor: String,
    /// What was asked.
    pub command: String,
    /// What happened.
    pub event: String,
}

/// What became otherwise between two moments, the first being the earlier one.
pub async fn diff(
    engine: &Engine,
    stream: StreamId,
    (from, to): (Moment, Moment),
    sight: Sight,
) -> Result<Diff, Error> {
    to.check(engine).await?;
    let start = match as_of::fold(engine, stream, from).await {
        Ok(Stood { state, place }) => Some((state, place)),
        Err(error) if error.problems().iter().any(|problem| problem.code == NOT_YET) => None,
        Err(error) => return Err(error),
    };
    if let Some((_, place)) = &start
        && !to.reaches(place)
    {
        let detail = format!("{to} is before {from}");
        return Err(Error::refused(Problem::new("", "moments_swapped", detail, "the earlier moment first")));
    }
    let after = start.as_ref().map_or(0, |(_, place)| place.sequence);
    let before = start.as_ref().map_or_else(|| State::beginning(stream), |(state, _)| state.clone());
    let (mut state, mut end) = (before.clone(), start.map(|(_, place)| place));
    let from = end.clone();
    let (mut touched, mut by) = (BTreeSet::<Part>::new(), BTreeMap::<String, By>::new());
    walk::stream(engine, (stream, after), |event| {
        if !to.includes(&event) {
            return Ok(ControlFlow::Break(()));
        }
        let next = as_of::step(state.clone(), &event)?;
        for part in document::changed(&state, &next) {
            for (path, ..) in differing(&state, &next, &part) {
                by.insert(path, By::of(&event)?);
            }
            touched.insert(part);
        }
        (state, end) = (next, Some(Place::of(&event)));
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    // Where nothing had happened by then, that says what there is instead.
    let end = match end {
        Some(end) => end,
        None => as_of::fold(engine, stream, to).await?.place,
    };
    let mut changes = Vec::new();
    for (path, old, new) in touched.iter().flat_map(|part| differing(&before, &state, part)) {
        let Some(by) = by.get(&path).cloned() else { continue };
        let (old, new) = (opened(engine, old, sight).await?, opened(engine, new, sight).await?);
        changes.push(Change { path, old, new, by });
    }
    Ok(Diff { id: stream.to_string(), kind: stream.kind.word(), from, to: end, changes })
}

impl By {
    fn of(event: &StoredEvent) -> Result<Self, engine::Error> {
        let Origin { actor, command, .. } = Origin::of(event)?;
        Ok(Self {
            position: event.position,
            recorded_at: clock::time(event.recorded_at_us),
            actor,
            command,
            event: event.event_type.clone(),
        })
    }
}

/// A field that differs: its path, what it was, what it is.
pub(super) type Field = (String, Option<Value>, Option<Value>);

/// The fields of one part that differ between two states.
fn differing(before: &State, after: &State, part: &Part) -> Vec<Field> {
    let value = |state| document::part_of(state, part).unwrap_or_default();
    fields(&part.pointer(), value(before), value(after))
}

/// The fields that differ between two values, in the order of their paths, each of which begins with `below`.
pub(super) fn fields(below: &str, old: Value, new: Value) -> Vec<Field> {
    let leaves = |value| {
        let mut leaves = BTreeMap::new();
        gather(below.to_owned(), value, &mut leaves);
        leaves
    };
    let (mut old, new) = (leaves(old), leaves(new));
    let mut found = Vec::new();
    for (path, new) in new {
        match old.remove(&path) {
            Some(old) if same(&old, &new) => {}
            old => found.push((path, old, Some(new))),
        }
    }
    found.extend(old.into_iter().map(|(path, old)| (path, Some(old), None)));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Every field below a path that has no fields of its own.
fn gather(path: String, value: Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.contains_key("ciphertext") => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                gather(format!("{path}/{name}"), value, leaves);
            }
        }
        Value::Null => {}
        leaf => {
            leaves.insert(path, leaf);
        }
    }
}

fn same(old: &Value, new: &Value) -> bool {
    // What cannot be read as sealed is not, and was compared as it stands.
    let sealed = |value: &Value| serde_json::from_value::<Sealed>(value.clone()).ok();
    let hide_the_same = || Some(sealed(old)?.hides_the_same_as(&sealed(new)?));
    old == new || (old.is_object() && hide_the_same().unwrap_or(false))
}

async fn opened(engine: &Engine, value: Option<Value>, sight: Sight) -> Result<Option<Value>, Error> {
    match value {
        Some(value) => Ok(Some(seen(engine, value, sight).await?)),
        None => Ok(None),
    }
}
