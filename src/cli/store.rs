//! The store itself: its schema, its log, the readers of it.

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{
    Failure, Output,
    output::{Column, time},
    session::Session,
};
use crate::engine::{self, log::StoredEvent, readers::PAGE_EVENTS_MAX};

/// Which part of the log.
#[derive(Debug, Args)]
pub struct LogArguments {
    /// Only events after this position
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    after: u64,
    /// At most this many events
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    limit: usize,
}

/// An event of the log, as it is stored: nothing is opened here.
#[derive(Serialize)]
pub struct Entry {
    position: u64,
    stream: String,
    sequence: u64,
    event_type: String,
    event_version: String,
    recorded_at: chrono::DateTime<chrono::Utc>,
    payload: Value,
    metadata: Value,
    leaf: String,
}

impl Entry {
    fn of(event: &StoredEvent) -> Result<Self, Failure> {
        let read = |text: &str| {
            serde_json::from_str(text).map_err(|error| {
                let detail = format!("event {} cannot be read: {error}", event.sequence);
                Failure::Engine(engine::Error::Corrupt { stream: event.stream.to_string(), detail })
            })
        };
        Ok(Self {
            position: event.position,
            stream: event.stream.to_string(),
            sequence: event.sequence,
            event_type: event.event_type.clone(),
            event_version: event.event_version.clone(),
            recorded_at: engine::clock::time(event.recorded_at_us),
            payload: read(&event.payload)?,
            metadata: read(&event.metadata)?,
            leaf: engine::leaf::hex(&event.leaf),
        })
    }
}

const ENTRY: &[Column<Entry>] = &[
    ("position", |it| it.position.to_string()),
    ("recorded at", |it| time(it.recorded_at)),
    ("stream", |it| it.stream.clone()),
    ("sequence", |it| it.sequence.to_string()),
    ("event", |it| it.event_type.clone()),
    ("actor", |it| it.metadata["actor"].as_str().unwrap_or_default().to_owned()),
];

/// Prints a part of the log.
pub async fn log(
    session: &Session,
    arguments: &LogArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    session.only_carrier("reading the whole log")?;
    let (mut after, mut entries) = (arguments.after, Vec::new());
    while entries.len() < arguments.limit {
        let wanted = PAGE_EVENTS_MAX.min(arguments.limit - entries.len());
        let page = session.engine.page(after, wanted).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for event in &page {
            entries.push(Entry::of(event)?);
        }
    }
    Ok(output.list(&entries, ENTRY)?)
}

/// Where a reader is.
#[derive(Serialize)]
struct Place {
    reader: String,
    position: u64,
    behind: u64,
    /// The process that has its lease, if any has.
    works: Option<String>,
}

const PLACE: &[Column<Place>] = &[
    ("reader", |it| it.reader.clone()),
    ("position", |it| it.position.to_string()),
    ("behind", |it| it.behind.to_string()),
    ("works", |it| it.works.clone().unwrap_or_default()),
];

/// Prints where every reader is.
pub async fn readers(session: &Session, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("looking at readers")?;
    let head = session.engine.head().await?.position;
    let mut names: Vec<String> = session.engine.readers().iter().map(|reader| reader.name.clone()).collect();
    names.push(engine::fulfilment::FULFILMENT.to_owned());
    let standings = session.engine.log().standings().await.map_err(engine::Error::from)?;
    let places = names.into_iter().map(|reader| {
        let standing = standings.iter().find(|standing| standing.name == reader);
        let position = standing.map_or(0, |standing| standing.position);
        let works = standing.and_then(|standing| standing.owner.clone());
        let due = session.engine.readers().get(&reader).map_or(head, |reader| reader.due(head));
        Place { reader, position, behind: due.saturating_sub(position), works }
    });
    let places: Vec<Place> = places.collect();
    Ok(output.list(&places, PLACE)?)
}

/// Which read models to fold again.
#[derive(Args, Debug)]
pub struct Rebuild {
    /// The readers, as `orderwire readers` names them; without any, every one that has tables
    readers: Vec<String>,
    /// Only drop what a rebuild left that was cut short
    #[arg(long)]
    drop: bool,
}

/// Folds read models again, beside those in use.
pub async fn rebuild(session: &Session, arguments: &Rebuild, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("rebuilding read models")?;
    let engine = &session.engine;
    let known: Vec<&str> = engine.rebuildable().collect();
    if let Some(unknown) = arguments.readers.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::not_found("read model", unknown));
    }
    let asked = |name: &&str| arguments.readers.is_empty() || arguments.readers.iter().any(|it| it == name);
    let names: Vec<&str> = known.into_iter().filter(asked).collect();
    if arguments.drop {
        for name in names {
            engine.drop_rebuild(name).await?;
        }
        return readers(session, output).await;
    }
    let head = engine.head().await?.position;
    let bar = output.bar("folding events", head * names.len() as u64);
    for (done, name) in (0..).zip(names) {
        let folded = || async { Some(done * head + engine.rebuilt_to(name).await.ok()?) };
        bar.watch(engine.rebuild_reader(name), folded).await?;
    }
    drop(bar);
    readers(session, output).await
}

/// Says where the store is now.
pub async fn migrated(session: &Session, output: &mut Output<'_>) -> Result<(), Failure> {
    let head = session.engine.head().await?.position;
    Ok(output.remark(&format!("the store is ready; its log has {head} events"))?)
}
