//! `PostgreSQL` itself is killed under a process that writes: whatever was acknowledged is there when the server is back,
//! nothing is there by half, and the process goes on by itself.
//!
//! `ORDERWIRE_SERVER_CRASHES` says how often the server is killed (3 unless it is set).

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::{Child, Command as Process, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use orderwire::{
    domain::views::READERS,
    engine::{
        Engine,
        fulfilment::{AutoProvisioner, FULFILMENT},
        log::{Position, SharedLog},
        provisioning::PROVISIONING,
        sealing::MasterKey,
    },
};

use super::{check, clock, random, write_all};
use crate::{
    postgres::server::{End, Server},
    world::*,
};

/// Where the client finds its store: the url, a space, the master key.
const TASK: &str = "ORDERWIRE_CRASH_CLIENT";
/// A client that says nothing for so long does not go on.
const WITHIN: Duration = Duration::from_secs(30);

/// Not a test of its own: the process that goes on. Without its task it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_whose_server_is_killed() {
    let Ok(task) = std::env::var(TASK) else { return };
    let [url, master] = task.split(' ').collect::<Vec<_>>().try_into().expect("two words");
    let store = Store::at(url).under(MasterKey::parse(master).unwrap());
    let clock = clock();
    // Readers and fulfilment run by themselves, as in service: they too must get over it.
    let builder = Engine::builder().clock(clock.clone()).provisioner(AutoProvisioner);
    let engine = builder.open(store.log().await, store.master()).await.unwrap();
    write_all(&World { engine, clock }, 0).await;
}

/// The writing process, and what it says.
struct Client {
    process: Child,
    answers: mpsc::Receiver<String>,
}

impl Client {
    fn of(url: &str, master: &MasterKey) -> Self {
        let name = "crash::database::the_client_whose_server_is_killed";
        let mut process = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture", "--test-threads", "1"])
            .env(TASK, format!("{url} {}", master.to_hex()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let (tell, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines() {
                // The harness writes the name of the test before the first line.
                if let Some((_, answer)) = line.unwrap().split_once("ack ")
                    && tell.send(answer.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        Self { process, answers }
    }

    /// The next answer, with its first position.
    fn answer(&self) -> (String, Position) {
        let answer = self.answers.recv_timeout(WITHIN).expect("the client goes on");
        let first = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (answer, first)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test]
async fn a_server_killed_while_a_process_writes_loses_nothing_it_acknowledged() {
    let Some(mut server) = Server::start() else { return };
    let master = MasterKey::generate();
    let store = Store::at(&server.url()).under(master.clone());
    let world = World::open(&store).await;
    world.leeds().await;
    world.engine.close().await;
    let cycles = std::env::var("ORDERWIRE_SERVER_CRASHES")
        .map_or(3, |text| text.parse().expect("a number of crashes"));

    let client = Client::of(&server.url(), &master);
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    for cycle in 0..cycles {
        let before = 20 + random() % 100;
        acknowledged.extend((0..before).map(|_| client.answer().0));
        server.end(if cycle % 2 == 0 { End::Killed } else { End::Aborted });
        let down = Instant::now();
        server.start_again();

        let log = store.log().await;
        let head = log.head().await.unwrap().position;
        let mut answered = 0;
        while answered <= head {
            let (answer, first) = client.answer();
            acknowledged.insert(answer);
            answered = first;
        }
        println!(
            "cycle {cycle}: killed at {head} after {before} answers, goes on after {:?}",
            down.elapsed()
        );
        let until = Instant::now() + WITHIN;
        while let Some(reader) = behind(&log, head).await {
            assert!(Instant::now() < until, "the reader `{reader}` goes on too");
            acknowledged.insert(client.answer().0);
        }
        log.close().await;
    }
    drop(client);
    check(&store, &acknowledged).await;
}

/// A reader that has not got over what was in the log when the server came back.
async fn behind(log: &SharedLog, head: Position) -> Option<&'static str> {
    for name in READERS.iter().map(|reader| reader.name).chain([FULFILMENT, PROVISIONING]) {
        if log.checkpoint(name).await.unwrap() < head {
            return Some(name);
        }
    }
    None
}
