//! `orderwire checkpoint`, and `orderwire keys checkpoint`: where the log is, signed; and the key it is signed with.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    audit::{
        key_file::{KeyFile, KeyFileError},
        note::SignerKey,
        proofs,
    },
    cli::{Failure, Format, Output, output::Column, session::Session},
    engine::leaf::hex,
};

/// Where to put it.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Write the note to a file, which must not be there yet
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What can be asked about the key.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make the key of the log, in a file of its own; show the part that others verify with
    Create {
        /// What the log is called worldwide, such as orders.example/log; else as `audit.origin` says
        origin: Option<String>,
    },
    /// Show the part of the key that others verify with
    Show,
}

#[derive(Serialize)]
struct Public {
    /// What the log is called worldwide.
    origin: String,
    /// What verifies its checkpoints, as other tools read it.
    key: String,
    /// Where the secret part is.
    file: String,
}

const KEY: &[Column<Public>] =
    &[("origin", |it| it.origin.clone()), ("key", |it| it.key.clone()), ("file", |it| it.file.clone())];

#[derive(Serialize)]
struct Signed {
    origin: String,
    size: u64,
    root: String,
    note: String,
}

/// Makes or shows the key.
pub fn key(session: &Session, command: KeyCommand, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("managing keys")?;
    let file = key_file(session)?;
    let key = match command {
        KeyCommand::Create { origin } => {
            let key = file.create(origin.as_deref()).map_err(unusable)?;
            output.remark(
                "keep a copy of this file apart from the store: checkpoints of another key are another log's",
            )?;
            key
        }
        KeyCommand::Show => file.read().map_err(unusable)?,
    };
    let verifier = key.verifier();
    let file = file.path.display().to_string();
    Ok(output.one(&Public { origin: verifier.name().to_owned(), key: verifier.to_string(), file }, KEY)?)
}

/// Signs where the log is now.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("speaking for the log")?;
    let signed = proofs::checkpoint(&session.engine, &signer(session)?).await?;
    let note = signed.to_string();
    if let Some(file) = &arguments.output {
        use std::io::Write as _;
        let failed = |error| Failure::of_argument("--output", format!("{}: {error}", file.display()));
        let mut file = fs::File::create_new(file).map_err(failed)?;
        file.write_all(note.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        let said = signed.checkpoint();
        return Ok(output.remark(&format!("signed {} events of {}", said.size, said.origin))?);
    }
    if output.format() == Format::Table {
        // As it is: a note with anything added is none.
        use std::io::Write as _;
        return Ok(output.writer().write_all(note.as_bytes())?);
    }
    let said = signed.checkpoint();
    let record = Signed { origin: said.origin.clone(), size: said.size, root: hex(&said.root), note };
    Ok(output.one(&record, &[])?)
}

/// The key of the log. Where it is known what the log is called, it is made at first need.
pub fn signer(session: &Session) -> Result<SignerKey, Failure> {
    let file = key_file(session)?;
    let key = file.at_first_need().map_err(unusable)?;
    key.ok_or_else(|| unusable(KeyFileError::Missing(file.path.clone())))
}

fn key_file(session: &Session) -> Result<&KeyFile, Failure> {
    let unnamed =
        || Failure::of_argument("audit.checkpoint_key_file", "nobody says where the key of this store is");
    session.checkpoint_key.as_ref().ok_or_else(unnamed)
}

/// What is there cannot be used, or nothing is there.
pub fn unusable(error: KeyFileError) -> Failure {
    match error {
        error @ (KeyFileError::Unnamed | KeyFileError::Name(_)) => Failure::of_argument("ORIGIN", error),
        error => Failure::of_argument("audit.checkpoint_key_file", error),
    }
}
