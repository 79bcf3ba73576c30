//! Working days: Monday to Friday without the bank holidays of England and Wales.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc, Weekday};
use serde::{Deserialize, Serialize};

use super::{london, london_civil, london_date};
use crate::invalid::Invalid;

/// What is submitted before this time in London counts from the same day (industry porting process).
pub const DAY_ZERO_ENDS: NaiveTime = NaiveTime::from_hms_opt(13, 0, 0).expect("13:00 is a time");

/// Most bank holidays in one calendar: eight a year and the odd coronation, for a century.
const HOLIDAYS_MAX: usize = 1_000;

/// The calendar of working days, from its first date to its last.
///
/// It refuses to count beyond: a guessed holiday would be a broken promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Calendar", into = "Calendar")]
pub struct WorkingDays(Calendar);

/// The calendar as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calendar {
    source: String,
    division: String,
    first: NaiveDate,
    last: NaiveDate,
    bank_holidays: BTreeMap<NaiveDate, String>,
}

/// A date lies outside the calendar that is loaded, so nobody knows whether it is a working day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the working-day calendar runs from {first} to {last} and does not cover {date}")]
pub struct BeyondCalendar {
    /// The date that was asked for, or the first one reached outside.
    pub date: NaiveDate,
    /// The first date of the calendar.
    pub first: NaiveDate,
    /// The last date of the calendar.
    pub last: NaiveDate,
}

impl WorkingDays {
    /// The first date of the calendar.
    pub fn first(&self) -> NaiveDate {
        self.0.first
    }

    /// The last date of the calendar.
    pub fn last(&self) -> NaiveDate {
        self.0.last
    }

    /// Whether the calendar knows this date.
    pub fn covers(&self, date: NaiveDate) -> bool {
        (self.0.first..=self.0.last).contains(&date)
    }

    /// The name of the bank holiday on this date.
    pub fn bank_holiday(&self, date: NaiveDate) -> Option<&str> {
        self.0.bank_holidays.get(&date).map(String::as_str)
    }

    /// Whether people work on this date.
    pub fn is_working_day(&self, date: NaiveDate) -> Result<bool, BeyondCalendar> {
        if !self.covers(date) {
            return Err(BeyondCalendar { date, first: self.0.first, last: self.0.last });
        }
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        Ok(!weekend && !self.0.bank_holidays.contains_key(&date))
    }

    /// The `n`th working day after a date; the date itself if `n` is zero.
    pub fn add(&self, date: NaiveDate, n: u32) -> Result<NaiveDate, BeyondCalendar> {
        self.walk(date, n, |date| date.checked_add_days(Days::new(1)))
    }

    /// The `n`th working day before a date; the date itself if `n` is zero.
    pub fn subtract(&self, date: NaiveDate, n: u32) -> Result<NaiveDate, BeyondCalendar> {
        self.walk(date, n, |date| date.checked_sub_days(Days::new(1)))
    }

    /// The end, in London, of the n-th working day after today: whoever has n days may use all of the last one.
    pub fn end_of_working_day(&self, at: DateTime<Utc>, n: u32) -> Result<DateTime<Utc>, BeyondCalendar> {
        let last = self.add(london_date(at), n)?;
        Ok(london(last + Days::new(1), NaiveTime::MIN))
    }

    /// The day from which lead times count: today if it is a working day and not yet 13:00:00 in London, else the next one.
    pub fn day_zero(&self, at: DateTime<Utc>) -> Result<NaiveDate, BeyondCalendar> {
        let civil = london_civil(at);
        if self.is_working_day(civil.date())? && civil.time() < DAY_ZERO_ENDS {
            Ok(civil.date())
        } else {
            self.add(civil.date(), 1)
        }
    }

    /// Goes day by day until `n` working days are behind; the edge of the calendar ends every walk.
    fn walk(
        &self,
        date: NaiveDate,
        n: u32,
        step: impl Fn(NaiveDate) -> Option<NaiveDate>,
    ) -> Result<NaiveDate, BeyondCalendar> {
        let beyond = |date| BeyondCalendar { date, first: self.0.first, last: self.0.last };
        if !self.covers(date) {
            return Err(beyond(date));
        }
        let (mut date, mut left) = (date, n);
        while left > 0 {
            date = step(date).ok_or_else(|| beyond(date))?;
            left -= u32::from(self.is_working_day(date)?);
        }
        Ok(date)
    }
}

impl From<WorkingDays> for Calendar {
    fn from(days: WorkingDays) -> Self {
        days.0
    }
}

impl TryFrom<Calendar> for WorkingDays {
    type Error = Invalid;

    fn try_from(calendar: Calendar) -> Result<Self, Invalid> {
        if calendar.bank_holidays.len() > HOLIDAYS_MAX {
            let expected = format!("at most {HOLIDAYS_MAX} bank holidays");
            return Err(Invalid::new("calendar_too_large", "the calendar is too long", expected));
        }
        let days = Self(calendar);
        if days.first() > days.last() || !days.0.bank_holidays.keys().all(|date| days.covers(*date)) {
            let expected = "bank holidays from the first date to the last";
            return Err(Invalid::new(
                "calendar_bounds",
                "the calendar does not cover its holidays",
                expected,
            ));
        }
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::Rules;
    use crate::testing::values::an_instant;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn day_zero(at: &str) -> String {
        Rules::bundled().calendar().day_zero(at.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_industrys_check_values_hold() {
        let rules = Rules::bundled();
        let days = rules.calendar();
        assert_eq!(days.add(day("2026-12-24"), 4), Ok(day("2027-01-04")), "across Christmas");
        assert_eq!(days.add(day("2026-04-02"), 4), Ok(day("2026-04-10")), "across Easter");
        assert_eq!(days.add(day("2026-05-01"), 22), Ok(day("2026-06-04")), "across two bank holidays");
        assert_eq!(days.subtract(day("2027-01-04"), 4), Ok(day("2026-12-24")));
    }

    #[test]
    fn day_zero_turns_at_one_in_london() {
        assert_eq!(day_zero("2026-01-16T12:59:59Z"), "2026-01-16", "Friday, before one");
        assert_eq!(day_zero("2026-01-16T13:00:00Z"), "2026-01-19", "Friday, at one");
        assert_eq!(day_zero("2026-01-16T13:01:00Z"), "2026-01-19", "Friday, after one");
        assert_eq!(day_zero("2026-01-17T12:59:00Z"), "2026-01-19", "Saturday, before one");
        assert_eq!(day_zero("2026-01-17T13:01:00Z"), "2026-01-19", "Saturday, after one");
        assert_eq!(day_zero("2026-07-17T11:59:00Z"), "2026-07-17", "12:59 in summer");
        assert_eq!(day_zero("2026-07-17T12:01:00Z"), "2026-07-20", "13:01 in summer");
        assert_eq!(day_zero("2026-07-12T23:30:00Z"), "2026-07-13", "already Monday in London");
    }

    #[test]
    fn nothing_is_counted_beyond_the_calendar() {
        let rules = Rules::bundled();
        let days = rules.calendar();
        assert!(days.add(days.last(), 1).is_err());
        assert!(days.subtract(days.first(), 1).is_err());
        assert_eq!(days.add(days.last(), 0), Ok(days.last()));
        assert!(days.add(day("2099-01-01"), 0).is_err());
        assert!(days.is_working_day(day("2023-12-31")).is_err());
    }

    /// Easter Sunday by the algorithm of Meeus, Jones and Butcher.
    fn easter(year: i32) -> NaiveDate {
        let (golden, century, rest) = (year % 19, year / 100, year % 100);
        let moon = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
        let week = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
        let n = moon + week - 7 * ((golden + 11 * moon + 22 * week) / 451) + 114;
        NaiveDate::from_ymd_opt(year, (n / 31).try_into().unwrap(), (n % 31 + 1).try_into().unwrap()).unwrap()
    }

    #[test]
    fn the_bundled_holidays_are_those_the_law_implies() {
        let rules = Rules::bundled();
        let next_free = |mut date: NaiveDate, taken: &[NaiveDate]| {
            while matches!(date.weekday(), Weekday::Sat | Weekday::Sun) || taken.contains(&date) {
                date = date + Days::new(1);
            }
            date
        };
        let monday_on_or_after = |year, month, first| {
            let date = NaiveDate::from_ymd_opt(year, month, first).unwrap();
            date + Days::new(u64::from((7 - date.weekday().num_days_from_monday()) % 7))
        };
        let mut expected = vec![];
        for year in 2024..=2028 {
            let fixed = |month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
            let christmas = next_free(fixed(12, 25), &[]);
            // A Christmas moved from the weekend goes behind Boxing Day, whichever of the two moved first.
            let boxing = next_free(fixed(12, 26), &[christmas]);
            expected.extend([
                next_free(fixed(1, 1), &[]),
                easter(year) - Days::new(2),
                easter(year) + Days::new(1),
                monday_on_or_after(year, 5, 1),
                monday_on_or_after(year, 5, 25),
                monday_on_or_after(year, 8, 25),
                christmas,
                boxing,
            ]);
        }
        let bundled: Vec<_> = rules.calendar().0.bank_holidays.keys().copied().collect();
        assert_eq!(bundled, expected);
    }

    proptest! {
        #[test]
        fn adding_and_taking_away_meet_again(at in an_instant(), n in 0u32..60) {
            let rules = Rules::bundled();
            let days = rules.calendar();
            let start = days.day_zero(at).unwrap();
            let end = days.add(start, n).unwrap();
            prop_assert_eq!(days.subtract(end, n), Ok(start));
            prop_assert!(days.is_working_day(end).unwrap());
        }

        #[test]
        fn day_zero_never_falls(a in an_instant(), b in an_instant()) {
            let rules = Rules::bundled();
            let (early, late) = (a.min(b), a.max(b));
            prop_assert!(rules.calendar().day_zero(early).unwrap() <= rules.calendar().day_zero(late).unwrap());
        }
    }
}
