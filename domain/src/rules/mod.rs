//! The rules by which decisions are made: calendar, lead times, cut-offs, limits and catalogue, under one version.
//!
//! A decision gets the rules as an argument and its event names their version, so an auditor can decide it again.
//! Absent: when the rules change. The operator loads others; callers share one set behind an `Arc`.

mod limits;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use limits::Limits;

use crate::calendar::{BeyondCalendar, PortWindow, WorkingDays, london, london_civil};
use crate::catalogue::Catalogue;
use crate::invalid::Invalid;
use crate::lead_time::{
    CutOffHours, HOURS_MAX, LeadTime, LeadTimes, OverdueHours, PortClass, PortRoute, PortShape,
};
use crate::text::{made_of, text_value};

/// Longest rules document: room for a century of holidays and a thousand products of each kind.
pub const RULES_TEXT_MAX: usize = 1_000_000;

const VERSION_PREFIX: &str = "r1-";
const VERSION_HEX_LEN: usize = 16;

text_value! {
    /// Names the exact content of a set of rules: `r1-` and the first 16 hex digits of its SHA-256.
    RulesVersion <- rules_version
}

/// Everything that decides and is not code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    document: RulesDocument,
    version: RulesVersion,
}

/// The rules as one document. The order of its fields is part of the version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesDocument {
    lead_times: LeadTimes,
    cut_off_hours: CutOffHours,
    overdue_hours: OverdueHours,
    limits: Limits,
    calendar: WorkingDays,
    catalogue: Catalogue,
}

/// The earliest date on which a port can happen, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarliestPortDate {
    /// The working day from which the lead time counts.
    pub day_zero: NaiveDate,
    /// The row of the table and its working days.
    pub lead_time: LeadTime,
    /// The earliest date.
    pub date: NaiveDate,
}

impl Rules {
    /// The rules that come with the crate.
    ///
    /// # Panics
    /// Never: a test reads the same files.
    pub fn bundled() -> Self {
        let read =
            |text| serde_json::from_str::<serde_json::Value>(text).expect("the bundled files are tested");
        let mut document = read(include_str!("../../data/rules.json"));
        document["calendar"] = read(include_str!("../../data/bank-holidays.json"));
        document["catalogue"] = read(include_str!("../../data/catalogue.json"));
        Self::from_json(&document.to_string()).expect("the bundled rules are tested")
    }

    /// Reads a rules document as [`Rules::to_json`] writes it.
    pub fn from_json(text: &str) -> Result<Self, Invalid> {
        let expected = "a rules document: lead times, cut-offs, limits, calendar and catalogue";
        if text.len() > RULES_TEXT_MAX {
            let detail = format!("the document is longer than {RULES_TEXT_MAX} bytes");
            return Err(Invalid::new("rules_too_long", detail, expected));
        }
        let document: RulesDocument = serde_json::from_str(text)
            .map_err(|why| Invalid::new("rules_malformed", why.to_string(), expected))?;
        document.limits.check()?;
        if !document.cut_off_hours.are_sound() || !document.overdue_hours.are_sound() {
            let expected = format!("at most {HOURS_MAX} hours");
            return Err(Invalid::new(
                "rules_hours_too_many",
                "a cut-off or answer time is too long",
                expected,
            ));
        }
        let version = version_of(&document);
        Ok(Self { document, version })
    }

    /// The whole document in its canonical form, over which the version is computed.
    pub fn to_json(&self) -> String {
        canonical(&self.document)
    }

    /// The version of exactly this content.
    pub fn version(&self) -> &RulesVersion {
        &self.version
    }

    /// The working days.
    pub fn calendar(&self) -> &WorkingDays {
        &self.document.calendar
    }

    /// The dated lead-time tables.
    pub fn lead_times(&self) -> &LeadTimes {
        &self.document.lead_times
    }

    /// The bounds and periods.
    pub fn limits(&self) -> &Limits {
        &self.document.limits
    }

    /// The products.
    pub fn catalogue(&self) -> &Catalogue {
        &self.document.catalogue
    }

    /// How long before its window a port can last be changed or cancelled.
    pub fn cut_off(&self, class: PortClass, route: PortRoute) -> TimeDelta {
        self.document.cut_off_hours.cut_off(class, route)
    }

    /// How long the losing provider has to answer.
    pub fn overdue(&self, class: PortClass) -> TimeDelta {
        self.document.overdue_hours.overdue(class)
    }

    /// The earliest date for a port that is submitted at an instant.
    ///
    /// Under one lead-time table it never falls as the instant rises.
    pub fn earliest_port_date(
        &self,
        shape: &PortShape,
        route: PortRoute,
        at: DateTime<Utc>,
    ) -> Result<EarliestPortDate, BeyondCalendar> {
        let day_zero = self.calendar().day_zero(at)?;
        let lead_time = self.lead_times().on(day_zero).look_up(shape, route);
        let date = self.calendar().add(day_zero, lead_time.working_days)?;
        Ok(EarliestPortDate { day_zero, lead_time, date })
    }

    /// When the reseller is told that something is about to end: some working days before, at the same time of day in
    /// London. Nothing where that is not after its beginning, since whoever began it was told its end.
    pub fn announce_at(&self, begins: DateTime<Utc>, ends: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (civil, days) = (london_civil(ends), self.limits().expiry_notice_working_days);
        // Where nobody knows the holidays yet, plain days do: a reminder at a weekend breaks no promise.
        let plainly = |_| civil.date().checked_sub_days(Days::new(days.into()));
        let date = self.calendar().subtract(civil.date(), days).map_or_else(plainly, Some)?;
        Some(london(date, civil.time())).filter(|at| *at > begins)
    }

    /// The last instant at which a port with this window can be changed or cancelled.
    ///
    /// The hours are those of the clock on the wall: 24 before a window at nine is nine o'clock the day before,
    /// also when the clocks change that night.
    pub fn cut_off_at(&self, shape: &PortShape, route: PortRoute, window: &PortWindow) -> DateTime<Utc> {
        let civil = window.opens_civil() - self.cut_off(shape.class, route);
        london(civil.date(), civil.time())
    }
}

fn canonical(document: &RulesDocument) -> String {
    serde_json::to_string(document).expect("the document has only text, numbers and text keys")
}

fn version_of(document: &RulesDocument) -> RulesVersion {
    let digest = format!("{:x}", Sha256::digest(canonical(document)));
    RulesVersion(format!("{VERSION_PREFIX}{}", &digest[..VERSION_HEX_LEN]))
}

fn rules_version(text: &str) -> Result<String, Invalid> {
    const EXPECTED: &str = "r1- and 16 hex digits";
    let Some(hex) = text.strip_prefix(VERSION_PREFIX) else {
        return Err(Invalid::new("rules_version_prefix", "the prefix is missing", EXPECTED));
    };
    let is_hex = |c| matches!(c, '0'..='9' | 'a'..='f');
    made_of("rules_version", hex, (VERSION_HEX_LEN, VERSION_HEX_LEN), is_hex, EXPECTED)?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::values::{a_port_route, a_port_shape, an_instant};

    const SINGLE_LINE: PortShape = PortShape {
        class: PortClass::SingleLine,
        numbers: 1,
        has_range: false,
        complex: false,
        geographic: true,
        simultaneous: 1,
    };

    fn earliest(at: &str) -> String {
        let rules = Rules::bundled();
        let found = rules.earliest_port_date(&SINGLE_LINE, PortRoute::Provide, at.parse().unwrap()).unwrap();
        found.date.to_string()
    }

    #[test]
    fn lead_time_across_christmas_and_easter() {
        assert_eq!(earliest("2026-12-24T12:59:00Z"), "2027-01-04");
        assert_eq!(earliest("2026-12-24T13:01:00Z"), "2027-01-05");
        assert_eq!(earliest("2026-04-02T11:59:00Z"), "2026-04-10");
        let complex = PortShape { complex: true, class: PortClass::MultiLine, numbers: 5, ..SINGLE_LINE };
        let at = "2026-05-01T09:00:00Z".parse().unwrap();
        let found = Rules::bundled().earliest_port_date(&complex, PortRoute::Provide, at).unwrap();
        assert_eq!(
            (found.date.to_string().as_str(), found.lead_time.row.as_str()),
            ("2026-06-04", "complex")
        );
    }

    #[test]
    fn a_submission_at_1259_and_at_1301_on_a_friday_and_a_saturday() {
        assert_eq!(earliest("2026-01-16T12:59:00Z"), "2026-01-22", "Friday, before one");
        assert_eq!(earliest("2026-01-16T13:01:00Z"), "2026-01-23", "Friday, after one");
        assert_eq!(earliest("2026-01-17T12:59:00Z"), "2026-01-23", "Saturday, before one");
        assert_eq!(earliest("2026-01-17T13:01:00Z"), "2026-01-23", "Saturday, after one");
    }

    #[test]
    fn on_dst_weekends_the_cut_off_keeps_its_local_time() {
        let rules = Rules::bundled();
        let cut_off = |date: &str, route| {
            let window = PortWindow::parse(date, "09:00", "17:00").unwrap();
            rules.cut_off_at(&SINGLE_LINE, route, &window).to_rfc3339()
        };
        assert_eq!(cut_off("2026-03-29", PortRoute::Provide), "2026-03-28T09:00:00+00:00");
        assert_eq!(cut_off("2026-10-26", PortRoute::Provide), "2026-10-25T09:00:00+00:00");
        assert_eq!(cut_off("2026-10-26", PortRoute::Subsequent), "2026-10-23T08:00:00+00:00");
    }

    #[test]
    fn an_end_is_announced_two_working_days_before_at_the_same_time_of_day() {
        let announced = |begins: &str, ends: &str| {
            let (begins, ends) = (begins.parse().unwrap(), ends.parse().unwrap());
            Rules::bundled().announce_at(begins, ends).map(|at| at.to_rfc3339())
        };
        let on = |at: &str| Some(at.to_owned());
        let begins = "2026-01-01T09:00:00Z";
        assert_eq!(announced(begins, "2026-06-15T10:00:00Z"), on("2026-06-11T10:00:00+00:00"), "a weekend");
        assert_eq!(announced(begins, "2026-06-14T10:00:00Z"), on("2026-06-11T10:00:00+00:00"), "on a Sunday");
        assert_eq!(announced(begins, "2026-04-07T10:00:00Z"), on("2026-04-01T10:00:00+00:00"), "Easter");
        assert_eq!(
            announced(begins, "2026-03-30T08:00:00Z"),
            on("2026-03-26T09:00:00+00:00"),
            "clocks go on"
        );
        assert_eq!(announced(begins, "2029-01-31T10:00:00Z"), on("2029-01-29T10:00:00+00:00"), "no calendar");
        assert_eq!(announced("2026-06-11T10:00:00Z", "2026-06-15T10:00:00Z"), None, "it begins no sooner");
    }

    #[test]
    fn the_version_is_that_of_the_content() {
        let rules = Rules::bundled();
        let again = Rules::from_json(&rules.to_json()).unwrap();
        assert_eq!(rules, again);
        assert_eq!(RulesVersion::parse(rules.version().as_str()).as_ref(), Ok(rules.version()));
        let changed = rules.to_json().replace("\"reservation_days\":14", "\"reservation_days\":15");
        assert_ne!(Rules::from_json(&changed).unwrap().version(), rules.version());
    }

    #[test]
    fn a_document_with_something_unknown_or_missing_is_refused() {
        let json = Rules::bundled().to_json();
        for bad in [
            String::new(),
            "{}".to_owned(),
            json.replace("\"reservation_days\"", "\"reservation_day\""),
            json.replace("\"order_lines_max\":10000", "\"order_lines_max\":0"),
            json.replace("\"order_lines_max\":10000", "\"order_lines_max\":10001"),
            json.replace("\"company_numbers_max\":20000", "\"company_numbers_max\":20001"),
            json.replace("\"reservation_days\":14", "\"reservation_days\":4000000000"),
            json.replace("\"quarantine_days\":31", "\"quarantine_days\":30"),
            json.replace("\"subsequent\":72", "\"subsequent\":4000000000"),
            json.replace("\"2024-01-01\":\"New", "\"1999-01-01\":\"New"),
        ] {
            assert!(Rules::from_json(&bad).is_err(), "{}", &bad[..bad.len().min(80)]);
        }
        assert_eq!(Rules::from_json(&" ".repeat(RULES_TEXT_MAX + 1)).unwrap_err().code, "rules_too_long");
    }

    proptest! {
        #[test]
        fn the_earliest_date_never_falls_as_submission_time_rises(
            shape in a_port_shape(), route in a_port_route(), a in an_instant(), minutes in 0i64..20_000,
        ) {
            let rules = Rules::bundled();
            let (early, late) = (a, a + TimeDelta::minutes(minutes));
            let date = |at| rules.earliest_port_date(&shape, route, at).unwrap().date;
            prop_assert!(date(early) <= date(late));
        }

        #[test]
        fn a_subsequent_port_never_comes_sooner(shape in a_port_shape(), at in an_instant()) {
            let rules = Rules::bundled();
            let date = |route| rules.earliest_port_date(&shape, route, at).unwrap().date;
            prop_assert!(date(PortRoute::Provide) < date(PortRoute::Subsequent));
        }
    }
}
