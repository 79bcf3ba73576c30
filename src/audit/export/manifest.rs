//! What an export is of, and what it is made of.

use serde::{Deserialize, Serialize};

use super::{Encoding, Filter, Stand};

/// The name of the file.
pub const MANIFEST: &str = "manifest.json";
/// Names the layout of an export; another one has another name.
const LAYOUT: &str = "orderwire-export-1";

/// An export, as far as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Names the layout.
    pub layout: String,
    /// How events are written.
    pub encoding: Encoding,
    /// Which events were wanted.
    pub filter: Filter,
    /// The log that it is of.
    pub log: Stand,
    /// The last position that can be wanted.
    pub to: u64,
    /// Events of a part at most.
    pub part_events: u64,
    /// Up to which position everything that is wanted is in the parts.
    pub through: u64,
    /// Whether that is all of it.
    pub complete: bool,
    /// Events of all parts.
    pub events: u64,
    /// The parts, in order.
    pub parts: Vec<Part>,
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name.
    pub file: String,
    /// How many events it has.
    pub events: u64,
    /// The position of the first.
    pub first: u64,
    /// The position of the last.
    pub last: u64,
    /// How long it is.
    pub bytes: u64,
    /// SHA-256 of it, in hex.
    pub sha256: String,
}

/// What stands at the end of an export that is streamed: whatever lacks it was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How many events stand before it.
    pub events: u64,
    /// Up to which position everything that is wanted is there.
    pub through: u64,
    /// SHA-256 of everything before this line, in hex.
    pub sha256: String,
    /// The log that it is of.
    pub log: Stand,
}

impl Manifest {
    /// Of an export that begins.
    pub fn begun(encoding: Encoding, filter: Filter, log: Stand, to: u64, part_events: u64) -> Self {
        let through = filter.after;
        let layout = LAYOUT.to_owned();
        let (complete, events, parts) = (through >= to, 0, Vec::new());
        Self { layout, encoding, filter, log, to, part_events, through, complete, events, parts }
    }

    /// Reads it again.
    pub fn read(text: &str) -> Result<Self, String> {
        let manifest: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if manifest.layout != LAYOUT {
            return Err(format!("its layout is `{}`, not `{LAYOUT}`", manifest.layout));
        }
        Ok(manifest)
    }

    /// As it is written.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a manifest has string keys only") + "\n"
    }

    /// The name of a part, counted from 1.
    pub fn part_name(&self, number: usize) -> String {
        format!("part-{number:06}.{}", self.encoding.ending())
    }
}
