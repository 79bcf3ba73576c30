//! What only the store on `PostgreSQL` promises: its two ways to append, other processes, lost answers, stock crates.
//!
//! Every test makes a database of its own on the server that `ORDERWIRE_TEST_POSTGRES` names, and drops it.

mod append;
mod erasure;
mod import;
mod open;
mod outcome;
mod plans;
mod proxy;
pub mod server;
mod stock;

use std::{io::Write as _, str::FromStr as _, sync::Arc};

use orderwire::{
    domain::{
        claim::{Claim, ClaimScope},
        ids::{AggregateKind, StreamId},
    },
    engine::log::{Commit, IdempotencyRecord, Log, NewEvent, SharedLog, StreamAppend, Verdict},
    stores::{Migrate, conformance, postgres::PostgresLog},
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::task::{LocalSet, spawn_local};
use uuid::Uuid;

/// September 2026.
const NOW_US: i64 = 1_790_000_000_000_000;

/// A database with nothing in it.
#[derive(Clone)]
pub struct Database {
    options: PgConnectOptions,
}

impl Database {
    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    /// The same database through another port.
    fn url_through(&self, port: u16) -> String {
        self.options.clone().port(port).to_url_lossy().to_string()
    }

    async fn open(&self) -> PostgresLog {
        PostgresLog::open(&self.url(), Migrate::Yes).await.unwrap()
    }

    pub async fn connect(&self) -> PgConnection {
        self.options.connect().await.unwrap()
    }
}

/// Runs a test on a database of its own, and drops it whatever comes of the test.
pub async fn on_a_database<Done: Future<Output = ()> + 'static>(test: impl FnOnce(Database) -> Done) {
    let Ok(url) = std::env::var("ORDERWIRE_TEST_POSTGRES") else {
        // Not `eprintln!`: the harness shows what that prints only when a test fails.
        let said = b"PostgreSQL WAS NOT TESTED: ORDERWIRE_TEST_POSTGRES is not set; ./test sets it\n";
        std::io::stderr().write_all(said).unwrap();
        return;
    };
    let server = PgConnectOptions::from_str(&url).unwrap();
    let mut admin = server.connect().await.unwrap();
    let name = format!("orderwire_{}", Uuid::now_v7().simple());
    admin.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();

    // In a task of its own, so that a panic does not keep the database from being dropped.
    let database = Database { options: server.database(&name) };
    let outcome = LocalSet::new().run_until(async { spawn_local(test(database)).await }).await;

    admin.execute(format!("DROP DATABASE {name} WITH (FORCE)").as_str()).await.unwrap();
    admin.close().await.unwrap();
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// A database for a test that also runs elsewhere, and drops it itself; `None` where there is no server.
pub struct Scratch {
    server: PgConnectOptions,
    name: String,
    url: String,
}

impl Scratch {
    /// An empty database.
    pub async fn make() -> Option<Self> {
        let server = PgConnectOptions::from_str(&std::env::var("ORDERWIRE_TEST_POSTGRES").ok()?).unwrap();
        let name = format!("orderwire_{}", Uuid::now_v7().simple());
        let mut admin = server.connect().await.unwrap();
        admin.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();
        admin.close().await.unwrap();
        let url = server.clone().database(&name).to_url_lossy().to_string();
        Some(Self { server, name, url })
    }

    /// How to reach it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it with whatever is still connected.
    pub async fn drop_it(self) {
        let mut admin = self.server.connect().await.unwrap();
        admin.execute(format!("DROP DATABASE {} WITH (FORCE)", self.name).as_str()).await.unwrap();
        admin.close().await.unwrap();
    }
}

fn order(n: u128) -> StreamId {
    StreamId { kind: AggregateKind::Order, id: Uuid::from_u128(n) }
}

/// A number of the range kept for drama.
fn number(n: usize) -> Claim {
    Claim::platform(ClaimScope::Number, format!("+442079460{n:03}"))
}

/// A commit of `count` events after a sequence.
fn events(stream: StreamId, after: u64, count: u64) -> Commit {
    let event = |sequence| NewEvent {
        event_type: "LineAdded".into(),
        event_version: "1.0".into(),
        payload: format!("{{\"LineAdded\":{{\"line\":{sequence}}}}}"),
        metadata: "{\"actor\":\"test\"}".into(),
    };
    let events = (after + 1..=after + count).map(event).collect();
    Commit {
        id: Uuid::now_v7(),
        appends: vec![StreamAppend { stream, after, events }],
        reads: Vec::new(),
        rests_on: Vec::new(),
        claims: Vec::new(),
        record: None,
        keys: Vec::new(),
        fence: None,
    }
}

fn record(key: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        owner: "rsl_test".into(),
        key: key.into(),
        fingerprint: [7; 32],
        ids: "{}".into(),
        expires_at_us: None,
    }
}

async fn append(log: &PostgresLog, batch: Vec<Commit>) -> Vec<Verdict> {
    let batch: Vec<_> = batch.into_iter().map(Arc::new).collect();
    log.append(&batch, NOW_US).await.unwrap()
}

#[track_caller]
fn assert_appended(verdicts: &[Verdict]) {
    for verdict in verdicts {
        assert!(matches!(verdict, Verdict::Appended(_)), "{verdict:?}");
    }
}

#[tokio::test]
async fn the_store_on_postgres_keeps_every_promise() {
    for case in conformance::CASES {
        on_a_database(async move |database: Database| {
            let log: SharedLog = Arc::new(database.open().await);
            if let Err(error) = (case.run)(log.clone()).await {
                panic!("{}: {error}", case.name);
            }
            log.close().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_log_on_postgres_is_the_same_when_opened_again() {
    on_a_database(async |database: Database| {
        let open = async || Arc::new(database.open().await) as SharedLog;
        conformance::handles::a_log_is_the_same_when_opened_again(open).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn two_processes_share_one_lease() {
    on_a_database(async |database: Database| {
        let (one, other) = (Arc::new(database.open().await), Arc::new(database.open().await));
        conformance::handles::two_handles_share_one_lease(one.clone(), other.clone()).await.unwrap();
        one.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_one_order() {
    on_a_database(async |database: Database| {
        let (one, other) = (Arc::new(database.open().await), Arc::new(database.open().await));
        conformance::handles::two_appenders_share_one_order(one.clone(), other.clone()).await.unwrap();
        assert!(one.paths().checked > 0 && other.paths().checked > 0, "{one:?} {other:?}");
        one.close().await;
        other.close().await;
    })
    .await;
}
