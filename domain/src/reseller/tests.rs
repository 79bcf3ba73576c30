//! Named cases, the matrix and random walks.

use std::collections::BTreeSet;

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use proptest_state_machine::{ReferenceStateMachine as _, prop_state_machine};
use strum::VariantArray as _;
use uuid::Uuid;

use super::{
    Reseller, ResellerAction, ResellerCommand as C, ResellerEvent, ResellerStatus, events::ResellerEventKind,
};
use crate::{
    decider::{Decider, Event as _, apply},
    ids::{ResellerId, StreamId},
    names::{CompanyName, CugId, ResellerCode, SalesTag},
    testing::{
        beside::{Beside, Mirror, Walked, walk},
        company::sealed,
        machine::{Machine, Said},
        matrix,
        reseller::ResellerModel,
        scenario::{Given, given},
    },
};

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

impl Mirror for ResellerModel {
    const KEYS_MAX: usize = 3; // Its three ids.

    fn stream() -> StreamId {
        ResellerId(Uuid::from_u128(3)).stream()
    }

    fn compare(&self, _: Said, walked: &Walked<Self>) {
        assert_eq!(walked.state.status(), self.stage);
        assert_eq!(walked.state.held_claims(), walked.held());
    }
}

prop_state_machine! {
    #[test]
    fn a_reseller_does_what_the_model_does(sequential 1..20 => Beside<ResellerModel>);
}

proptest! {
    #[test]
    fn what_happened_before_cannot_be_repeated_where_no_row_leads(
        steps in Machine::<ResellerModel>::sequential_strategy(1..20),
    ) {
        let (_, walked) = walk(steps);
        for (state, event) in walked.states.iter().flat_map(|it| walked.history.iter().map(move |event| (it, event))) {
            if let Ok(after) = apply(state.clone(), event) {
                prop_assert!(Reseller::LIFECYCLE.allows(state.status(), event.kind(), after.status()));
            }
        }
    }
}

#[test]
fn walks_reach_every_event() {
    let mut runner = TestRunner::deterministic();
    let walks = Machine::<ResellerModel>::sequential_strategy(20);
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        let (_, walked) = walk(walks.new_tree(&mut runner).unwrap().current());
        seen.extend(walked.history.iter().map(ResellerEvent::kind));
    }
    assert_eq!(seen, ResellerEventKind::VARIANTS.iter().copied().collect());
}
