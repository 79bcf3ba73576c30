//! `orderwire bench store`: how fast a store executes commands, beside what its database can do at all.
//!
//! Everything is measured in one run on one machine, in interleaved rounds, and given as a ratio: machines are noisy, and
//! a figure alone says little. The load is honest: live streams chosen uniformly with a cache that holds half of them,
//! creations among commands on existing streams, claims and an idempotency key each, events of at least 500 bytes.

mod audit;
mod load;
mod report;
#[cfg(feature = "server")]
pub mod http;

use std::time::{Duration, Instant};

use self::load::{Companies, Load};
use self::report::Row;
pub use self::{
    audit::{AuditLine, AuditPlan, audit},
    report::{Line, Report},
};
use crate::{
    edge::{self, Problem, open::KEY_SETTING},
    engine::{Engine, Error, log::StoreError, sealing::MasterKey},
    stores::{self, Migrate, baseline::Bare},
};

/// The cache has room for this many streams, however few companies there are: one that forgot what is in flight would
/// decide on what is old, and lose every race against itself.
const AT_HAND_MIN: usize = 1_024;

/// What to measure, and how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which store; it must be empty.
    pub url: String,
    /// Companies that commands choose from.
    pub companies: usize,
    /// Commands in flight.
    pub in_flight: Vec<usize>,
    /// How long each measurement of a round takes.
    pub round: Duration,
    /// How many rounds; the median counts.
    pub rounds: usize,
}

impl Plan {
    /// The plan that the quality bars ask for.
    pub fn of(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            companies: 20_000,
            in_flight: vec![1, 16, 64, 512],
            round: Duration::from_secs(10),
            rounds: 5,
        }
    }
}

/// Measures a store, unless somebody uses it already.
pub async fn store(plan: &Plan) -> Result<Report, edge::Error> {
    if let Some(why) = used(&plan.url).await? {
        let expected = "an empty store for the measurement alone";
        return Err(edge::Error::refused(Problem::new("", "store_not_empty", why, expected)));
    }
    Ok(measured(plan).await?)
}

/// Why a store is not for measuring, found before anything of it is changed.
async fn used(url: &str) -> Result<Option<&'static str>, Error> {
    let log = match stores::open(url, Migrate::No).await {
        Ok(log) => log,
        Err(StoreError::SchemaOlder { found: 0, .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let looked = async { Ok((log.head().await?.position, log.setting(KEY_SETTING).await?)) }.await;
    log.close().await;
    Ok(match looked.map_err(|error: StoreError| Error::from(error))? {
        (1.., _) => Some("the store has a history already"),
        (0, Some(_)) => Some("the store has a master key already"),
        (0, None) => None,
    })
}

async fn measured(plan: &Plan) -> Result<Report, Error> {
    let log = stores::open(&plan.url, Migrate::Yes).await?;
    log.create_tables(&Engine::tables()).await?;
    let key = MasterKey::generate();
    let engine = Engine::builder()
        .background(false)
        .aggregates_at_hand((plan.companies / 2).max(AT_HAND_MIN))
        .open(log, key.clone())
        .await?;
    let load = Load::prepare(&engine, plan.companies).await?;
    let bytes = load.event_bytes().await?;
    let mut report = Report::new(&plan.url, plan, bytes);
    let bare = Bare::open(&plan.url).await?;
    for _ in 0..plan.rounds {
        for in_flight in plan.in_flight.iter().copied() {
            for rows in [1, 64] {
                let rate = bare.rows_per_second(in_flight, rows, bytes, plan.round).await?;
                report.add(Row::Raw { in_flight, rows }, rate);
            }
            let rate = measure(&load, in_flight, Companies::All, plan.round).await?;
            report.add(Row::Commands { in_flight }, rate);
        }
        for (companies, row) in
            [(Companies::First(1), Row::OneCompany), (Companies::First(64), Row::SixtyFour)]
        {
            let rate = measure(&load, 64, companies, plan.round).await?;
            report.add(row, rate);
        }
    }
    let events = engine.head().await?.position;
    engine.close().await;
    for _ in 0..plan.rounds {
        report.start(events, cold_start(&plan.url, key.clone()).await?);
    }
    Ok(report)
}

/// How long it takes from nothing to an engine that has found its place in the log and loaded a stream of it.
async fn cold_start(url: &str, key: MasterKey) -> Result<Duration, Error> {
    let begun = Instant::now();
    let log = stores::open(url, Migrate::No).await?;
    let engine = Engine::builder().background(false).open(log, key).await?;
    let last = engine.page(engine.head().await?.position.saturating_sub(1), 1).await?;
    for event in &last {
        engine.state(event.stream).await?;
    }
    let took = begun.elapsed();
    engine.close().await;
    Ok(took)
}

/// Commands per second with so many in flight.
async fn measure(load: &Load, in_flight: usize, companies: Companies, round: Duration) -> Result<f64, Error> {
    let begun = Instant::now();
    let until = begun + round;
    let tasks = (0..in_flight).map(|task| {
        let load = load.clone();
        tokio::spawn(async move { load.run(task as u64, companies, until).await })
    });
    let mut done = 0;
    for task in futures::future::join_all(tasks).await {
        done += task.map_err(|_| Error::Closed)??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate of commands is far below 2^52")]
    let done = done as f64;
    Ok(done / begun.elapsed().as_secs_f64())
}
