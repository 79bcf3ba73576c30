//! Verifying a pack with nothing but the key of the log.

use std::{
    collections::BTreeMap,
    io::{BufRead, Read as _},
};

use orderwire_domain::{
    fact::Happened,
    ids::{AggregateKind, StreamId},
    joint::State,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{LAYOUT, Line, Proved, seal_text, steps};
use crate::{
    audit::{
        note::{Checkpoint, Note, SignedCheckpoint, VerifierKey},
        proofs::Inclusion,
    },
    engine::{
        leaf::{Hash, LeafEntry, hex},
        sealing::unhex,
    },
    stores::sql::LOG_ID,
};

/// A line is at most this long; an event is far below.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// What a pack proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Whose history it is.
    pub subject: String,
    /// The log that it is of.
    pub origin: String,
    /// How many events that log had.
    pub size: u64,
    /// The root of that log, in hex.
    pub root: String,
    /// How many streams are in it.
    pub streams: usize,
    /// How many events.
    pub events: u64,
    /// Where each stream was left.
    pub statuses: BTreeMap<String, &'static str>,
}

/// Why a pack proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// What it says is not so, or not shown.
    #[error("line {line}: {why}")]
    Refused {
        /// Counted from 1.
        line: u64,
        /// What is wrong there.
        why: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
}

/// What is known of a pack so far.
struct Reading<'k> {
    keys: &'k [VerifierKey],
    subject: String,
    streams: Vec<String>,
    checkpoint: Option<Checkpoint>,
    tables: BTreeMap<String, Vec<[String; 4]>>,
    states: BTreeMap<StreamId, (u64, u64, State)>,
    events: u64,
}

/// Verifies a pack: signatures, proofs, leaves, sequences, and that everything in it may happen.
pub fn verify(mut pack: impl BufRead, keys: &[VerifierKey]) -> Result<Verified, PackError> {
    let mut reading = Reading {
        keys,
        subject: String::new(),
        streams: Vec::new(),
        checkpoint: None,
        tables: BTreeMap::new(),
        states: BTreeMap::new(),
        events: 0,
    };
    let mut sum = Sha256::new();
    for line in 1.. {
        let refused = |why: String| PackError::Refused { line, why };
        let mut text = Vec::new();
        pack.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            return Err(refused("the pack ends before the note that seals it".to_owned()));
        }
        if text.last() != Some(&b'\n') {
            return Err(refused("the line is cut off, or too long".to_owned()));
        }
        let read: Line =
            serde_json::from_slice(&text).map_err(|why| refused(format!("it cannot be read: {why}")))?;
        let Line::Seal { note } = read else {
            reading.take(line, read).map_err(refused)?;
            sum.update(&text);
            continue;
        };
        let verified = reading.end(line - 1, &hex(&sum.finalize()), &note).map_err(refused)?;
        if !pack.fill_buf()?.is_empty() {
            return Err(PackError::Refused { line: line + 1, why: "something follows the seal".to_owned() });
        }
        return Ok(verified);
    }
    unreachable!("a file has an end")
}

impl Reading<'_> {
    fn take(&mut self, line: u64, read: Line) -> Result<(), String> {
        match (line, read) {
            (1, Line::Pack { layout, subject, streams }) => {
                if layout != LAYOUT {
                    return Err(format!("its layout is `{layout}`, and `{LAYOUT}` is known here"));
                }
                (self.subject, self.streams) = (subject, streams);
                Ok(())
            }
            (2, Line::Checkpoint { note }) => {
                let signed = SignedCheckpoint::open(&note, self.keys).map_err(|why| why.to_string())?;
                self.checkpoint = Some(signed.checkpoint().clone());
                Ok(())
            }
            (3.., Line::Lifecycle { aggregate, steps }) if self.events == 0 => {
                self.take_table(aggregate, steps)
            }
            (3.., Line::Event(event)) => self.take_event(&event),
            (1, _) => Err("the first line has to say what the pack is about".to_owned()),
            (2, _) => Err("the second line has to be a checkpoint".to_owned()),
            _ => Err("it has no place here".to_owned()),
        }
    }

    /// Tables are not in the log. One that has a row which is none of this program's shows nothing.
    fn take_table(&mut self, aggregate: String, rows: Vec<[String; 4]>) -> Result<(), String> {
        let kind: AggregateKind =
            aggregate.parse().map_err(|_| format!("`{aggregate}` is no kind of aggregate"))?;
        let known = steps(kind);
        if let Some(row) = rows.iter().find(|row| !known.contains(row)) {
            return Err(format!("the lifecycle of {aggregate} has no step {}", row.join(", ")));
        }
        if self.tables.insert(aggregate, rows).is_some() {
            return Err("the table was there before".to_owned());
        }
        Ok(())
    }

    fn take_event(&mut self, event: &Proved) -> Result<(), String> {
        let checkpoint = self.checkpoint.as_ref().ok_or("no checkpoint stands before it")?;
        let stream: StreamId = event.stream.parse().map_err(|why| format!("{why}"))?;
        if !self.streams.contains(&event.stream) {
            return Err(format!("the pack is not about {stream}"));
        }
        let entry = LeafEntry {
            log_id: LOG_ID,
            position: event.position,
            stream,
            sequence: event.sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            recorded_at_us: event.recorded_at_us,
            payload: &event.payload,
            metadata: &event.metadata,
        };
        let leaf = entry.hash();
        if hex(&leaf) != event.leaf {
            return Err(format!("the leaf of position {} is not that of its text", event.position));
        }
        let proof = event.proof.iter().map(|hash| hash_of(hash)).collect::<Result<_, _>>()?;
        let (size, root) = (checkpoint.size, checkpoint.root);
        let inclusion = Inclusion { position: event.position, size, leaf, root, proof };
        inclusion.verify().map_err(|why| format!("position {} is not proved: {why}", event.position))?;
        let happened = Happened::read(stream, &event.event_type, &event.event_version, &event.payload)
            .map_err(|why| format!("position {}: {why}", event.position))?;
        let begun = || (0, 0, State::beginning(stream));
        let (sequence, position, state) = self.states.remove(&stream).unwrap_or_else(begun);
        if event.sequence != sequence + 1 || event.position <= position {
            return Err(format!("it is event {} of {stream}, after event {sequence}", event.sequence));
        }
        let from = state.status();
        let state = state.after(&happened).map_err(|illegal| illegal.to_string())?;
        let (name, to) = (happened.name(), state.status());
        let is_step = |row: &[String; 4]| row[0] == from && row[2] == name && row[3] == to;
        if !self.tables.get(stream.kind.word()).is_some_and(|rows| rows.iter().any(is_step)) {
            return Err(format!("the pack has no table with the step from {from} by {name} to {to}"));
        }
        self.states.insert(stream, (event.sequence, event.position, state));
        self.events += 1;
        Ok(())
    }

    fn end(self, lines: u64, sum: &str, note: &str) -> Result<Verified, String> {
        let checkpoint = self.checkpoint.ok_or("the pack has no checkpoint")?;
        let note = Note::parse(note).map_err(|why| why.to_string())?;
        let signers = note.verify(self.keys).map_err(|why| why.to_string())?;
        if signers.iter().all(|key| key.name() != checkpoint.origin) {
            return Err("the seal is not that of the log".to_owned());
        }
        if note.text() != seal_text(&checkpoint.origin, &self.subject, lines, sum) {
            return Err(
                "the seal is of other lines: some of those above were changed, added or left out".to_owned()
            );
        }
        if let Some(lacking) =
            self.streams.iter().find(|name| self.states.keys().all(|it| it.to_string() != **name))
        {
            return Err(format!("the pack has nothing of {lacking}"));
        }
        let statuses = self.states.iter().map(|(stream, (.., state))| (stream.to_string(), state.status()));
        Ok(Verified {
            subject: self.subject,
            origin: checkpoint.origin,
            size: checkpoint.size,
            root: hex(&checkpoint.root),
            streams: self.streams.len(),
            events: self.events,
            statuses: statuses.collect(),
        })
    }
}

fn hash_of(text: &str) -> Result<Hash, String> {
    unhex(text).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| format!("`{text}` is no hash"))
}
