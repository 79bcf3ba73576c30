//! Named cases, the matrix and random walks.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use proptest_state_machine::{ReferenceStateMachine as _, prop_state_machine};
use strum::VariantArray as _;
use uuid::Uuid;

use super::{
    Webhook, WebhookAction, WebhookCommand as C, WebhookEvent, WebhookStatus,
    events::WebhookEventKind,
    slot,
    values::{EndpointUrl, SigningKey, WebhookDescription},
};
use crate::{
    decider::{Decider, Event as _, apply},
    ids::{ResellerId, StreamId, WebhookId},
    testing::{
        beside::{Beside, Mirror, Walked, walk},
        company::sealed,
        machine::{Machine, Said},
        matrix,
        scenario::{Given, given},
        webhook::WebhookModel,
    },
};

fn key(secret: &str) -> SigningKey {
    SigningKey::Hmac { secret: sealed(secret) }
}

fn reseller() -> ResellerId {
    ResellerId(Uuid::from_u128(3))
}

fn create() -> C {
    C::Create {
        reseller: reseller(),
        slot: 7,
        url: EndpointUrl::parse("https://hooks.example/orders").unwrap(),
        types: BTreeSet::new(),
        description: WebhookDescription::default(),
        key: key("first"),
        after: 41,
    }
}

fn created() -> Given<Webhook> {
    given([]).when(&create()).accepted()
}

fn stop() -> C {
    C::Stop { failing_since: created().context().at, last_status: Some(500) }
}

fn rotate(secret: &str, overlap_hours: u32) -> C {
    C::RotateSecret { key: key(secret), overlap_hours }
}

#[test]
fn an_old_secret_signs_until_its_overlap_is_over_and_no_third_one_does() {
    let once = created().when(&rotate("second", 24)).accepted();
    let at = once.context().at;
    let keys = |it: &Given<Webhook>, at| -> Vec<SigningKey> {
        it.state().endpoint().unwrap().keys(at).cloned().collect()
    };
    assert_eq!(keys(&once, at + TimeDelta::hours(23)), [key("second"), key("first")]);
    assert_eq!(keys(&once, at + TimeDelta::hours(24)), [key("second")]);
    let twice = once.when(&rotate("third", 1)).accepted();
    assert_eq!(keys(&twice, at), [key("third"), key("second")]);
    assert_eq!(keys(&created().when(&rotate("second", 0)).accepted(), at), [key("second")]);
}

#[test]
fn an_old_secret_signs_for_a_week_at_most() {
    created().when(&rotate("second", 169)).refused(&["overlap_too_long"]);
    created().when(&rotate("second", 168)).accepted();
}

#[test]
fn whatever_ended_the_deliveries_its_owner_can_resume_them() {
    for end in [C::Pause, stop(), C::GiveUp] {
        let ended = created().when(&end).accepted();
        ended.when(&C::ResumeDeliveries).expect(&[WebhookEvent::WebhookResumed]);
    }
    created().when(&C::ResumeDeliveries).refused(&["not_permitted"]);
}

#[test]
fn a_pause_of_its_owner_is_not_ended_by_a_late_failure() {
    let paused = created().when(&C::Pause).accepted();
    paused.when(&stop()).refused(&["not_permitted"]);
    created().when(&C::Pause).accepted().when(&C::GiveUp).refused(&["not_permitted"]);
}

#[test]
fn a_deleted_webhook_gives_its_place_up_and_keeps_no_secret() {
    assert_eq!(created().state().held_claims(), [slot(reseller(), 7)].into());
    let deleted = created().when(&C::Delete).accepted();
    assert_eq!(*deleted.state(), Webhook::Deleted { reseller: reseller() });
    assert!(deleted.state().held_claims().is_empty());
}

#[test]
fn a_change_to_what_it_is_already_is_none() {
    let url = EndpointUrl::parse("https://hooks.example/orders").unwrap();
    created().when(&C::Update { url: Some(url), types: None, description: None }).expect(&[]);
}

#[test]
fn every_action_meets_every_status() {
    let ended = |command| created().when(&command).accepted().state().clone();
    let states = [
        Webhook::New,
        created().state().clone(),
        ended(C::Pause),
        ended(stop()),
        ended(C::GiveUp),
        ended(C::Delete),
    ];
    let description = Some(WebhookDescription::parse("orders").unwrap());
    let commands = [
        create(),
        C::Update { url: None, types: None, description },
        rotate("second", 24),
        C::Pause,
        C::ResumeDeliveries,
        stop(),
        C::GiveUp,
        C::Replay { after: 0 },
        C::Delete,
    ];
    let covered = matrix::run(&states, &commands, created().context());
    assert_eq!(covered.statuses.len(), WebhookStatus::VARIANTS.len());
    assert_eq!(covered.actions.len(), WebhookAction::VARIANTS.len());
    let rows: BTreeSet<_> = Webhook::LIFECYCLE.0.iter().map(|row| (row.from, row.action)).collect();
    assert_eq!(covered.taken, rows);
}

#[test]
fn every_status_is_reached_and_comes_to_an_end() {
    let all: BTreeSet<_> = WebhookStatus::VARIANTS.iter().copied().collect();
    assert_eq!(Webhook::LIFECYCLE.reachable(WebhookStatus::New), all);
    for status in all {
        assert!(Webhook::LIFECYCLE.reachable(status).contains(&WebhookStatus::Deleted));
    }
}

impl Mirror for WebhookModel {
    const KEYS_MAX: usize = 1; // Its place.

    fn stream() -> StreamId {
        WebhookId(Uuid::from_u128(5)).stream()
    }

    fn compare(&self, _: Said, walked: &Walked<Self>) {
        assert_eq!(walked.state.status(), self.stage);
        assert_eq!(walked.state.held_claims(), walked.held());
        let Some(endpoint) = walked.state.endpoint() else { return };
        assert_eq!(endpoint.key, self.keys[0].0);
        let previous = endpoint.previous.as_ref().map(|it| (it.key.clone(), Some(it.until)));
        assert_eq!(previous.as_ref(), self.keys.get(1));
    }
}

prop_state_machine! {
    #[test]
    fn a_webhook_does_what_the_model_does(sequential 1..30 => Beside<WebhookModel>);
}

proptest! {
    #[test]
    fn what_happened_before_cannot_be_repeated_where_no_row_leads(
        steps in Machine::<WebhookModel>::sequential_strategy(1..20),
    ) {
        let (_, walked) = walk(steps);
        for (state, event) in walked.states.iter().flat_map(|it| walked.history.iter().map(move |event| (it, event))) {
            if let Ok(after) = apply(state.clone(), event) {
                prop_assert!(Webhook::LIFECYCLE.allows(state.status(), event.kind(), after.status()));
            }
        }
    }
}

#[test]
fn walks_reach_every_event() {
    let mut runner = TestRunner::deterministic();
    let walks = Machine::<WebhookModel>::sequential_strategy(30);
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        let (_, walked) = walk(walks.new_tree(&mut runner).unwrap().current());
        seen.extend(walked.history.iter().map(WebhookEvent::kind));
    }
    assert_eq!(seen, WebhookEventKind::VARIANTS.iter().copied().collect());
}
