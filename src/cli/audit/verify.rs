//! `orderwire verify`: that the log, and what was derived from it, is what it should be.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use serde::Serialize;

use super::checkpoint;
use crate::{
    audit::{
        note::{Checkpoint, SignedCheckpoint, VerifierKey},
        proofs::{self, LeavesRead},
        verify::{self, Finding, Plan},
        witness,
    },
    cli::{Failure, Output, output::Column, session::Session},
    engine::leaf::hex,
};

/// Read models of a long log take their time; whoever verifies them has it.
const CAUGHT_UP_WITHIN: Duration = Duration::from_hours(1);

/// What to verify.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An evidence pack: it alone is verified, with the key that was named, and no store is opened
    #[arg(conflicts_with_all = ["since", "witness", "append", "models"])]
    pub pack: Option<PathBuf>,
    /// Only what was added since this checkpoint, a file with the note; what is before is compared with its root
    #[arg(long, value_name = "FILE", conflicts_with = "models")]
    since: Option<PathBuf>,
    /// A file of checkpoints that were kept: the log has to agree with each
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
    /// Where nothing is found, add a checkpoint of now to the witness, which is made where there is none
    #[arg(long, requires = "witness")]
    append: bool,
    /// The key that checkpoints are signed with, as `orderwire keys checkpoint show` prints it; that of the store if nobody says
    #[arg(long, value_name = "VKEY")]
    pub key: Vec<String>,
    /// Also what was derived from the log: claims, read models, timers and notices
    #[arg(long)]
    models: bool,
}

/// What came of it.
#[derive(Serialize)]
struct Shown {
    /// Events that were read.
    events: u64,
    /// Events before them, which a checkpoint speaks for.
    after: u64,
    /// How far it is right.
    to: u64,
    root: String,
    streams: u64,
    commits: u64,
    /// Checkpoints that agree.
    checkpoints: u64,
    /// Rows of read models that are right.
    rows: u64,
    claims: u64,
    seconds: f64,
    events_per_second: f64,
    found: Option<Finding>,
}

const SHOWN: &[Column<Shown>] = &[
    ("events", |it| it.events.to_string()),
    ("after", |it| it.after.to_string()),
    ("to", |it| it.to.to_string()),
    ("root", |it| it.root.clone()),
    ("streams", |it| it.streams.to_string()),
    ("commits", |it| it.commits.to_string()),
    ("checkpoints", |it| it.checkpoints.to_string()),
    ("rows", |it| it.rows.to_string()),
    ("claims", |it| it.claims.to_string()),
    ("seconds", |it| format!("{:.2}", it.seconds)),
    ("events per second", |it| format!("{:.0}", it.events_per_second)),
    ("found", |it| it.found.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)),
];

/// Verifies, and says what came of it; whatever is found ends the command with a code of its own.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("verifying the whole log")?;
    if arguments.models {
        verify::catch_up(&session.engine, CAUGHT_UP_WITHIN).await?;
    }
    let plan = Plan {
        since: arguments.since.as_ref().map(|file| since(session, arguments, file)).transpose()?,
        witness: kept(session, arguments)?,
        models: arguments.models,
    };
    let engine = &session.engine;
    let begun = Instant::now();
    let bar = output.bar("verifying events", engine.head().await.map_or(0, |head| head.position));
    let report = verify::verify(engine, &plan, |position| bar.at(position)).await?;
    drop(bar);
    let (events, seconds) = (report.to - report.after, begun.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 2^52")]
    let events_per_second = events as f64 / seconds.max(1e-9);
    let shown = Shown {
        events,
        after: report.after,
        to: report.to,
        root: hex(&report.root),
        streams: report.streams,
        commits: report.commits,
        checkpoints: report.checkpoints,
        rows: report.rows,
        claims: report.claims,
        seconds,
        events_per_second,
        found: report.finding.clone(),
    };
    output.one(&shown, SHOWN)?;
    match (report.finding, &arguments.witness) {
        (Some(finding), _) => Err(Failure::Found(finding.to_string())),
        (None, Some(file)) if arguments.append => append(session, file).await,
        (None, _) => Ok(()),
    }
}

/// Adds where the log is now to a witness.
async fn append(session: &Session, file: &PathBuf) -> Result<(), Failure> {
    let signed =
        proofs::checkpoint(&session.engine, &checkpoint::signer(session)?, &LeavesRead::default()).await?;
    let failed = |error| Failure::of_argument("--witness", format!("{}: {error}", file.display()));
    let mut opened = fs::OpenOptions::new().append(true).create(true).open(file).map_err(failed)?;
    writeln!(opened, "{signed}").and_then(|()| opened.sync_all()).map_err(failed)
}

/// The checkpoints of the witness. One that is to be made has none.
fn kept(session: &Session, arguments: &Arguments) -> Result<Vec<Checkpoint>, Failure> {
    let Some(file) = &arguments.witness else { return Ok(Vec::new()) };
    if arguments.append && !file.exists() {
        return Ok(Vec::new());
    }
    let unreadable = |source| Failure::File { file: file.clone(), source };
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let read = witness::read(&text, &trusted(session, &arguments.key)?);
    let read = read.map_err(|why| Failure::of_argument("--witness", format!("{}: {why}", file.display())))?;
    Ok(read.iter().map(|signed| signed.checkpoint().clone()).collect())
}

fn since(session: &Session, arguments: &Arguments, file: &PathBuf) -> Result<Checkpoint, Failure> {
    let unreadable = |source| Failure::File { file: file.clone(), source };
    let note = fs::read_to_string(file).map_err(unreadable)?;
    let opened = SignedCheckpoint::open(&note, &trusted(session, &arguments.key)?);
    let opened =
        opened.map_err(|why| Failure::of_argument("--since", format!("{}: {why}", file.display())))?;
    Ok(opened.checkpoint().clone())
}

/// The keys that were named, or that of the store.
fn trusted(session: &Session, named: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    if named.is_empty() {
        return Ok(vec![checkpoint::signer(session)?.verifier().clone()]);
    }
    keys(named)
}

/// Keys as they are written on the command line.
pub fn keys(named: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    let read = |text: &String| text.trim().parse().map_err(|why| Failure::of_argument("--key", why));
    named.iter().map(read).collect()
}
