//! Somebody meddles with the file of a store: whatever they do to the log is found, and where.
//!
//! Who meddles knows SQL and, in the end, how hashes are computed. How many random ones are tried is a size:
//! `ORDERWIRE_TAMPERINGS=10000` for the long run. Absent: what is derived from the log, which is spoiled one by one below.

mod derived;
mod meanwhile;
mod packs;
#[cfg(feature = "postgres")]
mod postgres;
mod proofs;
mod random;
mod rewritten;

use std::{fs, path::PathBuf};

use orderwire::{
    audit::{
        note::Checkpoint,
        proofs as prove,
        verify::{Finding, Plan, Report, verify},
    },
    domain::ids::StreamId,
    engine::{
        Engine,
        clock::SimulatedClock,
        leaf::{Frontier, LeafEntry},
        log::StoredEvent,
        sealing::MasterKey,
    },
    stores::{self, Migrate, sql::LOG_ID},
};
use rusqlite::Connection;

use crate::{audit::Life, world::*};

/// The file of a store in which something has happened, and what a witness of it would have kept.
pub struct Original {
    _folder: tempfile::TempDir,
    path: PathBuf,
    pub events: Vec<StoredEvent>,
    pub at: SimulatedClock,
    master: MasterKey,
}

/// A copy of it that somebody has in their hands.
pub struct Copy {
    _folder: tempfile::TempDir,
    path: PathBuf,
    at: SimulatedClock,
    master: MasterKey,
}

impl Original {
    /// A company with orders and ports, and events enough for a tile.
    pub async fn made() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db");
        let store = Store::at(path.to_str().unwrap());
        let life = Life::lived_in(World::open(&store).await).await;
        for n in 500..700 {
            life.world.reseller(n).await;
        }
        // Its qualification ends one day.
        let reseller = life.world.reseller(700).await;
        life.world.company(reseller, "Waits Ltd").await;
        life.world.settle().await;
        let events = crate::audit::log(&life.world.engine).await;
        assert!(events.len() > 256, "a tile is whole");
        life.world.engine.close().await;
        Self { _folder: folder, path, events, at: life.world.clock, master: store.master() }
    }

    /// A copy to meddle with.
    pub fn copy(&self) -> Copy {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db");
        fs::copy(&self.path, &path).unwrap();
        Copy { _folder: folder, path, at: self.at.clone(), master: self.master.clone() }
    }

    /// What somebody kept of the log when it had so many events.
    pub fn checkpoint(&self, size: u64) -> Checkpoint {
        let leaves = self.events.iter().map(|event| event.leaf).take(usize::try_from(size).unwrap());
        let root = leaves.collect::<Frontier>().root();
        Checkpoint { origin: "orders.example/log".into(), size, root, extensions: Vec::new() }
    }

    pub fn len(&self) -> u64 {
        self.events.len() as u64
    }
}

impl Copy {
    /// Meddles.
    pub fn sql(&self, text: &str) -> usize {
        let connection = self.connection();
        let mut changed = 0;
        for statement in text.split(';').filter(|statement| !statement.trim().is_empty()) {
            changed +=
                connection.execute(statement, []).unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        changed
    }

    pub fn connection(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    /// An engine on it, at the time of the original.
    pub async fn engine(&self) -> Engine {
        let log = stores::open(self.path.to_str().unwrap(), Migrate::No).await.unwrap();
        let engine = Engine::builder().clock(self.at.clone()).background(false);
        engine.open(log, self.master.clone()).await.unwrap()
    }

    pub async fn verified(&self, plan: &Plan) -> Report {
        let engine = self.engine().await;
        let report = verify(&engine, plan, |_| ()).await.unwrap();
        engine.close().await;
        report
    }

    /// What is found first in the whole log.
    pub async fn found(&self) -> Option<Finding> {
        self.verified(&Plan::default()).await.finding
    }

    /// Leaves, tiles and head as who knows how would compute them again.
    pub fn hash_again(&self) {
        let connection = self.connection();
        let mut rows = connection
            .prepare("SELECT position, aggregate_id, sequence, event_type, event_version, recorded_at, payload, metadata FROM events ORDER BY position")
            .unwrap();
        let leaves: Vec<(u64, i64, [u8; 32])> = rows
            .query_map([], |row| {
                let stream: StreamId = row.get::<_, String>(1)?.parse().unwrap();
                let text = |column: usize| row.get::<_, String>(column);
                let (event_type, event_version, payload, metadata) = (text(3)?, text(4)?, text(6)?, text(7)?);
                let entry = LeafEntry {
                    log_id: LOG_ID,
                    position: row.get(0)?,
                    stream,
                    sequence: row.get(2)?,
                    event_type: &event_type,
                    event_version: &event_version,
                    recorded_at_us: row.get(5)?,
                    payload: &payload,
                    metadata: &metadata,
                };
                Ok((entry.position, entry.recorded_at_us, entry.hash()))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let mut tree = Frontier::default();
        for (position, _, leaf) in &leaves {
            connection
                .execute("UPDATE events SET leaf = ?2 WHERE position = ?1", rusqlite::params![position, leaf])
                .unwrap();
            tree.push(*leaf);
        }
        let (last, recorded_at, _) = leaves.last().unwrap();
        connection
            .execute(
                "UPDATE log_head SET position = ?1, recorded_at = ?2, frontier = ?3",
                rusqlite::params![last, recorded_at, tree.to_bytes()],
            )
            .unwrap();
        connection.execute("DELETE FROM tile_hash", []).unwrap();
        connection.execute("DELETE FROM readers WHERE name = 'tiles'", []).unwrap();
    }
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_right() {
    let original = Original::made().await;
    let witness = vec![original.checkpoint(0), original.checkpoint(100), original.checkpoint(original.len())];
    let plan = Plan { since: None, witness, models: true };
    let report = original.copy().verified(&plan).await;
    assert_eq!(report.finding, None);
    assert_eq!((report.to, report.checkpoints), (original.len(), 3));
    assert!(report.rows > 500 && report.claims > 500 && report.commits > 200 && report.streams > 200);
    let since = Plan { since: Some(original.checkpoint(70)), ..plan.clone() };
    let since = Plan { models: false, ..since };
    let report = original.copy().verified(&since).await;
    assert_eq!((report.finding, report.after, report.to), (None, 70, original.len()));
    assert_eq!(report.root, original.checkpoint(original.len()).root);
}

#[tokio::test]
async fn whatever_is_done_to_a_row_is_found_where_it_was_done() {
    let original = Original::made().await;
    let end = original.len();
    let (last, later) = (end - 1, end + 1);
    for (meddling, position, check) in [
        ("UPDATE events SET payload = replace(payload, 'R500', 'R5OO') WHERE payload LIKE '%R500%'".to_owned(), 0, "leaf"),
        ("UPDATE events SET metadata = replace(metadata, '\"actor\":\"', '\"actor\":\"not-') WHERE position = 17".into(), 17, "leaf"),
        ("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 18".into(), 18, "leaf"),
        ("UPDATE events SET event_version = '3' WHERE position = 19".into(), 19, "leaf"),
        ("UPDATE events SET sequence = 999 WHERE position = 20".into(), 20, "leaf"),
        ("UPDATE events SET leaf = zeroblob(32) WHERE position = 21".into(), 21, "leaf"),
        ("UPDATE events SET leaf = x'00' WHERE position = 22".into(), 22, "row"),
        ("UPDATE events SET aggregate_id = 'ord_1' WHERE position = 23".into(), 23, "row"),
        ("DELETE FROM events WHERE position = 24".into(), 24, "position"),
        (format!("DELETE FROM events WHERE position >= {last}"), last, "position"),
        ("UPDATE events SET position = -position WHERE position IN (30, 31); UPDATE events SET position = 61 + position WHERE position < 0".into(), 30, "leaf"),
        (format!("INSERT INTO events SELECT {later}, log_id, aggregate_type, aggregate_id, sequence + 100, event_type, event_version, payload, metadata, recorded_at, leaf FROM events WHERE position = {end}"), later, "head"),
        ("UPDATE log_head SET recorded_at = recorded_at + 1".into(), end, "head"),
        (format!("UPDATE log_head SET frontier = zeroblob({})", 32 * end.count_ones()), 1, "head"),
        ("UPDATE tile_hash SET doc = '\"' || hex(zeroblob(32)) || '\"'".into(), 1, "tile"),
    ] {
        let copy = original.copy();
        assert!(copy.sql(&meddling) > 0, "{meddling} changes nothing");
        let found = copy.found().await.unwrap_or_else(|| panic!("nobody sees {meddling}"));
        assert_eq!(found.check, check, "{meddling}: {found}");
        assert!(position == 0 || found.position == Some(position), "{meddling}: {found}");
    }
}

#[tokio::test]
async fn a_head_that_cannot_be_is_no_log_at_all() {
    let original = Original::made().await;
    for meddling in ["UPDATE log_head SET frontier = x''", "UPDATE log_head SET frontier = x'00'"] {
        let copy = original.copy();
        copy.sql(meddling);
        let log = stores::open(copy.path.to_str().unwrap(), Migrate::No).await.unwrap();
        let refused = Engine::builder().background(false).open(log, copy.master.clone()).await.err().unwrap();
        assert!(refused.to_string().contains("corrupt: the frontier of the head"), "{refused}");
    }
}

#[tokio::test]
async fn a_row_where_no_page_shows_it_is_found() {
    let original = Original::made().await;
    for place in ["0, log_id", "-7, log_id", "999999, 1"] {
        let copy = original.copy();
        copy.sql(&format!("INSERT INTO events SELECT {place}, aggregate_type, aggregate_id, sequence + 100, event_type, event_version, payload, metadata, recorded_at, leaf FROM events WHERE position = 9"));
        let found = copy.found().await.unwrap();
        assert!(["position", "head"].contains(&found.check), "{place}: {found}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_no_pass() {
    struct Breaks;
    #[async_trait::async_trait]
    impl Meddles for Breaks {
        fn page_fails(&self, after: u64) -> bool {
            after >= 2_048
        }
    }
    let store = Store::memory().await;
    let world = World::open(&store).await;
    for n in 1..=2_100 {
        world.reseller(n).await;
    }
    let broken = World::open(&store.meddled_with(Breaks).await).await;
    let error = verify(&broken.engine, &Plan::default(), |_| ()).await.unwrap_err();
    assert!(error.to_string().contains("unavailable"), "{error}");
    assert_eq!(verify(&world.engine, &Plan::default(), |_| ()).await.unwrap().finding, None);
}

#[tokio::test]
async fn a_stream_that_ends_early_is_no_pass() {
    struct EndsEarly;
    #[async_trait::async_trait]
    impl Meddles for EndsEarly {
        fn page(&self, page: &mut Vec<StoredEvent>) {
            page.retain(|event| event.position <= 40);
        }
    }
    let store = Store::memory().await;
    Life::lived_in(World::open(&store).await).await;
    let short = World::open(&store.meddled_with(EndsEarly).await).await;
    let found = verify(&short.engine, &Plan::default(), |_| ()).await.unwrap().finding.unwrap();
    assert_eq!((found.position, found.check), (Some(41), "position"), "{found}");
    assert!(prove::inclusion(&short.engine, 41, None).await.is_err());
}
