//! A set of numbers, kept as the fewest possible runs, so that ten thousand consecutive numbers cost one entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NUMBER_RANGE_MAX, NumberRange, TelephoneNumber};
use crate::invalid::Invalid;

/// Most numbers in a set that is read from outside: two full blocks, twice the largest range.
pub const NUMBER_SET_MAX: u32 = 20_000;

/// Numbers in order, without duplicates; in JSON a list of ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<NumberRange>", into = "Vec<NumberRange>")]
pub struct NumberSet {
    /// First number → last number of each run. Two runs never touch, so equal sets are equal maps.
    runs: BTreeMap<TelephoneNumber, TelephoneNumber>,
}

impl NumberSet {
    /// A set without numbers.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.runs().map(|run| run.len() as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether the number is one of them.
    pub fn contains(&self, number: TelephoneNumber) -> bool {
        self.runs.range(..=number).next_back().is_some_and(|(_, end)| number <= *end)
    }

    /// The numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = TelephoneNumber> + '_ {
        self.runs().flat_map(|run| run.iter())
    }

    /// The runs in order, each as long as the numbers and [`NUMBER_RANGE_MAX`] allow.
    pub fn runs(&self) -> impl Iterator<Item = NumberRange> + '_ {
        self.runs.iter().flat_map(|(start, end)| pieces(*start, *end))
    }

    /// Adds a number; says whether it is new.
    pub fn insert(&mut self, number: TelephoneNumber) -> bool {
        let new = !self.contains(number);
        if new {
            self.insert_range(number.into());
        }
        new
    }

    /// Takes a number away; says whether it was there.
    pub fn remove(&mut self, number: TelephoneNumber) -> bool {
        let found = self.contains(number);
        if found {
            self.remove_range(number.into());
        }
        found
    }

    /// Adds every number of a range.
    pub fn insert_range(&mut self, range: NumberRange) {
        self.add(range.start(), range.end());
    }

    /// Takes every number of a range away.
    pub fn remove_range(&mut self, range: NumberRange) {
        self.subtract(range.start(), range.end());
    }

    /// The numbers of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        other.runs.iter().for_each(|(start, end)| all.add(*start, *end));
        all
    }

    /// The numbers that are not in the other set.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        if let (Some((first, _)), Some((_, last))) = (self.runs.first_key_value(), self.runs.last_key_value())
        {
            // Of a large set only what lies in between: a search takes one from each of thousands of runs.
            other.overlapping(*first, *last).for_each(|(start, end)| rest.subtract(start, end));
        }
        rest
    }

    /// The numbers of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.difference(&self.difference(other))
    }

    /// Whether no number is in both sets.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        other.runs.iter().all(|(start, end)| self.overlapping(*start, *end).next().is_none())
    }

    /// Whether every number is in the other set too.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// The numbers cut into sets of at most `max`, in order; an event names a bounded number of keys.
    ///
    /// # Panics
    /// If `max` is zero.
    #[must_use]
    pub fn chunks(&self, max: usize) -> Vec<Self> {
        assert!(max > 0, "a chunk holds at least one number");
        let mut chunks = vec![];
        let mut rest = self.clone();
        while !rest.is_empty() {
            let after = rest.split_off_after(max);
            chunks.push(std::mem::replace(&mut rest, after));
        }
        chunks
    }

    /// Keeps the first `max` numbers and returns the others.
    fn split_off_after(&mut self, max: usize) -> Self {
        let mut room = max;
        let mut last = None;
        for run in self.runs() {
            let length = run.len() as usize;
            if length >= room {
                last = run.iter().nth(room - 1);
                break;
            }
            room -= length;
        }
        let Some(last) = last else { return Self::default() };
        let mut after = Self { runs: self.runs.split_off(&last) };
        // The run that holds `last` may start before it, stop at it, or begin with it.
        if let Some(end) = after.runs.remove(&last) {
            self.runs.insert(last, last);
            after.begin_behind(last, end);
        } else if let Some((_, end)) = self.runs.iter_mut().next_back() {
            let whole = std::mem::replace(end, last);
            after.begin_behind(last, whole);
        }
        after
    }

    /// Adds the numbers behind `last` up to `end`, if there are any.
    fn begin_behind(&mut self, last: TelephoneNumber, end: TelephoneNumber) {
        if let Some(next) = last.offset(1).filter(|next| *next <= end) {
            self.runs.insert(next, end);
        }
    }

    /// The runs that share a number with start..=end.
    fn overlapping(
        &self,
        start: TelephoneNumber,
        end: TelephoneNumber,
    ) -> impl Iterator<Item = (TelephoneNumber, TelephoneNumber)> + '_ {
        let before = self.runs.range(..start).next_back().filter(|(_, last)| **last >= start);
        before.into_iter().chain(self.runs.range(start..=end)).map(|(first, last)| (*first, *last))
    }

    fn add(&mut self, start: TelephoneNumber, end: TelephoneNumber) {
        self.subtract(start, end);
        let (mut first, mut last) = (start, end);
        // Runs that now touch become one, unless an area ends between them.
        if let Some((before, end)) = self.runs.range(..start).next_back()
            && end.offset(1) == Some(start)
        {
            first = *before;
        }
        if let Some(after) = end.offset(1)
            && let Some(end) = self.runs.remove(&after)
        {
            last = end;
        }
        self.runs.insert(first, last);
    }

    fn subtract(&mut self, start: TelephoneNumber, end: TelephoneNumber) {
        let hit: Vec<_> = self.overlapping(start, end).collect();
        for (first, last) in hit {
            self.runs.remove(&first);
            if first < start {
                self.runs.insert(first, TelephoneNumber::from_nsn(start.value() - 1));
            }
            if end < last {
                self.runs.insert(TelephoneNumber::from_nsn(end.value() + 1), last);
            }
        }
    }
}

/// A run as ranges that are not too long.
fn pieces(start: TelephoneNumber, end: TelephoneNumber) -> impl Iterator<Item = NumberRange> {
    let step = u64::from(NUMBER_RANGE_MAX);
    (start.value()..=end.value()).step_by(NUMBER_RANGE_MAX as usize).map(move |first| {
        let last = end.value().min(first + step - 1);
        NumberRange::part(TelephoneNumber::from_nsn(first), TelephoneNumber::from_nsn(last))
    })
}

impl FromIterator<TelephoneNumber> for NumberSet {
    fn from_iter<I: IntoIterator<Item = TelephoneNumber>>(numbers: I) -> Self {
        numbers.into_iter().map(NumberRange::from).collect()
    }
}

impl FromIterator<NumberRange> for NumberSet {
    fn from_iter<I: IntoIterator<Item = NumberRange>>(ranges: I) -> Self {
        let mut set = Self::default();
        ranges.into_iter().for_each(|range| set.insert_range(range));
        set
    }
}

impl From<NumberRange> for NumberSet {
    fn from(range: NumberRange) -> Self {
        std::iter::once(range).collect()
    }
}

impl From<NumberSet> for Vec<NumberRange> {
    fn from(set: NumberSet) -> Self {
        set.runs().collect()
    }
}

impl TryFrom<Vec<NumberRange>> for NumberSet {
    type Error = Invalid;

    fn try_from(ranges: Vec<NumberRange>) -> Result<Self, Invalid> {
        let total: u64 = ranges.iter().map(|range| u64::from(range.len())).sum();
        if total > u64::from(NUMBER_SET_MAX) {
            let expected = format!("at most {NUMBER_SET_MAX} numbers");
            return Err(Invalid::new("number_set_too_large", format!("{total} numbers"), expected));
        }
        Ok(ranges.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::values::a_number;

    fn set(ranges: &[&str]) -> NumberSet {
        ranges.iter().map(|text| NumberRange::parse(text).unwrap()).collect()
    }

    fn numbers(set: &NumberSet) -> BTreeSet<TelephoneNumber> {
        set.iter().collect()
    }

    #[test]
    fn runs_that_touch_are_one() {
        let joined = set(&["0113 496 0100-149", "0113 496 0151-199", "0113 496 0150"]);
        assert_eq!(joined, set(&["0113 496 0100-199"]));
        assert_eq!(serde_json::to_string(&joined).unwrap(), r#"["+441134960100-+441134960199"]"#);
    }

    #[test]
    fn runs_of_two_areas_stay_apart() {
        // Where two areas meet; no drama range lies there.
        let two = set(&["0113 999 9999", "0114 000 0000"]);
        assert_eq!(two.runs().count(), 2);
    }

    #[test]
    fn a_run_longer_than_a_range_is_written_in_pieces() {
        // No drama range is that long, so the areas' neighbouring thousands serve.
        let long = set(&["0113 496 0000-9999", "0113 497 0000-9999"]);
        let text = serde_json::to_string(&long).unwrap();
        assert_eq!(long.runs().count(), 2);
        assert_eq!(serde_json::from_str::<NumberSet>(&text).unwrap(), long);
        let more = serde_json::from_str::<NumberSet>(
            r#"["0113 496 0000-9999", "0113 497 0000-9999", "0113 498 0000"]"#,
        );
        assert!(more.unwrap_err().to_string().contains("20000 numbers"));
    }

    /// Few enough numbers that sets overlap and touch.
    fn a_set() -> impl Strategy<Value = NumberSet> {
        let near = prop::collection::vec((0u32..40, 0u32..9), 0..8);
        (near, prop::collection::vec(a_number(), 0..3)).prop_map(|(near, far)| {
            let base = TelephoneNumber::parse("0113 496 0100").unwrap();
            // What would leave the area is left out: any set does.
            let range = |(at, more)| NumberRange::new(base.offset(at)?, base.offset(at + more)?).ok();
            near.into_iter().filter_map(range).chain(far.into_iter().map(NumberRange::from)).collect()
        })
    }

    proptest! {
        #[test]
        fn the_algebra_is_that_of_sets(a in a_set(), b in a_set(), one in a_number()) {
            let (left, right) = (numbers(&a), numbers(&b));
            prop_assert_eq!(a.len(), left.len());
            prop_assert_eq!(numbers(&a.union(&b)), &left | &right);
            prop_assert_eq!(numbers(&a.difference(&b)), &left - &right);
            prop_assert_eq!(numbers(&a.intersection(&b)), &left & &right);
            prop_assert_eq!(a.is_disjoint(&b), left.is_disjoint(&right));
            prop_assert_eq!(a.is_subset(&b), left.is_subset(&right));
            prop_assert_eq!(a.contains(one), left.contains(&one));
            prop_assert!(right.iter().all(|n| b.contains(*n)));
        }

        #[test]
        fn one_number_goes_in_and_out(a in a_set(), at in 0u32..50) {
            let number = TelephoneNumber::parse("0113 496 0100").unwrap().offset(at).unwrap();
            let (mut with, mut without) = (a.clone(), a.clone());
            prop_assert_eq!(with.insert(number), !a.contains(number));
            prop_assert_eq!(without.remove(number), a.contains(number));
            prop_assert!(with.contains(number) && !without.contains(number));
            with.remove(number);
            prop_assert_eq!(with, without);
        }

        #[test]
        fn equal_numbers_are_equal_sets_however_they_came(a in a_set()) {
            let mut backwards: Vec<_> = a.iter().collect();
            backwards.reverse();
            prop_assert_eq!(&backwards.into_iter().collect::<NumberSet>(), &a);
            let text = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(serde_json::from_str::<NumberSet>(&text).unwrap(), a);
        }

        #[test]
        fn chunks_keep_order_and_lose_nothing(a in a_set(), max in 1usize..12) {
            let chunks = a.chunks(max);
            let together: Vec<_> = chunks.iter().flat_map(|chunk| chunk.iter().collect::<Vec<_>>()).collect();
            prop_assert_eq!(together, a.iter().collect::<Vec<_>>());
            if let Some((last, full)) = chunks.split_last() {
                prop_assert!(full.iter().all(|chunk| chunk.len() == max));
                prop_assert!((1..=max).contains(&last.len()));
            }
        }
    }
}
