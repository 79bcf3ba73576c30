//! Commits in a few words, and a picture of everything a log holds.

use std::sync::Arc;

use orderwire_domain::{
    claim::{Claim, ClaimChange, ClaimScope},
    ids::{AggregateKind, StreamId},
};
use uuid::Uuid;

use crate::engine::{
    leaf::Hash,
    log::{
        Appended, Commit, Fence, Head, IdempotencyRecord, KeyChange, Log, NewEvent, Sequence, SharedLog,
        StoreError, StoredEvent, StreamAppend, Verdict, WrappedKey,
    },
};

/// The time of every append that does not care: in September 2026.
pub const NOW_US: i64 = 1_790_000_000_000_000;

/// Pages are read this small, so that every case crosses from one to the next.
const PAGE: usize = 7;

pub fn order(n: u128) -> StreamId {
    StreamId { kind: AggregateKind::Order, id: Uuid::from_u128(n) }
}

pub fn company(n: u128) -> StreamId {
    StreamId { kind: AggregateKind::Company, id: Uuid::from_u128(n) }
}

/// A claim on a number of the range kept for drama.
pub fn number(n: usize) -> Claim {
    Claim::platform(ClaimScope::Number, format!("+442079460{n:03}"))
}

/// An event whose text only survives if it is stored byte for byte.
fn event(stream: StreamId, sequence: Sequence) -> NewEvent {
    NewEvent {
        event_type: "LineAdded".into(),
        event_version: "1.0".into(),
        payload: format!("{{\"z\":{sequence},  \"a\":\"Zoë ☎\", \"of\":\"{stream}\", \"a\":1.50}}"),
        metadata: "{\"actor\":\"conformance\",\"command\":\"AddLine\"}".into(),
    }
}

/// A commit in the making.
#[derive(Clone)]
pub struct Draft(pub Commit);

/// A commit of nothing.
pub fn draft() -> Draft {
    Draft(Commit {
        id: Uuid::now_v7(),
        appends: Vec::new(),
        reads: Vec::new(),
        rests_on: Vec::new(),
        claims: Vec::new(),
        record: None,
        keys: Vec::new(),
        fence: None,
    })
}

/// A commit of `count` events after a sequence.
pub fn events(stream: StreamId, after: Sequence, count: u64) -> Draft {
    draft().and_events(stream, after, count)
}

impl Draft {
    pub fn and_events(mut self, stream: StreamId, after: Sequence, count: u64) -> Self {
        let events = (after + 1..=after + count).map(|sequence| event(stream, sequence)).collect();
        self.0.appends.push(StreamAppend { stream, after, events });
        self
    }

    pub fn reading(mut self, stream: StreamId, sequence: Sequence) -> Self {
        self.0.reads.push((stream, sequence));
        self
    }

    pub fn resting_on(mut self, other: &Self) -> Self {
        self.0.rests_on.push(other.0.id);
        self
    }

    pub fn taking(mut self, holder: StreamId, claim: Claim) -> Self {
        self.0.claims.push(ClaimChange::take(holder, claim));
        self
    }

    pub fn releasing(mut self, holder: StreamId, claim: Claim) -> Self {
        self.0.claims.push(ClaimChange::release(holder, claim));
        self
    }

    /// Remembered under a key of one owner, for a request of this fingerprint, until a time or for good.
    pub fn under(mut self, key: &str, fingerprint: u8, expires_at_us: Option<i64>) -> Self {
        self.0.record = Some(IdempotencyRecord {
            owner: "rsl_conformance".into(),
            key: key.into(),
            fingerprint: [fingerprint; 32],
            ids: format!("{{\"order\": \"of {key}\"}}"),
            expires_at_us,
        });
        self
    }

    pub fn making(mut self, key_id: &str) -> Self {
        self.0.keys.push(KeyChange::Make(wrapped(key_id)));
        self
    }

    pub fn fenced(mut self, fence: &Fence) -> Self {
        self.0.fence = Some(fence.clone());
        self
    }

    pub fn destroying(mut self, key_id: &str) -> Self {
        self.0.keys.push(KeyChange::Destroy { key_id: key_id.into() });
        self
    }
}

pub fn wrapped(key_id: &str) -> WrappedKey {
    WrappedKey { key_id: key_id.into(), wrapped: [key_id.as_bytes(), &[0, 255, 1]].concat() }
}

pub fn fingerprint(byte: u8) -> Hash {
    [byte; 32]
}

/// Appends one batch at the time that does not matter.
pub async fn append<const N: usize>(log: &dyn Log, batch: [Draft; N]) -> Result<[Verdict; N], StoreError> {
    append_at(log, batch, NOW_US).await
}

/// Appends one batch at a time.
pub async fn append_at<const N: usize>(
    log: &dyn Log,
    batch: [Draft; N],
    now_us: i64,
) -> Result<[Verdict; N], StoreError> {
    let batch = batch.map(|draft| Arc::new(draft.0));
    let verdicts = log.append(&batch, now_us).await?;
    Ok(verdicts.try_into().expect("one verdict per commit"))
}

/// Where a commit was appended.
#[track_caller]
pub fn appended(verdict: &Verdict) -> Appended {
    match verdict {
        Verdict::Appended(appended) => appended.clone(),
        other => panic!("it should have been appended: {other:?}"),
    }
}

/// Appends one commit that nothing speaks against.
pub async fn must_append(log: &dyn Log, draft: Draft) -> Result<Appended, StoreError> {
    let [verdict] = append(log, [draft]).await?;
    Ok(appended(&verdict))
}

/// Every event, page by page.
pub async fn all_events(log: &dyn Log) -> Result<Vec<StoredEvent>, StoreError> {
    let mut events: Vec<StoredEvent> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.position);
        let page = log.page(after, PAGE).await?;
        assert!(page.len() <= PAGE, "a page has at most as many events as were asked for");
        if page.is_empty() {
            return Ok(events);
        }
        assert!(page[0].position > after, "a page begins after the position it was asked for");
        events.extend(page);
    }
}

/// What a refused commit must leave as it was.
#[derive(Debug, PartialEq)]
pub struct Picture {
    head: Head,
    events: Vec<StoredEvent>,
    claims: Vec<(Claim, StreamId)>,
}

pub async fn picture(log: &SharedLog) -> Result<Picture, StoreError> {
    let events = all_events(&**log).await?;
    Ok(Picture { head: log.head().await?, events, claims: log.claims(None, 1_000).await? })
}
