//! Executing one command: decide on the newest known states, append, and decide again if something had changed.

use std::sync::{Arc, Weak};

use chrono::{DateTime, Utc};
use orderwire_domain::{
    decider::Context,
    fact::Happened,
    ids::{Mint, StreamId},
    joint::{self, Command, Decided, Decision, Desk, Halt, Ids, Need, Undecided},
    refusal::Reason,
};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError, oneshot};
use tracing::{Instrument as _, field};
use uuid::Uuid;

use super::{
    Engine, Inner, KEY_BYTES_MAX,
    bring::{AtHand, Brought},
    committer::{Answer, Core, lock, queue},
    error::Error,
    leaf::Hash,
    loader::Loaded,
    log::{
        Appended, Commit, CommitRefusal, Fence, IdempotencyRecord, KeyChange, NewEvent, Sequence, StoreError,
        StoredRecord, StreamAppend, Verdict,
    },
    measures,
    provenance::{Provenance, metadata},
    refusals::{note, stood},
    tips::Written,
};

/// How often a command is decided again because others changed what it rests on; then the caller may try later.
pub const COMMIT_ATTEMPTS_MAX: u32 = 8;
/// How often a command is decided again because one of this process that it rested on was refused. Each such refusal
/// ends another command for good, so this bound only stops a fault of our own from going round for ever.
const FOLLOWED_MAX: u32 = 10_000;
/// How often a decision may ask for something more before it is a fault of our own.
const NEEDS_MAX: u32 = 1_000;
/// Callers' idempotency keys live this long; those that orders were placed with, for good.
pub const IDEMPOTENCY_DAYS: i64 = 7;
/// A stream gets a snapshot whenever so many events more are in it.
const SNAPSHOT_EVENTS: u64 = 500;

/// A caller's key for one request: asked again with the same key, it is answered the same and done once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Whose: a reseller's id, or a word for a part of the engine.
    pub owner: String,
    /// The key.
    pub key: String,
    /// SHA-256 of what is asked; `None` takes it from the command, which suits whoever seals nothing anew.
    pub fingerprint: Option<Hash>,
}

/// A stream as the caller saw it: what is asked is done on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Which.
    pub stream: StreamId,
    /// The sequence of the last event that the caller knows of.
    pub sequence: Sequence,
}

impl Expected {
    /// Why a decision that saw these streams is not what the caller asked for.
    fn missed(self, mut seen: impl Iterator<Item = (StreamId, Sequence)>) -> Option<Error> {
        let other = |(stream, sequence)| stream == self.stream && sequence != self.sequence;
        seen.any(other).then(|| self.error())
    }

    fn error(self) -> Error {
        Error::Precondition { stream: self.stream.to_string(), expected: self.sequence }
    }
}

/// What a command was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Where its events are in the log.
    pub appended: Appended,
    /// The ids it made, by what they name.
    pub ids: Ids,
    /// Whether this is the answer to an earlier request with the same key.
    pub repeated: bool,
}

impl Receipt {
    /// An id it made. Panics if it makes none of that name: the names are part of each command's contract.
    pub fn id<Id: std::str::FromStr<Err: std::fmt::Debug>>(&self, name: &str) -> Id {
        let id =
            self.ids.get(name).unwrap_or_else(|| panic!("the command makes no `{name}`: {:?}", self.ids));
        id.parse().expect("an id that was made can be read")
    }
}

/// A command with all that it is decided by.
pub(super) struct Asked<'a> {
    pub command: &'a Command,
    pub provenance: &'a Provenance,
    pub key: Option<&'a IdempotencyKey>,
    pub expected: Option<Expected>,
    pub at: Option<DateTime<Utc>>,
    /// Under which lease, where a part of the engine asks.
    pub fence: Option<&'a Fence>,
}

/// What one decision is known by. It stays the same while the decision is brought what it needs, so that the ids it
/// mints do too: what was looked up for one of them is then found.
#[derive(Clone, Copy)]
struct Occasion {
    /// The commit's name, and the seed of the ids.
    id: Uuid,
    /// The time of the decision.
    at: DateTime<Utc>,
}

impl Occasion {
    fn now(inner: &Inner, asked: &Asked<'_>) -> Self {
        Self { id: Uuid::now_v7(), at: asked.at.unwrap_or_else(|| inner.clock.now()) }
    }
}

/// What an attempt led to, as far as the caller's task knows.
enum Attempt {
    /// A commit waits; once it is durable, these states are worth a snapshot.
    /// A key it destroys is forgotten by then.
    Queued(oneshot::Receiver<Answer>, Ids, Vec<Loaded>, Option<StreamId>),
    /// The refusal waits for its sequences to be confirmed; with where the thing was that it is about.
    Refused(oneshot::Receiver<Answer>, Error, Option<&'static str>),
    /// Something must be brought first.
    Needs(Vec<Need>),
}

impl Engine {
    /// Does something, or answers why not. With a key, asking again is answered the same and done once.
    pub async fn execute(
        &self,
        command: &Command,
        provenance: &Provenance,
        key: Option<&IdempotencyKey>,
    ) -> Result<Receipt, Error> {
        self.execute_expecting(command, provenance, key, None).await
    }

    /// The same, if a stream is where the caller saw it at the moment of the commit; else [`Error::Precondition`].
    pub async fn execute_expecting(
        &self,
        command: &Command,
        provenance: &Provenance,
        key: Option<&IdempotencyKey>,
        expected: Option<Expected>,
    ) -> Result<Receipt, Error> {
        if let Some(key) = key.filter(|key| key.owner.len().max(key.key.len()) > KEY_BYTES_MAX) {
            return Err(Error::Refused(vec![key_too_long(key)]));
        }
        execute(&self.inner, Asked { command, provenance, key, expected, at: None, fence: None }).await
    }

    /// What a request was answered with before, by its key; [`Error::KeyReused`] where that was another request. For
    /// whoever must know before a retry is read: what it names may be gone by now.
    pub async fn answered(&self, key: &IdempotencyKey) -> Result<Option<Receipt>, Error> {
        let now_us = self.now().timestamp_micros();
        let Some(stored) = self.log().record(&key.owner, &key.key, now_us).await? else { return Ok(None) };
        if key.fingerprint != Some(stored.fingerprint) {
            return Err(Error::KeyReused);
        }
        repeated(&stored).map(Some)
    }
}

fn key_too_long(key: &IdempotencyKey) -> Reason {
    Reason {
        code: "idempotency_key_too_long".to_owned(),
        subject: None,
        detail: format!("the idempotency key has {} bytes, its owner {}", key.key.len(), key.owner.len()),
        expected: Some(format!("at most {KEY_BYTES_MAX} bytes each")),
    }
}

/// Executes a command.
pub(super) async fn execute(inner: &Inner, asked: Asked<'_>) -> Result<Receipt, Error> {
    let name = asked.command.name();
    let span = tracing::debug_span!("command", command = %name, outcome = field::Empty);
    let outcome = executed(inner, asked).instrument(span.clone()).await;
    span.record("outcome", measures::command(name, &outcome));
    outcome
}

async fn executed(inner: &Inner, asked: Asked<'_>) -> Result<Receipt, Error> {
    let permit = Arc::clone(&inner.permits).try_acquire_owned().map_err(|refused| match refused {
        TryAcquireError::Closed => Error::Closed,
        TryAcquireError::NoPermits => Error::Overloaded,
    })?;
    let permit = Arc::new(permit);
    let fingerprint = asked.key.map(|key| key.fingerprint.unwrap_or_else(|| fingerprint(asked.command)));
    let in_flight = asked.key.map(|key| inner.in_flight(key));
    // A retry that overtakes its first attempt waits here, then finds its record.
    let _turn = match &in_flight {
        Some(turn) => Some(turn.lock().await),
        None => None,
    };

    // One seed for all attempts: what was looked up about an id minted in one is still known in the next.
    let mint = Mint::new(Uuid::now_v7(), asked.at.unwrap_or_else(|| inner.clock.now()));
    let mut brought = Brought::default();
    let picked = inner.picks.of_command();
    let (mut moved, mut followed, mut needs) = (0, 0, 0);
    let mut occasion = Occasion::now(inner, &asked);
    loop {
        let (mut due_snapshots, mut destroyed, mut stood) = (Vec::new(), None, None);
        let (answer, outcome) = match attempt(inner, &asked, fingerprint, &mint, &brought, occasion, &permit)?
        {
            Attempt::Needs(missing) => {
                needs += 1;
                if needs > NEEDS_MAX {
                    let detail = format!("{} never has enough: {missing:?}", asked.command.name());
                    return Err(Error::Corrupt { stream: "a decision".to_owned(), detail });
                }
                brought.bring(inner, missing, &picked).instrument(tracing::debug_span!("look")).await?;
                continue;
            }
            Attempt::Queued(answer, ids, states, key) => {
                due_snapshots = states;
                destroyed = key;
                (answer, Ok(ids))
            }
            Attempt::Refused(answer, refusal, status) => {
                stood = status;
                (answer, Err(refusal))
            }
        };
        let answer = answer.instrument(tracing::debug_span!("append")).await;
        match (answer.map_err(|_| Error::Closed)?, outcome) {
            (Answer::Verdict(Verdict::Appended(appended)), Ok(ids)) => {
                inner.snapshots.offer(due_snapshots);
                if let Some(owner) = destroyed {
                    inner.keyring.forget(&owner.to_string());
                }
                picked.shown_at(appended.last());
                return Ok(Receipt { appended, ids, repeated: false });
            }
            (Answer::Verdict(Verdict::Appended(confirmed)), Err(refusal)) => {
                if !brought.looks_again() {
                    let outcome = refused(inner, &asked, fingerprint, refusal).await;
                    note(inner, &asked, (occasion.at, confirmed.last(), stood), &outcome);
                    return outcome;
                }
            }
            (Answer::Verdict(Verdict::Repeated(stored)), _) => return repeated(&stored),
            (Answer::Verdict(Verdict::Refused(CommitRefusal::KeyReused)), _) => return Err(Error::KeyReused),
            (Answer::Verdict(Verdict::Refused(CommitRefusal::ClaimsTaken(claims))), _) => {
                let picks = brought.lookups.picks_lost();
                brought.lookups.found_taken(claims);
                // Numbers that others were faster to take have a bound of their own, which the decision knows.
                moved += u32::from(brought.lookups.picks_lost() == picks);
                picked.forget();
                brought.forget();
            }
            (Answer::Verdict(Verdict::Refused(CommitRefusal::Moved { stream, actual, .. })), _) => {
                // Sequences only grow: what the caller saw will not come back.
                let gone = |expected: &Expected| expected.stream == stream && expected.sequence != actual;
                if let Some(expected) = asked.expected.filter(gone) {
                    return refused(inner, &asked, fingerprint, expected.error()).await;
                }
                moved += 1;
                picked.forget();
                brought.forget();
            }
            (Answer::Verdict(Verdict::Refused(CommitRefusal::FencedOut(lease))), _) => {
                return Err(StoreError::FencedOut(lease).into());
            }
            (Answer::Verdict(Verdict::Refused(refusal)), _) => {
                let detail = refusal.to_string();
                return Err(Error::Corrupt { stream: asked.command.name(), detail });
            }
            (Answer::Followed, _) => {
                followed += 1;
                picked.forget();
                brought.forget();
            }
            (Answer::Failed(error), _) => return Err(error.into()),
        }
        if moved >= COMMIT_ATTEMPTS_MAX || followed >= FOLLOWED_MAX {
            return Err(Error::Conflict { attempts: moved + followed });
        }
        occasion = Occasion::now(inner, &asked);
    }
}

/// Decides once and queues what it led to, both under the lock that gives decisions and commits one order.
fn attempt(
    inner: &Inner,
    asked: &Asked,
    fingerprint: Option<Hash>,
    mint: &Mint,
    brought: &Brought,
    Occasion { id, at }: Occasion,
    permit: &Arc<OwnedSemaphorePermit>,
) -> Result<Attempt, Error> {
    let context = Context { at, rules: Arc::clone(&inner.rules) };
    let mut core = lock(&inner.core);
    let at_hand = AtHand { tips: &core.tips, brought };
    let desk = Desk::new(context, mint.clone(), &at_hand, &brought.lookups);
    match joint::decide(desk, asked.command, asked.provenance.reseller) {
        Ok(decision) => {
            let seen = || decision.decided.iter().map(|decided| (decided.stream, decided.after));
            if let Some(missed) = asked.expected.and_then(|expected| expected.missed(seen())) {
                return Ok(Attempt::Refused(confirm(&mut core, id, seen().collect(), permit)?, missed, None));
            }
            let ids = decision.ids.clone();
            let mut commit = commit(inner, asked, fingerprint, id, at, &decision);
            let unseen = |expected: &Expected| seen().all(|(stream, _)| stream != expected.stream);
            commit.reads.extend(
                asked.expected.filter(unseen).map(|Expected { stream, sequence }| (stream, sequence)),
            );
            commit.rests_on = rests_on(&core, decision.decided.iter().map(|decided| decided.stream));
            let (written, destroyed) = ((core.next, id), decision.destroys_key_of);
            let mut due_snapshots = Vec::new();
            for decided in decision.decided {
                due_snapshots.extend(keep(&mut core, written, decided));
            }
            Ok(Attempt::Queued(queue(&mut core, commit, permit)?, ids, due_snapshots, destroyed))
        }
        Err(Undecided { halt: Halt::Need(needs), .. }) => Ok(Attempt::Needs(needs)),
        Err(Undecided { halt: Halt::Illegal(event), .. }) => {
            Err(Error::illegal(asked.command.name(), &event))
        }
        Err(Undecided { halt: Halt::Refused(reasons), seen }) => {
            let missed = asked.expected.and_then(|expected| expected.missed(seen.iter().copied()));
            // What does not exist for the caller is nowhere: else a guess would tell that it exists.
            let exists = reasons.iter().all(|reason| reason.code != "not_found");
            let refusal = missed.filter(|_| exists).unwrap_or(Error::Refused(reasons));
            let status = stood(&at_hand, asked.command);
            Ok(Attempt::Refused(confirm(&mut core, id, seen, permit)?, refusal, status))
        }
    }
}

/// Queues a commit that appends nothing: it only finds out whether these streams are where they were seen.
fn confirm(
    core: &mut Core,
    id: Uuid,
    seen: Vec<(StreamId, Sequence)>,
    permit: &Arc<OwnedSemaphorePermit>,
) -> Result<oneshot::Receiver<Answer>, Error> {
    let confirm = Commit {
        id,
        appends: Vec::new(),
        rests_on: rests_on(core, seen.iter().map(|(stream, _)| *stream)),
        reads: seen,
        claims: Vec::new(),
        record: None,
        keys: Vec::new(),
        fence: None,
    };
    queue(core, confirm, permit)
}

fn rests_on(core: &Core, streams: impl Iterator<Item = StreamId>) -> Vec<Uuid> {
    streams.filter_map(|stream| core.tips.written_by(stream)).map(|(_, id)| id).collect()
}

/// Takes the new state of an aggregate in; now and then it is worth a snapshot.
fn keep(core: &mut Core, commit: Written, decided: Decided) -> Option<Loaded> {
    let Decided { stream, after, events, state } = decided;
    if events.is_empty() {
        core.tips.touch([stream]);
        return None;
    }
    let sequence = after + events.len() as u64;
    core.tips.decided(stream, sequence, state.clone(), commit);
    (after / SNAPSHOT_EVENTS != sequence / SNAPSHOT_EVENTS).then_some((stream, sequence, state))
}

fn commit(
    inner: &Inner,
    asked: &Asked,
    fingerprint: Option<Hash>,
    id: Uuid,
    at: DateTime<Utc>,
    decision: &Decision,
) -> Commit {
    let command = asked.command.name();
    let decided =
        super::provenance::Decided { commit: id, command: &command, rules: inner.rules.version(), at };
    let metadata = metadata(asked.provenance, decided);
    let written = decision.decided.iter().filter(|decided| !decided.events.is_empty());
    let appends = written
        .map(|decided| {
            let events = decided.events.iter().map(|event| new_event(event, &metadata)).collect();
            StreamAppend { stream: decided.stream, after: decided.after, events }
        })
        .collect();
    let read = decision.decided.iter().filter(|decided| decided.events.is_empty());
    let record = match (asked.key, fingerprint) {
        (Some(key), Some(fingerprint)) => Some(IdempotencyRecord {
            owner: key.owner.clone(),
            key: key.key.clone(),
            fingerprint,
            ids: serde_json::to_string(&decision.ids).expect("a map of strings is JSON"),
            expires_at_us: expiry(inner, asked.command),
        }),
        _ => None,
    };
    let mut keys = Vec::new();
    if let Some(stream) = decision.makes_key_of {
        let (_, wrapped) = inner.keyring.make(&stream.to_string());
        keys.push(KeyChange::Make(wrapped));
    }
    if let Some(stream) = decision.destroys_key_of {
        keys.push(KeyChange::Destroy { key_id: stream.to_string() });
    }
    Commit {
        id,
        appends,
        reads: read.map(|decided| (decided.stream, decided.after)).collect(),
        rests_on: Vec::new(),
        claims: decision.claims.clone(),
        record,
        keys,
        fence: asked.fence.cloned(),
    }
}

/// When the answer to a key is forgotten. A reference is one order for good, and only the answer knows the document that
/// it was placed with: an old file that is sent again must not be taken for another.
fn expiry(inner: &Inner, command: &Command) -> Option<i64> {
    let lives = chrono::TimeDelta::days(IDEMPOTENCY_DAYS);
    let kept = matches!(command, Command::CreateOrder { .. });
    (!kept).then(|| (inner.clock.now() + lives).timestamp_micros())
}

fn new_event(happened: &Happened, metadata: &str) -> NewEvent {
    NewEvent {
        event_type: happened.name().to_owned(),
        event_version: happened.version().to_owned(),
        payload: happened.payload(),
        metadata: metadata.to_owned(),
    }
}

/// A refusal is final once what it rests on was confirmed, unless the same request was done before.
async fn refused(
    inner: &Inner,
    asked: &Asked<'_>,
    fingerprint: Option<Hash>,
    refusal: Error,
) -> Result<Receipt, Error> {
    if let (Some(key), Some(fingerprint)) = (asked.key, fingerprint) {
        let now_us = inner.clock.now().timestamp_micros();
        match inner.log.record(&key.owner, &key.key, now_us).await? {
            Some(stored) if stored.fingerprint == fingerprint => return repeated(&stored),
            Some(_) => return Err(Error::KeyReused),
            None => {}
        }
    }
    Err(refusal)
}

fn repeated(stored: &StoredRecord) -> Result<Receipt, Error> {
    let ids = serde_json::from_str(&stored.ids).map_err(|error| Error::Corrupt {
        stream: "an idempotency record".to_owned(),
        detail: error.to_string(),
    })?;
    Ok(Receipt { appended: stored.appended.clone(), ids, repeated: true })
}

/// What tells one request from another.
fn fingerprint(command: &Command) -> Hash {
    let text = serde_json::to_vec(command).expect("a command is JSON: it is stored with timers");
    Sha256::digest(text).into()
}

/// Turns that idempotency keys take, one after the other.
pub(super) type Turns = std::collections::HashMap<(String, String), Weak<tokio::sync::Mutex<()>>>;

impl Inner {
    fn in_flight(&self, key: &IdempotencyKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let slot = (key.owner.clone(), key.key.clone());
        if let Some(turn) = turns.get(&slot).and_then(Weak::upgrade) {
            return turn;
        }
        // Keys whose request has ended leave an empty turn behind; they are swept once they are many.
        if turns.len() >= 2 * super::COMMANDS_IN_FLIGHT_MAX {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        turns.insert(slot, Arc::downgrade(&turn));
        turn
    }
}
