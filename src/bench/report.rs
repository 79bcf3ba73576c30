//! What was measured, as medians and ratios.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::Plan;

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// Rows of event size, written bare.
    Raw {
        /// Connections, or callers where the database has one writer.
        in_flight: usize,
        /// Rows per transaction.
        rows: usize,
    },
    /// Commands on companies chosen uniformly.
    Commands {
        /// Commands in flight.
        in_flight: usize,
    },
    /// 64 commands in flight on one company.
    OneCompany,
    /// 64 commands in flight on 64 companies.
    SixtyFour,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Report {
    store: String,
    event_bytes: usize,
    round_ms: u128,
    rates: BTreeMap<Row, Vec<f64>>,
    in_flight: Vec<usize>,
    events: u64,
    starts: Vec<Duration>,
}

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What was measured.
    pub what: String,
    /// The median, per second.
    pub per_second: f64,
    /// The lowest and the highest round, per second.
    pub rounds: (f64, f64),
    /// By the median of what it is compared with.
    pub ratio: Option<f64>,
    /// What it is compared with, and what the ratio should be.
    pub compared_with: String,
}

impl Report {
    pub(super) fn new(url: &str, plan: &Plan, event_bytes: usize) -> Self {
        let scheme = url.split_once("://").map_or("sqlite", |(scheme, _)| scheme);
        Self {
            store: scheme.to_owned(),
            event_bytes,
            round_ms: plan.round.as_millis(),
            rates: BTreeMap::new(),
            in_flight: plan.in_flight.clone(),
            events: 0,
            starts: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: Row, rate: f64) {
        self.rates.entry(row).or_default().push(rate);
    }

    pub(super) fn start(&mut self, events: u64, took: Duration) {
        self.events = events;
        self.starts.push(took);
    }

    /// How long an engine took to open on the store that had been filled, and to load a stream of it.
    pub fn cold_start(&self) -> String {
        let mut starts = self.starts.clone();
        starts.sort();
        let ms = |took: Option<&Duration>| took.map_or(0.0, |took| took.as_secs_f64() * 1_000.0);
        let (lowest, median, highest) = (starts.first(), starts.get(starts.len() / 2), starts.last());
        format!(
            "cold start on {} events: {:.1} ms, {:.1} to {:.1} ms",
            self.events,
            ms(median),
            ms(lowest),
            ms(highest)
        )
    }

    /// What was measured, in a line.
    pub fn title(&self) -> String {
        let rounds = self.rates.values().map(Vec::len).max().unwrap_or(0);
        format!(
            "{}: events of {} bytes, {rounds} rounds of {} ms each, medians",
            self.store, self.event_bytes, self.round_ms
        )
    }

    /// Every line.
    pub fn lines(&self) -> Vec<Line> {
        let raw = |in_flight| self.median(Row::Raw { in_flight, rows: 1 });
        let mut lines = Vec::new();
        for in_flight in self.in_flight.iter().copied() {
            for rows in [1, 64] {
                let what = format!("bare transactions of {rows} rows, {in_flight} in flight: rows");
                lines.push(self.line(Row::Raw { in_flight, rows }, what, None, String::new()));
            }
            let bar = match in_flight {
                1 => "bare transaction; at least 0.67, that is 1.5 times its latency",
                64 if self.store.starts_with("postgres") => "bare transactions at 64; at least 1.5",
                512 if self.store.starts_with("postgres") => "bare transactions at 512; at least 3.0",
                _ => "bare transactions",
            };
            let what = format!("commands, {in_flight} in flight");
            lines.push(self.line(Row::Commands { in_flight }, what, raw(in_flight), bar.to_owned()));
        }
        let spread = self.median(Row::SixtyFour);
        let what = "commands, 64 in flight on 64 companies".to_owned();
        lines.push(self.line(Row::SixtyFour, what, None, String::new()));
        let what = "commands, 64 in flight on one company".to_owned();
        lines.push(self.line(Row::OneCompany, what, spread, "64 companies; at least 0.3".to_owned()));
        lines
    }

    fn line(&self, row: Row, what: String, against: Option<f64>, compared_with: String) -> Line {
        let rates = self.rates.get(&row).map(Vec::as_slice).unwrap_or_default();
        let per_second = self.median(row).unwrap_or(0.0);
        let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = rates.iter().copied().fold(0.0, f64::max);
        Line {
            what,
            per_second,
            rounds: (lowest, highest),
            ratio: against.map(|raw| per_second / raw),
            compared_with,
        }
    }

    fn median(&self, row: Row) -> Option<f64> {
        let mut rates = self.rates.get(&row)?.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    }
}
