//! `orderwire bench verify`: how fast a log is verified.
//!
//! First a log is made by commands, as `bench store` does, and verified with everything that is derived from it. Then its streams are
//! copied under other ids until the log is as long as was asked for, and the log alone is verified: leaves, tree, order and
//! lifecycles do not know the difference. How much memory it takes is seen from outside, with `orderwire verify` on the store that is left.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use orderwire_domain::ids::StreamId;
use uuid::Uuid;

use super::{
    audit::{AuditLine, count, line},
    load::{Companies, Load},
    measure, used,
};
use crate::{
    audit::verify::{self, Plan, Report},
    edge::{self, Problem},
    engine::{
        Engine, Error,
        log::{Commit, NewEvent, SharedLog, StoreError, StoredEvent, StreamAppend},
        sealing::MasterKey,
        tiles::TILES,
    },
    stores::{self, Migrate},
};

/// Events that are copied together.
const COPIED_AT_ONCE: usize = 2_000;
/// Read models have caught up long before.
const CAUGHT_UP_WITHIN: Duration = Duration::from_hours(1);

/// What to measure.
#[derive(Clone, Debug)]
pub struct VerifyPlan {
    /// Which store; it must be empty.
    pub url: String,
    /// How long the log is at last.
    pub events: u64,
    /// Companies that commands choose from.
    pub companies: usize,
    /// How long commands are executed.
    pub commands: Duration,
}

/// Measures a store, unless somebody uses it already.
pub async fn verify(plan: &VerifyPlan) -> Result<Vec<AuditLine>, edge::Error> {
    if let Some(why) = used(&plan.url).await? {
        let expected = "an empty store for the measurement alone";
        return Err(edge::Error::refused(Problem::new("", "store_not_empty", why, expected)));
    }
    Ok(measured(plan).await?)
}

async fn measured(plan: &VerifyPlan) -> Result<Vec<AuditLine>, Error> {
    let log = stores::open(&plan.url, Migrate::Yes).await?;
    log.create_tables(&edge::open::tables()).await?;
    let engine = Engine::builder().background(false);
    let engine = engine.open(SharedLog::clone(&log), MasterKey::generate()).await?;
    let load = Load::prepare(&engine, plan.companies).await?;
    measure(&load, 64, Companies::All, plan.commands).await?;
    engine.catch_up(CAUGHT_UP_WITHIN).await?;
    let mut lines = Vec::new();
    let whole = verify::Plan { models: true, ..Plan::default() };
    let (report, rate) = timed(&engine, &whole).await?;
    lines.push(line("events of commands", count(report.to), "events", ""));
    lines.push(line("rows of read models", count(report.rows), "rows", ""));
    lines.push(line("verified with models and notices", rate, "a second", "at least 40,000"));
    copy(&engine, &log, report.to, plan.events).await?;
    engine.rebuild_reader(TILES).await?;
    let (report, rate) = timed(&engine, &Plan::default()).await?;
    lines.push(line("events with copies", count(report.to), "events", ""));
    lines.push(line("streams with copies", count(report.streams), "streams", ""));
    lines.push(line("verified", rate, "a second", "at least 200,000"));
    engine.close().await;
    Ok(lines)
}

/// Verifies, and answers how many events a second that were.
async fn timed(engine: &Engine, plan: &Plan) -> Result<(Report, f64), Error> {
    let begun = Instant::now();
    let report = verify::verify(engine, plan, |_| ()).await?;
    let took = begun.elapsed().as_secs_f64();
    match &report.finding {
        None => Ok((report.clone(), count(report.to) / took)),
        Some(finding) => Err(StoreError::Corrupt(finding.to_string()).into()),
    }
}

/// Copies the first events again and again, under other ids, until there are enough.
async fn copy(engine: &Engine, log: &SharedLog, first: u64, events: u64) -> Result<(), Error> {
    for copy in 1_u128.. {
        let mut after = 0;
        while after < first {
            if engine.head().await?.position >= events {
                return Ok(());
            }
            let limit = COPIED_AT_ONCE.min(usize::try_from(first - after).unwrap_or(usize::MAX));
            let page = engine.page(after, limit).await?;
            after += page.len() as u64;
            let batch: Vec<_> = page.iter().map(|event| Arc::new(copied(event, copy))).collect();
            log.append(&batch, 0).await?;
        }
    }
    Ok(())
}

/// The same event of another stream, in a commit of its own.
fn copied(event: &StoredEvent, copy: u128) -> Commit {
    let id = Uuid::now_v7();
    let (before, rest) = event.metadata.split_once("\"commit\":\"").expect("every event has its commit");
    let metadata = format!("{before}\"commit\":\"{}{}", id.simple(), &rest[32..]);
    let stream = StreamId { id: Uuid::from_u128(event.stream.id.as_u128() ^ copy), ..event.stream };
    let same = NewEvent {
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload: event.payload.clone(),
        metadata,
    };
    Commit {
        id,
        appends: vec![StreamAppend { stream, after: event.sequence - 1, events: vec![same] }],
        reads: Vec::new(),
        rests_on: Vec::new(),
        claims: Vec::new(),
        record: None,
        keys: Vec::new(),
        fence: None,
    }
}
