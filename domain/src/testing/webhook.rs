//! Commands for webhooks, and a model that is a word and what signs.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::btree_set, option, prelude::*};
use strum::VariantArray as _;
use uuid::Uuid;

use super::machine::{Model, Said, Wish};
use crate::{
    ids::ResellerId,
    notice::NoticeType,
    testing::company::sealed,
    webhook::{
        OVERLAP_HOURS_MAX, Webhook, WebhookStatus,
        commands::WebhookCommand,
        values::{EndpointUrl, PublicKey, SigningKey, WebhookDescription},
    },
};

/// An address of an endpoint.
pub fn an_endpoint_url() -> impl Strategy<Value = EndpointUrl> {
    let url =
        "https?://[a-z]{1,10}\\.example(:[1-9][0-9]{0,3})?(/[a-z0-9]{0,8}){0,3}(\\?[a-z]{1,5}=[a-z]{0,5})?";
    url.prop_map(|text| EndpointUrl::parse(&text).expect("the pattern makes addresses"))
}

/// What signs.
pub fn a_signing_key() -> impl Strategy<Value = SigningKey> {
    let public = "whpk_[A-Za-z0-9+/]{43}=";
    prop_oneof![
        "[a-z]{8}".prop_map(|secret| SigningKey::Hmac { secret: sealed(&secret) }),
        ("[a-z]{8}", public).prop_map(|(secret, public)| SigningKey::Ed25519 {
            secret: sealed(&secret),
            public_key: PublicKey::parse(&public).expect("the pattern makes public keys"),
        }),
    ]
}

fn some_types() -> impl Strategy<Value = std::collections::BTreeSet<NoticeType>> {
    btree_set(proptest::sample::select(NoticeType::VARIANTS), 0..4)
}

fn a_description() -> impl Strategy<Value = WebhookDescription> {
    "[a-z ]{0,20}".prop_map(|text| WebhookDescription::parse(&text).expect("the pattern makes descriptions"))
}

/// Any command, at a time.
pub fn a_command(now: DateTime<Utc>) -> impl Strategy<Value = WebhookCommand> {
    use WebhookCommand as C;
    let reseller = ResellerId(Uuid::from_u128(3));
    let create = (1u32..=20, an_endpoint_url(), some_types(), a_description(), a_signing_key(), 0u64..100);
    let update = (option::of(an_endpoint_url()), option::of(some_types()), option::of(a_description()));
    prop_oneof![
        create.prop_map(move |(slot, url, types, description, key, after)| C::Create {
            reseller,
            slot,
            url,
            types,
            description,
            key,
            after
        }),
        update.prop_map(|(url, types, description)| C::Update { url, types, description }),
        (a_signing_key(), 0u32..OVERLAP_HOURS_MAX + 20)
            .prop_map(|(key, overlap_hours)| C::RotateSecret { key, overlap_hours }),
        Just(C::Pause),
        Just(C::ResumeDeliveries),
        option::of(100u16..600)
            .prop_map(move |last_status| C::Stop { failing_since: now - TimeDelta::days(3), last_status }),
        Just(C::GiveUp),
        (0u64..100).prop_map(|after| C::Replay { after }),
        Just(C::Delete),
    ]
}

/// A webhook as the word for its stage, and what signs.
#[derive(Clone, Debug)]
pub struct WebhookModel {
    /// The word.
    pub stage: WebhookStatus,
    /// What signs, the newest first, each with when it ends.
    pub keys: Vec<(SigningKey, Option<DateTime<Utc>>)>,
}

impl Model for WebhookModel {
    type Of = Webhook;

    fn begin() -> BoxedStrategy<Self> {
        Just(Self { stage: WebhookStatus::New, keys: Vec::new() }).boxed()
    }

    fn wishes(&self, now: DateTime<Utc>) -> BoxedStrategy<Wish<Self>> {
        a_command(now).prop_map(move |command| (now, command)).boxed()
    }

    fn hear(&mut self, command: &WebhookCommand, at: DateTime<Utc>) -> Said {
        let stage = follow(self.stage, command);
        self.stage = stage.unwrap_or(self.stage);
        match command {
            WebhookCommand::Create { key, .. } if stage.is_some() => self.keys = vec![(key.clone(), None)],
            WebhookCommand::RotateSecret { key, overlap_hours } if stage.is_some() => {
                self.keys.truncate(1);
                self.keys[0].1 = Some(at + TimeDelta::hours((*overlap_hours).into()));
                self.keys.insert(0, (key.clone(), None));
            }
            _ => {}
        }
        Said::done(stage.is_some())
    }
}

/// Where the command leads from a stage, if it may be.
fn follow(stage: WebhookStatus, command: &WebhookCommand) -> Option<WebhookStatus> {
    use {WebhookCommand as C, WebhookStatus as S};
    match (stage, command) {
        (S::New, C::Create { .. }) | (S::Paused | S::Stopped | S::Gone, C::ResumeDeliveries) => {
            Some(S::Active)
        }
        (S::New | S::Deleted, _) | (_, C::Create { .. }) => None,
        (_, C::Delete) => Some(S::Deleted),
        (_, C::RotateSecret { overlap_hours, .. }) if *overlap_hours > OVERLAP_HOURS_MAX => None,
        (_, C::Update { .. } | C::RotateSecret { .. } | C::Replay { .. }) => Some(stage),
        (S::Active, C::Pause) => Some(S::Paused),
        (S::Active, C::Stop { .. }) => Some(S::Stopped),
        (S::Active, C::GiveUp) => Some(S::Gone),
        (_, C::Pause | C::Stop { .. } | C::GiveUp | C::ResumeDeliveries) => None,
    }
}
