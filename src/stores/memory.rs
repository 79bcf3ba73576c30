//! A store in memory, for tests: the plainest code that keeps the contract, under one mutex.
//!
//! Deliberately absent: durability, a second handle to the same log, and SQL statements of embedders' readers.

mod keys;
mod leases;
mod scratch;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use orderwire_domain::{
    claim::Claim,
    ids::StreamId,
    views::table::{Row, Table, Value},
};

pub use self::scratch::Scratch;
use self::{keys::DataKeys, leases::Leases};
use super::sql::LOG_ID;
use crate::engine::{
    append::{self, ClaimNet, Facts, Lost, Plan, RecordKey},
    leaf::Hash,
    log::{
        Appended, Commit, CommitRefusal, Comparison, Fence, Filter, Head, IdempotencyRecord, Lease,
        LoadedEvent, Log, Position, ReaderCommit, RowChange, Select, Sequence, Snapshot, Standing,
        StoreError, StoredEvent, StoredRecord, StreamLoad, Swap, Sweep, Take, Verdict, WrappedKey,
    },
};

/// A log in memory.
#[derive(Debug, Default)]
pub struct MemoryLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    head: Head,
    /// The event of position n is at index n - 1.
    events: Vec<StoredEvent>,
    streams: HashMap<StreamId, Vec<Position>>,
    /// By the words of the scope, so that they come in the order in which SQL stores have them.
    claims: BTreeMap<(&'static str, String), (Claim, StreamId)>,
    records: BTreeMap<RecordKey, (IdempotencyRecord, Appended)>,
    snapshots: HashMap<StreamId, Snapshot>,
    data_keys: DataKeys,
    settings: BTreeMap<String, String>,
    checkpoints: BTreeMap<String, Position>,
    leases: Leases,
    tables: BTreeMap<&'static str, BTreeMap<String, Row>>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole values only: everything is checked before anything is changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn claim_key(claim: &Claim) -> (&'static str, String) {
    (claim.scope.into(), claim.key.clone())
}

impl State {
    fn facts(&self, batch: &[Arc<Commit>], now_us: i64) -> Facts {
        let touched = append::touched(batch);
        let sequences = touched.streams.into_iter().map(|stream| (stream, self.sequence(stream))).collect();
        let holders = touched
            .claims
            .into_iter()
            .filter_map(|claim| self.holder(&claim).map(|holder| (claim, holder)))
            .collect();
        let records = touched
            .records
            .into_iter()
            .filter_map(|key| self.record(&key, now_us).map(|record| (key, record)))
            .collect();
        let token = |name: String| (name.clone(), self.leases.token(&name));
        let tokens = touched.leases.into_iter().map(token).collect();
        Facts { sequences, holders, records, tokens, lost: Lost::default() }
    }

    fn sequence(&self, stream: StreamId) -> Sequence {
        self.streams.get(&stream).map_or(0, |positions| positions.len() as u64)
    }

    fn holder(&self, claim: &Claim) -> Option<StreamId> {
        self.claims.get(&claim_key(claim)).map(|(_, holder)| *holder)
    }

    fn record(&self, key: &RecordKey, now_us: i64) -> Option<StoredRecord> {
        let (record, appended) = self.records.get(key)?;
        if record.expires_at_us.is_some_and(|expiry| expiry <= now_us) {
            return None;
        }
        let (ids, appended) = (record.ids.clone(), appended.clone());
        Some(StoredRecord { fingerprint: record.fingerprint, ids, appended })
    }

    /// Appends the whole batch, or says why the store cannot.
    fn append(&mut self, batch: &[Arc<Commit>], lost: &Lost, now_us: i64) -> Result<Vec<Verdict>, String> {
        let facts = Facts { lost: lost.clone(), ..self.facts(batch, now_us) };
        let plan = append::plan(LOG_ID, batch, &self.head, &facts, now_us);
        self.data_keys.check(&plan.keys)?;
        Ok(self.write(plan))
    }

    fn write(&mut self, plan: Plan) -> Vec<Verdict> {
        for row in plan.events {
            self.streams.entry(row.stream).or_default().push(row.position);
            self.events.push(StoredEvent {
                position: row.position,
                stream: row.stream,
                sequence: row.sequence,
                event_type: row.event.event_type,
                event_version: row.event.event_version,
                recorded_at_us: row.recorded_at_us,
                payload: row.event.payload,
                metadata: row.event.metadata,
                leaf: row.leaf,
            });
        }
        for (claim, net) in plan.claims {
            match net {
                ClaimNet::Insert(to) | ClaimNet::Update { to, .. } => {
                    self.claims.insert(claim_key(&claim), (claim, to));
                }
                ClaimNet::Delete(_) => {
                    self.claims.remove(&claim_key(&claim));
                }
            }
        }
        for (record, appended) in plan.records {
            self.records.insert((record.owner.clone(), record.key.clone()), (record, appended));
        }
        self.data_keys.change(plan.keys);
        self.head = plan.head;
        plan.verdicts
    }

    fn after(&self, stream: StreamId, after: Sequence, limit: usize) -> impl Iterator<Item = &StoredEvent> {
        let positions = self.streams.get(&stream).map_or(&[][..], Vec::as_slice);
        let some = positions.iter().skip(index(after)).take(limit);
        some.map(|position| &self.events[index(*position) - 1])
    }

    /// Refuses what begins elsewhere than where a reader is.
    fn check_at(&self, reader: &str, expected: Position) -> Result<(), StoreError> {
        let actual = self.checkpoints.get(reader).copied().unwrap_or(0);
        if actual == expected {
            return Ok(());
        }
        Err(StoreError::CheckpointMoved { reader: reader.to_owned(), expected, actual })
    }

    fn table(&self, table: &Table) -> Result<&BTreeMap<String, Row>, StoreError> {
        self.tables.get(table.name).ok_or_else(|| no_table(table))
    }

    fn change_rows(&mut self, changes: &[RowChange]) -> Result<(), StoreError> {
        for change in changes {
            let (RowChange::Put(table, _) | RowChange::Delete(table, _)) = change;
            self.table(table)?;
        }
        for change in changes {
            match change {
                RowChange::Put(table, row) => {
                    assert_eq!(
                        row.columns.len(),
                        table.columns.len(),
                        "a value per column of {}",
                        table.name
                    );
                    self.tables.entry(table.name).or_default().insert(row.key.clone(), row.clone());
                }
                RowChange::Delete(table, key) => {
                    self.tables.entry(table.name).or_default().remove(key);
                }
            }
        }
        Ok(())
    }

    fn matching(&self, table: &Table, filters: &[Filter]) -> Result<Vec<Row>, StoreError> {
        let rows = self.table(table)?.values();
        Ok(rows.filter(|row| filters.iter().all(|filter| matches(table, row, filter))).cloned().collect())
    }
}

/// A count of the log as an index; memory holds no more than fits one.
fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn no_table(table: &Table) -> StoreError {
    StoreError::Corrupt(format!("no such table: {}", table.name))
}

fn value(table: &Table, row: &Row, column: &str) -> Value {
    match column {
        "key" => row.key.as_str().into(),
        "parent" => row.parent.as_str().into(),
        _ => {
            let found = table.columns.iter().position(|known| known.name == column);
            row.columns[found.expect("a look into a table names its columns")].clone()
        }
    }
}

fn matches(table: &Table, row: &Row, filter: &Filter) -> bool {
    let value = value(table, row, filter.column);
    if value == Value::Null || filter.value == Value::Null {
        return false;
    }
    match filter.comparison {
        Comparison::Equal => value == filter.value,
        Comparison::AtLeast => value >= filter.value,
        Comparison::AtMost => value <= filter.value,
    }
}

#[async_trait]
impl Log for MemoryLog {
    async fn head(&self) -> Result<Head, StoreError> {
        Ok(self.lock().head.clone())
    }

    async fn append(&self, batch: &[Arc<Commit>], now_us: i64) -> Result<Vec<Verdict>, StoreError> {
        let mut state = self.lock();
        if let Ok(verdicts) = state.append(batch, &Lost::default(), now_us) {
            return Ok(verdicts);
        }
        let mut lost = Lost::default();
        let one = |commit: &Arc<Commit>| {
            let verdict = match state.append(std::slice::from_ref(commit), &lost, now_us) {
                Ok(mut verdicts) => verdicts.pop().expect("a verdict per commit"),
                Err(reason) => Verdict::Refused(CommitRefusal::Unforeseen(reason)),
            };
            lost.note(commit, &verdict);
            verdict
        };
        Ok(batch.iter().map(one).collect())
    }

    async fn load(&self, streams: &[(StreamId, &str)]) -> Result<Vec<StreamLoad>, StoreError> {
        let state = self.lock();
        let load = |(stream, fingerprint): &(StreamId, &str)| {
            let kept = state.snapshots.get(stream);
            let snapshot = kept.filter(|snapshot| snapshot.fingerprint == *fingerprint).cloned();
            let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.sequence);
            let events = state.after(*stream, from, usize::MAX).map(|event| LoadedEvent {
                sequence: event.sequence,
                event_type: event.event_type.clone(),
                event_version: event.event_version.clone(),
                payload: event.payload.clone(),
            });
            StreamLoad { snapshot, events: events.collect() }
        };
        Ok(streams.iter().map(load).collect())
    }

    async fn stream(
        &self,
        stream: StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.lock().after(stream, after, limit).cloned().collect())
    }

    async fn page(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.lock().events.iter().skip(index(after)).take(limit).cloned().collect())
    }

    async fn leaves(&self, after: Position, limit: usize) -> Result<Vec<Hash>, StoreError> {
        Ok(self.lock().events.iter().skip(index(after)).take(limit).map(|event| event.leaf).collect())
    }

    async fn keep_snapshots(&self, snapshots: &[Snapshot]) -> Result<(), StoreError> {
        let mut state = self.lock();
        for snapshot in snapshots {
            let kept = state.snapshots.get(&snapshot.stream);
            if kept.is_none_or(|kept| kept.sequence <= snapshot.sequence) {
                state.snapshots.insert(snapshot.stream, snapshot.clone());
            }
        }
        Ok(())
    }

    async fn holders(&self, claims: &[Claim]) -> Result<Vec<Option<StreamId>>, StoreError> {
        let state = self.lock();
        Ok(claims.iter().map(|claim| state.holder(claim)).collect())
    }

    async fn claims(
        &self,
        after: Option<&Claim>,
        limit: usize,
    ) -> Result<Vec<(Claim, StreamId)>, StoreError> {
        let state = self.lock();
        let after = after.map(claim_key);
        let rest = state.claims.iter().filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
        Ok(rest.take(limit).map(|(_, held)| held.clone()).collect())
    }

    async fn claim_count(&self) -> Result<u64, StoreError> {
        Ok(self.lock().claims.len() as u64)
    }

    async fn record(&self, owner: &str, key: &str, now_us: i64) -> Result<Option<StoredRecord>, StoreError> {
        Ok(self.lock().record(&(owner.to_owned(), key.to_owned()), now_us))
    }

    async fn forget_records(&self, now_us: i64) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let before = state.records.len();
        state.records.retain(|_, (record, _)| record.expires_at_us.is_none_or(|expiry| expiry > now_us));
        Ok((before - state.records.len()) as u64)
    }

    async fn data_key(&self, key_id: &str) -> Result<Option<WrappedKey>, StoreError> {
        Ok(self.lock().data_keys.get(key_id))
    }

    async fn data_keys(&self, after: &str, limit: usize) -> Result<Vec<WrappedKey>, StoreError> {
        Ok(self.lock().data_keys.after(after, limit))
    }

    async fn restore_keys(&self, keys: &[WrappedKey]) -> Result<u64, StoreError> {
        Ok(self.lock().data_keys.restore(keys))
    }

    async fn destroy_keys(&self, ids: &[String]) -> Result<u64, StoreError> {
        Ok(self.lock().data_keys.destroy(ids))
    }

    async fn sweep(&self, _: Sweep) -> Result<(), StoreError> {
        // There are no files.
        Ok(())
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.lock().settings.get(name).cloned())
    }

    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        Ok(self.lock().settings.entry(name.to_owned()).or_insert_with(|| value.to_owned()).clone())
    }

    async fn create_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        let mut state = self.lock();
        for table in tables {
            state.tables.entry(table.name).or_default();
        }
        Ok(())
    }

    async fn checkpoint(&self, reader: &str) -> Result<Position, StoreError> {
        Ok(self.lock().checkpoints.get(reader).copied().unwrap_or(0))
    }

    async fn apply(&self, commit: &ReaderCommit) -> Result<(), StoreError> {
        if !commit.statements.is_empty() {
            return Err(StoreError::Unsupported("statements in memory".into()));
        }
        let mut state = self.lock();
        state.leases.check(&commit.fence)?;
        state.check_at(&commit.reader, commit.after)?;
        state.change_rows(&commit.changes)?;
        state.checkpoints.insert(commit.reader.clone(), commit.to);
        Ok(())
    }

    async fn change_rows(&self, changes: &[RowChange], fence: Option<&Fence>) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.leases.check(fence)?;
        state.change_rows(changes)
    }

    async fn reset(&self, reader: &str, tables: &[&'static Table]) -> Result<(), StoreError> {
        let mut state = self.lock();
        for table in tables {
            state.table(table)?;
        }
        for table in tables {
            state.tables.entry(table.name).or_default().clear();
        }
        state.checkpoints.insert(reader.to_owned(), 0);
        Ok(())
    }

    async fn swap(&self, swap: &Swap) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.leases.check(&swap.fences)?;
        for reader in [&swap.reader, &swap.beside] {
            state.check_at(reader, swap.at)?;
        }
        for (table, beside) in &swap.tables {
            state.table(table)?;
            state.table(beside)?;
        }
        for (table, beside) in &swap.tables {
            let rows = state.tables.remove(beside.name).unwrap_or_default();
            state.tables.insert(table.name, rows);
        }
        state.checkpoints.insert(swap.beside.clone(), 0);
        Ok(())
    }

    async fn drop_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.tables.retain(|name, _| tables.iter().all(|table| table.name != *name));
        Ok(())
    }

    async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        ttl: Duration,
        take: Take,
    ) -> Result<Option<Lease>, StoreError> {
        Ok(self.lock().leases.take(name, owner, ttl, take))
    }

    async fn give_back(&self, owner: &str, names: &[String]) -> Result<(), StoreError> {
        self.lock().leases.give_back(owner, names);
        Ok(())
    }

    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        let state = self.lock();
        let names: BTreeSet<&String> = state.checkpoints.keys().chain(state.leases.names()).collect();
        let standing = |name: &String| Standing {
            name: name.clone(),
            position: state.checkpoints.get(name).copied().unwrap_or(0),
            owner: state.leases.owner(name),
            token: state.leases.token(name),
        };
        Ok(names.into_iter().map(standing).collect())
    }

    async fn rows(&self, table: &'static Table, keys: &[String]) -> Result<Vec<Row>, StoreError> {
        let state = self.lock();
        let rows = state.table(table)?;
        let keys: std::collections::BTreeSet<&String> = keys.iter().collect();
        Ok(keys.into_iter().filter_map(|key| rows.get(key)).cloned().collect())
    }

    async fn children(&self, table: &'static Table, parents: &[String]) -> Result<Vec<Row>, StoreError> {
        let state = self.lock();
        let rows = state.table(table)?.values();
        let mut found: Vec<Row> = rows.filter(|row| parents.contains(&row.parent)).cloned().collect();
        found.sort_by(|a, b| (&a.parent, &a.key).cmp(&(&b.parent, &b.key)));
        Ok(found)
    }

    async fn select(&self, select: &Select) -> Result<Vec<Row>, StoreError> {
        let place = |row: &Row| (value(select.table, row, select.order), row.key.clone());
        let mut rows = self.lock().matching(select.table, &select.filters)?;
        rows.sort_by_key(place);
        if select.descending {
            rows.reverse();
        }
        if let Some(after) = &select.after {
            rows.retain(|row| if select.descending { place(row) < *after } else { place(row) > *after });
        }
        rows.truncate(select.limit);
        Ok(rows)
    }

    async fn count(&self, table: &'static Table, filters: &[Filter]) -> Result<u64, StoreError> {
        Ok(self.lock().matching(table, filters)?.len() as u64)
    }

    async fn close(&self) {}
}
