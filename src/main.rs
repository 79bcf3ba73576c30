//! The composition root of the binary: arguments, configuration, output and how it all ends.
//!
//! Beside `config`, which reads the environment, the only place that knows what is around the process.

use std::{env, ffi::OsString, io, process::ExitCode};

use clap::Parser as _;
use orderwire::{
    cli::{self, Bars, Cli, Failure, Format, Output, Surroundings},
    config::{self, Config, ConfigError},
};
use tracing_subscriber::filter::LevelFilter;

/// Decisions allocate much and briefly, on every thread; the system's allocator costs them a quarter of their time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            return unread(&cli::unreadable(&arguments, error), cli::format_asked(&arguments));
        }
    };
    let config = match configuration(&cli) {
        Ok(config) => config.with(cli.flags()),
        Err(error) => return ended(&error.into(), cli.format()),
    };
    // A server says what it does, unasked.
    let verbosity = config.count("verbosity") + u64::from(cli.serves());
    tell(verbosity, &cli);
    let format = Format::of(&config);
    // What the engine says would go through a bar.
    let bars = if verbosity == 0 { Bars::on_a_terminal() } else { Bars::None };
    let mut output = Output::new(format, io::BufWriter::new(io::stdout()), io::stderr()).with_bars(bars);
    let surroundings = Surroundings { state_folder: config.state_folder(), clock: None, config };
    let done = cli::run(cli, &surroundings, &mut output).await;
    match done.and_then(|()| Ok(output.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has had enough of it.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => ended(&failure, format),
    }
}

fn ended(failure: &Failure, format: Format) -> ExitCode {
    eprintln!("{}", failure.shown(format));
    ExitCode::from(failure.exit() as u8)
}

/// Ends where the arguments are not a command: with what is wrong, or with the help or version that was asked for.
fn unread(error: &clap::Error, format: Format) -> ExitCode {
    match format {
        Format::Json | Format::Jsonl if error.use_stderr() => ended(&Failure::of_arguments(error), format),
        _ => error.exit(),
    }
}

/// What the environment and the configuration file say, to those who ask.
fn configuration(cli: &Cli) -> Result<Config, ConfigError> {
    if cli.is_configured() { config::read(cli.config_file()) } else { Ok(Config::default()) }
}

/// Lets the engine say on stderr what it does; nothing unless it was asked for, or it serves others. A measured server
/// does as one in service does, and nobody reads it.
fn tell(verbosity: u64, cli: &Cli) {
    if cli.measures_serving() && verbosity == 0 {
        let told = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_writer(io::sink);
        return told.json().flatten_event(true).with_span_list(false).init();
    }

    let level = match verbosity {
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let told = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr);
    if cli.serves() { told.json().flatten_event(true).with_span_list(false).init() } else { told.init() }
}
