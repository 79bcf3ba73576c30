//! What would have ended at another time: the timers that an event set, beside those that it would have set.
//!
//! Only where both differ is something kept, until the timer is void. Under the same rules nothing is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use orderwire_domain::{
    company::events::{CompanyEvent, NumberSource},
    fact::{Fact, Happened},
    ids::StreamId,
    order::events::OrderEvent,
    port_request::events::PortEvent,
    timer::{Timer, TimerChange, TimerName, timers},
    views::table::Record as _,
};

use super::Would;

/// Timers that would have been due at another time, by stream.
#[derive(Default)]
pub(super) struct Ends(BTreeMap<StreamId, Vec<End>>);

struct End {
    timer: Timer,
    would: DateTime<Utc>,
}

impl Ends {
    /// What an event says of a timer that would have been due at another time; it is said once.
    pub(super) fn met(&mut self, fact: &Fact, fired: Option<&str>) -> Option<Would> {
        let ends = self.0.get_mut(&fact.happened.stream())?;
        let own = |end: &End| fired == Some(end.timer.key().as_str());
        let missed = |end: &End| {
            fired.is_none() && end.would <= fact.decided_at && needs(end.timer.name, &fact.happened)
        };
        let index = ends.iter().position(|end| own(end) || missed(end))?;
        let End { timer, would: at } = ends.remove(index);
        let fell_due = fired == Some(timer.key().as_str());
        let timer = timer.name.to_string();
        Some(if fell_due { Would::FallDue { timer, at } } else { Would::HaveEnded { timer, at } })
    }

    /// Takes down what an event does to timers, and what it would have done.
    pub(super) fn follow(&mut self, fact: &Fact, instead: Option<Happened>) {
        let stream = fact.happened.stream();
        let changes = timers(fact);
        if changes.is_empty() {
            return;
        }
        let would = instead.map(|happened| timers(&Fact { happened, ..fact.clone() })).unwrap_or_default();
        let ends = self.0.entry(stream).or_default();
        for change in changes {
            match change {
                TimerChange::ClearAll { name, .. } => ends.retain(|end| end.timer.name != name),
                TimerChange::Set(timer) => {
                    let due = would.iter().find_map(|change| match change {
                        TimerChange::Set(it) if it.name == timer.name => Some(it.due),
                        _ => None,
                    });
                    if let Some(would) = due.filter(|due| *due != timer.due) {
                        ends.push(End { timer, would });
                    }
                }
                TimerChange::ClearNumbers { .. } | TimerChange::Rest { .. } | TimerChange::Wake { .. } => {}
            }
        }
        if ends.is_empty() {
            self.0.remove(&stream);
        }
    }
}

/// Whether an event could not have come about once the timer had fallen due.
fn needs(timer: TimerName, happened: &Happened) -> bool {
    match (timer, happened) {
        (TimerName::DraftUntouched, Happened::Order(..))
        | (TimerName::InformationDeadline, Happened::Order(_, OrderEvent::InformationProvided { .. })) => {
            true
        }
        (TimerName::QualificationExpiry, Happened::Company(_, event)) => matches!(
            event,
            CompanyEvent::OrderOpened { .. }
                | CompanyEvent::NumbersReserved { .. }
                | CompanyEvent::QualificationExtended { .. }
        ),
        (
            TimerName::ReservationExpiry(ended),
            Happened::Company(
                _,
                CompanyEvent::NumbersCommitted { source: NumberSource::Reservation(reservation), .. },
            ),
        ) => ended == *reservation,
        (TimerName::PortGiveUp, Happened::PortRequest(_, event)) => {
            !matches!(event, PortEvent::SupplierMessageIgnored { .. } | PortEvent::PortOverdue)
        }
        _ => false,
    }
}
