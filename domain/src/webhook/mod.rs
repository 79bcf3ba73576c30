//! An address of a reseller to which its notices are sent, and whether they are.
//!
//! Deliberately absent: the sending, what has arrived, and when something is tried again, which are no events: there are
//! thousands a second of them. The log of deliveries is a table of its own.

mod lifecycle;
pub mod commands;
pub mod events;
mod claims;
mod decide;
mod evolve;
pub mod errors;
pub mod values;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

pub use self::claims::slot;
use self::{
    commands::{WebhookAction, WebhookCommand},
    errors::WebhookError,
    events::{WebhookEvent, WebhookEventKind},
    values::{EndpointUrl, SigningKey, WebhookDescription},
};
use crate::{
    claim::Claim,
    decider::{Context, Decider},
    ids::{AggregateKind, ResellerId},
    lifecycle::Lifecycle,
    notice::NoticeType,
};

/// Webhooks that one reseller may have at once.
pub const WEBHOOKS_MAX: u32 = 20;
/// Hours for which an old secret still signs, where nobody says.
pub const OVERLAP_HOURS: u32 = 24;
/// Most hours for which an old secret still signs: a week.
pub const OVERLAP_HOURS_MAX: u32 = 168;

/// A webhook, holding at each stage exactly what is known at that stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case")]
#[strum_discriminants(
    name(WebhookStatus),
    doc = "The stages of a webhook.",
    derive(PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray, strum::Display),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum Webhook {
    /// Nothing is known of it.
    #[default]
    New,
    /// Notices are sent.
    Active(Endpoint),
    /// Somebody wants none sent for now.
    Paused(Endpoint),
    /// None are sent, because they did not arrive for too long.
    Stopped {
        /// Where to.
        endpoint: Endpoint,
        /// Since when they did not arrive.
        failing_since: DateTime<Utc>,
        /// What the endpoint answered last, if anything.
        last_status: Option<u16>,
    },
    /// None are sent, because the endpoint said that it is there no more.
    Gone(Endpoint),
    /// It is no more.
    Deleted {
        /// Whose it was.
        reseller: ResellerId,
    },
}

/// Where notices are sent to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Whose it is.
    pub reseller: ResellerId,
    /// Which of the reseller's places for webhooks it has, from 1.
    pub slot: u32,
    /// The address.
    pub url: EndpointUrl,
    /// Only these types; all of them where there is none.
    pub types: BTreeSet<NoticeType>,
    /// What it is for.
    pub description: WebhookDescription,
    /// What signs.
    pub key: SigningKey,
    /// What signed before, and still does for a while.
    pub previous: Option<PreviousKey>,
}

/// A signing key that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousKey {
    /// The key.
    pub key: SigningKey,
    /// Until when it still signs.
    pub until: DateTime<Utc>,
}

impl Decider for Webhook {
    const KIND: AggregateKind = AggregateKind::Webhook;
    const LIFECYCLE: Lifecycle<WebhookStatus, WebhookAction, WebhookEventKind> = lifecycle::LIFECYCLE;

    type Command = WebhookCommand;
    type Event = WebhookEvent;
    type Error = WebhookError;
    type Status = WebhookStatus;
    type Action = WebhookAction;
    type EventKind = WebhookEventKind;

    fn status(&self) -> WebhookStatus {
        self.into()
    }

    fn action(command: &WebhookCommand) -> WebhookAction {
        command.into()
    }

    fn decide(
        &self,
        command: &WebhookCommand,
        context: &Context,
    ) -> Result<Vec<WebhookEvent>, Vec<WebhookError>> {
        decide::decide(self, command, context)
    }

    fn evolve(self, event: &WebhookEvent) -> Self {
        evolve::evolve(self, event)
    }
}

impl Webhook {
    /// Where notices are sent to, from its creation to its end.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::New | Self::Deleted { .. } => None,
            Self::Active(endpoint)
            | Self::Paused(endpoint)
            | Self::Stopped { endpoint, .. }
            | Self::Gone(endpoint) => Some(endpoint),
        }
    }

    /// Whose it is, once it was created.
    pub fn reseller(&self) -> Option<ResellerId> {
        match self {
            Self::Deleted { reseller } => Some(*reseller),
            _ => self.endpoint().map(|endpoint| endpoint.reseller),
        }
    }

    /// Every claim that it holds: its place among the reseller's webhooks.
    pub fn held_claims(&self) -> BTreeSet<Claim> {
        self.endpoint().map(|endpoint| slot(endpoint.reseller, endpoint.slot)).into_iter().collect()
    }
}

impl Endpoint {
    /// What signs at a time: the newest key first.
    pub fn keys(&self, at: DateTime<Utc>) -> impl Iterator<Item = &SigningKey> {
        let previous = self.previous.as_ref().filter(move |previous| at < previous.until);
        std::iter::once(&self.key).chain(previous.map(|previous| &previous.key))
    }
}
