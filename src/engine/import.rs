//! A history that the stock crates wrote, brought into an empty log.
//!
//! Every event goes through the checks of any other commit: it is one of ours, a legal step of its stream, and takes
//! only what is free. All of that is known before the first event is appended. Deliberately absent: SQL (a store reads
//! the table), upcasting, and data keys, which the stock crates do not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use orderwire_domain::{
    decider::IllegalEvent,
    fact::{Happened, Unreadable},
    ids::{AggregateKind, StreamId},
    joint::{State, taken_reason},
    refusal::Reason,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Engine,
    append::{Facts, plan},
    committer::size,
    error::Error,
    log::{
        BATCH_BYTES_MAX, BATCH_COMMITS_MAX, BATCH_ROWS_MAX, Commit, CommitRefusal, Head, KeyChange, NewEvent,
        Sequence, StreamAppend, Verdict,
    },
};

/// A history is put in order and rehearsed in memory, so it has at most this many events.
pub const IMPORT_EVENTS_MAX: usize = 1_000_000;
/// A refusal names at most this many faults: somebody reads it.
const FAULTS_MAX: usize = 20;

/// A row of a stock events table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockEvent {
    /// The word for the kind of aggregate.
    pub aggregate_type: String,
    /// The id of the aggregate.
    pub aggregate_id: String,
    /// Its index in its stream, from 1.
    pub sequence: Sequence,
    /// Its type.
    pub event_type: String,
    /// The version of its shape.
    pub event_version: String,
    /// JSON, byte for byte as stored.
    pub payload: String,
    /// JSON, byte for byte as stored.
    pub metadata: String,
}

/// What an import brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// How many streams.
    pub streams: u64,
    /// How many events.
    pub events: u64,
    /// The log right after the last of them.
    pub head: Head,
}

/// What is wrong with an event of a stock history.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("`{0}` is not the id of an aggregate")]
    Id(String),
    #[error("the aggregate is stored as `{0}`")]
    Kind(String),
    #[error("its sequence should be {0}")]
    Gap(Sequence),
    #[error("it cannot be read as an event: {0}")]
    Event(#[from] Unreadable),
    #[error("its metadata is not a flat map of strings: {0}")]
    Metadata(serde_json::Error),
    #[error(transparent)]
    Illegal(IllegalEvent),
}

impl Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::Id(_) => "id_unknown",
            Self::Kind(_) => "kind_mismatch",
            Self::Gap(_) => "sequence_gap",
            Self::Event(Unreadable::Payload { .. }) => "event_unknown",
            Self::Event(Unreadable::Version { .. }) => "event_version_unknown",
            Self::Event(Unreadable::Name { .. }) => "event_misnamed",
            Self::Metadata(_) => "metadata_invalid",
            Self::Illegal(_) => "step_illegal",
        }
    }
}

/// An event that is fit to be appended.
struct Step {
    stream: StreamId,
    sequence: Sequence,
    /// When it was decided, but never before the event that it follows.
    decided_at: Option<DateTime<Utc>>,
    commit: Commit,
}

impl Engine {
    /// Brings a stock history into this engine's log, which must be empty, and answers where it ends.
    ///
    /// Events keep their payload byte for byte, and their metadata with `commit` and `imported_from` set. Streams keep
    /// their order; among streams, the time at which events were decided says which came first, if every event has
    /// one. Otherwise stream follows stream, and a name or number that changed hands may be refused, because nobody
    /// can tell when it did.
    ///
    /// A stock history has no data keys: what was sealed in it stays sealed, and reads as if it had been erased. A
    /// company or reseller of whom nothing was sealed gets a key of its own, so that it can be ordered for.
    ///
    /// Nothing is appended unless all of it can be. The batches are transactions of their own, so a store that fails
    /// half way keeps the beginning; the import then starts again on an empty store.
    pub async fn import(&self, events: Vec<StockEvent>, from: &str) -> Result<Imported, Error> {
        let log = &self.inner.log;
        let head = log.head().await?;
        if head.position > 0 {
            let detail = format!("the log has {} events already", head.position);
            return Err(refuse("log_not_empty", detail, "an empty log, so that the history begins it"));
        }
        let mut steps = steps(events, from).map_err(Error::Refused)?;
        put_in_order(&mut steps);
        let streams = steps.iter().map(|step| step.stream).collect::<BTreeSet<_>>().len() as u64;
        self.add_keys(&mut steps);
        let places: Vec<_> = steps.iter().map(|step| (step.stream, step.sequence)).collect();
        let commits: Vec<_> = steps.into_iter().map(|step| Arc::new(step.commit)).collect();
        let now_us = self.now().timestamp_micros();
        let rehearsed = plan(0, &commits, &head, &Facts::default(), now_us);
        refuse_faults(claim_faults(&places, &rehearsed.verdicts)).map_err(Error::Refused)?;

        let mut appended = 0;
        for batch in batches(&commits) {
            let verdicts = log.append(batch, now_us).await?;
            for verdict in verdicts {
                match verdict {
                    Verdict::Appended(at) if at.first == appended + 1 => appended += 1,
                    _ => {
                        let detail = format!("another process wrote to the log after event {appended}");
                        return Err(refuse(
                            "import_interrupted",
                            detail,
                            "an empty log that nobody else uses",
                        ));
                    }
                }
            }
        }
        Ok(Imported { streams, events: appended, head: log.head().await? })
    }

    /// Lets the first event of a company or reseller make its data key, unless something was sealed with another.
    fn add_keys(&self, steps: &mut [Step]) {
        let mut without: BTreeSet<String> = BTreeSet::new();
        for event in steps.iter().flat_map(Step::events) {
            without.extend(sealed_keys(event));
        }
        let erased =
            steps.iter().filter(|step| step.events().any(|event| event.event_type == "CompanyErased"));
        without.extend(erased.map(|step| step.stream.to_string()));
        for step in steps.iter_mut().filter(|step| step.sequence == 1) {
            let id = step.stream.to_string();
            let has_key = matches!(step.stream.kind, AggregateKind::Company | AggregateKind::Reseller);
            if has_key && !without.contains(&id) {
                let (_, wrapped) = self.inner.keyring.make(&id);
                step.commit.keys.push(KeyChange::Make(wrapped));
            }
        }
    }
}

impl Step {
    fn events(&self) -> impl Iterator<Item = &NewEvent> {
        self.commit.appends.iter().flat_map(|append| &append.events)
    }
}

fn refuse(code: &str, detail: String, expected: &str) -> Error {
    Error::Refused(vec![Reason {
        code: code.to_owned(),
        subject: None,
        detail,
        expected: Some(expected.to_owned()),
    }])
}

fn refuse_faults(mut faults: Vec<Reason>) -> Result<(), Vec<Reason>> {
    faults.truncate(FAULTS_MAX);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn place(stream: impl std::fmt::Display, sequence: Sequence) -> String {
    format!("/{stream}/{sequence}")
}

/// The events, stream after stream, each made into a commit; or what is wrong first in each stream.
fn steps(events: Vec<StockEvent>, from: &str) -> Result<Vec<Step>, Vec<Reason>> {
    let mut streams: BTreeMap<(String, String), Vec<StockEvent>> = BTreeMap::new();
    for event in events {
        let stream = (event.aggregate_type.clone(), event.aggregate_id.clone());
        streams.entry(stream).or_default().push(event);
    }
    let (mut steps, mut faults) = (Vec::new(), Vec::new());
    for ((kind, id), mut events) in streams {
        events.sort_by_key(|event| event.sequence);
        let first = events.first().map_or(1, |event| event.sequence);
        let stream = match stream_of(&kind, &id) {
            Ok(stream) => stream,
            Err(fault) => {
                faults.push(reason(&id, first, &fault));
                continue;
            }
        };
        let mut state = State::beginning(stream);
        let mut decided_at = None;
        for (event, expected) in events.into_iter().zip(1..) {
            let sequence = event.sequence;
            match step(stream, state, event, expected, from) {
                Ok((after, mut step)) => {
                    state = after;
                    decided_at = step.decided_at.map(|at| decided_at.map_or(at, |before| at.max(before)));
                    step.decided_at = decided_at;
                    steps.push(step);
                }
                Err(fault) => {
                    faults.push(reason(stream, sequence, &fault));
                    break;
                }
            }
        }
    }
    refuse_faults(faults).map(|()| steps)
}

fn reason(stream: impl std::fmt::Display, sequence: Sequence, fault: &Fault) -> Reason {
    let subject = Some(place(stream, sequence));
    Reason { code: fault.code().to_owned(), subject, detail: fault.to_string(), expected: None }
}

fn stream_of(kind: &str, id: &str) -> Result<StreamId, Fault> {
    // An id has one spelling: two would be two streams there and one here.
    let stream = id.parse::<StreamId>().ok().filter(|stream| stream.to_string() == id);
    let stream = stream.ok_or_else(|| Fault::Id(id.chars().take(40).collect()))?;
    if stream.kind.word() == kind { Ok(stream) } else { Err(Fault::Kind(kind.to_owned())) }
}

fn step(
    stream: StreamId,
    state: State,
    event: StockEvent,
    expected: Sequence,
    from: &str,
) -> Result<(State, Step), Fault> {
    if event.sequence != expected {
        return Err(Fault::Gap(expected));
    }
    let happened = Happened::read(stream, &event.event_type, &event.event_version, &event.payload)?;
    let state = state.after(&happened).map_err(Fault::Illegal)?;
    let mut fields: BTreeMap<String, String> =
        serde_json::from_str(&event.metadata).map_err(Fault::Metadata)?;
    let id = Uuid::now_v7();
    fields.insert("commit".to_owned(), id.simple().to_string());
    fields.insert("imported_from".to_owned(), from.to_owned());
    let decided_at = fields.get("decided_at").and_then(|at| at.parse().ok());
    let new_event = NewEvent {
        event_type: event.event_type,
        event_version: event.event_version,
        payload: event.payload,
        metadata: serde_json::to_string(&fields).expect("a map of strings is JSON"),
    };
    let commit = Commit {
        id,
        appends: vec![StreamAppend { stream, after: expected - 1, events: vec![new_event] }],
        reads: Vec::new(),
        rests_on: Vec::new(),
        claims: happened.claims(),
        record: None,
        keys: Vec::new(),
        fence: None,
    };
    Ok((state, Step { stream, sequence: expected, decided_at, commit }))
}

/// By the time of decision where every event has one; else what others rest on comes first, stream after stream.
fn put_in_order(steps: &mut [Step]) {
    let rank = |step: &Step| match step.stream.kind {
        AggregateKind::Reseller => 0,
        AggregateKind::NumberBlock => 1,
        AggregateKind::Company => 2,
        AggregateKind::Order => 3,
        AggregateKind::PortRequest => 4,
        AggregateKind::Webhook => 5,
    };
    let timed = steps.iter().all(|step| step.decided_at.is_some());
    let key = |step: &Step| (step.decided_at.filter(|_| timed), rank(step), step.stream, step.sequence);
    steps.sort_by_key(key);
}

/// Whose data keys sealed something in this event.
fn sealed_keys(event: &NewEvent) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for text in [&event.payload, &event.metadata] {
        if let Ok(value) = serde_json::from_str(text) {
            add_keys_in(&value, &mut keys);
        }
    }
    keys
}

fn add_keys_in(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            keys.extend(fields.get("key_id").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| add_keys_in(value, keys));
        }
        Value::Array(values) => values.iter().for_each(|value| add_keys_in(value, keys)),
        // A sealed reason is JSON within a text of the metadata.
        Value::String(text) if text.starts_with('{') => {
            if let Ok(value) = serde_json::from_str(text) {
                add_keys_in(&value, keys);
            }
        }
        _ => {}
    }
}

/// What the rehearsal refused. What merely follows a refused event in its stream is not said again.
fn claim_faults(places: &[(StreamId, Sequence)], verdicts: &[Verdict]) -> Vec<Reason> {
    let mut faults = Vec::new();
    for ((stream, sequence), verdict) in places.iter().zip(verdicts) {
        let subject = Some(place(stream, *sequence));
        match verdict {
            Verdict::Appended(_) | Verdict::Refused(CommitRefusal::Moved { .. }) => {}
            Verdict::Refused(CommitRefusal::ClaimsTaken(claims)) => {
                let taken = claims.iter().map(taken_reason);
                faults.extend(taken.map(|reason| Reason { subject: subject.clone(), ..reason }));
            }
            Verdict::Refused(CommitRefusal::NotHeld { claim, .. }) => {
                let detail =
                    format!("it releases {} `{}`, which it does not hold", claim.scope, claim.shown());
                faults.push(Reason { code: "claim_not_held".to_owned(), subject, detail, expected: None });
            }
            other => {
                let detail = format!("it cannot be appended: {other:?}");
                faults.push(Reason { code: "not_appended".to_owned(), subject, detail, expected: None });
            }
        }
    }
    faults
}

/// The commits in as many batches as the bounds of one ask for.
fn batches(commits: &[Arc<Commit>]) -> Vec<&[Arc<Commit>]> {
    let (mut batches, mut start, mut rows, mut bytes) = (Vec::new(), 0, 0, 0);
    for (index, commit) in commits.iter().enumerate() {
        let (more_rows, more_bytes) = size(commit);
        let full = index - start == BATCH_COMMITS_MAX
            || rows + more_rows > BATCH_ROWS_MAX
            || bytes + more_bytes > BATCH_BYTES_MAX;
        if full && index > start {
            batches.push(&commits[start..index]);
            (start, rows, bytes) = (index, 0, 0);
        }
        rows += more_rows;
        bytes += more_bytes;
    }
    batches.extend((start < commits.len()).then(|| &commits[start..]));
    batches
}
