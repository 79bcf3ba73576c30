//! The one statement that writes a batch, and the look-ups of what must hold for it.
//!
//! Everything is sent as arrays, one per column, so that a batch of any size is one round trip. The statement has only
//! the parts that a batch needs, since each costs the server the same for one row as for none; so there are a few dozen
//! texts at most, and each is prepared once.

use std::{collections::HashMap, fmt::Write as _};

use orderwire_domain::{claim::Claim, ids::StreamId};
use sqlx::{
    Arguments as _, Encode, PgConnection, Postgres, Row as _, Type,
    postgres::{PgArguments, PgRow},
};

use super::{Failure, leases, signed, unsigned};
use crate::{
    engine::{
        append::{ClaimNet, Facts, Plan, Touched},
        leaf::Frontier,
        log::{Appended, Head, KeyChange, Sequence, StoreError, StoredRecord},
    },
    stores::sql::LOG_ID,
};

/// Writes what was planned on this head, if it is still the head and these streams are where they were seen.
///
/// - The head is compared and set: no row comes out of it if the head is elsewhere, or if a stream is not at the sequence
///   that was seen, which no constraint notices for a stream that is only read, or if a lease changed hands. All other
///   parts select from it. The rows of leases are held until the commit, as [`super::leases`] says.
/// - A claim is inserted only where there is none, and released only by whom it was thought to be held by; a record is put in the
///   place of an expired one only; a key is destroyed only while there is one. What falls short must undo the rest, so
///   the answer is computed by an expression that fails: the cast of a text that says what is wrong.
/// - The server plans it once, while the tables are small. `= ANY` on the first column of an index keeps each look-up to
///   its keys for good; joined, one claim would be found by reading all of them.
pub(super) async fn write(
    connection: &mut PgConnection,
    head: &Head,
    plan: &Plan,
    seen: Seen,
    now_us: i64,
) -> sqlx::Result<bool> {
    let mut statement = Statement::default();
    statement.head(head, plan, seen)?;
    statement.events(plan)?;
    statement.claims(plan)?;
    statement.records(plan, now_us)?;
    statement.keys(plan)?;
    let (sql, arguments) = statement.end();
    let moved: i64 = sqlx::query_scalar_with(&sql, arguments).fetch_one(connection).await?;
    Ok(moved == 1)
}

/// What the decisions of a batch saw, and nothing has confirmed yet.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Streams, read or written.
    pub sequences: HashMap<StreamId, Sequence>,
    /// Leases that were decided under.
    pub tokens: HashMap<String, u64>,
}

/// The statement as far as it is written.
#[derive(Default)]
struct Statement {
    sql: String,
    arguments: PgArguments,
    /// Parts that answer a row for each row they write, with how many that must be.
    counted: Vec<(String, usize)>,
}

impl Statement {
    /// Sends a value; gives what stands for it in the text.
    fn value<'q, T: 'q + Encode<'q, Postgres> + Type<Postgres>>(&mut self, value: T) -> sqlx::Result<String> {
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        Ok(format!("${}", self.arguments.len()))
    }

    fn push(&mut self, part: &str) {
        self.sql.push_str(part);
    }

    /// The part that all others select from.
    fn head(&mut self, head: &Head, plan: &Plan, seen: Seen) -> sqlx::Result<()> {
        let (leases, tokens): (Vec<String>, Vec<i64>) =
            seen.tokens.into_iter().map(|(name, token)| (name, signed(token))).unzip();
        let count = leases.len();
        let mut begin = "WITH ".to_owned();
        let mut fenced = String::new();
        if count > 0 {
            let (leases, tokens) = (self.value(leases)?, self.value(tokens)?);
            begin = format!(
                "WITH leases AS (
                    SELECT name, fencing_token FROM readers
                    WHERE log_id = {LOG_ID} AND name = ANY ({leases}) FOR SHARE), "
            );
            fenced = format!(
                " AND (SELECT count(*) FROM leases l WHERE (l.name, l.fencing_token) IN (
                    SELECT n.name, n.token FROM unnest({leases}, {tokens}) AS n (name, token))) = {count}"
            );
        }
        let known = self.value(signed(head.position))?;
        let next = self.value(signed(plan.head.position))?;
        let recorded_at = self.value(plan.head.recorded_at_us)?;
        let frontier = self.value(plan.head.frontier.to_bytes())?;
        self.push(&format!(
            "{begin}head AS (
                UPDATE log_head SET position = {next}, recorded_at = {recorded_at}, frontier = {frontier}
                WHERE log_id = {LOG_ID} AND position = {known}{fenced}"
        ));
        let (mut kinds, mut ids, mut sequences) = (Vec::new(), Vec::new(), Vec::new());
        for (stream, sequence) in seen.sequences {
            kinds.push(stream.kind.word());
            ids.push(stream.to_string());
            sequences.push(signed(sequence));
        }
        if !kinds.is_empty() {
            let (kinds, ids, sequences) = (self.value(kinds)?, self.value(ids)?, self.value(sequences)?);
            self.push(&format!(
                " AND NOT EXISTS (
                    SELECT FROM unnest({kinds}, {ids}, {sequences}) AS s (aggregate_type, aggregate_id, seen)
                    WHERE s.seen <> coalesce((
                        SELECT max(e.sequence) FROM events e
                        WHERE e.aggregate_type = s.aggregate_type AND e.aggregate_id = s.aggregate_id), 0))"
            ));
        }
        self.push(" RETURNING log_id, position, recorded_at)");
        Ok(())
    }

    fn events(&mut self, plan: &Plan) -> sqlx::Result<()> {
        let events = &plan.events;
        let Some(first) = events.first() else { return Ok(()) };
        let columns = [
            self.value(events.iter().map(|row| row.stream.kind.word()).collect::<Vec<_>>())?,
            self.value(events.iter().map(|row| row.stream.to_string()).collect::<Vec<_>>())?,
            self.value(events.iter().map(|row| signed(row.sequence)).collect::<Vec<_>>())?,
            self.value(events.iter().map(|row| row.event.event_type.as_str()).collect::<Vec<_>>())?,
            self.value(events.iter().map(|row| row.event.event_version.as_str()).collect::<Vec<_>>())?,
            self.value(events.iter().map(|row| row.event.payload.as_str()).collect::<Vec<_>>())?,
            self.value(events.iter().map(|row| row.event.metadata.as_str()).collect::<Vec<_>>())?,
            self.value(events.iter().map(|row| row.leaf.as_slice()).collect::<Vec<_>>())?,
        ]
        .join(", ");
        let before = self.value(signed(first.position - 1))?;
        self.push(&format!(
            ", appended AS (
                INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                                    metadata, log_id, position, recorded_at, leaf)
                SELECT n.aggregate_type, n.aggregate_id, n.sequence, n.event_type, n.event_version,
                       n.payload::json, n.metadata::json, head.log_id, {before} + n.nth, head.recorded_at, n.leaf
                FROM head, unnest({columns}) WITH ORDINALITY
                     AS n (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                           leaf, nth))"
        ));
        Ok(())
    }

    /// A claim that changes hands is released by the one and taken by the other.
    fn claims(&mut self, plan: &Plan) -> sqlx::Result<()> {
        let mut released = [const { Vec::<String>::new() }; 2];
        let mut taken = [const { Vec::<String>::new() }; 2];
        for (claim, net) in &plan.claims {
            let (from, to) = match net {
                ClaimNet::Insert(to) => (None, Some(to)),
                ClaimNet::Delete(from) => (Some(from), None),
                ClaimNet::Update { from, to } => (Some(from), Some(to)),
            };
            for (holder, [claims, holders]) in [(from, &mut released), (to, &mut taken)] {
                if let Some(holder) = holder {
                    claims.push(name_of(claim));
                    holders.push(holder.to_string());
                }
            }
        }
        // Taking waits until all that is released is gone.
        let mut wait = "";
        if !released[0].is_empty() {
            let [claims, holders] = released;
            let count = claims.len();
            let (claims, holders) = (self.value(claims)?, self.value(holders)?);
            self.push(&format!(
                ", released AS (
                    DELETE FROM claims c
                    WHERE c.claim = ANY ({claims}) AND c.log_id = (SELECT log_id FROM head)
                    RETURNING c.claim, c.holder)"
            ));
            // Who held them is looked at afterwards, by a hash of the pairs: a join would compare each with every other.
            let held = format!(
                "(SELECT count(*) FILTER (WHERE (r.claim, r.holder) IN (
                     SELECT n.claim, n.holder FROM unnest({claims}, {holders}) AS n (claim, holder)))
                  FROM released r)"
            );
            self.counted.push((held, count));
            wait = ", (SELECT count(*) FROM released) AS gone";
        }
        if !taken[0].is_empty() {
            let [claims, holders] = taken;
            let (claims, holders) = (self.value(claims)?, self.value(holders)?);
            self.push(&format!(
                ", taken AS (
                    INSERT INTO claims (claim, log_id, holder)
                    SELECT n.claim, head.log_id, n.holder
                    FROM head{wait}, unnest({claims}, {holders}) AS n (claim, holder))"
            ));
        }
        Ok(())
    }

    fn records(&mut self, plan: &Plan, now_us: i64) -> sqlx::Result<()> {
        let records = &plan.records;
        if records.is_empty() {
            return Ok(());
        }
        let columns = [
            self.value(records.iter().map(|(record, _)| record.owner.as_str()).collect::<Vec<_>>())?,
            self.value(records.iter().map(|(record, _)| record.key.as_str()).collect::<Vec<_>>())?,
            self.value(records.iter().map(|(record, _)| record.fingerprint.as_slice()).collect::<Vec<_>>())?,
            self.value(records.iter().map(|(record, _)| record.ids.as_str()).collect::<Vec<_>>())?,
            self.value(records.iter().map(|(_, appended)| signed(appended.first)).collect::<Vec<_>>())?,
            self.value(records.iter().map(|(_, appended)| signed(appended.count)).collect::<Vec<_>>())?,
            self.value(records.iter().map(|(_, appended)| appended.recorded_at_us).collect::<Vec<_>>())?,
            self.value(records.iter().map(|(record, _)| record.expires_at_us).collect::<Vec<_>>())?,
        ]
        .join(", ");
        let now = self.value(now_us)?;
        self.push(&format!(
            ", remembered AS (
                INSERT INTO idempotency AS i
                       (log_id, owner, key, fingerprint, ids, first, count, recorded_at, expires_at)
                SELECT head.log_id, n.* FROM head, unnest({columns}) AS n
                ON CONFLICT (log_id, owner, key) DO UPDATE
                SET fingerprint = excluded.fingerprint, ids = excluded.ids, first = excluded.first,
                    count = excluded.count, recorded_at = excluded.recorded_at, expires_at = excluded.expires_at
                WHERE i.expires_at <= {now}
                RETURNING 1)"
        ));
        self.counted.push(("(SELECT count(*) FROM remembered)".to_owned(), records.len()));
        Ok(())
    }

    fn keys(&mut self, plan: &Plan) -> sqlx::Result<()> {
        let (mut made, mut wrapped, mut destroyed) = (Vec::new(), Vec::new(), Vec::new());
        for change in &plan.keys {
            match change {
                KeyChange::Make(key) => {
                    made.push(key.key_id.as_str());
                    wrapped.push(key.wrapped.as_slice());
                }
                KeyChange::Destroy { key_id } => destroyed.push(key_id.as_str()),
            }
        }
        if !made.is_empty() {
            let (made, wrapped) = (self.value(made)?, self.value(wrapped)?);
            self.push(&format!(
                ", made AS (
                    INSERT INTO data_keys (key_id, wrapped)
                    SELECT n.key_id, n.wrapped FROM head, unnest({made}, {wrapped}) AS n (key_id, wrapped))"
            ));
        }
        if !destroyed.is_empty() {
            let count = destroyed.len();
            let destroyed = self.value(destroyed)?;
            self.push(&format!(
                ", destroyed AS (
                    UPDATE data_keys k SET wrapped = NULL FROM head
                    WHERE k.key_id = ANY ({destroyed}) AND k.wrapped IS NOT NULL
                    RETURNING 1)"
            ));
            self.counted.push(("(SELECT count(*) FROM destroyed)".to_owned(), count));
        }
        Ok(())
    }

    /// The answer: how many heads were moved, or an error if some of what was written is not as it was seen.
    fn end(mut self) -> (String, PgArguments) {
        if self.counted.is_empty() {
            self.push(" SELECT count(*) FROM head");
            return (self.sql, self.arguments);
        }
        let expected: usize = self.counted.iter().map(|(_, rows)| rows).sum();
        let expected = self.value(signed(expected as u64)).expect("a number can be sent");
        let written =
            self.counted.iter().map(|(written, _)| written.as_str()).collect::<Vec<_>>().join(" + ");
        write!(
            self.sql,
            ", rows (moved, written, expected) AS (
                 SELECT n.moved, {written}, n.moved * {expected} FROM (SELECT count(*) FROM head) AS n (moved))
             SELECT CASE WHEN written = expected THEN moved
                         ELSE ('only ' || written || ' of ' || expected
                               || ' claims, records and keys are as they were seen')::bigint END
             FROM rows"
        )
        .expect("a text takes any text");
        (self.sql, self.arguments)
    }
}

/// A claim as it is stored. No scope has a slash in it, so names sort as scope and key do.
pub(super) fn name_of(claim: &Claim) -> String {
    format!("{}/{}", claim.scope, claim.key)
}

/// The claim that is stored under a name.
pub(super) fn claim_of(name: &str) -> Result<Claim, StoreError> {
    let parsed = name
        .split_once('/')
        .and_then(|(scope, key)| Some(Claim { scope: scope.parse().ok()?, key: key.to_owned() }));
    parsed.ok_or_else(|| StoreError::Corrupt(format!("`{name}` is no claim")))
}

/// The head, held until the transaction ends.
pub(super) async fn lock_head(connection: &mut PgConnection) -> Result<Head, Failure> {
    let sql = "SELECT position, recorded_at, frontier FROM log_head WHERE log_id = $1 FOR UPDATE";
    let row = sqlx::query(sql).bind(LOG_ID).fetch_optional(connection).await?;
    Ok(head_of(row.as_ref())?)
}

/// The head in a row of position, time and frontier.
pub(super) fn head_of(row: Option<&PgRow>) -> Result<Head, StoreError> {
    let row = row.ok_or_else(|| StoreError::Corrupt("the log has no head".to_owned()))?;
    let read =
        || -> sqlx::Result<(i64, i64, Vec<u8>)> { Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)) };
    let (position, recorded_at_us, frontier) = read().map_err(|error| super::connect::store_error(&error))?;
    let position = unsigned(position)?;
    let frontier = Frontier::from_bytes(position, &frontier)
        .ok_or_else(|| StoreError::Corrupt(format!("the frontier does not fit position {position}")))?;
    Ok(Head { position, recorded_at_us, frontier })
}

/// What is true of everything touched; asked while the head is held.
pub(super) async fn facts(
    connection: &mut PgConnection,
    touched: Touched,
    now_us: i64,
) -> Result<Facts, Failure> {
    let mut facts = Facts::default();
    if !touched.streams.is_empty() {
        let sql = "SELECT coalesce((SELECT max(e.sequence) FROM events e \
                   WHERE e.aggregate_type = s.aggregate_type AND e.aggregate_id = s.aggregate_id), 0) \
                   FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (aggregate_type, aggregate_id, nth) \
                   ORDER BY s.nth";
        let sequences: Vec<i64> = sqlx::query_scalar(sql)
            .bind(touched.streams.iter().map(|stream| stream.kind.word()).collect::<Vec<_>>())
            .bind(touched.streams.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await?;
        for (stream, sequence) in touched.streams.into_iter().zip(sequences) {
            facts.sequences.insert(stream, unsigned(sequence)?);
        }
    }
    if !touched.claims.is_empty() {
        let holders: Vec<Option<String>> = sqlx::query_scalar(HOLDERS)
            .bind(LOG_ID)
            .bind(touched.claims.iter().map(name_of).collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await?;
        for (claim, holder) in touched.claims.into_iter().zip(holders) {
            if let Some(holder) = holder {
                facts.holders.insert(claim, stream_of(&holder)?);
            }
        }
    }
    if !touched.records.is_empty() {
        let rows = sqlx::query(RECORDS)
            .bind(LOG_ID)
            .bind(touched.records.iter().map(|(owner, _)| owner.as_str()).collect::<Vec<_>>())
            .bind(touched.records.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
            .bind(now_us)
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            facts.records.insert((row.try_get(0)?, row.try_get(1)?), record_of(row)?);
        }
    }
    if !touched.leases.is_empty() {
        facts.tokens.extend(leases::hold(connection, &touched.leases).await?);
    }
    Ok(facts)
}

/// The holder of each claim asked for, in their order.
pub(super) const HOLDERS: &str = "
SELECT (SELECT c.holder FROM claims c WHERE c.claim = n.claim AND c.log_id = $1)
FROM unnest($2::text[]) WITH ORDINALITY AS n (claim, nth)
ORDER BY n.nth";

/// The records asked for that exist and have not expired. `OFFSET 0` keeps each look-up to its key, whatever the planner
/// knows of the table's size.
pub(super) const RECORDS: &str = "
SELECT i.owner, i.key, i.fingerprint, i.ids, i.first, i.count, i.recorded_at
FROM unnest($2::text[], $3::text[]) AS n (owner, key)
JOIN LATERAL (SELECT * FROM idempotency i
    WHERE i.log_id = $1 AND i.owner = n.owner AND i.key = n.key OFFSET 0) i
  ON i.expires_at IS NULL OR i.expires_at > $4";

/// The record in a row of [`RECORDS`].
pub(super) fn record_of(row: &PgRow) -> Result<StoredRecord, Failure> {
    let fingerprint: &[u8] = row.try_get(2)?;
    let fingerprint = fingerprint
        .try_into()
        .map_err(|_| StoreError::Corrupt("a fingerprint is not 32 bytes long".to_owned()))?;
    let appended = Appended {
        first: unsigned(row.try_get(4)?)?,
        count: unsigned(row.try_get(5)?)?,
        recorded_at_us: row.try_get(6)?,
    };
    Ok(StoredRecord { fingerprint, ids: row.try_get(3)?, appended })
}

/// The stream named by a stored id.
pub(super) fn stream_of(id: &str) -> Result<StreamId, StoreError> {
    id.parse().map_err(|_| StoreError::Corrupt(format!("`{id}` names no stream")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::append::plan;

    fn text(tokens: HashMap<String, u64>) -> String {
        let head = Head::default();
        let plan = plan(LOG_ID, &[], &head, &Facts::default(), 0);
        let mut statement = Statement::default();
        statement.head(&head, &plan, Seen { tokens, ..Seen::default() }).unwrap();
        statement.end().0
    }

    #[test]
    fn a_batch_without_a_fence_pays_for_none() {
        let plain = text(HashMap::new());
        assert!(plain.starts_with("WITH head AS ("));
        assert!(!plain.contains("readers") && !plain.contains("FOR SHARE"), "{plain}");
        let fenced = text(HashMap::from([("fulfilment".to_owned(), 7)]));
        assert!(fenced.contains("FROM readers") && fenced.contains("FOR SHARE), head AS ("), "{fenced}");
    }
}
