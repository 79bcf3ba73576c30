//! `orderwire bench`: how fast a store is, beside what its database can do at all; and a server, beside the engine.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use super::{Failure, Output, output::Column};
#[cfg(feature = "server")]
use crate::bench::http;
use crate::bench::{self, AuditLine, AuditPlan, Line, Plan};

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Commands executed by the engine, on an empty store, beside bare transactions of the same database
    Store(Arguments),
    /// Proofs in a long log, and what its tree costs those who append, on an empty store
    Audit(AuditArguments),
    /// Orders over HTTP, beside the same commands in process and a route that does nothing, on an empty store
    #[cfg(feature = "server")]
    Http(HttpArguments),
}

/// How much to measure. What is not named is as the quality bars ask for, and takes about twenty minutes.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Companies that commands choose from; half of them fit the cache, and of a few all
    #[arg(long, default_value_t = 20_000)]
    companies: usize,
    /// Commands in flight
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 512])]
    in_flight: Vec<usize>,
    /// How many seconds each measurement of a round takes
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many interleaved rounds; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// How much to measure. What is not named is as the quality bar asks for: it takes some ten minutes, and 15 GB.
#[derive(Debug, Args)]
pub struct AuditArguments {
    /// How many events the log has
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// How many seconds commands are measured for comparison; 0 for not at all
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// How much to measure. What is not named takes about seven minutes.
#[cfg(feature = "server")]
#[derive(Debug, Args)]
pub struct HttpArguments {
    /// Companies that orders are for, in turn
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    companies: u32,
    /// Numbers of the stock
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000))]
    numbers: u64,
    /// Connections, and commands in flight in process
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// How many seconds each turn of a round takes
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many rounds; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measure a process of its own too, on the store that is left: how soon it is ready, and its memory
    #[arg(long)]
    process: bool,
}

/// Measures, and prints what came of it.
pub async fn run(command: Command, store: Option<String>, output: &mut Output<'_>) -> Result<(), Failure> {
    let folder = own_folder()?;
    let url = store.unwrap_or_else(|| folder.join("store.db").display().to_string());
    if url.starts_with(&*folder.to_string_lossy()) {
        output.remark(&format!("measuring on {url}, which is deleted afterwards; --store names another"))?;
    }
    let measured = match command {
        Command::Store(arguments) => measure(arguments, url, output).await,
        Command::Audit(arguments) => measure_audit(&arguments, url, output).await,
        #[cfg(feature = "server")]
        Command::Http(arguments) => measure_http(arguments, url, &folder, output).await,
    };
    std::fs::remove_dir_all(&folder)?;
    measured
}

#[cfg(feature = "server")]
async fn measure_http(
    arguments: HttpArguments,
    url: String,
    folder: &std::path::Path,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let plan = http::Plan {
        url,
        master_key: folder.join("master-key"),
        companies: arguments.companies as usize,
        numbers: arguments.numbers,
        connections: arguments.connections as usize,
        turn: Duration::from_secs(arguments.seconds),
        rounds: arguments.rounds,
        process: arguments.process.then(std::env::current_exe).transpose()?,
    };
    let report = http::measure(&plan).await?;
    let lines = report.lines()?;
    output.remark(&report.title())?;
    let columns: [Column<http::Figure>; 6] = [
        ("measured", |figure| figure.what.clone()),
        ("median", |figure| shown(figure.median)),
        ("in", |figure| figure.unit.to_owned()),
        ("lowest to highest round", |figure| {
            format!("{} to {}", shown(figure.rounds.0), shown(figure.rounds.1))
        }),
        ("ratio", |figure| figure.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))),
        ("to", |figure| figure.compared_with.clone()),
    ];
    Ok(output.list(&lines, &columns)?)
}

/// A figure in as many digits as it deserves.
#[cfg(feature = "server")]
fn shown(figure: f64) -> String {
    if figure < 1_000.0 { format!("{figure:.1}") } else { format!("{figure:.0}") }
}

async fn measure(arguments: Arguments, url: String, output: &mut Output<'_>) -> Result<(), Failure> {
    let plan = Plan {
        companies: arguments.companies,
        in_flight: arguments.in_flight,
        round: Duration::from_secs(arguments.seconds),
        rounds: arguments.rounds,
        ..Plan::of(url)
    };
    let report = bench::store(&plan).await?;
    output.remark(&report.title())?;
    output.remark(&report.cold_start())?;
    let columns: [Column<Line>; 5] = [
        ("measured", |line| line.what.clone()),
        ("per second", |line| format!("{:.0}", line.per_second)),
        ("lowest to highest round", |line| format!("{:.0} to {:.0}", line.rounds.0, line.rounds.1)),
        ("ratio", |line| line.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))),
        ("to", |line| line.compared_with.clone()),
    ];
    Ok(output.list(&report.lines(), &columns)?)
}

async fn measure_audit(
    arguments: &AuditArguments,
    url: String,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let commands = Duration::from_secs(arguments.seconds);
    let plan = AuditPlan { events: arguments.events, commands, ..AuditPlan::of(url) };
    let lines = bench::audit(&plan).await?;
    let columns: [Column<AuditLine>; 4] = [
        ("measured", |line| line.what.to_owned()),
        ("figure", |line| format!("{:.2}", line.figure)),
        ("in", |line| line.unit.to_owned()),
        ("bar", |line| line.bar.to_owned()),
    ];
    Ok(output.list(&lines, &columns)?)
}

/// A folder that nobody has.
fn own_folder() -> std::io::Result<PathBuf> {
    let name = format!("orderwire-bench-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder)?;
    Ok(folder)
}
