//! What happened to a webhook. Stored for good: a shape never changes, it gets a new version beside it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::values::{EndpointUrl, SigningKey, WebhookDescription};
use crate::{ids::ResellerId, notice::NoticeType};

/// What happened to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants, IntoStaticStr)]
#[serde(deny_unknown_fields)]
#[strum_discriminants(
    name(WebhookEventKind),
    doc = "The events of a webhook by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)
)]
pub enum WebhookEvent {
    /// Notices of a reseller are sent somewhere. Takes one of the reseller's places.
    WebhookCreated {
        /// Whose.
        reseller: ResellerId,
        /// Which of the reseller's places.
        slot: u32,
        /// Where to.
        url: EndpointUrl,
        /// Only these types; all of them where there is none.
        types: BTreeSet<NoticeType>,
        /// What it is for; may be empty.
        description: WebhookDescription,
        /// What signs.
        key: SigningKey,
        /// After which sequence of the reseller's notices it begins.
        after: u64,
    },
    /// It is as follows from here on.
    WebhookUpdated {
        /// Where to.
        url: EndpointUrl,
        /// Only these types; all of them where there is none.
        types: BTreeSet<NoticeType>,
        /// What it is for; may be empty.
        description: WebhookDescription,
    },
    /// Another key signs.
    WebhookSecretRotated {
        /// The new one.
        key: SigningKey,
        /// Until when the one before signs too.
        previous_until: DateTime<Utc>,
    },
    /// None are sent for now, because somebody wants it so.
    WebhookPaused,
    /// They are sent again.
    WebhookResumed,
    /// None are sent any more, because they did not arrive for too long.
    WebhookStopped {
        /// Since when.
        failing_since: DateTime<Utc>,
        /// What the endpoint answered last, if anything.
        last_status: Option<u16>,
    },
    /// None are sent any more, because the endpoint said that it is gone.
    WebhookGone,
    /// Sending began once more after a sequence.
    WebhookReplayed {
        /// The sequence.
        after: u64,
    },
    /// There is no such webhook any more. Releases its place.
    WebhookDeleted {
        /// Whose it was.
        reseller: ResellerId,
        /// Which of the reseller's places.
        slot: u32,
    },
}
