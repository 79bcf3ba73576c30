//! What must hold at the moment of appending, and what a batch then writes: one pure function for every store.
//!
//! A store looks up the [`Facts`] that [`touched`] names while it holds the head, and writes what [`plan`] answers.
//! On its fast path it plans on [`assumed`] facts instead, and its constraints tell whether they were true.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use orderwire_domain::{
    claim::{Claim, ClaimAction},
    ids::StreamId,
};
use uuid::Uuid;

use super::{
    leaf::{Hash, LeafEntry},
    log::{
        Appended, Commit, CommitRefusal, Head, IdempotencyRecord, KeyChange, NewEvent, Position, Sequence,
        StoredRecord, Verdict,
    },
};

/// The owner and the key of an idempotency record.
pub type RecordKey = (String, String);

/// What a batch touches: a store looks up exactly this.
#[derive(Debug, Default)]
pub struct Touched {
    /// Streams read or written.
    pub streams: Vec<StreamId>,
    /// Claims taken or released.
    pub claims: Vec<Claim>,
    /// Idempotency records.
    pub records: Vec<RecordKey>,
    /// Leases that something was decided under, by name.
    pub leases: Vec<String>,
}

/// What is true while the head is held.
#[derive(Debug, Default)]
pub struct Facts {
    /// The sequence of each touched stream; absent is 0.
    pub sequences: HashMap<StreamId, Sequence>,
    /// The holder of each touched claim; absent is free.
    pub holders: HashMap<Claim, StreamId>,
    /// The touched records that exist and have not expired.
    pub records: HashMap<RecordKey, StoredRecord>,
    /// The token of each touched lease; absent is 0. None of them changes hands before the batch is durable.
    pub tokens: HashMap<String, u64>,
    /// Commits before this batch, of the same append, that were not appended.
    pub lost: Lost,
}

/// What a batch writes, and what to answer.
#[derive(Debug)]
pub struct Plan {
    /// One per commit, in order.
    pub verdicts: Vec<Verdict>,
    /// The rows of events, at contiguous positions after the old head.
    pub events: Vec<EventRow>,
    /// The net change of each claim that ends up elsewhere than it was.
    pub claims: BTreeMap<Claim, ClaimNet>,
    /// Records to store.
    pub records: Vec<(IdempotencyRecord, Appended)>,
    /// Data keys to make or destroy.
    pub keys: Vec<KeyChange>,
    /// The head afterwards.
    pub head: Head,
    /// Whether a claim came back to where it was: nothing written then tests what was assumed of it, so a batch planned on
    /// assumed facts must be planned again on true ones.
    pub untested: bool,
}

/// A row of the events table.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its index in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its index in the stream.
    pub sequence: Sequence,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at_us: i64,
    /// Its leaf in the Merkle tree.
    pub leaf: Hash,
    /// Which commit of the batch it came from.
    pub commit: usize,
    /// Type, version, payload and metadata.
    pub event: NewEvent,
}

/// What a batch does to one claim, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimNet {
    /// Free before, held afterwards.
    Insert(StreamId),
    /// Held before, free afterwards.
    Delete(StreamId),
    /// It changes hands.
    Update {
        /// Who held it.
        from: StreamId,
        /// Who holds it now.
        to: StreamId,
    },
}

/// Everything a batch touches, each once.
pub fn touched(batch: &[Arc<Commit>]) -> Touched {
    let mut touched = Touched::default();
    for commit in batch {
        touched.streams.extend(commit.appends.iter().map(|append| append.stream));
        touched.streams.extend(commit.reads.iter().map(|(stream, _)| *stream));
        touched.claims.extend(commit.claims.iter().map(|change| change.claim.clone()));
        touched
            .records
            .extend(commit.record.as_ref().map(|record| (record.owner.clone(), record.key.clone())));
        touched.leases.extend(commit.fence.as_ref().map(|fence| fence.name.clone()));
    }
    touched.streams.sort_unstable();
    touched.streams.dedup();
    touched.claims.sort_unstable();
    touched.claims.dedup();
    touched.records.sort_unstable();
    touched.records.dedup();
    touched.leases.sort_unstable();
    touched.leases.dedup();
    touched
}

/// The facts as the decisions of this batch saw them, for a store that lets its constraints find out otherwise.
pub fn assumed(batch: &[Arc<Commit>]) -> Facts {
    let mut facts = Facts::default();
    for commit in batch {
        for append in &commit.appends {
            facts.sequences.entry(append.stream).or_insert(append.after);
        }
        for (stream, sequence) in &commit.reads {
            facts.sequences.entry(*stream).or_insert(*sequence);
        }
        if let Some(fence) = &commit.fence {
            facts.tokens.entry(fence.name.clone()).or_insert(fence.token);
        }
    }
    let mut seen: HashSet<&Claim> = HashSet::new();
    for change in batch.iter().flat_map(|commit| &commit.claims) {
        if seen.insert(&change.claim) && change.action == ClaimAction::Release {
            facts.holders.insert(change.claim.clone(), change.holder);
        }
    }
    facts
}

/// Walks the batch in order: each commit is checked against the facts as its predecessors in the batch leave them.
pub fn plan(log_id: i64, batch: &[Arc<Commit>], head: &Head, facts: &Facts, now_us: i64) -> Plan {
    let recorded_at_us = now_us.max(head.recorded_at_us);
    let mut sequences = facts.sequences.clone();
    let mut lost = facts.lost.clone();
    let mut holders: BTreeMap<Claim, Option<StreamId>> = BTreeMap::new();
    let mut records: HashMap<RecordKey, StoredRecord> = HashMap::new();
    let mut plan = Plan {
        verdicts: Vec::with_capacity(batch.len()),
        events: Vec::new(),
        claims: BTreeMap::new(),
        records: Vec::new(),
        keys: Vec::new(),
        head: head.clone(),
        untested: false,
    };

    for (index, commit) in batch.iter().enumerate() {
        let holder_of = |claim: &Claim| match holders.get(claim) {
            Some(holder) => *holder,
            None => facts.holders.get(claim).copied(),
        };
        let record_of = |key: &RecordKey| records.get(key).or_else(|| facts.records.get(key));
        let changed = match check(commit, facts, &lost, &sequences, holder_of, record_of) {
            Ok(changed) => changed,
            Err(verdict) => {
                lost.note(commit, &verdict);
                plan.verdicts.push(verdict);
                continue;
            }
        };
        holders.extend(changed);

        let count = commit.event_count() as u64;
        let first = if count == 0 { plan.head.position } else { plan.head.position + 1 };
        let time_us = if count == 0 { plan.head.recorded_at_us } else { recorded_at_us };
        for append in &commit.appends {
            for (event, sequence) in append.events.iter().zip(append.after + 1..) {
                plan.push_event(log_id, index, append.stream, sequence, recorded_at_us, event);
            }
            sequences.insert(append.stream, append.after + append.events.len() as u64);
        }
        let appended = Appended { first, count, recorded_at_us: time_us };
        if let Some(record) = &commit.record {
            let stored = StoredRecord {
                fingerprint: record.fingerprint,
                ids: record.ids.clone(),
                appended: appended.clone(),
            };
            records.insert((record.owner.clone(), record.key.clone()), stored);
            plan.records.push((record.clone(), appended.clone()));
        }
        plan.keys.extend(commit.keys.iter().cloned());
        plan.verdicts.push(Verdict::Appended(appended));
    }

    for (claim, to) in holders {
        let net = match (facts.holders.get(&claim).copied(), to) {
            (None, Some(to)) => ClaimNet::Insert(to),
            (Some(from), None) => ClaimNet::Delete(from),
            (Some(from), Some(to)) if from != to => ClaimNet::Update { from, to },
            _ => {
                plan.untested = true;
                continue;
            }
        };
        plan.claims.insert(claim, net);
    }
    plan
}

/// Commits of one append that were not appended: nothing decided on them is.
#[derive(Clone, Debug, Default)]
pub struct Lost(HashSet<Uuid>);

impl Lost {
    /// Remembers a commit unless it was appended.
    pub fn note(&mut self, commit: &Commit, verdict: &Verdict) {
        if !matches!(verdict, Verdict::Appended(_)) {
            self.0.insert(commit.id);
        }
    }

    fn take_with_them(&self, commit: &Commit) -> bool {
        commit.rests_on.iter().any(|id| self.0.contains(id))
    }
}

impl Plan {
    /// Whether every commit of the batch was taken as it is.
    pub fn is_clean(&self) -> bool {
        self.verdicts.iter().all(|verdict| matches!(verdict, Verdict::Appended(_)))
    }

    /// Whether there is anything to write at all.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.claims.is_empty() && self.records.is_empty() && self.keys.is_empty()
    }

    fn push_event(
        &mut self,
        log_id: i64,
        commit: usize,
        stream: StreamId,
        sequence: Sequence,
        recorded_at_us: i64,
        event: &NewEvent,
    ) {
        let position = self.head.position + 1;
        let entry = LeafEntry {
            log_id,
            position,
            stream,
            sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            recorded_at_us,
            payload: &event.payload,
            metadata: &event.metadata,
        };
        let leaf = entry.hash();
        self.head.position = position;
        self.head.recorded_at_us = recorded_at_us;
        self.head.frontier.push(leaf);
        self.events.push(EventRow {
            position,
            stream,
            sequence,
            recorded_at_us,
            leaf,
            commit,
            event: event.clone(),
        });
    }
}

/// Whether one commit may be appended now; if so, who holds the claims it changes afterwards.
fn check<'a>(
    commit: &Commit,
    facts: &Facts,
    lost: &Lost,
    sequences: &HashMap<StreamId, Sequence>,
    holder_of: impl Fn(&Claim) -> Option<StreamId>,
    record_of: impl Fn(&RecordKey) -> Option<&'a StoredRecord>,
) -> Result<BTreeMap<Claim, Option<StreamId>>, Verdict> {
    // A retry is recognised first: what it would decide now does not matter.
    if let Some(record) = &commit.record
        && let Some(found) = record_of(&(record.owner.clone(), record.key.clone()))
    {
        return Err(if found.fingerprint == record.fingerprint {
            Verdict::Repeated(found.clone())
        } else {
            Verdict::Refused(CommitRefusal::KeyReused)
        });
    }

    if lost.take_with_them(commit) {
        return Err(Verdict::Refused(CommitRefusal::RestsOnRefused));
    }

    let current = |name: &str| facts.tokens.get(name).copied().unwrap_or(0);
    if let Some(fence) = commit.fence.as_ref().filter(|fence| current(&fence.name) != fence.token) {
        return Err(Verdict::Refused(CommitRefusal::FencedOut(fence.name.clone())));
    }

    let seen =
        commit.appends.iter().map(|append| (append.stream, append.after)).chain(commit.reads.iter().copied());
    for (stream, seen) in seen {
        let actual = sequences.get(&stream).copied().unwrap_or(0);
        if actual != seen {
            return Err(Verdict::Refused(CommitRefusal::Moved { stream, seen, actual }));
        }
    }

    let mut changed: BTreeMap<Claim, Option<StreamId>> = BTreeMap::new();
    let mut taken = Vec::new();
    for change in &commit.claims {
        let holder = changed.get(&change.claim).copied().unwrap_or_else(|| holder_of(&change.claim));
        match (change.action, holder) {
            (ClaimAction::Take, None) => {
                changed.insert(change.claim.clone(), Some(change.holder));
            }
            (ClaimAction::Take, Some(_)) => taken.push(change.claim.clone()),
            (ClaimAction::Release, Some(holder)) if holder == change.holder => {
                changed.insert(change.claim.clone(), None);
            }
            (ClaimAction::Release, _) => {
                let refusal = CommitRefusal::NotHeld { claim: change.claim.clone(), holder: change.holder };
                return Err(Verdict::Refused(refusal));
            }
        }
    }
    if taken.is_empty() { Ok(changed) } else { Err(Verdict::Refused(CommitRefusal::ClaimsTaken(taken))) }
}
