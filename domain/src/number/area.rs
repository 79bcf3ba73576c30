//! Area codes: how many leading digits of a number name its place.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::outside::refuse_outside;
use crate::invalid::Invalid;
use crate::text::{at_most, canonical_text};

/// The codes of five digits, each inside an area of four; they win by being longer (Ofcom numbering plan).
const FIVE_DIGIT_CODES: [u32; 12] =
    [13873, 15242, 15394, 15395, 15396, 16973, 16974, 16977, 17683, 17684, 17687, 19467];

/// Areas where some numbers have nine digits after the zero instead of ten (Ofcom numbering plan).
#[rustfmt::skip]
const SHORT_NUMBER_CODES: [u32; 40] = [
    1204, 1208, 1254, 1276, 1297, 1298, 1363, 1364, 1384, 1386, 1404, 1420, 1460, 1461, 1480, 1488, 1524, 1527, 1562, 1566,
    1606, 1629, 1635, 1647, 1659, 1695, 1726, 1744, 1750, 1768, 1827, 1837, 1884, 1900, 1905, 1935, 1946, 1949, 1963, 1995,
];
const SHORT_NUMBER_FIVE_DIGIT_CODE: u32 = 16977;

/// Longest text worth reading as an area code, with its prefix.
const AREA_TEXT_MAX: usize = 12;

/// The leading digits that name a place, such as `0113`; of a non-geographic number, its first three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AreaCode(u32);

impl AreaCode {
    /// Reads `0113`, `113`, `+44113`; anything that is not exactly one code of the plan is refused.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const EXPECTED: &str = "an area code such as 0113, 020 or 01632";
        at_most("area_code", text, AREA_TEXT_MAX)?;
        let bare = text.trim();
        let digits = bare.strip_prefix("+44").or_else(|| bare.strip_prefix('0')).unwrap_or(bare);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid::new("area_code_malformed", "an area code is digits", EXPECTED));
        }
        refuse_outside(digits)?;
        match digits.parse().ok().and_then(Self::of) {
            Some(code) if code.digits() == digits => Ok(code),
            _ => Err(Invalid::new("area_code_unknown", "the plan has no such code", EXPECTED)),
        }
    }

    /// The code that a national number begins with: the longest one wins.
    pub(super) fn of(nsn: u64) -> Option<Self> {
        let digits = nsn.checked_ilog10()? + 1;
        // These are at most five digits, which always fit.
        let leading = |n: u32| u32::try_from(nsn / 10u64.pow(digits.saturating_sub(n))).ok();
        let (two, three, four, five) = (leading(2)?, leading(3)?, leading(4)?, leading(5)?);
        let code = if FIVE_DIGIT_CODES.binary_search(&five).is_ok() {
            five
        } else if matches!(two, 20 | 23 | 24 | 28 | 29) {
            two
        } else if matches!(three, 113..=118 | 121 | 131 | 141 | 151 | 161 | 191) || is_non_geographic(three) {
            three
        } else if (1_000..2_000).contains(&four) {
            four
        } else {
            return None;
        };
        Some(Self(code))
    }

    /// The digits without the leading zero.
    pub fn digits(self) -> String {
        self.0.to_string()
    }

    /// How many digits the code has, the leading zero not counted.
    pub fn digits_len(self) -> u8 {
        match self.0 {
            0..100 => 2,
            100..1_000 => 3,
            1_000..10_000 => 4,
            _ => 5,
        }
    }

    /// Whether the code names a place: it begins 01 or 02.
    pub fn is_geographic(self) -> bool {
        !is_non_geographic(self.0)
    }

    /// Whether this area still has numbers one digit shorter than the others.
    pub fn has_short_numbers(self) -> bool {
        self.0 == SHORT_NUMBER_FIVE_DIGIT_CODE || SHORT_NUMBER_CODES.binary_search(&self.0).is_ok()
    }
}

/// Whether these three digits begin a number of no place: 03, 080, 084 or 087.
fn is_non_geographic(three: u32) -> bool {
    matches!(three, 300..=399 | 800..=809 | 840..=849 | 870..=879)
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0{}", self.0)
    }
}

canonical_text!(AreaCode);

#[cfg(test)]
mod tests {
    use super::*;

    fn of(nsn: &str) -> String {
        AreaCode::of(nsn.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_longest_code_wins() {
        assert_eq!(of("1387300000"), "013873");
        assert_eq!(of("1387400000"), "01387");
        assert_eq!(of("2079460123"), "020");
        assert_eq!(of("1134960123"), "0113");
        assert_eq!(of("1914980123"), "0191");
        assert_eq!(of("1632960123"), "01632");
        assert_eq!(of("8081570123"), "0808");
        assert_eq!(AreaCode::of(2_179_460_123), None);
    }

    #[test]
    fn only_a_whole_code_is_read() {
        assert_eq!(AreaCode::parse(" +44113 ").unwrap().to_string(), "0113");
        for bad in ["", "0", "01", "011", "01134", "021", "0113a", "+33113", "04", "01534"] {
            assert!(AreaCode::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_tables_are_sorted_for_the_search() {
        assert!(FIVE_DIGIT_CODES.is_sorted());
        assert!(SHORT_NUMBER_CODES.is_sorted());
        assert!(AreaCode::parse("01204").unwrap().has_short_numbers());
        assert!(AreaCode::parse("016977").unwrap().has_short_numbers());
        assert!(!AreaCode::parse("01632").unwrap().has_short_numbers());
    }
}
