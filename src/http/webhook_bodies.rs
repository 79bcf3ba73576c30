//! What webhooks and their deliveries look like in JSON.
//!
//! Deliberately absent: secrets, but for the one answer that makes one.

use orderwire_domain::views::webhooks::{Signing, WebhookView};
use serde::Serialize;
use utoipa::ToSchema;

use super::{answer::Time, delivery::sender::Answered, texts, words};
use crate::edge::deliveries::Delivery;

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookBody {
    /// Its id.
    #[schema(value_type = texts::WebhookId)]
    id: String,
    /// The reseller whose notices it is sent.
    #[schema(value_type = texts::ResellerId)]
    reseller: String,
    /// `active`; `paused` by somebody; `stopped` because notices did not arrive for three days; or `gone`, as the endpoint
    /// said.
    #[schema(value_type = words::WebhookStatus)]
    status: String,
    /// Where notices are sent to.
    #[schema(value_type = texts::EndpointUrl)]
    url: String,
    /// Only these types; all of them where there is none.
    #[schema(example = json!(["com.orderwire.order.completed.v1"]))]
    types: Vec<String>,
    /// What it is for.
    #[schema(example = "our order desk")]
    description: String,
    /// How it signs: `hmac` or `ed25519`.
    #[schema(value_type = words::Signing)]
    signing: String,
    /// What verifies Ed25519 signatures, where it signs so.
    #[schema(example = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
    public_key: Option<String>,
    /// Until when the secret before signs too.
    previous_secret_until: Option<Time>,
    /// Since when notices did not arrive, where it was stopped or is gone.
    failing_since: Option<Time>,
    /// What the endpoint answered last, where it was stopped and there was an answer, or is gone: then 410.
    #[schema(example = 503)]
    last_status: Option<u16>,
    /// Since when there is one.
    created_at: Time,
    /// The secret with which signatures are verified. Only in the answer that made it: it is shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

impl From<WebhookView> for WebhookBody {
    fn from(view: WebhookView) -> Self {
        Self {
            id: view.webhook.to_string(),
            reseller: view.reseller.to_string(),
            status: view.status.to_string(),
            url: view.url.to_string(),
            types: view.types.iter().map(ToString::to_string).collect(),
            description: view.description.to_string(),
            signing: view.signing.to_string(),
            public_key: view.public_key.map(|key| key.to_string()),
            previous_secret_until: view.previous_until.map(Time),
            failing_since: view.failing_since.map(Time),
            last_status: view.last_status,
            created_at: view.created_at.into(),
            secret: None,
        }
    }
}

impl WebhookBody {
    /// With the secret that was just made, where it is one that the owner needs.
    pub fn showing(self, signing: Signing, secret: Option<String>) -> Self {
        Self { secret: secret.filter(|_| signing == Signing::Hmac), ..self }
    }
}

/// A notice on its way to a webhook, or there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryBody {
    /// The notice.
    #[schema(value_type = texts::NoticeId)]
    notice: String,
    /// What it says.
    #[serde(rename = "type")]
    #[schema(example = "com.orderwire.order.completed.v1")]
    kind: String,
    /// Its number among the reseller's notices.
    #[schema(example = 42)]
    sequence: u64,
    /// Whether it was sent once more, out of turn, because somebody asked for that.
    again: bool,
    /// `delivered` or `waiting`; `given_up` where it was sent once more in vain, for three days.
    #[schema(example = "delivered")]
    status: &'static str,
    /// How often it was sent.
    #[schema(example = 1)]
    attempts: u32,
    /// When it was sent last.
    sent_at: Option<Time>,
    /// When it is sent again at the earliest; a notice that waits for one before it has no time.
    next_attempt_at: Option<Time>,
    /// The HTTP status of the last answer.
    #[schema(example = 204)]
    response_status: Option<u16>,
    /// How the last answer began.
    #[schema(example = "")]
    response_excerpt: String,
    /// What went wrong last, if anything.
    #[schema(value_type = Option<words::DeliveryFailure>)]
    failure: Option<String>,
    /// How long the last attempt took.
    #[schema(example = 35)]
    latency_ms: Option<u64>,
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        Self {
            notice: delivery.notice.to_string(),
            kind: delivery.notice_type.to_string(),
            sequence: delivery.sequence,
            again: delivery.again,
            status: match (delivery.ended_at, delivery.failure) {
                (None, _) => "waiting",
                (Some(_), None) => "delivered",
                (Some(_), Some(_)) => "given_up",
            },
            attempts: delivery.attempts,
            sent_at: delivery.sent_at.map(Time),
            next_attempt_at: delivery.next_at.map(Time),
            response_status: delivery.status,
            response_excerpt: delivery.excerpt,
            failure: delivery.failure.map(|failure| failure.to_string()),
            latency_ms: delivery.latency_ms,
        }
    }
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub struct TestBody {
    /// Whether it arrived.
    delivered: bool,
    /// The HTTP status of the answer, if there was one.
    #[schema(example = 204)]
    response_status: Option<u16>,
    /// How the answer began.
    #[schema(example = "")]
    response_excerpt: String,
    /// What went wrong, if anything.
    #[schema(value_type = Option<words::DeliveryFailure>)]
    failure: Option<String>,
    /// How long it took.
    #[schema(example = 35)]
    latency_ms: u64,
}

impl From<Answered> for TestBody {
    fn from(answered: Answered) -> Self {
        Self {
            delivered: answered.failure.is_none(),
            response_status: answered.status,
            response_excerpt: answered.excerpt,
            failure: answered.failure.map(|failure| failure.to_string()),
            latency_ms: answered.latency_ms,
        }
    }
}
