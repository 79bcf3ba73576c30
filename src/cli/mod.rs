//! The command line: what an operator types, and what is printed for it.
//!
//! Data goes to stdout, everything else to stderr. Deliberately absent: the environment, which `config` reads, and every
//! rule. A command of the engine is followed by whatever it makes due: read models, fulfilment, timers.

pub mod exit;
pub mod output;
mod progress;
mod settings;
mod shell;
mod session;
mod store;
mod stock;
mod resellers;
mod companies;
mod erase;
mod legal_hold;
mod numbers;
mod addresses;
mod numbering;
mod rules;
mod orders;
mod ports;
mod audit;
mod import;
mod keys;
mod notices;
#[cfg(feature = "server")]
mod serve;
pub mod demo;
mod bench;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum as _};

use self::session::Session;
pub use self::{
    exit::{Exit, Failure},
    output::{Bars, Format, Output},
};
use crate::{
    config::{Config, Value},
    engine::clock::SimulatedClock,
    stores,
};

/// `-v` more often than this says nothing more.
const VERBOSITY_MAX: u64 = 3;

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
    #[arg(
        help = "The store: a path or sqlite:PATH, or postgres://…; orderwire.db where none is named \
                [env: ORDERWIRE_STORE]",
        long,
        global = true,
        value_name = "URL"
    )]
    store: Option<String>,
    #[arg(
        help = "The file of the master key; beside a SQLite store where none is named \
                [env: ORDERWIRE_MASTER_KEY_FILE]",
        long,
        global = true,
        value_name = "FILE"
    )]
    master_key_file: Option<PathBuf>,
    #[arg(
        help = "The configuration file, else orderwire.toml here or that of the user; \
                `orderwire config show` says what is in force [env: ORDERWIRE_CONFIG]",
        long,
        global = true,
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    #[arg(
        help = "Create the store, or bring its schema up to date, before anything else \
                [env: ORDERWIRE_MIGRATE]",
        long,
        global = true
    )]
    migrate: bool,
    /// Act as a reseller, which sees and changes only what is its own
    #[arg(long = "as", global = true, value_name = "CODE")]
    reseller: Option<String>,
    #[arg(
        help = "An opaque id of whoever asks, kept with every event; `operator` where nobody says \
                [env: ORDERWIRE_ACTOR]",
        long,
        global = true,
        value_name = "ID"
    )]
    actor: Option<String>,
    #[arg(
        help = "Play the outside systems that provision lines, which are then done at once \
                [env: ORDERWIRE_AUTO_PROVISION]",
        long,
        global = true
    )]
    auto_provision: bool,
    #[arg(
        help = "How to print data: table for people, json for one value, jsonl for one value per \
                line, csv for spreadsheets; table where nobody says [env: ORDERWIRE_FORMAT]",
        long,
        global = true,
        value_enum,
        hide_possible_values = true
    )]
    format: Option<Format>,
    #[arg(
        help = "Say on stderr what happens; twice says more [env: ORDERWIRE_VERBOSITY]",
        short,
        long,
        global = true,
        action = clap::ArgAction::Count
    )]
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
    /// What keeps the personal data of a company, whatever becomes of it
    #[command(subcommand)]
    LegalHold(legal_hold::Command),
    /// Destroy the key of a company's personal data, which nobody can undo
    Erase(erase::Arguments),
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
    #[command(flatten)]
    Audit(audit::Command),
    /// The log as it is, in order
    Log(store::LogArguments),
    /// Begin the log with a history that the stock crates cqrs-es and postgres-es wrote
    Import(import::Arguments),
    /// Serve the engine over HTTP until a signal comes
    #[cfg(feature = "server")]
    Serve(serve::Arguments),
    /// Write the log, or a part of it, as JSON lines, CSV or CloudEvents; check such files
    Export(audit::export::Arguments),
    /// Who has read the audit
    #[command(subcommand, name = "audit")]
    Audited(audit::reads::Command),
    /// Sign where the log is now, for whoever checks it later
    Checkpoint(audit::checkpoint::Arguments),
    /// Prove that an event is in the log, or that the log was only added to
    Prove(audit::prove::Arguments),
    /// Verify the whole log, and what was derived from it, from the stored text; or an evidence pack, without a store
    Verify(audit::verify::Arguments),
    /// Write the history of something to a file that proves itself
    Evidence(audit::evidence::Arguments),
    /// Who may ask over HTTP
    #[command(subcommand)]
    Keys(keys::Command),
    /// What resellers are told
    #[command(subcommand)]
    Notices(notices::Command),
    /// Where every reader of the log is
    Readers,
    /// Do what is due now: read models, fulfilment, timers
    Settle,
    /// Fold read models again from the first event, beside those in use
    Rebuild(store::Rebuild),
    /// Measure how fast a store is
    #[command(subcommand)]
    Bench(bench::Command),
    /// What is set, and where
    #[command(subcommand)]
    Config(settings::Command),
    /// Print what makes a shell complete these commands
    Completions(shell::Completions),
    /// Write pages for man into a folder
    Man(shell::Man),
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
    /// What the environment and the configuration file say; the arguments come on top.
    pub config: Config,
}

impl Cli {
    /// Whether it serves others: then what it says is for machines, a JSON document per line, and unasked.
    pub fn serves(&self) -> bool {
        #[cfg(feature = "server")]
        return matches!(self.command, Command::Serve(_));
        #[cfg(not(feature = "server"))]
        return false;
    }

    /// Whether it measures how well others are served.
    pub fn measures_serving(&self) -> bool {
        #[cfg(feature = "server")]
        return matches!(self.command, Command::Bench(bench::Command::Http(_)));
        #[cfg(not(feature = "server"))]
        return false;
    }

    /// How data and errors are printed, as far as the arguments say so.
    pub fn format(&self) -> Format {
        self.globals.format.unwrap_or(Format::Table)
    }

    /// Where a server listens, as far as the arguments say so.
    #[cfg(feature = "server")]
    fn listens_on(&self) -> Option<String> {
        match &self.command {
            Command::Serve(arguments) => arguments.listen.map(|address| address.to_string()),
            _ => None,
        }
    }

    /// The configuration file that the arguments name.
    pub fn config_file(&self) -> Option<&Path> {
        self.globals.config.as_deref()
    }

    /// Whether the environment and the configuration file mean anything to it.
    pub fn is_configured(&self) -> bool {
        let of_itself = matches!(
            self.command,
            Command::Config(settings::Command::Check(_)) | Command::Completions(_) | Command::Man(_)
        );
        !of_itself
    }

    /// What the arguments set.
    pub fn flags(&self) -> Vec<(&'static str, Value)> {
        let Globals { store, master_key_file, migrate, actor, auto_provision, format, verbose, .. } =
            &self.globals;
        let text = |text: &String| Value::Text(text.clone());
        let path = |path: &PathBuf| Value::Text(path.display().to_string());
        let word =
            |format: Format| format.to_possible_value().map(|word| Value::Text(word.get_name().to_owned()));
        let flags = [
            ("store", store.as_ref().map(text)),
            ("master_key_file", master_key_file.as_ref().map(path)),
            ("migrate", migrate.then_some(Value::Switch(true))),
            ("actor", actor.as_ref().map(text)),
            ("auto_provision", auto_provision.then_some(Value::Switch(true))),
            ("format", format.and_then(word)),
            ("verbosity", (*verbose > 0).then_some(Value::Count(VERBOSITY_MAX.min(u64::from(*verbose))))),
        ];
        #[cfg(feature = "server")]
        let flags = flags.into_iter().chain([("server.listen", self.listens_on().map(Value::Text))]);
        flags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

impl Globals {
    /// Has what the environment and the file say in place of what the arguments leave out.
    fn fill(&mut self, config: &Config) {
        self.store = config.text("store");
        self.master_key_file = config.master_key_file();
        self.migrate = config.switch("migrate");
        self.actor = config.text("actor");
        self.auto_provision = config.switch("auto_provision");
        self.format = Some(Format::of(config));
    }
}

/// Why arguments cannot be read. Whatever the environment says is no part of what was typed, so the usage line leaves it out.
pub fn unreadable(arguments: &[OsString], error: clap::Error) -> clap::Error {
    let command = Cli::command().mut_args(|argument| argument.env(None::<&'static str>));
    match command.try_get_matches_from(arguments) {
        Err(bare) if bare.kind() == error.kind() => bare,
        _ => error,
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
    let config = surroundings.config.clone().with(cli.flags());
    let Cli { mut globals, command } = cli;
    // The environment and the file name the store that is in service. What fills a store with made-up data takes only one
    // that was named on the command line.
    let explicit = globals.store.clone();
    globals.fill(&config);
    if let Some(why) = globals.store.as_deref().and_then(stores::misnamed) {
        return Err(Failure::of_argument("--store", why));
    }
    let command = match command {
        Command::Demo(DemoArguments { orders }) => {
            let store = explicit.is_some().then(|| session::open_options(&globals, surroundings));
            return demo::run(demo::Demo { store, orders, leaves_a_port: false }, output).await;
        }
        Command::Bench(command) => return bench::run(command, explicit, output).await,
        #[cfg(feature = "server")]
        Command::Serve(arguments) => {
            let named = explicit.is_some();
            return serve::run(&arguments, named, &globals, surroundings, &config, output).await;
        }
        Command::Config(command) => return settings::run(&command, &config, output),
        Command::Export(audit::export::Arguments {
            command: Some(audit::export::Command::Verify { folder, key }),
            ..
        }) => return audit::export::verify(&folder, &key, output),
        Command::Verify(audit::verify::Arguments { pack: Some(pack), key, .. }) => {
            return audit::evidence::verify(&pack, &key, output);
        }
        Command::Completions(arguments) => return shell::completions(&arguments, output),
        Command::Man(arguments) => return shell::man(&arguments, output),
        command => command,
    };
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
            Self::Migrate
                | Self::Log(_)
                | Self::Import(_)
                | Self::Readers
                | Self::Settle
                | Self::Rebuild(_)
                | Self::Checkpoint(_)
                | Self::Prove(_)
                | Self::Audited(_)
                | Self::Verify(_)
                | Self::Keys(
                    keys::Command::List
                        | keys::Command::Revoke { .. }
                        | keys::Command::Backup { .. }
                        | keys::Command::Restore { .. }
                        | keys::Command::Checkpoint(_)
                )
        );
        !looks_away
    }

    /// What is asked, where it is a read of the audit, which is recorded before anything is shown. To verify shows nothing
    /// that was recorded, and leaves a store as it was found.
    fn audit_read(&self) -> Option<String> {
        Some(match self {
            Self::Audit(command) => command.asked(),
            Self::Export(arguments) => arguments.asked(),
            Self::Prove(arguments) => arguments.asked(),
            Self::Evidence(arguments) => arguments.asked(),
            Self::Audited(_) => "audit reads".to_owned(),
            Self::Checkpoint(_) => "checkpoint".to_owned(),
            Self::Log(_) => "log".to_owned(),
            Self::Keys(command) => return command.asked(),
            _ => return None,
        })
    }
}

async fn dispatch(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    if command.looks() {
        session.catch_up(output).await?;
    }
    if let Some(asked) = command.audit_read() {
        session.record_read(&asked, output).await?;
    }
    match command {
        Command::Demo(_) | Command::Bench(_) => unreachable!("both open a store of their own"),
        Command::Config(_) | Command::Completions(_) | Command::Man(_) => unreachable!("none needs a store"),
        Command::Migrate => store::migrated(session, output).await,
        Command::Stock(command) => stock::run(session, command, output).await,
        Command::Resellers(command) => resellers::run(session, command, output).await,
        Command::Orders(command) => orders::run(session, command, output).await,
        Command::PortRequests(command) => ports::run(session, command, output).await,
        Command::Companies(command) => companies::run(session, command, output).await,
        Command::LegalHold(command) => legal_hold::run(session, command, output).await,
        Command::Erase(arguments) => erase::run(session, arguments, output).await,
        Command::Numbers(command) => numbers::run(session, command, output).await,
        Command::Audit(command) => audit::run(session, command, output).await,
        Command::Log(arguments) => store::log(session, &arguments, output).await,
        #[cfg(feature = "server")]
        Command::Serve(_) => unreachable!("it opens an engine that works by itself"),
        Command::Checkpoint(arguments) => audit::checkpoint::run(session, &arguments, output).await,
        Command::Export(arguments) => audit::export::run(session, &arguments, output).await,
        Command::Audited(command) => audit::reads::run(session, &command, output).await,
        Command::Prove(arguments) => audit::prove::run(session, &arguments, output).await,
        Command::Evidence(arguments) => audit::evidence::run(session, &arguments, output).await,
        Command::Verify(arguments) => audit::verify::run(session, &arguments, output).await,
        Command::Keys(command) => keys::run(session, command, output).await,
        Command::Notices(command) => notices::run(session, command, output).await,
        Command::Import(arguments) => import::run(session, &arguments, output).await,
        Command::Readers => store::readers(session, output).await,
        Command::Addresses(command) => addresses::run(session, command, output).await,
        Command::Numbering(command) => numbering::run(session, command, output).await,
        Command::Rules(command) => rules::run(session, &command, output),
        Command::Settle => session.settle().await,
        Command::Rebuild(arguments) => store::rebuild(session, &arguments, output).await,
    }
}
