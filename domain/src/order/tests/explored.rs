//! Every state that small orders can reach by a fixed set of commands, found by trying them all.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use strum::VariantArray;

use crate::{
    decider::{Context, Decider, Event, apply, handle},
    lifecycle::Step,
    order::{
        Order, OrderStatus,
        commands::{OrderAction, OrderCommand},
        events::OrderEventKind,
        line::{LineNumber, LineRequest, Milestone},
    },
    testing::{
        matrix,
        order::{
            model::OrderModel,
            requests::{create, failure, numbers, port, sealed, site},
            walk::{reasons, submit},
        },
        scenario::{given, moment},
    },
};

type Row = (OrderStatus, OrderAction, OrderEventKind, OrderStatus);

/// What was found from one order.
struct Explored {
    states: BTreeMap<String, (Order, OrderModel)>,
    rows: BTreeSet<Row>,
}

fn contexts() -> [Context; 2] {
    let early = given::<Order>([]);
    let late = early.clone().at(moment("2026-12-01T10:00:00Z"));
    [early.context().clone(), late.context().clone()]
}

fn deadline() -> DateTime<Utc> {
    moment("2026-06-10T10:00:00Z")
}

/// Every command, on two lines, with a good and a bad variant where there is one.
fn commands(create_lines: &[LineRequest], model: &OrderModel) -> Vec<OrderCommand> {
    let reason = || sealed("reason");
    let mut commands = vec![
        create(create_lines.to_vec()),
        OrderCommand::AddLine { request: port(3) },
        OrderCommand::Discard,
        OrderCommand::DiscardUntouched,
        submit(model, false),
        submit(model, true),
        OrderCommand::Acknowledge,
        OrderCommand::Reject { reasons: reasons(1) },
        OrderCommand::RequireInformation { question: reason(), deadline: Some(deadline()) },
        OrderCommand::ProvideInformation { answer: reason() },
        OrderCommand::InformationDeadlinePasses,
        OrderCommand::Hold { reason: reason() },
        OrderCommand::Resume,
        OrderCommand::RequestCancellation { reason: None },
        OrderCommand::AcceptCancellation { ports_past_cut_off: vec![] },
        OrderCommand::AcceptCancellation { ports_past_cut_off: vec![LineNumber(1)] },
        OrderCommand::RefuseCancellation { lines: vec![] },
    ];
    for (number, request) in (1..).map(LineNumber).zip(create_lines) {
        let line = number;
        commands.extend([
            OrderCommand::ChangeLine { line, request: request.clone() },
            OrderCommand::RemoveLine { line },
            OrderCommand::StartLine { line },
            OrderCommand::ReachMilestone { line, milestone: Milestone::Allocated },
            OrderCommand::ReachMilestone { line, milestone: Milestone::Committed },
            OrderCommand::HoldLine { line, reason: reason() },
            OrderCommand::ResumeLine { line },
            OrderCommand::CompleteLine { line },
            OrderCommand::FailLine { line, failure: failure() },
            OrderCommand::CancelLine { line },
            OrderCommand::AmendLine { line, request: request.clone() },
            OrderCommand::RefuseCancellation { lines: vec![line] },
        ]);
    }
    commands
}

fn explore(lines: &[LineRequest]) -> Explored {
    let mut explored = Explored { states: BTreeMap::new(), rows: BTreeSet::new() };
    let mut fresh = vec![(Order::default(), OrderModel::default())];
    let contexts = contexts();
    while let Some((order, model)) = fresh.pop() {
        let key = serde_json::to_string(&order).unwrap();
        if explored.states.insert(key, (order.clone(), model.clone())).is_some() {
            continue;
        }
        for (command, context) in
            commands(lines, &model).iter().flat_map(|it| contexts.iter().map(move |at| (it, at)))
        {
            if *command == create(lines.to_vec()) && context.at > deadline() {
                continue; // A second draft that differs in nothing but its date.
            }
            let mut expected = model.clone();
            let may = expected.step(command, context.at);
            let outcome = handle(&order, command, context);
            assert_eq!(outcome.is_ok(), may, "{:?}: {command:?}: {outcome:?}", order.status());
            let Ok(events) = outcome else { continue };
            let mut after = order.clone();
            for event in &events {
                let from = after.status();
                after = apply(after, event).unwrap();
                explored.rows.insert((from, Order::action(command), event.kind(), after.status()));
            }
            assert_eq!(after.status(), expected.status, "{command:?}");
            if expected.status == OrderStatus::Discarded {
                fresh.push((after, expected));
                continue; // Its lines are forgotten.
            }
            let statuses = after.lines().map(|(number, line)| (number.0, line.status()));
            assert!(statuses.eq(expected.lines.iter().map(|(number, line)| (*number, line.status))));
            if expected.status != OrderStatus::Draft || model.status == OrderStatus::New {
                fresh.push((after, expected));
            }
        }
    }
    explored
}

fn small_orders() -> Vec<Vec<LineRequest>> {
    vec![vec![port(1), site(&[1])], vec![numbers(2), site(&[1])]]
}

#[test]
fn every_reachable_state_of_a_small_order_is_as_the_model_has_it_and_every_row_is_taken() {
    let mut rows = BTreeSet::new();
    for lines in small_orders() {
        let explored = explore(&lines);
        assert!(explored.states.len() > 100, "{} states", explored.states.len());
        rows.extend(explored.rows);
    }
    let missed: Vec<_> = Order::LIFECYCLE
        .0
        .iter()
        .filter(|Step { from, action, event, to }| !rows.contains(&(*from, *action, *event, *to)))
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn the_matrix_covers_every_status_and_action() {
    let (mut statuses, mut actions, mut taken) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for lines in small_orders() {
        let explored = explore(&lines);
        let states: Vec<Order> = explored.states.values().map(|(order, _)| order.clone()).collect();
        let (_, placed) = explored.states.values().find(|(order, _)| order.is_open()).unwrap();
        for context in contexts() {
            let covered = matrix::run(&states, &commands(&lines, placed), &context);
            statuses.extend(covered.statuses);
            actions.extend(covered.actions);
            taken.extend(covered.taken);
        }
    }
    assert_eq!(statuses, OrderStatus::VARIANTS.iter().copied().collect());
    assert_eq!(actions, OrderAction::VARIANTS.iter().copied().collect());
    let rows = Order::LIFECYCLE.0.iter().map(|step| (step.from, step.action));
    assert_eq!(taken, rows.collect());
}

#[test]
fn every_status_is_reached_and_every_one_comes_to_an_end() {
    let lifecycle = Order::LIFECYCLE;
    let all: BTreeSet<_> = OrderStatus::VARIANTS.iter().copied().collect();
    assert_eq!(lifecycle.reachable(OrderStatus::New), all);
    for status in all {
        let ends = lifecycle.reachable(status).into_iter().any(|reached| lifecycle.is_terminal(reached));
        assert!(ends, "{status}");
    }
    let terminal = OrderStatus::VARIANTS.iter().filter(|status| lifecycle.is_terminal(**status));
    let words: Vec<String> = terminal.map(ToString::to_string).collect();
    assert_eq!(words, ["rejected", "completed", "partial", "failed", "cancelled", "discarded"]);
}

#[test]
fn nothing_is_permitted_after_a_terminal_event() {
    for status in OrderStatus::VARIANTS.iter().filter(|status| Order::LIFECYCLE.is_terminal(**status)) {
        assert!(Order::LIFECYCLE.actions(*status).is_empty(), "{status}");
    }
}
