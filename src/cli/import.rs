//! The way in for a history that was written without us.

use clap::Args;
use serde::Serialize;

use super::{
    Failure, Output,
    output::Column,
    session::{Session, shown},
};
use crate::{
    edge::open::OpenError,
    engine,
    stores::{self, sql::TableName},
};

/// Where the history is.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The events table that postgres-es wrote; its schema may stand before a dot
    #[arg(long, value_name = "TABLE")]
    from_stock: TableName,
    /// The PostgreSQL database that has the table; the store's own where none is named
    #[arg(long, value_name = "URL")]
    from: Option<String>,
}

/// What was brought in.
#[derive(Serialize)]
struct Summary {
    streams: u64,
    events: u64,
    position: u64,
    merkle_root: String,
}

const SUMMARY: &[Column<Summary>] = &[
    ("streams", |it| it.streams.to_string()),
    ("events", |it| it.events.to_string()),
    ("log head", |it| it.position.to_string()),
    ("merkle root", |it| it.merkle_root.clone()),
];

/// Imports a stock history, and prints where it ends; what it makes due comes after that.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("importing a history")?;
    let from = arguments.from.as_ref().unwrap_or(&session.store);
    if !stores::is_postgres(from) {
        return Err(Failure::of_argument(
            "--from",
            "a stock table is in PostgreSQL: name its postgres:// URL",
        ));
    }
    let read = stores::read_stock(from, &arguments.from_stock).await;
    let events =
        read.map_err(|error| Failure::Open { store: shown(from), error: OpenError::Store(error) })?;
    let bar = output.bar("importing events", events.len() as u64);
    let table = arguments.from_stock.to_string();
    let appended = || async { session.engine.log().head().await.ok().map(|head| head.position) };
    let imported = bar.watch(session.engine.import(events, &table), appended).await?;
    drop(bar);
    let summary = Summary {
        streams: imported.streams,
        events: imported.events,
        position: imported.head.position,
        merkle_root: engine::leaf::hex(&imported.head.frontier.root()),
    };
    output.one(&summary, SUMMARY)?;
    session.settle().await.map_err(Failure::pending)
}
