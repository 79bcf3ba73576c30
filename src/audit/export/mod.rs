//! The log, or a part of it, as files that other programs read: JSON lines, CSV, CloudEvents.
//!
//! An event is written as it is stored, so what is sealed stays sealed, and its leaf can be made again from what was written. The log
//! is read page by page; kept are a page, and of a filter by order, company or reseller the ids that belong to it. Deliberately
//! absent: HTTP, which streams the same lines, and any database that could read them.

mod filter;
mod line;
mod manifest;
mod folder;
mod check;

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

pub use self::{
    check::{Checked, Fault, check},
    filter::{Filter, Source},
    folder::{Folder, FolderError, PART_EVENTS, begin, resume},
    line::{CSV_HEADING, Line, csv_heading, written},
    manifest::{End, MANIFEST, Manifest, Part},
};
use super::{
    note::SignerKey,
    proofs::{self, LeavesRead},
};
use crate::engine::{Engine, Error, leaf::hex};

/// How events are written.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Encoding {
    /// A JSON document per line.
    Jsonl,
    /// A record per event, below a heading (RFC 4180).
    Csv,
    /// A CloudEvents document per line.
    CloudEvents,
}

impl Encoding {
    /// How the name of a file ends.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl | Self::CloudEvents => "jsonl",
        }
    }
}

/// The log that an export is of.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stand {
    /// How many events it had.
    pub size: u64,
    /// The root of the tree over them, in hex.
    pub root: String,
    /// The same as a signed checkpoint; null where the log signs none.
    pub checkpoint: Option<String>,
}

/// Where the log is now, signed if it signs.
pub async fn stand(engine: &Engine, signer: Option<&SignerKey>, read: &LeavesRead) -> Result<Stand, Error> {
    if let Some(signer) = signer {
        let note = proofs::checkpoint(engine, signer, read).await?;
        let said = note.checkpoint();
        return Ok(Stand { size: said.size, root: hex(&said.root), checkpoint: Some(note.to_string()) });
    }
    let head = engine.head().await?;
    Ok(Stand { size: head.position, root: hex(&head.frontier.root()), checkpoint: None })
}
