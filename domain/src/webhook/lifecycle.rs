//! When what is legal for a webhook.

use super::{WebhookStatus, commands::WebhookAction, events::WebhookEventKind};
use crate::lifecycle::{Lifecycle, step};

#[rustfmt::skip]
pub(super) const LIFECYCLE: Lifecycle<WebhookStatus, WebhookAction, WebhookEventKind> = {
    use {WebhookAction as A, WebhookEventKind as E, WebhookStatus as S};
    Lifecycle(&[
        //   from         action                event                      to
        step(S::New,      A::Create,            E::WebhookCreated,         S::Active),

        step(S::Active,   A::Update,            E::WebhookUpdated,         S::Active),
        step(S::Active,   A::RotateSecret,      E::WebhookSecretRotated,   S::Active),
        step(S::Active,   A::Replay,            E::WebhookReplayed,        S::Active),
        step(S::Active,   A::Pause,             E::WebhookPaused,          S::Paused),
        step(S::Active,   A::Stop,              E::WebhookStopped,         S::Stopped),
        step(S::Active,   A::GiveUp,            E::WebhookGone,            S::Gone),
        step(S::Active,   A::Delete,            E::WebhookDeleted,         S::Deleted),

        step(S::Paused,   A::Update,            E::WebhookUpdated,         S::Paused),
        step(S::Paused,   A::RotateSecret,      E::WebhookSecretRotated,   S::Paused),
        step(S::Paused,   A::Replay,            E::WebhookReplayed,        S::Paused),
        step(S::Paused,   A::ResumeDeliveries,  E::WebhookResumed,         S::Active),
        step(S::Paused,   A::Delete,            E::WebhookDeleted,         S::Deleted),

        step(S::Stopped,  A::Update,            E::WebhookUpdated,         S::Stopped),
        step(S::Stopped,  A::RotateSecret,      E::WebhookSecretRotated,   S::Stopped),
        step(S::Stopped,  A::Replay,            E::WebhookReplayed,        S::Stopped),
        step(S::Stopped,  A::ResumeDeliveries,  E::WebhookResumed,         S::Active),
        step(S::Stopped,  A::Delete,            E::WebhookDeleted,         S::Deleted),

        step(S::Gone,     A::Update,            E::WebhookUpdated,         S::Gone),
        step(S::Gone,     A::RotateSecret,      E::WebhookSecretRotated,   S::Gone),
        step(S::Gone,     A::Replay,            E::WebhookReplayed,        S::Gone),
        step(S::Gone,     A::ResumeDeliveries,  E::WebhookResumed,         S::Active),
        step(S::Gone,     A::Delete,            E::WebhookDeleted,         S::Deleted),
    ])
};
