//! When something that did not arrive is sent again, and when it is given up.
//!
//! Deliberately absent: the clock and randomness, which are arguments.

use chrono::{DateTime, TimeDelta, Utc};

/// After so long without success no further attempt is made, and the webhook is stopped.
pub const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(3);
/// The longest wait after the first failure.
const FIRST_MS: u64 = 5_000;
/// Each wait may be so many times as long as the one before.
const GROWTH: u64 = 3;
/// No wait is longer, whatever the endpoint asks for.
pub const WAIT_MAX: TimeDelta = TimeDelta::hours(6);
/// No wait is shorter: an endpoint that fails at once is not asked in a tight loop.
const WAIT_MIN: TimeDelta = TimeDelta::seconds(1);

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send it again, not before this time.
    At(DateTime<Utc>),
    /// It has been tried for long enough.
    GiveUp,
}

/// After so many attempts that failed, the first of them at `since`. A wait is any part of what it may be ("full jitter"),
/// so that many that fail together do not come back together; `chance` says which part. The last attempt is made when the
/// time is over, not before.
pub fn next(
    attempts: u32,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    retry_after: Option<TimeDelta>,
    chance: u64,
) -> Next {
    let end = since + GIVEN_UP_AFTER;
    if now >= end {
        return Next::GiveUp;
    }
    let wait = wait(attempts, chance).max(retry_after.unwrap_or_default().min(WAIT_MAX));
    Next::At((now + wait).min(end))
}

fn wait(attempts: u32, chance: u64) -> TimeDelta {
    let growth = GROWTH.saturating_pow(attempts.saturating_sub(1));
    let max_ms = u64::try_from(WAIT_MAX.num_milliseconds()).unwrap_or(u64::MAX);
    let longest_ms = FIRST_MS.saturating_mul(growth).min(max_ms);
    let part_ms = (u128::from(longest_ms) * u128::from(chance)) >> 64;
    TimeDelta::milliseconds(i64::try_from(part_ms).unwrap_or(i64::MAX)).max(WAIT_MIN)
}

/// What a `Retry-After` asks for: seconds, or a time (RFC 9110).
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::seconds(seconds.into()));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc);
    Some((at - now).max(TimeDelta::zero()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn begun() -> DateTime<Utc> {
        "2026-06-01T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn waits_grow_to_six_hours_and_are_any_part_of_that() {
        let longest: Vec<i64> = (1..=10).map(|attempts| wait(attempts, u64::MAX).num_seconds() + 1).collect();
        assert_eq!(longest, [5, 15, 45, 135, 405, 1_215, 3_645, 10_935, 21_600, 21_600]);
        assert_eq!(wait(8, u64::MAX / 2).num_seconds(), 10_935 / 2);
        assert_eq!(wait(8, 0), WAIT_MIN);
        assert_eq!(wait(u32::MAX, u64::MAX).num_hours(), 5);
    }

    #[test]
    fn the_last_attempt_is_made_when_three_days_are_over() {
        let late = begun() + TimeDelta::days(3) - TimeDelta::minutes(1);
        assert_eq!(next(20, begun(), late, None, u64::MAX), Next::At(begun() + GIVEN_UP_AFTER));
        assert_eq!(next(21, begun(), begun() + GIVEN_UP_AFTER, None, 0), Next::GiveUp);
    }

    #[test]
    fn an_endpoint_may_ask_for_a_longer_wait_within_bounds() {
        let asked = |seconds| next(1, begun(), begun(), Some(TimeDelta::seconds(seconds)), 0);
        assert_eq!(asked(90), Next::At(begun() + TimeDelta::seconds(90)));
        assert_eq!(asked(0), Next::At(begun() + WAIT_MIN));
        assert_eq!(asked(1_000_000), Next::At(begun() + WAIT_MAX));
    }

    #[test]
    fn retry_after_is_seconds_or_a_time() {
        assert_eq!(retry_after(" 120 ", begun()), Some(TimeDelta::seconds(120)));
        assert_eq!(retry_after("Mon, 01 Jun 2026 09:00:30 GMT", begun()), Some(TimeDelta::seconds(30)));
        assert_eq!(retry_after("Mon, 01 Jun 2026 08:00:00 GMT", begun()), Some(TimeDelta::zero()));
        assert_eq!(retry_after("soon", begun()), None);
        assert_eq!(retry_after("-1", begun()), None);
    }

    proptest! {
        #[test]
        fn whatever_happens_the_next_attempt_is_later_and_within_the_three_days(
            attempts in any::<u32>(),
            passed_s in 0i64..400_000,
            asked in proptest::option::of(0i64..10_000_000),
            chance in any::<u64>(),
        ) {
            let now = begun() + TimeDelta::seconds(passed_s);
            match next(attempts, begun(), now, asked.map(TimeDelta::seconds), chance) {
                Next::GiveUp => prop_assert!(now >= begun() + GIVEN_UP_AFTER),
                Next::At(at) => {
                    prop_assert!(at > now && at <= begun() + GIVEN_UP_AFTER && at - now <= WAIT_MAX);
                }
            }
        }
    }
}
