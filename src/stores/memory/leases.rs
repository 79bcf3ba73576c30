//! The leases of a log in memory, by the monotonic clock of its process.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::engine::log::{Fence, Lease, StoreError, Take};

/// Every lease that anybody ever had.
#[derive(Debug, Default)]
pub(super) struct Leases(BTreeMap<String, Held>);

#[derive(Debug, Default)]
struct Held {
    owner: Option<(String, Instant)>,
    token: u64,
}

impl Held {
    fn owner(&self) -> Option<&str> {
        self.owner.as_ref().filter(|(_, until)| *until > Instant::now()).map(|(owner, _)| owner.as_str())
    }
}

impl Leases {
    pub(super) fn take(&mut self, name: &str, owner: &str, ttl: Duration, take: Take) -> Option<Lease> {
        let held = self.0.entry(name.to_owned()).or_default();
        let renews = held.owner.as_ref().is_some_and(|(known, _)| known == owner);
        if !renews && take == Take::IfFree && held.owner().is_some() {
            return None;
        }
        held.token += u64::from(!renews);
        held.owner = Some((owner.to_owned(), Instant::now() + ttl));
        Some(Lease { name: name.to_owned(), owner: owner.to_owned(), token: held.token })
    }

    pub(super) fn give_back(&mut self, owner: &str, names: &[String]) {
        for name in names {
            if let Some(held) = self.0.get_mut(name)
                && held.owner.as_ref().is_some_and(|(known, _)| known == owner)
            {
                held.owner = None;
            }
        }
    }

    pub(super) fn token(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |held| held.token)
    }

    pub(super) fn owner(&self, name: &str) -> Option<String> {
        self.0.get(name)?.owner().map(str::to_owned)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Refuses what was begun before the lease changed hands.
    pub(super) fn check<'a>(&self, fences: impl IntoIterator<Item = &'a Fence>) -> Result<(), StoreError> {
        let broken = fences.into_iter().find(|fence| self.token(&fence.name) != fence.token);
        broken.map_or(Ok(()), |fence| Err(StoreError::FencedOut(fence.name.clone())))
    }
}
