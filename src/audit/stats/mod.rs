//! Orders by state over time, and how long they stayed in each.
//!
//! The log is streamed once. Kept are the orders that have not ended, the counts at so many moments, and how often each
//! length of stay occurred, to a thousandth: memory grows with the orders that are open and not with the log. Deliberately
//! absent: lines, and what an order is about.

mod follow;
mod plot;
mod spans;

use std::{collections::BTreeMap, ops::ControlFlow};

use chrono::{DateTime, TimeDelta, Utc};
use orderwire_domain::order::OrderStatus;
use serde::Serialize;
use strum::VariantArray as _;

use self::{follow::Following, spans::Spans};
use super::{moment::shown, walk};
use crate::{
    edge::{Error, Problem},
    engine::{Engine, clock, log::Position},
};

/// Steps between the first and the last moment of a series.
const STEPS: i32 = 60;

/// Orders by state over time.
#[derive(Clone, Debug, Serialize)]
pub struct Stats {
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The last one.
    pub to: DateTime<Utc>,
    /// The last position of the log that was looked at.
    pub position: Position,
    /// Orders that had been begun by the last moment.
    pub orders: u64,
    /// Each state that an order was in, in the order of its life.
    pub states: Vec<Stays>,
    /// How many orders were in which state at evenly spaced moments.
    pub series: Vec<Point>,
}

/// How long orders stayed in a state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stays {
    /// The state.
    pub state: &'static str,
    /// Orders in it at the last moment.
    pub now: u64,
    /// Stays that ended between the two moments; what has ended for good has none.
    pub left: u64,
    /// Half of these stays were no longer, in seconds, to a thousandth of it.
    pub median_s: Option<f64>,
    /// 95 of 100 were no longer.
    pub p95_s: Option<f64>,
    /// The longest.
    pub longest_s: Option<f64>,
}

/// How many orders were in which state at a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The moment.
    pub at: DateTime<Utc>,
    /// By state; where there were none, it is left out.
    pub orders: BTreeMap<&'static str, u64>,
}

impl Stats {
    /// The series as a picture.
    pub fn to_svg(&self) -> String {
        plot::svg(self)
    }
}

/// The stats of the log between two times; the whole of it where none are named.
pub async fn stats(
    engine: &Engine,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> Result<Stats, Error> {
    let head = engine.head().await?;
    let first = engine.page(0, 1).await?.first().map(|event| clock::time(event.recorded_at_us));
    let last = clock::time(head.recorded_at_us);
    let (from, to) = match (first, from, to) {
        (None, ..) => {
            let problem = Problem::new("", "log_empty", "nothing has happened yet", "a log with an event");
            return Err(Error::refused(problem));
        }
        (Some(first), from, to) => (from.unwrap_or(first), to.unwrap_or(last)),
    };
    if to < from {
        let detail = format!("{} is after {}", shown(from), shown(to));
        return Err(Error::refused(Problem::new("", "moments_swapped", detail, "the earlier time first")));
    }
    let mut gathered = Gathered::new(from, to);
    walk::log(engine, (0, head.position), |event| {
        let at = clock::time(event.recorded_at_us);
        if at > to {
            return Ok(ControlFlow::Break(()));
        }
        gathered.reach(at);
        if let Some(moved) = gathered.following.take(&event)? {
            gathered.moved(moved, at);
        }
        gathered.position = event.position;
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    Ok(gathered.finish())
}

/// An order that went from one state to another.
struct Moved {
    from: OrderStatus,
    since: DateTime<Utc>,
    to: OrderStatus,
}

struct Gathered {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    position: Position,
    following: Following,
    orders: u64,
    now: BTreeMap<OrderStatus, u64>,
    stays: BTreeMap<OrderStatus, Spans>,
    moments: std::iter::Peekable<std::vec::IntoIter<DateTime<Utc>>>,
    series: Vec<Point>,
}

impl Gathered {
    fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let moments: Vec<_> = (0..=STEPS).map(|step| from + (to - from) / STEPS * step).collect();
        // What a division leaves over must not cut off the end.
        let moments = moments.into_iter().take(STEPS.unsigned_abs() as usize).chain([to]);
        Self {
            from,
            to,
            position: 0,
            following: Following::default(),
            orders: 0,
            now: BTreeMap::new(),
            stays: BTreeMap::new(),
            moments: moments.collect::<Vec<_>>().into_iter().peekable(),
            series: Vec::new(),
        }
    }

    /// Takes down how it was at every moment before a time: nothing more happens then.
    fn reach(&mut self, at: DateTime<Utc>) {
        while let Some(moment) = self.moments.next_if(|moment| *moment < at) {
            let orders = self.now.iter().filter(|(_, count)| **count > 0);
            let orders = orders.map(|(status, count)| ((*status).into(), *count)).collect();
            self.series.push(Point { at: moment, orders });
        }
    }

    fn moved(&mut self, Moved { from, since, to }: Moved, at: DateTime<Utc>) {
        if from == OrderStatus::New {
            self.orders += 1;
        } else {
            *self.now.entry(from).or_default() -= 1;
            if at >= self.from {
                self.stays.entry(from).or_default().add(at - since);
            }
        }
        *self.now.entry(to).or_default() += 1;
    }

    fn finish(mut self) -> Stats {
        self.reach(DateTime::<Utc>::MAX_UTC);
        let none = Spans::default();
        let states = OrderStatus::VARIANTS.iter().filter_map(|status| {
            let now = self.now.get(status).copied()?;
            let spans = self.stays.get(status).unwrap_or(&none);
            let seconds = |span: Option<TimeDelta>| span.map(TimeDelta::as_seconds_f64);
            Some(Stays {
                state: (*status).into(),
                now,
                left: spans.count(),
                median_s: seconds(spans.at(0.5)),
                p95_s: seconds(spans.at(0.95)),
                longest_s: seconds(spans.longest()),
            })
        });
        let states = states.collect();
        let Self { from, to, position, orders, series, .. } = self;
        Stats { from, to, position, orders, states, series }
    }
}
