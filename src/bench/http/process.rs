//! A process of its own on the store that the bench leaves: how soon it is ready, and how much memory it takes idle.
//!
//! Deliberately absent: anything but Linux for the memory; elsewhere that is said, and nothing is guessed.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use hyper::StatusCode;

use super::{Error, Plan, client::Client, report::Report, report::Row};

/// A process that is not ready by then never will be.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// What a process does once after it is ready, such as looking for what is due, is done by then.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// A process that is not left behind.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is waited for.
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            tracing::warn!(%error, "a process of the bench could not be ended");
        }
    }
}

/// Starts the binary on the store, and ends it once it was seen idle.
pub(super) async fn measure(program: &Path, plan: &Plan, report: &mut Report) -> Result<(), Error> {
    let begun = Instant::now();
    let mut process = Process(
        Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--master-key-file"])
            .arg(&plan.master_key)
            // A url may have a password in it, and arguments are seen by everybody.
            .env("ORDERWIRE_STORE", &plan.url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let address = listens_on(&mut process.0).await?;
    let mut client = Client::connect(address, None).await?;
    while client.get("/readyz").await?.status != StatusCode::OK {
        if begun.elapsed() > READY_WITHIN {
            return Err(Error::Process("it is not ready in time".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    report.add(Row::Ready, begun.elapsed().as_secs_f64() * 1_000.0);
    drop(client);
    tokio::time::sleep(IDLE_AFTER).await;
    report.add(Row::Memory, resident_megabytes(process.0.id())?);
    Ok(())
}

/// The address that a server says it listens on.
async fn listens_on(child: &mut Child) -> Result<SocketAddr, Error> {
    let out = child.stdout.take().expect("the output was asked for");
    let said = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        BufReader::new(out).read_line(&mut said).map(|_| said)
    });
    let said = said.await.map_err(|panic| Error::Process(panic.to_string()))??;
    let address = said.trim().rsplit("http://").next().and_then(|address| address.parse().ok());
    address.ok_or_else(|| Error::Process(format!("it does not say where it listens, but `{}`", said.trim())))
}

/// The resident memory of a process, as Linux tells it.
fn resident_megabytes(process: u32) -> Result<f64, Error> {
    let unknown = || Error::Process("this system does not say how much memory it takes".to_owned());
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).map_err(|_| unknown())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(unknown)?;
    let kilobytes: u32 = line.trim().trim_end_matches("kB").trim().parse().map_err(|_| unknown())?;
    Ok(f64::from(kilobytes) / 1_024.0)
}
