//! The composition root of the binary: the only place that reads arguments, environment and terminal.

use std::{env, ffi::OsString, io, io::IsTerminal as _, path::PathBuf, process::ExitCode};

use clap::Parser as _;
use orderwire::cli::{self, Cli, Failure, Format, Output, Surroundings};
use tracing_subscriber::filter::LevelFilter;

/// Decisions allocate much and briefly, on every thread; the system's allocator costs them a quarter of their time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return unread(&error, cli::format_asked(&arguments)),
    };
    tell(cli.verbosity());
    let format = cli.format();
    let mut output = Output::new(format, io::BufWriter::new(io::stdout()), io::stderr());
    let terminal = io::stderr().is_terminal();
    let surroundings = Surroundings { state_folder: state_folder(), clock: None, terminal };
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

/// Where programs of this user keep what they need to know (XDG Base Directory Specification).
fn state_folder() -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local").join("state"));
    env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute()).or_else(home)
}

/// Lets the engine say on stderr what it does; nothing unless it was asked for.
fn tell(verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).init();
}
