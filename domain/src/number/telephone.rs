//! One telephone number.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::AreaCode;
use super::outside::refuse_outside;
use crate::invalid::Invalid;
use crate::text::{at_most, canonical_text, unexpected};

/// Longest text worth reading as one number, separators included.
pub const NUMBER_TEXT_MAX: usize = 40;

const EXPECTED: &str = "a UK number such as +44 20 7946 0123 or 020 7946 0123";
const NSN_LEN: usize = 10;
const NSN_LEN_SHORT: usize = 9;

/// A UK telephone number, stored in E.164: `+442079460123`.
///
/// Geographic (01, 02) and non-geographic (03, 080, 084, 087) only. Ordered by value, so shorter numbers come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// The national significant number never begins with zero, so the integer carries its length too.
pub struct TelephoneNumber(u64);

impl TelephoneNumber {
    /// Reads any usual notation: `+44`, `0044`, `44` or `0` first; spaces, dots, hyphens and parentheses anywhere; `(0)` after the 44.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        at_most("number", text, NUMBER_TEXT_MAX)?;
        let nsn = national_digits(text)?;
        refuse_outside(&nsn)?;
        if nsn.len() > NSN_LEN {
            return Err(wrong_length("number_too_long", nsn.len()));
        }
        let number = nsn.parse().map_err(|_| wrong_length("number_too_short", nsn.len()))?;
        let area = AreaCode::of(number).ok_or_else(|| {
            Invalid::new("number_area_unknown", "no area begins with these digits", EXPECTED)
        })?;
        match nsn.len() {
            NSN_LEN => Ok(Self(number)),
            NSN_LEN_SHORT if area.has_short_numbers() => Ok(Self(number)),
            n => Err(wrong_length("number_too_short", n)),
        }
    }

    /// The number whose national digits are this integer; the caller knows that it lies between two of one area.
    pub(super) fn from_nsn(nsn: u64) -> Self {
        Self(nsn)
    }

    pub(super) fn value(self) -> u64 {
        self.0
    }

    /// The national significant number: the digits after +44.
    pub fn nsn(self) -> String {
        self.0.to_string()
    }

    /// How many digits the national significant number has: 10, in some areas 9.
    pub fn nsn_len(self) -> u8 {
        if self.0 < 1_000_000_000 { 9 } else { 10 }
    }

    /// The number as it is written in the UK: `020 7946 0123`.
    pub fn national(self) -> String {
        let nsn = self.nsn();
        let (area, rest) = nsn.split_at(usize::from(self.area_code().digits_len()));
        match area.len() {
            2 | 3 => {
                let (middle, last) = rest.split_at(rest.len() - 4);
                format!("0{area} {middle} {last}")
            }
            _ => format!("0{area} {rest}"),
        }
    }

    /// The code of its area; of a non-geographic number, its first three digits.
    ///
    /// # Panics
    /// Never: the code was found when the number was read.
    pub fn area_code(self) -> AreaCode {
        AreaCode::of(self.0).expect("a parsed number begins with an area code")
    }

    /// Whether the number belongs to a place.
    pub fn is_geographic(self) -> bool {
        self.area_code().is_geographic()
    }

    /// The number `n` places further on, if it is in the same area and of the same length.
    pub fn offset(self, n: u32) -> Option<Self> {
        let other = Self(self.0 + u64::from(n));
        let same = other.nsn_len() == self.nsn_len() && AreaCode::of(other.0) == Some(self.area_code());
        same.then_some(other)
    }

    /// How many places `to` lies after `from`; none if it lies before, in another area, or has another length.
    pub fn distance(from: Self, to: Self) -> Option<u32> {
        let places = u32::try_from(to.0.checked_sub(from.0)?).ok()?;
        (from.offset(places) == Some(to)).then_some(places)
    }
}

impl fmt::Display for TelephoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+44{}", self.0)
    }
}

impl fmt::Debug for TelephoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

canonical_text!(TelephoneNumber);

fn wrong_length(code: &str, found: usize) -> Invalid {
    Invalid::new(
        code,
        format!("{found} digits after the prefix"),
        "10 digits after +44 or the first 0, in a few areas 9",
    )
}

/// The digits after the country code or the trunk zero.
fn national_digits(text: &str) -> Result<String, Invalid> {
    let compact: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
    let after_44 = ["+44", "0044", "44"].iter().find_map(|prefix| compact.strip_prefix(prefix));
    let rest = match after_44 {
        Some(rest) => rest.strip_prefix("(0)").unwrap_or(rest),
        None if compact.starts_with('+') || compact.starts_with("00") => {
            return Err(Invalid::new("number_not_uk", "the country code is not 44", EXPECTED));
        }
        None => match compact.strip_prefix("(0").or_else(|| compact.strip_prefix('0')) {
            Some(rest) => rest,
            None if compact.is_empty() => {
                return Err(Invalid::new("number_empty", "the number is empty", EXPECTED));
            }
            None => {
                return Err(Invalid::new("number_prefix_missing", "neither +44 nor 0 comes first", EXPECTED));
            }
        },
    };
    let digits: String = rest.chars().filter(|c| !matches!(c, '(' | ')')).collect();
    if let Some(c) = digits.chars().find(|c| !c.is_ascii_digit()) {
        return Err(unexpected("number", c, "digits, spaces, dots, hyphens and parentheses"));
    }
    if digits.starts_with('0') {
        return Err(Invalid::new("number_trunk_zero", "a 0 follows the prefix", EXPECTED));
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> TelephoneNumber {
        TelephoneNumber::parse(text).unwrap()
    }

    #[test]
    fn one_number_has_many_notations() {
        for text in [
            "+442079460123",
            "00442079460123",
            "442079460123",
            "02079460123",
            "020 7946 0123",
            "(020) 7946-0123",
            "+44 (0)20 7946 0123",
            "+44(0) 20.7946.0123",
            "+44 20 7946 0123",
            "0044 (0) 20 7946 0123",
        ] {
            assert_eq!(number(text).to_string(), "+442079460123", "{text}");
        }
    }

    #[test]
    fn what_is_outside_the_product_says_why() {
        for (text, code) in [
            ("01534 960123", "number_jersey"),
            ("01481 960123", "number_guernsey"),
            ("01624 960123", "number_isle_of_man"),
            ("0400 0000000", "number_range_unused"),
            ("0600 0000000", "number_range_unused"),
            ("055 0000 0000", "number_corporate"),
            ("056 0000 0000", "number_location_independent"),
            ("070 0000 0000", "number_personal"),
            ("076 0000 0000", "number_pager"),
            ("07700 900123", "number_mobile"),
            ("0909 879 0123", "number_premium"),
            ("0810 000 0000", "number_range_unused"),
            ("021 7946 0123", "number_area_unknown"),
            ("+33 1 0000 0000", "number_not_uk"),
            ("1134960123", "number_prefix_missing"),
            ("+440113 496 0123", "number_trunk_zero"),
            ("0113 496 012", "number_too_short"),
            ("0113 496 01234", "number_too_long"),
            ("0113 496 01x3", "number_character"),
            ("", "number_empty"),
            ("٠١١٣٤٩٦٠١٢٣", "number_prefix_missing"),
        ] {
            assert_eq!(TelephoneNumber::parse(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn nine_digits_are_a_number_only_in_some_areas() {
        assert_eq!(TelephoneNumber::parse("01632 96012").unwrap_err().code, "number_too_short");
        // No drama range has nine digits; nothing is allocated behind this zero.
        let short = number("016977 0000");
        assert_eq!((short.nsn_len(), short.area_code().to_string()), (9, "016977".to_owned()));
        assert_eq!(short.national(), "016977 0000");
    }

    #[test]
    fn the_national_form_follows_the_area() {
        assert_eq!(number("+442079460123").national(), "020 7946 0123");
        assert_eq!(number("+441134960123").national(), "0113 496 0123");
        assert_eq!(number("+441632960123").national(), "01632 960123");
    }

    #[test]
    fn an_offset_stays_in_its_area() {
        let first = number("0113 496 0100");
        assert_eq!(first.offset(99), Some(number("0113 496 0199")));
        assert_eq!(first.offset(10_000_000), None, "that is in 0114");
        assert_eq!(TelephoneNumber::distance(first, number("0113 496 0199")), Some(99));
        assert_eq!(TelephoneNumber::distance(number("0113 496 0199"), first), None);
        assert_eq!(TelephoneNumber::distance(first, number("0114 496 0100")), None);
    }
}
