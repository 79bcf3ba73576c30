//! Who may have how many requests in flight, so that whoever is slow never takes what others need.
//!
//! Every endpoint may have one, whatever others do: that is how one that is new, or had trouble, comes to be known as brisk.
//! What is bounded is the second and every further one. A request to an endpoint that answered well the last time is young for a
//! second; after that it counts as slow, and so does its endpoint. Further ones have to do with how many are young and how
//! many are slow, so endpoints that were brisk and hang keep others from a second one for a second at most, and from a first
//! one never. Counted by webhook: what is in the air for one that begins anew is its own still. Deliberately absent: whose turn
//! it is.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    time::Duration,
};

use orderwire_domain::ids::WebhookId;
use tokio::time::Instant;

/// Whoever takes longer is slow.
pub const BRISK: Duration = Duration::from_secs(1);
/// Requests in flight at once. That many are only had where as many endpoints hang at once.
const IN_FLIGHT_MAX: usize = 1_024;
/// Of those, what only an endpoint that is brisk may have: however many others hang, it goes on.
const FOR_BRISK: usize = 128;
/// Beyond so many no endpoint has more than one, so that there is one for others.
const FURTHER_BELOW: usize = IN_FLIGHT_MAX / 2;
/// Young ones, beyond which no endpoint has more than one.
const YOUNG_MAX: usize = 256;
/// Slow ones, beyond which an endpoint that is brisk has two, and any other one.
const SLOW_MAX: usize = 128;
/// Requests in flight to one endpoint that answers well and soon.
const SLOTS_BRISK: usize = 16;
/// The same to any other.
const SLOTS_SLUGGISH: usize = 2;

/// The requests in flight, each by a number of its own.
#[derive(Debug, Default)]
pub struct Slots {
    last: u64,
    flights: HashMap<u64, WebhookId>,
    of_webhook: HashMap<WebhookId, usize>,
    young: BTreeMap<u64, (Instant, WebhookId)>,
}

impl Slots {
    /// Whether one more may be in flight to this endpoint.
    pub fn has_one_for(&self, webhook: WebhookId, is_brisk: bool) -> bool {
        let in_flight = self.flights.len();
        let its_own = self.of_webhook.get(&webhook).copied().unwrap_or_default();
        if its_own == 0 {
            return in_flight < if is_brisk { IN_FLIGHT_MAX } else { IN_FLIGHT_MAX - FOR_BRISK };
        }
        let is_crowded = in_flight - self.young.len() >= SLOW_MAX;
        let most = match is_brisk {
            _ if in_flight >= FURTHER_BELOW => 1,
            true if self.young.len() >= YOUNG_MAX => 1,
            true if !is_crowded => SLOTS_BRISK,
            false if is_crowded => 1,
            _ => SLOTS_SLUGGISH,
        };
        its_own < most
    }

    /// One begins; its number.
    pub fn begin(&mut self, webhook: WebhookId, is_brisk: bool, now: Instant) -> u64 {
        self.last += 1;
        self.flights.insert(self.last, webhook);
        *self.of_webhook.entry(webhook).or_default() += 1;
        if is_brisk {
            self.young.insert(self.last, (now, webhook));
        }
        self.last
    }

    /// One has ended.
    pub fn end(&mut self, flight: u64) {
        self.young.remove(&flight);
        let Some(webhook) = self.flights.remove(&flight) else { return };
        if let Entry::Occupied(mut its_own) = self.of_webhook.entry(webhook) {
            *its_own.get_mut() -= 1;
            if *its_own.get() == 0 {
                its_own.remove();
            }
        }
    }

    /// The webhook of one that is young no more, and counts as slow from here on.
    pub fn aged(&mut self, now: Instant) -> Option<WebhookId> {
        // They began in order of their numbers.
        let (begun, webhook) = *self.young.first_entry()?.get();
        if now.saturating_duration_since(begun) <= BRISK {
            return None;
        }
        self.young.pop_first();
        Some(webhook)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn webhook(n: u128) -> WebhookId {
        WebhookId(uuid::Uuid::from_u128(n))
    }

    /// Begins as many as there may be; how many those were.
    fn fill(slots: &mut Slots, endpoint: u128, is_brisk: bool, now: Instant) -> usize {
        let mut count = 0;
        while slots.has_one_for(webhook(endpoint), is_brisk) {
            slots.begin(webhook(endpoint), is_brisk, now);
            count += 1;
        }
        count
    }

    #[test]
    fn endpoints_that_were_brisk_and_hang_keep_another_from_a_second_one_for_a_second_at_most() {
        let (mut slots, begun) = (Slots::default(), Instant::now());
        let taken: Vec<usize> = (0..20).map(|endpoint| fill(&mut slots, endpoint, true, begun)).collect();
        assert_eq!(taken[..16], [SLOTS_BRISK; 16]);
        assert_eq!(taken[16..], [1; 4]);
        assert_eq!(slots.aged(begun + BRISK), None);
        let hang: BTreeSet<_> =
            std::iter::from_fn(|| slots.aged(begun + BRISK + Duration::from_millis(1))).collect();
        assert_eq!(hang.len(), 20);
        // From here on others that are brisk have more than one, and those that hang have no more.
        assert_eq!(fill(&mut slots, 20, true, begun + BRISK), SLOTS_SLUGGISH);
        assert_eq!(fill(&mut slots, 21, false, begun + BRISK), 1);
        assert_eq!(fill(&mut slots, 0, false, begun + BRISK), 0);
    }

    #[test]
    fn however_many_hang_every_further_endpoint_has_one() {
        let (mut slots, begun) = (Slots::default(), Instant::now());
        let sluggish: Vec<usize> =
            (0..700).map(|endpoint| fill(&mut slots, endpoint, false, begun)).collect();
        assert_eq!(sluggish[..64], [SLOTS_SLUGGISH; 64]);
        assert_eq!(sluggish[64..], [1; 636]);
        // One that has just answered well goes on, also where all that others may have is taken.
        let further = (1_000..2_000).filter(|endpoint| fill(&mut slots, *endpoint, false, begun) > 0).count();
        assert_eq!(further, IN_FLIGHT_MAX - FOR_BRISK - 764);
        assert_eq!(fill(&mut slots, 2_000, true, begun), 1);
        assert_eq!((2_001..3_000).filter(|it| fill(&mut slots, *it, true, begun) > 0).count(), FOR_BRISK - 1);
        assert_eq!(slots.flights.len(), IN_FLIGHT_MAX);
    }

    #[test]
    fn what_has_ended_makes_room_whether_it_was_young_or_slow() {
        let (mut slots, begun) = (Slots::default(), Instant::now());
        let flights = [true, false, true].map(|is_brisk| slots.begin(webhook(1), is_brisk, begun));
        assert_eq!(slots.aged(begun + 2 * BRISK), Some(webhook(1)));
        assert_eq!((slots.flights.len(), slots.young.len()), (3, 1));
        assert!(!slots.has_one_for(webhook(1), false));
        for flight in flights {
            slots.end(flight);
        }
        assert_eq!((slots.flights.len(), slots.of_webhook.len(), slots.young.len()), (0, 0, 0));
        assert_eq!(fill(&mut slots, 1, true, begun), SLOTS_BRISK);
    }
}
