//! One event as it is written, and read again.
//!
//! Payload and metadata are put in byte by byte as they are stored, so that the leaf can be made again from a line. Their place in
//! a line is fixed; what is written otherwise is no line of ours.

use chrono::{DateTime, SecondsFormat, Utc};
use orderwire_domain::ids::StreamId;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;

use super::Encoding;
use crate::engine::{
    Error, clock,
    leaf::{Hash, LeafEntry, hex},
    log::StoredEvent,
};

/// The fields of an event, in their order.
pub const CSV_HEADING: [&str; 9] = [
    "position",
    "stream",
    "sequence",
    "event_type",
    "event_version",
    "recorded_at",
    "payload",
    "metadata",
    "leaf",
];
/// What the type of every event begins with in CloudEvents.
const TYPE: &str = "com.orderwire.log.";

/// What stands above the records of a CSV file.
pub fn csv_heading() -> String {
    CSV_HEADING.join(",") + "\r\n"
}

/// An event, with the end of its line.
pub fn written(event: &StoredEvent, encoding: Encoding) -> Result<String, Error> {
    let StoredEvent {
        position, stream, sequence, event_type, event_version, payload, metadata, leaf, ..
    } = event;
    let at = clock::time(event.recorded_at_us).to_rfc3339_opts(SecondsFormat::Micros, true);
    let leaf = hex(leaf);
    let (event_type, event_version) = (event_type.as_str(), event_version.as_str());
    if encoding != Encoding::Csv && (payload.contains(['\n', '\r']) || metadata.contains(['\n', '\r'])) {
        // Only somebody else's writer makes these; to write them otherwise would be another text than the leaf is of.
        let detail = format!(
            "event {sequence} at position {position} has JSON of several lines: only CSV can have it"
        );
        return Err(Error::Corrupt { stream: stream.to_string(), detail });
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    Ok(match encoding {
        Encoding::Jsonl => format!(
            "{{\"position\":{position},\"stream\":\"{stream}\",\"sequence\":{sequence},\"event_type\":{},\
             \"event_version\":{},\"recorded_at\":\"{at}\",\"payload\":{payload},\"metadata\":{metadata},\"leaf\":\"{leaf}\"}}\n",
            quoted(event_type),
            quoted(event_version)
        ),
        Encoding::CloudEvents => format!(
            "{{\"specversion\":\"1.0\",\"id\":\"{position}\",\"source\":\"/orderwire/log\",\"type\":{},\
             \"subject\":\"{stream}\",\"time\":\"{at}\",\"datacontenttype\":\"application/json\",\"sequence\":\"{sequence}\",\
             \"eventversion\":{},\"data\":{{\"payload\":{payload},\"metadata\":{metadata}}},\"leaf\":\"{leaf}\"}}\n",
            quoted(&format!("{TYPE}{event_type}")),
            quoted(event_version)
        ),
        Encoding::Csv => {
            let cells = [
                &position.to_string(),
                &stream.to_string(),
                &sequence.to_string(),
                event_type,
                event_version,
                &at,
                payload,
                metadata,
                leaf.as_str(),
            ];
            cells.map(cell).join(",") + "\r\n"
        }
    })
}

/// A cell as RFC 4180 has it.
pub(super) fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// An event as it was read from a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its position.
    pub position: u64,
    /// Its leaf, as the line says.
    pub leaf: String,
    /// Its leaf, as it follows from everything else in the line.
    pub made: Hash,
}

impl Line {
    /// Reads a line of JSON, without its end.
    pub fn of_json(text: &str, encoding: Encoding) -> Option<Self> {
        let mut rest = Rest(text);
        let (position, stream, sequence, event_type, version, at, payload, metadata): (
            u64,
            String,
            u64,
            String,
            String,
            String,
            &str,
            &str,
        );
        if encoding == Encoding::Jsonl {
            position = rest.after("{\"position\":")?;
            stream = rest.after(",\"stream\":")?;
            sequence = rest.after(",\"sequence\":")?;
            event_type = rest.after(",\"event_type\":")?;
            version = rest.after(",\"event_version\":")?;
            at = rest.after(",\"recorded_at\":")?;
            payload = rest.raw_after(",\"payload\":")?;
            metadata = rest.raw_after(",\"metadata\":")?;
        } else {
            position = rest.after::<String>("{\"specversion\":\"1.0\",\"id\":")?.parse().ok()?;
            event_type = rest
                .after::<String>(",\"source\":\"/orderwire/log\",\"type\":")?
                .strip_prefix(TYPE)?
                .to_owned();
            stream = rest.after(",\"subject\":")?;
            at = rest.after(",\"time\":")?;
            let sequence_text: String =
                rest.after(",\"datacontenttype\":\"application/json\",\"sequence\":")?;
            sequence = sequence_text.parse().ok()?;
            version = rest.after(",\"eventversion\":")?;
            payload = rest.raw_after(",\"data\":{\"payload\":")?;
            metadata = rest.raw_after(",\"metadata\":")?;
            rest.0 = rest.0.strip_prefix('}')?;
        }
        let leaf: String = rest.after(",\"leaf\":")?;
        (rest.0 == "}").then_some(())?;
        let made = made([&stream, &event_type, &version, &at, payload, metadata], position, sequence)?;
        Some(Self { position, leaf, made })
    }

    /// Reads the cells of a CSV record.
    pub fn of_cells(record: &csv::StringRecord) -> Option<Self> {
        let [position, stream, sequence, event_type, version, at, payload, metadata, leaf] =
            record.iter().collect::<Vec<_>>().try_into().ok()?;
        let position = position.parse().ok()?;
        let made =
            made([stream, event_type, version, at, payload, metadata], position, sequence.parse().ok()?)?;
        Some(Self { position, leaf: leaf.to_owned(), made })
    }
}

/// The leaf of what a line says.
fn made(
    [stream, event_type, event_version, at, payload, metadata]: [&str; 6],
    position: u64,
    sequence: u64,
) -> Option<Hash> {
    let recorded_at_us = at.parse::<DateTime<Utc>>().ok()?.timestamp_micros();
    let stream: StreamId = stream.parse().ok()?;
    let entry = LeafEntry {
        log_id: 0,
        position,
        stream,
        sequence,
        event_type,
        event_version,
        recorded_at_us,
        payload,
        metadata,
    };
    Some(entry.hash())
}

/// What is left of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// The value behind what has to stand here.
    fn after<T: DeserializeOwned>(&mut self, here: &str) -> Option<T> {
        let text = self.0.strip_prefix(here)?;
        let mut values = Deserializer::from_str(text).into_iter::<T>();
        let value = values.next()?.ok()?;
        self.0 = &text[values.byte_offset()..];
        Some(value)
    }

    /// The text of that value, byte by byte.
    fn raw_after(&mut self, here: &str) -> Option<&'a str> {
        let text = self.0.strip_prefix(here)?;
        self.after::<IgnoredAny>(here)?;
        Some(&text[..text.len() - self.0.len()])
    }
}
