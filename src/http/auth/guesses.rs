//! How often somebody has presented a key with a wrong secret.
//!
//! A secret has 256 random bits, so this is no lock: it says to whoever guesses, or has a secret that was replaced, to slow
//! down, and makes it seen. Whoever presents the right secret is never kept waiting by what others presented. Deliberately absent: counting between processes.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// Wrong secrets for one key that a peer may present in [`WINDOW`]: more than a typing error takes.
const WRONG_MAX: u32 = 10;
/// For how long a wrong secret counts.
const WINDOW: TimeDelta = TimeDelta::minutes(1);
/// Peers and keys that are counted in one window, so that guesses at ids fill no memory. Past this nobody else is counted
/// for the rest of it, since nobody should be kept out by strangers.
const COUNTED_MAX: usize = 100_000;

/// The host at the other end of a connection; of IPv6, its network, in which a host takes any address it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl Default for Peer {
    fn default() -> Self {
        Self(Ipv4Addr::UNSPECIFIED.into())
    }
}

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Ipv6Addr::from(network).into()
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// Wrong secrets lately, by who presented them for which key.
///
/// They are kept by the window in which they began, and a window that nobody needs any more is dropped as a whole: nothing is
/// ever looked through, however many keys somebody guesses at.
#[derive(Debug, Default)]
pub struct Guesses {
    counted: Mutex<Windows>,
}

#[derive(Debug)]
struct Windows {
    begun: DateTime<Utc>,
    current: HashMap<(Peer, String), Counted>,
    /// What began in the window before; some of it still counts.
    last: HashMap<(Peer, String), Counted>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    wrong: u32,
    since: DateTime<Utc>,
}

impl Counted {
    fn is_over(&self, now: DateTime<Utc>) -> bool {
        // A clock that was put back ends a window too, rather than keeping somebody out until it is there again.
        now < self.since || now >= self.since + WINDOW
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self { begun: DateTime::UNIX_EPOCH, current: HashMap::new(), last: HashMap::new() }
    }
}

impl Windows {
    /// Begins another window once this one is over.
    fn turn(&mut self, now: DateTime<Utc>) {
        if now < self.begun || now >= self.begun + WINDOW {
            self.last = std::mem::take(&mut self.current);
            self.begun = now;
        }
    }

    /// What counts of somebody.
    fn of(&self, who: &(Peer, String), now: DateTime<Utc>) -> Option<Counted> {
        let counted = self.current.get(who).or_else(|| self.last.get(who)).copied();
        counted.filter(|counted| !counted.is_over(now))
    }
}

impl Guesses {
    /// Seconds until a peer may present a secret for this key again; `None` is now.
    pub fn must_wait(&self, peer: Peer, key: &str, now: DateTime<Utc>) -> Option<u64> {
        let counted = self.counted().of(&(peer, key.to_owned()), now)?;
        if counted.wrong < WRONG_MAX {
            return None;
        }
        let left = counted.since + WINDOW - now;
        Some(u64::try_from(left.num_seconds()).unwrap_or_default() + 1)
    }

    /// Counts a wrong secret.
    pub fn wrong(&self, peer: Peer, key: &str, now: DateTime<Utc>) {
        let mut counted = self.counted();
        counted.turn(now);
        let who = (peer, key.to_owned());
        if counted.current.len() >= COUNTED_MAX && !counted.current.contains_key(&who) {
            tracing::warn!("too many keys are presented with wrong secrets to count them all");
            return;
        }
        let mut own = counted.of(&who, now).unwrap_or(Counted { wrong: 0, since: now });
        own.wrong += 1;
        counted.current.insert(who, own);
    }

    fn counted(&self) -> MutexGuard<'_, Windows> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_secrets_are_counted_by_peer_and_key_for_a_while() {
        let guesses = Guesses::default();
        let peer = |address: &str| Peer::from(address.parse::<IpAddr>().unwrap());
        let (here, there) = (peer("2001:db8::1"), peer("192.0.2.1"));
        let begun = DateTime::UNIX_EPOCH;
        for _ in 0..WRONG_MAX {
            assert_eq!(guesses.must_wait(here, "key_a", begun), None);
            guesses.wrong(here, "key_a", begun);
        }
        assert_eq!(guesses.must_wait(here, "key_a", begun), Some(61));
        assert_eq!(peer("2001:db8::2"), here, "its network is one peer");
        assert_eq!(peer("::ffff:192.0.2.1"), there, "an IPv4 host is itself, however it is written");
        assert_eq!(guesses.must_wait(there, "key_a", begun), None);
        assert_eq!(guesses.must_wait(here, "key_b", begun), None);
        assert_eq!(guesses.must_wait(here, "key_a", begun + WINDOW), None);
        guesses.wrong(here, "key_a", begun + WINDOW);
        assert_eq!(guesses.must_wait(here, "key_a", begun + WINDOW), None, "it is counted anew");
    }

    #[test]
    fn wrong_secrets_count_for_a_minute_across_the_end_of_a_window() {
        let guesses = Guesses::default();
        let begun = DateTime::UNIX_EPOCH;
        let (late, next) = (begun + WINDOW - TimeDelta::seconds(1), begun + WINDOW + TimeDelta::seconds(1));
        for _ in 0..WRONG_MAX / 2 {
            guesses.wrong(Peer::default(), "key_a", late);
        }
        for _ in 0..WRONG_MAX / 2 {
            guesses.wrong(Peer::default(), "key_a", next);
        }
        assert_eq!(guesses.must_wait(Peer::default(), "key_a", next), Some(59));
        assert_eq!(guesses.must_wait(Peer::default(), "key_a", late + WINDOW), None);
    }

    /// Looked through at each of them, a hundred thousand entries would take minutes.
    #[test]
    fn guesses_at_more_keys_than_are_counted_cost_no_more_than_others() {
        let guesses = Guesses::default();
        let begun = std::time::Instant::now();
        for n in 0..COUNTED_MAX * 2 {
            guesses.wrong(Peer::default(), &format!("key_{n}"), DateTime::UNIX_EPOCH);
        }
        assert_eq!(guesses.counted().current.len(), COUNTED_MAX);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
