//! How many notices a second reach local receivers, and what a backlog costs in memory while it drains: by webhooks, then by
//! streams, then page by page.
//!
//! `cargo bench --bench webhooks`, on SQLite in a temporary folder, or on the store of `ORDERWIRE_BENCH_STORE`;
//! `ORDERWIRE_BENCH_NOTICES` says how large the backlog of each webhook is. Receivers are in this process and share its
//! cores; they keep nothing, so what grows is the server. The backlog is written as rows, since it is the delivery that is measured. Deliberately absent:
//! TLS, and receivers that fail.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use orderwire::{
    domain::{
        company::commands::CompanyCommand,
        ids::{NoticeId, OrderId, ResellerId},
        joint::Command,
        order::line::{CompanyLine, LineRequest},
        testing::company::sealed,
        views::{
            notices::{NOTICE, NOTICE_COUNTER, Notice, NoticeCounter},
            table::Record as _,
        },
        webhook::values::{SigningKey, WebhookDescription},
    },
    edge::{
        keys::{self, Role},
        open::tables,
    },
    engine::{
        Actor, Engine, Provenance, Receipt,
        clock::SystemClock,
        fulfilment::AutoProvisioner,
        log::{RowChange, Select},
        query,
        sealing::MasterKey,
    },
    http::{App, Limits, delivery, server},
    stores::{self, Migrate},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

const WEBHOOKS: u32 = 10;
const NOTICES_OF_EACH: u64 = 5_000;
/// Orders whose notices take turns.
const ORDERS_OF_EACH: u64 = 100;
const ROWS_AT_ONCE: u64 = 500;
/// Memory is said so often while a backlog drains.
const TIMES_SAID: u64 = 8;

fn main() {
    // `cargo test --benches` only asks whether this builds and starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    tokio::runtime::Runtime::new().expect("a runtime").block_on(bench());
}

async fn done(engine: &Engine, command: Command) -> Receipt {
    let operator = Provenance::of(Actor::new("bench").expect("it is printable"));
    engine.execute(&command, &operator, None).await.expect("it is permitted")
}

async fn bench() {
    let of_each =
        std::env::var("ORDERWIRE_BENCH_NOTICES").map_or(NOTICES_OF_EACH, |it| it.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bench.db").display().to_string();
    let store = std::env::var("ORDERWIRE_BENCH_STORE").unwrap_or(path);
    let log = stores::open(&store, Migrate::Yes).await.expect("a store");
    log.create_tables(&tables()).await.expect("tables");
    let builder = Engine::builder().clock(SystemClock).provisioner(AutoProvisioner);
    let engine = builder.open(log, MasterKey::generate()).await.expect("an engine");
    let resellers = resellers(&engine).await;
    let example = example(&engine, resellers[0]).await;
    for reseller in &resellers {
        backlog(&engine, &example, *reseller, of_each).await;
    }
    println!(
        "{WEBHOOKS} webhooks, {of_each} notices each, {} bytes",
        serde_json::to_vec(&example).expect("JSON").len()
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let often = NonZeroU32::new(1_000_000).expect("it is not 0");
    let limits = Limits { asks_per_second: often, asks_at_once: often, ..Limits::default() };
    let settings = delivery::Settings {
        deliver: true,
        allow_private: true,
        allow_http: true,
        ..delivery::Settings::default()
    };
    let app = App::new(engine.clone(), limits).delivering(settings);
    tokio::spawn(server::serve(listener, app, std::future::pending()));
    let received = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    for reseller in &resellers {
        hook(&engine, *reseller, receiver(Arc::clone(&received)).await).await;
    }
    let total = of_each * u64::from(WEBHOOKS);
    println!("{}", drained("webhooks", total, &received, begun).await);

    let mut tokens = Vec::new();
    for reseller in &resellers {
        let label = "bench".parse().expect("a label");
        let (_, token) = keys::create(&engine, Role::Reseller, Some(*reseller), &label).await.expect("a key");
        tokens.push(token);
    }
    for (by, page) in [("streams", false), ("pages", true)] {
        let (received, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let receivers: Vec<_> = tokens
            .iter()
            .map(|token| {
                let (address, token, received) = (address.clone(), token.clone(), Arc::clone(&received));
                tokio::spawn(async move {
                    if page {
                        pages(&address, &token, &received).await;
                    } else {
                        stream(&address, &token, &received).await;
                    }
                })
            })
            .collect();
        println!("{}", drained(by, total, &received, begun).await);
        receivers.iter().for_each(tokio::task::JoinHandle::abort);
    }
    engine.close().await;
}

#[expect(clippy::cast_precision_loss, reason = "it is shown, not counted with")]
fn rate(count: u64, begun: Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}

/// Memory that the process has, as Linux counts it; 0 elsewhere.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

async fn resellers(engine: &Engine) -> Vec<ResellerId> {
    let mut resellers = Vec::new();
    for n in 0..WEBHOOKS {
        let create = Command::CreateReseller {
            code: format!("R{n}").parse().expect("a code"),
            cug_id: format!("CUG{n}").parse().expect("a CUG id"),
            sales_tag: format!("TAG{n}").parse().expect("a sales tag"),
            name: format!("Reseller {n}").parse().expect("a name"),
        };
        resellers.push(done(engine, create).await.id("reseller"));
    }
    resellers
}

/// A notice as the engine writes one.
async fn example(engine: &Engine, reseller: ResellerId) -> Notice {
    let (name, domain) = ("Acme Ltd".parse().expect("a name"), "acme.example".parse().expect("a domain"));
    let company = done(engine, Command::Qualify { reseller, name, domain }).await.id("company");
    let lines = vec![LineRequest::Company(CompanyLine { channels: 5, contact: None })];
    let reference = "PO-1".parse().expect("a reference");
    let create = Command::CreateOrder { reseller, reference, company: Some(company), lines };
    let order = done(engine, create).await.id("order");
    done(engine, Command::Submit { order }).await;
    engine.settle().await.expect("it comes to an end");
    done(
        engine,
        Command::Company { company, command: CompanyCommand::Suspend { reason: sealed("credit control") } },
    )
    .await;
    engine.settle().await.expect("it comes to an end");
    let select = Select {
        table: &NOTICE,
        filters: Vec::new(),
        order: "sequence",
        descending: false,
        after: None,
        limit: 3,
    };
    let notices: Vec<Notice> = query::select(engine.log(), &select).await.expect("notices");
    notices.into_iter().nth(1).expect("a line was completed")
}

async fn backlog(engine: &Engine, example: &Notice, reseller: ResellerId, count: u64) {
    let mut rows = Vec::new();
    for sequence in 1..=count {
        let order = OrderId(Uuid::from_u128(u128::from(sequence % ORDERS_OF_EACH) << 64 | 1));
        let id = NoticeId(Uuid::now_v7());
        let notice = Notice {
            id,
            reseller,
            sequence,
            order: Some(order),
            subject: order.to_string(),
            ..example.clone()
        };
        rows.push(RowChange::Put(&NOTICE, notice.to_row()));
        if sequence.is_multiple_of(ROWS_AT_ONCE) || sequence == count {
            engine.log().change_rows(&std::mem::take(&mut rows), None).await.expect("rows");
        }
    }
    let counter = NoticeCounter { of: reseller.to_string(), last: count, last_id: None, closed: false };
    engine
        .log()
        .change_rows(&[RowChange::Put(&NOTICE_COUNTER, counter.to_row())], None)
        .await
        .expect("a row");
}

async fn hook(engine: &Engine, reseller: ResellerId, url: String) {
    let secret = delivery::signing::fresh_secret();
    let key =
        SigningKey::Hmac { secret: engine.seal(reseller.into(), &secret, &secret).await.expect("a key") };
    let (url, types) = (url.parse().expect("an address"), std::collections::BTreeSet::new());
    let description = WebhookDescription::default();
    done(engine, Command::CreateWebhook { reseller, url, types, description, key, after: 0 }).await;
}

/// Waits until everything was received, and says now and then what that costs in memory.
async fn drained(by: &str, total: u64, received: &AtomicU64, begun: Instant) -> String {
    let (mut last, mut next, mut most) = (0, 0, 0);
    while last < total {
        tokio::time::sleep(Duration::from_millis(50)).await;
        last = received.load(Ordering::Relaxed);
        most = most.max(resident_kb());
        if last >= next {
            let (rate, mb) = (rate(last, begun), resident_kb() / 1_024);
            println!("{by}: {last:>8} of {total}: {rate:>6.0}/s so far, {mb} MB");
            next += total / TIMES_SAID;
        }
    }
    let (seconds, rate) = (begun.elapsed().as_secs_f64(), rate(last, begun));
    format!("{by}: {last} in {seconds:.1} s: {rate:.0}/s, at most {} MB", most / 1_024)
}

async fn asked(address: &str, token: &str, path: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).await.expect("a server");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("it listens");
    BufReader::new(stream)
}

/// Everything there ever was, as a stream.
async fn stream(address: &str, token: &str, received: &AtomicU64) {
    let mut events = asked(address, token, "/v1/notices/stream?after=0").await;
    let mut line = String::new();
    while events.read_line(&mut line).await.expect("it goes on") > 0 {
        received.fetch_add(u64::from(line.starts_with("data: ")), Ordering::Relaxed);
        line.clear();
    }
}

/// Everything there ever was, page by page.
async fn pages(address: &str, token: &str, received: &AtomicU64) {
    let mut after = 0;
    loop {
        let path = format!("/v1/notices?limit=500&after={after}");
        let mut answer = asked(address, token, &path).await;
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            answer.read_line(&mut line).await.expect("it answers");
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = text.trim().parse().expect("a number");
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).await.expect("a body");
        let page: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let items = page["items"].as_array().expect("a list").len() as u64;
        if items == 0 {
            return;
        }
        received.fetch_add(items, Ordering::Relaxed);
        after = page["through"].as_u64().expect("a sequence");
    }
}

/// A receiver that takes everything and counts it.
async fn receiver(received: Arc<AtomicU64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            tokio::spawn(take(stream, Arc::clone(&received)));
        }
    });
    url
}

async fn take(mut stream: TcpStream, received: Arc<AtomicU64>) {
    let mut buffer = Vec::new();
    let mut chunk = vec![0; 16 * 1_024];
    while let Ok(count) = stream.read(&mut chunk).await
        && count > 0
    {
        buffer.extend_from_slice(&chunk[..count]);
        while let Some(end) = whole(&buffer) {
            buffer.drain(..end);
            received.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(b"HTTP/1.1 204 Taken\r\n\r\n").await.is_err() {
                return;
            }
        }
    }
}

/// Where the first request in the buffer ends.
fn whole(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok())?;
    (buffer.len() >= head + length).then_some(head + length)
}
