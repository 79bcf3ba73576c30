//! What its events take and release: one of the places that a reseller has for webhooks, which is how they are bounded.

use super::events::{WebhookEvent, WebhookEventKind};
use crate::{
    claim::{Claim, ClaimChange, ClaimScope},
    decider::Event,
    ids::{ResellerId, StreamId},
};

impl Event for WebhookEvent {
    type Kind = WebhookEventKind;

    fn kind(&self) -> WebhookEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, holder: StreamId) -> Vec<ClaimChange> {
        match self {
            Self::WebhookCreated { reseller, slot: number, .. } => {
                vec![ClaimChange::take(holder, slot(*reseller, *number))]
            }
            Self::WebhookDeleted { reseller, slot: number } => {
                vec![ClaimChange::release(holder, slot(*reseller, *number))]
            }
            Self::WebhookUpdated { .. }
            | Self::WebhookSecretRotated { .. }
            | Self::WebhookPaused
            | Self::WebhookResumed
            | Self::WebhookStopped { .. }
            | Self::WebhookGone
            | Self::WebhookReplayed { .. } => vec![],
        }
    }
}

/// The claim on one of a reseller's places for webhooks.
pub fn slot(reseller: ResellerId, number: u32) -> Claim {
    Claim::within(ClaimScope::WebhookSlot, reseller, number)
}
