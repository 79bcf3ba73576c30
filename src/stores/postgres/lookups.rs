//! Rows that are looked up one by one: whatever is asked for at the same time is one question to the server.
//!
//! A question costs the server and this process far more than a row of its answer, and a busy server is asked for many
//! rows at once. A row is never older than the question of whoever asked: questions that are under way are not joined,
//! only the next one is. Absent: keeping any row.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use orderwire_domain::views::table::{Row, Table};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{pool::Pool, reader};
use crate::engine::log::StoreError;

/// Rows of one question at most.
const KEYS_MAX: usize = 256;
/// Questions under way at once: while they are, the next one gathers.
const ASKERS: usize = 2;

type Answer = Result<Vec<Row>, StoreError>;

/// A row that somebody waits for.
struct Asked {
    table: &'static Table,
    key: String,
    answer: oneshot::Sender<Answer>,
}

/// Looks rows up for whoever asks.
pub(super) struct Lookups(mpsc::UnboundedSender<Asked>);

impl Lookups {
    /// Starts the tasks that ask. They end when this is dropped.
    pub(super) fn start(pool: &Arc<Pool>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..ASKERS {
            tokio::spawn(run(Arc::clone(pool), Arc::clone(&receiver)));
        }
        Self(sender)
    }

    /// The row of a key, if there is one.
    pub(super) async fn row(&self, table: &'static Table, key: String) -> Answer {
        let (answer, found) = oneshot::channel();
        let closed = || StoreError::Unavailable("it was closed".to_owned());
        self.0.send(Asked { table, key, answer }).map_err(|_| closed())?;
        found.await.map_err(|_| closed())?
    }
}

async fn run(pool: Arc<Pool>, asked: Arc<Mutex<mpsc::UnboundedReceiver<Asked>>>) {
    loop {
        let mut taken = Vec::new();
        if asked.lock().await.recv_many(&mut taken, KEYS_MAX).await == 0 {
            return;
        }
        let mut tables: BTreeMap<&str, Vec<Asked>> = BTreeMap::new();
        for asked in taken {
            tables.entry(asked.table.name).or_default().push(asked);
        }
        for asked in tables.into_values() {
            answer(&pool, asked).await;
        }
    }
}

/// Answers questions about one table.
async fn answer(pool: &Pool, asked: Vec<Asked>) {
    let Some(table) = asked.first().map(|asked| asked.table) else { return };
    let mut keys: Vec<String> = asked.iter().map(|asked| asked.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    let found = reader::rows(pool, table, &keys).await;
    let found: Result<HashMap<&str, &Row>, _> =
        found.as_ref().map(|rows| rows.iter().map(|row| (row.key.as_str(), row)).collect());
    for Asked { key, answer, .. } in asked {
        let row = match &found {
            Ok(rows) => Ok(rows.get(key.as_str()).map(|row| (*row).clone()).into_iter().collect()),
            Err(error) => Err(StoreError::clone(error)),
        };
        if answer.send(row).is_err() {
            tracing::debug!(table = table.name, "nobody waits for a row any more");
        }
    }
}
