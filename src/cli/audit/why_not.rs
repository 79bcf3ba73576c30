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

impl Arguments {
    /// What is asked, on one line.
    pub fn asked(&self) -> String {
        format!("why-not {} {}", self.of, self.command)
    }
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
    ("answer", |it| answer(it).to_owned()),
    ("possible in", |it| it.from.join(", ")),
];

fn answer(found: &WhyNot) -> &'static str {
    match found {
        WhyNot { ignored: true, .. } => "it would be recorded and ignored: it means nothing where this is",
        WhyNot { allowed: true, .. } => "nothing speaks against it",
        WhyNot { allowed: false, .. } => "it would be refused",
    }
}

/// Prints the answer.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let stream = named(session, &arguments.of).await?;
    let found = why_not(&session.engine, &session.provenance, stream, &arguments.command).await?;
    output.one(&found, ANSWER)?;
    if output.format() != Format::Table || (found.allowed && !found.ignored) {
        return Ok(());
    }
    if !found.rules.is_empty() {
        writeln!(output.writer(), "\nbecause")?;
    }
    for problem in &found.rules {
        writeln!(output.writer(), "  {problem}")?;
    }
    match &found.unlock {
        None if found.ignored => writeln!(output.writer(), "\nit will never mean anything again")?,
        None => writeln!(output.writer(), "\nnothing unlocks it: it can never be asked again")?,
        Some(way) if way.is_empty() => {}
        Some(way) => {
            let would = if found.ignored { "have it mean something" } else { "unlock it" };
            writeln!(output.writer(), "\nwhat would {would}, in this order")?;
            for Unlock { of, action, event, to, .. } in way {
                writeln!(output.writer(), "  {action} of the {of}, which leads to {to} ({event})")?;
            }
        }
    }
    Ok(())
}
