//! The real binary as a server: it starts on a free port, and ends on a signal without losing what it acknowledged.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::DateTime;
use reqwest::Method;
use serde_json::Value;

use super::{company, with_json};

/// Acknowledged writes before the signal is sent.
const WRITES: usize = 40;
/// Clients that write at once.
const CLIENTS: usize = 8;

pub fn orderwire(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderwire"));
    command.current_dir(folder).env("XDG_STATE_HOME", folder);
    for name in ["ORDERWIRE_STORE", "ORDERWIRE_MASTER_KEY_FILE", "ORDERWIRE_ACTOR", "ORDERWIRE_LISTEN"] {
        command.env_remove(name);
    }
    command
}

pub fn done(folder: &Path, arguments: &[&str]) -> Value {
    let output = orderwire(folder).args(["--format", "json"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// A server process, which does not outlive its test.
pub struct Server(Child);

impl Server {
    pub fn of(process: Child) -> Self {
        Self(process)
    }

    /// Sends a signal, and waits for the end.
    pub fn told(mut self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success(), "it ends by itself, and well");
    }
}

impl Server {
    /// Ends it at once.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }
}

/// A server on a free port, and where it is.
pub fn served(folder: &Path) -> (Server, String) {
    served_by(&mut orderwire(folder))
}

fn served_with(folder: &Path, more: &[&str]) -> (Server, String) {
    listening(orderwire(folder).env("TMPDIR", folder).args(["serve", "--listen", "127.0.0.1:0"]).args(more))
}

/// The same, by a command that says what else it is given.
pub fn served_by(server: &mut Command) -> (Server, String) {
    listening(server.args(["serve", "--listen", "127.0.0.1:0"]))
}

fn listening(server: &mut Command) -> (Server, String) {
    let mut server = Server(server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let lines = BufReader::new(server.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said = Vec::new();
    for line in lines {
        if let Some(url) = line.strip_prefix("listening on ") {
            return (server, url.to_owned());
        }
        said.push(line);
    }
    panic!("it does not listen: {said:?}");
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_demo_that_nobody_named_a_store_for_leaves_none_behind() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let (server, _) = served_with(folder.path(), &["--demo"]);
        assert!(!files(folder.path()).is_empty(), "it has one while it serves");
        server.told(signal);
        assert_eq!(files(folder.path()), Vec::<String>::new(), "after {signal}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = served_with(folder.path(), &["--demo", "--store", "kept.db"]);
    server.told("-TERM");
    assert!(files(folder.path()).contains(&"kept.db".to_owned()), "one that was named is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["migrate"]);
    done(folder, &["resellers", "add", "R100", "--name", "Northern Voice"]);
    let key = done(folder, &["keys", "create", "--role", "reseller", "--reseller", "R100"]);
    let created = key["created_at"].as_str().unwrap();
    assert!(DateTime::parse_from_rfc3339(created).is_ok(), "{created}");
    let token = key["token"].as_str().unwrap().to_owned();
    assert!(!done(folder, &["keys", "list"]).to_string().contains(&token), "a token is shown once");

    let (server, url) = served(folder);
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (url, token, acknowledged) = (url.clone(), token.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let (http, mut kept) = (reqwest::Client::new(), Vec::new());
                for n in 0.. {
                    let request =
                        http.request(Method::POST, format!("{url}/v1/companies")).bearer_auth(&token);
                    let request = with_json(request, &company(&format!("Company {client} {n}")));
                    let Ok(response) = request.send().await else { break };
                    assert_eq!(response.status(), 201, "whoever is answered is answered well, to the end");
                    let Ok(body) = response.text().await else { break };
                    let body: Value = serde_json::from_str(&body).unwrap();
                    kept.push(body["service_reference"].as_str().unwrap().to_owned());
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                kept
            })
        })
        .collect();
    while acknowledged.load(Ordering::Relaxed) < WRITES {
        tokio::task::yield_now().await;
    }
    server.told("-TERM");
    let mut kept = Vec::new();
    for client in clients {
        kept.extend(client.await.unwrap());
    }
    let there = done(folder, &["companies", "list"]);
    let there: BTreeSet<&str> =
        there.as_array().unwrap().iter().map(|company| company["company"].as_str().unwrap()).collect();
    assert!(kept.len() >= WRITES && kept.iter().all(|company| there.contains(company.as_str())));

    done(folder, &["keys", "revoke", key["key"].as_str().unwrap()]);
    let (server, url) = served(folder);
    let refused = reqwest::Client::new().get(format!("{url}/v1/reseller")).bearer_auth(&token).send().await;
    assert_eq!(refused.unwrap().status(), 401);
    server.told("-INT");
}
