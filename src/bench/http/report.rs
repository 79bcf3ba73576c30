//! What was measured, as medians and ratios; a figure that is missing is an error.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{Error, Plan};

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    /// Requests to a route that does nothing.
    Nothing,
    /// Commands in process.
    InProcess,
    /// The same commands over HTTP.
    OverHttp,
    /// Commands in process, with all that follows from them.
    InProcessSettled,
    /// The same commands over HTTP, with all that follows from them.
    OverHttpSettled,
    /// Orders that were shown.
    Show,
    /// Searches for free numbers.
    Search,
    /// One bare transaction.
    BareMedian,
    /// One bare transaction in a hundred takes longer.
    BareP99,
    /// One draft over HTTP.
    WriteMedian,
    /// One draft in a hundred takes longer.
    WriteP99,
    /// From the start of a process until it is ready.
    Ready,
    /// The memory of that process.
    Memory,
}

/// How a row is shown: what it is of, in which unit, and what it should be of which other row.
struct Shown {
    row: Row,
    what: &'static str,
    unit: &'static str,
    against: Option<(Row, &'static str)>,
}

const fn shown(
    row: Row,
    what: &'static str,
    unit: &'static str,
    against: Option<(Row, &'static str)>,
) -> Shown {
    Shown { row, what, unit, against }
}

#[rustfmt::skip]
const SERVED: &[Shown] = &[
    shown(Row::Nothing, "requests to a route that does nothing", PER_SECOND, None),
    shown(Row::InProcess, "orders drafted and submitted in process: commands", PER_SECOND, None),
    shown(Row::OverHttp, "the same over HTTP: commands", PER_SECOND, Some((Row::InProcess, "in process; at least 0.5"))),
    shown(Row::InProcessSettled, "in process, until readers and fulfilment are done too: commands", PER_SECOND, None),
    shown(Row::OverHttpSettled, "over HTTP, until readers and fulfilment are done too: commands", PER_SECOND, Some((Row::InProcessSettled, "in process; at least 0.5"))),
    shown(Row::Show, "orders shown", PER_SECOND, Some((Row::Nothing, "the route that does nothing; at least 0.25"))),
    shown(
        Row::Search,
        "pages of free numbers in an area",
        PER_SECOND,
        Some((Row::Nothing, "the route that does nothing; at least 0.1")),
    ),
    shown(Row::BareMedian, "one bare transaction, median", MICROSECONDS, None),
    shown(Row::BareP99, "one bare transaction, p99", MICROSECONDS, None),
    shown(Row::WriteMedian, "one draft over HTTP alone, median", MICROSECONDS, Some((Row::BareMedian, "the bare median"))),
    shown(Row::WriteP99, "one draft over HTTP alone, p99", MICROSECONDS, Some((Row::BareP99, "the bare p99; at most 3"))),
    shown(Row::WriteP99, "one draft over HTTP alone, p99", MICROSECONDS, Some((Row::BareMedian, "the bare median"))),
];
#[rustfmt::skip]
const PROCESS: &[Shown] = &[
    shown(Row::Ready, "a process on this store, from its start until it is ready; below 300", "ms", None),
    shown(Row::Memory, "the memory of that process, idle; below 60", "MB", None),
];
const PER_SECOND: &str = "per second";
const MICROSECONDS: &str = "µs";

/// What was measured.
#[derive(Clone, Debug)]
pub struct Report {
    store: String,
    plan: Plan,
    rounds: BTreeMap<Row, Vec<f64>>,
    /// Events of the store in the end.
    pub(super) events: u64,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// In what.
    pub unit: &'static str,
    /// The median of the rounds.
    pub median: f64,
    /// The lowest and the highest round.
    pub rounds: (f64, f64),
    /// By the median of what it is compared with.
    pub ratio: Option<f64>,
    /// What it is compared with, and what the ratio should be.
    pub compared_with: String,
}

impl Report {
    pub(super) fn new(plan: &Plan) -> Self {
        let scheme = plan.url.split_once("://").map_or("sqlite", |(scheme, _)| scheme);
        Self { store: scheme.to_owned(), plan: plan.clone(), rounds: BTreeMap::new(), events: 0 }
    }

    pub(super) fn add(&mut self, row: Row, figure: f64) {
        self.rounds.entry(row).or_default().push(figure);
    }

    /// The median of what was seen, and what all but one in a hundred stayed below.
    pub(super) fn add_latencies(&mut self, rows: [Row; 2], mut seen: Vec<Duration>) -> Result<(), Error> {
        seen.sort_unstable();
        for (row, percent) in rows.into_iter().zip([50, 99]) {
            let at = (seen.len() * percent).div_ceil(100).saturating_sub(1);
            let took = seen.get(at).ok_or_else(|| Error::NotMeasured(format!("{row:?}")))?;
            self.add(row, took.as_secs_f64() * 1_000_000.0);
        }
        Ok(())
    }

    /// What was measured, in a line.
    pub fn title(&self) -> String {
        let Plan { companies, numbers, connections, turn, rounds, .. } = &self.plan;
        format!(
            "{}: {connections} connections, {companies} companies, {numbers} numbers, {rounds} rounds with turns of {} ms, \
             {} events in the end; medians",
            self.store,
            turn.as_millis(),
            self.events
        )
    }

    /// Every line, unless one of them is missing.
    pub fn lines(&self) -> Result<Vec<Figure>, Error> {
        let process = if self.plan.process.is_some() { PROCESS } else { &[] };
        SERVED.iter().chain(process).map(|shown| self.line(shown)).collect()
    }

    fn line(&self, shown: &Shown) -> Result<Figure, Error> {
        let missing = || Error::NotMeasured(shown.what.to_owned());
        let rounds = self.rounds.get(&shown.row).ok_or_else(missing)?;
        let of = |row| self.rounds.get(&row).and_then(|rounds| median(rounds)).ok_or_else(missing);
        let (middle, other) = (of(shown.row)?, shown.against.map(|(row, _)| of(row)).transpose()?);
        Ok(Figure {
            what: shown.what.to_owned(),
            unit: shown.unit,
            median: middle,
            rounds: (
                rounds.iter().copied().fold(f64::INFINITY, f64::min),
                rounds.iter().copied().fold(0.0, f64::max),
            ),
            ratio: other.map(|other| middle / other),
            compared_with: shown.against.map_or_else(String::new, |(_, bar)| bar.to_owned()),
        })
    }
}

/// The middle of what was measured, if that was anything: a rate of nothing is no figure.
fn median(rounds: &[f64]) -> Option<f64> {
    let mut rounds = rounds.to_vec();
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().filter(|median| *median > 0.0)
}
