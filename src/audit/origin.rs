//! Who, when, why and by which rules, as an event's metadata has it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::{Error, log::StoredEvent};

/// The metadata of an event, as far as checking needs it. What is sealed is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// An opaque id of whoever wanted it.
    pub actor: String,
    /// What was asked, such as `order.submit`.
    pub command: String,
    /// The commit: all its events came about together.
    pub commit: String,
    /// The rules by which it was decided.
    pub rules: String,
    /// When it was decided; for a timer, when that was due.
    pub decided_at: Option<DateTime<Utc>>,
    /// What caused it: a position of the log, `timer:…`, or an id of the caller.
    pub causation: Option<String>,
    /// What ties it to what else belongs to it.
    pub correlation: Option<String>,
}

impl Origin {
    /// Of an event.
    pub fn of(event: &StoredEvent) -> Result<Self, Error> {
        serde_json::from_str(&event.metadata).map_err(|error| Error::Corrupt {
            stream: event.stream.to_string(),
            detail: format!("the metadata of event {} cannot be read: {error}", event.sequence),
        })
    }

    /// The position that caused it, where it was one.
    pub fn cause(&self) -> Option<u64> {
        self.causation.as_deref()?.parse().ok()
    }

    /// The timer that caused it, where it was one.
    pub fn timer(&self) -> Option<&str> {
        self.causation.as_deref()?.strip_prefix("timer:")
    }
}
