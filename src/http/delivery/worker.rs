//! The task that delivers: it sees what is told, sends what is due, and writes down what arrived.
//!
//! Nothing waits for an endpoint but its own notices: requests are tasks of their own, bounded in all and for each, and
//! there is one for every endpoint whatever others do. Whatever goes wrong with the store, the worker
//! forgets what it knows and begins again from what is stored. Of all processes on one store the one with the lease
//! delivers; one that lost it sends, for a moment, what its successor sends as well, and writes nothing. Deliberately absent:
//! deliveries that arrive only once.

mod flights;
mod slots;
mod aside;
mod sweep;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use orderwire_domain::{
    ids::WebhookId,
    views::{
        self,
        notices::Notice,
        table::{Record as _, Row},
        webhooks::{WebhookStage, WebhookView},
    },
};
use tokio::{
    task::{JoinError, JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

pub(super) use self::slots::BRISK;
use self::{aside::Aside, slots::Slots};
use super::{endpoint::Endpoint, ledger, sender::Sender};
use crate::{
    edge::deliveries::{Delivery, Request},
    engine::{
        Engine, Error, ErrorKind,
        log::{Fence, Position, RowChange, StoreError},
        query,
    },
};

/// How often the worker looks whether something is due, or another process has told something.
const POLL: Duration = Duration::from_millis(100);
/// Between two looks at what is told.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Between two transactions: what arrives meanwhile is one.
const COMMIT_EVERY: Duration = Duration::from_millis(5);
/// Changes that wait to be written; nothing is sent beyond that.
const CHANGES_MAX: usize = 4_096;
/// How long the worker waits after the store failed it, or another worker was found.
const STEP_BACK: Duration = Duration::from_secs(5);
/// How long requests in flight may take once the worker is to stop.
const LANDS_WITHIN: Duration = Duration::from_secs(5);

struct Worker {
    engine: Engine,
    sender: Arc<Sender>,
    endpoints: BTreeMap<WebhookId, Endpoint>,
    /// Webhooks that have something to be sent.
    busy: BTreeSet<WebhookId>,
    /// Webhooks for which there may be something to read.
    hungry: BTreeSet<WebhookId>,
    /// Webhooks whose place may have moved.
    touched: BTreeSet<WebhookId>,
    /// Webhooks that are deleted, and have rows still.
    leaving: BTreeSet<WebhookId>,
    /// Changes of webhooks were seen up to here.
    seen: Position,
    /// Webhooks of which something cannot be right.
    aside: Aside,
    flights: JoinSet<flights::Landed>,
    slots: Slots,
    endings: JoinSet<(WebhookId, Result<(), Error>)>,
    changes: Vec<RowChange>,
    committing: Option<JoinHandle<Result<(), StoreError>>>,
    turn: Position,
    /// Under which it writes.
    fence: Fence,
    commit_at: Instant,
    look_at: Instant,
    sweep_at: DateTime<Utc>,
    /// Whose turn it is to be first.
    first: usize,
}

/// Delivers until it is told to stop, for as long as this process has the lease.
pub async fn run(engine: Engine, sender: Arc<Sender>, stop: CancellationToken) {
    let mut lease = engine.lease(ledger::WORKER);
    loop {
        let held = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            held = lease.held() => held,
        };
        // There is nothing to write to once the engine is closed.
        let Ok(fence) = held else { break };
        let worked = async { Worker::open(&engine, &sender, fence.clone()).await?.work(&stop).await };
        // Nothing of what it knew is relied on after a panic: what is stored is right.
        let worked = lease.during(&fence, AssertUnwindSafe(worked).catch_unwind()).await;
        // What waits is counted where it is sent.
        backlog_is(0);
        match worked {
            Some(Ok(Ok(()))) => break,
            None => continue,
            Some(Ok(Err(Error::Store(StoreError::FencedOut(_))))) => {
                lease.lost(&fence);
                continue;
            }
            Some(Ok(Err(error))) => tracing::warn!(%error, "webhooks are not delivered for a moment"),
            Some(Err(_)) => tracing::error!("the delivery of webhooks panicked; it begins again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(STEP_BACK) => {}
        }
    }
    if let Err(error) = lease.give_back().await {
        tracing::warn!(%error, "the lease of webhooks was not given back: another process waits until its time is over");
    }
}

impl Worker {
    async fn open(engine: &Engine, sender: &Arc<Sender>, fence: Fence) -> Result<Self, Error> {
        let now = Instant::now();
        Ok(Self {
            engine: engine.clone(),
            sender: Arc::clone(sender),
            endpoints: BTreeMap::new(),
            busy: BTreeSet::new(),
            hungry: BTreeSet::new(),
            touched: BTreeSet::new(),
            leaving: BTreeSet::new(),
            seen: 0,
            aside: Aside::default(),
            flights: JoinSet::new(),
            slots: Slots::default(),
            endings: JoinSet::new(),
            changes: Vec::new(),
            committing: None,
            turn: ledger::turn(engine.log()).await?,
            fence,
            commit_at: now,
            look_at: now,
            sweep_at: engine.now(),
            first: 0,
        })
    }

    async fn work(mut self, stop: &CancellationToken) -> Result<(), Error> {
        let reader = self.engine.readers().get(views::ORDERS).expect("the domain has this reader");
        let mut progress = reader.progress();
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = true;
        loop {
            if look && Instant::now() >= self.look_at {
                look = false;
                self.look().await?;
                self.look_at = Instant::now() + LOOK_EVERY;
            }
            self.read().await?;
            self.launch().await?;
            self.commit();
            let (commit_at, waits) = (self.commit_at, self.committing.is_none() && self.has_changes());
            tokio::select! {
                () = stop.cancelled() => return self.close().await,
                Some(landed) = self.flights.join_next() => self.land_all(landed)?,
                Some(ended) = self.endings.join_next() => self.ended(ended)?,
                committed = committed(&mut self.committing) => self.committed(committed)?,
                () = sleep_until(commit_at), if waits => {}
                () = sleep_until(self.look_at), if look => {}
                changed = progress.changed() => look = changed.is_ok(),
                _ = poll.tick() => look = true,
            }
        }
    }

    /// Sees which webhooks have changed, what resellers were told, and what somebody wants once more.
    async fn look(&mut self) -> Result<(), Error> {
        loop {
            let changed = ledger::changed(self.engine.log(), self.seen).await?;
            let whole = changed.len() == ledger::ROWS_AT_ONCE;
            for ledger::Changed { webhook, position, view } in changed {
                self.seen = position;
                match (webhook, view) {
                    (_, Ok(view)) => self.changed(view).await?,
                    (Some(id), unread) => drop(self.or_aside(id, unread)?),
                    (None, Err(error)) => tracing::error!(%error, "a row of no webhook: somebody must look"),
                }
            }
            if !whole {
                break;
            }
        }
        self.try_again().await?;
        self.see_told().await?;
        self.take_requests().await?;
        self.sweep().await?;
        backlog_is(self.endpoints.values().map(Endpoint::backlog).sum());
        Ok(())
    }

    /// Sees up to where resellers were told, and who may read on.
    async fn see_told(&mut self) -> Result<(), Error> {
        let active = self.endpoints.values().filter(|endpoint| endpoint.is_active());
        let resellers: BTreeSet<_> = active.map(|endpoint| endpoint.view.reseller).collect();
        if resellers.is_empty() {
            return Ok(());
        }
        let resellers: Vec<_> = resellers.into_iter().collect();
        let told: BTreeMap<_, _> = ledger::told(self.engine.log(), &resellers).await?.into_iter().collect();
        let mut unread = Vec::new();
        for (id, endpoint) in &mut self.endpoints {
            match told.get(&endpoint.view.reseller) {
                Some(Ok(told)) => endpoint.told = *told,
                Some(Err(error)) if endpoint.is_active() => unread.push((*id, error.clone())),
                _ => {}
            }
            if endpoint.wants_more() {
                self.hungry.insert(*id);
            }
        }
        for (id, error) in unread {
            self.or_aside::<()>(id, Err(error))?;
        }
        Ok(())
    }

    async fn changed(&mut self, view: WebhookView) -> Result<(), Error> {
        let (id, now) = (view.webhook, self.engine.now());
        self.aside.remove(&id);
        if view.status == WebhookStage::Deleted {
            self.endpoints.remove(&id);
            let left = ledger::left(self.engine.log(), id, 1).await;
            if self.or_aside(id, left)?.is_some_and(|left| !left.is_empty()) {
                self.leaving.insert(id);
            }
            return Ok(());
        }
        let anew = match self.endpoints.get_mut(&id) {
            Some(endpoint) => endpoint.changed(view.clone(), now),
            None => view.status == WebhookStage::Active,
        };
        if anew {
            // What is read here must have everything that was written for it.
            self.flush().await?;
            let opened = Endpoint::open(self.engine.log(), view, now).await;
            let Some((endpoint, changes)) = self.or_aside(id, opened)? else { return Ok(()) };
            self.changes.extend(changes);
            self.endpoints.insert(id, endpoint);
        }
        self.busy.insert(id);
        Ok(())
    }

    async fn take_requests(&mut self) -> Result<(), Error> {
        let requests = ledger::requests(self.engine.log()).await?;
        if requests.is_empty() {
            return Ok(());
        }
        for row in requests {
            match self.take_request(&row).await {
                // It would be in the way of everybody's for good.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    tracing::error!(request = %row.key, %error, "what was wanted once more cannot be sent");
                }
                taken => taken?,
            }
            self.changes.push(RowChange::Delete(Request::TABLE, row.key));
        }
        // So that the next look does not find them once more.
        self.flush().await
    }

    async fn take_request(&mut self, row: &Row) -> Result<(), Error> {
        let request: Request = query::record(row)?;
        let notice: Option<Notice> = query::get(self.engine.log(), &request.notice.to_string()).await?;
        match notice {
            Some(notice) => self.once_more(request.webhook, &notice).await,
            None => Ok(()),
        }
    }

    /// Sends a notice once more; where none are sent for now, a row says that it waits.
    async fn once_more(&mut self, webhook: WebhookId, notice: &Notice) -> Result<(), Error> {
        if let Some(endpoint) = self.endpoints.get_mut(&webhook) {
            self.changes.push(endpoint.again(notice, self.engine.now()));
            self.busy.insert(webhook);
            return Ok(());
        }
        let view = ledger::view(self.engine.log(), webhook).await?;
        if let Some(view) = view.filter(|view| view.status != WebhookStage::Deleted) {
            let delivery = Delivery::new(&view, notice, true);
            self.changes.push(RowChange::Put(Delivery::TABLE, delivery.to_row()));
        }
        Ok(())
    }

    /// Reads ahead for those that have room, and has what waited where its turn has come.
    async fn read(&mut self) -> Result<(), Error> {
        let now = self.engine.now();
        for id in std::mem::take(&mut self.hungry) {
            if self.endpoints.get(&id).is_some_and(|endpoint| endpoint.window.starves()) {
                // What is had from the store must be there.
                self.flush().await?;
            }
            let outcome = self.read_one(id, now).await;
            if self.or_aside(id, outcome)?.is_some() {
                self.busy.insert(id);
            }
        }
        Ok(())
    }

    async fn read_one(&mut self, id: WebhookId, now: DateTime<Utc>) -> Result<(), Error> {
        let Some(endpoint) = self.endpoints.get_mut(&id) else { return Ok(()) };
        endpoint.recall(self.engine.log(), now).await?;
        while endpoint.wants_more() {
            if self.changes.len() >= CHANGES_MAX {
                // Once those are written.
                self.hungry.insert(id);
                break;
            }
            if endpoint.read(self.engine.log(), now, &mut self.changes).await? == 0 {
                break;
            }
            self.touched.insert(id);
        }
        Ok(())
    }

    /// Sends what is due, one of each webhook at a time for as long as there is room.
    async fn launch(&mut self) -> Result<(), Error> {
        let now = self.engine.now();
        self.busy.retain(|id| self.endpoints.get(id).is_some_and(|endpoint| endpoint.window.waiting() > 0));
        let mut ids: Vec<WebhookId> = self.busy.iter().copied().collect();
        if !ids.is_empty() {
            // What is sent cannot be taken back, so it is asked again whether this is ours to do.
            self.engine.confirm(&self.fence).await?;
        }
        let at = Instant::now();
        while let Some(id) = self.slots.aged(at) {
            if let Some(endpoint) = self.endpoints.get_mut(&id) {
                endpoint.is_brisk = false;
            }
        }
        for id in &ids {
            let endpoint = self.endpoints.get_mut(id).expect("whoever is busy is there");
            let signs = endpoint.sign(&self.engine).await;
            self.or_aside(*id, signs)?;
        }
        ids.retain(|id| self.endpoints.contains_key(id));
        if let Some(first) = self.first.checked_rem(ids.len()) {
            ids.rotate_left(first);
        }
        self.first = self.first.wrapping_add(1);
        let mut more = true;
        while more {
            more = false;
            for id in &ids {
                if self.changes.len() >= CHANGES_MAX {
                    return Ok(());
                }
                let endpoint = self.endpoints.get_mut(id).expect("whoever is busy is there");
                if !self.slots.has_one_for(*id, endpoint.is_brisk) {
                    continue;
                }
                if let Some(turn) = endpoint.turn(now) {
                    more = true;
                    let flight = self.slots.begin(*id, endpoint.is_brisk, at);
                    let view = endpoint.view.clone();
                    self.fly(flight, &view, turn);
                }
            }
        }
        Ok(())
    }

    fn has_changes(&self) -> bool {
        !self.changes.is_empty() || !self.touched.is_empty()
    }

    /// Begins to write what has changed, unless it is being done or was done a moment ago.
    fn commit(&mut self) {
        if self.committing.is_some() || !self.has_changes() || Instant::now() < self.commit_at {
            return;
        }
        self.begin_commit();
    }

    fn begin_commit(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            if let Some(endpoint) = self.endpoints.get_mut(&id) {
                endpoint.settle(&mut self.changes);
            }
        }
        let changes = std::mem::take(&mut self.changes);
        if changes.is_empty() {
            return;
        }
        let (log, turn, fence) = (Arc::clone(self.engine.log()), self.turn, self.fence.clone());
        let commit = async move { ledger::commit(&log, turn, changes, fence).await };
        self.committing = Some(tokio::spawn(commit));
        self.commit_at = Instant::now() + COMMIT_EVERY;
    }

    fn committed(&mut self, outcome: Result<Result<(), StoreError>, JoinError>) -> Result<(), Error> {
        self.committing = None;
        outcome.map_err(|error| lost(&error))??;
        self.turn += 1;
        Ok(())
    }

    /// Writes everything that has changed by now.
    async fn flush(&mut self) -> Result<(), Error> {
        while self.committing.is_some() || self.has_changes() {
            if self.committing.is_none() {
                self.begin_commit();
            }
            if self.committing.is_some() {
                let outcome = committed(&mut self.committing).await;
                self.committed(outcome)?;
            }
        }
        Ok(())
    }

    /// Lets what is in flight land, and writes down where everything is.
    async fn close(mut self) -> Result<(), Error> {
        let until = Instant::now() + LANDS_WITHIN;
        while let Ok(Some(landed)) = tokio::time::timeout_at(until, self.flights.join_next()).await {
            self.land(landed.map_err(|error| lost(&error))?);
        }
        self.flush().await?;
        while let Some(ended) = self.endings.join_next().await {
            self.ended(ended)?;
        }
        Ok(())
    }
}

/// Done when the commit that is under way is; never where there is none.
async fn committed(
    committing: &mut Option<JoinHandle<Result<(), StoreError>>>,
) -> Result<Result<(), StoreError>, JoinError> {
    match committing {
        Some(commit) => commit.await,
        None => std::future::pending().await,
    }
}

/// A task of the worker has panicked: what it was about to say is not known.
fn lost(error: &JoinError) -> Error {
    Error::Corrupt { stream: ledger::WORKER.to_owned(), detail: error.to_string() }
}

fn backlog_is(notices: u64) {
    #[expect(clippy::cast_precision_loss, reason = "nobody counts a backlog of 2^52 notices one by one")]
    metrics::gauge!("orderwire_webhook_backlog").set(notices as f64);
}
