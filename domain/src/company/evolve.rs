//! How what happened moves a company from stage to stage; what it holds is changed in `record`.

use super::{Company, CompanyEvent, Estate, Identity, holds::LegalHolds};

pub(super) fn evolve(company: Company, event: &CompanyEvent) -> Company {
    use Company::{Active, Ceased, Erased, Expired, New, Ordered, Qualified, Released, Suspended};
    use CompanyEvent::{
        CompanyActivated, CompanyCeased, CompanyErased, CompanyExpired, CompanyQualified, CompanyReleased,
        CompanyResumed, CompanySuspended, LegalHoldLifted, LegalHoldPlaced, OrderClosed, OrderOpened,
        QualificationExpiring, QualificationExtended,
    };
    match (company, event) {
        (mut company, LegalHoldPlaced { .. } | LegalHoldLifted { .. }) => {
            if let Some(identity) = company.identity_mut() {
                identity.legal_holds.record(event);
            }
            company
        }
        (New, CompanyQualified { reseller, name, domain, expires_at, announce_at }) => {
            let legal_holds = LegalHolds::default();
            let identity =
                Identity { reseller: *reseller, name: name.clone(), domain: domain.clone(), legal_holds };
            let (expires_at, announce_at) = (*expires_at, *announce_at);
            Qualified { estate: Estate::of(identity), expires_at, announce_at, extensions: 0 }
        }
        (Qualified { estate, extensions, .. }, QualificationExtended { expires_at, announce_at }) => {
            let (expires_at, announce_at) = (*expires_at, *announce_at);
            Qualified { estate, expires_at, announce_at, extensions: extensions + 1 }
        }
        (Qualified { estate, expires_at, extensions, .. }, QualificationExpiring { .. }) => {
            Qualified { estate, expires_at, announce_at: None, extensions }
        }
        (Qualified { estate, .. }, CompanyReleased { .. }) => Released(estate.identity),
        (Qualified { estate, .. }, CompanyExpired { .. }) => Expired(estate.identity),
        (Qualified { estate, expires_at, extensions, .. }, OrderOpened { .. }) => {
            Ordered { estate: recorded(estate, event), expires_at, extensions }
        }
        (
            Ordered { estate, extensions, .. },
            OrderClosed { qualified_until: Some(expires_at), announce_at, .. },
        ) => {
            let (expires_at, announce_at) = (*expires_at, *announce_at);
            Qualified { estate: recorded(estate, event), expires_at, announce_at, extensions }
        }
        (Ordered { estate, .. }, CompanyActivated { channels }) => Active { estate, channels: *channels },
        (Active { estate, channels }, CompanySuspended { reason }) => {
            Suspended { estate, channels, reason: reason.clone() }
        }
        (Suspended { estate, channels, .. }, CompanyResumed) => Active { estate, channels },
        (Active { estate, .. } | Suspended { estate, .. }, CompanyCeased { .. }) => Ceased(estate.identity),
        (Expired(identity) | Released(identity) | Ceased(identity), CompanyErased) => Erased(identity),
        (Qualified { estate, expires_at, announce_at, extensions }, _) => {
            Qualified { estate: recorded(estate, event), expires_at, announce_at, extensions }
        }
        (Ordered { estate, expires_at, extensions }, _) => {
            Ordered { estate: recorded(estate, event), expires_at, extensions }
        }
        (Active { estate, channels }, _) => Active { estate: recorded(estate, event), channels },
        (Suspended { estate, channels, reason }, _) => {
            Suspended { estate: recorded(estate, event), channels, reason }
        }
        (state, _) => state, // No row of the lifecycle leads here, so `apply` refuses it.
    }
}

fn recorded(mut estate: Estate, event: &CompanyEvent) -> Estate {
    estate.record(event);
    estate
}
