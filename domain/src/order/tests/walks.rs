//! Random walks beside the model, and what must hold after each of their steps.

use std::collections::BTreeSet;

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use proptest_state_machine::{ReferenceStateMachine as _, prop_state_machine};
use strum::VariantArray as _;

use crate::{
    decider::{Decider, Event, apply},
    ids::{OrderId, StreamId},
    order::{
        Order, OrderStatus, Tally,
        events::{OrderEvent, OrderEventKind},
        line::{LineNumber, LineState},
    },
    testing::{
        beside::{Beside, Mirror, Walked, walk},
        machine::{Machine, Said},
        order::model::OrderModel,
    },
};

const ROLL_UPS: [OrderEventKind; 4] = [
    OrderEventKind::OrderCompleted,
    OrderEventKind::OrderPartlyCompleted,
    OrderEventKind::OrderFailed,
    OrderEventKind::OrderCancelled,
];

fn id() -> OrderId {
    OrderId(uuid::Uuid::from_u128(9))
}

impl Mirror for OrderModel {
    const KEYS_MAX: usize = 500;

    fn stream() -> StreamId {
        id().stream()
    }

    fn compare(&self, said: Said, walked: &Walked<Self>) {
        assert!(said == Said::Refused || walked.states.is_empty() || !walked.last_events().is_empty());
        check_decision(walked.last_events());
        check_state(&walked.state, self);
        assert_eq!(walked.held(), walked.state.held_claims(id()));
    }
}

/// The order's own end comes last, once, and the answer to a cancellation right before it.
fn check_decision(events: &[OrderEvent]) {
    let kinds: Vec<OrderEventKind> = events.iter().map(Event::kind).collect();
    let Some((last, before)) = kinds.split_last() else { return };
    assert!(!before.iter().any(|kind| ROLL_UPS.contains(kind)), "{kinds:?}");
    let too_late = kinds.iter().rposition(|kind| *kind == OrderEventKind::CancellationTooLate);
    assert!(too_late.is_none_or(|at| at + 2 == kinds.len() && ROLL_UPS.contains(last)), "{kinds:?}");
}

fn check_state(order: &Order, model: &OrderModel) {
    assert_eq!(order.status(), model.status);
    if matches!(order, Order::Discarded(_)) {
        return;
    }
    for (number, line) in order.lines() {
        let expected = &model.lines[&number.0];
        assert_eq!((line.status(), &*line.request), (expected.status, &expected.request), "line {number}");
    }
    assert_eq!(order.lines().count(), model.lines.len());
    if let Some(lines) = order.graph() {
        let tally: Tally = order.lines().map(|(_, line)| line.status()).collect();
        assert_eq!(lines.tally(), tally);
        let ready = |number: &LineNumber| {
            order.line(*number).is_some_and(|line| line.state == LineState::Waiting)
                && lines.unmet(*number).is_empty()
        };
        let numbers = order.lines().map(|(number, _)| number);
        assert!(numbers.filter(ready).eq(lines.ready()));
        for (number, _) in order.lines() {
            for on in order.dependencies(number) {
                assert!(lines.dependents(on.line).contains(&number), "{number} hangs on {on:?}");
            }
        }
    }
    let at_work = ![OrderStatus::Submitted, OrderStatus::Acknowledged].contains(&order.status());
    assert!(at_work || !order.lines().any(|(_, line)| line.state == LineState::Completed));
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_order_does_what_the_model_says(sequential 1..60 => Beside<OrderModel>);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_event_of_another_history_is_refused_or_leads_where_a_row_leads(
        one in Machine::<OrderModel>::sequential_strategy(1..30),
        other in Machine::<OrderModel>::sequential_strategy(1..30),
    ) {
        let ((_, one), (_, other)) = (walk(one), walk(other));
        for state in &one.states {
            for event in &other.history {
                let from = state.status();
                if let Ok(after) = apply(state.clone(), event) {
                    prop_assert!(Order::LIFECYCLE.allows(from, event.kind(), after.status()));
                }
            }
        }
    }
}

/// Every row is taken in [`explored`](super::explored); a walk that never gets anywhere proves nothing.
#[test]
fn walks_reach_every_event() {
    let mut missing: BTreeSet<OrderEventKind> = OrderEventKind::VARIANTS.iter().copied().collect();
    let mut runner = TestRunner::deterministic();
    let walks = Machine::<OrderModel>::sequential_strategy(60);
    for _ in 0..400 {
        let (_, walked) = walk(walks.new_tree(&mut runner).unwrap().current());
        missing.retain(|kind| !walked.history.iter().any(|event| event.kind() == *kind));
        if missing.is_empty() {
            return;
        }
    }
    panic!("never reached: {missing:?}");
}
