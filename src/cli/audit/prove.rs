//! `orderwire prove`: that an event is in the log, or that the log was only added to.

use clap::Args;
use serde::Serialize;

use crate::{
    audit::proofs::{self, ProvingError},
    cli::{Failure, Output, output::Column, session::Session},
    engine::leaf::{Hash, hex},
};

/// What to prove.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The position of the event that is proved to be in the log
    #[arg(required_unless_present = "from", conflicts_with_all = ["from", "to"])]
    position: Option<u64>,
    /// In the log as it was with so many events; as it is where nobody says
    #[arg(long, value_name = "EVENTS", conflicts_with_all = ["from", "to"])]
    size: Option<u64>,
    /// Prove instead that the log with so many events is the beginning of a longer one
    #[arg(long, value_name = "EVENTS")]
    from: Option<u64>,
    /// How many events the longer one has; as many as the log where nobody says
    #[arg(long, value_name = "EVENTS", requires = "from")]
    to: Option<u64>,
}

#[derive(Serialize)]
struct Inclusion {
    position: u64,
    size: u64,
    leaf: String,
    root: String,
    proof: Vec<String>,
}

#[derive(Serialize)]
struct Consistency {
    from: u64,
    to: u64,
    from_root: String,
    to_root: String,
    proof: Vec<String>,
}

const INCLUSION: &[Column<Inclusion>] = &[
    ("position", |it| it.position.to_string()),
    ("size", |it| it.size.to_string()),
    ("leaf", |it| it.leaf.clone()),
    ("root", |it| it.root.clone()),
    ("proof", |it| it.proof.join("\n")),
];

const CONSISTENCY: &[Column<Consistency>] = &[
    ("from", |it| it.from.to_string()),
    ("to", |it| it.to.to_string()),
    ("from root", |it| it.from_root.clone()),
    ("to root", |it| it.to_root.clone()),
    ("proof", |it| it.proof.join("\n")),
];

/// Proves, and prints the proof.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("proving what is in the whole log")?;
    let engine = &session.engine;
    if let Some(from) = arguments.from {
        let proved = proofs::consistency(engine, from, arguments.to).await.map_err(unproved)?;
        let (from_root, to_root) = (hex(&proved.from_root), hex(&proved.to_root));
        let shown = Consistency { from, to: proved.to, from_root, to_root, proof: texts(&proved.proof) };
        return Ok(output.one(&shown, CONSISTENCY)?);
    }
    let position = arguments.position.expect("one of both is required");
    let proved = proofs::inclusion(engine, position, arguments.size).await.map_err(unproved)?;
    let (leaf, root) = (hex(&proved.leaf), hex(&proved.root));
    let shown = Inclusion { position, size: proved.size, leaf, root, proof: texts(&proved.proof) };
    Ok(output.one(&shown, INCLUSION)?)
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex(hash)).collect()
}

fn unproved(why: ProvingError) -> Failure {
    match why {
        ProvingError::Engine(error) => error.into(),
        ProvingError::NoSuchPosition { .. } => Failure::of_argument("POSITION", why),
        ProvingError::Backwards { .. } => Failure::of_argument("--from", why),
        ProvingError::Beyond { .. } => Failure::Usage(why.to_string()),
    }
}
