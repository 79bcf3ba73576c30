//! What somebody may want of a reseller.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::{
    names::{CompanyName, CugId, ResellerCode, SalesTag},
    sealed::Sealed,
};

/// What somebody wants of a reseller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(ResellerAction),
    doc = "The commands of a reseller by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum ResellerCommand {
    /// Let it order.
    Create {
        /// The reseller id of the trade.
        code: ResellerCode,
        /// Its own customer id.
        cug_id: CugId,
        /// Its sales tag.
        sales_tag: SalesTag,
        /// Its name.
        name: CompanyName,
    },
    /// Give it another name.
    ChangeDetails {
        /// The name.
        name: CompanyName,
    },
    /// Let it not order for now.
    Suspend {
        /// Why.
        reason: Sealed,
    },
    /// Let it order again.
    Resume,
    /// Let it be no reseller any more; only while suspended, so that no company can come up meanwhile.
    Close {
        /// How many companies of it are neither released, expired nor ceased.
        live_companies: u32,
    },
}
