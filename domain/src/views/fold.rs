//! What every fold shares: how it ends, and typed access to rows.
//!
//! A fold may be interrupted by a [`Need`] and run again from its beginning, so whoever runs it discards what the
//! interrupted run changed; [`Overlay`](super::overlay::Overlay) does. Absent: where rows are kept.

use std::sync::Arc;

use serde_json::Error;

use super::table::{Held, Need, Record, Rows, Table};
use crate::fact::Fact;

/// A read model: how one event changes its rows.
pub type Fold = fn(&mut dyn Rows, &Fact) -> Result<(), Fault>;

/// Why a fold did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has to be run again when this is at hand.
    #[error("rows have to be fetched first: {0:?}")]
    Need(Need),
    /// The rows and the event cannot both be right: the reader stops until somebody has looked.
    #[error("a read model is broken: {0}")]
    Broken(String),
}

impl From<Need> for Fault {
    fn from(need: Need) -> Self {
        Self::Need(need)
    }
}

/// A fault for rows that contradict the event.
pub(super) fn broken(why: impl Into<String>) -> Fault {
    Fault::Broken(why.into())
}

/// The record of a key, if there is one.
pub fn load<T: Record>(rows: &mut dyn Rows, key: &str) -> Result<Option<T>, Fault> {
    let held = rows.get(T::TABLE, key)?;
    held.map(Held::read).transpose().map_err(|why| unreadable(T::TABLE, key, &why))
}

/// The record of a key that must be there.
pub fn require<T: Record>(rows: &mut dyn Rows, key: &str) -> Result<T, Fault> {
    load(rows, key)?.ok_or_else(|| broken(format!("{} has no row {key}", T::TABLE.name)))
}

/// The records of a parent, by key.
pub fn load_children<T: Record>(rows: &mut dyn Rows, parent: &str) -> Result<Vec<T>, Fault> {
    let children = rows.children(T::TABLE, parent)?;
    children.into_iter().map(|held| held.read().map_err(|why| unreadable(T::TABLE, parent, &why))).collect()
}

/// Writes a record, in place of one with the same key.
pub fn save<T: Record>(rows: &mut dyn Rows, record: T) {
    rows.put(T::TABLE, record.key(), record.parent(), Held::Record(Arc::new(record)));
}

/// The records of many keys, in their order. All of them are asked for before the first is missed, so that one round
/// fetches them.
pub fn load_all<T: Record>(
    rows: &mut dyn Rows,
    keys: impl IntoIterator<Item = String>,
) -> Result<Vec<(String, Option<T>)>, Fault> {
    let mut missing = None;
    let mut records = Vec::new();
    for key in keys {
        match load(rows, &key) {
            Ok(record) => records.push((key, record)),
            Err(Fault::Need(need)) => missing = Some(need),
            Err(broken) => return Err(broken),
        }
    }
    missing.map_or(Ok(records), |need| Err(need.into()))
}

fn unreadable(table: &Table, key: &str, why: &Error) -> Fault {
    broken(format!("row {key} of {} cannot be read: {why}", table.name))
}
