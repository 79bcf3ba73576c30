//! What happened to one thing, event by event, with who wanted it, why, and by which rules.
//!
//! Personal data is opened, and reads `erased` once its key was destroyed, or `sealed` to whoever is not to see it.
//! Deliberately absent: who may see it.

use chrono::{DateTime, Utc};
use orderwire_domain::sealed::Sealed;
use serde::Serialize;
use serde_json::Value;

use crate::engine::{self, Engine, Error, log::StoredEvent};

/// What personal data reads once nobody can open it.
const ERASED: &str = "erased";
/// What personal data reads for whoever is not to see it.
const SEALED: &str = "sealed";

/// One event as it is shown.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields of an event's metadata, which docs/events.md tells")]
pub struct Step {
    pub position: u64,
    pub sequence: u64,
    pub recorded_at: DateTime<Utc>,
    pub actor: String,
    pub reseller: Option<String>,
    pub command: String,
    pub event: String,
    pub reason: Option<String>,
    pub rules: String,
    pub causation: Option<String>,
    pub correlation: Option<String>,
    pub decided_at: Option<String>,
    pub engine: String,
    pub detail: Value,
}

/// What somebody is shown of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// What was sealed, as long as its key is there.
    Opened,
    /// That there is something.
    Sealed,
}

/// An event as it is shown to whoever may see personal data.
pub async fn step(engine: &Engine, event: &StoredEvent) -> Result<Step, Error> {
    step_in(engine, event, Sight::Opened).await
}

/// An event as it is shown.
pub async fn step_in(engine: &Engine, event: &StoredEvent, sight: Sight) -> Result<Step, Error> {
    let read = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| {
            let detail = format!("event {} cannot be read: {error}", event.sequence);
            Error::Corrupt { stream: event.stream.to_string(), detail }
        })
    };
    let metadata = read(&event.metadata)?;
    let field = |name: &str| metadata.get(name).and_then(Value::as_str).map(str::to_owned);
    let reason = match field("reason") {
        Some(sealed) => Some(seen(engine, read(&sealed)?, sight).await?),
        None => None,
    };
    // An event is stored under its name; the name has a field of its own here.
    let detail = match read(&event.payload)? {
        Value::Object(named) if named.len() == 1 => {
            named.into_iter().next().map_or(Value::Null, |(_, detail)| detail)
        }
        _ => Value::Null,
    };
    Ok(Step {
        position: event.position,
        sequence: event.sequence,
        recorded_at: engine::clock::time(event.recorded_at_us),
        actor: field("actor").unwrap_or_default(),
        reseller: field("reseller"),
        command: field("command").unwrap_or_default(),
        event: event.event_type.clone(),
        reason: reason.as_ref().and_then(Value::as_str).map(str::to_owned),
        rules: field("rules").unwrap_or_default(),
        causation: field("causation"),
        correlation: field("correlation"),
        decided_at: field("decided_at"),
        engine: field("engine").unwrap_or_default(),
        detail: seen(engine, detail, sight).await?,
    })
}

/// The value with every sealed text in it opened.
pub async fn opened(engine: &Engine, value: Value) -> Result<Value, Error> {
    seen(engine, value, Sight::Opened).await
}

/// The value with every sealed text in it as it is shown.
pub async fn seen(engine: &Engine, mut value: Value, sight: Sight) -> Result<Value, Error> {
    let mut hidden = Vec::new();
    find(&mut value, &mut hidden);
    for (place, sealed) in hidden {
        let text = match sight {
            Sight::Opened => engine.open_sealed(&sealed).await?.unwrap_or_else(|| ERASED.to_owned()),
            Sight::Sealed => SEALED.to_owned(),
        };
        *place = Value::String(text);
    }
    Ok(value)
}

/// Every place where a sealed text stands.
fn find<'a>(value: &'a mut Value, hidden: &mut Vec<(&'a mut Value, Sealed)>) {
    let sealed = match &*value {
        Value::Object(fields) if fields.contains_key("ciphertext") => {
            serde_json::from_value(value.clone()).ok()
        }
        _ => None,
    };
    match (sealed, value) {
        (Some(sealed), value) => hidden.push((value, sealed)),
        (None, Value::Array(items)) => items.iter_mut().for_each(|item| find(item, hidden)),
        (None, Value::Object(fields)) => fields.values_mut().for_each(|field| find(field, hidden)),
        (None, _) => {}
    }
}
