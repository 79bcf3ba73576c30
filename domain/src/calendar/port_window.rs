//! The stretch of one day in which a port may be activated.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use serde::{Deserialize, Serialize};

use super::london;
use crate::invalid::Invalid;

const EXPECTED: &str = "a date such as 2026-12-24 and two times such as 09:00 and 17:00, in London";

/// Years in which time arithmetic is sound and a port is conceivable.
const WINDOW_YEARS: std::ops::RangeInclusive<i32> = 2000..=2999;

/// A window for a port: a date and two civil times in Europe/London, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "WindowText", into = "WindowText")]
pub struct PortWindow {
    date: NaiveDate,
    from: NaiveTime,
    to: NaiveTime,
}

/// The window as stored: text that people can read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowText {
    date: String,
    from: String,
    to: String,
}

impl PortWindow {
    /// A window that opens before it closes, also by the clock on the wall when the hour changes.
    pub fn new(date: NaiveDate, from: NaiveTime, to: NaiveTime) -> Result<Self, Invalid> {
        let whole_minute = |time: NaiveTime| time.second() == 0 && time.nanosecond() == 0;
        if !whole_minute(from) || !whole_minute(to) {
            return Err(Invalid::new("port_window_seconds", "the times are not whole minutes", EXPECTED));
        }
        if !WINDOW_YEARS.contains(&date.year()) {
            return Err(Invalid::new("port_window_year", "no port can be in that year", EXPECTED));
        }
        let window = Self { date, from, to };
        if from >= to || window.opens_at() >= window.closes_at() {
            return Err(Invalid::new("port_window_empty", "the window closes before it opens", EXPECTED));
        }
        Ok(window)
    }

    /// Reads the three texts that are stored: date, opening time, closing time.
    pub fn parse(date: &str, from: &str, to: &str) -> Result<Self, Invalid> {
        let malformed = |_| Invalid::new("port_window_malformed", "not a date with two times", EXPECTED);
        let time = |text| NaiveTime::parse_from_str(text, "%H:%M").map_err(malformed);
        let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(malformed)?;
        Self::new(date, time(from)?, time(to)?)
    }

    /// The day of the port.
    pub fn date(&self) -> NaiveDate {
        self.date
    }

    /// The time of day at which it opens.
    pub fn from(&self) -> NaiveTime {
        self.from
    }

    /// The time of day at which it closes.
    pub fn to(&self) -> NaiveTime {
        self.to
    }

    /// The first instant of the window.
    pub fn opens_at(&self) -> DateTime<Utc> {
        london(self.date, self.from)
    }

    /// The instant at which the window is over.
    pub fn closes_at(&self) -> DateTime<Utc> {
        london(self.date, self.to)
    }

    /// Whether the window is open at an instant.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        (self.opens_at()..self.closes_at()).contains(&at)
    }

    pub(crate) fn opens_civil(&self) -> NaiveDateTime {
        self.date.and_time(self.from)
    }
}

impl From<PortWindow> for WindowText {
    fn from(window: PortWindow) -> Self {
        let time = |time: NaiveTime| time.format("%H:%M").to_string();
        Self { date: window.date.to_string(), from: time(window.from), to: time(window.to) }
    }
}

impl TryFrom<WindowText> for PortWindow {
    type Error = Invalid;

    fn try_from(text: WindowText) -> Result<Self, Invalid> {
        Self::parse(&text.date, &text.from, &text.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_stored_as_it_is_read() {
        let text = r#"{"date":"2026-12-24","from":"09:00","to":"12:30"}"#;
        let window: PortWindow = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&window).unwrap(), text);
    }

    #[test]
    fn on_dst_weekends_the_window_keeps_its_local_times() {
        let spring = PortWindow::parse("2026-03-29", "09:00", "17:00").unwrap();
        assert_eq!(spring.opens_at().to_rfc3339(), "2026-03-29T08:00:00+00:00");
        let autumn = PortWindow::parse("2026-10-25", "00:30", "02:30").unwrap();
        assert_eq!((autumn.closes_at() - autumn.opens_at()).num_hours(), 3);
        assert!(autumn.is_open(autumn.opens_at()) && !autumn.is_open(autumn.closes_at()));
    }

    #[test]
    fn a_window_that_never_opens_is_refused() {
        for (date, from, to, code) in [
            ("2026-12-24", "09:00", "09:00", "port_window_empty"),
            ("2026-12-24", "17:00", "09:00", "port_window_empty"),
            ("2026-03-29", "01:00", "02:00", "port_window_empty"),
            ("-262143-01-01", "09:00", "17:00", "port_window_year"),
            ("2026-02-29", "09:00", "17:00", "port_window_malformed"),
            ("2026-12-24", "9am", "17:00", "port_window_malformed"),
        ] {
            assert_eq!(PortWindow::parse(date, from, to).unwrap_err().code, code, "{date} {from} {to}");
        }
    }
}
