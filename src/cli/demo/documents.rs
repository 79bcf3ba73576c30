//! The order documents of the demo, and how one becomes that of another customer.
//!
//! The documents are those in `examples/orders`, and the first mix sends them as they are. Every further mix has
//! references, companies, devices, ported numbers and dates of its own: what must differ is changed in [`change`] alone.

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use serde_json::Value;
use strum::{IntoStaticStr, VariantArray};

use super::stock;
use crate::{
    domain::{
        calendar::WorkingDays,
        number::{NumberRange, TelephoneNumber},
    },
    edge::document::{self, OrderDocument},
};

/// The day on which the documents were written, a Monday: their dates are reckoned from it.
pub const WRITTEN: (i32, u32, u32) = (2027, 2, 1);
/// The postcode that the losing provider of the rejected port knows.
pub const RIGHT_POSTCODE: &str = "NG1 6DQ";

/// The seven orders of a mix, in the order in which they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
pub enum Document {
    /// A new company with three sites, 25 users and 40 new numbers.
    NewCompany,
    /// One number of another provider.
    SingleLinePort,
    /// A main billing number with a range, ported before.
    MultiLinePort,
    /// More users and numbers for the same company.
    LaterOrder,
    /// One that cannot be.
    Refused,
    /// One that is not wanted any more.
    Cancelled,
    /// A port that needs two attempts.
    RejectedPort,
}

impl Document {
    /// All of them.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// What it is, for the heading of its timeline.
    pub fn title(self) -> &'static str {
        match self {
            Self::NewCompany => "a new company",
            Self::SingleLinePort => "a single-line port",
            Self::MultiLinePort => "a multi-line port of a range, ported before",
            Self::LaterOrder => "a later order of the same company",
            Self::Refused => "an order that must be refused",
            Self::Cancelled => "an order that is cancelled half-way",
            Self::RejectedPort => "a port that is rejected, then presented again",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NewCompany => include_str!("../../../examples/orders/1-new-company.json"),
            Self::SingleLinePort => include_str!("../../../examples/orders/2-single-line-port.json"),
            Self::MultiLinePort => include_str!("../../../examples/orders/3-multi-line-port.json"),
            Self::LaterOrder => include_str!("../../../examples/orders/4-later-order.json"),
            Self::Refused => include_str!("../../../examples/orders/5-refused.json"),
            Self::Cancelled => include_str!("../../../examples/orders/6-cancelled.json"),
            Self::RejectedPort => include_str!("../../../examples/orders/7-rejected-port.json"),
        }
    }

    /// Where its ported numbers lie among those that a mix brings from elsewhere.
    fn ported_from(self) -> u32 {
        match self {
            Self::MultiLinePort => 20,
            Self::Cancelled => 70,
            Self::RejectedPort => 90,
            _ => u32::from(self == Self::Refused),
        }
    }
}

/// What makes the documents of one mix its own.
#[derive(Debug)]
pub struct Variation<'a> {
    /// The mix, counted from 0.
    pub mix: u32,
    /// The day on which it begins.
    pub first_day: NaiveDate,
    /// Which days count.
    pub calendar: &'a WorkingDays,
}

/// The document of a mix.
pub fn varied(document: Document, variation: &Variation<'_>) -> anyhow::Result<OrderDocument> {
    let text = text_of(document, variation).with_context(|| format!("{document:?}"))?;
    document::parse(&text).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{document:?}: {}", problems.join("; "))
    })
}

/// What the document of a mix says.
fn text_of(document: Document, variation: &Variation<'_>) -> anyhow::Result<String> {
    if variation.mix == 0 {
        return Ok(document.text().to_owned());
    }
    let mut text: Value = serde_json::from_str(document.text())?;
    let start = first_ported(&text)?;
    let numbers = Moved { start, to: stock::elsewhere(variation.mix) + document.ported_from() };
    change(&mut text, variation, &numbers)?;
    Ok(text.to_string())
}

fn children(value: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter_mut()),
        Value::Object(fields) => Box::new(fields.iter_mut().map(|(_, value)| value)),
        _ => Box::new(std::iter::empty()),
    }
}

/// Where the ported numbers of a document are moved.
struct Moved {
    start: Option<TelephoneNumber>,
    to: u32,
}

/// The main number of the first port; the other numbers of a document are counted from it.
fn first_ported(document: &Value) -> anyhow::Result<Option<TelephoneNumber>> {
    let lines = document.get("lines").and_then(Value::as_array).context("a document has lines")?;
    let first = lines.iter().find_map(|line| line.get("main_number")).and_then(Value::as_str);
    Ok(first.map(TelephoneNumber::parse).transpose()?)
}

impl Moved {
    fn number(&self, number: TelephoneNumber) -> anyhow::Result<u32> {
        let place = self.start.and_then(|start| TelephoneNumber::distance(start, number));
        let place = place.filter(|place| *place < stock::BROUGHT_BY_A_MIX);
        Ok(self.to + place.with_context(|| format!("{number} is too far from the first ported number"))?)
    }

    /// A number or a range as text.
    fn text(&self, text: &str) -> anyhow::Result<String> {
        let range = NumberRange::parse(text)?;
        let (start, end) = (self.number(range.start())?, self.number(range.end())?);
        let area = stock::AREA;
        Ok(if start == end { format!("{area} {start:06}") } else { format!("{area} {start:06}-{end:06}") })
    }
}

/// Gives every field that must be another customer's another value.
fn change(value: &mut Value, variation: &Variation<'_>, numbers: &Moved) -> anyhow::Result<()> {
    let Value::Object(fields) = value else {
        return children(value).try_for_each(|child| change(child, variation, numbers));
    };
    let mix = variation.mix;
    for (name, value) in fields {
        match (name.as_str(), &mut *value) {
            ("reference", Value::String(text)) => *text = format!("{text}/{mix}"),
            ("company", Value::Object(company)) => {
                for (name, value) in company {
                    if let Value::String(text) = value {
                        *text = company_field(name, text, mix)?;
                    }
                }
            }
            ("mac", Value::String(text)) => {
                let own = u64::from_str_radix(&text.replace(':', ""), 16)? + (u64::from(mix) << 8);
                *text = format!("{own:012x}");
            }
            ("main_number", Value::String(text)) => *text = numbers.text(text)?,
            ("associated" | "ranges", Value::Array(items)) => {
                for item in items {
                    let moved = numbers.text(item.as_str().context("a number is text")?)?;
                    *item = moved.into();
                }
            }
            ("date", Value::String(text)) => *text = moved_date(text, variation)?,
            ("area_code", value) => *value = stock::AREA.into(),
            ("place", value) => *value = stock::PLACES[mix as usize % stock::PLACES.len()].into(),
            _ => change(value, variation, numbers)?,
        }
    }
    Ok(())
}

fn company_field(name: &str, text: &str, mix: u32) -> anyhow::Result<String> {
    Ok(match name {
        "name" => format!("{text} {mix}"),
        "domain" => {
            let (label, rest) = text.split_once('.').context("a domain has two labels")?;
            format!("{label}-{mix}.{rest}")
        }
        _ => bail!("a company has no {name}"),
    })
}

/// As many working days after the mix begins as the written date is after the day of writing.
fn moved_date(text: &str, variation: &Variation<'_>) -> anyhow::Result<String> {
    let date: NaiveDate = text.parse()?;
    let written = written();
    let mut days = 0;
    while variation.calendar.add(written, days)? < date {
        days += 1;
    }
    Ok(variation.calendar.add(variation.first_day, days)?.to_string())
}

/// The day of writing.
pub fn written() -> NaiveDate {
    let (year, month, day) = WRITTEN;
    NaiveDate::from_ymd_opt(year, month, day).expect("it is a date")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::rules::Rules;

    /// The values of every field of these names.
    fn values(value: &Value, names: &[&str], found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
                Value::String(text) if names.contains(&name.as_str()) => found.push(text.clone()),
                value => values(value, names, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| values(item, names, found)),
            _ => {}
        }
    }

    #[test]
    fn no_two_mixes_have_a_reference_device_or_port_in_common() {
        let rules = Rules::bundled();
        let mut seen = BTreeSet::new();
        for mix in [0, 1, 2, stock::MIXES_MAX - 1] {
            let variation = Variation { mix, first_day: written(), calendar: rules.calendar() };
            let mut of_mix = BTreeSet::new();
            for document in Document::ALL {
                let text = text_of(*document, &variation).unwrap();
                let mut found = Vec::new();
                let text: Value = serde_json::from_str(&text).unwrap();
                values(&text, &["reference", "mac", "main_number"], &mut found);
                of_mix.extend(found);
            }
            assert!(of_mix.is_disjoint(&seen), "mix {mix}");
            seen.extend(of_mix);
        }
    }

    #[test]
    fn dates_keep_their_distance_from_the_first_day_in_working_days() {
        let rules = Rules::bundled();
        let first_day = NaiveDate::from_ymd_opt(2027, 3, 25).unwrap();
        let variation = Variation { mix: 1, first_day, calendar: rules.calendar() };
        // Good Friday and Easter Monday are on the way.
        assert_eq!(moved_date("2027-02-03", &variation).unwrap(), "2027-03-31");
    }
}
