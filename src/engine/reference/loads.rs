//! What was loaded when, by whom, from which files: one row per load, which nothing deletes.
//!
//! A load writes its rows in small transactions, so it is not one transaction as a whole. What takes effect at once does
//! so through the state of its row here.

use chrono::{DateTime, Utc};
use orderwire_domain::views::table::{Record, Row, Table, Value, text};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::engine::{
    Engine, Error, Provenance,
    log::{RowChange, Select, SharedLog},
    query::{self, equal},
};

/// Rows of one transaction: short enough that a server beside it is never kept waiting.
pub const ROWS_PER_WRITE_MAX: usize = 500;

/// One row per load; the key rises with time.
pub static REFERENCE_LOAD: Table = Table {
    name: "reference_load",
    columns: &[text("kind"), text("state")],
    indexes: &[&["kind", "key"], &["kind", "state", "key"]],
};

/// What is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LoadKind {
    /// Addresses.
    Addresses,
    /// Ranges of numbers and who holds them.
    Numbering,
}

/// What became of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LoadState {
    /// It is under way, or was cut short.
    Begun,
    /// Its rows are in force.
    Loaded,
    /// Nothing of it took effect.
    Refused,
    /// A later load took its place.
    Replaced,
}

/// A load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// Which.
    pub load: Uuid,
    /// What was loaded.
    pub kind: LoadKind,
    /// What became of it.
    pub state: LoadState,
    /// From what.
    pub files: Vec<LoadedFile>,
    /// By whom: an opaque id.
    pub actor: String,
    /// When it began.
    pub begun_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A file of a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedFile {
    /// Its name, without the folder.
    pub name: String,
    /// Of its bytes, as hex.
    pub sha256: String,
    /// Rows that were taken.
    pub rows: u64,
    /// Rows that were refused.
    pub refused: u64,
    /// Rows of no use here, such as ranges of mobiles.
    pub passed_over: u64,
}

impl LoadRecord {
    /// Begins a load; the row tells of it from here on, whatever becomes of it.
    pub async fn begin(engine: &Engine, kind: LoadKind, who: &Provenance) -> Result<Self, Error> {
        let record = Self {
            load: Uuid::now_v7(),
            kind,
            state: LoadState::Begun,
            files: Vec::new(),
            actor: who.actor.as_str().to_owned(),
            begun_at: engine.now(),
            ended_at: None,
        };
        record.keep(engine.log()).await?;
        Ok(record)
    }

    /// Ends it.
    pub async fn end(&mut self, engine: &Engine, state: LoadState) -> Result<(), Error> {
        self.state = state;
        self.ended_at = Some(engine.now());
        self.keep(engine.log()).await
    }

    /// Rows taken from all its files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Rows refused in all its files.
    pub fn refused(&self) -> u64 {
        self.files.iter().map(|file| file.refused).sum()
    }

    pub(super) async fn keep(&self, log: &SharedLog) -> Result<(), Error> {
        Ok(log.change_rows(&[RowChange::Put(&REFERENCE_LOAD, self.to_row())], None).await?)
    }
}

impl Record for LoadRecord {
    const TABLE: &'static Table = &REFERENCE_LOAD;

    fn key(&self) -> String {
        self.load.simple().to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![<&str>::from(self.kind).into(), <&str>::from(self.state).into()]
    }
}

/// The latest loads of a kind, the last one first.
pub async fn list(log: &SharedLog, kind: LoadKind, limit: usize) -> Result<Vec<LoadRecord>, Error> {
    look(log, vec![equal("kind", <&str>::from(kind))], limit).await
}

/// The load of a kind that is in force.
pub(super) async fn in_force(log: &SharedLog, kind: LoadKind) -> Result<Option<LoadRecord>, Error> {
    let state: &str = LoadState::Loaded.into();
    let filters = vec![equal("kind", <&str>::from(kind)), equal("state", state)];
    Ok(look(log, filters, 1).await?.pop())
}

async fn look(
    log: &SharedLog,
    filters: Vec<crate::engine::log::Filter>,
    limit: usize,
) -> Result<Vec<LoadRecord>, Error> {
    let table = &REFERENCE_LOAD;
    query::select(log, &Select { table, filters, order: "key", descending: true, after: None, limit }).await
}

/// Rows on their way into a table, written a few hundred at a time.
pub(super) struct Writer<'a> {
    log: &'a SharedLog,
    table: &'static Table,
    waiting: Vec<RowChange>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(log: &'a SharedLog, table: &'static Table) -> Self {
        Self { log, table, waiting: Vec::with_capacity(ROWS_PER_WRITE_MAX) }
    }

    pub(super) async fn put(&mut self, row: Row) -> Result<(), Error> {
        self.waiting.push(RowChange::Put(self.table, row));
        if self.waiting.len() < ROWS_PER_WRITE_MAX { Ok(()) } else { self.flush().await }
    }

    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        if !self.waiting.is_empty() {
            self.log.change_rows(&self.waiting, None).await?;
            self.waiting.clear();
        }
        Ok(())
    }
}
