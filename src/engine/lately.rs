//! Rows that no event changes, as they were a moment ago: what every request asks for is not asked of the store each time.
//!
//! What this process changes is seen at once. What another process changes is seen within [`AGE_MAX`]; whoever asks here must
//! be able to live with that (decision 0030). Deliberately absent: rows that are not there, which are looked for every time,
//! and rows of read models, which change all the time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use orderwire_domain::views::table::{AnyRecord, Record};
use tokio::time::Instant;

use super::{Engine, error::Error, log::RowChange, query};

/// How old a row may be.
pub const AGE_MAX: Duration = Duration::from_secs(1);
/// Rows at hand; past this it starts again from none.
const ROWS_MAX: usize = 10_000;

/// Rows that were read a moment ago.
#[derive(Debug, Default)]
pub struct Lately(Mutex<Rows>);

/// A table and a key in it.
type Place = (&'static str, String);

#[derive(Debug, Default)]
struct Rows {
    /// Each with when it was asked for.
    rows: HashMap<Place, (Instant, Arc<dyn AnyRecord>)>,
    /// How often this process has changed rows: what was read before a change is not kept after it.
    changes: u64,
}

impl Engine {
    /// A row as it is, or was at most [`AGE_MAX`] ago.
    pub async fn row_lately<T: Record>(&self, key: &str) -> Result<Option<T>, Error> {
        let place = (T::TABLE.name, key.to_owned());
        let (known, changes) = {
            let lately = self.inner.lately.lock();
            let known = lately.rows.get(&place).filter(|(read, _)| read.elapsed() < AGE_MAX);
            (known.and_then(|(_, row)| row.any().downcast_ref::<T>().cloned()), lately.changes)
        };
        if known.is_some() {
            return Ok(known);
        }
        // Its age counts from before it was read.
        let asked = Instant::now();
        let found = query::get::<T>(self.log(), key).await?;
        let mut lately = self.inner.lately.lock();
        if let Some(row) = found.clone().filter(|_| lately.changes == changes) {
            if lately.rows.len() >= ROWS_MAX {
                lately.rows.clear();
            }
            lately.rows.insert(place, (asked, Arc::new(row)));
        }
        Ok(found)
    }

    /// Changes rows that no event changes; they are asked for anew from here on.
    pub async fn change_rows(&self, changes: &[RowChange]) -> Result<(), Error> {
        let outcome = self.log().change_rows(changes, None).await;
        // Also where it failed: what became of it is not known.
        let mut lately = self.inner.lately.lock();
        lately.changes += 1;
        for change in changes {
            let (table, key) = match change {
                RowChange::Put(table, row) => (table, &row.key),
                RowChange::Delete(table, key) => (table, key),
            };
            lately.rows.remove(&(table.name, key.clone()));
        }
        Ok(outcome?)
    }
}

impl Lately {
    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
