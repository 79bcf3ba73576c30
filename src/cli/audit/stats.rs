//! `orderwire stats`: orders by state over time, as a table, as data, or as a picture.

use std::{collections::BTreeMap, fs, path::PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde::Serialize;

use super::moment;
use crate::{
    audit::{
        Moment,
        stats::{Stays, stats},
    },
    cli::{
        Failure, Output,
        output::{Column, Format, time},
        session::Session,
    },
};

/// Over which time, and where to.
#[derive(Debug, Args)]
pub struct Arguments {
    /// From this time on; from the first event where none is named
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this time; up to the last event where none is named
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Print how many orders were in each state at evenly spaced moments, instead of how long they stayed
    #[arg(long)]
    series: bool,
    /// Write a picture of the series there
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const STAYS: &[Column<Stays>] = &[
    ("state", |it| it.state.replace('_', " ")),
    ("orders now", |it| it.now.to_string()),
    ("stays ended", |it| it.left.to_string()),
    ("median", |it| span(it.median_s)),
    ("p95", |it| span(it.p95_s)),
    ("longest", |it| span(it.longest_s)),
];

/// One moment of the series, a column per state.
#[derive(Serialize)]
struct Row {
    at: DateTime<Utc>,
    #[serde(flatten)]
    orders: BTreeMap<&'static str, u64>,
}

const ROW: &[Column<Row>] = &[
    ("at", |it| time(it.at)),
    ("orders", |it| {
        let there = it.orders.iter().filter(|(_, count)| **count > 0);
        let shown: Vec<String> = there.map(|(state, count)| format!("{state}={count}")).collect();
        if shown.is_empty() { "-".to_owned() } else { shown.join(" ") }
    }),
];

/// Prints the stats.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("counting every order")?;
    let (from, to) = (when("--from", arguments.from.as_deref())?, when("--to", arguments.to.as_deref())?);
    let found = stats(&session.engine, from, to).await?;
    if let Some(file) = &arguments.svg {
        fs::write(file, found.to_svg()).map_err(|error| {
            Failure::Unforeseen(anyhow::anyhow!("cannot write {}: {error}", file.display()))
        })?;
        output.remark(&format!("the picture is in {}", file.display()))?;
    }
    if arguments.series {
        let known: BTreeMap<&'static str, u64> = found.states.iter().map(|it| (it.state, 0)).collect();
        let rows = found.series.iter().map(|point| {
            let mut orders = known.clone();
            orders.extend(&point.orders);
            Row { at: point.at, orders }
        });
        return Ok(output.list(&rows.collect::<Vec<_>>(), ROW)?);
    }
    match output.format() {
        Format::Table | Format::Csv => output.list(&found.states, STAYS)?,
        Format::Json | Format::Jsonl => output.one(&found, &[])?,
    }
    output.remark(&format!(
        "{} orders from {} to {}, up to position {}",
        found.orders,
        time(found.from),
        time(found.to),
        found.position
    ))?;
    Ok(())
}

fn when(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Failure> {
    match text.map(|text| moment(name, text)).transpose()? {
        None => Ok(None),
        Some(Moment::Time(time)) => Ok(Some(time)),
        Some(Moment::Position(_)) => Err(Failure::of_argument(name, "it is a position; expected a time")),
    }
}

/// A length of time for people: its two largest units.
fn span(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "-".to_owned() };
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a time that fits a log")]
    let span = TimeDelta::milliseconds((seconds * 1_000.0).round() as i64);
    let (days, hours, minutes) = (span.num_days(), span.num_hours() % 24, span.num_minutes() % 60);
    match span {
        _ if days > 0 => format!("{days}d {hours}h"),
        _ if hours > 0 => format!("{hours}h {minutes}min"),
        _ if minutes > 0 => format!("{minutes}min {}s", span.num_seconds() % 60),
        _ if span.num_seconds() > 0 => format!("{seconds:.1}s"),
        _ => format!("{}ms", span.num_milliseconds()),
    }
}
