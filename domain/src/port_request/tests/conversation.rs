//! What losing provider and range holder say, in every order.

use super::*;
use crate::{
    number::NumberSet,
    port_request::events::PortCancellation,
    testing::port_request::{multi_line, subsequent},
};

fn cancel() -> PortCommand {
    PortCommand::Cancel { why: PortCancellation::Requested }
}

#[test]
fn an_answer_is_overdue_after_24_hours_for_a_single_line_and_48_for_a_multi_line() {
    for (line, before, due) in [
        (single_line(morning()), "2026-06-02T09:59:59Z", "2026-06-02T10:00:00Z"),
        (multi_line(1, morning()), "2026-06-03T09:59:59Z", "2026-06-03T10:00:00Z"),
    ] {
        let port =
            submitted(line).at(moment(before)).when(&PortCommand::AnswerOverdue).refused(&["port_not_due"]);
        let port = port.at(moment(due)).when(&PortCommand::AnswerOverdue).expect(&[PortEvent::PortOverdue]);
        port.when(&PortCommand::AnswerOverdue).refused(&["port_nothing_due"]);
    }
}

#[test]
fn it_is_given_up_when_the_tenth_working_day_has_ended_in_london() {
    let port = submitted(single_line(morning())).at(moment("2026-06-15T22:59:59Z"));
    let port = port.when(&PortCommand::TimeOut).refused(&["port_not_due"]);
    let port = port.at(moment("2026-06-15T23:00:00Z")).when(&PortCommand::TimeOut).accepted();
    is(&port, "timed_out");
}

#[test]
fn a_timer_of_an_earlier_attempt_is_refused() {
    let port = submitted(single_line(on("2026-06-25")));
    let stale = port.state().timers();
    let port = port.at(moment("2026-06-01T16:00:00Z"));
    let port = port.when(&rejects("1", Supplier::Lcp, PortRejection::MbnIncorrect)).accepted();
    let mut port = port.when(&represent("2026-06-26")).accepted();
    assert_eq!(stale.len(), 2);
    for timer in stale.iter().filter(|timer| timer.command == PortCommand::AnswerOverdue) {
        port = port.at(timer.due).when(&timer.command).refused(&["port_not_due"]);
    }
}

#[test]
fn rejected_twice_for_different_reasons_the_third_attempt_is_accepted() {
    let port = submitted(single_line(morning()))
        .when(&rejects("1", Supplier::Lcp, PortRejection::PostcodeMismatch))
        .accepted()
        .when(&represent("2026-06-17"))
        .accepted()
        .when(&rejects("2", Supplier::Lcp, PortRejection::AccountMismatch))
        .accepted()
        .when(&represent("2026-06-18"))
        .accepted()
        .when(&lcp_accepts("3", on("2026-06-18")))
        .accepted();
    is(&port, "accepted");
    assert_eq!((port.state().attempt(), port.state().confirmed_window()), (3, Some(on("2026-06-18"))));
}

#[test]
fn the_range_holder_rejects_after_the_losing_provider_accepted() {
    let port = accepted(subsequent(single_line(morning())));
    is(&port, "awaiting_rh");
    assert_eq!(port.state().confirmed_window(), None, "one of two has not agreed");
    let port = port.when(&rejects("rh-1", Supplier::Rh, PortRejection::RhRejectedRouting)).accepted();
    is(&port, "rejected");
    let port = port.when(&represent("2026-06-17")).accepted();
    let port = port.when(&lcp_accepts("lcp-2", on("2026-06-17"))).accepted();
    let port = port.when(&PortCommand::RhAccept { message: message("rh-2") }).accepted();
    is(&port, "accepted");
}

#[test]
fn a_rejection_comes_from_whom_it_can_and_says_why() {
    let port = submitted(single_line(morning()));
    let port = ignored(
        port,
        &rejects("1", Supplier::Network, PortRejection::NotInService),
        IgnoredBecause::NotExpected,
    );
    let port =
        ignored(port, &rejects("1", Supplier::Rh, PortRejection::NotInService), IgnoredBecause::NotExpected);
    let empty = PortCommand::SupplierReject { message: message("1"), by: Supplier::Lcp, reasons: vec![] };
    let port = port.when(&empty).refused(&["port_reason_missing"]);
    let many = vec![PortRejection::NotInService; 25];
    let many = PortCommand::SupplierReject { message: message("1"), by: Supplier::Lcp, reasons: many };
    port.when(&many).refused(&["port_reasons_too_many"]);
}

#[test]
fn an_acceptance_delivered_twice_is_heard_once() {
    let port = accepted(single_line(morning()));
    let port = port.when(&lcp_accepts("lcp-1", morning())).expect(&[]);
    ignored(port, &lcp_accepts("lcp-2", morning()), IgnoredBecause::NotExpected);
}

#[test]
fn an_acceptance_after_a_rejection_or_our_cancel_or_a_time_out_changes_nothing() {
    let port = submitted(single_line(morning()));
    let rejected = port.when(&rejects("1", Supplier::Lcp, PortRejection::NotInService)).accepted();
    let rejected = ignored(rejected, &lcp_accepts("2", morning()), IgnoredBecause::NotExpected);
    is(&rejected, "rejected");
    let cancelled = port.when(&cancel()).accepted();
    let cancelled = ignored(cancelled, &lcp_accepts("2", morning()), IgnoredBecause::Ended);
    is(&cancelled, "cancelled");
    let late = port.at(moment("2026-06-20T09:00:00Z")).when(&PortCommand::TimeOut).accepted();
    let late = ignored(late, &lcp_accepts("2", on("2026-06-30")), IgnoredBecause::Ended);
    is(&late, "timed_out");
}

#[test]
fn nothing_is_said_to_a_request_that_nobody_drafted() {
    nothing().when(&lcp_accepts("1", morning())).refused(&["not_permitted"]);
}

#[test]
fn an_acceptance_of_an_earlier_date_is_a_proposal() {
    let port = submitted(single_line(morning())).when(&lcp_accepts("1", on("2026-06-15"))).accepted();
    is(&port, "awaiting_date_agreement");
    let agreed = port.when(&PortCommand::AgreeDate).accepted();
    assert_eq!(agreed.state().confirmed_window(), Some(on("2026-06-15")));
    let refused = port.when(&PortCommand::RefuseDate).accepted();
    is(&refused, "cancelled");
    port.at(moment("2026-06-15T11:00:00Z")).when(&PortCommand::AgreeDate).refused(&["port_proposal_over"]);
}

#[test]
fn an_acceptance_of_a_later_date_or_other_hours_is_the_losing_providers_to_give() {
    for window in [on("2026-06-17"), window("2026-06-16", "07:00", "20:00")] {
        let port = submitted(single_line(morning())).when(&lcp_accepts("1", window)).accepted();
        assert_eq!(port.state().confirmed_window(), Some(window));
    }
}

#[test]
fn an_acceptance_of_a_date_that_cannot_be_changes_nothing() {
    let port = submitted(single_line(morning())).at(moment("2026-06-03T10:00:00Z"));
    for (n, date) in ["2026-06-02", "2026-06-20", "2031-06-02"].into_iter().enumerate() {
        ignored(port.clone(), &lcp_accepts(&n.to_string(), on(date)), IgnoredBecause::ImpossibleDate);
    }
}

#[test]
fn a_complex_acceptance_waits_for_the_date_and_makes_the_port_complex() {
    let proposed = on("2026-07-02");
    let accept = PortCommand::LcpAcceptAsComplex { message: message("1"), proposed };
    let port = submitted(subsequent(multi_line(1, morning()))).when(&accept).accepted();
    is(&port, "awaiting_date_agreement");
    assert!(port.state().details().unwrap().shape.complex);
    let port = port.when(&PortCommand::AgreeDate).accepted();
    is(&port, "awaiting_rh");
    let port = port.when(&PortCommand::RhAccept { message: message("rh") }).accepted();
    assert_eq!(port.state().confirmed_window(), Some(proposed));
    // From here on every date keeps the lead time of a complex port.
    port.when(&PortCommand::RequestDate { window: on("2026-07-03") }).refused(&["port_window_too_early"]);
}

#[test]
fn the_losing_provider_withdraws_one_working_day_before_the_port() {
    let port = allocated(single_line(morning())).at(moment("2026-06-15T09:00:00Z"));
    assert!(port.state().past_cut_off(port.context().at, &port.context().rules));
    let port = port.when(&cancel()).refused(&["port_past_cut_off"]);
    let port = port.when(&lcp_withdraws("lcp-2")).accepted();
    is(&port, "withdrawn");
    assert!(!port.state().is_open() && port.state().request().unwrap().open.is_empty());
    ignored(port, &lcp_withdraws("lcp-3"), IgnoredBecause::Ended);
}

#[test]
fn it_is_cancelled_up_to_the_cut_off_of_its_class_and_route() {
    let line = || single_line(morning());
    for (port, cut_off, after) in [
        (accepted(line()), "2026-06-15T08:00:00Z", "2026-06-15T08:00:01Z"),
        (accepted(multi_line(1, morning())), "2026-06-14T08:00:00Z", "2026-06-14T08:00:01Z"),
        (
            accepted(subsequent(line())).when(&PortCommand::RhAccept { message: message("rh") }).accepted(),
            "2026-06-13T08:00:00Z",
            "2026-06-13T08:00:01Z",
        ),
    ] {
        let port = port.at(moment(after)).when(&cancel()).refused(&["port_past_cut_off"]);
        is(&port.at(moment(cut_off)).when(&cancel()).accepted(), "cancelled");
    }
}

#[test]
fn what_is_not_confirmed_or_has_lapsed_is_cancelled_at_any_time() {
    let at = moment("2026-06-16T10:59:00Z");
    is(&submitted(single_line(morning())).at(at).when(&cancel()).accepted(), "cancelled");
    is(&accepted(subsequent(single_line(morning()))).at(at).when(&cancel()).accepted(), "cancelled");
    is(&lapsed().when(&cancel()).accepted(), "cancelled");
    ready(single_line(morning())).when(&cancel()).refused(&["not_permitted"]);
}

#[test]
fn a_date_change_needs_the_cut_off_the_full_lead_time_and_another_date() {
    let port = accepted(single_line(morning()));
    let change = |date| PortCommand::RequestDate { window: on(date) };
    let port = port.when(&change("2026-06-16")).refused(&["port_same_window"]);
    let port = port.when(&change("2026-06-04")).refused(&["port_window_too_early"]);
    let late = port.clone().at(moment("2026-06-15T09:00:00Z"));
    late.when(&change("2026-06-17")).refused(&["port_past_cut_off", "port_window_too_early"]);
    is(&port.when(&change("2026-06-18")).accepted(), "date_change_pending");
}

fn changing() -> Port {
    allocated(single_line(morning())).when(&PortCommand::RequestDate { window: on("2026-06-18") }).accepted()
}

#[test]
fn a_date_change_that_is_refused_keeps_the_date() {
    let port = changing().when(&PortCommand::RefuseDateChange { message: message("lcp-2") }).accepted();
    is(&port, "accepted");
    assert_eq!(port.state().confirmed_window(), Some(morning()));
    assert_eq!(port.state().allocated(), Some(COMPANY));
}

#[test]
fn a_date_change_is_accepted_for_the_date_asked_or_a_later_one() {
    let accept = |date| PortCommand::AcceptDateChange { message: message("lcp-2"), window: on(date) };
    let earlier = ignored(changing(), &accept("2026-06-17"), IgnoredBecause::EarlierThanAsked);
    is(&earlier, "date_change_pending");
    ignored(changing(), &accept("2026-06-20"), IgnoredBecause::ImpossibleDate);
    for date in ["2026-06-18", "2026-06-19"] {
        let port = changing().when(&accept(date)).accepted();
        assert_eq!(port.state().confirmed_window(), Some(on(date)));
    }
}

#[test]
fn a_date_change_lapses_when_the_old_window_opens() {
    let port = changing()
        .at(moment("2026-06-16T07:59:59Z"))
        .when(&PortCommand::OpenWindow)
        .refused(&["port_not_due"]);
    let port = port.at(moment("2026-06-16T08:00:00Z"));
    let port = port.when(&PortCommand::OpenWindow).expect(&[PortEvent::DateChangeLapsed]);
    is(&port, "ready_to_activate");
    let accept = PortCommand::AcceptDateChange { message: message("lcp-2"), window: on("2026-06-18") };
    ignored(port, &accept, IgnoredBecause::NotExpected);
}

#[test]
fn a_lapsed_request_may_ask_for_a_date_and_lapses_again_if_that_is_refused() {
    let port = lapsed().when(&PortCommand::RequestDate { window: on("2026-06-22") }).accepted();
    is(&port, "date_change_pending");
    assert_eq!(port.state().confirmed_window(), None);
    let port = port.when(&PortCommand::OpenWindow).refused(&["port_nothing_due"]);
    let refused = port.when(&PortCommand::RefuseDateChange { message: message("lcp-2") }).accepted();
    is(&refused, "lapsed");
    let timer = port.state().timers().remove(0);
    is(&port.at(timer.due).when(&timer.command).accepted(), "timed_out");
}

#[test]
fn a_network_report_before_the_activation_changes_nothing() {
    let report = PortCommand::NetworkReport { message: message("net"), live: NumberSet::default() };
    ignored(ready(single_line(morning())), &report, IgnoredBecause::NotExpected);
}
