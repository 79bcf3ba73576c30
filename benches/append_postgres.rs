//! What a batch costs on `PostgreSQL`, against bare one-row transactions on the same server in the same run.
//!
//! `scripts/with-postgres cargo bench --bench append_postgres`. Deliberately absent: deciding and loading, which
//! `orderwire bench` measures.

use std::{
    str::FromStr as _,
    sync::Arc,
    time::{Duration, Instant},
};

use orderwire::{
    domain::{
        claim::{Claim, ClaimChange, ClaimScope},
        ids::{AggregateKind, StreamId},
    },
    engine::{
        append::{assumed, plan},
        log::{Commit, IdempotencyRecord, Log as _, NewEvent, StreamAppend},
    },
    stores::{Migrate, postgres::PostgresLog},
};
use sqlx::{ConnectOptions as _, Executor as _, postgres::PgConnectOptions};
use uuid::Uuid;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
const CONNECTIONS: usize = 64;

fn main() {
    // `cargo test --benches` only asks whether this builds and starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let Ok(url) = std::env::var("ORDERWIRE_TEST_POSTGRES") else {
        eprintln!("ORDERWIRE_TEST_POSTGRES is not set: scripts/with-postgres starts a server and sets it");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(bench(&url));
}

async fn bench(url: &str) {
    let server = PgConnectOptions::from_str(url).expect("a URL");
    let name = format!("bench_{}", Uuid::now_v7().simple());
    let mut admin = server.connect().await.expect("a server");
    admin.execute(format!("CREATE DATABASE {name}").as_str()).await.expect("a database");
    let options = server.database(&name);
    let log = PostgresLog::open(options.to_url_lossy().as_str(), Migrate::Yes).await.expect("a log");

    let bare_table = "CREATE TABLE bare (aggregate_id text, sequence bigint, payload json, \
                      PRIMARY KEY (aggregate_id, sequence))";
    options.connect().await.expect("a connection").execute(bare_table).await.expect("a table");

    println!("hashing one batch of 64: {:?}", hashing());
    for round in 1..=ROUNDS {
        let bare = bare_inserts(&options).await;
        print!("round {round}: bare {bare:.0}/s");
        for size in [1, 64, 512] {
            let (rate, batch) = batches(&log, size).await;
            print!("  {size}: {rate:.0}/s ({:.2} ×, {batch:.2?} a batch)", rate / bare);
        }
        println!();
    }
    println!("{:?}", log.paths());
    log.close().await;
    admin.execute(format!("DROP DATABASE {name} WITH (FORCE)").as_str()).await.expect("dropped");
}

/// One-row transactions per second: prepared, autocommit, every connection for itself.
async fn bare_inserts(options: &PgConnectOptions) -> f64 {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(options.connect().await.expect("a connection"));
    }
    let (start, payload) = (Instant::now(), payload());
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let payload = payload.clone();
            tokio::spawn(async move {
                let mut count = 0_u32;
                while start.elapsed() < ROUND {
                    let sql =
                        "INSERT INTO bare (aggregate_id, sequence, payload) VALUES ($1, 1, $2::text::json)";
                    let id = format!("ord_{}", Uuid::now_v7().simple());
                    let insert = sqlx::query(sql).bind(id).bind(&payload);
                    insert.execute(&mut connection).await.expect("inserted");
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.expect("no panic");
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// Commits per second in batches of a size, one batch at a time, and the time of one batch.
async fn batches(log: &PostgresLog, size: u32) -> (f64, Duration) {
    let mut spent = Duration::ZERO;
    let mut count = 0;
    while spent < ROUND {
        let batch: Vec<_> = (0..size).map(|_| Arc::new(commit())).collect();
        let now_us = i64::try_from(uuid_time_us()).expect("a time");
        let start = Instant::now();
        log.append(&batch, now_us).await.expect("appended");
        spent += start.elapsed();
        count += 1;
    }
    (f64::from(size * count) / spent.as_secs_f64(), spent / count)
}

/// The share of a batch that is planning and hashing.
fn hashing() -> Duration {
    let batch: Vec<_> = (0..64).map(|_| Arc::new(commit())).collect();
    let facts = assumed(&batch);
    let start = Instant::now();
    for _ in 0..1_000 {
        std::hint::black_box(plan(0, &batch, &orderwire::engine::log::Head::default(), &facts, 0));
    }
    start.elapsed() / 1_000
}

/// One event of 700 bytes, one claim, one record.
fn commit() -> Commit {
    let stream = StreamId { kind: AggregateKind::Order, id: Uuid::now_v7() };
    let event = NewEvent {
        event_type: "OrderCreated".into(),
        event_version: "1".into(),
        payload: payload(),
        metadata: format!("{{\"actor\":\"bench\",\"command\":\"Create\",\"commit\":\"{}\"}}", stream.id),
    };
    let claim = Claim::platform(ClaimScope::OrderReference, format!("{}/reference", stream.id));
    Commit {
        id: Uuid::now_v7(),
        appends: vec![StreamAppend { stream, after: 0, events: vec![event] }],
        reads: Vec::new(),
        rests_on: Vec::new(),
        claims: vec![ClaimChange::take(stream, claim)],
        record: Some(IdempotencyRecord {
            owner: "rsl_bench".into(),
            key: Uuid::now_v7().to_string(),
            fingerprint: [1; 32],
            ids: format!("{{\"order\":\"{stream}\"}}"),
            expires_at_us: Some(i64::MAX),
        }),
        keys: Vec::new(),
        fence: None,
    }
}

fn payload() -> String {
    format!("{{\"reference\":\"{}\",\"notes\":\"{}\"}}", Uuid::now_v7(), "n".repeat(620))
}

fn uuid_time_us() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros()
}
