//! `orderwire numbering`: who holds which range, and whether numbers could be ported.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use orderwire_domain::portability::{
    EarliestDates, NumberCheck, NumberingRange, PortabilityAsk, Unread, Verdict,
};
use serde::Serialize;

use super::{
    Failure, Output,
    addresses::{list_loads, open, report},
    output::{Column, or_dash},
    session::Session,
};
use crate::{
    edge::loads::{Providers, Refusing, load_numbering},
    engine::reference::loads::LoadKind,
};

/// What can be asked about the numbering plan.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load the regulator's files of number blocks; together they replace what was loaded before
    Load(Load),
    /// What was loaded when, by whom, from which files
    Loads,
    /// Whether numbers could be ported here, and how soon
    Check {
        /// Numbers and ranges, such as "0113 496 0100" or "0113 496 0100-199"
        #[arg(required = true, value_name = "NUMBER")]
        numbers: Vec<String>,
    },
}

/// What to load.
#[derive(Debug, Args)]
pub struct Load {
    /// The files, all of them in one go
    #[arg(required = true, value_name = "FILE.csv")]
    files: Vec<PathBuf>,
    /// A file that says which three digits each provider has
    #[arg(long, value_name = "FILE.csv")]
    providers: Option<PathBuf>,
    /// Leave out rows that break a rule, instead of loading nothing
    #[arg(long)]
    keep_going: bool,
}

/// A number, or what was sent in its place, as it is shown.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    Checked(NumberCheck),
    Unread(Unread),
}

const SHOWN: &[Column<Shown>] = &[
    ("number", |it| match it {
        Shown::Checked(check) => check.number.national(),
        Shown::Unread(unread) => unread.text.clone(),
    }),
    ("portable", |it| if it.portable().is_some() { "yes" } else { "no" }.to_owned()),
    ("why not", |it| match it {
        Shown::Checked(NumberCheck { verdict: Verdict::NotPortable { reason }, .. })
        | Shown::Unread(Unread { reason, .. }) => reason.to_string(),
        Shown::Checked(_) => "-".to_owned(),
    }),
    ("range holder", |it| or_dash(it.range().and_then(holder))),
    ("seems to be", |it| or_dash(it.portable().map(|(class, _)| class))),
    ("provide", |it| or_dash(it.dates().map(|dates| dates.provide.date))),
    ("subsequent", |it| or_dash(it.dates().map(|dates| dates.subsequent.date))),
];

impl From<Result<NumberCheck, Unread>> for Shown {
    fn from(answer: Result<NumberCheck, Unread>) -> Self {
        answer.map_or_else(Self::Unread, Self::Checked)
    }
}

impl Shown {
    fn range(&self) -> Option<&NumberingRange> {
        match self {
            Self::Checked(check) => check.range.as_ref(),
            Self::Unread(_) => None,
        }
    }

    fn portable(&self) -> Option<(String, Option<&EarliestDates>)> {
        match self {
            Self::Checked(NumberCheck {
                verdict: Verdict::Portable { class_hint, earliest, .. }, ..
            }) => Some((class_hint.to_string(), earliest.as_ref())),
            _ => None,
        }
    }

    fn dates(&self) -> Option<&EarliestDates> {
        self.portable().and_then(|(_, dates)| dates)
    }
}

fn holder(range: &NumberingRange) -> Option<String> {
    let holder = range.holder.as_ref()?;
    let cupid = holder.cupid.as_ref().map(ToString::to_string);
    Some([cupid, holder.name.clone()].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::Load(asked) => load(session, asked, output).await,
        Command::Loads => list_loads(session, LoadKind::Numbering, output).await,
        Command::Check { numbers } => {
            let ask = PortabilityAsk::read(&numbers);
            let ask = ask.map_err(|invalid| Failure::of_argument("NUMBER", invalid))?;
            let checked = session.engine.check_portability(&ask.numbers).await?;
            let shown: Vec<_> = ask.in_order(checked).into_iter().map(Shown::from).collect();
            Ok(output.list(&shown, SHOWN)?)
        }
    }
}

async fn load(session: &Session, asked: Load, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("loading number blocks")?;
    let bar = output.bar("loading number blocks", 0);
    let providers = match &asked.providers {
        Some(file) => match Providers::read(open(file, &bar)?) {
            Ok(providers) => providers,
            Err(error) => return report(Err(error), output),
        },
        None => Providers::default(),
    };
    let sources = asked.files.iter().map(|file| open(file, &bar)).collect::<Result<Vec<_>, _>>()?;
    let refusing = if asked.keep_going { Refusing::RowsOnly } else { Refusing::Everything };
    let who = &session.provenance;
    let loaded = load_numbering(&session.engine, who, sources, &providers, refusing).await;
    drop(bar);
    report(loaded, output)
}
