//! Named cases, the matrix and random walks.

use std::collections::BTreeSet;

use proptest::prelude::*;
use strum::VariantArray as _;
use uuid::Uuid;

use super::{Reseller, ResellerAction, ResellerCommand as C, ResellerEvent, ResellerStatus};
use crate::{
    decider::{Decider, Event as _, apply, handle},
    ids::ResellerId,
    names::{CompanyName, CugId, ResellerCode, SalesTag},
    testing::{
        company::sealed,
        ledger::Ledger,
        matrix,
        reseller::{a_walk, follow},
        scenario::{Given, given},
    },
};

/// Its three ids.
const KEYS_MAX: usize = 3;

fn create() -> C {
    C::Create {
        code: ResellerCode::parse("Orbit-1").unwrap(),
        cug_id: CugId::parse("CUG9").unwrap(),
        sales_tag: SalesTag::parse("north").unwrap(),
        name: CompanyName::parse("Orbit Telecom").unwrap(),
    }
}

fn created() -> Given<Reseller> {
    given([]).when(&create()).accepted()
}

fn suspended() -> Given<Reseller> {
    created().when(&C::Suspend { reason: sealed("unpaid") }).accepted()
}

#[test]
fn a_reseller_closes_only_while_suspended_and_without_live_companies() {
    created().when(&C::Close { live_companies: 0 }).refused(&["not_permitted"]);
    suspended().when(&C::Close { live_companies: 1 }).refused(&["live_companies"]);
    suspended().when(&C::Close { live_companies: 0 }).expect(&[ResellerEvent::ResellerClosed]);
}

#[test]
fn a_closed_reseller_keeps_its_ids() {
    let closed = suspended().when(&C::Close { live_companies: 0 }).accepted();
    let keys: BTreeSet<_> = closed.state().held_claims().into_iter().map(|claim| claim.key).collect();
    assert_eq!(keys, ["orbit-1", "cug9", "north"].map(str::to_owned).into());
    assert!(!closed.state().may_order());
}

#[test]
fn a_suspended_reseller_may_order_again_once_resumed() {
    assert!(created().state().may_order());
    assert!(!suspended().state().may_order());
    assert!(suspended().when(&C::Resume).accepted().state().may_order());
}

#[test]
fn every_action_meets_every_status() {
    let closed = suspended().when(&C::Close { live_companies: 0 }).accepted();
    let states = [&given([]), &created(), &suspended(), &closed].map(|it| it.state().clone());
    let name = CompanyName::parse("Orbit").unwrap();
    let commands = [
        create(),
        C::ChangeDetails { name },
        C::Suspend { reason: sealed("unpaid") },
        C::Resume,
        C::Close { live_companies: 0 },
    ];
    let covered = matrix::run(&states, &commands, created().context());
    assert_eq!(covered.statuses.len(), ResellerStatus::VARIANTS.len());
    assert_eq!(covered.actions.len(), ResellerAction::VARIANTS.len());
    let rows: BTreeSet<_> = Reseller::LIFECYCLE.0.iter().map(|row| (row.from, row.action)).collect();
    assert_eq!(covered.taken, rows);
}

#[test]
fn every_status_is_reached_and_comes_to_an_end() {
    let all: BTreeSet<_> = ResellerStatus::VARIANTS.iter().copied().collect();
    assert_eq!(Reseller::LIFECYCLE.reachable(ResellerStatus::New), all);
    for status in all {
        assert!(Reseller::LIFECYCLE.reachable(status).contains(&ResellerStatus::Closed));
    }
}

proptest! {
    #[test]
    fn a_reseller_does_what_the_model_does(commands in a_walk()) {
        let id = ResellerId(Uuid::from_u128(3));
        let (mut reseller, mut ledger, mut history) = (Reseller::default(), Ledger::default(), vec![]);
        let context = created().context().clone();
        for command in &commands {
            let expected = follow(reseller.status(), command);
            let outcome = handle(&reseller, command, &context);
            prop_assert_eq!(outcome.is_ok(), expected.is_some());
            for event in outcome.unwrap_or_default() {
                ledger.record(&event.claims(id.stream()), KEYS_MAX);
                reseller = apply(reseller, &event).unwrap();
                prop_assert_eq!(Some(reseller.status()), expected);
                history.push(event);
            }
            prop_assert_eq!(reseller.held_claims(), ledger.held_by(id.stream()));
            let text = serde_json::to_string(&reseller).unwrap();
            prop_assert_eq!(&reseller, &serde_json::from_str::<Reseller>(&text).unwrap());
        }
        for event in history {
            let from = reseller.status();
            if let Ok(after) = apply(reseller.clone(), &event) {
                prop_assert!(Reseller::LIFECYCLE.allows(from, event.kind(), after.status()));
            }
        }
    }
}
