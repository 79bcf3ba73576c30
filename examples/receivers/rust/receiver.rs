//! Receives notices, proves that none is missing, and fetches what is.
//!
//! ```text
//! receiver serve JOURNAL [--listen 127.0.0.1:9000] [--api http://127.0.0.1:8080]
//! receiver check FILE
//! ```
//!
//! The journal has a notice on each line, in order and without a gap; its last line is where the receiver goes on. What you
//! do for a notice belongs into the same transaction as that line: here, writing it down is all that is done.
//!
//! `serve` reads `WEBHOOK_SECRET` (`whsec_…`, shown when the webhook was made) and `ORDERWIRE_KEY`, the key that it fetches
//! with. `check` says what is wrong with a file of notices, however it was come by.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use clap::{Parser, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, sync::Mutex};

const BODY_MAX: usize = 1024 * 1024;

/// Receives notices, proves that none is missing, and fetches what is.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Receive webhooks
    Serve {
        journal: PathBuf,
        #[arg(long, default_value = "127.0.0.1:9000")]
        listen: String,
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        api: String,
    },
    /// Look at a file of notices
    Check { file: PathBuf },
}

/// What a receiver has to know of a notice.
#[derive(Deserialize)]
struct Notice {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    #[serde(deserialize_with = "padded")]
    sequence: u64,
    previousid: Option<String>,
}

/// A sequence is a text with zeros in front, so that it sorts as a text too.
fn padded<'de, D: serde::Deserializer<'de>>(text: D) -> Result<u64, D::Error> {
    String::deserialize(text)?.parse().map_err(serde::de::Error::custom)
}

/// How a notice goes with what is there.
enum Look {
    Next,
    Again,
    Gap,
    /// It is not what follows. Nothing here can mend that: ask the carrier.
    Other(String),
}

/// What was received last, and whether something else follows it.
#[derive(Default)]
struct Chain {
    last: u64,
    ids: BTreeMap<u64, String>,
}

impl Chain {
    fn look(&self, notice: &Notice) -> Look {
        let Notice { id, sequence, previousid, .. } = notice;
        if let Some(there) = self.ids.get(sequence).filter(|there| *there != id) {
            return Look::Other(format!("{sequence} was {there}, and is {id}"));
        }
        if *sequence <= self.last {
            return Look::Again;
        }
        if *sequence > self.last + 1 {
            return Look::Gap;
        }
        let before = self.ids.get(&self.last);
        if previousid.as_ref() == before {
            return Look::Next;
        }
        let (said, last) = (previousid.as_deref().unwrap_or("nothing"), self.last);
        Look::Other(format!("{sequence} follows {said}, and {last} is {}", before.map_or("nothing", |id| id)))
    }

    /// It is dealt with.
    fn take(&mut self, notice: &Notice) {
        self.last = self.last.max(notice.sequence);
        self.ids.insert(notice.sequence, notice.id.clone());
    }
}

/// The file with what was received.
struct Journal {
    chain: Chain,
    file: File,
    whole: u64,
}

impl Journal {
    fn open(path: &PathBuf) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let text = fs::read(path)?;
        // A line that was cut off by a crash was never acknowledged: its notice comes again.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64)?;
        let mut chain = Chain::default();
        for line in text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let notice: Notice = serde_json::from_slice(line)?;
            let last = chain.last;
            ensure!(
                matches!(chain.look(&notice), Look::Next),
                "the journal itself has {} after {last}",
                notice.sequence
            );
            chain.take(&notice);
        }
        Ok(Self { chain, file, whole: whole as u64 })
    }

    /// Writes a notice down; once this returns it is safe to say so.
    fn add(&mut self, notice: &Notice, json: &Value, how: &str) {
        let line = format!("{json}\n");
        if let Err(error) = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data()) {
            self.give_up(&error);
        }
        self.whole += line.len() as u64;
        self.chain.take(notice);
        println!("{how} {} {} {}", notice.sequence, notice.kind, notice.subject);
    }

    /// Ends the program: what of a line is on the disk is not known, so it is cut off, and nothing may follow it.
    fn give_up(&self, error: &io::Error) -> ! {
        // First of all, since nobody may be there to be told.
        let cut = self.file.set_len(self.whole);
        println!("failed: the journal cannot be written: {error}");
        if let Err(error) = cut {
            println!("failed: half a line is left in it: {error}");
        }
        std::process::exit(1)
    }
}

/// Takes notices as they come, and fetches those that do not.
struct Receiver {
    journal: Mutex<Journal>,
    webhook: Webhook,
    client: reqwest::Client,
    api: String,
    key: String,
}

/// A page of `GET /v1/notices`.
#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    next: Option<String>,
}

impl Receiver {
    async fn receive(&self, json: &Value) -> anyhow::Result<()> {
        let notice = Notice::deserialize(json)?;
        // The next notice is looked at when the last one is safe, by whichever connection it comes.
        let mut journal = self.journal.lock().await;
        let mut look = journal.chain.look(&notice);
        if let Look::Gap = look {
            println!("gap: after {} came {}", journal.chain.last, notice.sequence);
            self.fetch(&mut journal).await?;
            look = journal.chain.look(&notice);
        }
        match look {
            Look::Next => journal.add(&notice, json, "took"),
            Look::Again => println!("again {}", notice.sequence),
            Look::Gap => bail!("nobody has what is between {} and {}", journal.chain.last, notice.sequence),
            Look::Other(why) => bail!(why),
        }
        Ok(())
    }

    /// Asks for everything after the journal's end.
    async fn fetch(&self, journal: &mut Journal) -> anyhow::Result<()> {
        loop {
            let url = format!("{}/v1/notices?after={}&limit=500", self.api, journal.chain.last);
            let answer = self.client.get(url).bearer_auth(&self.key).send().await?;
            let status = answer.status();
            let body = answer.bytes().await?;
            ensure!(status.is_success(), "{} {}", status.as_u16(), String::from_utf8_lossy(&body));
            let page: Page = serde_json::from_slice(&body)?;
            for json in &page.items {
                let notice = Notice::deserialize(json)?;
                let last = journal.chain.last;
                ensure!(
                    matches!(journal.chain.look(&notice), Look::Next),
                    "the page has {} after {last}",
                    notice.sequence
                );
                journal.add(&notice, json, "fetched");
            }
            if page.next.is_none() {
                return Ok(());
            }
        }
    }
}

/// Answers the carrier: 204 once a notice is written down, and anything else to have it again.
async fn answer(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if let Err(error) = receiver.webhook.verify(&body, &headers) {
        println!("refused: {error}");
        return StatusCode::UNAUTHORIZED;
    }
    let taken = async {
        let json: Value = serde_json::from_slice(&body)?;
        // A test of the endpoint is no part of the history.
        if json.get("sequence").is_some() { receiver.receive(&json).await } else { Ok(()) }
    };
    match taken.await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            println!("failed: {error:#}");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

async fn serve(journal: PathBuf, listen: String, api: String) -> anyhow::Result<()> {
    let secret = env::var("WEBHOOK_SECRET").context("WEBHOOK_SECRET")?;
    let receiver = Arc::new(Receiver {
        journal: Mutex::new(Journal::open(&journal)?),
        webhook: Webhook::new(&secret)?,
        client: reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build()?,
        api,
        key: env::var("ORDERWIRE_KEY").context("ORDERWIRE_KEY")?,
    });
    let listener = TcpListener::bind(&listen).await?;
    // What was told while nobody was here.
    receiver.fetch(&mut *receiver.journal.lock().await).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = Router::new().fallback(post(answer)).layer(DefaultBodyLimit::max(BODY_MAX));
    Ok(axum::serve(listener, router.with_state(receiver)).await?)
}

/// Says what is missing, doubled, late or foreign in a file; answers how much that is.
fn check(file: &PathBuf) -> anyhow::Result<usize> {
    let (mut chain, mut missing, mut found) = (Chain::default(), BTreeSet::new(), 0);
    for (number, line) in fs::read_to_string(file)?.lines().enumerate() {
        let notice: Notice = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
        let (sequence, last) = (notice.sequence, chain.last);
        let what = match chain.look(&notice) {
            Look::Next => None,
            Look::Again if missing.remove(&sequence) => Some(format!("late: {sequence} came after {last}")),
            Look::Again => Some(format!("again: {sequence}")),
            Look::Gap => {
                missing.extend(last + 1..sequence);
                Some(format!("gap: {sequence} came after {last}"))
            }
            Look::Other(why) => Some(format!("other history: {why}")),
        };
        chain.take(&notice);
        if let Some(what) = what {
            found += 1;
            println!("line {}: {what}", number + 1);
        }
    }
    for sequence in &missing {
        println!("missing: {sequence}");
    }
    found += missing.len();
    match found {
        0 => println!("{} notices, complete and in order", chain.last),
        _ => println!("{found} things are wrong"),
    }
    Ok(found)
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Check { file } => Ok(if check(&file)? == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Serve { journal, listen, api } => match serve(journal, listen, api).await {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                println!("failed: {error:#}");
                Ok(ExitCode::FAILURE)
            }
        },
    }
}
