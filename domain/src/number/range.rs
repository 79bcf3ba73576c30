//! A run of consecutive numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{NUMBER_TEXT_MAX, TelephoneNumber};
use crate::invalid::Invalid;
use crate::text::{at_most, canonical_text};

/// Most numbers in one range: the size of the block in which numbers are handed out.
pub const NUMBER_RANGE_MAX: u32 = 10_000;

const EXPECTED: &str = "a number, 0113 496 0100-199, or two numbers joined by a hyphen";

/// Consecutive numbers of one area and one length, at most [`NUMBER_RANGE_MAX`] of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NumberRange {
    start: TelephoneNumber,
    end: TelephoneNumber,
}

impl NumberRange {
    /// The range from `start` to `end`, both included.
    pub fn new(start: TelephoneNumber, end: TelephoneNumber) -> Result<Self, Invalid> {
        if end < start {
            return Err(Invalid::new("range_backwards", "the range ends before it starts", EXPECTED));
        }
        let Some(places) = TelephoneNumber::distance(start, end) else {
            let expected = "two numbers with the same area code and length";
            return Err(Invalid::new("range_two_areas", "the range leaves its area", expected));
        };
        if places >= NUMBER_RANGE_MAX {
            let expected = format!("at most {NUMBER_RANGE_MAX} numbers");
            return Err(Invalid::new("range_too_long", "the range has too many numbers", expected));
        }
        Ok(Self { start, end })
    }

    /// Reads one number, `0113 496 0100-199` (the end gives only its last digits), or two whole numbers.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        at_most("range", text, NUMBER_TEXT_MAX * 2 + 1)?;
        if text.trim_end().ends_with(['-', '–']) {
            return Err(Invalid::new("range_end_missing", "nothing follows the hyphen", EXPECTED));
        }
        // A hyphen may separate digits or join two numbers, so every reading is tried and one must remain.
        let single = TelephoneNumber::parse(text);
        let mut splits = text.char_indices().filter(|(_, c)| matches!(c, '-' | '–')).filter_map(|(at, c)| {
            let start = TelephoneNumber::parse(&text[..at]).ok()?;
            end_of(start, &text[at + c.len_utf8()..]).map(|end| (start, end))
        });
        match (single, splits.next()) {
            (Ok(_), Some(_)) => {
                Err(Invalid::new("range_ambiguous", "this may be one number or a range", EXPECTED))
            }
            (Ok(number), None) => Ok(Self::from(number)),
            (Err(_), Some((start, end))) => Self::new(start, end?),
            (Err(why), None) => Err(why),
        }
    }

    /// The first number.
    pub fn start(&self) -> TelephoneNumber {
        self.start
    }

    /// The last number, which belongs to the range.
    pub fn end(&self) -> TelephoneNumber {
        self.end
    }

    /// How many numbers it has: at least one.
    ///
    /// # Panics
    /// Never: the ends were compared when the range was made.
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub fn len(&self) -> u32 {
        TelephoneNumber::distance(self.start, self.end).expect("a range stays in its area") + 1
    }

    /// Whether the number is one of the range.
    pub fn contains(&self, number: TelephoneNumber) -> bool {
        (self.start..=self.end).contains(&number)
    }

    /// The numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = TelephoneNumber> + use<> {
        (self.start.value()..=self.end.value()).map(TelephoneNumber::from_nsn)
    }

    /// A range known to keep the rules, because it is part of one that does.
    pub(super) fn part(start: TelephoneNumber, end: TelephoneNumber) -> Self {
        Self { start, end }
    }
}

/// The last number that the text after the hyphen means; nothing if it is neither a number nor its last digits.
fn end_of(start: TelephoneNumber, text: &str) -> Option<Result<TelephoneNumber, Invalid>> {
    let suffix = text.trim();
    let nsn = start.nsn();
    if !suffix.is_empty() && suffix.len() < nsn.len() && suffix.bytes().all(|b| b.is_ascii_digit()) {
        let kept = &nsn[..nsn.len() - suffix.len()];
        return Some(TelephoneNumber::parse(&format!("0{kept}{suffix}")));
    }
    TelephoneNumber::parse(suffix).ok().map(Ok)
}

impl From<TelephoneNumber> for NumberRange {
    fn from(number: TelephoneNumber) -> Self {
        Self { start: number, end: number }
    }
}

impl fmt::Display for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{}-{}", self.start, self.end)
        }
    }
}

impl fmt::Debug for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

canonical_text!(NumberRange);

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> String {
        NumberRange::parse(text).unwrap().to_string()
    }

    #[test]
    fn the_end_may_be_a_suffix_or_a_number() {
        let whole = "+441134960100-+441134960199";
        for text in [
            "0113 496 0100-199",
            "0113-496-0100-199",
            "0113 496 0100 - 0199",
            "0113 496 0100–0113 496 0199",
            whole,
            "0113-496-0100 - 0113-496-0199",
        ] {
            assert_eq!(text_of(text), whole, "{text}");
        }
        assert_eq!(text_of("0113-496-0100"), "+441134960100");
        assert_eq!(NumberRange::parse(whole).unwrap().len(), 100);
    }

    #[test]
    fn a_range_that_breaks_a_rule_says_which() {
        for (text, code) in [
            ("0113 496 0199-100", "range_backwards"),
            ("0113 496 0100-0114 496 0100", "range_two_areas"),
            ("0113 496 0000-0113 497 0000", "range_too_long"),
            ("016977 0000-1", "range_ambiguous"),
            ("0113 496 0100-", "range_end_missing"),
            ("0113 496 0100-x", "number_character"),
            ("-", "range_end_missing"),
            ("", "number_empty"),
        ] {
            assert_eq!(NumberRange::parse(text).map(|it| it.to_string()).unwrap_err().code, code, "{text}");
        }
        assert_eq!(NumberRange::parse("0113 496 0000-9999").unwrap().len(), NUMBER_RANGE_MAX);
    }
}
