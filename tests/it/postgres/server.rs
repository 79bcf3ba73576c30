//! A `PostgreSQL` server of a test's own, which may be killed and started again on the same data and port.
//!
//! Whatever signal is sent goes to the process that this started, by its id. Absent: durability against a power cut,
//! which no test can bring about; what a killed process leaves in the system's cache is still there.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    process::{Child, Command as Process, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use uuid::Uuid;

/// Starting includes recovery; ending includes the last of its processes.
const WITHIN: Duration = Duration::from_secs(30);
/// A port may be somebody else's.
const PORT_ATTEMPTS_MAX: u32 = 20;
/// Below the ports that connections are given: one of those could take the port while the server is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How a server ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// SIGKILL for the one that watches over the others; they find out and go.
    Killed,
    /// SIGQUIT: every process ends at once, and nothing is written first.
    Aborted,
}

/// A server with nothing in it but its first database.
pub struct Server {
    folder: TempDir,
    bin: PathBuf,
    password: String,
    port: u16,
    /// `PostgreSQL` refuses to run as root, who starts it as the user `postgres`.
    by_root: bool,
    running: Option<Running>,
}

struct Running {
    process: Child,
    /// Says once that the server is ready; closed when the last of its processes is gone.
    ready: mpsc::Receiver<()>,
}

impl Server {
    /// A running server; `None` where `PostgreSQL` is not installed.
    pub fn start() -> Option<Self> {
        let bin = newest_bin()?;
        let folder = tempfile::tempdir().unwrap();
        let password = Uuid::now_v7().simple().to_string();
        std::fs::write(folder.path().join("password"), &password).unwrap();
        // A folder made just now is of whoever runs this.
        let by_root = std::fs::metadata(folder.path()).unwrap().uid() == 0;
        let mut server = Self { folder, bin, password, port: 0, by_root, running: None };
        if server.by_root {
            succeed(Process::new("chown").arg("-R").arg("postgres").arg(server.folder.path()));
        }
        let mut initdb = server.command("initdb");
        initdb.args([
            "-U",
            "orderwire",
            "--auth=scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        initdb.arg("-D").arg(server.data()).arg("--pwfile").arg(server.folder.path().join("password"));
        succeed(&mut initdb);
        for _ in 0..PORT_ATTEMPTS_MAX {
            let [.., a, b] = Uuid::now_v7().into_bytes();
            server.port = PORTS.start + u16::from_be_bytes([a, b]) % (PORTS.end - PORTS.start);
            if server.launch() {
                return Some(server);
            }
        }
        panic!("PostgreSQL did not start on any of {PORT_ATTEMPTS_MAX} ports");
    }

    /// How to reach it.
    pub fn url(&self) -> String {
        format!("postgres://orderwire:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }

    /// Ends it, and waits until the last of its processes is gone.
    pub fn end(&mut self, end: End) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid: u32 = pid.lines().next().unwrap().trim().parse().unwrap();
        let signal = match end {
            End::Killed => "-KILL",
            End::Aborted => "-QUIT",
        };
        succeed(Process::new("kill").arg(signal).arg(pid.to_string()));
        let mut running = self.running.take().expect("a server is ended while it runs");
        running.process.wait().unwrap();
        let gone = running.ready.recv_timeout(WITHIN);
        assert_eq!(gone, Err(mpsc::RecvTimeoutError::Disconnected), "the server's processes end with it");
    }

    /// Starts it again on what it left.
    pub fn start_again(&mut self) {
        assert!(self.launch(), "the server starts again on port {}", self.port);
    }

    fn launch(&mut self) -> bool {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        let folder = self.folder.path().display();
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={folder}"),
            // Only the machine's own end would need it. What was answered must still be written by then.
            "fsync=off".to_owned(),
            "synchronous_commit=on".to_owned(),
        ] {
            command.arg("-c").arg(setting);
        }
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        let (tell, ready) = mpsc::channel();
        thread::spawn(move || {
            for line in said.lines() {
                if line.unwrap().contains("ready to accept connections") {
                    tell.send(()).unwrap();
                }
            }
        });
        if ready.recv_timeout(WITHIN).is_ok() {
            self.running = Some(Running { process, ready });
            return true;
        }
        process.wait().unwrap();
        false
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of `PostgreSQL`.
    fn command(&self, name: &str) -> Process {
        let program = self.bin.join(name);
        let mut command = if self.by_root {
            let mut command = Process::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Process::new(program)
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.end(End::Aborted);
        }
    }
}

/// The newest server on this machine, where Debian puts it or on the path.
fn newest_bin() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| {
            let entry = entry.unwrap();
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    versions.sort();
    let on_path = || {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).find(|folder| folder.join("initdb").exists())
    };
    let found = versions.pop().map(|(_, bin)| bin).or_else(on_path);
    if found.is_none() {
        // Not `eprintln!`: the harness shows what that prints only when a test fails.
        std::io::stderr().write_all(b"PostgreSQL WAS NOT KILLED: it is not installed\n").unwrap();
    }
    found
}

fn succeed(command: &mut Process) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
