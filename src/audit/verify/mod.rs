//! Verifying the whole log, or what was added to it since a checkpoint: everything is computed again from the stored text.
//!
//! The log is read once, in order, in chunks: texts are hashed and parsed on other threads, a chunk ahead, and followed here
//! one event after the other. The first thing that cannot be right ends it, and is a [`Finding`] with its position. A log
//! that cannot be read is an error, and never a pass. What stays in memory is a few bytes for each stream and commit,
//! and the states of the streams that were written last ([`states`]). Deliberately absent: repairing anything.

mod read;
mod follow;
mod levels;
mod states;
mod beside;
mod models;
mod side_by_side;
mod claims;

use std::time::Duration;

use orderwire_domain::views;
use serde::Serialize;
use tokio::task::JoinError;

use self::follow::Follow;
use super::{note::Checkpoint, proofs, tree};
use crate::engine::{
    Engine, Error,
    leaf::{Frontier, Hash, hex},
    log::{Position, StoreError},
};

/// What to verify.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Only what was added since; the beginning is compared with it by its hashes alone.
    pub since: Option<Checkpoint>,
    /// Checkpoints that somebody kept, whose signatures were verified.
    pub witness: Vec<Checkpoint>,
    /// Also what was derived from the log: claims, read models, timers and notices. Needs the whole log.
    pub models: bool,
}

/// Something that cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where it is: the first position that is wrong, as far as it can be said.
    pub position: Option<Position>,
    /// The last position that may be the wrong one, where it is one of several.
    pub to: Option<Position>,
    /// What was looked at: `position`, `time`, `leaf`, `metadata`, `commit`, `event`, `sequence`, `lifecycle`, `tile`, `head`,
    /// `checkpoint`, `claim`, `model`, `timer`, `notice`.
    pub check: &'static str,
    /// What is wrong.
    pub detail: String,
}

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Events that the checkpoint speaks for.
    pub after: Position,
    /// How far it was read.
    pub to: Position,
    /// The root of the log so far.
    pub root: Hash,
    /// Streams that were written.
    pub streams: u64,
    /// Commits.
    pub commits: u64,
    /// Checkpoints that the log agrees with.
    pub checkpoints: u64,
    /// Rows of read models that are as they should be.
    pub rows: u64,
    /// Claims that are as they should be.
    pub claims: u64,
    /// The first thing that is not right.
    pub finding: Option<Finding>,
}

/// Why it goes no further.
enum Stop {
    Found(Finding),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Found(finding)
    }
}

impl Finding {
    fn at(position: Position, check: &'static str, detail: impl Into<String>) -> Self {
        Self { position: Some(position), to: None, check, detail: detail.into() }
    }

    fn among(first: Position, to: Position, check: &'static str, detail: impl Into<String>) -> Self {
        Self { position: Some(first), to: Some(to), check, detail: detail.into() }
    }

    fn of(check: &'static str, detail: impl Into<String>) -> Self {
        Self { position: None, to: None, check, detail: detail.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.position, self.to) {
            (Some(first), Some(to)) if first != to => write!(out, "positions {first} to {to}: ")?,
            (Some(position), _) => write!(out, "position {position}: ")?,
            (None, _) => {}
        }
        write!(out, "{} [{}]", self.detail, self.check)
    }
}

/// Waits until read models have what the log has: what they lack would not be compared.
pub async fn catch_up(engine: &Engine, within: Duration) -> Result<(), Error> {
    let (head, lacks) = (engine.head().await?.position, engine.catch_up(within).await?);
    if lacks == 0 {
        return Ok(());
    }
    Err(Error::NotThereYet {
        reader: views::ORDERS.to_owned(),
        reached: head.saturating_sub(lacks),
        wanted: head,
    })
}

/// Verifies a log up to where it ends now. `progress` is told the position that was reached.
pub async fn verify(engine: &Engine, plan: &Plan, progress: impl FnMut(Position)) -> Result<Report, Error> {
    let mut report = Report {
        after: 0,
        to: 0,
        root: Frontier::default().root(),
        streams: 0,
        commits: 0,
        checkpoints: 0,
        rows: 0,
        claims: 0,
        finding: None,
    };
    match checked(engine, plan, &mut report, progress).await {
        Ok(()) => {}
        Err(Stop::Found(finding)) => report.finding = Some(finding),
        Err(Stop::Failed(error)) => return Err(error),
    }
    Ok(report)
}

async fn checked(
    engine: &Engine,
    plan: &Plan,
    report: &mut Report,
    progress: impl FnMut(Position),
) -> Result<(), Stop> {
    let head = match engine.head().await {
        Err(Error::Store(StoreError::Corrupt(why))) => return Err(Finding::of("head", why).into()),
        head => head?,
    };
    let mut witness = plan.witness.clone();
    witness.sort_by_key(|checkpoint| checkpoint.size);
    if let Some(later) = witness.iter().chain(&plan.since).find(|checkpoint| checkpoint.size > head.position)
    {
        let detail =
            format!("a checkpoint of {} events was signed, and the log has {}", later.size, head.position);
        return Err(Finding::at(head.position + 1, "checkpoint", detail).into());
    }
    let begun = match &plan.since {
        Some(since) => beginning(engine, since).await?,
        None => Frontier::default(),
    };
    report.after = begun.leaves();
    let mut follow = Follow::begin(engine, begun, witness, plan.models).await?;
    let followed = follow.to(&head, progress).await;
    follow.tell(report);
    followed?;
    follow.finish(&head, report).await
}

/// What a task came to, unless it panicked.
fn joined<T>(outcome: Result<T, JoinError>) -> Result<T, Error> {
    outcome.map_err(|error| Error::Panicked { part: "verifying".to_owned(), said: error.to_string() })
}

/// The tree as a checkpoint has it, made of the hashes that the store has of it.
async fn beginning(engine: &Engine, since: &Checkpoint) -> Result<Frontier, Stop> {
    let peaks = tree::nodes_of_root(since.size);
    let found = proofs::nodes(engine, &peaks).await?;
    let bytes: Vec<u8> = peaks.iter().flat_map(|peak| found[peak]).collect();
    let begun = Frontier::from_bytes(since.size, &bytes).expect("a peak for every bit of the size");
    compare(&begun, since, 0)?;
    Ok(begun)
}

/// Whether the tree so far is what a checkpoint says; `agreed` is how many events the one before it spoke for.
fn compare(tree: &Frontier, checkpoint: &Checkpoint, agreed: Position) -> Result<(), Finding> {
    let (root, size) = (tree.root(), checkpoint.size);
    if root == checkpoint.root {
        return Ok(());
    }
    let detail = format!(
        "the first {size} events were signed with the root {}, and have the root {}: history was rewritten",
        hex(&checkpoint.root),
        hex(&root)
    );
    Err(Finding::among(agreed + 1, size, "checkpoint", detail))
}
