//! Keeping leases: those of this process are renewed well before they run out, and those that are free are taken.
//!
//! The second task here looks what other processes do: how far the log has grown, and how far the readers have come that
//! run elsewhere, so that whoever waits for them in this process is woken. Absent: what is done under a lease.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Inner,
    error::Error,
    log::{Position, Standing, Take},
};

/// A lease that somebody else has is looked at this often: so long it takes until one that was given back is taken.
const LOOK_FOR_FREE: Duration = Duration::from_millis(250);
/// How often it is looked whether another process has appended.
const LOOK_AT_HEAD: Duration = Duration::from_millis(50);
/// How often it is looked how far readers elsewhere have come, while they are behind.
const LOOK_AT_READERS: Duration = Duration::from_millis(25);
/// The share of a lease's time after which it is renewed.
const RENEWED_AFTER: u32 = 3;

/// Asks for what is wanted, and renews what is held, until the engine is closed.
pub(super) async fn keep(inner: Arc<Inner>) {
    let mut ended = inner.stop.subscribe();
    let renew_every = inner.leases.ttl() / RENEWED_AFTER;
    let mut renew_at = Instant::now() + renew_every;
    loop {
        let all_here = match ask(&inner, Instant::now() >= renew_at).await {
            Ok(all_here) => all_here,
            Err(error) => {
                tracing::warn!(%error, "leases could not be asked for; that is tried again");
                false
            }
        };
        if Instant::now() >= renew_at {
            renew_at = Instant::now() + renew_every;
        }
        let again = if all_here { renew_at } else { renew_at.min(Instant::now() + LOOK_FOR_FREE) };
        tokio::select! {
            _ = ended.wait_for(|ended| *ended) => return,
            () = inner.leases.more.notified() => {}
            () = tokio::time::sleep_until(again) => {}
        }
    }
}

/// Takes what is free, and renews what is held if it is time to. Answers whether everything that is wanted is held.
pub(super) async fn ask(inner: &Inner, renew: bool) -> Result<bool, Error> {
    let (here, elsewhere): (Vec<_>, Vec<_>) = inner.leases.wanted().into_iter().partition(|(_, held)| *held);
    if renew {
        for (name, _) in &here {
            inner.leases.take(name, Take::IfFree).await?;
        }
    }
    if !elsewhere.is_empty() {
        let standings = inner.log.standings().await?;
        let taken =
            |name: &str| standings.iter().any(|standing| standing.name == name && standing.owner.is_some());
        for (name, _) in elsewhere.iter().filter(|(name, _)| !taken(name)) {
            inner.leases.take(name, Take::IfFree).await?;
        }
    }
    Ok(inner.leases.wanted().iter().all(|(_, held)| *held))
}

/// Follows what other processes do, until the engine is closed.
pub(super) async fn watch(inner: Arc<Inner>) {
    let mut ended = inner.stop.subscribe();
    let mut failing = false;
    loop {
        let wait = match look(&inner).await {
            Ok(behind) => {
                failing = false;
                if behind { LOOK_AT_READERS } else { LOOK_AT_HEAD }
            }
            Err(error) => {
                // Once is enough: whoever needs the store says so too.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "what other processes do cannot be seen");
                }
                LOOK_FOR_FREE
            }
        };
        tokio::select! {
            _ = ended.wait_for(|ended| *ended) => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Looks at the head, and at readers elsewhere that have not reached it; answers whether there are any.
async fn look(inner: &Inner) -> Result<bool, Error> {
    let head = inner.log.head().await?.position;
    inner.appended_to(head);
    let is_behind = || {
        let elsewhere = |name: &str| !inner.leases.holds(name);
        inner.readers.iter().any(|reader| reader.behind(head) > 0 && elsewhere(&reader.name))
    };
    if !is_behind() {
        return Ok(false);
    }
    for Standing { name, position, .. } in inner.log.standings().await? {
        if let Some(reader) = inner.readers.get(&name).filter(|reader| !inner.leases.holds(&reader.name)) {
            reader.saw(position);
        }
    }
    Ok(is_behind())
}

impl Inner {
    /// The log has grown up to here, whoever appended.
    fn appended_to(&self, head: Position) {
        self.head_known.send_if_modified(|known| {
            let moved = head > *known;
            *known = head.max(*known);
            moved
        });
    }
}
