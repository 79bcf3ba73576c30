//! The auditor's commands, one file each: what happened, how it was, what changed it, what it led to, what stands in its way,
//! how long things take, what other rules would have decided, what was refused; checkpoints and proofs.

mod history;
mod replay;
mod rules;
mod diff;
mod trace;
mod why_not;
mod stats;
mod refusals;
pub mod export;
pub mod reads;
pub mod checkpoint;
pub mod prove;
pub mod verify;
pub mod evidence;

use clap::Subcommand;
use orderwire_domain::ids::StreamId;
use serde_json::Value;

use super::{Failure, Output, session::Session};
use crate::audit::Moment;

/// What an auditor can ask.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything that happened to something: who, when, why, what, by which rules
    History(history::Arguments),
    /// Something as it was at a moment, or what other rules would have decided
    Replay(replay::Arguments),
    /// What became otherwise between two moments, and who changed it
    Diff(diff::Arguments),
    /// Everything that one request led to, as a tree
    Trace(trace::Arguments),
    /// Why something cannot be asked now, since when, and what would unlock it
    WhyNot(why_not::Arguments),
    /// Orders by state over time, and how long they stay in each
    Stats(stats::Arguments),
    /// Who wanted something that a rule refused; the newest first
    Refusals(refusals::Arguments),
}

impl Command {
    /// What is asked, for whoever looks who has read the audit.
    pub fn asked(&self) -> String {
        match self {
            Self::History(it) => it.asked(),
            Self::Replay(it) => it.asked(),
            Self::Diff(it) => it.asked(),
            Self::Trace(it) => it.asked(),
            Self::WhyNot(it) => it.asked(),
            Self::Stats(_) => "stats".to_owned(),
            Self::Refusals(it) => it.asked(),
        }
    }
}

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::History(arguments) => history::run(session, &arguments, output).await,
        Command::Replay(arguments) => replay::run(session, &arguments, output).await,
        Command::Diff(arguments) => diff::run(session, &arguments, output).await,
        Command::Trace(arguments) => trace::run(session, &arguments, output).await,
        Command::WhyNot(arguments) => why_not::run(session, &arguments, output).await,
        Command::Stats(arguments) => stats::run(session, &arguments, output).await,
        Command::Refusals(arguments) => refusals::run(session, &arguments, output).await,
    }
}

/// The stream of an id or of a reseller's reference of an order, if whoever asks may see it.
async fn named(session: &Session, text: &str) -> Result<StreamId, Failure> {
    let stream = match text.parse::<StreamId>() {
        Ok(stream) => stream,
        Err(_) => session.order(text).await?.order.stream(),
    };
    session.owners(stream).await?;
    Ok(stream)
}

/// A moment of an argument.
fn moment(name: &str, text: &str) -> Result<Moment, Failure> {
    text.parse().map_err(|error| Failure::of_argument(name, error))
}

/// A value on one line: text without quotes, everything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value on one line and no longer than this.
fn short(value: &Value, chars_max: usize) -> String {
    let text = plain(value);
    if text.chars().count() <= chars_max {
        return text;
    }
    text.chars().take(chars_max).chain(['…']).collect()
}

/// Fields side by side, those that say nothing left out.
fn fields<'a>(of: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Vec<String> {
    let said = of.into_iter().filter(|(_, value)| !value.is_null());
    said.map(|(name, value)| format!("{name}={}", plain(value))).collect()
}
