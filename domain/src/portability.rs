//! Whether numbers could be ported here, and how soon: advice before an order, never a promise.
//!
//! Deliberately absent: who holds a number, which is looked up before and told to nobody; and whether the losing provider
//! will agree, which only it can say. What speaks against a port here speaks against it when an order is submitted.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use crate::{
    calendar::BeyondCalendar,
    invalid::Invalid,
    lead_time::{PortClass, PortRoute, PortShape},
    names::Cupid,
    number::{NUMBER_TEXT_MAX, NumberRange, NumberSet, TelephoneNumber, is_outside_product},
    rules::{EarliestPortDate, Rules},
};

/// Most numbers in one check: a full range.
pub const CHECK_NUMBERS_MAX: usize = 10_000;
/// Of a text that is no number, so many characters are repeated: two numbers and what joins them.
const SHOWN_TEXT_MAX: usize = NUMBER_TEXT_MAX * 2 + 1;

/// What a check is about, read from what somebody sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortabilityAsk {
    /// The numbers, each once.
    pub numbers: NumberSet,
    /// What is no number of this product.
    pub unread: Vec<Unread>,
    /// The numbers as they were asked for: the index of the text, and what it names.
    ranges: Vec<(usize, NumberRange)>,
}

/// A text that is no number of this product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Which of the texts, counted from 0.
    pub index: usize,
    /// Its beginning, as it was sent.
    pub text: String,
    /// Whether it is a number at all.
    pub reason: NotPortable,
    /// What is wrong with it.
    pub invalid: Invalid,
}

/// Why a number cannot be ported here.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NotPortable {
    /// It is no number.
    Invalid,
    /// A number of a kind that this product does not have, such as a mobile or one of Jersey.
    OutsideProduct,
    /// It is with this carrier already: own stock, with a company, or kept after a port.
    AlreadyHere,
    /// A port of it is under way.
    OpenRequest,
    /// The numbering data has no range that it lies in.
    UnknownRange,
    /// Its range is not allocated to any provider.
    RangeNotAllocated,
}

impl NotPortable {
    /// The reason in a sentence's fragment.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Invalid => "this is no telephone number",
            Self::OutsideProduct => "numbers of this kind are outside the product",
            Self::AlreadyHere => "the number is with this carrier already",
            Self::OpenRequest => "a port of the number is under way",
            Self::UnknownRange => "no range of the numbering data has this number",
            Self::RangeNotAllocated => "the range of this number is not allocated to any provider",
        }
    }
}

/// A range of the numbering plan, as the regulator's data has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberingRange {
    /// The leading digits that its numbers share, in E.164.
    pub prefix: String,
    /// Whether anybody has it.
    pub status: RangeStatus,
    /// To whom it was allocated.
    pub holder: Option<RangeHolder>,
    /// Since when.
    pub allocated_on: Option<NaiveDate>,
}

/// Whether a range was given to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RangeStatus {
    /// It was.
    Allocated,
    /// It is free, reserved, protected, quarantined or the like.
    NotAllocated,
}

/// The provider to which a range was allocated; the data may name it, number it, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeHolder {
    /// Its name, as the regulator writes it.
    pub name: Option<String>,
    /// Its three digits.
    pub cupid: Option<Cupid>,
}

/// What is known of the numbers of a check.
pub struct Known<'a> {
    /// Those that are with this carrier.
    pub here: &'a NumberSet,
    /// Those whose port is under way.
    pub under_way: &'a NumberSet,
    /// The range of a number.
    pub range: &'a dyn Fn(TelephoneNumber) -> Option<NumberingRange>,
}

/// What a check says of one number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberCheck {
    /// Which.
    pub number: TelephoneNumber,
    /// The range that it lies in, where that is known.
    pub range: Option<NumberingRange>,
    /// Whether it could be ported.
    pub verdict: Verdict,
}

/// Whether a number could be ported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing known here speaks against it.
    Portable {
        /// Multi line where it follows or precedes another portable number of the check, else single line. It is a hint:
        /// the losing provider knows the installation, and its word counts.
        class_hint: PortClass,
        /// How many portable numbers of the check follow one another there.
        in_a_row: u32,
        /// The earliest dates if it were submitted now; nothing where the calendar ends before.
        earliest: Option<EarliestDates>,
    },
    /// Something does.
    NotPortable {
        /// What.
        reason: NotPortable,
    },
}

/// The earliest dates of a port, as far as the hint is right and nothing is only a part of a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EarliestDates {
    /// Where the losing provider is the range holder.
    pub provide: EarliestPortDate,
    /// Where it is not.
    pub subsequent: EarliestPortDate,
}

impl PortabilityAsk {
    /// Reads numbers and ranges. What is neither is part of the answer; only too many of them is an error.
    pub fn read<T: AsRef<str>>(texts: &[T]) -> Result<Self, Invalid> {
        let too_many = |found: usize| {
            let expected = format!("at most {CHECK_NUMBERS_MAX} numbers in one check");
            Invalid::new("check_too_large", format!("there are {found} numbers or more"), expected)
        };
        if texts.len() > CHECK_NUMBERS_MAX {
            return Err(too_many(texts.len()));
        }
        let (mut ask, mut asked) = (Self::default(), 0);
        for (index, text) in texts.iter().map(AsRef::as_ref).enumerate() {
            match NumberRange::parse(text) {
                Ok(range) => {
                    asked += range.len() as usize;
                    ask.numbers.insert_range(range);
                    ask.ranges.push((index, range));
                }
                Err(invalid) => {
                    asked += 1;
                    let outside = is_outside_product(&invalid.code);
                    let reason = if outside { NotPortable::OutsideProduct } else { NotPortable::Invalid };
                    let text = text.chars().take(SHOWN_TEXT_MAX).collect();
                    ask.unread.push(Unread { index, text, reason, invalid });
                }
            }
            if asked > CHECK_NUMBERS_MAX {
                return Err(too_many(asked));
            }
        }
        Ok(ask)
    }

    /// What a check says, in the order in which it was asked; of a number that was named twice, at the first place.
    pub fn in_order(self, checks: Vec<NumberCheck>) -> Vec<Result<NumberCheck, Unread>> {
        let mut checks: HashMap<_, _> = checks.into_iter().map(|check| (check.number, check)).collect();
        let mut answers = Vec::new();
        let mut unread = self.unread.into_iter().peekable();
        for (index, range) in self.ranges {
            while let Some(earlier) = unread.next_if(|unread| unread.index < index) {
                answers.push(Err(earlier));
            }
            answers.extend(range.iter().filter_map(|number| checks.remove(&number)).map(Ok));
        }
        answers.extend(unread.map(Err));
        answers
    }
}

/// Says of each number whether it could be ported and how soon, in order of the numbers.
pub fn check(numbers: &NumberSet, known: &Known<'_>, rules: &Rules, at: DateTime<Utc>) -> Vec<NumberCheck> {
    let judged: Vec<_> = numbers
        .iter()
        .map(|number| {
            let range = (known.range)(number);
            let against = against(number, range.as_ref(), known);
            (number, range, against)
        })
        .collect();
    let portable: NumberSet =
        judged.iter().filter(|(.., against)| against.is_none()).map(|(number, ..)| *number).collect();
    let mut dates = Dates::of(&portable, rules, at);
    judged
        .into_iter()
        .map(|(number, range, against)| {
            let verdict = match against {
                Some(reason) => Verdict::NotPortable { reason },
                None => dates.verdict(number),
            };
            NumberCheck { number, range, verdict }
        })
        .collect()
}

fn against(
    number: TelephoneNumber,
    range: Option<&NumberingRange>,
    known: &Known<'_>,
) -> Option<NotPortable> {
    if known.here.contains(number) {
        return Some(NotPortable::AlreadyHere);
    }
    if known.under_way.contains(number) {
        return Some(NotPortable::OpenRequest);
    }
    match range.map(|range| range.status) {
        None => Some(NotPortable::UnknownRange),
        Some(RangeStatus::NotAllocated) => Some(NotPortable::RangeNotAllocated),
        Some(RangeStatus::Allocated) => None,
    }
}

/// How soon portable numbers could move. Ten thousand of them have few shapes, and each is worked out once.
struct Dates<'a> {
    runs: Vec<NumberRange>,
    alone: u32,
    rules: &'a Rules,
    at: DateTime<Utc>,
    worked_out: HashMap<PortShape, Option<EarliestDates>>,
}

impl<'a> Dates<'a> {
    fn of(portable: &NumberSet, rules: &'a Rules, at: DateTime<Utc>) -> Self {
        let runs: Vec<_> = portable.runs().collect();
        let alone = runs.iter().filter(|run| run.len() == 1).count();
        let alone = u32::try_from(alone).unwrap_or(u32::MAX);
        Self { runs, alone, rules, at, worked_out: HashMap::new() }
    }

    fn verdict(&mut self, number: TelephoneNumber) -> Verdict {
        let at = self.runs.partition_point(|run| run.end() < number);
        let in_a_row = self.runs.get(at).map_or(1, NumberRange::len);
        let class_hint = if in_a_row == 1 { PortClass::SingleLine } else { PortClass::MultiLine };
        let shape = PortShape {
            class: class_hint,
            numbers: in_a_row,
            has_range: in_a_row > 1,
            // Whether a range goes on beyond what was asked about, nobody here can know.
            complex: false,
            geographic: number.is_geographic(),
            simultaneous: if in_a_row == 1 { self.alone } else { 1 },
        };
        let (rules, at) = (self.rules, self.at);
        let earliest = self.worked_out.entry(shape).or_insert_with(|| earliest(rules, &shape, at).ok());
        Verdict::Portable { class_hint, in_a_row, earliest: earliest.clone() }
    }
}

fn earliest(rules: &Rules, shape: &PortShape, at: DateTime<Utc>) -> Result<EarliestDates, BeyondCalendar> {
    Ok(EarliestDates {
        provide: rules.earliest_port_date(shape, PortRoute::Provide, at)?,
        subsequent: rules.earliest_port_date(shape, PortRoute::Subsequent, at)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::values::a_number;

    fn allocated(number: TelephoneNumber) -> Option<NumberingRange> {
        let holder = Some(RangeHolder { name: None, cupid: Cupid::parse("001").ok() });
        let (prefix, status) = (number.to_string().get(..7)?.to_owned(), RangeStatus::Allocated);
        Some(NumberingRange { prefix, status, holder, allocated_on: None })
    }

    fn set(texts: &[&str]) -> NumberSet {
        PortabilityAsk::read(texts).unwrap().numbers
    }

    fn monday() -> DateTime<Utc> {
        "2026-06-01T09:00:00Z".parse().unwrap()
    }

    fn checked(numbers: &NumberSet) -> Vec<NumberCheck> {
        let none = NumberSet::new();
        let known = Known { here: &none, under_way: &none, range: &allocated };
        check(numbers, &known, &Rules::bundled(), monday())
    }

    fn hint(check: &NumberCheck) -> (PortClass, u32, String, String) {
        match &check.verdict {
            Verdict::Portable { class_hint, in_a_row, earliest: Some(dates) } => {
                let rows = (&dates.provide.lead_time.row, dates.provide.date.to_string());
                (*class_hint, *in_a_row, rows.0.clone(), rows.1)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_number_of_the_product_is_told_apart() {
        let texts =
            ["07700 900123", "01534 960123", "09098 790123", "nonsense", "0113 496 012", "0113 496 0100"];
        let ask = PortabilityAsk::read(&texts).unwrap();
        let reasons: Vec<_> = ask.unread.iter().map(|unread| (unread.index, unread.reason)).collect();
        let (outside, invalid) = (NotPortable::OutsideProduct, NotPortable::Invalid);
        let expected = [(0, outside), (1, outside), (2, outside), (3, invalid), (4, invalid)];
        assert_eq!(reasons, expected);
        assert_eq!(ask.numbers.len(), 1);
    }

    #[test]
    fn a_check_has_at_most_ten_thousand_numbers() {
        // Longer than the drama range, since no drama range is that long.
        assert_eq!(PortabilityAsk::read(&["0113 496 0000-9999"]).unwrap().numbers.len(), CHECK_NUMBERS_MAX);
        let too_many = PortabilityAsk::read(&["0113 496 0000-9999", "x"]).unwrap_err();
        assert_eq!(too_many.code, "check_too_large");
        assert!(PortabilityAsk::read(&vec!["0113 496 0000"; CHECK_NUMBERS_MAX + 1]).is_err());
    }

    #[test]
    fn numbers_in_a_row_hint_at_multi_line_and_others_at_single_line() {
        let all = checked(&set(&["0113 496 0100-109", "0113 496 0200", "020 7946 0001"]));
        assert_eq!(hint(&all[0]).0, PortClass::MultiLine);
        assert!(all[..10].iter().all(|check| hint(check).1 == 10), "each of the row, not its first alone");
        assert_eq!(hint(&all[10]).0, PortClass::SingleLine);
        // Monday morning: ten working days for a range, four for a single line.
        assert_eq!((hint(&all[0]).3.as_str(), hint(&all[10]).3.as_str()), ("2026-06-15", "2026-06-05"));
    }

    #[test]
    fn more_than_ten_single_lines_at_once_take_longer() {
        let apart: NumberSet = set(&["0113 496 0000-999"]).iter().step_by(2).take(11).collect();
        assert_eq!(hint(&checked(&apart)[0]).3, "2026-06-19");
        assert_eq!(hint(&checked(&apart.iter().take(10).collect())[0]).3, "2026-06-05");
    }

    #[test]
    fn a_number_that_is_here_splits_the_row_it_lies_in() {
        let (here, none) = (set(&["0113 496 0102"]), NumberSet::new());
        let known = Known { here: &here, under_way: &none, range: &allocated };
        let all = check(&set(&["0113 496 0100-103"]), &known, &Rules::bundled(), monday());
        assert_eq!(all[2].verdict, Verdict::NotPortable { reason: NotPortable::AlreadyHere });
        assert_eq!((hint(&all[0]).1, hint(&all[3]).1), (2, 1));
    }

    #[test]
    fn beyond_the_calendar_a_number_is_portable_without_a_date() {
        let none = NumberSet::new();
        let known = Known { here: &none, under_way: &none, range: &allocated };
        let at = "2028-12-29T09:00:00Z".parse().unwrap();
        let all = check(&set(&["0113 496 0100"]), &known, &Rules::bundled(), at);
        assert!(matches!(all[0].verdict, Verdict::Portable { earliest: None, .. }), "{:?}", all[0]);
    }

    proptest! {
        #[test]
        fn reading_never_panics(texts in prop::collection::vec(".{0,60}", 0..8)) {
            let ask = PortabilityAsk::read(&texts);
            prop_assert!(ask.is_err() || ask.is_ok_and(|ask| ask.unread.len() <= texts.len()));
        }

        #[test]
        fn every_number_is_answered_once_and_only_the_free_ones_are_portable(
            asked in prop::collection::btree_set(a_number(), 0..40),
            here in prop::collection::btree_set(a_number(), 0..10),
        ) {
            let (asked, none): (NumberSet, _) = (asked.into_iter().collect(), NumberSet::new());
            let here: NumberSet = here.into_iter().chain(asked.iter().take(2)).collect();
            let known = Known { here: &here, under_way: &none, range: &allocated };
            let all = check(&asked, &known, &Rules::bundled(), monday());
            prop_assert!(all.iter().map(|check| check.number).eq(asked.iter()));
            for check in &all {
                let portable = matches!(check.verdict, Verdict::Portable { .. });
                prop_assert_eq!(portable, !here.contains(check.number));
            }
        }
    }
}
