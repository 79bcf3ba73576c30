//! One batch, one transaction.
//!
//! The write lock is taken before the head is read, so the facts a batch is planned on cannot change under it. There is
//! no second path: looking facts up costs `SQLite` no round trip, and a plan on true facts meets no constraint.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::{begin, error, events, kept, leases};
use crate::{
    engine::{
        append::{self, ClaimNet, EventRow, Facts, Lost, Plan},
        leaf::Frontier,
        log::{Commit, CommitRefusal, Head, KeyChange, StoreError, Verdict},
    },
    stores::sql::LOG_ID,
};

/// Why a plan could not be written.
enum Failure {
    /// Whatever was in the batch, the store could not.
    Store(StoreError),
    /// Something in the batch; which commit it was is found out one by one.
    Commit(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        if error::is_of_the_commit(&error) {
            Self::Commit(error.to_string())
        } else {
            Self::Store(error.into())
        }
    }
}

/// Appends a batch, each commit whole or refused alone.
pub(super) fn append(
    connection: &mut Connection,
    batch: &[Arc<Commit>],
    now_us: i64,
) -> Result<Vec<Verdict>, StoreError> {
    let transaction = begin(connection)?;
    match plan_and_write(&transaction, batch, Lost::default(), now_us) {
        Ok(verdicts) => {
            transaction.commit()?;
            Ok(verdicts)
        }
        Err(Failure::Commit(_culprit_unknown)) => {
            transaction.rollback()?;
            one_by_one(connection, batch, now_us)
        }
        Err(Failure::Store(error)) => Err(error),
    }
}

/// The same in one transaction still, with a savepoint for each commit: they copy every page before it changes, which
/// is too dear for a batch that nothing speaks against.
fn one_by_one(
    connection: &mut Connection,
    batch: &[Arc<Commit>],
    now_us: i64,
) -> Result<Vec<Verdict>, StoreError> {
    let mut transaction = begin(connection)?;
    let mut verdicts = Vec::with_capacity(batch.len());
    let mut lost = Lost::default();
    for commit in batch {
        let mut savepoint = transaction.savepoint()?;
        let alone = match plan_and_write(&savepoint, std::slice::from_ref(commit), lost.clone(), now_us) {
            Ok(alone) => alone,
            Err(Failure::Commit(reason)) => {
                savepoint.rollback()?;
                vec![Verdict::Refused(CommitRefusal::Unforeseen(reason))]
            }
            Err(Failure::Store(error)) => return Err(error),
        };
        for verdict in &alone {
            lost.note(commit, verdict);
        }
        verdicts.extend(alone);
        savepoint.commit()?;
    }
    transaction.commit()?;
    Ok(verdicts)
}

fn plan_and_write(
    connection: &Connection,
    batch: &[Arc<Commit>],
    lost: Lost,
    now_us: i64,
) -> Result<Vec<Verdict>, Failure> {
    let head = head(connection)?;
    let facts = Facts { lost, ..facts(connection, batch, now_us)? };
    let plan = append::plan(LOG_ID, batch, &head, &facts, now_us);
    if !plan.is_empty() {
        write(connection, &head, &plan, now_us)?;
    }
    Ok(plan.verdicts)
}

/// The end of the log.
pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT position, recorded_at, frontier FROM log_head WHERE log_id = ?1")?;
    let (position, recorded_at_us, frontier): (u64, i64, Vec<u8>) =
        statement.query_row([LOG_ID], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let frontier = Frontier::from_bytes(position, &frontier)
        .ok_or_else(|| StoreError::Corrupt(format!("the frontier of the head at {position}")))?;
    Ok(Head { position, recorded_at_us, frontier })
}

fn facts(connection: &Connection, batch: &[Arc<Commit>], now_us: i64) -> Result<Facts, StoreError> {
    let touched = append::touched(batch);
    let mut facts = Facts::default();
    for stream in touched.streams {
        facts.sequences.insert(stream, events::sequence(connection, stream)?);
    }
    for claim in touched.claims {
        if let Some(holder) = kept::holder(connection, &claim)? {
            facts.holders.insert(claim, holder);
        }
    }
    for (owner, key) in touched.records {
        if let Some(record) = kept::record(connection, &owner, &key, now_us)? {
            facts.records.insert((owner, key), record);
        }
    }
    for name in touched.leases {
        let token = leases::token(connection, &name)?;
        facts.tokens.insert(name, token);
    }
    Ok(facts)
}

fn write(connection: &Connection, before: &Head, plan: &Plan, now_us: i64) -> Result<(), Failure> {
    write_events(connection, &plan.events)?;
    write_claims(connection, plan)?;
    write_records(connection, plan, now_us)?;
    for change in &plan.keys {
        change_key(connection, change)?;
    }
    if plan.head != *before {
        let sql = "UPDATE log_head SET position = ?1, recorded_at = ?2, frontier = ?3 \
                   WHERE log_id = ?4 AND position = ?5";
        let head = &plan.head;
        let values =
            params![head.position, head.recorded_at_us, head.frontier.to_bytes(), LOG_ID, before.position];
        one_row(connection.prepare_cached(sql)?.execute(values)?, || "the head moved".into())?;
    }
    Ok(())
}

/// The write lock is held and the facts are true, so a statement that misses its row is a fault worth a refusal.
fn one_row(affected: usize, missed: impl FnOnce() -> String) -> Result<(), Failure> {
    if affected == 1 { Ok(()) } else { Err(Failure::Commit(missed())) }
}

fn write_events(connection: &Connection, rows: &[EventRow]) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (position, log_id, aggregate_type, aggregate_id, sequence, event_type, event_version, \
         payload, metadata, recorded_at, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for row in rows {
        let inserted = statement.execute(params![
            row.position,
            LOG_ID,
            row.stream.kind.word(),
            row.stream.to_string(),
            row.sequence,
            row.event.event_type,
            row.event.event_version,
            row.event.payload,
            row.event.metadata,
            row.recorded_at_us,
            row.leaf,
        ])?;
        one_row(inserted, || format!("event {} was not inserted", row.position))?;
    }
    Ok(())
}

fn write_claims(connection: &Connection, plan: &Plan) -> Result<(), Failure> {
    for (claim, net) in &plan.claims {
        let (scope, key) = (<&str>::from(claim.scope), &claim.key);
        let affected = match net {
            ClaimNet::Insert(to) => connection
                .prepare_cached("INSERT INTO claims (log_id, scope, key, holder) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![LOG_ID, scope, key, to.to_string()])?,
            ClaimNet::Delete(from) => connection
                .prepare_cached(
                    "DELETE FROM claims WHERE log_id = ?1 AND scope = ?2 AND key = ?3 AND holder = ?4",
                )?
                .execute(params![LOG_ID, scope, key, from.to_string()])?,
            ClaimNet::Update { from, to } => connection
                .prepare_cached(
                    "UPDATE claims SET holder = ?5 \
                     WHERE log_id = ?1 AND scope = ?2 AND key = ?3 AND holder = ?4",
                )?
                .execute(params![LOG_ID, scope, key, from.to_string(), to.to_string()])?,
        };
        one_row(affected, || format!("{claim:?} is not held as it was"))?;
    }
    Ok(())
}

fn write_records(connection: &Connection, plan: &Plan, now_us: i64) -> Result<(), Failure> {
    // An expired record is as good as none, and its place is taken; one that has not expired is not touched.
    let mut statement = connection.prepare_cached(
        "INSERT INTO idempotency (log_id, owner, key, fingerprint, ids, first, count, recorded_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (log_id, owner, key) DO UPDATE SET \
         fingerprint = excluded.fingerprint, ids = excluded.ids, first = excluded.first, count = excluded.count, \
         recorded_at = excluded.recorded_at, expires_at = excluded.expires_at \
         WHERE idempotency.expires_at <= ?10",
    )?;
    for (record, appended) in &plan.records {
        let written = statement.execute(params![
            LOG_ID,
            record.owner,
            record.key,
            record.fingerprint,
            record.ids,
            appended.first,
            appended.count,
            appended.recorded_at_us,
            record.expires_at_us,
            now_us,
        ])?;
        one_row(written, || format!("the key {} is in use", record.key))?;
    }
    Ok(())
}

fn change_key(connection: &Connection, change: &KeyChange) -> Result<(), Failure> {
    match change {
        KeyChange::Make(key) => {
            let made = connection
                .prepare_cached("INSERT INTO data_keys (log_id, key_id, wrapped) VALUES (?1, ?2, ?3)")?
                .execute(params![LOG_ID, key.key_id, key.wrapped])?;
            one_row(made, || format!("the data key {} was not made", key.key_id))
        }
        KeyChange::Destroy { key_id } => {
            let destroyed = connection
                .prepare_cached(
                    "UPDATE data_keys SET wrapped = NULL, destroyed = 1 \
                     WHERE log_id = ?1 AND key_id = ?2 AND destroyed = 0",
                )?
                .execute(params![LOG_ID, key_id])?;
            one_row(destroyed, || format!("there is no data key {key_id} to destroy"))
        }
    }
}
