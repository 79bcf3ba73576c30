//! `orderwire why-not`: what speaks against something now, since when, and what would unlock it.

use std::io::Write as _;

use clap::Args;

use super::named;
use crate::{
    audit::why_not::{WhyNot, why_not},
    cli::{
        Failure, Output,
        output::{Column, Format, time},
        session::Session,
    },
    edge::standing::Unlock,
};

/// What is asked, and of what.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An id (ord_…, com_…, prt_…, blk_…, rsl_… or whk_…), or a reseller's reference of an order
    #[arg(value_name = "ID")]
    of: String,
    /// What would be asked, such as submit; a wrong name is answered with those there are
    #[arg(value_name = "COMMAND")]
    command: String,
}

const ANSWER: &[Column<WhyNot>] = &[
    ("id", |it| it.id.clone()),
    ("status", |it| it.status.to_owned()),
    ("since", |it| {
        let since = &it.since;
        format!(
            "{}, position {}: {} by {}",
            time(since.recorded_at),
            since.position,
            since.event,
            since.actor
        )
    }),
    ("command", |it| it.command.to_owned()),
    ("answer", |it| if it.allowed { "nothing speaks against it" } else { "it would be refused" }.to_owned()),
    ("possible in", |it| it.from.join(", ")),
];

/// Prints the answer.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let stream = named(session, &arguments.of).await?;
    let found = why_not(&session.engine, &session.provenance, stream, &arguments.command).await?;
    output.one(&found, ANSWER)?;
    if output.format() != Format::Table || found.allowed {
        return Ok(());
    }
    writeln!(output.writer(), "\nbecause")?;
    for problem in &found.rules {
        writeln!(output.writer(), "  {problem}")?;
    }
    match &found.unlock {
        None => writeln!(output.writer(), "\nnothing unlocks it: it can never be asked again")?,
        Some(way) if way.is_empty() => {}
        Some(way) => {
            writeln!(output.writer(), "\nwhat would unlock it, in this order")?;
            for Unlock { of, action, event, to, .. } in way {
                writeln!(output.writer(), "  {action} of the {of}, which leads to {to} ({event})")?;
            }
        }
    }
    Ok(())
}
