//! `orderwire bench audit`: how long proofs take in a long log, and what its tree costs those who append.
//!
//! The log is made fast: events of a caller's usual size, which mean nothing, are handed to the store itself in large
//! batches, without commands, decisions or claims; everything else is what a store does. Then the built-in reader makes
//! its tiles, and proofs of random events are asked for, in the log as it is and as it was at random sizes. Every proof is
//! verified. What hashing costs is measured apart, over the same events, and compared with what was appended in the same
//! run: with bare batches, where it weighs most, and with commands.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use orderwire_domain::ids::{OrderId, StreamId};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Plan,
    load::{Companies, Load},
    measure, used,
};
use crate::{
    audit::proofs::{self, ProvingError},
    edge::{self, Problem},
    engine::{
        Engine, Error,
        leaf::{Frontier, LeafEntry},
        log::{Commit, NewEvent, SharedLog, StreamAppend, Verdict},
        sealing::MasterKey,
        tiles::TILES,
    },
    stores::{self, Migrate, sql::LOG_ID},
};

/// Events of one batch: as many as the store takes in one transaction of the engine.
const BATCH: u64 = 5_000;
/// Bytes of a payload, and of metadata: together what an event of a real caller has.
const PAYLOAD_BYTES: usize = 400;
const METADATA_BYTES: usize = 450;
/// Proofs of each kind.
const PROOFS: u64 = 2_000;
/// Events that are hashed to learn what that costs.
const HASHED: u64 = 100_000;

/// What to measure.
#[derive(Clone, Debug)]
pub struct AuditPlan {
    /// Which store; it must be empty.
    pub url: String,
    /// How long the log is.
    pub events: u64,
    /// How long commands are measured for comparison; not at all where this is nothing.
    pub commands: Duration,
}

/// A figure.
#[derive(Clone, Debug, Serialize)]
pub struct AuditLine {
    /// What was measured.
    pub what: &'static str,
    /// The figure.
    pub figure: f64,
    /// In what.
    pub unit: &'static str,
    /// What it should be.
    pub bar: &'static str,
}

/// Measures a store, unless somebody uses it already.
pub async fn audit(plan: &AuditPlan) -> Result<Vec<AuditLine>, edge::Error> {
    if let Some(why) = used(&plan.url).await? {
        let expected = "an empty store for the measurement alone";
        return Err(edge::Error::refused(Problem::new("", "store_not_empty", why, expected)));
    }
    Ok(measured(plan).await?)
}

async fn measured(plan: &AuditPlan) -> Result<Vec<AuditLine>, Error> {
    let log = stores::open(&plan.url, Migrate::Yes).await?;
    log.create_tables(&Engine::tables()).await?;
    let engine = Engine::builder().background(false);
    let engine = engine.open(SharedLog::clone(&log), MasterKey::generate()).await?;
    let mut lines = Vec::new();
    let hashing = hashing();
    lines.push(line("hashing an event, and adding it to the tree", hashing * 1e6, "µs", ""));
    if !plan.commands.is_zero() {
        let load = Load::prepare(&engine, 20_000).await?;
        let before = engine.head().await?.position;
        let begun = Instant::now();
        measure(&load, 64, Companies::All, plan.commands).await?;
        let each = begun.elapsed().as_secs_f64() / count(engine.head().await?.position - before);
        lines.push(line("events of commands, 64 in flight", 1.0 / each, "a second", ""));
        lines.push(line("share of hashing in that", 100.0 * hashing / each, "%", "at most 10 %"));
    }
    let each = fill(&log, plan.events).await?;
    lines.push(line("bare events in batches of 5,000", 1.0 / each, "a second", ""));
    lines.push(line("share of hashing in that", 100.0 * hashing / each, "%", ""));
    let begun = Instant::now();
    engine.rebuild_reader(TILES).await?;
    let size = engine.head().await?.position;
    lines.push(line(
        "events whose tiles were made",
        count(size) / begun.elapsed().as_secs_f64(),
        "a second",
        "",
    ));
    lines.push(line("events in the log", count(size), "events", ""));
    proofs_of(&engine, size, &mut lines).await?;
    engine.close().await;
    Ok(lines)
}

/// Proofs of random events, and between random sizes.
async fn proofs_of(engine: &Engine, size: u64, lines: &mut Vec<AuditLine>) -> Result<(), Error> {
    let bar = "at most 5 ms";
    let names = [
        ["inclusion in the log as it is, median", "inclusion in the log as it is, 99th percentile"],
        ["inclusion in the log as it was, median", "inclusion in the log as it was, 99th percentile"],
        ["consistency, median", "consistency, 99th percentile"],
    ];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for (kind, [median, highest]) in names.into_iter().enumerate() {
        let mut took = Vec::new();
        for _ in 0..PROOFS {
            let older = numbers.up_to(size);
            let position = numbers.up_to(if kind == 0 { size } else { older });
            let begun = Instant::now();
            match kind {
                0 => proofs::inclusion(engine, position, None).await.map(|_| ()),
                1 => proofs::inclusion(engine, position, Some(older)).await.map(|_| ()),
                _ => proofs::consistency(engine, position, Some(older)).await.map(|_| ()),
            }
            .map_err(|error| match error {
                ProvingError::Engine(error) => error,
                other => unreachable!("it was asked for what is there: {other}"),
            })?;
            took.push(begun.elapsed());
        }
        took.sort_unstable();
        lines.push(line(median, ms(took[took.len() / 2]), "ms", bar));
        lines.push(line(highest, ms(took[took.len() * 99 / 100]), "ms", bar));
    }
    Ok(())
}

/// Appends events that mean nothing; answers how long each took, in seconds.
async fn fill(log: &SharedLog, events: u64) -> Result<f64, Error> {
    let (mut left, begun) = (events, Instant::now());
    while left > 0 {
        let some = left.min(BATCH);
        left -= some;
        let stream = StreamId::from(OrderId(Uuid::now_v7()));
        let append = StreamAppend { stream, after: 0, events: (0..some).map(event).collect() };
        let commit = Commit {
            id: Uuid::now_v7(),
            appends: vec![append],
            reads: Vec::new(),
            rests_on: Vec::new(),
            claims: Vec::new(),
            record: None,
            keys: Vec::new(),
            fence: None,
        };
        let verdicts = log.append(&[Arc::new(commit)], 0).await?;
        assert!(matches!(verdicts[..], [Verdict::Appended(_)]), "a new stream is where it should be");
    }
    Ok(begun.elapsed().as_secs_f64() / count(events))
}

fn event(n: u64) -> NewEvent {
    let text = |bytes: usize| format!("{{\"n\":{n:020},\"text\":\"{}\"}}", "x".repeat(bytes - 36));
    NewEvent {
        event_type: "BenchEvent".to_owned(),
        event_version: "1".to_owned(),
        payload: text(PAYLOAD_BYTES),
        metadata: text(METADATA_BYTES),
    }
}

/// How long an event's leaf and its place in the tree take, in seconds.
fn hashing() -> f64 {
    let events: Vec<NewEvent> = (0..1_000).map(event).collect();
    let stream = StreamId::from(OrderId(Uuid::now_v7()));
    let mut tree = Frontier::default();
    let begun = Instant::now();
    for (position, event) in (1..=HASHED).zip(events.iter().cycle()) {
        let entry = LeafEntry {
            log_id: LOG_ID,
            position,
            stream,
            sequence: position,
            event_type: &event.event_type,
            event_version: &event.event_version,
            recorded_at_us: 0,
            payload: &event.payload,
            metadata: &event.metadata,
        };
        tree.push(entry.hash());
    }
    let took = begun.elapsed().as_secs_f64();
    assert_eq!(tree.leaves(), HASHED, "nothing of it was left out");
    took / count(HASHED)
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// One from 1 to the greatest.
    fn up_to(&mut self, greatest: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % greatest + 1
    }
}

fn line(what: &'static str, figure: f64, unit: &'static str, bar: &'static str) -> AuditLine {
    AuditLine { what, figure, unit, bar }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "no bench has 2^52 events")]
fn count(events: u64) -> f64 {
    events as f64
}

impl AuditPlan {
    /// The plan that the quality bar asks for.
    pub fn of(url: impl Into<String>) -> Self {
        let Plan { url, round, .. } = Plan::of(url);
        Self { url, events: 10_000_000, commands: round }
    }
}
