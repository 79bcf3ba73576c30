//! `orderwire history`: everything that happened to one thing, with who wanted it, why, and by which rules.
//!
//! Personal data is opened for whoever may see the thing, and reads `erased` once its key was destroyed.

use clap::Args;
use orderwire_domain::ids::StreamId;
use serde_json::Value;

use super::{
    Failure, Output,
    output::{Column, time},
    session::Session,
};
use crate::{
    edge::history::{Step, step},
    engine::readers::PAGE_EVENTS_MAX,
};

/// Longest detail in a table; JSON shows all of it.
const DETAIL_MAX: usize = 100;

/// Whose history.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An id (ord_…, com_…, prt_…, blk_… or rsl_…), or a reseller's reference of an order
    #[arg(value_name = "ID")]
    of: String,
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
            steps.push(step(&session.engine, event).await?);
        }
    }
    Ok(output.list(&steps, STEP)?)
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
