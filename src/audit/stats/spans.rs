//! Lengths of time, counted: quantiles to a thousandth, in memory that does not grow with how many there are.

use std::collections::BTreeMap;

use chrono::TimeDelta;

/// Two lengths of one bucket differ by less than this part.
const PRECISION: f64 = 1.001;

/// How often lengths of time occurred.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    /// By bucket: the power of [`PRECISION`] that the length in microseconds is below; 0 is none at all.
    buckets: BTreeMap<u32, u64>,
    count: u64,
    longest: Option<TimeDelta>,
}

impl Spans {
    pub(super) fn add(&mut self, span: TimeDelta) {
        *self.buckets.entry(bucket(span)).or_default() += 1;
        self.count += 1;
        self.longest = self.longest.max(Some(span));
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn longest(&self) -> Option<TimeDelta> {
        self.longest
    }

    /// The length that this part of all do not exceed.
    pub(super) fn at(&self, part: f64) -> Option<TimeDelta> {
        let longest = self.longest?;
        #[expect(clippy::cast_precision_loss, reason = "a rank is no more exact than its bucket")]
        let rank = (self.count as f64 * part).ceil();
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            if seen as f64 >= rank {
                return Some(length(*bucket).min(longest));
            }
        }
        Some(longest)
    }
}

fn bucket(span: TimeDelta) -> u32 {
    let us = span.num_microseconds().unwrap_or(i64::MAX).max(0);
    if us == 0 {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a length need not be more exact than its bucket")]
    let power = (us as f64).ln() / PRECISION.ln();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 44,000")]
    let power = power.round() as u32;
    power + 1
}

fn length(bucket: u32) -> TimeDelta {
    let Some(power) = bucket.checked_sub(1) else { return TimeDelta::zero() };
    #[expect(clippy::cast_possible_truncation, reason = "no bucket is longer than what was put in")]
    let us = PRECISION.powf(f64::from(power)).round() as i64;
    TimeDelta::microseconds(us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_thousandth() {
        let mut spans = Spans::default();
        assert_eq!((spans.at(0.5), spans.longest()), (None, None));
        (1..=1_000).for_each(|minutes| spans.add(TimeDelta::minutes(minutes)));
        let close = |part, minutes: f64| {
            let found = spans.at(part).unwrap().as_seconds_f64() / 60.0;
            assert!((found / minutes - 1.0).abs() <= 0.001, "{part}: {found} is not {minutes}");
        };
        close(0.5, 500.0);
        close(0.95, 950.0);
        assert_eq!(spans.longest(), Some(TimeDelta::minutes(1_000)));
        spans.add(TimeDelta::zero());
        assert_eq!(spans.at(0.0), Some(TimeDelta::zero()));
    }
}
