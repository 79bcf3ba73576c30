//! `orderwire audit reads`: who has read the audit.

use clap::{Args, Subcommand};

use crate::{
    cli::{
        Failure, Output,
        output::{Column, time},
        session::{LIST_MAX, Session},
    },
    edge::audit_reads::{self, AuditRead},
};

/// What can be asked about the audit itself.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Who has read the audit, when, and what was asked; the newest first
    Reads(Arguments),
}

/// Whose reads.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only what this actor has read; over HTTP that is the id of a key
    #[arg(long, value_name = "ID")]
    of: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    limit: usize,
}

const READ: &[Column<AuditRead>] = &[
    ("at", |it| time(it.at)),
    ("actor", |it| it.actor.clone()),
    ("via", |it| it.via.to_string().replace('_', " ")),
    ("asked", |it| it.what.clone()),
    ("position", |it| it.position.to_string()),
];

/// Prints them.
pub async fn run(session: &Session, command: &Command, output: &mut Output<'_>) -> Result<(), Failure> {
    let Command::Reads(Arguments { of, limit }) = command;
    session.only_carrier("looking at who has read")?;
    let found = audit_reads::list(&session.engine, of.as_deref(), None, (*limit).min(LIST_MAX)).await?;
    Ok(output.list(&found, READ)?)
}
