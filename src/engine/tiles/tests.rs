//! The reader of tiles on logs whose events mean nothing: it looks at leaves alone.

use std::sync::Arc;

use orderwire_domain::ids::{OrderId, StreamId};
use uuid::Uuid;

use super::*;
use crate::{
    engine::{
        log::{Commit, NewEvent, StreamAppend},
        sealing::MasterKey,
    },
    stores::memory::MemoryLog,
};

/// More than a whole tile of level 1.
pub(crate) const MANY: u64 = 66_000;

/// An engine over a log of so many events, and their leaves.
pub(crate) async fn long_log(events: u64) -> (SharedLog, Engine, Vec<Hash>) {
    let log: SharedLog = Arc::new(MemoryLog::new());
    log.create_tables(&Engine::tables()).await.unwrap();
    append(&log, events).await;
    let engine = open(&log, &MasterKey::generate()).await;
    let leaves = log.leaves(0, usize::MAX).await.unwrap();
    (log, engine, leaves)
}

async fn open(log: &SharedLog, key: &MasterKey) -> Engine {
    Engine::builder().background(false).open(SharedLog::clone(log), key.clone()).await.unwrap()
}

async fn append(log: &SharedLog, events: u64) {
    let event = |n| NewEvent {
        event_type: "Nothing".to_owned(),
        event_version: "1".to_owned(),
        payload: format!("{n}"),
        metadata: "{}".to_owned(),
    };
    let stream = StreamId::from(OrderId(Uuid::now_v7()));
    let commit = Commit {
        id: Uuid::now_v7(),
        appends: vec![StreamAppend { stream, after: 0, events: (0..events).map(event).collect() }],
        reads: Vec::new(),
        rests_on: Vec::new(),
        claims: Vec::new(),
        record: None,
        keys: Vec::new(),
        fence: None,
    };
    log.append(&[Arc::new(commit)], 0).await.unwrap();
}

async fn step(engine: &Engine) -> usize {
    let reader = engine.inner.readers.get(TILES).unwrap();
    reader.step(&engine.inner, Source::Log).await.unwrap()
}

async fn kept(log: &SharedLog) -> (u64, Position) {
    (log.count(&TILE_HASH, &[]).await.unwrap(), log.checkpoint(TILES).await.unwrap())
}

#[tokio::test]
async fn nothing_is_done_before_a_tile_is_full() {
    let (log, engine, _) = long_log(255).await;
    let reader = engine.inner.readers.get(TILES).unwrap();
    assert_eq!((step(&engine).await, reader.behind(255)), (0, 0));
    let standings = log.standings().await.unwrap();
    assert!(standings.iter().all(|standing| standing.name != TILES), "nobody took a lease for it");
    append(&log, 1).await;
    assert_eq!(reader.behind(256), 256);
    assert_eq!((step(&engine).await, step(&engine).await), (256, 0));
    append(&log, 255).await;
    assert_eq!((step(&engine).await, kept(&log).await), (0, (1, 256)));
    append(&log, 1).await;
    assert_eq!((step(&engine).await, kept(&log).await), (256, (2, 512)));
}

#[tokio::test]
async fn every_hash_is_the_root_of_a_tile_of_the_level_below_made_or_not() {
    let (log, engine, leaves) = long_log(MANY).await;
    let below = roots(&leaves);
    let wanted = |level: u8, start: u64, count: u64| {
        let engine = &engine;
        async move { engine.tile_hashes(level, start, count).await.unwrap() }
    };
    for made in [false, true] {
        while made && step(&engine).await > 0 {}
        assert_eq!(kept(&log).await.0, if made { 257 + 1 } else { 0 });
        assert_eq!(wanted(0, 65_900, 100).await, leaves[65_900..]);
        assert_eq!(wanted(1, 0, 256).await, below[..256]);
        assert_eq!(wanted(1, 256, 1).await, below[256..257]);
        assert_eq!(wanted(1, 17, 3).await, below[17..20]);
        assert_eq!(wanted(2, 0, 1).await, roots(&below));
    }
    assert!(engine.tile_hashes(1, 257, 1).await.is_err(), "it is not complete");
    assert_eq!(step(&engine).await, 0);
}

#[tokio::test]
async fn tiles_are_made_again_from_the_leaves() {
    let (log, engine, leaves) = long_log(MANY).await;
    while step(&engine).await > 0 {}
    let wrong = RowChange::Put(&TILE_HASH, row(1, 5, &[0; 32]));
    log.change_rows(&[wrong, RowChange::Delete(&TILE_HASH, name(2, 0))], None).await.unwrap();
    assert_eq!(engine.tile_hashes(1, 5, 1).await.unwrap(), [[0; 32]]);
    assert!(engine.rebuildable().any(|name| name == TILES));
    engine.rebuild_reader(TILES).await.unwrap();
    let below = roots(&leaves);
    assert_eq!(engine.tile_hashes(1, 0, 256).await.unwrap(), below[..256]);
    assert_eq!(kept(&log).await, (257 + 1, filled(MANY)));
    append(&log, 256).await;
    assert_eq!((step(&engine).await, kept(&log).await.0), (256, 259), "the live reader goes on");
}

#[tokio::test]
async fn whoever_has_the_lease_makes_them_for_all() {
    let log: SharedLog = Arc::new(MemoryLog::new());
    log.create_tables(&Engine::tables()).await.unwrap();
    let key = MasterKey::generate();
    let (one, other) = (open(&log, &key).await, open(&log, &key).await);
    append(&log, 600).await;
    assert_eq!((step(&one).await, step(&other).await), (512, 0));
    append(&log, 600).await;
    assert_eq!((step(&other).await, step(&one).await), (512, 0));
    assert_eq!(kept(&log).await, (4, 1_024));
}

#[tokio::test]
async fn a_leaf_that_is_missing_stops_the_reader() {
    let (log, _, _) = long_log(300).await;
    assert!(
        changes(&log, 256, 512, &TILE_HASH).await.unwrap_err().to_string().contains("number 300 of level 0")
    );
    // And so does a row that should have been there when the tile above it is full.
    let (log, _, _) = long_log(65_536).await;
    let error = changes(&log, 65_280, 65_536, &TILE_HASH).await.unwrap_err().to_string();
    assert!(error.contains("number 0 of level 1"), "{error}");
}
