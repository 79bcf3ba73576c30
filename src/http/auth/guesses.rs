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
/// Peers and keys that are counted at once, so that guesses at ids fill no memory. Past this nobody else is counted for
/// the rest of a window, since nobody should be kept out by strangers.
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
#[derive(Debug, Default)]
pub struct Guesses {
    counted: Mutex<HashMap<(Peer, String), Counted>>,
}

#[derive(Debug)]
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

impl Guesses {
    /// Seconds until a peer may present a secret for this key again; `None` is now.
    pub fn must_wait(&self, peer: Peer, key: &str, now: DateTime<Utc>) -> Option<u64> {
        let counted = self.counted();
        let counted = counted.get(&(peer, key.to_owned()))?;
        if counted.wrong < WRONG_MAX || counted.is_over(now) {
            return None;
        }
        let left = counted.since + WINDOW - now;
        Some(u64::try_from(left.num_seconds()).unwrap_or_default() + 1)
    }

    /// Counts a wrong secret.
    pub fn wrong(&self, peer: Peer, key: &str, now: DateTime<Utc>) {
        let mut counted = self.counted();
        if counted.len() >= COUNTED_MAX {
            counted.retain(|_, counted| !counted.is_over(now));
        }
        let who = (peer, key.to_owned());
        if counted.len() >= COUNTED_MAX && !counted.contains_key(&who) {
            tracing::warn!("too many keys are presented with wrong secrets to count them all");
            return;
        }
        let counted = counted.entry(who).or_insert(Counted { wrong: 0, since: now });
        if counted.is_over(now) {
            *counted = Counted { wrong: 0, since: now };
        }
        counted.wrong += 1;
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<(Peer, String), Counted>> {
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
}
