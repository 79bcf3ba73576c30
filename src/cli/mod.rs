//! The command line: what an operator types, and what is printed for it.
//!
//! Data goes to stdout, everything else to stderr. Deliberately absent: the environment, which `main` reads, and every
//! rule. A command of the engine is followed by whatever it makes due: read models, fulfilment, timers.

pub mod exit;
pub mod output;
mod named_store;
mod session;
mod store;
mod stock;
mod resellers;
mod companies;
mod numbers;
mod addresses;
mod numbering;
mod rules;
mod orders;
mod ports;
mod history;
mod import;
pub mod demo;
mod bench;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum as _};

pub use self::{
    exit::{Exit, Failure},
    output::{Format, Output},
};
use self::{named_store::NamedStore, session::Session};
use crate::engine::clock::SimulatedClock;

/// The order core of telecom wholesale.
#[derive(Debug, Parser)]
#[command(name = "orderwire", version, about, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Globals {
    #[command(flatten)]
    store: NamedStore,
    #[arg(
        help = "The file of the master key; beside a SQLite store where none is named",
        long,
        global = true,
        value_name = "FILE",
        env = "ORDERWIRE_MASTER_KEY_FILE",
        hide_env_values = true
    )]
    master_key_file: Option<PathBuf>,
    /// Create the store, or bring its schema up to date, before anything else
    #[arg(long, global = true)]
    migrate: bool,
    /// Act as a reseller, which sees and changes only what is its own
    #[arg(long = "as", global = true, value_name = "CODE")]
    reseller: Option<String>,
    /// An opaque id of whoever asks, kept with every event
    #[arg(
        long,
        global = true,
        value_name = "ID",
        env = "ORDERWIRE_ACTOR",
        hide_env_values = true,
        default_value = "operator"
    )]
    actor: String,
    /// Play the outside systems that provision lines, which are then done at once
    #[arg(long, global = true)]
    auto_provision: bool,
    /// How to print data: table for people, json for one value, jsonl for one value per line
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, hide_possible_values = true)]
    format: Format,
    /// Say on stderr what happens; twice says more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
enum Command {
    /// Play real orders through their whole life, on a store of its own
    Demo(DemoArguments),
    /// Create the store, or bring its schema up to date
    Migrate,
    /// The numbers that can be ordered
    #[command(subcommand)]
    Stock(stock::Command),
    /// Who places orders
    #[command(subcommand)]
    Resellers(resellers::Command),
    /// Orders and their lines
    #[command(subcommand)]
    Orders(orders::Command),
    /// Ports: what losing providers, range holders and the network say, and what we answer
    #[command(subcommand)]
    PortRequests(ports::Command),
    /// Business customers
    #[command(subcommand)]
    Companies(companies::Command),
    /// Numbers that are not free, and those that are
    #[command(subcommand)]
    Numbers(numbers::Command),
    /// Addresses: the carrier's, and those that resellers entered
    #[command(subcommand)]
    Addresses(addresses::Command),
    /// Who holds which range of numbers, and whether numbers could be ported
    #[command(subcommand)]
    Numbering(numbering::Command),
    /// What the rules say: lead times, reasons of rejection
    #[command(subcommand)]
    Rules(rules::Command),
    /// Everything that happened to something: who, when, why, what, by which rules
    History(history::Arguments),
    /// The log as it is, in order
    Log(store::LogArguments),
    /// Begin the log with a history that the stock crates cqrs-es and postgres-es wrote
    Import(import::Arguments),
    /// Where every reader of the log is
    Readers,
    /// Do what is due now: read models, fulfilment, timers
    Settle,
    /// Fold every read model again from the first event
    Rebuild,
    /// Measure how fast a store is
    #[command(subcommand)]
    Bench(bench::Command),
}

/// How much of the demo to play.
#[derive(Debug, Args)]
struct DemoArguments {
    /// How many orders in all; the mix is repeated with other names
    #[arg(long, default_value_t = demo::ORDERS, value_name = "COUNT")]
    orders: u32,
}

/// What the composition root knows besides the arguments.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// Where this user's programs keep what they need to know.
    pub state_folder: Option<PathBuf>,
    /// What time it is, where that is not left to the wall clock.
    pub clock: Option<SimulatedClock>,
    /// Whether stderr is a terminal, on which progress can be shown.
    pub terminal: bool,
}

impl Cli {
    /// How much to say on stderr.
    pub fn verbosity(&self) -> u8 {
        self.globals.verbose
    }

    /// How data and errors are printed.
    pub fn format(&self) -> Format {
        self.globals.format
    }
}

/// The format that arguments ask for, though they cannot be read as a whole.
pub fn format_asked(arguments: &[OsString]) -> Format {
    let mut words = arguments.iter().map(|word| word.to_str().unwrap_or_default());
    let asked =
        words.by_ref().take_while(|word| *word != "--").find_map(|word| word.strip_prefix("--format"));
    let word = match asked {
        Some("") => words.next(),
        Some(word) => word.strip_prefix('='),
        None => None,
    };
    word.and_then(|word| Format::from_str(word, false).ok()).unwrap_or(Format::Table)
}

/// Does what was asked for.
pub async fn run(cli: Cli, surroundings: &Surroundings, output: &mut Output<'_>) -> Result<(), Failure> {
    let Cli { mut globals, command } = cli;
    if matches!(command, Command::Demo(_) | Command::Bench(_)) {
        globals.store = globals.store.explicit();
    }
    if let Command::Demo(DemoArguments { orders }) = command {
        let store = globals.store.url.is_some().then(|| session::open_options(&globals, surroundings));
        let demo = demo::Demo { store, orders, json: globals.format != Format::Table };
        return demo::run(demo, output).await;
    }
    if let Command::Bench(command) = command {
        return bench::run(command, globals.store.url, output).await;
    }
    let session = Session::open(&globals, surroundings, matches!(command, Command::Migrate)).await?;
    let done = dispatch(&session, command, output).await;
    session.close().await;
    done
}

impl Command {
    /// Whether it looks into read models, if only for what its arguments name.
    fn looks(&self) -> bool {
        let looks_away = matches!(
            self,
            Self::Migrate | Self::Log(_) | Self::Import(_) | Self::Readers | Self::Settle | Self::Rebuild
        );
        !looks_away
    }
}

async fn dispatch(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    if command.looks() {
        session.catch_up(output).await?;
    }
    match command {
        Command::Demo(_) | Command::Bench(_) => unreachable!("both open a store of their own"),
        Command::Migrate => store::migrated(session, output).await,
        Command::Stock(command) => stock::run(session, command, output).await,
        Command::Resellers(command) => resellers::run(session, command, output).await,
        Command::Orders(command) => orders::run(session, command, output).await,
        Command::PortRequests(command) => ports::run(session, command, output).await,
        Command::Companies(command) => companies::run(session, command, output).await,
        Command::Numbers(command) => numbers::run(session, command, output).await,
        Command::History(arguments) => history::run(session, &arguments, output).await,
        Command::Log(arguments) => store::log(session, &arguments, output).await,
        Command::Import(arguments) => import::run(session, &arguments, output).await,
        Command::Readers => store::readers(session, output).await,
        Command::Addresses(command) => addresses::run(session, command, output).await,
        Command::Numbering(command) => numbering::run(session, command, output).await,
        Command::Rules(command) => rules::run(session, &command, output),
        Command::Settle => session.settle().await,
        Command::Rebuild => store::rebuild(session, output).await,
    }
}
