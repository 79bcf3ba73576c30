//! Connections for everything but appends: taken one at a time, given back by whoever ended what it began.
//!
//! The pool of sqlx asks the server whether a connection still lives whenever one comes back, which makes two round trips
//! of every look-up. Here only a connection on which everything was answered comes back, so there is nothing to ask; one
//! that was left half way is closed, and what it held ends with it. Deliberately absent: an end to a connection's life while
//! it is in use all the time.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    Failure,
    connect::{CONNECT_TIMEOUT, Server, is_connection_lost},
};
use crate::engine::log::StoreError;

/// Connections at once; who wants more waits.
pub(super) const CONNECTIONS_MAX: u32 = 16;
/// A connection that nobody has used for so long may have been forgotten by something in between, without a word.
const IDLE_MAX: Duration = Duration::from_mins(10);

/// The connections of a process.
#[derive(Debug)]
pub(super) struct Pool {
    server: Server,
    places: Semaphore,
    /// Those that nobody uses, each with since when; the last used is the next to be taken.
    idle: Mutex<Vec<(PgConnection, Instant)>>,
}

/// A transaction on a connection of the pool. Dropped, it is rolled back, and the connection closed.
pub(super) struct Transaction<'a>(Taken<'a>);

/// A connection in use. Dropped, it is closed.
pub(super) struct Taken<'a> {
    connection: PgConnection,
    pool: &'a Pool,
    place: SemaphorePermit<'a>,
}

impl Pool {
    /// A pool without any connection yet.
    pub(super) fn new(server: Server) -> Self {
        Self { server, places: Semaphore::new(CONNECTIONS_MAX as usize), idle: Mutex::default() }
    }

    /// A connection, within bounds: one that was given back, else a new one.
    pub(super) async fn take(&self) -> Result<Taken<'_>, StoreError> {
        let place = match tokio::time::timeout(CONNECT_TIMEOUT, self.places.acquire()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(StoreError::Unavailable("it was closed".to_owned())),
            Err(_) => return Err(StoreError::Unavailable("every connection is in use".to_owned())),
        };
        let given_back = {
            let mut idle = self.idle();
            idle.retain(|(_, since)| since.elapsed() < IDLE_MAX);
            idle.pop()
        };
        let connection = match given_back {
            Some((connection, _)) => connection,
            None => self.server.read_connection().await?,
        };
        Ok(Taken { connection, pool: self, place })
    }

    /// A transaction on a connection that works: one that died in the pool is found out here, before anything was done.
    pub(super) async fn begin(&self) -> Result<Transaction<'_>, Failure> {
        self.begin_by("BEGIN").await
    }

    /// One whose commit does not wait for the disk: what comes later and does carries it along.
    pub(super) async fn begin_not_synced(&self) -> Result<Transaction<'_>, Failure> {
        self.begin_by("BEGIN; SET LOCAL synchronous_commit TO off").await
    }

    async fn begin_by(&self, how: &str) -> Result<Transaction<'_>, Failure> {
        let mut lost = 0;
        loop {
            let mut connection = self.take().await?;
            match connection.execute(how).await {
                Ok(_) => return Ok(Transaction(connection)),
                Err(error) if is_connection_lost(&error) && lost < CONNECTIONS_MAX => lost += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until every connection is given back, and closes them.
    pub(super) async fn close(&self) {
        let all = self.places.acquire_many(CONNECTIONS_MAX).await;
        self.places.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for (connection, _) in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection was closed by the other side");
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(PgConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken<'_> {
    /// Gives it back: everything that was asked on it has been answered, and no transaction is open.
    pub(super) fn give_back(self) {
        let Self { connection, pool, place } = self;
        pool.idle().push((connection, Instant::now()));
        // Only now may somebody else look for it.
        drop(place);
    }
}

impl Transaction<'_> {
    /// Makes it so.
    pub(super) async fn commit(self) -> Result<(), Failure> {
        self.end("COMMIT").await
    }

    /// Leaves everything as it was.
    pub(super) async fn roll_back(self) -> Result<(), Failure> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &str) -> Result<(), Failure> {
        self.0.execute(how).await?;
        self.0.give_back();
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl Deref for Taken<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
