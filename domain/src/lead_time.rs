//! How long a port takes at least, and until when it can still be changed.
//!
//! The figures are dated data, read with the rules; here is only how a row is found. Absent: holidays and clocks.

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;

/// Most dated tables in one set of rules: one a month for ten years.
const TABLES_MAX: usize = 120;
/// Most rows in a table; the published one has eight.
const ROWS_MAX: usize = 50;
/// Most hours in a cut-off or an answer time: four weeks, beyond which a figure is a slip.
pub const HOURS_MAX: u32 = 24 * 28;

/// Whether an installation has one number or several; the losing provider's word counts.
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
pub enum PortClass {
    /// One number, no range, nothing associated.
    SingleLine,
    /// A main billing number with associated numbers or ranges.
    MultiLine,
}

/// Whether the losing provider is also the range holder.
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
pub enum PortRoute {
    /// The losing provider holds the range; it alone accepts.
    Provide,
    /// Another provider holds the range; both must accept.
    Subsequent,
}

/// What of a port decides its lead time. An event that rests on one carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PortShape {
    /// Single line or multi line.
    pub class: PortClass,
    /// How many numbers move.
    pub numbers: u32,
    /// Whether any of them come as a range.
    pub has_range: bool,
    /// Whether only a part of a range moves.
    pub complex: bool,
    /// Whether the numbers belong to a place.
    pub geographic: bool,
    /// How many single lines of one customer move at once.
    pub simultaneous: u32,
}

/// The row that decided, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadTime {
    /// The row's slug, such as `multi_line_30_to_150`.
    pub row: String,
    /// Working days from day zero to the earliest port date.
    pub working_days: u32,
}

/// The lead times in force from a date on (Simwood lead-time table).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadTimeTable {
    effective_from: NaiveDate,
    source: String,
    rows: Vec<LeadTimeRow>,
}

/// One row: conditions, of which an absent one always holds, and the two figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadTimeRow {
    /// What the row is called.
    pub slug: String,
    /// For this class only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<PortClass>,
    /// For numbers with or without a place only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geographic: Option<bool>,
    /// With or without a range only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_range: Option<bool>,
    /// For a part of a range only, or for all but that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complex: Option<bool>,
    /// From so many numbers on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers_min: Option<u32>,
    /// Up to so many numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers_max: Option<u32>,
    /// From so many single lines at once on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simultaneous_min: Option<u32>,
    /// Working days where the losing provider holds the range.
    pub provide: u32,
    /// Working days where it does not.
    pub subsequent: u32,
}

impl LeadTimeRow {
    fn applies(&self, shape: &PortShape) -> bool {
        self.class.is_none_or(|class| class == shape.class)
            && self.geographic.is_none_or(|geographic| geographic == shape.geographic)
            && self.has_range.is_none_or(|has_range| has_range == shape.has_range)
            && self.complex.is_none_or(|complex| complex == shape.complex)
            && self.numbers_min.is_none_or(|min| shape.numbers >= min)
            && self.numbers_max.is_none_or(|max| shape.numbers <= max)
            && self.simultaneous_min.is_none_or(|min| shape.simultaneous >= min)
    }

    fn working_days(&self, route: PortRoute) -> u32 {
        match route {
            PortRoute::Provide => self.provide,
            PortRoute::Subsequent => self.subsequent,
        }
    }
}

impl LeadTimeTable {
    /// The date from which the table is in force.
    pub fn effective_from(&self) -> NaiveDate {
        self.effective_from
    }

    /// Who published it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its rows; of all that apply to a port, the longest counts.
    pub fn rows(&self) -> &[LeadTimeRow] {
        &self.rows
    }

    /// The lead time of a port: of all rows that apply, the longest.
    ///
    /// # Panics
    /// Never: a table is only loaded if it covers every shape.
    pub fn look_up(&self, shape: &PortShape, route: PortRoute) -> LeadTime {
        let row = self.longest(shape, route).expect("a table is only loaded if it covers every shape");
        LeadTime { row: row.slug.clone(), working_days: row.working_days(route) }
    }

    fn longest(&self, shape: &PortShape, route: PortRoute) -> Option<&LeadTimeRow> {
        self.rows.iter().filter(|row| row.applies(shape)).max_by_key(|row| row.working_days(route))
    }

    /// A shape that no row covers, if there is one. Rows change only at their bounds, so trying those is enough.
    fn gap(&self) -> Option<PortShape> {
        let edges = |bounds: fn(&LeadTimeRow) -> [Option<u32>; 2]| -> Vec<u32> {
            let around = |at: u32| [at.saturating_sub(1), at, at.saturating_add(1)];
            self.rows.iter().flat_map(bounds).flatten().flat_map(around).chain([0, u32::MAX]).collect()
        };
        let numbers = edges(|row| [row.numbers_min, row.numbers_max]);
        let simultaneous = edges(|row| [row.simultaneous_min, None]);
        for class in [PortClass::SingleLine, PortClass::MultiLine] {
            for bits in 0u8..8 {
                for &numbers in &numbers {
                    for &simultaneous in &simultaneous {
                        let (has_range, complex, geographic) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
                        let shape =
                            PortShape { class, numbers, has_range, complex, geographic, simultaneous };
                        if self.longest(&shape, PortRoute::Provide).is_none() {
                            return Some(shape);
                        }
                    }
                }
            }
        }
        None
    }
}

/// Every table there is, by the date from which it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<LeadTimeTable>", into = "Vec<LeadTimeTable>")]
pub struct LeadTimes(Vec<LeadTimeTable>);

impl LeadTimes {
    /// The table in force on a date; before the first one, the first.
    pub fn on(&self, date: NaiveDate) -> &LeadTimeTable {
        let begun = self.0.partition_point(|table| table.effective_from <= date);
        &self.0[begun.saturating_sub(1)]
    }

    /// Every table, in the order of their dates.
    pub fn tables(&self) -> &[LeadTimeTable] {
        &self.0
    }
}

impl From<LeadTimes> for Vec<LeadTimeTable> {
    fn from(times: LeadTimes) -> Self {
        times.0
    }
}

impl TryFrom<Vec<LeadTimeTable>> for LeadTimes {
    type Error = Invalid;

    fn try_from(tables: Vec<LeadTimeTable>) -> Result<Self, Invalid> {
        let refused = |code, detail: String, expected: &str| Err(Invalid::new(code, detail, expected));
        if tables.is_empty() || tables.len() > TABLES_MAX || tables.iter().any(|it| it.rows.len() > ROWS_MAX)
        {
            let expected = "1 to 120 tables of at most 50 rows";
            return refused("lead_times_size", "too many or too few tables or rows".to_owned(), expected);
        }
        if !tables.is_sorted_by(|a, b| a.effective_from < b.effective_from) {
            let expected = "tables in the order of their dates, no two from the same date";
            return refused("lead_times_order", "the tables are out of order".to_owned(), expected);
        }
        match tables.iter().find_map(|table| table.gap().map(|shape| (table.effective_from, shape))) {
            Some((from, shape)) => {
                let detail = format!("the table from {from} has no row for {shape:?}");
                refused("lead_times_gap", detail, "a row for every shape of port")
            }
            None => Ok(Self(tables)),
        }
    }
}

/// How many hours before its window a port can last be changed or cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutOffHours {
    /// For a single line.
    pub single_line: u32,
    /// For a multi line.
    pub multi_line: u32,
    /// For any subsequent port.
    pub subsequent: u32,
}

impl CutOffHours {
    /// Whether every figure is one that a calendar can hold.
    pub(crate) fn are_sound(&self) -> bool {
        [self.single_line, self.multi_line, self.subsequent].iter().all(|hours| *hours <= HOURS_MAX)
    }

    /// The time before the window: the strictest that applies.
    pub fn cut_off(&self, class: PortClass, route: PortRoute) -> TimeDelta {
        let by_class = match class {
            PortClass::SingleLine => self.single_line,
            PortClass::MultiLine => self.multi_line,
        };
        let by_route = match route {
            PortRoute::Provide => 0,
            PortRoute::Subsequent => self.subsequent,
        };
        TimeDelta::hours(by_class.max(by_route).into())
    }
}

/// How many hours the losing provider has to answer before it is overdue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverdueHours {
    /// For a single line.
    pub single_line: u32,
    /// For a multi line.
    pub multi_line: u32,
}

impl OverdueHours {
    /// Whether every figure is one that a calendar can hold.
    pub(crate) fn are_sound(&self) -> bool {
        [self.single_line, self.multi_line].iter().all(|hours| *hours <= HOURS_MAX)
    }

    /// The time to answer.
    pub fn overdue(&self, class: PortClass) -> TimeDelta {
        let hours = match class {
            PortClass::SingleLine => self.single_line,
            PortClass::MultiLine => self.multi_line,
        };
        TimeDelta::hours(hours.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    const SINGLE: PortShape = PortShape {
        class: PortClass::SingleLine,
        numbers: 1,
        has_range: false,
        complex: false,
        geographic: true,
        simultaneous: 1,
    };
    const MULTI: PortShape = PortShape { class: PortClass::MultiLine, numbers: 2, ..SINGLE };

    fn days(shape: &PortShape) -> (u32, u32) {
        let rules = Rules::bundled();
        let table = rules.lead_times().on("2026-06-01".parse().unwrap());
        let days = |route| table.look_up(shape, route).working_days;
        (days(PortRoute::Provide), days(PortRoute::Subsequent))
    }

    #[test]
    fn every_published_row_is_found() {
        assert_eq!(days(&SINGLE), (4, 7));
        assert_eq!(days(&PortShape { simultaneous: 10, ..SINGLE }), (4, 7));
        assert_eq!(days(&PortShape { simultaneous: 11, ..SINGLE }), (14, 17));
        assert_eq!(days(&MULTI), (7, 10));
        assert_eq!(days(&PortShape { has_range: true, ..MULTI }), (10, 13));
        assert_eq!(days(&PortShape { complex: true, has_range: true, ..MULTI }), (22, 25));
        assert_eq!(days(&PortShape { geographic: false, ..SINGLE }), (7, 10));
        assert_eq!(days(&PortShape { geographic: false, has_range: true, numbers: 200, ..MULTI }), (7, 10));
    }

    #[test]
    fn exactly_30_31_150_and_151_numbers() {
        for (numbers, expected) in
            [(29, (7, 10)), (30, (10, 13)), (31, (10, 13)), (150, (10, 13)), (151, (17, 20))]
        {
            assert_eq!(days(&PortShape { numbers, ..MULTI }), expected, "{numbers}");
        }
        assert_eq!(
            days(&PortShape { numbers: 151, has_range: true, ..MULTI }),
            (17, 20),
            "a range never shortens"
        );
    }

    #[test]
    fn the_strictest_cut_off_applies() {
        let rules = Rules::bundled();
        let hours = |class, route| rules.cut_off(class, route).num_hours();
        assert_eq!(hours(PortClass::SingleLine, PortRoute::Provide), 24);
        assert_eq!(hours(PortClass::MultiLine, PortRoute::Provide), 48);
        assert_eq!(hours(PortClass::SingleLine, PortRoute::Subsequent), 72);
        assert_eq!(rules.overdue(PortClass::MultiLine).num_hours(), 48);
    }

    #[test]
    fn a_table_that_leaves_a_port_without_a_lead_time_is_refused() {
        let table = r#"[{"effective_from":"2024-01-01","source":"test","rows":[
            {"slug":"small","numbers_max":29,"provide":7,"subsequent":10},
            {"slug":"large","numbers_min":31,"provide":9,"subsequent":12}]}]"#;
        let why = serde_json::from_str::<LeadTimes>(table).unwrap_err().to_string();
        assert!(why.contains("numbers: 30"), "{why}");
    }

    #[test]
    fn the_table_in_force_is_the_last_that_has_begun() {
        let table = |from: &str, days: u32| {
            format!(
                r#"{{"effective_from":"{from}","source":"test","rows":[{{"slug":"all","provide":{days},"subsequent":{days}}}]}}"#
            )
        };
        let (old, new) = (table("2026-01-01", 4), table("2026-07-01", 3));
        let times: LeadTimes = serde_json::from_str(&format!("[{old},{new}]")).unwrap();
        let on =
            |date: &str| times.on(date.parse().unwrap()).look_up(&SINGLE, PortRoute::Provide).working_days;
        assert_eq!([on("2025-01-01"), on("2026-06-30"), on("2026-07-01")], [4, 4, 3]);
        assert!(serde_json::from_str::<LeadTimes>(&format!("[{new},{old}]")).is_err());
        assert!(serde_json::from_str::<LeadTimes>("[]").is_err());
    }
}
