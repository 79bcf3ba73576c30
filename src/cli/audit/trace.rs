//! `orderwire trace`: everything that one request led to, as a tree.

use std::io::{self, Write as _};

use clap::Args;

use super::named;
use crate::{
    audit::trace::{Happened, Node, Start, trace},
    cli::{
        Failure, Output,
        output::{Format, time},
        session::Session,
    },
};

/// Events of one commit that the tree names; JSON has them all.
const NAMED_MAX: usize = 6;

/// Where the trace begins.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A correlation, a position of the log, an id, or a reseller's reference of an order
    #[arg(value_name = "CORRELATION|POSITION|ID")]
    from: String,
}

/// Prints the tree.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("tracing through the log")?;
    let start = match Start::named(&arguments.from) {
        // What is no correlation of the log may be the reference of an order.
        Start::Correlation(text) => match named(session, &text).await {
            Ok(stream) => Start::Stream(stream),
            Err(Failure::Refused { .. }) => Start::Correlation(text),
            Err(failure) => return Err(failure),
        },
        start => start,
    };
    let found = trace(&session.engine, start).await?;
    if output.format() != Format::Table {
        return Ok(output.one(&found, &[])?);
    }
    for root in &found.roots {
        show(output, root, "", "")?;
    }
    let commits: usize = found.roots.iter().map(count).sum();
    let tied = found.correlation.as_ref().map(|it| format!(", correlation {it}")).unwrap_or_default();
    output.remark(&format!("{} events in {commits} commits{tied}", found.events))?;
    if found.cut_short {
        output.remark("there is more: what is shown ends at the most events that a trace has")?;
    }
    Ok(())
}

fn count(node: &Node) -> usize {
    1 + node.caused.iter().map(count).sum::<usize>()
}

/// A commit, and below it what it caused. `stem` stands before its line, `below` before all that hangs on it.
fn show(output: &mut Output<'_>, node: &Node, stem: &str, below: &str) -> io::Result<()> {
    let Node { recorded_at, actor, command, causation, happened, caused, .. } = node;
    let first = happened.first().map_or(0, |it| it.position);
    let timer = causation.as_deref().and_then(|it| it.strip_prefix("timer:"));
    let timer =
        timer.and_then(|it| it.split(':').nth(1)).map(|it| format!(", due: {it}")).unwrap_or_default();
    writeln!(output.writer(), "{stem}{first}  {}  {command} by {actor}{timer}", time(*recorded_at))?;
    let hangs = if caused.is_empty() { "   " } else { "│  " };
    for line in events(happened) {
        writeln!(output.writer(), "{below}{hangs}  {line}")?;
    }
    for (index, child) in caused.iter().enumerate() {
        let last = index + 1 == caused.len();
        let (branch, on) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        show(output, child, &format!("{below}{branch}"), &format!("{below}{on}"))?;
    }
    Ok(())
}

/// What happened to each thing, a line each.
fn events(happened: &[Happened]) -> Vec<String> {
    let mut lines = Vec::new();
    for part in happened.chunk_by(|a, b| a.stream == b.stream) {
        let mut names: Vec<&str> = part.iter().take(NAMED_MAX).map(|it| it.event.as_str()).collect();
        let more = part.len().saturating_sub(NAMED_MAX).to_string();
        let rest = format!("and {more} more");
        if more != "0" {
            names.push(&rest);
        }
        let stream = part.first().map(|it| it.stream.as_str()).unwrap_or_default();
        lines.push(format!("{stream}  {}", names.join(", ")));
    }
    lines
}
