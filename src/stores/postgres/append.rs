//! Appending a batch: one optimistic statement where this process appended last, else a transaction that holds the head
//! and checks first; and finding out what became of an append whose answer was lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, PgConnection, Postgres, Transaction};
use tokio::sync::Mutex;

use super::{
    Failure, Paths,
    connect::{Server, is_outcome_unknown, is_refused_for_good},
    signed,
    write::{Seen, facts, lock_head, write},
};
use crate::{
    engine::{
        append::{Facts, Lost, Plan, assumed, plan, touched},
        leaf::Hash,
        log::{Commit, CommitRefusal, Head, Position, StoreError, Verdict},
    },
    stores::sql::LOG_ID,
};

/// How often an append is tried before its callers are told to come back.
const APPEND_ATTEMPTS_MAX: u32 = 4;

/// The wait before the second attempt; it doubles with each further one.
const RETRY_WAIT: Duration = Duration::from_millis(50);

/// An attempt takes longer than the server's own limits of five seconds only if the server cannot be heard.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The one appending connection of a process, and what it knows.
#[derive(Debug)]
pub(super) struct Appender {
    server: Server,
    session: Mutex<Session>,
    fast: AtomicU64,
    checked: AtomicU64,
}

#[derive(Debug, Default)]
struct Session {
    connection: Option<PgConnection>,
    /// The head after the last append of this process, while nothing hints that another one moved it.
    head: Option<Head>,
}

/// What an append in flight will have done if it succeeds.
#[derive(Debug)]
struct InFlight {
    verdicts: Vec<Verdict>,
    head: Head,
    /// Position and leaf of its first event.
    first: Option<(Position, Hash)>,
    /// Whether it writes nothing.
    empty: bool,
}

impl InFlight {
    fn of(plan: &mut Plan) -> Self {
        Self {
            verdicts: std::mem::take(&mut plan.verdicts),
            head: plan.head.clone(),
            first: plan.events.first().map(|row| (row.position, row.leaf)),
            empty: plan.is_empty(),
        }
    }
}

impl Appender {
    pub(super) fn new(server: Server, connection: PgConnection) -> Self {
        let session = Mutex::new(Session { connection: Some(connection), head: None });
        Self { server, session, fast: AtomicU64::new(0), checked: AtomicU64::new(0) }
    }

    pub(super) fn paths(&self) -> Paths {
        Paths { fast: self.fast.load(Ordering::Relaxed), checked: self.checked.load(Ordering::Relaxed) }
    }

    pub(super) async fn close(&self) {
        if let Some(connection) = self.session.lock().await.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the append connection was closed by the other side");
        }
    }

    pub(super) async fn append(
        &self,
        batch: &[Arc<Commit>],
        now_us: i64,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut held = self.session.lock().await;
        // Taken out, so that a caller who gives up half way leaves no connection that is in the middle of something.
        let mut session = std::mem::take(&mut *held);
        let mut in_flight = None;
        let mut wait = RETRY_WAIT;
        let mut attempt = 1;
        loop {
            let tried = tokio::time::timeout(
                ATTEMPT_TIMEOUT,
                self.attempt(&mut session, &mut in_flight, batch, now_us),
            );
            let failure = match tried.await {
                Ok(Ok(verdicts)) => {
                    *held = session;
                    return Ok(verdicts);
                }
                Ok(Err(failure)) => failure,
                Err(_) => {
                    Failure::Store(StoreError::Unavailable("the database did not answer in time".to_owned()))
                }
            };
            // Whatever state the connection is in, a fresh one has none.
            session = Session::default();
            // Also a serialisation failure or a deadlock says only that the same may succeed a moment later.
            let error = failure.into_store_error();
            if !matches!(error, StoreError::Unavailable(_)) || attempt == APPEND_ATTEMPTS_MAX {
                return Err(error);
            }
            tracing::warn!(%error, attempt, "an append is tried again");
            tokio::time::sleep(wait).await;
            attempt += 1;
            wait *= 2;
        }
    }

    async fn attempt(
        &self,
        session: &mut Session,
        in_flight: &mut Option<InFlight>,
        batch: &[Arc<Commit>],
        now_us: i64,
    ) -> Result<Vec<Verdict>, Failure> {
        let connection = match &mut session.connection {
            Some(connection) => connection,
            none => none.insert(self.server.append_connection().await?),
        };
        // On a fresh connection the head is not known, so what is in flight is always settled by the checked path.
        if let Some(head) = session.head.take()
            && let Some(done) = fast(connection, &head, in_flight, batch, now_us).await?
        {
            self.fast.fetch_add(1, Ordering::Relaxed);
            session.head = Some(done.head);
            return Ok(done.verdicts);
        }
        let done = checked(connection, in_flight, batch, now_us).await?;
        self.checked.fetch_add(1, Ordering::Relaxed);
        session.head = Some(done.head);
        Ok(done.verdicts)
    }
}

/// One statement, planned on what the decisions saw. `None` if it changed nothing, because something was not so.
async fn fast(
    connection: &mut PgConnection,
    head: &Head,
    in_flight: &mut Option<InFlight>,
    batch: &[Arc<Commit>],
    now_us: i64,
) -> Result<Option<InFlight>, Failure> {
    let seen = assumed(batch);
    let mut plan = plan(LOG_ID, batch, head, &seen, now_us);
    // A refusal on assumptions is none yet; and a claim that ends as it began leaves no trace in the statement, so
    // nothing would notice that it began otherwise.
    if !plan.is_clean() || plan.is_empty() || plan.claims.len() != touched(batch).claims.len() {
        return Ok(None);
    }
    *in_flight = Some(InFlight::of(&mut plan));
    let seen = Seen { sequences: seen.sequences, tokens: seen.tokens };
    match write(connection, head, &plan, seen, now_us).await {
        Ok(true) => Ok(in_flight.take()),
        Ok(false) => {
            *in_flight = None;
            Ok(None)
        }
        Err(error) if is_outcome_unknown(&error) => Err(error.into()),
        Err(error) => {
            tracing::debug!(%error, "an optimistic append failed and is checked");
            *in_flight = None;
            Ok(None)
        }
    }
}

/// Holds the head, looks up what is true, and writes what is then right.
async fn checked(
    connection: &mut PgConnection,
    in_flight: &mut Option<InFlight>,
    batch: &[Arc<Commit>],
    now_us: i64,
) -> Result<InFlight, Failure> {
    let mut transaction = connection.begin().await?;
    let head = lock_head(&mut transaction).await?;
    // Nobody appends while we look. An append still on its way will find the head moved by what follows here, so
    // settling and trying again are one transaction.
    // What is in flight stays known until it is settled for good: this connection may die as the last one did.
    if let Some((position, leaf)) = in_flight.as_ref().and_then(|before| before.first)
        && is_leaf_at(&mut transaction, position, &leaf).await?
    {
        let before = in_flight.take().expect("its first event was just found");
        return Ok(InFlight { head, ..before });
    }
    *in_flight = None;
    match written(&mut transaction, &head, batch, Lost::default(), now_us).await {
        Ok(done) => finish(transaction, in_flight, done).await,
        Err(Failure::Sql(error)) if is_refused_for_good(&error) => {
            transaction.rollback().await?;
            one_by_one(connection, in_flight, batch, now_us).await
        }
        Err(failure) => Err(failure),
    }
}

/// Writes commit by commit, so that the one at fault is refused alone. Still one transaction: all that is answered
/// becomes durable together.
async fn one_by_one(
    connection: &mut PgConnection,
    in_flight: &mut Option<InFlight>,
    batch: &[Arc<Commit>],
    now_us: i64,
) -> Result<InFlight, Failure> {
    let mut transaction = connection.begin().await?;
    let head = lock_head(&mut transaction).await?;
    let mut done = InFlight { verdicts: Vec::with_capacity(batch.len()), head, first: None, empty: true };
    let mut lost = Lost::default();
    for commit in batch {
        let mut savepoint = transaction.begin().await?;
        match written(&mut savepoint, &done.head, std::slice::from_ref(commit), lost.clone(), now_us).await {
            Ok(alone) => {
                savepoint.commit().await?;
                for verdict in &alone.verdicts {
                    lost.note(commit, verdict);
                }
                done.verdicts.extend(alone.verdicts);
                done.head = alone.head;
                done.first = done.first.or(alone.first);
                done.empty &= alone.empty;
            }
            Err(Failure::Sql(error)) if is_refused_for_good(&error) => {
                savepoint.rollback().await?;
                let verdict = Verdict::Refused(CommitRefusal::Unforeseen(error.to_string()));
                lost.note(commit, &verdict);
                done.verdicts.push(verdict);
            }
            Err(failure) => return Err(failure),
        }
    }
    finish(transaction, in_flight, done).await
}

/// Plans these commits on what is true and writes the plan; the caller holds the head and commits.
async fn written(
    transaction: &mut PgConnection,
    head: &Head,
    commits: &[Arc<Commit>],
    lost: Lost,
    now_us: i64,
) -> Result<InFlight, Failure> {
    let facts = Facts { lost, ..facts(transaction, touched(commits), now_us).await? };
    let mut plan = plan(LOG_ID, commits, head, &facts, now_us);
    // The facts are true while the head is held, so the statement has nothing left to check.
    if !plan.is_empty() && !write(transaction, head, &plan, Seen::default(), now_us).await? {
        return Err(StoreError::Corrupt("the head moved while it was held".to_owned()).into());
    }
    Ok(InFlight::of(&mut plan))
}

async fn finish(
    transaction: Transaction<'_, Postgres>,
    in_flight: &mut Option<InFlight>,
    done: InFlight,
) -> Result<InFlight, Failure> {
    if done.empty {
        // Nothing to make durable, so nothing to wait for.
        transaction.rollback().await?;
        return Ok(done);
    }
    *in_flight = Some(done);
    match transaction.commit().await {
        Ok(()) => Ok(in_flight.take().expect("set just above")),
        Err(error) if is_outcome_unknown(&error) => Err(error.into()),
        Err(error) => {
            *in_flight = None;
            Err(error.into())
        }
    }
}

/// Whether the event at this position has this leaf. A leaf covers position, stream and every byte of the event with
/// the commit's id in its metadata, so no other append has the same.
async fn is_leaf_at(connection: &mut PgConnection, position: Position, leaf: &Hash) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM events WHERE log_id = $1 AND position = $2 AND leaf = $3)")
        .bind(LOG_ID)
        .bind(signed(position))
        .bind(leaf.as_slice())
        .fetch_one(connection)
        .await
}
