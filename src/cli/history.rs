//! `orderwire history`: everything that happened to one thing, with who wanted it, why, and by which rules.
//!
//! Personal data is opened for whoever may see the thing, and reads `erased` once its key was destroyed.

use clap::Args;
use orderwire_domain::{ids::StreamId, sealed::Sealed};
use serde::Serialize;
use serde_json::Value;

use super::{
    Failure, Output,
    output::{Column, time},
    session::Session,
};
use crate::engine::{self, log::StoredEvent, readers::PAGE_EVENTS_MAX};

/// What personal data reads once nobody can open it.
const ERASED: &str = "erased";
/// Longest detail in a table; JSON shows all of it.
const DETAIL_MAX: usize = 100;

/// Whose history.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An id (ord_…, com_…, prt_…, blk_… or rsl_…), or a reseller's reference of an order
    #[arg(value_name = "ID")]
    of: String,
}

/// One event as it is shown.
#[derive(Serialize)]
struct Step {
    position: u64,
    sequence: u64,
    recorded_at: chrono::DateTime<chrono::Utc>,
    actor: String,
    reseller: Option<String>,
    command: String,
    event: String,
    reason: Option<String>,
    rules: String,
    causation: Option<String>,
    correlation: Option<String>,
    decided_at: Option<String>,
    engine: String,
    detail: Value,
}

const STEP: &[Column<Step>] = &[
    ("position", |it| it.position.to_string()),
    ("when", |it| time(it.recorded_at)),
    ("who", |it| it.actor.clone()),
    ("command", |it| it.command.clone()),
    ("what happened", |it| it.event.clone()),
    ("rules", |it| it.rules.chars().take(12).collect()),
    ("why", |it| it.reason.clone().unwrap_or_default()),
    ("detail", |it| summary(&it.detail)),
];

/// Prints the history.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let stream = match arguments.of.parse::<StreamId>() {
        Ok(stream) => stream,
        Err(_) => session.order(&arguments.of).await?.order.stream(),
    };
    session.owners(stream).await?;
    let (mut after, mut steps) = (0, Vec::new());
    loop {
        let page = session.engine.stream(stream, after, PAGE_EVENTS_MAX).await?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        for event in &page {
            steps.push(step(session, event).await?);
        }
    }
    Ok(output.list(&steps, STEP)?)
}

async fn step(session: &Session, event: &StoredEvent) -> Result<Step, Failure> {
    let read = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| {
            let detail = format!("event {} cannot be read: {error}", event.sequence);
            Failure::Engine(engine::Error::Corrupt { stream: event.stream.to_string(), detail })
        })
    };
    let metadata = read(&event.metadata)?;
    let field = |name: &str| metadata.get(name).and_then(Value::as_str).map(str::to_owned);
    let reason = match field("reason") {
        Some(sealed) => Some(opened(session, read(&sealed)?).await?),
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
        detail: opened(session, detail).await?,
    })
}

/// The value with every sealed text in it opened.
pub async fn opened(session: &Session, mut value: Value) -> Result<Value, Failure> {
    let mut hidden = Vec::new();
    find(&mut value, &mut hidden);
    for (place, sealed) in hidden {
        let text = session.engine.open_sealed(&sealed).await?;
        *place = Value::String(text.unwrap_or_else(|| ERASED.to_owned()));
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

/// The fields of an event on one line.
fn summary(detail: &Value) -> String {
    let text = match detail {
        Value::Object(fields) => {
            let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| format!("{name}={}", shown(value))).collect::<Vec<_>>().join(" ")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    };
    if text.chars().count() <= DETAIL_MAX {
        return text;
    }
    text.chars().take(DETAIL_MAX).chain(['…']).collect()
}
