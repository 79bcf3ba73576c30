//! What somebody may want of a webhook.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::values::{EndpointUrl, SigningKey, WebhookDescription};
use crate::{ids::ResellerId, notice::NoticeType};

/// What somebody wants of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(WebhookAction),
    doc = "The commands of a webhook by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum WebhookCommand {
    /// Send a reseller's notices somewhere.
    Create {
        /// Whose.
        reseller: ResellerId,
        /// Which of the reseller's places it takes.
        slot: u32,
        /// Where to.
        url: EndpointUrl,
        /// Only these types; all of them where there is none.
        types: BTreeSet<NoticeType>,
        /// What it is for.
        description: WebhookDescription,
        /// What signs.
        key: SigningKey,
        /// After which sequence of the reseller's notices it begins.
        after: u64,
    },
    /// Change what is named.
    Update {
        /// Where to.
        url: Option<EndpointUrl>,
        /// Only these types.
        types: Option<BTreeSet<NoticeType>>,
        /// What it is for.
        description: Option<WebhookDescription>,
    },
    /// Sign with another key; the old one signs too for so many hours.
    RotateSecret {
        /// The new one.
        key: SigningKey,
        /// For how long the old one still signs.
        overlap_hours: u32,
    },
    /// Send none for now.
    Pause,
    /// Send them again, from where it was left.
    ResumeDeliveries,
    /// Send none any more: too many have failed (the sender).
    Stop {
        /// Since when.
        failing_since: DateTime<Utc>,
        /// What the endpoint answered last, if anything.
        last_status: Option<u16>,
    },
    /// Send none any more: the endpoint is gone (the sender).
    GiveUp,
    /// Begin once more after a sequence.
    Replay {
        /// The sequence.
        after: u64,
    },
    /// Let there be no such webhook.
    Delete,
}
