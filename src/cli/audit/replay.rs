//! `orderwire replay`: something as it was at a moment; or, with other rules, what would have been decided.

use std::{io::Write as _, path::PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use super::{moment, named, rules, short};
use crate::{
    audit::{
        Moment,
        as_of::{AsOf, as_of},
    },
    cli::{
        Failure, Output,
        output::{Column, Format, time},
        session::Session,
    },
    edge::history::Sight,
};

/// Longest value in a table; JSON shows all of it.
const VALUE_MAX: usize = 100;

/// What to replay.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["of", "rules"]))]
pub struct Arguments {
    /// An id (ord_…, com_…, prt_…, blk_…, rsl_… or whk_…), or a reseller's reference of an order
    #[arg(value_name = "ID")]
    of: Option<String>,
    /// As it was after this position of the log, or at this time; as it is now where none is named
    #[arg(long, value_name = "POSITION|TIME", requires = "of")]
    as_of: Option<String>,
    /// Read history again under these rules: a whole document as `rules show` prints it, or the part of one that differs
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// With --rules: only what happened after this moment
    #[arg(long, value_name = "POSITION|TIME", requires = "rules")]
    from: Option<String>,
    /// With --rules: only what happened up to this moment
    #[arg(long, value_name = "POSITION|TIME", requires = "rules")]
    to: Option<String>,
}

const HEAD: &[Column<AsOf>] = &[
    ("id", |it| it.id.clone()),
    ("kind", |it| it.kind.replace('_', " ")),
    ("status", |it| it.status.to_owned()),
    ("position", |it| it.place.position.to_string()),
    ("recorded at", |it| time(it.place.recorded_at)),
    ("events", |it| it.place.sequence.to_string()),
];

/// Prints what was.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    if let Some(file) = &arguments.rules {
        let range = (arguments.from.as_deref(), arguments.to.as_deref());
        return rules::run(session, file, range, output).await;
    }
    let stream = named(session, arguments.of.as_deref().unwrap_or_default()).await?;
    let moment = match &arguments.as_of {
        Some(text) => moment("--as-of", text)?,
        None => Moment::Position(session.engine.head().await?.position),
    };
    let found = as_of(&session.engine, stream, moment, Sight::Opened).await?;
    output.one(&found, HEAD)?;
    if output.format() != Format::Table {
        return Ok(());
    }
    let Value::Object(document) = &found.document else { return Ok(()) };
    let (tables, single): (Map<_, _>, Map<_, _>) = document
        .clone()
        .into_iter()
        .filter(|(name, _)| name != "status")
        .partition(|(name, value)| is_table(name, value));
    if !single.is_empty() {
        let rows: Vec<(String, Value)> = single.into_iter().collect();
        output.below(&rows, &[("field", |it| it.0.clone()), ("value", |it| short(&it.1, VALUE_MAX))])?;
    }
    for (name, rows) in tables {
        let Value::Object(rows) = rows else { continue };
        writeln!(output.writer(), "\n{name}")?;
        for (key, row) in rows {
            let row = match &row {
                Value::Object(row) => super::fields(row).join(" "),
                other => other.to_string(),
            };
            writeln!(output.writer(), "  {key}  {}", short(&Value::String(row), 2 * VALUE_MAX))?;
        }
    }
    Ok(())
}

/// What stands under a number or an id of its own.
fn is_table(name: &str, value: &Value) -> bool {
    value.is_object() && ["lines", "reservations", "orders", "numbers", "assets"].contains(&name)
}
