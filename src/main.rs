//! The `orderwire` binary.

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};
use orderwire::{
    cli::demo::{self, Demo},
    edge::open::OpenOptions,
};

/// The event-sourced order core of telecom wholesale.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The store: a path, `sqlite:PATH` or `postgres://…`.
    #[arg(long, global = true, env = "ORDERWIRE_STORE")]
    store: Option<String>,
    /// How answers are printed.
    #[arg(long, global = true, default_value = "table")]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Watch orders go through their whole life on a simulated clock.
    Demo {
        /// How many orders in all.
        #[arg(long, default_value_t = demo::ORDERS)]
        orders: u32,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Command::Demo { orders } = arguments.command;
    let demo =
        Demo { store: arguments.store.map(OpenOptions::of), orders, json: arguments.format == Format::Json };
    let mut out = std::io::stdout();
    let played = demo::run(demo, &mut out).await;
    match played.and_then(|()| Ok(out.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
