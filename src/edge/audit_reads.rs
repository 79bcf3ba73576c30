//! Who has read the audit: what was asked, by whom, when, and up to where the log went then.
//!
//! Rows of a table beside the read models, which no rebuild touches and no fold reads: that somebody looked is no event of an order,
//! and looking must not lengthen the log that is looked at. The newest are kept up to a bound. Deliberately absent: what was
//! answered, since that follows from the log.

use chrono::{DateTime, Utc};
use orderwire_domain::views::table::{Record, Table, Value, integer, text};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::engine::Via;
use crate::engine::{
    Engine, Error,
    log::{Filter, RowChange, Select, StoreError},
    query,
};

/// One row per read. The indexes answer what was read last, and what somebody read last.
pub static AUDIT_READ: Table = Table {
    name: "audit_read",
    columns: &[integer("at"), text("actor")],
    indexes: &[&["at"], &["actor", "at"]],
};

/// Reads that are kept: years of what people ask, some tens of megabytes at most.
pub const READS_MAX: u64 = 100_000;
/// Of so many reads about one looks whether there are too many.
const LOOKS_EVERY: u8 = 64;
/// Longest text of what was asked.
const WHAT_MAX: usize = 300;

/// One read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRead {
    /// Its own id.
    pub id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// An opaque id of whoever asked.
    pub actor: String,
    /// How.
    pub via: Via,
    /// What was asked.
    pub what: String,
    /// The position of the last event then.
    pub position: u64,
}

impl Record for AuditRead {
    const TABLE: &'static Table = &AUDIT_READ;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.at.timestamp_micros().into(), self.actor.clone().into()]
    }
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is durable.
    Yes,
    /// The store takes no writes at all, so nothing can be recorded; why.
    TakesNoWrites(String),
}

/// Records that somebody asks; before anything of the answer is shown.
pub async fn record(engine: &Engine, actor: &str, via: Via, what: &str) -> Result<Recorded, Error> {
    let id = Uuid::now_v7();
    let read = AuditRead {
        id: id.simple().to_string(),
        at: engine.now(),
        actor: actor.to_owned(),
        via,
        what: what.chars().take(WHAT_MAX).collect(),
        position: engine.head().await?.position,
    };
    match engine.log().change_rows(&[RowChange::Put(&AUDIT_READ, read.to_row())], None).await {
        Ok(()) => {}
        Err(error @ (StoreError::ReadOnly(_) | StoreError::Full(_))) => {
            return Ok(Recorded::TakesNoWrites(error.to_string()));
        }
        Err(error) => return Err(error.into()),
    }
    if id.as_bytes()[15].is_multiple_of(LOOKS_EVERY) {
        forget(engine, READS_MAX).await?;
    }
    Ok(Recorded::Yes)
}

/// Forgets the oldest, so that so many are left.
pub async fn forget(engine: &Engine, keep: u64) -> Result<(), Error> {
    Ok(query::keep_newest(engine.log(), &AUDIT_READ, Vec::new(), keep).await?)
}

/// The newest of all, or of one actor, and those before a place.
pub async fn list(
    engine: &Engine,
    actor: Option<&str>,
    before: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<AuditRead>, Error> {
    let filters = actor.map(|actor| query::equal("actor", actor)).into_iter().collect();
    let after = before.map(|(at, id)| (Value::from(at), id));
    query::select(engine.log(), &Select { after, ..newest(filters, limit) }).await
}

fn newest(filters: Vec<Filter>, limit: usize) -> Select {
    Select { table: &AUDIT_READ, filters, order: "at", descending: true, after: None, limit }
}
