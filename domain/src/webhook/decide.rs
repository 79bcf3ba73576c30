//! What a command leads to. Legality is in the table; here are the conditions.

use chrono::TimeDelta;

use super::{OVERLAP_HOURS_MAX, Webhook, WebhookCommand, WebhookError, WebhookEvent};
use crate::decider::Context;

pub(super) fn decide(
    webhook: &Webhook,
    command: &WebhookCommand,
    context: &Context,
) -> Result<Vec<WebhookEvent>, Vec<WebhookError>> {
    use WebhookCommand as C;
    let event = match command.clone() {
        C::Create { reseller, slot, url, types, description, key, after } => {
            WebhookEvent::WebhookCreated { reseller, slot, url, types, description, key, after }
        }
        C::Update { url, types, description } => {
            let Some(now) = webhook.endpoint() else { return Ok(vec![]) };
            let url = url.unwrap_or_else(|| now.url.clone());
            let types = types.unwrap_or_else(|| now.types.clone());
            let description = description.unwrap_or_else(|| now.description.clone());
            if url == now.url && types == now.types && description == now.description {
                return Ok(vec![]);
            }
            WebhookEvent::WebhookUpdated { url, types, description }
        }
        C::RotateSecret { overlap_hours, .. } if overlap_hours > OVERLAP_HOURS_MAX => {
            return Err(vec![WebhookError::OverlapTooLong(overlap_hours)]);
        }
        C::RotateSecret { key, overlap_hours } => {
            let previous_until = context.at + TimeDelta::hours(overlap_hours.into());
            WebhookEvent::WebhookSecretRotated { key, previous_until }
        }
        C::Pause => WebhookEvent::WebhookPaused,
        C::ResumeDeliveries => WebhookEvent::WebhookResumed,
        C::Stop { failing_since, last_status } => WebhookEvent::WebhookStopped { failing_since, last_status },
        C::GiveUp => WebhookEvent::WebhookGone,
        C::Replay { after } => WebhookEvent::WebhookReplayed { after },
        C::Delete => {
            let Some(endpoint) = webhook.endpoint() else { return Ok(vec![]) };
            WebhookEvent::WebhookDeleted { reseller: endpoint.reseller, slot: endpoint.slot }
        }
    };
    Ok(vec![event])
}
