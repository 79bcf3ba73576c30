//! Postal addresses: the parts that have a grammar, and an address as the carrier's data has it.
//!
//! Absent: whether a postcode exists, and any correction. A port carries what the customer wrote on the letter.

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::text::{at_most, folded, printable, text_value};

/// Longest text worth reading as a postcode.
const POSTCODE_TEXT_MAX: usize = 10;
const INWARD_LEN: usize = 3;
const ADDRESS_KEY_LEN: usize = 12;
/// Longest part of an address, such as a street.
const PART_MAX: usize = 80;
/// House numbers are sorted by value up to so many digits.
const NUMBER_DIGITS: usize = 6;

text_value! {
    /// A UK postcode in upper case with one space before its last three characters (BS 7666).
    Postcode <- postcode
}

text_value! {
    /// The key of an address: `A` or `R` and 11 digits from the carrier, `T` and 11 digits for one entered by hand.
    AddressKey <- address_key
}

text_value! {
    /// One part of an address, such as a street: 1 to 80 printable characters.
    AddressPart <- |text| printable("address_part", text, PART_MAX)
}

impl Postcode {
    /// The part before the space, which names a district.
    pub fn outward(&self) -> &str {
        &self.as_str()[..self.as_str().len() - INWARD_LEN - 1]
    }

    /// The part after the space.
    pub fn inward(&self) -> &str {
        &self.as_str()[self.as_str().len() - INWARD_LEN..]
    }
}

impl AddressKey {
    /// Whether the key stands for an address entered by hand.
    pub fn is_temporary(&self) -> bool {
        self.as_str().starts_with('T')
    }
}

/// How well the carrier knows an address.
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
    strum::Display,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AddressQualifier {
    /// The carrier serves exactly this address.
    Gold,
    /// The carrier knows the building.
    Silver,
    /// The carrier knows the street, or only what was entered.
    Bronze,
}

impl AddressQualifier {
    /// Reads `gold`, `silver` or `bronze`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "gold" => Ok(Self::Gold),
            "silver" => Ok(Self::Silver),
            "bronze" => Ok(Self::Bronze),
            _ => {
                Err(Invalid::new("address_qualifier_unknown", "no such qualifier", "gold, silver or bronze"))
            }
        }
    }
}

impl std::str::FromStr for AddressQualifier {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

/// An address of the carrier's data. It is about a place, so it is no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Its key: `A` or `R` and 11 digits.
    pub key: AddressKey,
    /// How well the carrier knows it.
    pub qualifier: AddressQualifier,
    /// The organisation that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<AddressPart>,
    /// The building, with the unit or flat in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub building: Option<AddressPart>,
    /// The number in the street.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<AddressPart>,
    /// The street.
    pub street: AddressPart,
    /// The part of the town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<AddressPart>,
    /// The post town.
    pub town: AddressPart,
    /// The postcode.
    pub postcode: Postcode,
}

impl Address {
    /// The address as it is written on a letter, without the postcode.
    pub fn lines(&self) -> Vec<String> {
        let street = match &self.number {
            Some(number) => format!("{number} {}", self.street),
            None => self.street.to_string(),
        };
        let above = [&self.organisation, &self.building].into_iter().flatten().map(ToString::to_string);
        let below = self.locality.iter().chain([&self.town]).map(ToString::to_string);
        above.chain([street]).chain(below).collect()
    }

    /// What addresses are ordered by: the words of the street, the number by its value, and what tells those apart.
    pub fn sort(&self) -> String {
        let number = self.number.as_ref().map(|number| by_value(number.as_str())).unwrap_or_default();
        let parts = [&self.building, &self.organisation].into_iter().flatten();
        let words = search_words(self.street.as_str()).into_iter().chain([number]);
        words.chain(parts.flat_map(|part| search_words(part.as_str()))).collect::<Vec<_>>().join(" ")
    }

    /// Whether every one of these words begins a word of the address; one that begins with a digit is a whole word.
    pub fn has_words(&self, wanted: &[String]) -> bool {
        let own = search_words(&format!("{} {}", self.lines().join(" "), self.postcode));
        wanted.iter().all(|wanted| {
            let whole = wanted.starts_with(|first: char| first.is_ascii_digit());
            own.iter().any(|own| if whole { own == wanted } else { own.starts_with(wanted.as_str()) })
        })
    }
}

/// The words of a text as addresses are searched by: small letters and digits; what joins letters is left out.
pub fn search_words(text: &str) -> Vec<String> {
    let joined: String = folded(text).chars().filter(|c| !matches!(c, '\'' | '’' | '.')).collect();
    let words = joined.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// A house number in a form that sorts as people count.
fn by_value(number: &str) -> String {
    let words = search_words(number).concat();
    let digits = words.len() - words.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    format!("{}{words}", "0".repeat(NUMBER_DIGITS.saturating_sub(digits)))
}

fn postcode(text: &str) -> Result<String, Invalid> {
    const EXPECTED: &str = "a UK postcode such as LS1 4AP";
    at_most("postcode", text, POSTCODE_TEXT_MAX)?;
    let compact: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
    if !compact.bytes().all(|b| b.is_ascii_alphanumeric()) || compact.len() <= INWARD_LEN {
        return Err(Invalid::new(
            "postcode_malformed",
            "a postcode is five to seven letters and digits",
            EXPECTED,
        ));
    }
    let (outward, inward) = compact.split_at(compact.len() - INWARD_LEN);
    if !inward_fits(inward.as_bytes()) {
        return Err(Invalid::new("postcode_inward", "the last three characters do not fit", EXPECTED));
    }
    // Girobank's postcode is older than the grammar and stays valid.
    if !outward_fits(outward.as_bytes()) && compact != "GIR0AA" {
        return Err(Invalid::new("postcode_outward", "the first part does not fit", EXPECTED));
    }
    Ok(format!("{outward} {inward}"))
}

fn inward_fits(inward: &[u8]) -> bool {
    let letter = |b: u8| b.is_ascii_uppercase() && !b"CIKMOV".contains(&b);
    matches!(inward, [sector, a, b] if sector.is_ascii_digit() && letter(*a) && letter(*b))
}

/// The six shapes of an outward code; each position has letters that it never takes.
fn outward_fits(outward: &[u8]) -> bool {
    let first = |b: u8| b.is_ascii_uppercase() && !b"QVX".contains(&b);
    let second = |b: u8| b.is_ascii_uppercase() && !b"IJZ".contains(&b);
    let third = |b: u8| b"ABCDEFGHJKPSTUW".contains(&b);
    let fourth = |b: u8| b"ABEHMNPRVWXY".contains(&b);
    let digit = |b: u8| b.is_ascii_digit();
    match *outward {
        [a, b] => first(a) && digit(b),
        [a, b, c] => (first(a) && digit(b) && (digit(c) || third(c))) || (first(a) && second(b) && digit(c)),
        [a, b, c, d] => first(a) && second(b) && digit(c) && (digit(d) || fourth(d)),
        _ => false,
    }
}

fn address_key(text: &str) -> Result<String, Invalid> {
    match text.as_bytes() {
        [b'A' | b'R' | b'T', digits @ ..]
            if text.len() == ADDRESS_KEY_LEN && digits.iter().all(u8::is_ascii_digit) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(Invalid::new("address_key_malformed", "this is no address key", "A, R or T and 11 digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_six_shapes_of_a_postcode_and_one_exception() {
        for (text, canonical) in [
            ("m11aa", "M1 1AA"),
            ("m60 1nw", "M60 1NW"),
            ("CR26XH", "CR2 6XH"),
            ("DN55 1PT", "DN55 1PT"),
            ("W1A 1HQ", "W1A 1HQ"),
            ("W1P 1HQ", "W1P 1HQ"),
            ("EC1A 1BB", "EC1A 1BB"),
            (" gir 0aa ", "GIR 0AA"),
        ] {
            assert_eq!(Postcode::parse(text).unwrap().to_string(), canonical);
        }
        let postcode = Postcode::parse("ls14ap").unwrap();
        assert_eq!((postcode.outward(), postcode.inward()), ("LS1", "4AP"));
    }

    #[test]
    fn a_postcode_outside_the_grammar_is_refused_and_never_repaired() {
        for (text, code) in [
            ("", "postcode_malformed"),
            ("1AA", "postcode_malformed"),
            ("LS1-4AP", "postcode_malformed"),
            ("LS1 4CP", "postcode_inward"),
            ("LSI 4AP", "postcode_outward"),
            ("QS1 4AP", "postcode_outward"),
            ("LS1I 4AP", "postcode_outward"),
            ("LS100 4AP", "postcode_outward"),
            ("LS1 OAP", "postcode_inward"),
            ("LS1 4AP LS1 4AP", "postcode_too_long"),
        ] {
            assert_eq!(Postcode::parse(text).unwrap_err().code, code, "{text}");
        }
    }

    fn address(number: &str, street: &str) -> Address {
        Address {
            key: AddressKey::parse("A00000000001").unwrap(),
            qualifier: AddressQualifier::Gold,
            organisation: None,
            building: None,
            number: AddressPart::parse(number).ok(),
            street: AddressPart::parse(street).unwrap(),
            locality: None,
            town: AddressPart::parse("Leeds").unwrap(),
            postcode: Postcode::parse("LS1 4AP").unwrap(),
        }
    }

    #[test]
    fn houses_of_a_street_are_ordered_as_people_count() {
        let mut all = ["112", "12", "2a", "2"].map(|number| address(number, "Albion Street"));
        all.sort_by_key(Address::sort);
        assert_eq!(all.map(|it| it.number.unwrap().to_string()), ["2", "2a", "12", "112"]);
        assert!(address("9", "Albion Street").sort() < address("1", "Bond Street").sort());
    }

    #[test]
    fn words_match_by_their_beginning_and_numbers_as_a_whole() {
        let it = address("12", "St. John’s Road");
        assert_eq!(it.lines(), ["12 St. John’s Road", "Leeds"]);
        let has = |text: &str| it.has_words(&search_words(text));
        for text in ["12 st johns rd leeds", "1 st john", "bradford"] {
            assert!(!has(text), "{text}");
        }
        for text in ["", "ST JOHN'S", "leeds 12", "road joh", "ls1 4ap"] {
            assert!(has(text), "{text}");
        }
    }

    #[test]
    fn an_address_key_says_who_made_it() {
        assert!(AddressKey::parse("T00000000017").unwrap().is_temporary());
        assert!(!AddressKey::parse("A00000000017").unwrap().is_temporary());
        for bad in ["", "B00000000017", "A0000000001", "A000000000170", "a00000000017", "A0000000001x"] {
            assert_eq!(AddressKey::parse(bad).unwrap_err().code, "address_key_malformed", "{bad}");
        }
        assert_eq!(AddressQualifier::parse("gold").unwrap().to_string(), "gold");
        assert!(AddressQualifier::parse("Gold").is_err());
    }
}
