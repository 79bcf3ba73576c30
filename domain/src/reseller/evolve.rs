//! How what happened moves a reseller from stage to stage.

use super::{Reseller, ResellerEvent, Tenant};

pub(super) fn evolve(reseller: Reseller, event: &ResellerEvent) -> Reseller {
    use Reseller::{Active, Closed, New, Suspended};
    use ResellerEvent::{
        ResellerClosed, ResellerCreated, ResellerDetailsChanged, ResellerResumed, ResellerSuspended,
    };
    match (reseller, event) {
        (New, ResellerCreated { code, cug_id, sales_tag, name }) => Active(Tenant {
            code: code.clone(),
            cug_id: cug_id.clone(),
            sales_tag: sales_tag.clone(),
            name: name.clone(),
        }),
        (Active(tenant), ResellerDetailsChanged { name }) => Active(Tenant { name: name.clone(), ..tenant }),
        (Suspended { tenant, reason }, ResellerDetailsChanged { name }) => {
            Suspended { tenant: Tenant { name: name.clone(), ..tenant }, reason }
        }
        (Active(tenant), ResellerSuspended { reason }) => Suspended { tenant, reason: reason.clone() },
        (Suspended { tenant, .. }, ResellerResumed) => Active(tenant),
        (Suspended { tenant, .. }, ResellerClosed) => Closed(tenant),
        (state, _) => state, // No row of the lifecycle leads here, so `apply` refuses it.
    }
}
