//! `orderwire evidence`: the history of a thing in one file that proves itself; and verifying such a file.

use std::{
    fs::{self, File},
    io::{BufReader, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{checkpoint, named, verify::keys};
use crate::{
    audit::{
        evidence::{self, Pack, PackError, Verified},
        proofs::LeavesRead,
    },
    cli::{Failure, Output, output::Column, session::Session},
};

/// Of what, and where to.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An order with its company and port requests, or anything else that has an id
    id: String,
    /// The file to write, which must not be there yet; printed where nobody says
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Arguments {
    /// What is asked, for the record.
    pub fn asked(&self) -> String {
        format!("evidence {}", self.id)
    }
}

const VERIFIED: &[Column<Verified>] = &[
    ("subject", |it| it.subject.clone()),
    ("log", |it| it.origin.clone()),
    ("size", |it| it.size.to_string()),
    ("root", |it| it.root.clone()),
    ("streams", |it| it.streams.to_string()),
    ("events", |it| it.events.to_string()),
    ("statuses", |it| {
        let each = it.statuses.iter().map(|(stream, status)| format!("{stream} {status}"));
        each.collect::<Vec<_>>().join("\n")
    }),
];

/// Writes a pack.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("speaking for the log")?;
    let subject = named(session, &arguments.id).await?;
    let signer = Arc::new(checkpoint::signer(session)?);
    let mut pack = Pack::begin(&session.engine, signer, &LeavesRead::default(), subject).await?;
    let Some(path) = &arguments.output else {
        return written(&mut pack, output.writer()).await.map(drop);
    };
    let failed = |error| Failure::of_argument("--output", format!("{}: {error}", path.display()));
    let mut file = File::create_new(path).map_err(failed)?;
    let lines = match written(&mut pack, &mut file).await {
        Ok(lines) => lines,
        Err(failure) => {
            // Half a pack is no evidence.
            fs::remove_file(path).map_err(failed)?;
            return Err(failure);
        }
    };
    file.sync_all().map_err(failed)?;
    Ok(output.remark(&format!("wrote {lines} lines about {subject} to {}", path.display()))?)
}

async fn written(pack: &mut Pack, out: &mut impl Write) -> Result<u64, Failure> {
    let mut lines = 0;
    while let Some(line) = pack.next().await? {
        out.write_all(line.as_bytes())?;
        lines += 1;
    }
    Ok(lines)
}

/// Verifies a pack; there need not be a store.
pub fn verify(path: &Path, named: &[String], output: &mut Output<'_>) -> Result<(), Failure> {
    if named.is_empty() {
        return Err(Failure::Usage(
            "--key is missing: a pack is verified with the key of the log".to_owned(),
        ));
    }
    let unreadable = |source| Failure::File { file: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    match evidence::verify(BufReader::new(file), &keys(named)?) {
        Ok(verified) => Ok(output.one(&verified, VERIFIED)?),
        Err(PackError::File(source)) => Err(unreadable(source)),
        Err(refused) => Err(Failure::Found(format!("{}, {refused}", path.display()))),
    }
}
