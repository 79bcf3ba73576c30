//! `orderwire export`: the log, or a part of it, as files; and whether such files are as they were written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use orderwire_domain::{
    ids::{CompanyId, ResellerId},
    names::ResellerCode,
};

use super::checkpoint;
use crate::{
    audit::{
        export::{self, Checked, Encoding, Filter, FolderError, Manifest},
        key_file::KeyFile,
        note::VerifierKey,
        proofs::LeavesRead,
    },
    cli::{Failure, Output, output::Column, session::Session},
    edge::place,
};

/// More than this nobody wants to begin again, where an export was cut.
const PART_EVENTS_MAX: u64 = 10_000_000;

/// What to export, and where to; or what to check.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The folder, which must be empty or not be there yet
    #[arg(short, long, value_name = "FOLDER", required = true)]
    output: Option<PathBuf>,
    /// How events are written: jsonl, csv or cloudevents
    #[arg(long, value_name = "ENCODING", default_value_t = Encoding::Jsonl, value_parser = encoding)]
    encoding: Encoding,
    /// Only events after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,
    /// Only events up to this position, or recorded by this time
    #[arg(long, value_name = "POSITION|TIME")]
    until: Option<String>,
    /// Only of this order, and of the ports for it: an id, or a reseller's reference
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// Only of this company, its orders and its ports
    #[arg(long, value_name = "ID")]
    company: Option<CompanyId>,
    /// Only of this reseller, and of everything that is its own: an id or a code
    // An id of its own: that of `--as` is taken everywhere.
    #[arg(id = "of_reseller", long = "reseller", value_name = "ID|CODE")]
    reseller: Option<String>,
    /// Only events of this type, such as `OrderSubmitted`; may be given several times
    #[arg(long = "type", value_name = "EVENT")]
    types: Vec<String>,
    /// Events of one file at most
    #[arg(long, value_name = "COUNT", default_value_t = export::PART_EVENTS,
        value_parser = clap::value_parser!(u64).range(1..=PART_EVENTS_MAX))]
    part_events: u64,
    /// Go on with an export that was cut, asked for in the same way
    #[arg(long)]
    resume: bool,
}

impl Arguments {
    /// What is asked, on one line.
    pub fn asked(&self) -> String {
        let folder = self.output.as_deref().unwrap_or(Path::new(""));
        let Self { encoding, after, until, order, company, reseller, types, .. } = self;
        let named = [
            ("until", until.clone()),
            ("order", order.clone()),
            ("company", company.map(|company| company.to_string())),
            ("reseller", reseller.clone()),
            ("type", (!types.is_empty()).then(|| types.join(","))),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some(format!(" --{name} {}", value?)));
        let named = named.collect::<String>();
        format!("export -o {} --encoding {encoding} --after {after}{named}", folder.display())
    }
}

/// What else can be done with exports.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check an export, without the store: every sum, count, position and leaf, and the root where it is the whole log
    Verify {
        /// Where it is
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// The key that has to have signed its checkpoint, as `keys checkpoint show` prints it
        #[arg(long, value_name = "KEY")]
        key: Vec<VerifierKey>,
    },
}

const DONE: &[Column<Manifest>] = &[
    ("events", |it| it.events.to_string()),
    ("parts", |it| it.parts.len().to_string()),
    ("up to position", |it| it.through.to_string()),
    ("of a log of", |it| it.log.size.to_string()),
    ("root", |it| it.log.root.clone()),
];

const CHECKED: &[Column<Checked>] = &[
    ("events", |it| it.events.to_string()),
    ("parts", |it| it.parts.to_string()),
    ("up to position", |it| it.to.to_string()),
    ("is", |it| {
        if it.is_whole_log { "the whole log, with the root of the checkpoint" } else { "a part of the log" }
            .into()
    }),
    ("signed by", |it| it.signed_by.clone().unwrap_or_else(|| "nobody asked (--key)".to_owned())),
];

/// Writes the files.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("exporting the log")?;
    let folder = arguments.output.as_deref().unwrap_or(Path::new(""));
    let asked = (arguments.encoding, filter(session, arguments).await?);
    let engine = &session.engine;
    let begun = if arguments.resume {
        export::resume(engine, folder, asked).await
    } else {
        let signer = session.checkpoint_key.as_ref().map(KeyFile::at_first_need).transpose();
        let signer = signer.map_err(checkpoint::unusable)?.flatten();
        if signer.is_none() {
            output.remark("no checkpoint is signed: `keys checkpoint create` makes a key that signs them")?;
        }
        let log = export::stand(engine, signer.as_ref(), &LeavesRead::default()).await?;
        export::begin(engine, folder, asked, log, arguments.part_events).await
    };
    let begun = begun.map_err(failed)?;
    if begun.manifest().complete {
        output.remark("there is nothing left to write")?;
    }
    let bar = output.bar("exporting", begun.manifest().to);
    let written = begun.write(engine, |so_far| bar.at(so_far.through)).await;
    drop(bar);
    let manifest = written.map_err(failed)?;
    Ok(output.one(&manifest, DONE)?)
}

/// Checks files; there need not be a store.
pub fn verify(folder: &Path, keys: &[VerifierKey], output: &mut Output<'_>) -> Result<(), Failure> {
    // What is no export at all was not found to be wrong: it was named wrongly.
    let manifest = folder.join(export::MANIFEST);
    fs::metadata(&manifest).map_err(|source| Failure::File { file: manifest, source })?;
    let checked = export::check(folder, keys)
        .map_err(|fault| Failure::Found(format!("{}, {fault}", folder.display())))?;
    Ok(output.one(&checked, CHECKED)?)
}

fn encoding(word: &str) -> Result<Encoding, String> {
    word.parse().map_err(|_| "expected jsonl, csv or cloudevents".to_owned())
}

async fn filter(session: &Session, arguments: &Arguments) -> Result<Filter, Failure> {
    let order = match &arguments.order {
        Some(order) => Some(session.order(order).await?.order),
        None => None,
    };
    let reseller = match &arguments.reseller {
        Some(named) => Some(reseller(session, named).await?),
        None => None,
    };
    let Arguments { after, until, company, types, .. } = arguments;
    Ok(Filter {
        after: *after,
        until: until.clone(),
        order,
        company: *company,
        reseller,
        types: types.clone(),
    })
}

async fn reseller(session: &Session, named: &str) -> Result<ResellerId, Failure> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let code: ResellerCode = named.parse().map_err(|error| Failure::of_argument("--reseller", error))?;
    let found = place::reseller(&session.engine, &code).await?;
    found.ok_or_else(|| Failure::not_found("reseller", code.as_str()))
}

fn failed(error: FolderError) -> Failure {
    match error {
        FolderError::Edge(error) => error.into(),
        error @ FolderError::Other { .. } => Failure::of_argument("--resume", error),
        error => Failure::of_argument("--output", error),
    }
}
