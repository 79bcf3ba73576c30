//! The rows of a table, in order of their keys, fetched a page ahead: two tables are gone through side by side, and neither
//! waits for the other.

use std::sync::Arc;

use orderwire_domain::views::table::{Row, Table};
use tokio::task::JoinHandle;

use super::joined;
use crate::{
    engine::{
        Error,
        log::{Select, SharedLog, StoreError},
    },
    stores::scratch::Scratch,
};

/// Rows fetched together.
const ROWS_AT_ONCE: usize = 1_000;

/// The rows of a table that are still to come.
pub struct Rows {
    from: From,
    table: &'static Table,
    page: std::vec::IntoIter<Row>,
    ahead: Option<JoinHandle<Result<Vec<Row>, StoreError>>>,
}

/// Where they are.
enum From {
    Beside(Arc<Scratch>),
    Live(SharedLog),
}

impl Rows {
    /// Those that were folded beside.
    pub fn beside(rows: &Arc<Scratch>, table: &'static Table) -> Self {
        Self::of(From::Beside(Arc::clone(rows)), table)
    }

    /// Those of the store.
    pub fn live(log: &SharedLog, table: &'static Table) -> Self {
        Self::of(From::Live(SharedLog::clone(log)), table)
    }

    fn of(from: From, table: &'static Table) -> Self {
        let ahead = Some(from.fetch(table, None));
        Self { from, table, page: Vec::new().into_iter(), ahead }
    }

    /// The next, if there is one.
    pub async fn next(&mut self) -> Result<Option<Row>, Error> {
        if let Some(row) = self.page.next() {
            return Ok(Some(row));
        }
        let Some(ahead) = self.ahead.take() else { return Ok(None) };
        let page = joined(ahead.await)??;
        if page.len() == ROWS_AT_ONCE {
            let last = page.last().map(|row| row.key.clone());
            self.ahead = Some(self.from.fetch(self.table, last));
        }
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

impl From {
    fn fetch(
        &self,
        table: &'static Table,
        after: Option<String>,
    ) -> JoinHandle<Result<Vec<Row>, StoreError>> {
        match self {
            Self::Beside(rows) => {
                let rows = Arc::clone(rows);
                tokio::task::spawn_blocking(move || rows.page(table, after.as_deref(), ROWS_AT_ONCE))
            }
            Self::Live(log) => {
                let log = SharedLog::clone(log);
                tokio::spawn(
                    async move { log.select(&Select::page(table, after.as_deref(), ROWS_AT_ONCE)).await },
                )
            }
        }
    }
}
