//! How soon a notice is heard, and what streams on which nothing happens cost.
//!
//! `cargo bench --bench notices`, on SQLite in a temporary folder, or on the store of `ORDERWIRE_BENCH_STORE`. Commands go to
//! the engine at a steady rate while one receiver for each reseller listens over HTTP; idle receivers are in a process of
//! their own, so what is measured as memory is the server's. Deliberately absent: commands over HTTP.

use std::{
    io::{Read as _, Write as _},
    num::NonZeroU32,
    process::{Command as Process, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, Utc};
use orderwire::{
    domain::{
        company::commands::CompanyCommand,
        ids::{CompanyId, ResellerId},
        joint::Command,
        order::line::{CompanyLine, LineRequest},
        testing::company::sealed,
    },
    edge::{
        keys::{self, Role},
        open::tables,
    },
    engine::{
        Actor, Engine, Provenance, clock::SystemClock, fulfilment::AutoProvisioner, sealing::MasterKey,
    },
    http::{App, Limits, server},
    stores::{self, Migrate},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

const RESELLERS: u32 = 10;
const COMPANIES_OF_EACH: u32 = 20;
const COMMANDS_PER_SECOND: u32 = 1_000;
/// Even, so that every company is resumed in the end.
const SECONDS: u32 = 16;
/// More than many a shell allows a process to open: `ulimit -n 12000` before.
const IDLE: usize = 10_000;
const TICK: Duration = Duration::from_millis(10);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` only asks whether this builds and starts.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match arguments.iter().position(|argument| argument == "--idle") {
        Some(at) => runtime.block_on(idle(&arguments[at + 1], &arguments[at + 2])),
        None => runtime.block_on(bench()),
    }
}

fn operator() -> Provenance {
    Provenance::of(Actor::new("bench").expect("it is printable"))
}

async fn done(engine: &Engine, command: Command) -> orderwire::engine::Receipt {
    engine.execute(&command, &operator(), None).await.expect("it is permitted")
}

async fn bench() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bench.db").display().to_string();
    let store = std::env::var("ORDERWIRE_BENCH_STORE").unwrap_or(path);
    let log = stores::open(&store, Migrate::Yes).await.expect("a store");
    log.create_tables(&tables()).await.expect("tables");
    let builder = Engine::builder().clock(SystemClock).provisioner(AutoProvisioner);
    let engine = builder.open(log, MasterKey::generate()).await.expect("an engine");
    let often = NonZeroU32::new(1_000_000).expect("it is not 0");
    let limits = Limits {
        streams_per_key: 1_000_000,
        asks_per_second: often,
        asks_at_once: often,
        ..Limits::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(server::serve(listener, App::new(engine.clone(), limits), std::future::pending()));

    let (mut companies, mut tokens) = (Vec::new(), Vec::new());
    for reseller in 0..RESELLERS {
        let (id, token) = reseller_of(&engine, reseller).await;
        tokens.push(token);
        for n in 0..COMPANIES_OF_EACH {
            companies.push(company(&engine, id, reseller * COMPANIES_OF_EACH + n).await);
        }
    }
    let (_, idle) = reseller_of(&engine, RESELLERS).await;
    engine.settle().await.expect("it settles");
    let before = resident_mib();
    println!("{RESELLERS} receivers, {COMMANDS_PER_SECOND} commands a second for {SECONDS} s on {store}");
    println!("{}", heard(&engine, &address, &tokens, &companies).await);

    let mut child = Process::new(std::env::current_exe().expect("this program"))
        .args(["--idle", &address, &idle])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut said = child.stdout.take().expect("a pipe");
    let ready = tokio::task::spawn_blocking(move || said.read_exact(&mut [0]));
    ready.await.expect("a thread").expect("every stream is open");
    println!("{IDLE} idle streams: {} MiB resident, {before} MiB before any receiver", resident_mib());
    println!("with them: {}", heard(&engine, &address, &tokens, &companies).await);
    child.stdin.take().expect("a pipe").write_all(b"\n").expect("it listens");
    child.wait().expect("it ends");
    engine.close().await;
}

async fn reseller_of(engine: &Engine, n: u32) -> (ResellerId, String) {
    let command = Command::CreateReseller {
        code: format!("R{n}").parse().expect("a code"),
        cug_id: format!("CUG{n}").parse().expect("an id"),
        sales_tag: format!("TAG{n}").parse().expect("a tag"),
        name: format!("Reseller {n}").parse().expect("a name"),
    };
    let id: ResellerId = done(engine, command).await.id("reseller");
    let label = "bench".parse().expect("a label");
    let (_, token) = keys::create(engine, Role::Reseller, Some(id), &label).await.expect("a key");
    (id, token)
}

/// A company in service.
async fn company(engine: &Engine, reseller: ResellerId, n: u32) -> CompanyId {
    let qualify = Command::Qualify {
        reseller,
        name: format!("Company {n}").parse().expect("a name"),
        domain: format!("company-{n}.example").parse().expect("a domain"),
    };
    let company: CompanyId = done(engine, qualify).await.id("company");
    let reference = format!("PO-{n}").parse().expect("a reference");
    let lines = vec![LineRequest::Company(CompanyLine { channels: 10, contact: None })];
    let create = Command::CreateOrder { reseller, reference, company: Some(company), lines };
    let order = done(engine, create).await.id("order");
    done(engine, Command::Submit { order }).await;
    company
}

/// Commands at a steady rate, and how long after its event was recorded each notice was heard.
async fn heard(engine: &Engine, address: &str, tokens: &[String], companies: &[CompanyId]) -> String {
    let late: Arc<Mutex<Vec<i64>>> = Arc::default();
    let mut receivers = Vec::new();
    for token in tokens {
        receivers.push(tokio::spawn(receive(listen(address, token).await, Arc::clone(&late))));
    }
    let at_once = COMMANDS_PER_SECOND * u32::try_from(TICK.as_millis()).expect("it is short") / 1_000;
    let mut tick = tokio::time::interval(TICK);
    let mut next = companies.iter().cycle();
    let (mut resume, mut until_turn) = (false, companies.len());
    let mut asked = Vec::new();
    for _ in 0..COMMANDS_PER_SECOND * SECONDS / at_once {
        tick.tick().await;
        for _ in 0..at_once {
            let company = *next.next().expect("it goes round");
            let suspend = CompanyCommand::Suspend { reason: sealed("credit control") };
            let command = if resume { CompanyCommand::Resume } else { suspend };
            let engine = engine.clone();
            let command = Command::Company { company, command };
            asked.push(tokio::spawn(async move { done(&engine, command).await }));
            until_turn -= 1;
            if until_turn == 0 {
                (resume, until_turn) = (!resume, companies.len());
            }
        }
    }
    let asked_for = asked.len();
    for task in asked {
        task.await.expect("it is done");
    }
    while late.lock().expect("nobody panicked").len() < asked_for {
        tokio::time::sleep(TICK).await;
    }
    for receiver in &receivers {
        receiver.abort();
    }
    let mut late = late.lock().expect("nobody panicked").clone();
    late.sort_unstable();
    let at = |percent: usize| late[(late.len() - 1) * percent / 100];
    format!(
        "{} notices, ms from recorded to heard: p50 {}, p95 {}, p99 {}, max {}",
        late.len(),
        at(50),
        at(95),
        at(99),
        at(100)
    )
}

/// A stream that has been answered.
async fn listen(address: &str, token: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).await.expect("a server");
    let head = format!(
        "GET /v1/notices/stream HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it listens");
    // Small, so that ten thousand of them are no burden.
    let mut stream = BufReader::with_capacity(1_024, stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.expect("it answers");
    assert!(line.contains("200"), "{line}");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.expect("it answers");
    }
    stream
}

async fn receive(mut stream: BufReader<TcpStream>, late: Arc<Mutex<Vec<i64>>>) {
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.expect("it goes on") == 0 {
            return;
        }
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let time = data.split("\"time\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a time");
        let time: DateTime<Utc> = time.parse().expect("a time");
        late.lock().expect("nobody panicked").push((Utc::now() - time).num_milliseconds());
    }
}

/// The other process: streams on which nothing happens, until stdin says that it is enough.
async fn idle(address: &str, token: &str) {
    let mut streams = Vec::new();
    for _ in 0..IDLE {
        streams.push(listen(address, token).await);
    }
    std::io::stdout().write_all(b".").and_then(|()| std::io::stdout().flush()).expect("a pipe");
    let enough = tokio::task::spawn_blocking(|| std::io::stdin().read_exact(&mut [0]));
    enough.await.expect("a thread").expect("a pipe");
    drop(streams);
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1_024
}
