//! Random walks beside the model, and what must hold after each of their steps.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;

use crate::{
    claim::{Claim, ClaimAction},
    decider::{Context, Decider, Event, apply, handle},
    ids::OrderId,
    order::{
        Order, OrderStatus, Tally,
        events::{OrderEvent, OrderEventKind},
        line::{LineNumber, LineState},
    },
    testing::{
        order::{
            model::OrderModel,
            walk::{Wish, a_walk},
        },
        scenario::given,
    },
};

const ROLL_UPS: [OrderEventKind; 4] = [
    OrderEventKind::OrderCompleted,
    OrderEventKind::OrderPartlyCompleted,
    OrderEventKind::OrderFailed,
    OrderEventKind::OrderCancelled,
];

/// Walks, and checks every step; the history and the states it led through.
fn walk(wishes: &[Wish]) -> (Vec<OrderEvent>, Vec<Order>) {
    let mut context: Context = given::<Order>([]).context().clone();
    let (mut order, mut model) = (Order::default(), OrderModel::default());
    let (mut history, mut states) = (Vec::new(), vec![order.clone()]);
    for wish in wishes {
        context.at += TimeDelta::hours(i64::from(wish.hours));
        let command = wish.command(&model, context.at);
        let outcome = handle(&order, &command, &context);
        assert_eq!(outcome.is_ok(), model.step(&command, context.at), "{command:?}: {outcome:?}");
        let Ok(events) = outcome else { continue };
        check_decision(&events);
        for event in events {
            order = apply(order, &event).unwrap();
            history.push(event);
        }
        check_state(&order, &model);
        states.push(order.clone());
    }
    (history, states)
}

/// The order's own end comes last, once, and the answer to a cancellation right before it.
fn check_decision(events: &[OrderEvent]) {
    assert!(!events.is_empty());
    let kinds: Vec<OrderEventKind> = events.iter().map(Event::kind).collect();
    let (last, before) = kinds.split_last().unwrap();
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

/// What was taken and not released over a history.
fn held_after(history: &[OrderEvent], id: OrderId) -> BTreeSet<Claim> {
    let mut held = BTreeSet::new();
    for change in history.iter().flat_map(|event| event.claims(id.stream())) {
        match change.action {
            ClaimAction::Take => assert!(held.insert(change.claim), "taken twice"),
            ClaimAction::Release => assert!(held.remove(&change.claim), "released unheld"),
        }
    }
    held
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_walk_goes_as_the_model_says(wishes in a_walk(40)) {
        let (history, states) = walk(&wishes);
        let replayed = history.iter().try_fold(Order::default(), apply);
        prop_assert_eq!(replayed.as_ref(), Ok(states.last().unwrap()));
    }

    #[test]
    fn claims_taken_and_not_released_are_those_the_state_says_it_holds(wishes in a_walk(30)) {
        let id = OrderId(uuid::Uuid::from_u128(9));
        let (history, states) = walk(&wishes);
        prop_assert_eq!(held_after(&history, id), states.last().unwrap().held_claims(id));
        let keys_max = usize::try_from(given::<Order>([]).context().rules.limits().event_keys_max).unwrap();
        prop_assert!(history.iter().all(|event| event.claims(id.stream()).len() <= keys_max));
    }

    #[test]
    fn every_state_and_event_survives_its_own_json(wishes in a_walk(30)) {
        let (history, states) = walk(&wishes);
        for state in states {
            let json = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(serde_json::from_str::<Order>(&json).unwrap(), state);
        }
        for event in history {
            let json = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(serde_json::from_str::<OrderEvent>(&json).unwrap(), event);
        }
    }

    #[test]
    fn an_event_of_another_history_is_refused_or_leads_where_a_row_leads(
        one in a_walk(25), other in a_walk(25),
    ) {
        let (_, states) = walk(&one);
        let (events, _) = walk(&other);
        for state in &states {
            for event in &events {
                let from = state.status();
                if let Ok(after) = apply(state.clone(), event) {
                    prop_assert!(Order::LIFECYCLE.allows(from, event.kind(), after.status()));
                }
            }
        }
    }
}
