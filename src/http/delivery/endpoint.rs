//! One webhook in the worker: what it is to be sent, and what is known of how it takes it.
//!
//! Deliberately absent: other webhooks, and the sending.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use orderwire_domain::{
    ids::NoticeId,
    notice::NoticeType,
    views::{
        notices::Notice,
        table::Record as _,
        webhooks::{WebhookStage, WebhookView},
    },
    webhook::Webhook,
};

use super::{
    backoff::{self, Next},
    ledger,
    sender::Answered,
    signers,
    signing::Signer,
    window::{Job, Window},
    worker::BRISK,
};
use crate::{
    edge::deliveries::{Delivery, Hold, Place, WEBHOOK_DELIVERY},
    engine::{
        Engine, Error,
        log::{RowChange, SharedLog},
    },
    http::notice_bodies::NoticeBody,
};

/// Notices of one webhook that are at hand and have not arrived; no more are read then, so one that is down for days costs
/// this much.
pub const WAITING_MAX: usize = 1_000;
/// Notices of one webhook that wait for others of their order and of which only a number is kept; no more are read then.
const DEFERRED_MAX: usize = 20_000;
/// Of those of one order, that are had at once when their turn has come.
const RECALLED_AT_ONCE: usize = 64;
/// Notices of one webhook that are read before their turn has come.
const READ_AHEAD: usize = 128;
/// How long what cannot be fetched or signed waits.
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(1);

/// A webhook that is delivered to.
#[derive(Debug)]
pub struct Endpoint {
    /// As it was seen last.
    pub view: WebhookView,
    /// What it is to be sent.
    pub window: Window,
    /// The last sequence that its reseller was given.
    pub told: u64,
    /// How many rows there are of what has arrived, at most.
    pub kept: u64,
    /// When such rows are looked at again.
    pub sweeps: Sweeps,
    /// Whether it is being stopped, so nothing more is sent.
    pub ending: bool,
    /// Whether it answered well and soon the last time, and keeps nothing waiting for longer.
    pub is_brisk: bool,
    /// As its place was stored.
    stored: (u64, Option<Hold>),
    records: HashMap<Job, Delivery>,
    /// Of what was read and has not failed.
    bodies: HashMap<Job, Bytes>,
    /// Sequences beyond where it was left that have rows: they arrived, or wait.
    known: BTreeSet<u64>,
    signers: Option<Arc<Vec<Signer>>>,
    signers_until: Option<DateTime<Utc>>,
    /// It wants to be left alone for a while.
    hold: Option<Hold>,
}

/// When rows of what has arrived are looked at again.
#[derive(Clone, Copy, Debug)]
pub struct Sweeps {
    /// Where there are too many.
    pub many_at: DateTime<Utc>,
    /// Whether some are old.
    pub old_at: DateTime<Utc>,
}

/// What is to be sent now.
#[derive(Debug)]
pub struct Turn {
    /// Which delivery.
    pub job: Job,
    /// Which notice.
    pub notice: NoticeId,
    /// The notice as JSON, where it is at hand.
    pub body: Option<Bytes>,
    /// What signs.
    pub signers: Arc<Vec<Signer>>,
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Arrived,
    /// It is sent again.
    Waits,
    /// The endpoint is there no more.
    Gone,
    /// It has failed for too long.
    TooLong,
    /// It was sent once more because somebody wanted that, and has failed for too long: that says nothing of the others.
    GivenUp,
}

impl Endpoint {
    /// A webhook as it was left, or as it begins; with the rows that this changes.
    pub async fn open(
        log: &SharedLog,
        view: WebhookView,
        now: DateTime<Utc>,
    ) -> Result<(Self, Vec<RowChange>), Error> {
        let id = view.webhook;
        let left = ledger::place(log, id).await?;
        // Whoever has resumed it since knows better. To begin once more from elsewhere says nothing of that.
        let hold = left.as_ref().and_then(|left| left.hold).filter(|hold| hold.since >= view.active_since);
        let place = left.filter(|place| place.since == view.after_since);
        let done_to = place.as_ref().map_or(view.after, |place| place.done_to);
        let kept = ledger::kept(log, id).await?;
        let mut endpoint = Self {
            window: Window::after(done_to),
            told: 0,
            kept,
            sweeps: Sweeps { many_at: now, old_at: now },
            ending: false,
            is_brisk: false,
            stored: (done_to, hold),
            records: HashMap::new(),
            bodies: HashMap::new(),
            known: BTreeSet::new(),
            signers: None,
            signers_until: None,
            hold,
            view,
        };
        let mut changes = Vec::new();
        if place.is_some() {
            let since = endpoint.view.after_since;
            let after = ledger::after(log, id, done_to).await?.into_iter();
            let there = after.filter(|it| !it.again && it.since == since);
            endpoint.known = there.map(|it| it.sequence).collect();
        } else {
            changes.push(endpoint.place());
        }
        let mut page = ledger::waiting(log, id, None).await?;
        while let Some(last) = page.last().cloned() {
            for delivery in page {
                let is_of_now = delivery.since == endpoint.view.after_since;
                if is_of_now && (delivery.again || place.is_some()) {
                    endpoint.restore(delivery, now);
                } else {
                    // It waits for a turn that was taken back.
                    changes.push(RowChange::Delete(&WEBHOOK_DELIVERY, delivery.key()));
                }
            }
            page = ledger::waiting(log, id, Some(&last)).await?;
        }
        Ok((endpoint, changes))
    }

    fn restore(&mut self, delivery: Delivery, now: DateTime<Utc>) {
        if !delivery.again && self.window.has(&delivery.lane) {
            self.window.defer(delivery.sequence, &delivery.lane);
        } else {
            self.at_hand(delivery, now);
        }
    }

    fn at_hand(&mut self, delivery: Delivery, now: DateTime<Utc>) {
        let job = if delivery.again { Job::Again(delivery.sequence) } else { Job::Notice(delivery.sequence) };
        let resumed = delivery.sent_at.is_none_or(|sent| sent < self.view.active_since);
        let due = delivery.next_at.filter(|_| !resumed).unwrap_or(now);
        self.window.restore(job, &delivery.lane, due, delivery.attempts > 0);
        self.records.insert(job, delivery);
    }

    fn place(&self) -> RowChange {
        let (webhook, since) = (self.view.webhook, self.view.after_since);
        let place = Place { webhook, done_to: self.window.done_to(), since, hold: self.hold };
        RowChange::Put(Place::TABLE, place.to_row())
    }

    /// Takes in what has changed about it. Answers whether it must be opened anew.
    pub fn changed(&mut self, view: WebhookView, now: DateTime<Utc>) -> bool {
        if view.after_since != self.view.after_since {
            return true;
        }
        let resumed = view.active_since != self.view.active_since;
        self.view = view;
        (self.signers, self.ending) = (None, false);
        if resumed {
            self.window.wake(now);
            (self.hold, self.is_brisk) = (None, false);
        }
        false
    }

    /// Whether more can be read for it.
    pub fn wants_more(&self) -> bool {
        self.is_active()
            && self.told > self.window.read_to()
            && self.window.at_hand() < WAITING_MAX
            && self.window.deferred() < DEFERRED_MAX
            && self.window.unstored() < READ_AHEAD / 2
    }

    /// Whether it is delivered to.
    pub fn is_active(&self) -> bool {
        self.view.status == WebhookStage::Active
    }

    /// Reads what comes next, and the rows that this changes; answers how many notices that were.
    pub async fn read(
        &mut self,
        log: &SharedLog,
        now: DateTime<Utc>,
        changes: &mut Vec<RowChange>,
    ) -> Result<usize, Error> {
        let page = ledger::notices(log, self.view.reseller, self.window.read_to(), READ_AHEAD).await?;
        let count = page.len();
        for notice in page {
            let (sequence, job) = (notice.sequence, Job::Notice(notice.sequence));
            if self.known.remove(&sequence) || !self.wants(notice.notice_type) {
                self.window.skip(sequence);
                continue;
            }
            let delivery = Delivery::new(&self.view, &notice, false);
            if self.window.defers(&delivery.lane) {
                self.window.skip(sequence);
                self.window.defer(sequence, &delivery.lane);
                changes.push(RowChange::Put(Delivery::TABLE, delivery.to_row()));
                continue;
            }
            self.window.add(sequence, &delivery.lane, now);
            self.records.insert(job, delivery);
            self.bodies.insert(job, body(notice));
        }
        Ok(count)
    }

    /// Has what waited for one of its order, as far as that has arrived. Everything that was written must be stored.
    pub async fn recall(&mut self, log: &SharedLog, now: DateTime<Utc>) -> Result<(), Error> {
        while self.window.starves() {
            let sequences = self.window.recall(RECALLED_AT_ONCE);
            let mut rows = ledger::several(log, self.view.webhook, &sequences).await?;
            if rows.len() != sequences.len() {
                let stream = self.view.webhook.to_string();
                let detail = format!("{} of {} deliveries are there", rows.len(), sequences.len());
                return Err(Error::Corrupt { stream, detail });
            }
            rows.sort_unstable_by_key(|row| row.sequence);
            for row in rows {
                self.at_hand(row, now);
            }
        }
        Ok(())
    }

    fn wants(&self, notice_type: NoticeType) -> bool {
        self.view.types.is_empty() || self.view.types.contains(&notice_type)
    }

    /// Somebody wants a notice once more; the row that says so.
    pub fn again(&mut self, notice: &Notice, now: DateTime<Utc>) -> RowChange {
        let (job, delivery) = (Job::Again(notice.sequence), Delivery::new(&self.view, notice, true));
        let row = RowChange::Put(Delivery::TABLE, delivery.to_row());
        self.window.restore(job, &delivery.lane, now, false);
        self.records.entry(job).or_insert(delivery);
        row
    }

    /// Sees to it that it can sign, where something is due.
    pub async fn sign(&mut self, engine: &Engine) -> Result<(), Error> {
        let now = engine.now();
        if self.signers_until.is_some_and(|until| now >= until) {
            self.signers = None;
        }
        if self.signers.is_some() || !self.is_due(now) {
            return Ok(());
        }
        let (_, webhook) = engine.load::<Webhook>(self.view.webhook).await?;
        let Some(target) = webhook.endpoint() else { return Ok(()) };
        self.signers = Some(Arc::new(signers(engine, target).await?));
        self.signers_until = target.previous.as_ref().map(|it| it.until).filter(|until| now < *until);
        Ok(())
    }

    fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.is_active()
            && !self.ending
            && self.hold.is_none_or(|hold| now >= hold.until)
            && self.window.next_due().is_some_and(|due| due <= now)
    }

    /// What is to be sent now, if anything.
    pub fn turn(&mut self, now: DateTime<Utc>) -> Option<Turn> {
        if !self.is_due(now) {
            return None;
        }
        let signers = Arc::clone(self.signers.as_ref()?);
        let job = self.window.take(now)?;
        let notice = self.records[&job].notice;
        Some(Turn { job, notice, body: self.bodies.get(&job).cloned(), signers })
    }

    /// It could not be sent for a reason of ours; the row that says so.
    pub fn not_sent(&mut self, job: Job, now: DateTime<Utc>) -> Option<RowChange> {
        if !self.window.flies(job) {
            return None;
        }
        let delivery = self.records.get(&job)?;
        self.window.failed(job, now + AGAIN_AFTER);
        Some(RowChange::Put(Delivery::TABLE, delivery.to_row()))
    }

    /// What came of an attempt that was made when it had been active since then, and the row that says so.
    pub fn landed(
        &mut self,
        job: Job,
        answered: Answered,
        active_since: DateTime<Utc>,
        now: DateTime<Utc>,
        chance: u64,
    ) -> Option<(Outcome, RowChange)> {
        // One of before it was set aside says nothing here: what is known now was read since.
        if !self.window.flies(job) {
            return None;
        }
        let mut delivery = self.records.remove(&job)?;
        self.bodies.remove(&job);
        // What another address did, or this one before somebody saw to it, says nothing of how it is now.
        let of_now = active_since == self.view.active_since;
        if of_now {
            self.is_brisk = answered.failure.is_none() && Duration::from_millis(answered.latency_ms) <= BRISK;
        }
        delivery.attempts += 1;
        delivery.sent_at = Some(now);
        delivery.latency_ms = Some(answered.latency_ms);
        let (is_gone, retry_after) = (answered.is_gone(), answered.retry_after);
        (delivery.status, delivery.failure) = (answered.status, answered.failure);
        delivery.excerpt = answered.excerpt;
        if delivery.failure.is_none() {
            (delivery.ended_at, delivery.next_at) = (Some(now), None);
            self.kept += 1;
            self.window.arrived(job);
            return Some((Outcome::Arrived, RowChange::Put(Delivery::TABLE, delivery.to_row())));
        }
        // Back-off begins anew with another address, and when somebody has resumed it.
        let goes_on = delivery.failing_since.filter(|since| *since >= self.view.active_since);
        let since = goes_on.unwrap_or(now);
        delivery.failures = if goes_on.is_some() { delivery.failures.saturating_add(1) } else { 1 };
        delivery.failing_since = of_now.then_some(since);
        let (outcome, due) = match backoff::next(delivery.failures, since, now, retry_after, chance) {
            Next::GiveUp if of_now && !is_gone && delivery.again => {
                (delivery.ended_at, delivery.next_at) = (Some(now), None);
                self.kept += 1;
                self.window.arrived(job);
                return Some((Outcome::GivenUp, RowChange::Put(Delivery::TABLE, delivery.to_row())));
            }
            _ if !of_now => (Outcome::Waits, now),
            _ if is_gone => (Outcome::Gone, now),
            Next::GiveUp => (Outcome::TooLong, now),
            Next::At(due) => (Outcome::Waits, due),
        };
        if let Some(asked) = retry_after.filter(|_| of_now) {
            // It is the endpoint that wants to be left alone, not this notice. What it has asked for before still counts.
            let until = now + asked.min(backoff::WAIT_MAX);
            let until = self.hold.map_or(until, |hold| hold.until.max(until));
            self.hold = Some(Hold { since: now, until });
        }
        delivery.next_at = Some(due);
        self.window.failed(job, due);
        let row = RowChange::Put(Delivery::TABLE, delivery.to_row());
        self.records.insert(job, delivery);
        Some((outcome, row))
    }

    /// Since when a delivery fails, and what was answered last.
    pub fn trouble(&self, job: Job) -> Option<(DateTime<Utc>, Option<u16>)> {
        let delivery = self.records.get(&job)?;
        Some((delivery.failing_since?, delivery.status))
    }

    /// The rows that say where it is now: of what waits for another, and of its place where that has moved.
    pub fn settle(&mut self, changes: &mut Vec<RowChange>) {
        for sequence in self.window.held_up() {
            let job = Job::Notice(sequence);
            self.bodies.remove(&job);
            changes.push(RowChange::Put(Delivery::TABLE, self.records[&job].to_row()));
        }
        let now = (self.window.done_to(), self.hold);
        if now != self.stored {
            self.stored = now;
            changes.push(self.place());
        }
    }

    /// How many notices have not arrived, read or not.
    pub fn backlog(&self) -> u64 {
        self.told.saturating_sub(self.window.read_to()) + self.window.waiting() as u64
    }
}

/// A notice as it is sent.
pub fn body(notice: Notice) -> Bytes {
    serde_json::to_vec(&NoticeBody::from(notice)).expect("a notice has string keys only").into()
}
