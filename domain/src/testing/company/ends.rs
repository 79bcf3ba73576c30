//! When the ends of a qualification and of reservations are announced, as the model has it: two working days before, at
//! the same time of day in London.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Utc};
use chrono_tz::Europe::London;

use crate::{calendar::london, ids::ReservationId, testing::machine::rules_naming};

/// What is still to be announced, and when: the ends of reservations, and under none that of the qualification.
#[derive(Clone, Debug, Default)]
pub struct Announcements(BTreeMap<Option<ReservationId>, DateTime<Utc>>);

impl Announcements {
    /// Something begins, or is extended.
    pub(super) fn set(
        &mut self,
        of: Option<ReservationId>,
        begins: DateTime<Utc>,
        ends: Option<DateTime<Utc>>,
    ) {
        self.0.remove(&of);
        let due = ends.map(two_working_days_before).filter(|due| *due > begins);
        self.0.extend(due.map(|due| (of, due)));
    }

    /// It ended, or its end was announced.
    pub(super) fn forget(&mut self, of: Option<ReservationId>) {
        self.0.remove(&of);
    }

    /// Announces an end, if it is time for that, and not too late.
    pub(super) fn announce(
        &mut self,
        of: Option<ReservationId>,
        ends: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) -> bool {
        ends.is_some_and(|ends| at < ends) && self.0.remove(&of).is_some_and(|due| due <= at)
    }

    /// When the end of something is announced.
    pub fn due(&self, of: Option<ReservationId>) -> Option<DateTime<Utc>> {
        self.0.get(&of).copied()
    }
}

fn two_working_days_before(ends: DateTime<Utc>) -> DateTime<Utc> {
    let civil = ends.with_timezone(&London).naive_local();
    let rules = rules_naming(2);
    let mut date = civil.date();
    for _ in 0..2 {
        date = date - Days::new(1);
        // Beyond the calendar every day counts.
        while rules.calendar().is_working_day(date) == Ok(false) {
            date = date - Days::new(1);
        }
    }
    london(date, civil.time())
}
