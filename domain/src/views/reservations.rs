//! Every reservation and ring-fence of every company with its numbers, also those that have ended.
//!
//! Absent: the rows of those numbers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{
    company_directory::CompanyView,
    fold::{Fault, load, load_all, require, save},
    number_availability::NumberView,
    table::{Record, Rows, Table, Value, integer, text},
};
use crate::{
    company::events::{CompanyEvent, NumberSource, ReservationEnd},
    fact::{Fact, Happened},
    ids::{CompanyId, ResellerId, ReservationId},
    number::NumberSet,
};

/// One row per reservation; its parent is the company. The indexes answer: a company's reservations, all or of one status.
pub static RESERVATION: Table = Table {
    name: "reservation",
    columns: &[text("company"), text("status"), integer("created_at")],
    indexes: &[&["company", "created_at"], &["company", "status", "created_at"]],
};

/// Whether a reservation still holds, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ReservationStage {
    /// It holds numbers.
    Live,
    /// Every number of it came into service.
    Consumed,
    /// It was given up.
    Released,
    /// Its time was over.
    Expired,
}

/// A reservation or ring-fence as queries show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationView {
    /// Which.
    pub reservation: ReservationId,
    /// For which company.
    pub company: CompanyId,
    /// Whose company that is.
    pub reseller: ResellerId,
    /// Whether it still holds.
    pub status: ReservationStage,
    /// Until when; a ring-fence has no end.
    pub expires_at: Option<DateTime<Utc>>,
    /// The numbers that it holds and no order uses.
    pub uncommitted: NumberSet,
    /// Those that an open order uses.
    pub committed: NumberSet,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Record for ReservationView {
    const TABLE: &'static Table = &RESERVATION;

    fn key(&self) -> String {
        self.reservation.to_string()
    }

    fn parent(&self) -> String {
        self.company.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.company.to_string().into(),
            <&str>::from(self.status).into(),
            self.created_at.timestamp_micros().into(),
        ]
    }
}

/// Folds one event into reservations. Numbers must not have been folded before: those that come into service forget where
/// they came from.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    let Happened::Company(company, event) = &fact.happened else { return Ok(()) };
    match event {
        CompanyEvent::NumbersReserved { reservation, numbers, expires_at, .. } => {
            // A large one is named by several events.
            let known = load::<ReservationView>(rows, &reservation.to_string())?;
            let mut view = match known {
                Some(view) => view,
                None => begun(rows, *company, *reservation, *expires_at, fact.recorded_at)?,
            };
            view.uncommitted = view.uncommitted.union(numbers);
            save(rows, view);
            Ok(())
        }
        CompanyEvent::NumbersReleased { reservation, numbers } => change(rows, *reservation, |view| {
            view.uncommitted = view.uncommitted.difference(numbers);
        }),
        CompanyEvent::NumbersCommitted {
            numbers, source: NumberSource::Reservation(reservation), ..
        } => change(rows, *reservation, |view| {
            view.uncommitted = view.uncommitted.difference(numbers);
            view.committed = view.committed.union(numbers);
        }),
        CompanyEvent::NumbersUncommitted { numbers, back_to: Some(reservation), .. } => {
            change(rows, *reservation, |view| {
                view.committed = view.committed.difference(numbers);
                view.uncommitted = view.uncommitted.union(numbers);
            })
        }
        CompanyEvent::NumbersAllocated { numbers, .. } => {
            for (reservation, part) in sources(rows, numbers)? {
                change(rows, reservation, |view| view.committed = view.committed.difference(&part))?;
            }
            Ok(())
        }
        CompanyEvent::ReservationEnded { reservation, how } => change(rows, *reservation, |view| {
            view.status = match how {
                ReservationEnd::Consumed => ReservationStage::Consumed,
                ReservationEnd::Released => ReservationStage::Released,
                ReservationEnd::Expired => ReservationStage::Expired,
            };
            // What an order still uses is the order's from here on.
            view.uncommitted = NumberSet::new();
            view.committed = NumberSet::new();
            view.ended_at = Some(fact.recorded_at);
        }),
        _ => Ok(()),
    }
}

fn begun(
    rows: &mut dyn Rows,
    company: CompanyId,
    reservation: ReservationId,
    expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
) -> Result<ReservationView, Fault> {
    let reseller = require::<CompanyView>(rows, &company.to_string())?.reseller;
    Ok(ReservationView {
        reservation,
        company,
        reseller,
        status: ReservationStage::Live,
        expires_at,
        uncommitted: NumberSet::new(),
        committed: NumberSet::new(),
        created_at,
        ended_at: None,
    })
}

fn change(
    rows: &mut dyn Rows,
    reservation: ReservationId,
    change: impl FnOnce(&mut ReservationView),
) -> Result<(), Fault> {
    let mut view: ReservationView = require(rows, &reservation.to_string())?;
    change(&mut view);
    save(rows, view);
    Ok(())
}

/// The reservations that numbers come from, with the numbers of each.
fn sources(rows: &mut dyn Rows, numbers: &NumberSet) -> Result<BTreeMap<ReservationId, NumberSet>, Fault> {
    let mut sources = BTreeMap::<_, NumberSet>::new();
    for (_, found) in load_all::<NumberView>(rows, numbers.iter().map(|number| number.to_string()))? {
        let from = found.and_then(|view| Some((view.reservation?, view.number)));
        if let Some((reservation, number)) = from {
            sources.entry(reservation).or_default().insert(number);
        }
    }
    Ok(sources)
}
