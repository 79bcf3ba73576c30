//! `orderwire bench`: how fast a store is, beside what its database can do at all.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use super::{Failure, Output, output::Column};
use crate::bench::{self, Line, Plan};

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Commands executed by the engine, on an empty store, beside bare transactions of the same database
    Store(Arguments),
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

/// Measures, and prints what came of it.
pub async fn run(command: Command, store: Option<String>, output: &mut Output<'_>) -> Result<(), Failure> {
    let Command::Store(arguments) = command;
    let Some(url) = store else {
        let folder = own_folder()?;
        let url = folder.join("store.db").display().to_string();
        output.remark(&format!("measuring on {url}, which is deleted afterwards; --store names another"))?;
        let measured = measure(arguments, url, output).await;
        std::fs::remove_dir_all(&folder)?;
        return measured;
    };
    measure(arguments, url, output).await
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

/// A folder that nobody has.
fn own_folder() -> std::io::Result<PathBuf> {
    let name = format!("orderwire-bench-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder)?;
    Ok(folder)
}
