//! The hub: one task of a process that sees what the projector has told, and hands it to whoever listens.
//!
//! Thousands of listeners cost one look into the table for each wake-up, not one each. What is handed out is only a short cut:
//! a listener counts sequences, and reads the table itself where one is missing, so nothing rests on the hub seeing everything.
//! Deliberately absent: places of listeners, which they name themselves (`after`, `Last-Event-ID`).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use axum::http::{StatusCode, header};
use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::ResellerId,
    views::{
        self,
        notices::{NOTICE, Notice},
        table::{Row, Value},
    },
};
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Limits, notice_bodies::NoticeBody, problem::Problem, request::Look};
use crate::{
    edge::keys,
    engine::{
        Engine, Error,
        log::{Comparison, Filter, Position, Select},
    },
};

/// How often the hub looks whether another process has told something.
const POLL: Duration = Duration::from_millis(100);
/// How long after its token has expired a seat is over at the latest.
const EXPIRY_SEEN_WITHIN: Duration = Duration::from_secs(10);
/// How long the hub waits after the store failed it.
const RETRY: Duration = Duration::from_millis(500);
/// Notices that are read at once.
const ROWS_AT_ONCE: usize = 512;
/// Notices that a listener may lack before it has to read the table.
const AT_HAND: usize = 128;

/// A notice as it is handed out: written as JSON once, however many listen.
#[derive(Debug)]
pub struct Told {
    /// What it says.
    pub notice: Notice,
    /// The same as a `CloudEvent`.
    pub json: String,
}

/// Hands what is told to whoever listens.
#[derive(Debug)]
pub struct Hub {
    listeners: Mutex<HashMap<ResellerId, broadcast::Sender<Arc<Told>>>>,
    seats: Mutex<HashMap<String, Taken>>,
    seats_max: usize,
    closing: CancellationToken,
}

/// The seats that one key has taken.
#[derive(Debug)]
struct Taken {
    count: usize,
    ended: CancellationToken,
}

/// The right to listen, for as long as it is held.
#[derive(Debug)]
pub struct Seat {
    hub: Arc<Hub>,
    key: String,
    ended: CancellationToken,
    /// When whoever sits there is let in no more.
    until: Option<DateTime<Utc>>,
}

impl From<Notice> for Told {
    fn from(notice: Notice) -> Self {
        let body = NoticeBody::from(notice.clone());
        let json = serde_json::to_string(&body).expect("a notice has string keys only");
        Self { notice, json }
    }
}

impl Hub {
    /// A hub that looks for as long as somebody has it.
    pub fn start(engine: &Engine, limits: Limits) -> Arc<Self> {
        let hub = Arc::new(Self {
            listeners: Mutex::default(),
            seats: Mutex::default(),
            seats_max: limits.streams_per_key,
            closing: CancellationToken::new(),
        });
        tokio::spawn(run(Arc::downgrade(&hub), engine.clone(), limits.keys_again_after));
        hub
    }

    /// Everything that a reseller is told from here on. Whoever misses something is told that it did.
    pub fn subscribe(&self, reseller: ResellerId) -> broadcast::Receiver<Arc<Told>> {
        let mut listeners = lock(&self.listeners);
        listeners.entry(reseller).or_insert_with(|| broadcast::channel(AT_HAND).0).subscribe()
    }

    /// A seat for whoever asks, unless its key has as many as it may have.
    pub fn seat(self: &Arc<Self>, look: &Look) -> Result<Seat, Problem> {
        let key = look.caller.actor.as_str().to_owned();
        let mut seats = lock(&self.seats);
        let taken = seats.entry(key.clone());
        let taken = taken.or_insert_with(|| Taken { count: 0, ended: self.closing.child_token() });
        if taken.count >= self.seats_max {
            let detail = format!("this key has {} streams and waiting requests open", taken.count);
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail);
            return Err(problem.with(header::RETRY_AFTER, "5"));
        }
        taken.count += 1;
        let ended = taken.ended.clone();
        drop(seats);
        Ok(Seat { hub: Arc::clone(self), key, ended, until: look.caller.until })
    }

    /// Ends every seat: the server stops.
    pub fn close(&self) {
        self.closing.cancel();
    }

    fn nobody_listens(&self) -> bool {
        let mut listeners = lock(&self.listeners);
        listeners.retain(|_, listeners| listeners.receiver_count() > 0);
        listeners.is_empty()
    }

    /// Hands out what stands after a position; answers where the last of it was.
    async fn tell(&self, engine: &Engine, mut told: Position) -> Result<Position, Error> {
        loop {
            let next = i64::try_from(told).unwrap_or(i64::MAX).saturating_add(1);
            let filter = Filter { column: "position", comparison: Comparison::AtLeast, value: next.into() };
            let select = Select {
                table: &NOTICE,
                filters: vec![filter],
                order: "position",
                descending: false,
                after: None,
                limit: ROWS_AT_ONCE,
            };
            let rows = engine.log().select(&select).await?;
            for row in &rows {
                told = told.max(self.hand_out(row));
            }
            if rows.len() < ROWS_AT_ONCE {
                return Ok(told);
            }
        }
    }

    /// Hands out one notice; answers its position.
    fn hand_out(&self, row: &Row) -> Position {
        let column = |name| {
            let index = NOTICE.columns.iter().position(|column| column.name == name);
            index.and_then(|index| row.columns.get(index))
        };
        let position = match column("position") {
            Some(Value::Integer(position)) => u64::try_from(*position).unwrap_or(0),
            _ => 0,
        };
        let reseller = match column("reseller") {
            Some(Value::Text(reseller)) => reseller.parse::<ResellerId>().ok(),
            _ => None,
        };
        let listeners = reseller.and_then(|reseller| lock(&self.listeners).get(&reseller).cloned());
        let Some(listeners) = listeners else { return position };
        match serde_json::from_str::<Notice>(&row.doc) {
            // Nobody is left to hear it where this fails, which is no matter.
            Ok(notice) => drop(listeners.send(Arc::new(Told::from(notice)))),
            Err(error) => tracing::error!(%error, key = %row.key, "a notice cannot be read"),
        }
        position
    }

    /// Ends the seats of keys that were revoked.
    async fn end_revoked(&self, engine: &Engine) -> Result<(), Error> {
        let held: Vec<String> = lock(&self.seats).keys().cloned().collect();
        for key in keys::revoked(engine, &held).await? {
            if let Some(taken) = lock(&self.seats).get(&key) {
                taken.ended.cancel();
            }
        }
        Ok(())
    }
}

impl Seat {
    /// Done once it is over: the server stops, or the key was revoked.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Done when it is time to look whether it is over; never for those that do not expire.
    pub async fn may_expire(&self) {
        match self.until {
            Some(_) => tokio::time::sleep(EXPIRY_SEEN_WITHIN).await,
            None => std::future::pending().await,
        }
    }

    /// Whether it is over at this time: the above, or a token has expired.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.ended.is_cancelled() || self.until.is_some_and(|until| now >= until)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = lock(&self.hub.seats);
        let Some(taken) = seats.get_mut(&self.key) else { return };
        taken.count -= 1;
        if taken.count == 0 {
            seats.remove(&self.key);
        }
    }
}

/// Follows the projector until nobody has the hub any more.
async fn run(hub: Weak<Hub>, engine: Engine, keys_again_after: Duration) {
    let reader = engine.readers().get(views::ORDERS).expect("the domain has this reader");
    let mut progress = reader.progress();
    let (mut told, mut keys_due) = (0, Instant::now() + keys_again_after);
    while let Some(hub) = hub.upgrade().filter(|hub| !hub.closing.is_cancelled()) {
        let (here, quiet) = seen(&mut progress, || hub.nobody_listens());
        let wait = match follow(&hub, &engine, told, here, quiet).await {
            Ok(to) => {
                told = told.max(to);
                POLL
            }
            Err(error) => {
                tracing::warn!(%error, "what was told could not be read; it is tried again");
                RETRY
            }
        };
        if keys_due <= Instant::now() {
            if let Err(error) = hub.end_revoked(&engine).await {
                tracing::warn!(%error, "whether keys were revoked could not be read; it is tried again");
            }
            keys_due = Instant::now() + keys_again_after;
        }
        drop(hub);
        tokio::select! {
            moved = progress.changed() => if moved.is_err() { return },
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How far the projector is, and whether nobody listens; in that order, since whoever begins to listen in between reads what
/// there is by then, and no more.
fn seen(progress: &mut watch::Receiver<Position>, nobody_listens: impl FnOnce() -> bool) -> (Position, bool) {
    let here = *progress.borrow_and_update();
    (here, nobody_listens())
}

/// One look: what was told since, if anybody listens. Answers up to where nothing is left to tell.
async fn follow(
    hub: &Hub,
    engine: &Engine,
    told: Position,
    here: Position,
    quiet: bool,
) -> Result<Position, Error> {
    if quiet {
        // Whoever begins to listen after this reads everything up to here from the table.
        return Ok(here);
    }
    // Another process may be the one that tells.
    let reached = if here > told { here } else { engine.log().checkpoint(views::ORDERS).await? };
    if reached > told { Ok(hub.tell(engine, told).await?.max(reached)) } else { Ok(told) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_after_somebody_began_to_listen_is_not_taken_as_told() {
        let (projector, mut progress) = watch::channel(5);
        // Nobody listens yet; then somebody reads the table up to 5, and the next notice is written.
        let begins = || {
            projector.send_replace(7);
            true
        };
        assert_eq!(seen(&mut progress, begins), (5, true));
        assert!(progress.has_changed().unwrap());
    }
}
