//! The clock as a port: nothing below the composition root reads the wall clock.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        // Microseconds are what the log stores; a finer time would not come back as it was.
        truncate(Utc::now())
    }
}

/// The wall clock, ahead by a span: for a log that has seen simulated times already.
#[derive(Clone, Copy, Debug)]
pub struct AheadClock(TimeDelta);

impl AheadClock {
    /// A clock that shows this time now, or the wall clock's where that is later.
    pub fn from(now: DateTime<Utc>) -> Self {
        Self((now - SystemClock.now()).max(TimeDelta::zero()))
    }
}

impl Clock for AheadClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.0
    }
}

/// A clock that stands still until it is moved: for demos, tests and simulations.
#[derive(Clone, Debug)]
pub struct SimulatedClock(Arc<AtomicI64>);

impl SimulatedClock {
    /// A clock that stands at this time.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(now.timestamp_micros())))
    }

    /// Moves it forward to this time; it never goes back.
    pub fn move_to(&self, now: DateTime<Utc>) {
        self.0.fetch_max(now.timestamp_micros(), Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> DateTime<Utc> {
        time(self.0.load(Ordering::SeqCst))
    }
}

/// The time of a number of microseconds since 1970, as the log stores them.
pub fn time(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn truncate(at: DateTime<Utc>) -> DateTime<Utc> {
    time(at.timestamp_micros())
}
