//! Named cases, the matrix and random walks.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use proptest_state_machine::{ReferenceStateMachine as _, prop_state_machine};
use strum::VariantArray as _;
use uuid::Uuid;

use super::{
    BlockAction, BlockCommand as C, BlockEvent, BlockStatus, NumberBlock, claims, events::BlockEventKind,
};
use crate::{
    claim::{ClaimAction, ClaimScope},
    decider::{Context, Decider, Event as _, apply},
    ids::{NumberBlockId, StreamId},
    names::MessageId,
    number::NumberRange,
    testing::{
        beside::{Beside, Mirror, Walked, walk},
        machine::{Machine, Said, rules_naming},
        matrix,
        number_block::{Away, BlockModel, load, part, stretch},
        scenario::{Given, given, moment},
    },
};

fn id() -> NumberBlockId {
    NumberBlockId(Uuid::from_u128(5))
}

fn loaded() -> Given<NumberBlock> {
    given([]).when(&load()).accepted()
}

fn port_out(from: u32, len: u32) -> C {
    C::PortOut { numbers: part(from, len), message: MessageId::parse("m-1").unwrap() }
}

#[test]
fn a_block_is_whole_hundreds_each_claimed() {
    for text in ["0113 496 0101-200", "0113 496 0100-150", "0113 496 0100"] {
        let C::Load { range_holder, place, .. } = load() else { panic!("that loads") };
        let range = NumberRange::parse(text).unwrap();
        given::<NumberBlock>([])
            .when(&C::Load { range, range_holder, place })
            .refused(&["not_whole_hundreds"]);
    }
    let keys: Vec<_> = claims::hundreds(stretch()).map(|claim| claim.key).collect();
    assert_eq!(keys, ["+4411349601", "+4411349602"]);
    let number = "0113 496 0299".parse().unwrap();
    assert_eq!(claims::hundred_of(number).key, "+4411349602");
}

#[test]
fn a_number_rests_thirty_one_days_and_not_a_second_less() {
    let resting = loaded().when(&C::Quarantine { numbers: part(0, 2) }).accepted();
    resting.when(&C::Quarantine { numbers: part(1, 2) }).refused(&["numbers_at_rest"]);
    let free = C::Free { numbers: part(0, 2) };
    let due = moment("2026-07-02T10:00:00Z");
    resting.clone().at(due - TimeDelta::seconds(1)).when(&free).refused(&["quarantine_runs"]);
    resting.clone().at(due).when(&C::Free { numbers: part(1, 2) }).refused(&["numbers_not_at_rest"]);
    resting.at(due).when(&free).expect(&[BlockEvent::NumbersFreed { numbers: part(0, 2) }]);
}

#[test]
fn a_customer_may_still_port_a_resting_number_out() {
    let resting = loaded().when(&C::Quarantine { numbers: part(0, 1) }).accepted();
    let events = resting.when(&port_out(0, 2)).events();
    let taken: Vec<_> = events[0].claims(id().stream()).into_iter().map(|change| change.claim).collect();
    assert_eq!(
        taken.iter().filter(|claim| claim.scope == ClaimScope::Number).count(),
        1,
        "one is held already"
    );
    let out = resting.and(events);
    assert!(part(0, 2).iter().all(|number| out.state().is_ported_out(number)));
    out.when(&port_out(1, 1)).refused(&["numbers_ported_out"]);
    out.when(&C::TakeBack { numbers: part(1, 2) }).refused(&["numbers_not_ported_out"]);
    out.when(&C::TakeBack { numbers: part(0, 2) }).accepted();
}

#[test]
fn a_block_with_numbers_away_is_not_withdrawn() {
    let away = loaded().when(&C::Quarantine { numbers: part(0, 1) }).accepted();
    let away = away.when(&port_out(1, 1)).accepted();
    away.when(&C::Withdraw).refused(&["numbers_at_rest", "numbers_ported_out"]);
}

#[test]
fn a_withdrawal_proves_that_every_number_was_free() {
    let events = loaded().when(&C::Withdraw).events();
    let changes = events.iter().flat_map(|event| event.claims(id().stream()));
    let taken = changes.filter(|change| change.action == ClaimAction::Take).count();
    assert_eq!(taken, 200);
}

#[test]
fn numbers_of_other_blocks_are_refused() {
    let numbers = crate::number::NumberSet::from(NumberRange::parse("0113 496 0298-301").unwrap());
    loaded().when(&C::Quarantine { numbers: numbers.clone() }).refused(&["numbers_outside"]);
    let message = MessageId::parse("m-2").unwrap();
    loaded().when(&C::PortOut { numbers, message }).refused(&["numbers_outside"]);
    loaded().when(&C::Free { numbers: part(0, 1).difference(&part(0, 1)) }).refused(&["numbers_missing"]);
}

#[test]
fn every_action_meets_every_status() {
    let away = loaded().when(&C::Quarantine { numbers: part(0, 1) }).accepted();
    let away = away.when(&port_out(1, 1)).accepted();
    let withdrawn = loaded().when(&C::Withdraw).accepted();
    let states = [&given([]), &loaded(), &away, &withdrawn].map(|it| it.state().clone());
    let commands = [
        load(),
        C::Quarantine { numbers: part(2, 1) },
        C::Free { numbers: part(0, 1) },
        port_out(3, 1),
        C::TakeBack { numbers: part(1, 1) },
        C::Withdraw,
    ];
    let late = Context { at: moment("2026-09-01T10:00:00Z"), rules: rules_naming(3) };
    let covered = matrix::run(&states, &commands, &late);
    assert_eq!(covered.statuses.len(), BlockStatus::VARIANTS.len());
    assert_eq!(covered.actions.len(), BlockAction::VARIANTS.len());
    let rows: BTreeSet<_> = NumberBlock::LIFECYCLE.0.iter().map(|row| (row.from, row.action)).collect();
    assert_eq!(covered.taken, rows);
}

#[test]
fn every_status_is_reached_and_comes_to_an_end() {
    let all: BTreeSet<_> = BlockStatus::VARIANTS.iter().copied().collect();
    assert_eq!(NumberBlock::LIFECYCLE.reachable(BlockStatus::New), all);
    for status in all {
        assert!(NumberBlock::LIFECYCLE.reachable(status).contains(&BlockStatus::Withdrawn));
    }
}

impl Mirror for BlockModel {
    const KEYS_MAX: usize = 3;

    fn stream() -> StreamId {
        id().stream()
    }

    fn compare(&self, _: Said, walked: &Walked<Self>) {
        let block = &walked.state;
        assert_eq!(block.status(), self.stage());
        for number in stretch().iter() {
            let found = match (block.rests_until(number), block.is_ported_out(number)) {
                (None, false) => None,
                (None, true) => Some(Away::Elsewhere),
                (Some(until), _) => Some(Away::Resting(until)),
            };
            assert_eq!(found, self.away.get(&number).copied(), "{number}");
        }
        let mut held = walked.held();
        held.retain(|claim| claim.scope != ClaimScope::MessageId);
        assert_eq!(block.held_claims(), held);
    }
}

prop_state_machine! {
    #[test]
    fn a_block_does_what_the_model_does(sequential 1..60 => Beside<BlockModel>);
}

proptest! {
    #[test]
    fn whatever_comes_after_the_end_is_illegal_or_changes_no_status(
        steps in Machine::<BlockModel>::sequential_strategy(1..60),
    ) {
        let (_, walked) = walk(steps);
        for event in walked.history {
            let from = walked.state.status();
            if let Ok(after) = apply(walked.state.clone(), &event) {
                prop_assert!(NumberBlock::LIFECYCLE.allows(from, event.kind(), after.status()));
            }
        }
    }
}

#[test]
fn walks_reach_every_event() {
    let mut runner = TestRunner::deterministic();
    let walks = Machine::<BlockModel>::sequential_strategy(60);
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        let (_, walked) = walk(walks.new_tree(&mut runner).unwrap().current());
        seen.extend(walked.history.iter().map(BlockEvent::kind));
    }
    assert_eq!(seen, BlockEventKind::VARIANTS.iter().copied().collect());
}
