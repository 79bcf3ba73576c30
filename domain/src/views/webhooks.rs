//! Every webhook of every reseller, without its secrets.
//!
//! Absent: what was delivered, which is no event; and secrets, which only the webhook itself has, sealed.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{
    fold::{Fault, require, save},
    table::{Record, Rows, Table, Value, integer, text},
};
use crate::{
    fact::{Fact, Happened},
    ids::{ResellerId, WebhookId},
    notice::NoticeType,
    webhook::{
        events::WebhookEvent,
        values::{EndpointUrl, PublicKey, SigningKey, WebhookDescription},
    },
};

/// One row per webhook, also of those that are deleted. The indexes answer: a reseller's webhooks that there are, all that
/// there are, and which have changed after a position.
pub static WEBHOOK: Table = Table {
    name: "webhook",
    columns: &[text("reseller"), integer("live"), integer("created_at"), integer("position")],
    indexes: &[&["reseller", "live", "created_at"], &["live", "created_at"], &["position"]],
};

/// Where a webhook is, as its events tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum WebhookStage {
    /// Notices are sent.
    Active,
    /// Somebody wants none sent for now.
    Paused,
    /// None are sent, because they did not arrive for too long.
    Stopped,
    /// None are sent, because the endpoint said that it is gone.
    Gone,
    /// There is no such webhook any more.
    Deleted,
}

/// How a webhook signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Signing {
    /// HMAC-SHA-256 with a secret that both sides know.
    Hmac,
    /// Ed25519, with a key that only we have.
    Ed25519,
}

/// What an endpoint answers that is gone.
const GONE: u16 = 410;

/// A webhook as queries show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookView {
    /// Which.
    pub webhook: WebhookId,
    /// Whose.
    pub reseller: ResellerId,
    /// Where it is.
    pub status: WebhookStage,
    /// Where to.
    pub url: EndpointUrl,
    /// Only these types; all of them where there is none.
    pub types: BTreeSet<NoticeType>,
    /// What it is for.
    pub description: WebhookDescription,
    /// How it signs.
    pub signing: Signing,
    /// What verifies its signatures, where that is no secret.
    pub public_key: Option<PublicKey>,
    /// Until when the secret before signs too.
    pub previous_until: Option<DateTime<Utc>>,
    /// After which sequence it began, the last time that somebody said so.
    pub after: u64,
    /// The position of the event that said so.
    pub after_since: u64,
    /// Since when it is sent there: when it was made active last, or its address changed.
    pub active_since: DateTime<Utc>,
    /// Since when notices did not arrive, once that was too long or the endpoint is gone.
    pub failing_since: Option<DateTime<Utc>>,
    /// What the endpoint answered last then, if anything.
    pub last_status: Option<u16>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The position of its last event.
    pub position: u64,
}

impl Record for WebhookView {
    const TABLE: &'static Table = &WEBHOOK;

    fn key(&self) -> String {
        self.webhook.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.reseller.to_string().into(),
            i64::from(self.status != WebhookStage::Deleted).into(),
            self.created_at.timestamp_micros().into(),
            i64::try_from(self.position).unwrap_or(i64::MAX).into(),
        ]
    }
}

impl WebhookView {
    fn signs_with(&mut self, key: &SigningKey) {
        self.signing = match key {
            SigningKey::Hmac { .. } => Signing::Hmac,
            SigningKey::Ed25519 { .. } => Signing::Ed25519,
        };
        self.public_key = key.public_key().cloned();
    }

    fn begins(&mut self, after: u64, fact: &Fact) {
        (self.after, self.after_since) = (after, fact.position);
    }
}

/// Folds one event into webhooks.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    let Happened::Webhook(id, event) = &fact.happened else { return Ok(()) };
    let mut view = match event {
        WebhookEvent::WebhookCreated { reseller, url, types, description, after, .. } => WebhookView {
            webhook: *id,
            reseller: *reseller,
            status: WebhookStage::Active,
            url: url.clone(),
            types: types.clone(),
            description: description.clone(),
            signing: Signing::Hmac,
            public_key: None,
            previous_until: None,
            after: *after,
            after_since: fact.position,
            active_since: fact.recorded_at,
            failing_since: None,
            last_status: None,
            created_at: fact.recorded_at,
            position: fact.position,
        },
        _ => require(rows, &id.to_string())?,
    };
    view.position = fact.position;
    match event {
        WebhookEvent::WebhookCreated { key, .. } => view.signs_with(key),
        WebhookEvent::WebhookUpdated { url, types, description } => {
            if view.url != *url {
                // What failed elsewhere says nothing of the new address.
                view.active_since = fact.recorded_at;
            }
            (view.url, view.types) = (url.clone(), types.clone());
            view.description = description.clone();
        }
        WebhookEvent::WebhookSecretRotated { key, previous_until } => {
            view.signs_with(key);
            view.previous_until = Some(*previous_until);
        }
        WebhookEvent::WebhookPaused => view.status = WebhookStage::Paused,
        WebhookEvent::WebhookResumed => {
            view.status = WebhookStage::Active;
            view.active_since = fact.recorded_at;
            (view.failing_since, view.last_status) = (None, None);
        }
        WebhookEvent::WebhookStopped { failing_since, last_status } => {
            view.status = WebhookStage::Stopped;
            (view.failing_since, view.last_status) = (Some(*failing_since), *last_status);
        }
        WebhookEvent::WebhookGone => {
            view.status = WebhookStage::Gone;
            (view.failing_since, view.last_status) = (Some(fact.recorded_at), Some(GONE));
        }
        WebhookEvent::WebhookReplayed { after } => view.begins(*after, fact),
        WebhookEvent::WebhookDeleted { .. } => view.status = WebhookStage::Deleted,
    }
    save(rows, view);
    Ok(())
}
