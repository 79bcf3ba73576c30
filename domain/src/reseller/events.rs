//! What happened to a reseller. Stored for good: a shape never changes, it gets a new version beside it.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::{
    names::{CompanyName, CugId, ResellerCode, SalesTag},
    sealed::Sealed,
};

/// What happened to a reseller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants, IntoStaticStr)]
#[serde(deny_unknown_fields)]
#[strum_discriminants(
    name(ResellerEventKind),
    doc = "The events of a reseller by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)
)]
pub enum ResellerEvent {
    /// A reseller may order. Takes its code, CUG id and sales tag, for good.
    ResellerCreated {
        /// The reseller id of the trade.
        code: ResellerCode,
        /// Its own customer id.
        cug_id: CugId,
        /// Its sales tag.
        sales_tag: SalesTag,
        /// Its name.
        name: CompanyName,
    },
    /// It has another name.
    ResellerDetailsChanged {
        /// The name.
        name: CompanyName,
    },
    /// It may not order for now.
    ResellerSuspended {
        /// Why.
        reason: Sealed,
    },
    /// It may order again.
    ResellerResumed,
    /// It is no reseller any more.
    ResellerClosed,
}
