//! Who may have how many requests in flight, so that whoever is slow never takes what others need.
//!
//! A request to an endpoint that answered well the last time is young for a second; after that it counts as slow, and so does
//! its endpoint. Young ones and slow ones have a bound each, so an endpoint that was brisk and hangs keeps others waiting for
//! a second at most, however many do. Once the slow ones are many, an endpoint that is brisk has two requests in flight like
//! any other: that is how [`IN_FLIGHT_MAX`] is far away. Deliberately absent: whose turn it is.

use std::{collections::BTreeMap, time::Duration};

use orderwire_domain::ids::WebhookId;
use tokio::time::Instant;

/// Whoever takes longer is slow.
pub const BRISK: Duration = Duration::from_secs(1);
/// Requests in flight at once. That many are only had where hundreds of endpoints hang at once: [`YOUNG_MAX`] that were brisk a
/// moment ago, and two to each further one.
const IN_FLIGHT_MAX: usize = 1_024;
/// Young ones.
const YOUNG_MAX: usize = 256;
/// Slow ones, beyond which only those endpoints that are brisk are sent anything.
const SLOW_MAX: usize = 128;
/// Requests in flight to one endpoint that answers well and soon.
const SLOTS_BRISK: usize = 16;
/// The same to any other.
const SLOTS_SLUGGISH: usize = 2;

/// The requests in flight, each by a number of its own.
#[derive(Debug, Default)]
pub struct Slots {
    last: u64,
    in_flight: usize,
    young: BTreeMap<u64, (Instant, WebhookId)>,
}

impl Slots {
    /// How many may be in flight to one endpoint.
    pub fn of(&self, is_brisk: bool) -> usize {
        let crowded = self.in_flight - self.young.len() >= SLOW_MAX;
        match is_brisk {
            _ if self.in_flight >= IN_FLIGHT_MAX => 0,
            true if self.young.len() >= YOUNG_MAX => 0,
            true if !crowded => SLOTS_BRISK,
            false if crowded => 0,
            _ => SLOTS_SLUGGISH,
        }
    }

    /// One begins; its number.
    pub fn begin(&mut self, webhook: WebhookId, is_brisk: bool, now: Instant) -> u64 {
        self.last += 1;
        self.in_flight += 1;
        if is_brisk {
            self.young.insert(self.last, (now, webhook));
        }
        self.last
    }

    /// One has ended.
    pub fn end(&mut self, flight: u64) {
        self.in_flight -= 1;
        self.young.remove(&flight);
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

    #[test]
    fn endpoints_that_were_brisk_and_hang_keep_another_waiting_for_a_second_at_most() {
        let (mut slots, begun) = (Slots::default(), Instant::now());
        let fill = |slots: &mut Slots, endpoint: u128, is_brisk| {
            let mut count = 0;
            while count < slots.of(is_brisk) {
                slots.begin(webhook(endpoint), is_brisk, begun);
                count += 1;
            }
            count
        };
        let taken: usize = (0..20).map(|endpoint| fill(&mut slots, endpoint, true)).sum();
        assert_eq!((taken, slots.of(true)), (YOUNG_MAX, 0));
        assert_eq!(slots.aged(begun + BRISK), None);
        let hang: BTreeSet<_> =
            std::iter::from_fn(|| slots.aged(begun + BRISK + Duration::from_millis(1))).collect();
        assert_eq!(hang.len(), 16);
        // From here on others that are brisk go on, and whoever is slow has to wait for those that hang.
        assert_eq!((slots.of(true), slots.of(false)), (SLOTS_SLUGGISH, 0));
        // Hundreds more may do the same.
        for endpoint in 20..400 {
            assert_eq!(fill(&mut slots, endpoint, true), SLOTS_SLUGGISH, "{endpoint}");
            while slots.aged(begun + 2 * BRISK).is_some() {}
        }
    }

    #[test]
    fn what_has_ended_makes_room_whether_it_was_young_or_slow() {
        let (mut slots, begun) = (Slots::default(), Instant::now());
        let flights = [true, false, true].map(|is_brisk| slots.begin(webhook(1), is_brisk, begun));
        assert_eq!(slots.aged(begun + 2 * BRISK), Some(webhook(1)));
        assert_eq!((slots.in_flight, slots.young.len()), (3, 1));
        for flight in flights {
            slots.end(flight);
        }
        assert_eq!((slots.in_flight, slots.young.len()), (0, 0));
        assert_eq!((slots.of(true), slots.of(false)), (SLOTS_BRISK, SLOTS_SLUGGISH));
    }
}
