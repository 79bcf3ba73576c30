//! What its events take and release: name and domain, numbers, and the names of what stands on its sites.

use super::{
    asset::{AssetPlan, Name},
    events::{CompanyEvent, CompanyEventKind, NumberSource},
};
use crate::{
    claim::{Claim, ClaimChange, ClaimScope},
    decider::Event,
    ids::StreamId,
    names::{CompanyName, Domain},
    number::{NumberSet, TelephoneNumber},
};

impl Event for CompanyEvent {
    type Kind = CompanyEventKind;

    fn kind(&self) -> CompanyEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn version(&self) -> &'static str {
        use CompanyEvent::{CompanyQualified, NumbersReserved, OrderClosed, QualificationExtended};
        match self {
            // Since what ends is announced; the first shape is read by `Happened::read`.
            CompanyQualified { .. }
            | QualificationExtended { .. }
            | NumbersReserved { .. }
            | OrderClosed { .. } => "2",
            _ => "1",
        }
    }

    fn claims(&self, holder: StreamId) -> Vec<ClaimChange> {
        use CompanyEvent::{
            AddressReplaced, AssetAdded, AssetDropped, AssetPlanned, AssetRemoved, AssetReplanned,
            CompanyActivated, CompanyCeased, CompanyErased, CompanyExpired, CompanyLineDropped,
            CompanyQualified, CompanyReleased, CompanyResumed, CompanySuspended, LegalHoldLifted,
            LegalHoldPlaced, NumbersAllocated, NumbersAssigned, NumbersCeased, NumbersCommitted, NumbersLive,
            NumbersReleased, NumbersReserved, NumbersUncommitted, NumbersWithdrawn, OrderClosed, OrderOpened,
            PortedNumbersAllocated, QualificationExpiring, QualificationExtended, ReservationEnded,
            ReservationExpiring,
        };
        let take = |claims: Vec<Claim>| changes(claims, |claim| ClaimChange::take(holder, claim));
        let release = |claims: Vec<Claim>| changes(claims, |claim| ClaimChange::release(holder, claim));
        match self {
            CompanyQualified { name, domain, .. } => take(identity(name, domain)),
            CompanyReleased { name, domain }
            | CompanyExpired { name, domain }
            | CompanyCeased { name, domain } => release(identity(name, domain)),
            NumbersReserved { numbers, .. }
            | NumbersCommitted { numbers, source: NumberSource::Stock, .. }
            | PortedNumbersAllocated { numbers, .. } => take(of_numbers(numbers)),
            NumbersReleased { numbers, .. }
            | NumbersUncommitted { numbers, back_to: None, .. }
            | NumbersWithdrawn { numbers, .. }
            | NumbersCeased { numbers } => release(of_numbers(numbers)),
            AssetPlanned { plan, .. } => take(of_plan(plan, holder)),
            AssetDropped { plan, .. } | AssetRemoved { plan, .. } => release(of_plan(plan, holder)),
            AssetReplanned { from, to, .. } => {
                let (old, new) = (of_plan(from, holder), of_plan(to, holder));
                let only = |these: &[Claim], others: &[Claim]| {
                    these.iter().filter(|it| !others.contains(it)).cloned().collect()
                };
                let mut moved = release(only(&old, &new));
                moved.extend(take(only(&new, &old)));
                moved
            }
            // What these change is held already, and stays held.
            QualificationExtended { .. }
            | QualificationExpiring { .. }
            | ReservationExpiring { .. }
            | ReservationEnded { .. }
            | OrderOpened { .. }
            | CompanyLineDropped { .. }
            | OrderClosed { .. }
            | NumbersCommitted { source: NumberSource::Reservation(_), .. }
            | NumbersUncommitted { back_to: Some(_), .. }
            | NumbersAllocated { .. }
            | NumbersLive { .. }
            | NumbersAssigned { .. }
            | AssetAdded { .. }
            | AddressReplaced { .. }
            | CompanyActivated { .. }
            | CompanySuspended { .. }
            | CompanyResumed
            | LegalHoldPlaced { .. }
            | LegalHoldLifted { .. }
            | CompanyErased => vec![],
        }
    }
}

/// The claims on a company's own name and domain.
pub(super) fn identity(name: &CompanyName, domain: &Domain) -> Vec<Claim> {
    vec![
        Claim::platform(ClaimScope::CompanyName, name.key()),
        Claim::platform(ClaimScope::CompanyDomain, domain.key()),
    ]
}

/// The claim on a number, whoever holds it.
pub fn of_number(number: TelephoneNumber) -> Claim {
    Claim::platform(ClaimScope::Number, number.to_string())
}

fn of_numbers(numbers: &NumberSet) -> Vec<Claim> {
    numbers.iter().map(of_number).collect()
}

/// The claims on the names of an asset.
pub(super) fn of_plan(plan: &AssetPlan, holder: StreamId) -> Vec<Claim> {
    plan.names().iter().map(|name: &Name| name.claim(holder)).collect()
}

fn changes(claims: Vec<Claim>, change: impl Fn(Claim) -> ClaimChange) -> Vec<ClaimChange> {
    claims.into_iter().map(change).collect()
}
