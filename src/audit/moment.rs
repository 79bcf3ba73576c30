//! A moment of the log: after an event, or at a time.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use orderwire_domain::invalid::Invalid;

use super::{as_of::Place, walk};
use crate::{
    edge::{Error, Problem},
    engine::{Engine, clock, log::StoredEvent},
};

/// A moment of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After the event at this position; 0 is before the first.
    Position(u64),
    /// After the last event that was recorded by then.
    Time(DateTime<Utc>),
}

impl Moment {
    /// Whether an event had happened by then.
    pub fn includes(self, event: &StoredEvent) -> bool {
        match self {
            Self::Position(position) => event.position <= position,
            Self::Time(time) => clock::time(event.recorded_at_us) <= time,
        }
    }

    /// Whether it is no earlier than a place.
    pub fn reaches(self, place: &Place) -> bool {
        match self {
            Self::Position(position) => place.position <= position,
            Self::Time(time) => place.recorded_at <= time,
        }
    }

    /// Refuses two moments of which the first is the later one.
    pub async fn before(self, later: Self, engine: &Engine) -> Result<(), Error> {
        let swapped = match (self, later) {
            (Self::Position(from), Self::Position(to)) => from > to,
            (Self::Time(from), Self::Time(to)) => from > to,
            (Self::Position(from), to @ Self::Time(_)) => {
                walk::event(engine, from).await?.is_some_and(|event| !to.includes(&event))
            }
            // What was recorded after the last event that the first takes in, is at a later position.
            (from @ Self::Time(_), Self::Position(to)) => {
                walk::event(engine, to + 1).await?.is_some_and(|event| from.includes(&event))
            }
        };
        if !swapped {
            return Ok(());
        }
        let detail = format!("{later} is before {self}");
        Err(Error::refused(Problem::new("", "moments_swapped", detail, "the earlier moment first")))
    }

    /// Refuses a moment of which the log does not know yet.
    pub async fn check(self, engine: &Engine) -> Result<(), Error> {
        let head = engine.head().await?;
        let (recorded, now) = (clock::time(head.recorded_at_us), engine.now());
        match self {
            Self::Position(position) if position > head.position => {
                let detail = format!("the log ends at position {}", head.position);
                let expected = format!("a position up to {}", head.position);
                Err(Error::refused(Problem::new("", "position_beyond_log", detail, expected)))
            }
            // A store that somebody else's clock filled may be ahead of ours.
            Self::Time(time) if time > now.max(recorded) => {
                let detail = format!("at {} anything may have happened: it is still to come", shown(time));
                let expected = format!("a time up to {}", shown(now.max(recorded)));
                Err(Error::refused(Problem::new("", "time_to_come", detail, expected)))
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Moment {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        // A text has one of these forms; what has none is refused below, with what would be right.
        let civil = |format| NaiveDateTime::parse_from_str(text, format).ok();
        let day = || NaiveDate::from_str(text).ok().and_then(|day| day.and_hms_opt(0, 0, 0));
        let time = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
        // As the tables print it, which is in UTC.
        let time = time.or_else(|| {
            civil("%Y-%m-%d %H:%M:%S%.f")
                .or_else(|| civil("%Y-%m-%d %H:%M"))
                .or_else(day)
                .map(|it| it.and_utc())
        });
        time.map(Self::Time).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            let expected = "a position such as 1234, a time such as 2026-06-01T09:00:00Z, or a day";
            Invalid::new("moment_malformed", format!("`{shown}` is neither a position nor a time"), expected)
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(out, "position {position}"),
            Self::Time(time) => out.write_str(&shown(*time)),
        }
    }
}

/// A time as messages have it.
pub(super) fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time_in_utc() {
        let time = |text: &str| Ok(Moment::Time(text.parse().unwrap()));
        assert_eq!("12".parse(), Ok(Moment::Position(12)));
        assert_eq!("2026-06-01T10:00:00+01:00".parse(), time("2026-06-01T09:00:00Z"));
        assert_eq!("2026-06-01 09:00:00".parse(), time("2026-06-01T09:00:00Z"));
        assert_eq!("2026-06-01 09:00".parse(), time("2026-06-01T09:00:00Z"));
        assert_eq!("2026-06-01".parse(), time("2026-06-01T00:00:00Z"));
        for neither in ["", "-1", "yesterday", "2026-13-01", "1.5", "99999999999999999999"] {
            assert_eq!(neither.parse::<Moment>().unwrap_err().code, "moment_malformed", "{neither}");
        }
    }
}
