//! `orderwire history`: a timeline of one thing. What came about together stands together, below who wanted it, why, what caused
//! it, and by which rules.
//!
//! Personal data is opened for whoever may see the thing, and reads `erased` once its key was destroyed.

use std::io::{self, Write as _};

use clap::Args;
use serde_json::Value;

use super::{fields, named, short};
use crate::{
    audit::timeline::{self, Entry, Ruling},
    cli::{
        Failure, Output,
        output::{Format, time},
        session::Session,
    },
    edge::history::Sight,
    engine::readers::PAGE_EVENTS_MAX,
};

/// Longest detail in a timeline; JSON shows all of it.
const DETAIL_MAX: usize = 160;

/// Whose history.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An id (ord_…, com_…, prt_…, blk_…, rsl_… or whk_…), or a reseller's reference of an order
    #[arg(value_name = "ID")]
    of: String,
}

impl Arguments {
    /// What is asked, on one line.
    pub fn asked(&self) -> String {
        format!("history {}", self.of)
    }
}

/// Prints the history.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let stream = named(session, &arguments.of).await?;
    let (mut after, mut entries) = (0, Vec::new());
    loop {
        let asked = (stream, after, PAGE_EVENTS_MAX);
        let page = timeline::page(&session.engine, asked, Sight::Opened).await?;
        let Some(last) = page.last() else { break };
        after = last.step.sequence;
        // That somebody looks into a company is no reseller's to know.
        let hidden = |entry: &Entry| entry.step.event.starts_with("LegalHold");
        let for_reseller = session.provenance.reseller.is_some();
        entries.extend(page.into_iter().filter(|entry| !(for_reseller && hidden(entry))));
    }
    if output.format() != Format::Table {
        return Ok(output.list(&entries, &[])?);
    }
    let (_, state) = session.engine.state(stream).await?;
    let events = if entries.len() == 1 { "1 event".to_owned() } else { format!("{} events", entries.len()) };
    let kind = stream.kind.word().replace('_', " ");
    writeln!(output.writer(), "{kind} {stream}, {}, {events}", state.status())?;
    for commit in entries.chunk_by(|a, b| a.commit == b.commit) {
        show(output, &stream.to_string(), commit)?;
    }
    Ok(())
}

/// What came about together.
fn show(output: &mut Output<'_>, own: &str, commit: &[Entry]) -> io::Result<()> {
    let Some(Entry { step, caused_by, .. }) = commit.first() else { return Ok(()) };
    let out = output.writer();
    writeln!(out, "\n{}  {} by {}, rules {}", time(step.recorded_at), step.command, step.actor, step.rules)?;
    match (caused_by, &step.causation) {
        (Some(cause), _) => {
            let whose = if cause.stream == own { String::new() } else { format!(" of {}", cause.stream) };
            writeln!(out, "    caused by {} {}{whose}, by {}", cause.position, cause.event, cause.actor)?;
        }
        (None, Some(causation)) => writeln!(out, "    caused by {causation}")?,
        (None, None) => {}
    }
    if let Some(reason) = &step.reason {
        writeln!(out, "    because: {reason}")?;
    }
    if let Some(correlation) = &step.correlation {
        writeln!(out, "    correlation {correlation}")?;
    }
    let late =
        step.decided_at.as_ref().filter(|at| at.get(..19) != Some(&time(step.recorded_at).replace(' ', "T")));
    if let Some(decided_at) = late {
        writeln!(out, "    decided as of {decided_at}")?;
    }
    let mut said: Vec<&Ruling> = Vec::new();
    for Entry { step, decided_by, .. } in commit {
        let detail = match &step.detail {
            Value::Object(detail) => fields(detail).join(" "),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let line = format!(
            "  {:>7}  {:<22}  {}",
            step.position,
            step.event,
            short(&Value::String(detail), DETAIL_MAX)
        );
        writeln!(out, "{}", line.trim_end())?;
        // What was decided once for all of them is said once.
        for ruling in decided_by.iter().filter(|ruling| !said.contains(ruling)) {
            let Ruling { rule, inputs, result } = ruling;
            writeln!(out, "           {rule}: {} → {}", fields(inputs).join(" "), fields(result).join(" "))?;
        }
        said.extend(decided_by);
    }
    Ok(())
}
