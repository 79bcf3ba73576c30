//! Each guard, by the claim it makes.

use chrono::{TimeDelta, Utc};

use super::{acknowledged, complete, draft, fail, start, started, submitted};
use crate::decider::{Decider, Refused};
use crate::refusal::{Reason, Rule};
use crate::{
    order::{
        Order, OrderError, OrderStatus,
        commands::OrderCommand,
        draft::SITE_SOURCES_MAX,
        events::OrderEvent,
        graph::{Dependency, Until},
        line::{LineFailure, LineNumber, LineRequest, LineState, Milestone, Parent},
    },
    testing::{
        order::{
            requests::{
                asset_of, company_line, create, device, line, numbers, numbers_for, old_site, pbx, port,
                port_request_of, reseller, sealed, site, trunk, user,
            },
            walk::reasons,
        },
        scenario::{given, moment},
    },
};

fn subjects(command: &OrderCommand, order: &Order) -> Vec<String> {
    let nobody = given::<Order>([]);
    match crate::decider::handle(order, command, nobody.context()) {
        Err(Refused::Rules(errors)) => errors.iter().filter_map(OrderError::subject).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_draft_says_every_reason_at_once_and_where_each_is() {
    let lines = vec![
        company_line(),
        company_line(),
        site(&[9, 1]),
        user(line(1), Some(3)),
        device(line(3)),
        numbers(0),
    ];
    let command = create(lines);
    assert_eq!(
        subjects(&command, &Order::New),
        [
            "/lines/1",
            "/lines/2",
            "/lines/3/numbers/0",
            "/lines/3/numbers/1",
            "/lines/4/site",
            "/lines/4/primary_number",
            "/lines/5/user",
            "/lines/6/ask/search/quantity",
        ]
    );
    given::<Order>([]).when(&command).refused(&[
        "second_company",
        "second_company",
        "parent_unknown",
        "parent_wrong",
        "parent_wrong",
        "parent_wrong",
        "parent_wrong",
        "out_of_bounds",
    ]);
}

#[test]
fn only_ports_do_without_a_company() {
    let nameless = |lines| {
        let OrderCommand::Create { reseller, reference, .. } = create(vec![]) else { unreachable!() };
        OrderCommand::Create { reseller, reference, company: None, lines }
    };
    let ported = given::<Order>([]).when(&nameless(vec![port(1)])).accepted();
    ported.when(&OrderCommand::AddLine { request: numbers(1) }).refused(&["company_missing"]);
    given::<Order>([]).when(&nameless(vec![port(1), numbers(1), site(&[])])).refused(&["company_missing"]);
}

#[test]
fn an_order_has_no_more_lines_than_the_limit() {
    let max = given::<Order>([]).context().rules.limits().order_lines_max;
    let lines = vec![port(1); usize::try_from(max).unwrap()];
    let full = draft(lines.clone());
    full.when(&OrderCommand::AddLine { request: port(1) }).refused(&["too_many_lines"]);
    let too_many = create([lines, vec![port(1)]].concat());
    given::<Order>([]).when(&too_many).refused(&["too_many_lines"]);
}

#[test]
fn a_list_in_a_line_is_bounded() {
    let sources = vec![1; SITE_SOURCES_MAX + 1];
    given::<Order>([]).when(&create(vec![numbers(2), site(&sources)])).refused(&["out_of_bounds"]);
}

#[test]
fn the_numbers_of_a_user_are_those_of_its_site() {
    let other = vec![numbers(2), numbers(2), site(&[1]), user(line(3), Some(2))];
    given::<Order>([]).when(&create(other)).refused(&["numbers_elsewhere"]);
    let old = vec![numbers_for(old_site()), user(Parent::Asset(old_site()), Some(1))];
    draft(old.clone());
    given::<Order>([]).when(&create(vec![old[0].clone(), site(&[1])])).refused(&["numbers_elsewhere"]);
    let sound = draft(vec![numbers(2), site(&[1]), user(line(2), Some(1))]);
    let change = OrderCommand::ChangeLine { line: LineNumber(2), request: site(&[]) };
    sound.when(&change).refused(&["numbers_elsewhere"]);
}

#[test]
fn a_line_that_another_names_stays_and_its_number_is_never_used_again() {
    let given = draft(vec![site(&[]), pbx(line(1)), trunk(line(2))]);
    let remove = |number| OrderCommand::RemoveLine { line: LineNumber(number) };
    given.when(&remove(1)).refused(&["line_in_use"]);
    let given = given.when(&remove(3)).accepted();
    let given = given.when(&OrderCommand::AddLine { request: trunk(line(2)) }).accepted();
    let numbers: Vec<u32> = given.state().lines().map(|(number, _)| number.0).collect();
    assert_eq!(numbers, [1, 2, 4]);
    given.when(&remove(3)).refused(&["line_unknown"]);
    let change = OrderCommand::ChangeLine { line: LineNumber(2), request: numbers_for(old_site()) };
    given.when(&change).refused(&["parent_wrong"]);
}

#[test]
fn touching_a_draft_renews_it() {
    let given = draft(vec![]).at(moment("2026-08-01T10:00:00Z"));
    let given = given.when(&OrderCommand::AddLine { request: port(1) }).accepted();
    let until = moment("2026-10-30T10:00:00Z");
    assert_eq!(given.state().untouched_until(), Some(until));
    let given = given.at(until - TimeDelta::seconds(1));
    given.when(&OrderCommand::DiscardUntouched).refused(&["draft_untouched_until"]);
    let gone = given.at(until).when(&OrderCommand::DiscardUntouched).accepted();
    assert_eq!(gone.state().status(), OrderStatus::Discarded);
    assert_eq!(gone.state().reseller(), Some(reseller()));
}

#[test]
fn submit_names_every_line_that_gets_an_id_and_no_other() {
    let submit = |assets: &[u32], ports: &[u32]| OrderCommand::Submit {
        assets: assets.iter().map(|it| (LineNumber(*it), asset_of(*it))).collect(),
        port_requests: ports.iter().map(|it| (LineNumber(*it), port_request_of(*it))).collect(),
    };
    let given = draft(vec![company_line(), numbers(1), port(1), site(&[2, 3])]);
    given.when(&submit(&[], &[])).refused(&["minted_missing", "minted_missing"]);
    given.when(&submit(&[4, 1], &[3])).refused(&["minted_in_vain"]);
    given.when(&submit(&[4], &[2, 3])).refused(&["minted_in_vain"]);
    given.when(&submit(&[4, 4], &[3])).refused(&["minted_twice"]);
    let given = given.when(&submit(&[4], &[3])).accepted();
    assert_eq!(given.state().asset(LineNumber(4)), Some(asset_of(4)));
    assert_eq!(given.state().port_request(LineNumber(3)), Some(port_request_of(3)));
    draft(vec![]).when(&submit(&[], &[])).refused(&["no_line"]);
}

#[test]
fn submit_twice_is_refused_and_says_what_could_be_asked() {
    submitted(vec![port(1)])
        .when(&super::submit(&super::OrderModel::default(), false))
        .refused(&["not_permitted"]);
}

#[test]
fn a_rejection_has_reasons() {
    let given = submitted(vec![port(1)]);
    given.when(&OrderCommand::Reject { reasons: reasons(0) }).refused(&["reasons_out_of_bounds"]);
    given.when(&OrderCommand::Reject { reasons: reasons(101) }).refused(&["reasons_out_of_bounds"]);
    let rejected = given.when(&OrderCommand::Reject { reasons: reasons(1) }).accepted();
    assert!(rejected.state().open_lines().is_empty());
}

#[test]
fn a_line_starts_once_its_parents_are_completed() {
    let given = acknowledged(vec![company_line(), numbers(1), site(&[2]), user(line(3), Some(2))]);
    assert_eq!(given.state().ready_lines(), [LineNumber(1)]);
    given.when(&start(3)).refused(&["line_waits", "line_waits"]);
    let given = given.after(&[start(1), complete(1)]);
    assert_eq!(given.state().ready_lines(), [LineNumber(2)]);
    let given = given.after(&[start(2), complete(2), start(3)]);
    given.when(&start(4)).refused(&["line_waits"]);
    given.after(&[complete(3), start(4)]).when(&start(4)).refused(&["line_not_permitted"]);
    given.when(&start(9)).refused(&["line_unknown"]);
}

#[test]
fn a_port_waits_for_nothing_but_acknowledgement() {
    let given = submitted(vec![company_line(), port(1), site(&[2])]);
    assert!(given.state().dependencies(LineNumber(2)).is_empty());
    assert!(given.state().ready_lines().is_empty());
    let given = given.when(&OrderCommand::Acknowledge).expect(&[OrderEvent::OrderAcknowledged, started(2)]);
    assert_eq!(given.state().status(), OrderStatus::InProgress);
    let on = |line, until| Dependency { line: LineNumber(line), until };
    let expected = [on(1, Until::Completed), on(2, Until::Allocated)];
    assert_eq!(given.state().dependencies(LineNumber(3)), expected);
}

#[test]
fn allocated_numbers_let_the_site_start_long_before_the_port_is_done() {
    let given = acknowledged(vec![port(1), site(&[1]), user(line(2), Some(1))]);
    given.when(&start(2)).refused(&["line_waits"]);
    let given = given.after(&[reach(1, Milestone::Allocated), start(2), complete(2), start(3), complete(3)]);
    assert_eq!(given.state().open_lines(), [LineNumber(1)]);
}

fn reach(line: u32, milestone: Milestone) -> OrderCommand {
    OrderCommand::ReachMilestone { line: LineNumber(line), milestone }
}

#[test]
fn a_milestone_is_reached_once_and_by_its_own_kind_of_line() {
    let given = acknowledged(vec![port(1), numbers(1)]).after(&[start(2)]);
    given.when(&reach(1, Milestone::Committed)).refused(&["milestone_foreign"]);
    given.when(&reach(2, Milestone::Allocated)).refused(&["milestone_foreign"]);
    let given = given.after(&[reach(2, Milestone::Committed)]);
    given.when(&reach(2, Milestone::Committed)).refused(&["milestone_reached"]);
}

#[test]
fn a_waiting_line_may_ask_for_something_else_of_its_kind() {
    let amend = |line, request| OrderCommand::AmendLine { line: LineNumber(line), request };
    let given = acknowledged(vec![numbers(1), site(&[1]), numbers(1), user(line(2), Some(1))]);
    given.when(&amend(2, site(&[3]))).refused(&["numbers_elsewhere"]);
    given.when(&amend(3, port(1))).refused(&["line_kind_changes"]);
    given.when(&amend(4, user(line(9), None))).refused(&["parent_unknown"]);
    let given = given.when(&amend(2, site(&[1, 3]))).accepted();
    assert_eq!(given.state().dependencies(LineNumber(2)).len(), 2);
    let given = given.after(&[start(1)]);
    given.when(&amend(1, numbers(2))).refused(&["line_begun"]);
    let given = given.after(&[complete(1)]);
    given.when(&amend(1, numbers(2))).refused(&["line_not_permitted"]);
}

#[test]
fn a_waiting_line_cannot_come_to_hang_on_one_that_failed() {
    let lines = vec![numbers(1), site(&[1]), numbers(1), site(&[])];
    let given = acknowledged(lines).after(&[fail(3)]);
    let amend = OrderCommand::AmendLine { line: LineNumber(2), request: site(&[1, 3]) };
    given.when(&amend).refused(&["parent_ended"]);
}

#[test]
fn of_a_port_only_the_date_changes_also_once_it_has_begun() {
    let amend = |request| OrderCommand::AmendLine { line: LineNumber(1), request };
    let LineRequest::Port(mut other) = port(2) else { unreachable!() };
    other.account = sealed("another account");
    for given in [submitted(vec![port(1)]), acknowledged(vec![port(1)])] {
        given.when(&amend(LineRequest::Port(other.clone()))).refused(&["more_than_date_changes"]);
        given.when(&amend(port(2))).accepted();
    }
}

#[test]
fn information_is_given_until_the_deadline_and_the_order_goes_on_where_it_was() {
    let deadline = moment("2026-06-05T10:00:00Z");
    let require = |deadline| OrderCommand::RequireInformation {
        question: sealed("question"),
        deadline: Some(deadline),
    };
    let provide = OrderCommand::ProvideInformation { answer: sealed("answer") };
    let fresh = acknowledged(vec![numbers(1)]);
    fresh.when(&require(fresh.context().at)).refused(&["deadline_past"]);
    for (before, status) in
        [(fresh.clone(), OrderStatus::Acknowledged), (fresh.after(&[start(1)]), OrderStatus::InProgress)]
    {
        let given = before.after(&[require(deadline)]);
        assert_eq!(given.state().information_deadline(), Some::<chrono::DateTime<Utc>>(deadline));
        given.when(&OrderCommand::InformationDeadlinePasses).refused(&["deadline_runs"]);
        assert_eq!(given.when(&provide).accepted().state().status(), status);
        let late = given.at(deadline);
        let late =
            late.when(&OrderCommand::InformationDeadlinePasses).expect(&[OrderEvent::InformationOverdue]);
        let go_on = OrderCommand::RefuseCancellation { lines: vec![] };
        assert_eq!(late.when(&go_on).accepted().state().status(), status);
    }
}

/// Monday the first and ten working days: the bank holidays of June are none.
#[test]
fn information_without_a_deadline_may_be_given_for_ten_working_days() {
    let require = OrderCommand::RequireInformation { question: sealed("question"), deadline: None };
    let given = acknowledged(vec![numbers(1)]).after(std::slice::from_ref(&require));
    assert_eq!(
        given.state().information_deadline(),
        Some(moment("2026-06-15T23:00:00Z")),
        "midnight in London"
    );
    let late = acknowledged(vec![numbers(1)]).at(moment("2028-12-30T10:00:00Z"));
    late.when(&require).refused(&["deadline_beyond_calendar"]);
}

#[test]
fn a_failure_and_a_rejection_keep_texts_of_bounded_length() {
    let failing = |code: &str, detail: &str| OrderCommand::FailLine {
        line: LineNumber(1),
        failure: LineFailure { code: code.to_owned(), detail: detail.to_owned() },
    };
    let order = acknowledged(vec![company_line()]);
    for code in ["", "No slug", &"x".repeat(61)] {
        order.when(&failing(code, "broken")).refused(&["code_out_of_bounds"]);
    }
    let cut = order.when(&failing("broken", &"é".repeat(501))).accepted();
    let LineState::Failed(kept) = &cut.state().line(LineNumber(1)).unwrap().state else {
        panic!("it failed")
    };
    assert_eq!(kept.detail, "é".repeat(500), "a line can always fail");

    let rejecting = |reason| OrderCommand::Reject { reasons: vec![reason] };
    let [sound] = reasons(1).try_into().unwrap();
    let order = submitted(vec![company_line()]);
    order.when(&rejecting(Reason { detail: "x".repeat(500), ..sound.clone() })).accepted();
    for long in [
        Reason { code: "x".repeat(61), ..sound.clone() },
        Reason { detail: "x".repeat(501), ..sound.clone() },
        Reason { expected: Some("x".repeat(501)), ..sound },
    ] {
        order.when(&rejecting(long)).refused(&["reason_out_of_bounds"]);
    }
}
