//! What somebody may want of a number block.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::{
    names::{Cupid, MessageId, SiteName},
    number::{NumberRange, NumberSet},
};

/// What somebody wants of a number block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(BlockAction),
    doc = "The commands of a number block by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum BlockCommand {
    /// Make a range of whole hundreds stock.
    Load {
        /// The range.
        range: NumberRange,
        /// To whom Ofcom allocated it.
        range_holder: Cupid,
        /// The place its numbers belong to.
        place: SiteName,
    },
    /// Let numbers rest that were given back.
    Quarantine {
        /// Which.
        numbers: NumberSet,
    },
    /// Free what has rested (timer).
    Free {
        /// Which.
        numbers: NumberSet,
    },
    /// Numbers go to another provider.
    PortOut {
        /// Which.
        numbers: NumberSet,
        /// The message that says so.
        message: MessageId,
    },
    /// Numbers come back from another provider.
    TakeBack {
        /// Which.
        numbers: NumberSet,
    },
    /// The range is no stock any more.
    Withdraw,
}
