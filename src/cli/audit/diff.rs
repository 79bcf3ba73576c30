//! `orderwire diff`: field by field what became otherwise, with who changed it.

use clap::Args;
use serde_json::Value;

use super::{moment, named, short};
use crate::{
    audit::diff::{Change, diff},
    cli::{
        Failure, Output,
        output::{Column, time},
        session::Session,
    },
    edge::history::Sight,
};

/// Longest value in a table; JSON shows all of it.
const VALUE_MAX: usize = 60;

/// What to compare.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An id (ord_…, com_…, prt_…, blk_…, rsl_… or whk_…), or a reseller's reference of an order
    #[arg(value_name = "ID")]
    of: String,
    /// The earlier moment: a position of the log, or a time
    #[arg(value_name = "A")]
    from: String,
    /// The later moment
    #[arg(value_name = "B")]
    to: String,
}

const CHANGE: &[Column<Change>] = &[
    ("field", |it| it.path.clone()),
    ("was", |it| value(it.old.as_ref())),
    ("is", |it| value(it.new.as_ref())),
    ("position", |it| it.by.position.to_string()),
    ("when", |it| time(it.by.recorded_at)),
    ("who", |it| it.by.actor.clone()),
    ("event", |it| it.by.event.clone()),
];

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| short(value, VALUE_MAX))
}

/// Prints what became otherwise.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let stream = named(session, &arguments.of).await?;
    let moments = (moment("A", &arguments.from)?, moment("B", &arguments.to)?);
    let found = diff(&session.engine, stream, moments, Sight::Opened).await?;
    let from = found.from.as_ref().map_or_else(|| "its beginning".to_owned(), |at| at.position.to_string());
    let between = format!("{} from {from} to {}", found.id, found.to.position);
    output.list_of(&[&found], &found.changes, CHANGE)?;
    output.remark(&format!("{between}: {} fields differ", found.changes.len()))?;
    Ok(())
}
