//! A process that writes is killed at any moment: whatever it acknowledged is there when the store is opened again, whatever
//! it did not is there whole or not at all, and work goes on.
//!
//! The writer is this test binary again, told by the environment what to do: it executes commands and prints a line for
//! each answer it got. `ORDERWIRE_CRASHES` says how often it is killed (5 unless it is set). In `database` the writer goes
//! on and `PostgreSQL` is killed.

#[cfg(feature = "postgres")]
mod database;

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command as Process, Stdio},
    time::Duration,
};

use orderwire::{
    domain::{company::commands::CompanyCommand, joint::Command},
    engine::{Error, ErrorKind, IdempotencyKey, Receipt, fulfilment::AutoProvisioner, sealing::MasterKey},
};

use crate::{invariants::Audit, world::*};

/// Where the writer finds its store: the url, a space, the master key, a space, which cycle it is.
const TASK: &str = "ORDERWIRE_CRASH_WRITER";
/// Commands that the writer has in flight.
const AT_ONCE: u32 = 12;
/// Companies that a cycle can make at most; the writer is dead long before.
const COMPANIES_MAX: u32 = 100_000;

fn key_of(cycle: u32, n: u32, step: &str) -> IdempotencyKey {
    key(&format!("{cycle}/{n}/{step}"))
}

fn told(name: &IdempotencyKey, receipt: &Receipt) -> String {
    let ids: Vec<String> = receipt.ids.iter().map(|(name, id)| format!("{name}={id}")).collect();
    format!("{} {} {} [{}]", name.key, receipt.appended.first, receipt.appended.count, ids.join(","))
}

/// One customer after the other: qualified, numbers reserved and given back, an order drafted and submitted.
async fn write(world: &World, cycle: u32, first: u32) {
    let told_of = new_reseller(1000 + cycle * AT_ONCE + first);
    let reseller = asked(world, &key_of(cycle, first, "reseller"), &told_of).await.unwrap().id("reseller");
    for n in (first..COMPANIES_MAX).step_by(AT_ONCE as usize) {
        let ask = async |step: &str, command: Command| {
            let name = key_of(cycle, n, step);
            let receipt = asked(world, &name, &command).await?;
            let mut out = std::io::stdout().lock();
            writeln!(out, "ack {}", told(&name, &receipt)).unwrap();
            out.flush().unwrap();
            Some(receipt)
        };
        let serial = cycle * 10_000 + n;
        let Some(made) = ask("company", qualify(reseller, &format!("Company {serial}"))).await else {
            continue;
        };
        let company = made.id("company");
        if let Some(held) = ask("reserve", reserve(company, leeds(n % 190, 8))).await {
            let command = CompanyCommand::ReleaseReservation { reservation: held.id("reservation") };
            ask("release", Command::Company { company, command }).await;
        }
        let lines =
            vec![company_line(5), site_with(serial, &serial.to_string(), vec![]), numbers_line(search(1))];
        let reference = format!("PO-{serial}").parse().unwrap();
        let draft = Command::CreateOrder { reseller, reference, company: Some(company), lines };
        let Some(drafted) = ask("draft", draft).await else { continue };
        ask("submit", Command::Submit { order: drafted.id("order") }).await;
        // One of them also has orders carried out, so that the kill finds every kind of writing under way.
        if first == 0
            && let Err(error) = world.engine.settle().await
        {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
    }
}

/// Asks until there is an answer; `None` is a refusal. Without an answer nobody knows whether it was done, and asked again
/// with its key it is done once.
async fn asked(world: &World, name: &IdempotencyKey, command: &Command) -> Option<Receipt> {
    loop {
        match world.engine.execute(command, &operator(), Some(name)).await {
            Ok(receipt) => return Some(receipt),
            Err(Error::Refused(_) | Error::Conflict { .. }) => return None,
            Err(Error::Store(error)) => assert_eq!(Error::Store(error).kind(), ErrorKind::Unavailable),
            Err(error) => panic!("{}: {error}", name.key),
        }
    }
}

/// Not a test of its own: the process that is killed. Without its task it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_that_is_killed() {
    let Ok(task) = std::env::var(TASK) else { return };
    let [url, master, cycle] = task.split(' ').collect::<Vec<_>>().try_into().expect("three words");
    let store = Store::at(url).under(MasterKey::parse(master).unwrap());
    let world = World::open(&store).await;
    write_all(&world, cycle.parse().unwrap()).await;
}

/// As many at once as there are commands in flight; none of them ends.
async fn write_all(world: &World, cycle: u32) {
    let writers = (0..AT_ONCE).map(|first| {
        let world = world.clone();
        tokio::spawn(async move { write(&world, cycle, first).await })
    });
    futures::future::try_join_all(writers).await.unwrap();
}

async fn kill_again_and_again(url: &str) {
    let master = MasterKey::generate();
    let store = Store::at(url).under(master.clone());
    let world = World::open(&store).await;
    world.leeds().await;
    world.engine.close().await;
    let cycles =
        std::env::var("ORDERWIRE_CRASHES").map_or(5, |text| text.parse().expect("a number of crashes"));
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    for cycle in 0..cycles {
        // Different every time, and said when something fails.
        let pause = Duration::from_micros(u64::from(random()) % 300_000);
        let before = acknowledged.len();
        acknowledged.extend(run_and_kill(&format!("{url} {} {cycle}", master.to_hex()), pause));
        let submitted = acknowledged.iter().filter(|answer| answer.contains("/submit ")).count();
        let answers = acknowledged.len() - before;
        println!(
            "cycle {cycle}: killed {pause:?} after its first answer, {answers} answers; {submitted} orders"
        );
        check(&store, &acknowledged).await;
    }
    assert!(
        acknowledged.len() > usize::try_from(cycles).unwrap(),
        "the writers were killed before they had done anything"
    );
}

/// The answers that a writer gave before it was killed. A line cut short by the kill is no answer.
fn run_and_kill(task: &str, pause: Duration) -> BTreeSet<String> {
    let mut writer = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::the_writer_that_is_killed", "--nocapture", "--test-threads", "1"])
        .env(TASK, task)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(writer.stdout.take().unwrap());
    let mut answers = BTreeSet::new();
    let mut kill_at = None;
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
        // The harness writes the name of the test before the first line.
        if let Some((_, answer)) = line.trim_end().split_once("ack ") {
            answers.insert(answer.to_owned());
            let at = *kill_at.get_or_insert_with(|| std::time::Instant::now() + pause);
            if std::time::Instant::now() >= at {
                writer.kill().unwrap();
            }
        }
        line.clear();
    }
    let status = writer.wait().unwrap();
    assert_eq!(status.code(), None, "the writer ended by itself: {status}");
    answers
}

/// Opens the store as after a crash: everything acknowledged is answered again as it was, nothing else happens twice.
async fn check(store: &Store, acknowledged: &BTreeSet<String>) {
    let world = World { engine: store.engine(&clock(), AutoProvisioner, 1_000).await, clock: clock() };
    world.settle().await;
    for answer in acknowledged {
        let (name, rest) = answer.split_once(' ').unwrap();
        let now_us = world.engine.now().timestamp_micros();
        let record = world.engine.log().record("test", name, now_us).await.unwrap();
        let record = record.unwrap_or_else(|| panic!("{answer} was acknowledged and is lost"));
        let ids: std::collections::BTreeMap<String, String> = serde_json::from_str(&record.ids).unwrap();
        let receipt = Receipt { appended: record.appended, ids, repeated: true };
        assert_eq!(told(&key(name), &receipt), format!("{name} {rest}"));
        let page = world
            .engine
            .page(receipt.appended.first - 1, usize::try_from(receipt.appended.count).unwrap())
            .await;
        assert_eq!(page.unwrap().len() as u64, receipt.appended.count, "{answer}: its events");
    }
    Audit::of(&world.engine).await;
    world.reseller(random()).await;
    world.engine.close().await;
}

fn random() -> u32 {
    let [.., a, b, c, d] = uuid::Uuid::now_v7().into_bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn clock() -> orderwire::engine::clock::SimulatedClock {
    orderwire::engine::clock::SimulatedClock::at(beginning())
}

#[tokio::test]
async fn a_process_killed_while_it_writes_to_sqlite_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    kill_again_and_again(folder.path().join("orders.db").to_str().unwrap()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_process_killed_while_it_writes_to_postgres_loses_nothing_it_acknowledged() {
    let Some(database) = crate::postgres::Scratch::make().await else { return };
    kill_again_and_again(database.url()).await;
    database.drop_it().await;
}
