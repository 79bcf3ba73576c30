//! How fast a backlog of notices reaches a stream, and what that takes of memory.
//!
//! `ORDERWIRE_BENCH_NATS=nats://127.0.0.1:4222 cargo bench --features nats --bench jetstream`, on SQLite in a temporary folder.
//! `ORDERWIRE_BENCH_NOTICES` says how many (100,000 unless it is set), `ORDERWIRE_BENCH_PUBLISHERS` how many publish at once,
//! `ORDERWIRE_BENCH_REPLICAS` how many servers keep them. The stream is its own, and deleted afterwards. Deliberately absent:
//! events. The rows are made here, as long as those of an order are.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use orderwire::{
    config::{Login, NatsSettings},
    domain::{
        ids::{Mint, ResellerId},
        notice::NoticeType,
        views::{
            notices::{NOTICE, Notice, NoticeData},
            table::Record as _,
        },
    },
    edge::open::tables,
    engine::{Engine, clock::SystemClock, fulfilment::ManualProvisioner, log::RowChange, sealing::MasterKey},
    http::jetstream::Publisher,
    stores::{self, Migrate},
};
use uuid::Uuid;

/// Letters of a subject, which make a message as long as that of an order with a line: about two kilobytes.
const LETTERS: usize = 1_500;
/// Rows that are written in one transaction.
const ROWS: u64 = 2_000;

fn main() {
    // `cargo test --benches` only asks whether this builds and starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let Ok(url) = std::env::var("ORDERWIRE_BENCH_NATS") else {
        return println!("ORDERWIRE_BENCH_NATS names no broker");
    };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(bench(url));
}

fn count(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |count| count.parse().expect("a whole number"))
}

async fn bench(url: String) {
    let (many, publishers) =
        (count("ORDERWIRE_BENCH_NOTICES", 100_000), count("ORDERWIRE_BENCH_PUBLISHERS", 1));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bench.db").display().to_string();
    let log = stores::open(&path, Migrate::Yes).await.expect("a store");
    log.create_tables(&tables()).await.expect("tables");
    let builder = Engine::builder().clock(SystemClock).provisioner(ManualProvisioner);
    let engine = builder.open(log, MasterKey::generate()).await.expect("an engine");
    fill(&engine, many).await;

    let settings = NatsSettings {
        servers: url.split(',').map(str::to_owned).collect(),
        login: Login::Nobody,
        ca_file: None,
        stream: format!("BENCH_{}", Uuid::now_v7().simple()),
        subject: format!("bench-{}", Uuid::now_v7().simple()),
        replicas: usize::try_from(count("ORDERWIRE_BENCH_REPLICAS", 1)).expect("a few"),
        max_age: Duration::from_hours(1),
        max_bytes: None,
        after_position: 0,
    };
    let (before, begun) = (memory(), Instant::now());
    let publishing: Vec<_> = (0..publishers).map(|_| Publisher::start(&engine, settings.clone())).collect();
    let client = jetstream::new(async_nats::connect(settings.servers.as_slice()).await.expect("a broker"));
    let (mut most, mut published) = (before, 0);
    while published < many {
        tokio::time::sleep(Duration::from_millis(100)).await;
        most = most.max(memory());
        if let Ok(stream) = client.get_stream(&settings.stream).await {
            published = stream.cached_info().state.last_sequence;
        }
    }
    let took = begun.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "it is printed")]
    let rate = published as f64 / took.as_secs_f64();
    println!(
        "{published} notices by {publishers} in {took:.1?}: {rate:.0}/s; memory {before} kB, at most {most} kB"
    );
    for publisher in publishing {
        publisher.end().await;
    }
    client.delete_stream(&settings.stream).await.expect("it is ours");
    engine.close().await;
}

async fn fill(engine: &Engine, many: u64) {
    let now = engine.now();
    let mut mint = Mint::new(Uuid::now_v7(), now);
    let (reseller, mut previous_id): (ResellerId, _) = (mint.fresh(), None);
    for from in (1..=many).step_by(usize::try_from(ROWS).expect("a few")) {
        let row = |n: u64| {
            let id = mint.fresh();
            let notice = Notice {
                id,
                notice_type: NoticeType::CompanyResumed,
                reseller,
                sequence: n,
                previous_id: previous_id.replace(id),
                order: None,
                order_sequence: None,
                order_previous_id: None,
                subject: "s".repeat(LETTERS),
                time: now,
                // Most events make no notice.
                position: n * 3,
                data: NoticeData::default(),
            };
            RowChange::Put(&NOTICE, notice.to_row())
        };
        let rows: Vec<_> = (from..=many.min(from + ROWS - 1)).map(row).collect();
        engine.log().change_rows(&rows, None).await.expect("they are written");
    }
}

/// What the process has of memory, in kilobytes; 0 where nobody says.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
