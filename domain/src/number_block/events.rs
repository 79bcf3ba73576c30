//! What happened to a number block. Stored for good: a shape never changes, it gets a new version beside it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::{
    names::{Cupid, MessageId, SiteName},
    number::{NumberRange, NumberSet},
};

/// What happened to a number block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants, IntoStaticStr)]
#[serde(deny_unknown_fields)]
#[strum_discriminants(
    name(BlockEventKind),
    doc = "The events of a number block by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)
)]
pub enum BlockEvent {
    /// A range of whole hundreds became stock. Takes each hundred.
    BlockLoaded {
        /// The range.
        range: NumberRange,
        /// To whom Ofcom allocated it.
        range_holder: Cupid,
        /// The place its numbers belong to, as people search for it.
        place: SiteName,
    },
    /// Numbers that were given back rest for a while. Takes them.
    NumbersQuarantined {
        /// Which.
        numbers: NumberSet,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// Numbers have rested and are free. Releases them.
    NumbersFreed {
        /// Which.
        numbers: NumberSet,
    },
    /// Numbers went to another provider and are no stock until they are taken back. Takes them, and the message.
    NumbersPortedOut {
        /// Which.
        numbers: NumberSet,
        /// Those of them that were resting, and so are held already.
        quarantined: NumberSet,
        /// The message that said so; it is claimed once, so further events of the same message name none.
        message: Option<MessageId>,
    },
    /// Numbers came back from another provider and are free. Releases them.
    NumbersTakenBack {
        /// Which.
        numbers: NumberSet,
    },
    /// Numbers were free and are stock no more. Takes and releases them, so that the append proves they were free.
    NumbersUnstocked {
        /// Which.
        numbers: NumberSet,
    },
    /// The range is no stock any more. Releases each hundred.
    BlockWithdrawn {
        /// The range.
        range: NumberRange,
    },
}
