//! `orderwire addresses`: the carrier's addresses, and those that resellers entered by hand.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use orderwire_domain::{
    address::{Address, AddressKey, Postcode},
    ids::ResellerId,
};
use serde::Serialize;

use super::{
    Failure, Output, companies,
    output::{Bar, Column, or_dash, time},
    session::{LIST_MAX, Session},
};
use crate::{
    edge::{
        Problem,
        loads::{LoadError, LoadReport, Source, load_addresses},
    },
    engine::reference::{
        addresses::{ADDRESS_PAGE_MAX, AddressOrigin, AddressSearch, AddressWithin},
        entered::{AddressEntry, EnteredAddress},
        loads::{self, LoadKind, LoadRecord, LoadedFile},
    },
};

/// Refused rows that are printed; the others are counted.
const REFUSED_PRINTED_MAX: usize = 100;
/// Loads that a list shows.
const LOADS_SHOWN: usize = 50;

/// What can be asked about addresses.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a CSV file; each row takes the place of the address with its key
    Load {
        /// The file; docs/operating.md names its columns
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
    },
    /// What was loaded when, by whom, from which file
    Loads,
    /// Addresses by postcode, by the beginning of a street, or both
    Search(Search),
    /// The address of a key; of a temporary one, what the reseller of --as entered
    Show {
        /// A, R or T and 11 digits
        key: String,
    },
    /// Keep an address that the carrier's data does not have; it gets a temporary key
    Enter(Enter),
    /// What the reseller of --as has entered
    Entered,
    /// Note which of the carrier's addresses an entered one is
    Replace {
        /// The temporary key
        key: String,
        /// The key of the carrier's address
        #[arg(long, value_name = "KEY")]
        by: String,
    },
}

/// What to search for.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["postcode", "text"]))]
pub struct Search {
    /// A postcode, or the first part of one
    #[arg(long)]
    postcode: Option<String>,
    /// Words of the address; without a whole postcode, the first of them begins the street
    #[arg(long)]
    text: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    limit: usize,
}

/// What is entered.
#[derive(Debug, Args)]
pub struct Enter {
    /// A line of the address, without the postcode; once per line
    #[arg(long = "line", required = true, value_name = "TEXT")]
    lines: Vec<String>,
    /// The postcode
    #[arg(long)]
    postcode: String,
    /// The company it is for: its service reference (com_…), internet domain or name
    #[arg(long)]
    company: Option<String>,
}

const ADDRESS: &[Column<Address>] = &[
    ("key", |it| it.key.to_string()),
    ("qualifier", |it| it.qualifier.to_string()),
    ("address", |it| it.lines().join(", ")),
    ("postcode", |it| it.postcode.to_string()),
];

/// An entered address as its reseller sees it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    entered: Record,
    lines: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Record {
    key: AddressKey,
    qualifier: String,
    postcode: Postcode,
    company: Option<String>,
    entered_at: chrono::DateTime<chrono::Utc>,
    replaced_by: Option<AddressKey>,
}

const SHOWN: &[Column<Shown>] = &[
    ("key", |it| it.entered.key.to_string()),
    ("qualifier", |it| it.entered.qualifier.clone()),
    ("address", |it| it.lines.as_ref().map_or_else(|| "erased".to_owned(), |lines| lines.join(", "))),
    ("postcode", |it| it.entered.postcode.to_string()),
    ("company", |it| or_dash(it.entered.company.as_ref())),
    ("replaced by", |it| or_dash(it.entered.replaced_by.as_ref())),
];

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::Load { file } => load(session, &file, output).await,
        Command::Loads => list_loads(session, LoadKind::Addresses, output).await,
        Command::Search(asked) => search(session, &asked, output).await,
        Command::Show { key } => show(session, &read_key("KEY", &key)?, output).await,
        Command::Enter(entry) => enter(session, entry, output).await,
        Command::Entered => {
            let entered = session.engine.entered_addresses(reseller(session)?, None, LIST_MAX).await?;
            let mut rows = Vec::with_capacity(entered.len());
            for one in &entered {
                rows.push(shown(session, one).await?);
            }
            Ok(output.list(&rows, SHOWN)?)
        }
        Command::Replace { key, by } => {
            let (key, by) = (read_key("KEY", &key)?, read_key("--by", &by)?);
            let entered = session.engine.replace_entered_address(reseller(session)?, &key, &by).await?;
            Ok(output.one(&shown(session, &entered).await?, SHOWN)?)
        }
    }
}

async fn search(session: &Session, asked: &Search, output: &mut Output<'_>) -> Result<(), Failure> {
    let within = asked.postcode.as_deref().map(AddressWithin::parse).transpose();
    let within = within.map_err(|invalid| Failure::of_argument("--postcode", invalid))?;
    let search = AddressSearch::new(within, asked.text.as_deref());
    let mut search = search.map_err(|invalid| Failure::of_argument("--text", invalid))?;
    let mut found = Vec::new();
    let mut origin = AddressOrigin::Loaded;
    while found.len() < asked.limit {
        search.limit = (asked.limit - found.len()).min(ADDRESS_PAGE_MAX);
        let page = session.engine.addresses().search(&search).await?;
        origin = page.origin;
        found.extend(page.addresses);
        match page.next {
            Some(next) => search.after = Some(next),
            None => break,
        }
    }
    if origin == AddressOrigin::Sample {
        output.remark("no addresses were loaded: these are the bundled ones, which are invented")?;
    }
    Ok(output.list(&found, ADDRESS)?)
}

async fn show(session: &Session, key: &AddressKey, output: &mut Output<'_>) -> Result<(), Failure> {
    let unknown = || Failure::not_found("address", key.as_str());
    if key.is_temporary() {
        let entered = session.engine.entered_address(reseller(session)?, key).await?;
        let entered = entered.ok_or_else(unknown)?;
        return Ok(output.one(&shown(session, &entered).await?, SHOWN)?);
    }
    let address = session.engine.addresses().get(key).await?.ok_or_else(unknown)?;
    Ok(output.one(&address, ADDRESS)?)
}

async fn enter(session: &Session, entry: Enter, output: &mut Output<'_>) -> Result<(), Failure> {
    let postcode = entry.postcode.parse().map_err(|invalid| Failure::of_argument("--postcode", invalid))?;
    let company = match &entry.company {
        Some(named) => Some(companies::find(session, "--company", named).await?.company),
        None => None,
    };
    let entry = AddressEntry { reseller: reseller(session)?, company, lines: entry.lines, postcode };
    let entered = session.engine.enter_address(&entry, &session.provenance).await?;
    Ok(output.one(&shown(session, &entered).await?, SHOWN)?)
}

async fn shown(session: &Session, entered: &EnteredAddress) -> Result<Shown, Failure> {
    let lines = session.engine.entered_lines(entered).await?;
    let entered = Record {
        key: entered.key.clone(),
        qualifier: entered.qualifier.to_string(),
        postcode: entered.postcode.clone(),
        company: entered.company.map(|company| company.to_string()),
        entered_at: entered.entered_at,
        replaced_by: entered.replaced_by.clone(),
    };
    Ok(Shown { entered, lines })
}

fn reseller(session: &Session) -> Result<ResellerId, Failure> {
    let missing = || Failure::Usage("entered addresses are a reseller's own: name it with --as".to_owned());
    session.provenance.reseller.ok_or_else(missing)
}

fn read_key(name: &str, text: &str) -> Result<AddressKey, Failure> {
    text.parse().map_err(|invalid| Failure::of_argument(name, invalid))
}

async fn load(session: &Session, file: &Path, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("loading addresses")?;
    let bar = output.bar("loading addresses", 0);
    let loaded = load_addresses(&session.engine, &session.provenance, open(file, &bar)?).await;
    drop(bar);
    report(loaded, output)
}

/// A file as a source of rows, which moves the bar.
pub fn open(file: &Path, bar: &Bar) -> Result<Source<'static>, Failure> {
    let failed = |source| Failure::File { file: file.to_owned(), source };
    let opened = std::fs::File::open(file).map_err(failed)?;
    let bytes = opened.metadata().map_err(failed)?.len();
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Source { name, bytes: Box::new(bar.reading(opened, bytes)) })
}

/// A file of a load as it is shown.
struct File {
    record: LoadRecord,
    file: LoadedFile,
}

const FILE: &[Column<File>] = &[
    ("begun at", |it| time(it.record.begun_at)),
    ("state", |it| it.record.state.to_string()),
    ("by", |it| it.record.actor.clone()),
    ("file", |it| it.file.name.clone()),
    ("rows", |it| it.file.rows.to_string()),
    ("refused", |it| it.file.refused.to_string()),
    ("passed over", |it| it.file.passed_over.to_string()),
    ("sha-256", |it| it.file.sha256.clone()),
];

/// Prints what became of a load; with refused rows it ends as a refusal.
pub fn report(loaded: Result<LoadReport, LoadError>, output: &mut Output<'_>) -> Result<(), Failure> {
    let LoadReport { record, refused } = loaded.map_err(|error| match error {
        LoadError::Refused(problems) => Failure::Refused { file: None, problems },
        LoadError::File { name, error } => Failure::File { file: name.into(), source: error },
        LoadError::Engine(error) => error.into(),
    })?;
    print(std::slice::from_ref(&record), output)?;
    if refused.is_empty() {
        return Ok(());
    }
    let more = record.refused().saturating_sub(refused.len().min(REFUSED_PRINTED_MAX) as u64);
    let mut problems: Vec<Problem> =
        refused.into_iter().take(REFUSED_PRINTED_MAX).map(Problem::from).collect();
    if more > 0 {
        let detail = format!("{more} more rows were refused");
        problems.push(Problem {
            pointer: String::new(),
            code: "more_refused".to_owned(),
            detail,
            expected: None,
            line: None,
        });
    }
    Err(Failure::Refused { file: None, problems })
}

/// Prints the loads of a kind.
pub async fn list_loads(session: &Session, kind: LoadKind, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("looking at loads")?;
    print(&loads::list(session.engine.log(), kind, LOADS_SHOWN).await?, output)
}

/// A line per file; as JSON the records as they are kept.
fn print(records: &[LoadRecord], output: &mut Output<'_>) -> Result<(), Failure> {
    let files = records.iter().flat_map(|record| {
        record.files.iter().map(|file| File { record: record.clone(), file: file.clone() })
    });
    Ok(output.list_of(records, &files.collect::<Vec<_>>(), FILE)?)
}
