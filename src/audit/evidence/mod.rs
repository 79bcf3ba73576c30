//! Evidence packs: one file with the history of a thing and of what belongs to it, which proves itself to who has nothing
//! else but the key of the log.
//!
//! A line each, as JSON: what it is about; a signed checkpoint; the lifecycle tables in force; every event as it is stored, with its
//! proof that it is in the log of the checkpoint; and at last a note by the same key over all lines before. What is sealed
//! stays sealed. [`Pack`] writes one line after the other, [`verify()`] reads them with neither store nor engine. Deliberately
//! absent: that nothing happened since, which only a later pack can say.

mod write;
mod read;

use orderwire_domain::{
    company::Company, decider::Decider, ids::AggregateKind, number_block::NumberBlock, order::Order,
    port_request::PortRequest, reseller::Reseller, webhook::Webhook,
};
use serde::{Deserialize, Serialize};

pub use self::{
    read::{PackError, Verified, verify},
    write::Pack,
};

/// The layout of a pack, and the first line of the note that seals it.
pub const LAYOUT: &str = "orderwire-evidence-1";

/// A line of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// The first: what the pack is about.
    Pack {
        /// [`LAYOUT`].
        layout: String,
        /// Whose history it is.
        subject: String,
        /// The streams in it, the subject first.
        streams: Vec<String>,
    },
    /// A checkpoint of the log, signed.
    Checkpoint {
        /// The note.
        note: String,
    },
    /// The lifecycle table of an aggregate.
    Lifecycle {
        /// Of which kind.
        aggregate: String,
        /// Each row: from, action, event, to.
        steps: Vec<[String; 4]>,
    },
    /// An event as it is stored.
    Event(Proved),
    /// The last: a note that counts and hashes every line before it.
    Seal {
        /// The note.
        note: String,
    },
}

/// An event with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proved {
    position: u64,
    stream: String,
    sequence: u64,
    event_type: String,
    event_version: String,
    recorded_at_us: i64,
    /// Texts, byte for byte as stored.
    payload: String,
    metadata: String,
    leaf: String,
    /// The hashes beside the way from the leaf to the root of the checkpoint, from below.
    proof: Vec<String>,
}

/// The text of the note that seals a pack.
fn seal_text(origin: &str, subject: &str, lines: u64, sum: &str) -> String {
    format!("{LAYOUT}\n{origin}\n{subject}\n{lines}\n{sum}\n")
}

/// The rows of the lifecycle of a kind.
fn steps(kind: AggregateKind) -> Vec<[String; 4]> {
    fn of<D: Decider>() -> Vec<[String; 4]> {
        let row = |step: &orderwire_domain::lifecycle::Step<D::Status, D::Action, D::EventKind>| {
            let (from, action, event, to): (&str, &str, &str, &str) =
                (step.from.into(), step.action.into(), step.event.into(), step.to.into());
            [from, action, event, to].map(str::to_owned)
        };
        D::LIFECYCLE.0.iter().map(row).collect()
    }
    match kind {
        AggregateKind::Order => of::<Order>(),
        AggregateKind::Company => of::<Company>(),
        AggregateKind::PortRequest => of::<PortRequest>(),
        AggregateKind::NumberBlock => of::<NumberBlock>(),
        AggregateKind::Reseller => of::<Reseller>(),
        AggregateKind::Webhook => of::<Webhook>(),
    }
}
