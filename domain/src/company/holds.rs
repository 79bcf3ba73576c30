//! Legal holds: what keeps the personal data of a company, whatever becomes of the company.
//!
//! A hold is lifted by somebody else than placed it, so that no one person decides alone that data may go. Absent: for how
//! long a hold stands, which is for whoever placed it to know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Company, CompanyError, CompanyEvent, decide::Decision};
use crate::names::{ActorId, HoldReference};

/// So many holds may be on a company at once.
pub const LEGAL_HOLDS_MAX: usize = 100;

/// The holds on a company, and who placed each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalHolds(BTreeMap<HoldReference, ActorId>);

impl LegalHolds {
    /// Each hold, and who placed it, in the order of the references.
    pub fn iter(&self) -> impl Iterator<Item = (&HoldReference, &ActorId)> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes an event in, as far as it is about holds.
    pub(super) fn record(&mut self, event: &CompanyEvent) {
        match event {
            CompanyEvent::LegalHoldPlaced { reference, by } => {
                self.0.insert(reference.clone(), by.clone());
            }
            CompanyEvent::LegalHoldLifted { reference, .. } => {
                self.0.remove(reference);
            }
            _ => {}
        }
    }
}

fn of(company: &Company) -> Result<&LegalHolds, Vec<CompanyError>> {
    company.legal_holds().ok_or_else(|| vec![CompanyError::NothingHeld])
}

pub(super) fn place(company: &Company, reference: &HoldReference, by: &ActorId) -> Decision {
    let holds = &of(company)?.0;
    if holds.contains_key(reference) {
        return Err(vec![CompanyError::LegalHoldExists(reference.clone())]);
    }
    if holds.len() >= LEGAL_HOLDS_MAX {
        return Err(vec![CompanyError::LegalHoldsMax(holds.len())]);
    }
    Ok(vec![CompanyEvent::LegalHoldPlaced { reference: reference.clone(), by: by.clone() }])
}

pub(super) fn lift(company: &Company, reference: &HoldReference, by: &ActorId) -> Decision {
    match of(company)?.0.get(reference) {
        None => Err(vec![CompanyError::LegalHoldUnknown(reference.clone())]),
        Some(placed_by) if placed_by == by => Err(vec![CompanyError::LegalHoldByTheSame(reference.clone())]),
        Some(_) => Ok(vec![CompanyEvent::LegalHoldLifted { reference: reference.clone(), by: by.clone() }]),
    }
}

pub(super) fn erase(company: &Company) -> Decision {
    let errors: Vec<CompanyError> =
        of(company)?.0.keys().map(|reference| CompanyError::LegalHold(reference.clone())).collect();
    if errors.is_empty() { Ok(vec![CompanyEvent::CompanyErased]) } else { Err(errors) }
}
