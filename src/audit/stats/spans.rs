//! Lengths of time, counted, in memory that does not grow with how many there are.
//!
//! Exact as long as there are no more different ones than [`EXACT_MAX`]; past that, quantiles are right to a thousandth.

use std::collections::BTreeMap;

use chrono::TimeDelta;

/// Different lengths that are kept as they are.
const EXACT_MAX: usize = 20_000;
/// Two lengths of one bucket differ by less than this part.
const PRECISION: f64 = 1.001;

/// How often lengths of time occurred.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    /// How often each occurred, in microseconds; once there are too many, only the middle of its bucket is kept.
    counts: BTreeMap<i64, u64>,
    is_rough: bool,
    count: u64,
    longest: Option<TimeDelta>,
}

impl Spans {
    pub(super) fn add(&mut self, span: TimeDelta) {
        let us = span.num_microseconds().unwrap_or(i64::MAX).max(0);
        let kept = if self.is_rough { rough(us) } else { us };
        *self.counts.entry(kept).or_default() += 1;
        self.count += 1;
        self.longest = self.longest.max(Some(span));
        if !self.is_rough && self.counts.len() > EXACT_MAX {
            self.is_rough = true;
            for (us, count) in std::mem::take(&mut self.counts) {
                *self.counts.entry(rough(us)).or_default() += count;
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn longest(&self) -> Option<TimeDelta> {
        self.longest
    }

    /// What half of all do not exceed: of an even number, the middle between the two in the middle.
    pub(super) fn median(&self) -> Option<TimeDelta> {
        let last = self.count.checked_sub(1)?;
        let (below, above) = (self.ranked(last / 2 + 1)?, self.ranked(self.count / 2 + 1)?);
        Some(below + (above - below) / 2)
    }

    /// The shortest that so many of a hundred do not exceed.
    pub(super) fn percentile(&self, hundredths: u64) -> Option<TimeDelta> {
        self.ranked((self.count * hundredths).div_ceil(100).max(1))
    }

    /// The length at a rank; 1 is the shortest.
    fn ranked(&self, rank: u64) -> Option<TimeDelta> {
        let longest = self.longest?;
        let mut seen = 0;
        for (us, count) in &self.counts {
            seen += count;
            if seen >= rank {
                return Some(TimeDelta::microseconds(*us).min(longest));
            }
        }
        Some(longest)
    }
}

/// The middle of the bucket that a length is in.
fn rough(us: i64) -> i64 {
    if us == 0 {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a length need not be more exact than its bucket")]
    let power = ((us as f64).ln() / PRECISION.ln()).round();
    #[expect(clippy::cast_possible_truncation, reason = "no bucket is longer than what was put in")]
    let middle = PRECISION.powf(power).round() as i64;
    middle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(minutes: impl IntoIterator<Item = i64>) -> Spans {
        let mut spans = Spans::default();
        minutes.into_iter().for_each(|minutes| spans.add(TimeDelta::minutes(minutes)));
        spans
    }

    #[test]
    fn a_few_lengths_are_told_as_they_were() {
        assert_eq!((of([]).median(), of([]).percentile(95), of([]).longest()), (None, None, None));
        assert_eq!(of([60, 180]).median(), Some(TimeDelta::minutes(120)), "the middle of an even number");
        assert_eq!(of([60, 180, 181]).median(), Some(TimeDelta::minutes(180)));
        let many = of(1..=1_000);
        assert_eq!(many.median(), Some(TimeDelta::seconds(500 * 60 + 30)));
        assert_eq!(many.percentile(95), Some(TimeDelta::minutes(950)));
        assert_eq!((of([7]).percentile(95), of([0, 7]).percentile(0)), (of([7]).median(), of([0]).median()));
    }

    #[test]
    fn many_lengths_are_right_to_a_thousandth() {
        let count = i64::try_from(EXACT_MAX).unwrap() * 2;
        let many = of(1..=count);
        assert!(many.is_rough && many.counts.len() < EXACT_MAX / 2, "{} buckets", many.counts.len());
        let close = |found: Option<TimeDelta>, minutes: i64| {
            let part = found.unwrap().as_seconds_f64() / TimeDelta::minutes(minutes).as_seconds_f64();
            assert!((part - 1.0).abs() <= 0.001, "{found:?} is not {minutes} minutes");
        };
        close(many.median(), count / 2);
        close(many.percentile(95), count / 100 * 95);
        assert_eq!((many.count(), many.longest()), (count.unsigned_abs(), Some(TimeDelta::minutes(count))));
    }
}
