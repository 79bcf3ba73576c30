//! Brokers of a test's own: `nats-server` processes on private ports and folders, which may be killed and started again.
//!
//! Whatever is ended is ended by the process that this started.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command as Process, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use async_nats::jetstream::{self, ErrorCode, context::GetStreamErrorKind};
use tempfile::TempDir;
use uuid::Uuid;

/// Starting includes reading what is stored.
const WITHIN: Duration = Duration::from_secs(30);
/// A port may be somebody else's.
const ATTEMPTS_MAX: u32 = 20;
/// Below the ports that connections are given: one of those could take the port while the server is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// One broker.
pub struct Node {
    folder: TempDir,
    port: u16,
    monitor: u16,
    process: Option<Child>,
}

/// Brokers of one cluster.
pub struct Cluster {
    pub nodes: Vec<Node>,
}

/// Whether there is a broker to test with; says so where there is none.
pub fn is_installed() -> bool {
    let found = Process::new("nats-server").arg("--version").stdout(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    // Not `eprintln!`: the harness shows what that prints only when a test fails.
    let said = b"JetStream WAS NOT TESTED: nats-server is not installed; ./test installs it\n";
    std::io::stderr().write_all(said).unwrap();
    false
}

/// A port that nobody has now.
fn free_port() -> u16 {
    for _ in 0..ATTEMPTS_MAX {
        let [.., a, b] = Uuid::now_v7().into_bytes();
        let port = PORTS.start + u16::from_be_bytes([a, b]) % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("none of {ATTEMPTS_MAX} ports is free");
}

impl Node {
    /// One that runs.
    pub fn start() -> Self {
        let mut node = Self::prepared("", "");
        node.launch();
        node
    }

    /// One that does not run yet; its port is its own.
    pub fn away() -> Self {
        Self::prepared("", "")
    }

    /// One that lets in only who knows the password.
    pub fn guarded(user: &str, password: &str) -> Self {
        let mut node =
            Self::prepared("", &format!("authorization {{ user: {user}, password: {password} }}\n"));
        node.launch();
        node
    }

    fn prepared(name: &str, cluster: &str) -> Self {
        let (folder, port, monitor) = (tempfile::tempdir().unwrap(), free_port(), free_port());
        let store = folder.path().join("store").display().to_string();
        let named = if name.is_empty() { String::new() } else { format!("server_name: {name}\n") };
        let listens = format!("listen: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor}\"\n");
        let text = format!("{listens}{named}jetstream {{ store_dir: {store:?} }}\n{cluster}");
        std::fs::write(folder.path().join("nats.conf"), text).unwrap();
        Self { folder, port, monitor, process: None }
    }

    /// How many messages this broker itself has of a stream, and how many bytes they are.
    pub async fn has(&self, stream: &str) -> Option<(u64, u64)> {
        let asked = format!("http://127.0.0.1:{}/jsz?streams=true&accounts=true", self.monitor);
        let text = reqwest::get(asked).await.unwrap().text().await.unwrap();
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        let streams = said["account_details"][0]["stream_detail"].as_array()?;
        let state = &streams.iter().find(|it| it["name"] == stream)?["state"];
        Some((state["messages"].as_u64()?, state["bytes"].as_u64()?))
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("nats.conf")
    }

    /// Starts it, on what it has, and waits until it takes connections.
    pub fn launch(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let mut process = Process::new("nats-server")
            .arg("-c")
            .arg(self.config())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (ready, is_ready) = mpsc::channel();
        let said = BufReader::new(process.stderr.take().unwrap());
        // Reads on to the end, or the server would wait for somebody who does.
        thread::spawn(move || {
            let mut last = String::new();
            for line in said.lines().map_while(Result::ok) {
                if line.contains("Server is ready") && ready.send(Ok(())).is_err() {
                    return;
                }
                last = line;
            }
            drop(ready.send(Err(last)));
        });
        let started = is_ready.recv_timeout(WITHIN).unwrap();
        started.unwrap_or_else(|last| panic!("nats-server did not start: {last}"));
        self.process = Some(process);
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("a broker is ended while it runs");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// A client of this broker alone.
    pub async fn client(&self) -> jetstream::Context {
        let options = async_nats::ConnectOptions::new().ignore_discovered_servers();
        jetstream::new(options.connect(self.url()).await.unwrap())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}

impl Cluster {
    /// Three brokers that know each other.
    pub async fn start() -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let routes: Vec<String> = ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let nodes = ports.iter().enumerate().map(|(n, port)| {
            let routes = routes.join(", ");
            let cluster =
                format!("cluster {{ name: orders, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}\n");
            let mut node = Node::prepared(&format!("node-{n}"), &cluster);
            node.launch();
            node
        });
        let cluster = Self { nodes: nodes.collect() };
        let client = cluster.nodes[0].client().await;
        // Only once it has a leader does it know that there is no such stream.
        let led = async {
            loop {
                let Err(error) = client.get_stream("NONE").await else { panic!("there is one") };
                if matches!(error.kind(), GetStreamErrorKind::JetStream(why) if why.error_code() == ErrorCode::STREAM_NOT_FOUND)
                {
                    return;
                }
            }
        };
        tokio::time::timeout(WITHIN, led).await.unwrap();
        cluster
    }

    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Node::url).collect()
    }

    /// A client that goes to whichever is there.
    pub async fn client(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.urls().as_slice()).await.unwrap())
    }

    /// Which of them leads a stream.
    pub async fn leader(&self, stream: &str) -> usize {
        let client = self.client().await;
        let leader = async {
            loop {
                let Ok(stream) = client.get_stream(stream).await else { continue };
                let leader = stream.cached_info().cluster.as_ref().and_then(|it| it.leader.clone());
                if let Some(leader) = leader {
                    return leader.strip_prefix("node-").unwrap().parse().unwrap();
                }
            }
        };
        tokio::time::timeout(WITHIN, leader).await.unwrap()
    }
}
