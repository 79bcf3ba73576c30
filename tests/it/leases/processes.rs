//! Processes that the system stops and kills while they work.
//!
//! The process that has the leases is this test binary again, told by the environment what to do. It stops itself right
//! before it writes, as if the system had frozen it there, and goes on when it is told to. A signal takes its time to stop
//! every thread, so the one that writes waits until the process is told to go on. Only processes that were started here are
//! signalled, by their ids.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command as Process, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use orderwire::engine::{log::CommitRefusal, sealing::MasterKey};
use tokio::signal::unix::{self, SignalKind};
use uuid::Uuid;

use super::*;
use crate::invariants::Audit;

/// What the process is to do: the url, the master key, and before what it stops: `apply NAME`, `commit NAME`, or nothing.
const TASK: &str = "ORDERWIRE_LEASES_ENGINE";
/// Short, so that nobody waits for long; long enough for a machine that is busy.
const TTL: Duration = Duration::from_secs(2);

/// Its number on Linux.
const SIGCONT: i32 = 18;

fn signal(id: u32, signal: &str) {
    let sent = Process::new("kill").args([signal, &id.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Stops its own process once, right before a thing is written; and says what then came of it.
struct Stops {
    before: String,
    done: AtomicBool,
    /// The commits that were held, or none for a page.
    held: Mutex<Option<Vec<Uuid>>>,
}

impl Stops {
    async fn stop(&self, held: Vec<Uuid>) {
        if !self.done.swap(true, Ordering::SeqCst) {
            *self.held.lock().unwrap() = Some(held);
            let mut told_to_go_on = unix::signal(SignalKind::from_raw(SIGCONT)).unwrap();
            say(&format!("stops before {}", self.before));
            signal(std::process::id(), "-STOP");
            told_to_go_on.recv().await.unwrap();
        }
    }

    /// Once, for what was held.
    fn came_to(&self, is_held: impl Fn(&[Uuid]) -> bool, outcome: &str) {
        let mut held = self.held.lock().unwrap();
        if held.as_deref().is_some_and(is_held) {
            *held = None;
            say(outcome);
        }
    }
}

fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "says {what}").unwrap();
    out.flush().unwrap();
}

#[async_trait]
impl Meddles for Stops {
    async fn append(&self, batch: &[Arc<Commit>]) -> Result<Option<Verdict>, StoreError> {
        let is_one = |commit: &&Arc<Commit>| {
            commit.fence.as_ref().is_some_and(|fence| format!("commit {}", fence.name) == self.before)
        };
        let held: Vec<Uuid> = batch.iter().filter(is_one).map(|commit| commit.id).collect();
        if !held.is_empty() {
            self.stop(held).await;
        }
        Ok(None)
    }

    async fn apply(&self, commit: &mut ReaderCommit) {
        if format!("apply {}", commit.reader) == self.before {
            self.stop(Vec::new()).await;
        }
    }

    fn applied(&self, commit: &ReaderCommit, outcome: &Result<(), StoreError>) {
        if format!("apply {}", commit.reader) == self.before {
            let outcome = match outcome {
                Err(StoreError::FencedOut(_)) => "refused".to_owned(),
                Err(error) => format!("failed: {error}"),
                Ok(()) => "written".to_owned(),
            };
            self.came_to(<[Uuid]>::is_empty, &outcome);
        }
    }

    fn appended(&self, batch: &[Arc<Commit>], verdicts: &[Verdict]) {
        for (commit, verdict) in batch.iter().zip(verdicts) {
            let outcome = match verdict {
                // The next process has asked for the same meanwhile: this one is given its answer, and appends nothing.
                Verdict::Refused(CommitRefusal::FencedOut(_)) | Verdict::Repeated(_) => "refused".to_owned(),
                other => format!("written: {other:?}"),
            };
            self.came_to(|held| held.contains(&commit.id), &outcome);
        }
    }
}

/// Not a test of its own: the process that has the leases. Without its task it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_that_is_stopped() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (url, rest) = task.split_once(' ').unwrap();
    let (master, before) = rest.split_once(' ').unwrap();
    let store = Store::at(url).under(MasterKey::parse(master).unwrap());
    let stops = Stops { before: before.to_owned(), done: AtomicBool::new(false), held: Mutex::default() };
    let meddled = store.meddled_with(stops).await;
    let clock = SimulatedClock::at(beginning());
    let builder = Engine::builder().clock(clock).provisioner(AutoProvisioner).lease_ttl(TTL);
    let engine = builder.open(meddled.log().await, store.master()).await.unwrap();
    say("works");
    std::future::pending::<()>().await;
    engine.close().await;
}

/// Another process, and what it says.
struct Other {
    process: Child,
    says: mpsc::Receiver<String>,
}

impl Other {
    fn start(url: &str, master: &MasterKey, before: &str) -> Self {
        let name = "leases::processes::the_engine_that_is_stopped";
        let mut process = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture", "--test-threads", "1"])
            .env(TASK, format!("{url} {} {before}", master.to_hex()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let (tell, says) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines() {
                // The harness writes the name of the test before the first line.
                if let Some((_, said)) = line.unwrap().split_once("says ")
                    && tell.send(said.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        let other = Self { process, says };
        assert_eq!(other.says(), "works");
        other
    }

    fn says(&self) -> String {
        self.says.recv_timeout(WITHIN).expect("the other process goes on")
    }

    fn has(&self, owner: &str) -> bool {
        owner.starts_with(&format!("{}-", self.process.id()))
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // A process that is stopped is killed all the same.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

async fn frozen_and_woken(url: &str, before: &str) {
    let master = MasterKey::generate();
    let store = Store::at(url).under(master.clone());
    let log = store.log().await;
    let other = Other::start(url, &master, before);
    let (first, _) = sole_owner(&log, &[]).await;
    assert!(other.has(&first));

    let clock = SimulatedClock::at(beginning());
    // Its own leases are not what is looked at: they do not run out, however busy the machine is.
    let (here, _) = working(&store, &clock, TTL * 60).await;
    let reseller = here.reseller(1).await;
    here.leeds().await;
    let company = here.company(reseller, "Acme").await;
    let (order, _) = here.submitted(company, "PO-1", new_company(1, 2)).await;
    assert_eq!(other.says(), format!("stops before {before}"));
    let (_, took) = sole_owner(&log, &[&first]).await;
    println!(
        "frozen before `{before}`: everything is taken over after {took:?}, of which a lease runs {TTL:?}"
    );
    // What it held in a transaction is let go of after five seconds more; the rest is for a disk that others keep busy.
    assert!(took < TTL * 2 + Duration::from_secs(35), "{took:?}");
    completed(&here, order).await;
    here.engine.settle().await.unwrap();
    let (head, standings) = (log.head().await.unwrap(), log.standings().await.unwrap());

    signal(other.process.id(), "-CONT");
    assert_eq!(other.says(), "refused");
    // Events, checkpoints, owners and tokens are as they were, and go on as if it were not there.
    assert_eq!(log.head().await.unwrap(), head);
    assert_eq!(log.standings().await.unwrap(), standings);
    fulfilled(&here, reseller, 2).await;
    here.engine.settle().await.unwrap();
    assert_eq!(owners(&log).await.len(), 1);
    Audit::of(&here.engine).await;
    here.engine.close().await;
    log.close().await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_frozen_past_its_lease_commits_nothing() {
    for before in ["apply orders", "apply fulfilment", "commit fulfilment", "commit provisioning"] {
        let Some(database) = crate::postgres::Scratch::make().await else { return };
        frozen_and_woken(database.url(), before).await;
        database.drop_it().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_frozen_past_its_lease_commits_nothing_to_a_file() {
    let store = Store::sqlite();
    frozen_and_woken(&store.url, "commit fulfilment").await;
}

/// Where the time of its leases has to be waited for.
#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_engine_did_is_taken_over_once_its_leases_are_over() {
    let Some(database) = crate::postgres::Scratch::make().await else { return };
    let master = MasterKey::generate();
    let store = Store::at(database.url()).under(master.clone());
    let log = store.log().await;
    let mut other = Other::start(database.url(), &master, "nothing");
    let (first, _) = sole_owner(&log, &[]).await;
    let clock = SimulatedClock::at(beginning());
    let (here, wrote) = working(&store, &clock, TTL).await;
    let reseller = here.reseller(1).await;
    here.leeds().await;
    fulfilled(&here, reseller, 1).await;
    assert_eq!(wrote.names(), BTreeSet::new());
    other.process.kill().unwrap();
    other.process.wait().unwrap();
    let (_, took) = sole_owner(&log, &[&first]).await;
    println!("killed: everything is taken over after {took:?}, of which a lease runs {TTL:?}");
    assert!(took < TTL * 2 + Duration::from_secs(30), "{took:?}");
    fulfilled(&here, reseller, 2).await;
    here.engine.settle().await.unwrap();
    Audit::of(&here.engine).await;
    here.engine.close().await;
    log.close().await;
    database.drop_it().await;
}

/// The next start waits for nothing, however long the leases of the one before would run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_engine_did_on_a_file_is_gone_on_with_at_once() {
    let store = Store::sqlite();
    let log = store.log().await;
    {
        let other = Other::start(&store.url, &store.master(), "nothing");
        let (first, _) = sole_owner(&log, &[]).await;
        assert!(other.has(&first));
    }
    let clock = SimulatedClock::at(beginning());
    let begun = Instant::now();
    let (here, _) = working(&store, &clock, Duration::from_mins(10)).await;
    let owners = owners(&log).await;
    println!("killed: opened with every lease after {:?}", begun.elapsed());
    let mine = |owner: &Option<String>| {
        owner.as_ref().is_some_and(|owner| owner.starts_with(&format!("{}-", std::process::id())))
    };
    assert!(owners.len() == 1 && owners.iter().all(mine), "{owners:?}");
    let reseller = here.reseller(1).await;
    here.leeds().await;
    fulfilled(&here, reseller, 1).await;
    here.engine.close().await;
    log.close().await;
}
