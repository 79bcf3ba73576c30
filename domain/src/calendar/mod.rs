//! Time as the trade counts it: civil time in Europe/London, working days, port windows.
//!
//! Absent: the clock. Every instant is an argument.

mod port_window;
mod working_days;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Europe::London;

pub use port_window::PortWindow;
pub use working_days::{BeyondCalendar, DAY_ZERO_ENDS, WorkingDays};

/// The instant at which clocks in London show this date and time.
///
/// A time that is shown twice, in autumn, means the first; one that is skipped, in spring, means the end of the gap.
/// So a later civil time is never an earlier instant.
pub fn london(date: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let civil = date.and_time(time);
    match London.from_local_datetime(&civil) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        // The gap is the hour from 01:00 UTC, so the hour that was asked for is, in UTC, where the gap ends.
        LocalResult::None => date.and_time(hour_of(time)).and_utc(),
    }
}

/// The date in London at an instant.
pub fn london_date(at: DateTime<Utc>) -> NaiveDate {
    london_civil(at).date()
}

/// What clocks in London show at an instant.
pub fn london_civil(at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&London).naive_local()
}

fn hour_of(time: NaiveTime) -> NaiveTime {
    NaiveTime::from_hms_opt(time.hour(), 0, 0).expect("every hour has a beginning")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: &str, time: &str) -> String {
        london(date.parse().unwrap(), time.parse().unwrap()).to_rfc3339()
    }

    #[test]
    fn the_civil_time_stands_on_both_sides_of_a_clock_change() {
        assert_eq!(at("2026-03-28", "09:00:00"), "2026-03-28T09:00:00+00:00");
        assert_eq!(at("2026-03-29", "09:00:00"), "2026-03-29T08:00:00+00:00");
        assert_eq!(at("2026-10-24", "09:00:00"), "2026-10-24T08:00:00+00:00");
        assert_eq!(at("2026-10-25", "09:00:00"), "2026-10-25T09:00:00+00:00");
    }

    #[test]
    fn a_skipped_time_is_the_end_of_the_gap_and_a_doubled_one_the_first() {
        assert_eq!(at("2026-03-29", "01:30:00"), "2026-03-29T01:00:00+00:00");
        assert_eq!(at("2026-03-29", "02:00:00"), "2026-03-29T01:00:00+00:00");
        assert_eq!(at("2026-10-25", "01:30:00"), "2026-10-25T00:30:00+00:00");
    }
}
