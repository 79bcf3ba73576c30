//! The bundled sample of numbering data, over the ranges that are kept for drama.

use orderwire_domain::{
    invalid::Invalid,
    names::{Cupid, SiteName},
    number::{AreaCode, TelephoneNumber},
    portability::{NumberingRange, RangeHolder, RangeStatus},
};
use serde::Deserialize;

use super::ReferenceData;

/// Ranges by prefix; the longest that fits counts.
#[derive(Clone, Debug)]
pub struct Ranges(Vec<Allocation>);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allocation {
    prefix: String,
    range_holder: Cupid,
    area_code: AreaCode,
    place: SiteName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "source")]
    _source: String,
    ranges: Vec<Allocation>,
}

impl Ranges {
    /// The bundled sample.
    pub fn bundled() -> Self {
        Self::from_json(include_str!("../../../data/reference.json"))
            .expect("the bundled reference data is well-formed")
    }

    /// Ranges from a JSON text of the bundled file's shape.
    pub fn from_json(text: &str) -> Result<Self, Invalid> {
        let malformed = |error: serde_json::Error| {
            Invalid::new("reference_data_invalid", error.to_string(), "the shape of data/reference.json")
        };
        let mut ranges = serde_json::from_str::<File>(text).map_err(malformed)?.ranges;
        if let Some(range) = ranges.iter().find(|range| !range.prefix.starts_with(&e164(range.area_code))) {
            let detail = format!("the prefix {} is not in the area {}", range.prefix, range.area_code);
            return Err(Invalid::new(
                "reference_data_invalid",
                detail,
                "a prefix that begins with its area code",
            ));
        }
        ranges.sort_by_key(|range| std::cmp::Reverse(range.prefix.len()));
        Ok(Self(ranges))
    }

    fn allocation(&self, number: TelephoneNumber) -> Option<&Allocation> {
        let number = number.to_string();
        self.0.iter().find(|range| number.starts_with(&range.prefix))
    }
}

impl ReferenceData for Ranges {
    fn range(&self, number: TelephoneNumber) -> Option<NumberingRange> {
        self.allocation(number).map(|found| NumberingRange {
            prefix: found.prefix.clone(),
            status: RangeStatus::Allocated,
            holder: Some(RangeHolder { name: None, cupid: Some(found.range_holder.clone()) }),
            allocated_on: None,
        })
    }

    fn place(&self, number: TelephoneNumber) -> Option<SiteName> {
        self.allocation(number).map(|found| found.place.clone())
    }
}

/// An area code as numbers begin with it.
fn e164(area: AreaCode) -> String {
    format!("+44{}", area.digits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_counts() {
        let text = r#"{ "source": "a test", "ranges": [
            { "prefix": "+441134", "range_holder": "001", "area_code": "0113", "place": "Leeds" },
            { "prefix": "+44113496", "range_holder": "002", "area_code": "0113", "place": "Leeds" } ] }"#;
        let ranges = Ranges::from_json(text).unwrap();
        let number = TelephoneNumber::parse("0113 496 0123").unwrap();
        assert_eq!(ranges.range_holder(number), Some(Cupid::parse("002").unwrap()));
        assert_eq!(Ranges::bundled().place(number), Some(SiteName::parse("Leeds").unwrap()));
        assert_eq!(Ranges::bundled().range_holder(TelephoneNumber::parse("01204 600000").unwrap()), None);
    }

    #[test]
    fn malformed_reference_data_says_what_is_wrong() {
        let error = Ranges::from_json(r#"{ "source": "", "ranges": [], "more": 1 }"#).unwrap_err();
        assert!(error.detail.contains("more"), "{error}");
    }
}
