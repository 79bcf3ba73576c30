//! How orders end: cascades, cancellations, and the one event that comes last.

use super::{acknowledged, cancel, cancelled_with, complete, fail, failed, start, submitted};
use crate::{
    decider::{Decider, apply},
    order::{
        OrderStatus,
        commands::OrderCommand,
        events::OrderEvent,
        line::{LineNumber, LineStatus, Milestone},
    },
    testing::order::requests::{asset_of, company_line, device, line, numbers, port, sealed, site, user},
};

const REQUEST: OrderCommand = OrderCommand::RequestCancellation { reason: None };

fn accept(ports_past_cut_off: &[u32]) -> OrderCommand {
    let ports_past_cut_off = ports_past_cut_off.iter().copied().map(LineNumber).collect();
    OrderCommand::AcceptCancellation { ports_past_cut_off }
}

fn refuse(lines: &[u32]) -> OrderCommand {
    OrderCommand::RefuseCancellation { lines: lines.iter().copied().map(LineNumber).collect() }
}

fn commit(line: u32) -> OrderCommand {
    OrderCommand::ReachMilestone { line: LineNumber(line), milestone: Milestone::Committed }
}

fn completed(line: u32) -> OrderEvent {
    OrderEvent::LineCompleted { line: LineNumber(line), asset: None }
}

#[test]
fn the_order_is_complete_after_every_line_is_and_nothing_follows() {
    let given = acknowledged(vec![numbers(1), site(&[1])]).after(&[start(1), complete(1), start(2)]);
    let site = OrderEvent::LineCompleted { line: LineNumber(2), asset: Some(asset_of(2)) };
    let given = given.when(&complete(2)).expect(&[site.clone(), OrderEvent::OrderCompleted]);
    for command in [complete(2), fail(1), REQUEST, OrderCommand::Acknowledge] {
        given.when(&command).refused(&["not_permitted"]);
    }
    for event in [site, OrderEvent::OrderCompleted, OrderEvent::OrderCancelled, OrderEvent::OrderAcknowledged]
    {
        assert!(apply(given.state().clone(), &event).is_err(), "{event:?}");
    }
}

#[test]
fn a_parent_that_fails_cancels_its_waiting_children_only() {
    let lines = vec![
        numbers(1),
        site(&[1]),
        user(line(2), None),
        device(line(3)),
        site(&[]),
        user(line(5), None),
        numbers(1),
    ];
    let given = acknowledged(lines).after(&[start(1), complete(1), start(5), complete(5), start(6)]);
    let given = given.when(&fail(2)).expect(&[failed(2), cancelled_with(3, 2), cancelled_with(4, 3)]);
    assert_eq!(given.state().open_lines(), [LineNumber(6), LineNumber(7)]);
    assert_eq!(given.state().status(), OrderStatus::InProgress);
}

#[test]
fn what_has_begun_outlives_its_parent() {
    let lines = vec![port(1), site(&[1]), user(line(2), Some(1)), user(line(2), Some(1))];
    let allocate = OrderCommand::ReachMilestone { line: LineNumber(1), milestone: Milestone::Allocated };
    let given = acknowledged(lines).after(&[allocate, start(2), complete(2), start(3)]);
    assert_eq!(given.state().ready_lines(), [LineNumber(4)]);
    let given = given.when(&fail(1)).expect(&[failed(1), cancelled_with(4, 1)]);
    assert_eq!(given.state().open_lines(), [LineNumber(3)]);
    let user = OrderEvent::LineCompleted { line: LineNumber(3), asset: Some(asset_of(3)) };
    given.when(&complete(3)).expect(&[user, OrderEvent::OrderPartlyCompleted]);
}

#[test]
fn a_company_that_fails_takes_all_with_it_but_its_ports() {
    let given = acknowledged(vec![company_line(), numbers(1), site(&[2, 4]), port(1)]);
    let given = given.when(&fail(1)).expect(&[failed(1), cancelled_with(2, 1), cancelled_with(3, 1)]);
    assert_eq!(given.state().open_lines(), [LineNumber(4)]);
}

#[test]
fn a_failure_that_ends_all_lines_ends_an_order_that_was_only_acknowledged() {
    let given = acknowledged(vec![numbers(1), site(&[1])]);
    given.when(&fail(1)).expect(&[failed(1), cancelled_with(2, 1), OrderEvent::OrderFailed]);
}

#[test]
fn cancelled_with_some_lines_complete_the_order_is_partial() {
    let given = acknowledged(vec![numbers(1), numbers(1), site(&[2])]).after(&[start(1), complete(1)]);
    let given =
        given.when(&REQUEST).accepted().when(&accept(&[])).expect(&[OrderEvent::CancellationAccepted]);
    let first = OrderEvent::LineCancelled { line: LineNumber(2), because_of: None };
    let given = given.when(&cancel(2));
    given.expect(&[first, cancelled_with(3, 2), OrderEvent::OrderPartlyCompleted]);
}

#[test]
fn cancelled_before_anything_is_done_the_order_is_cancelled() {
    let given = submitted(vec![numbers(1), port(1)]).after(&[REQUEST, accept(&[]), cancel(2)]);
    let last = OrderEvent::LineCancelled { line: LineNumber(1), because_of: None };
    given.when(&cancel(1)).expect(&[last, OrderEvent::OrderCancelled]);
}

#[test]
fn a_cancellation_is_refused_for_one_port_past_its_cut_off_and_other_lines_are_untouched() {
    let given = acknowledged(vec![port(1), port(2), numbers(1)]).after(&[start(3), REQUEST]);
    given.when(&accept(&[2])).refused(&["past_no_return"]);
    let before: Vec<_> = given.state().lines().map(|(_, line)| line.clone()).collect();
    given.when(&refuse(&[2, 3])).refused(&["can_be_cancelled"]);
    given.when(&refuse(&[9])).refused(&["line_unknown"]);
    given.when(&refuse(&[])).refused(&["no_return_unnamed"]);
    let given = given.when(&refuse(&[2])).accepted();
    assert_eq!(given.state().status(), OrderStatus::InProgress);
    assert!(given.state().lines().map(|(_, line)| line).eq(before.iter()));
}

#[test]
fn a_committed_line_blocks_a_cancellation_until_it_is_done() {
    let given = acknowledged(vec![numbers(1), numbers(1)]).after(&[start(1), commit(1), REQUEST]);
    given.when(&accept(&[])).refused(&["past_no_return"]);
    assert_eq!(given.state().past_ponr(&[]), [LineNumber(1)]);
    given.after(&[complete(1)]).when(&accept(&[1])).accepted();
}

#[test]
fn a_refused_cancellation_leads_back_to_where_it_was_asked() {
    let begun = acknowledged(vec![port(1), port(2)]);
    let hold = OrderCommand::Hold { reason: sealed("reason") };
    let refused = begun.after(&[hold, REQUEST, refuse(&[1])]);
    assert_eq!(refused.state().status(), OrderStatus::Held);
    let submitted = submitted(vec![port(1)]).after(&[REQUEST, refuse(&[1])]);
    assert_eq!(submitted.state().status(), OrderStatus::Submitted);
}

#[test]
fn a_cancellation_not_answered_before_the_last_line_ends_is_too_late() {
    let given = acknowledged(vec![numbers(1)]).after(&[start(1), REQUEST]);
    given.when(&complete(1)).expect(&[
        completed(1),
        OrderEvent::CancellationTooLate,
        OrderEvent::OrderCompleted,
    ]);
    given.when(&fail(1)).expect(&[failed(1), OrderEvent::CancellationTooLate, OrderEvent::OrderFailed]);
}

#[test]
fn a_supplier_is_heard_whatever_the_order_waits_for() {
    let begun = acknowledged(vec![port(1), port(2)]);
    let deadline = begun.context().at + chrono::TimeDelta::days(1);
    let require = OrderCommand::RequireInformation { question: sealed("question"), deadline: Some(deadline) };
    let hold = OrderCommand::Hold { reason: sealed("reason") };
    let stops = [vec![], vec![require], vec![hold], vec![REQUEST], vec![REQUEST, accept(&[])]];
    for stop in stops {
        let given = begun.clone().after(&stop);
        let status = given.state().status();
        for word in [complete(1), fail(1)] {
            let after = given.when(&word).accepted();
            assert_eq!(after.state().status(), status, "{word:?}");
        }
    }
}

#[test]
fn a_held_line_can_end_without_being_resumed() {
    let hold = OrderCommand::HoldLine { line: LineNumber(1), reason: sealed("reason") };
    let given = acknowledged(vec![numbers(1), numbers(1)]).after(&[start(1), hold]);
    let line = given.state().line(LineNumber(1)).unwrap();
    assert_eq!(line.status(), LineStatus::Held);
    given.when(&complete(1)).expect(&[completed(1)]);
    let resume = OrderCommand::ResumeLine { line: LineNumber(1) };
    given.when(&resume).accepted().when(&resume).refused(&["line_not_permitted"]);
}

#[test]
fn a_history_with_a_wrong_line_is_illegal() {
    let given = acknowledged(vec![numbers(1), numbers(1)]).after(&[start(1)]);
    let unknown = OrderEvent::LineStarted { line: LineNumber(9) };
    for event in [completed(2), unknown, OrderEvent::OrderCompleted, OrderEvent::OrderCancelled] {
        assert!(apply(given.state().clone(), &event).is_err(), "{event:?}");
    }
}
