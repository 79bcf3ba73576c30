//! Every reservation and ring-fence of every company, also those that have ended.
//!
//! Absent: which numbers are under it, which the company itself knows, and the rows of those numbers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{
    company_directory::CompanyView,
    fold::{Fault, load, require, save},
    table::{Record, Rows, Table, Value, integer, text},
};
use crate::{
    company::events::{CompanyEvent, ReservationEnd},
    fact::{Fact, Happened},
    ids::{CompanyId, ResellerId, ReservationId},
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

/// Folds one event into reservations. Companies must have been folded before.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    let Happened::Company(company, event) = &fact.happened else { return Ok(()) };
    match event {
        CompanyEvent::NumbersReserved { reservation, expires_at, .. } => {
            // A large one is named by several events.
            if load::<ReservationView>(rows, &reservation.to_string())?.is_some() {
                return Ok(());
            }
            let reseller = require::<CompanyView>(rows, &company.to_string())?.reseller;
            save(
                rows,
                ReservationView {
                    reservation: *reservation,
                    company: *company,
                    reseller,
                    status: ReservationStage::Live,
                    expires_at: *expires_at,
                    created_at: fact.recorded_at,
                    ended_at: None,
                },
            );
        }
        CompanyEvent::ReservationEnded { reservation, how } => {
            let mut view: ReservationView = require(rows, &reservation.to_string())?;
            view.status = match how {
                ReservationEnd::Consumed => ReservationStage::Consumed,
                ReservationEnd::Released => ReservationStage::Released,
                ReservationEnd::Expired => ReservationStage::Expired,
            };
            view.ended_at = Some(fact.recorded_at);
            save(rows, view);
        }
        _ => {}
    }
    Ok(())
}
