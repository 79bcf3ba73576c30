//! Who wanted something, why, and by which rules it was decided: what every event carries beside its payload.
//!
//! Stored as a flat map of strings with sorted keys, so that any reader of the table can use it and its bytes are the
//! same however it was made.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use orderwire_domain::{ids::ResellerId, rules::RulesVersion, sealed::Sealed};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};
use uuid::Uuid;

/// The engine's version, as provenance records it.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// An opaque id of whoever wants something; never a name. At most [`ACTOR_MAX`] printable characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(String);

/// An actor's id has at most this many characters: it stands in every event.
pub const ACTOR_MAX: usize = 80;

/// An actor id that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an actor id has 1 to {ACTOR_MAX} printable ASCII characters and no spaces")]
pub struct InvalidActor;

impl Actor {
    /// An actor from its opaque id.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidActor> {
        let id = id.into();
        let fits = !id.is_empty() && id.len() <= ACTOR_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(id)) } else { Err(InvalidActor) }
    }

    /// A part of the engine acting on its own.
    pub(crate) fn engine(part: &'static str) -> Self {
        Self(format!("engine:{part}"))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How somebody asks.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Via {
    /// On the command line.
    CommandLine,
    /// Over HTTP.
    Http,
    /// In a program that has the engine in it.
    #[default]
    Embedded,
}

/// Who wants something and why. There is no way to execute a command without an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Who.
    pub actor: Actor,
    /// For which reseller; what is another's does not exist for it. `None` is the carrier itself.
    pub reseller: Option<ResellerId>,
    /// Why, sealed.
    pub reason: Option<Sealed>,
    /// Ties together what belongs together across systems.
    pub correlation: Option<String>,
    /// What caused it: a position of the log, or a command id of the caller.
    pub causation: Option<String>,
    /// How it is asked for; no event has it.
    pub via: Via,
}

impl Provenance {
    /// The carrier's own wish.
    pub fn of(actor: Actor) -> Self {
        Self { actor, reseller: None, reason: None, correlation: None, causation: None, via: Via::default() }
    }

    /// A reseller's wish.
    pub fn of_reseller(actor: Actor, reseller: ResellerId) -> Self {
        Self { reseller: Some(reseller), ..Self::of(actor) }
    }

    /// Asked for in this way.
    #[must_use]
    pub fn asked(mut self, via: Via) -> Self {
        self.via = via;
        self
    }

    /// Caused by an event of the log.
    #[must_use]
    pub fn caused_by(mut self, position: u64) -> Self {
        self.causation = Some(position.to_string());
        self
    }

    /// With what ties it to what caused it.
    #[must_use]
    pub fn tied_to(mut self, correlation: Option<String>) -> Self {
        self.correlation = correlation;
        self
    }
}

/// What the engine adds to a provenance.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// The commit.
    pub commit: Uuid,
    /// The name of the command.
    pub command: &'a str,
    /// The rules it was decided under.
    pub rules: &'a RulesVersion,
    /// When it was decided; for a timer, when that was due.
    pub at: DateTime<Utc>,
}

/// The metadata of an event, as stored.
pub fn metadata(provenance: &Provenance, decided: Decided) -> String {
    let mut fields: BTreeMap<&str, String> = BTreeMap::from([
        ("actor", provenance.actor.0.clone()),
        ("command", decided.command.to_owned()),
        ("commit", decided.commit.simple().to_string()),
        ("decided_at", decided.at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        ("engine", ENGINE_VERSION.to_owned()),
        ("rules", decided.rules.to_string()),
    ]);
    let mut add = |key, value: Option<String>| value.map(|value| fields.insert(key, value));
    add("reseller", provenance.reseller.map(|id| id.to_string()));
    add("reason", provenance.reason.as_ref().map(json));
    add("correlation", provenance.correlation.clone());
    add("causation", provenance.causation.clone());
    json(&fields)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("strings and maps of strings are JSON")
}

/// What folds and followers need of an event's metadata.
#[derive(Debug, Default, Deserialize)]
pub struct Told {
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// What ties it to what else belongs to it.
    pub correlation: Option<String>,
}

/// The same, from the metadata; whoever appended through cqrs-es may have left it out.
pub fn told(metadata: &str) -> Told {
    serde_json::from_str(metadata).unwrap_or_default()
}
