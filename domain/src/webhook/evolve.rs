//! How what happened moves a webhook from stage to stage.

use super::{Endpoint, PreviousKey, Webhook, WebhookEvent};

pub(super) fn evolve(webhook: Webhook, event: &WebhookEvent) -> Webhook {
    use Webhook::{Active, Deleted, Gone, New, Paused, Stopped};
    use WebhookEvent as E;
    match (webhook, event) {
        (New, E::WebhookCreated { reseller, slot, url, types, description, key, .. }) => Active(Endpoint {
            reseller: *reseller,
            slot: *slot,
            url: url.clone(),
            types: types.clone(),
            description: description.clone(),
            key: key.clone(),
            previous: None,
        }),
        (Active(endpoint), E::WebhookPaused) => Paused(endpoint),
        (Active(endpoint), E::WebhookStopped { failing_since, last_status }) => {
            Stopped { endpoint, failing_since: *failing_since, last_status: *last_status }
        }
        (Active(endpoint), E::WebhookGone) => Gone(endpoint),
        (Paused(endpoint) | Gone(endpoint) | Stopped { endpoint, .. }, E::WebhookResumed) => Active(endpoint),
        (
            Active(endpoint) | Paused(endpoint) | Gone(endpoint) | Stopped { endpoint, .. },
            E::WebhookDeleted { .. },
        ) => Deleted { reseller: endpoint.reseller },
        (Active(endpoint), event) => Active(changed(endpoint, event)),
        (Paused(endpoint), event) => Paused(changed(endpoint, event)),
        (Gone(endpoint), event) => Gone(changed(endpoint, event)),
        (Stopped { endpoint, failing_since, last_status }, event) => {
            Stopped { endpoint: changed(endpoint, event), failing_since, last_status }
        }
        (state, _) => state, // No row of the lifecycle leads here, so `apply` refuses it.
    }
}

/// What changes at whatever stage it is.
fn changed(mut endpoint: Endpoint, event: &WebhookEvent) -> Endpoint {
    match event {
        WebhookEvent::WebhookUpdated { url, types, description } => {
            (endpoint.url, endpoint.types) = (url.clone(), types.clone());
            endpoint.description = description.clone();
        }
        WebhookEvent::WebhookSecretRotated { key, previous_until } => {
            let key = std::mem::replace(&mut endpoint.key, key.clone());
            endpoint.previous = Some(PreviousKey { key, until: *previous_until });
        }
        _ => {}
    }
    endpoint
}
