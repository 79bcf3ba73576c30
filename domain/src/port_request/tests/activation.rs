//! From the open window to the working number, and what becomes of it.

use super::*;
use crate::{
    number::{NumberRange, NumberSet},
    testing::port_request::{OTHER_COMPANY, multi_line, number},
};

fn report(id: &str, live: NumberSet) -> PortCommand {
    PortCommand::NetworkReport { message: message(id), live }
}

fn range(text: &str) -> NumberSet {
    NumberRange::parse(text).unwrap().into()
}

#[test]
fn it_is_allocated_once_to_the_company_it_was_ordered_for() {
    let port = accepted(single_line(morning()));
    let to = |company| PortCommand::Allocate { company };
    let port = port.when(&to(OTHER_COMPANY)).refused(&["port_other_company"]);
    let port = port.when(&to(COMPANY)).accepted();
    port.when(&to(COMPANY)).refused(&["port_allocated_before"]);
}

#[test]
fn a_request_that_names_no_company_goes_to_any() {
    let PortCommand::Draft { reseller, order, line, request, .. } = draft(single_line(morning())) else {
        panic!("not a draft")
    };
    let draft = PortCommand::Draft { reseller, order, line, company: None, request, simultaneous: 11 };
    // Eleven single lines at once take fourteen working days.
    let port = nothing().when(&draft).refused(&["port_window_too_early"]);
    let port = port.at(moment("2026-05-26T10:00:00Z")).when(&draft).accepted();
    let port = port.when(&PortCommand::Submit).accepted().when(&lcp_accepts("1", morning())).accepted();
    let port = port.when(&PortCommand::Allocate { company: OTHER_COMPANY }).accepted();
    assert_eq!(port.state().allocated(), Some(OTHER_COMPANY));
}

#[test]
fn it_is_not_activated_before_its_date() {
    allocated(single_line(morning())).when(&PortCommand::Activate).refused(&["not_permitted"]);
    // A clock that is behind the one that opened the window.
    let port = ready(single_line(morning())).at(moment("2026-06-16T07:59:59Z"));
    port.when(&PortCommand::Activate).refused(&["port_window_not_open"]);
}

#[test]
fn it_is_not_activated_after_its_window() {
    let port = ready(single_line(morning())).at(moment("2026-06-16T11:00:00Z"));
    let port = port.when(&PortCommand::Activate).refused(&["port_window_closed"]);
    port.when(&PortCommand::CloseWindow).accepted().when(&PortCommand::Activate).refused(&["not_permitted"]);
}

#[test]
fn it_is_not_activated_twice() {
    let port = activating(single_line(morning()));
    let port = port.when(&PortCommand::Activate).refused(&["not_permitted"]);
    let live = port.state().numbers();
    port.when(&report("net", live)).accepted().when(&PortCommand::Activate).refused(&["not_permitted"]);
}

#[test]
fn it_is_not_activated_before_allocation() {
    let port = accepted(single_line(morning())).at(moment("2026-06-16T08:00:00Z"));
    let port = port.when(&PortCommand::OpenWindow).accepted();
    let port = port.when(&PortCommand::Activate).refused(&["port_not_allocated"]);
    let port = port.at(moment("2026-06-16T11:00:00Z"));
    let port = port.when(&PortCommand::Activate).refused(&["port_not_allocated", "port_window_closed"]);
    port.at(moment("2026-06-16T09:00:00Z"))
        .when(&PortCommand::Allocate { company: COMPANY })
        .accepted()
        .when(&PortCommand::Activate)
        .accepted();
}

#[test]
fn a_window_that_closes_unused_lapses_and_is_given_up_after_20_working_days() {
    let port = ready(single_line(morning())).at(moment("2026-06-16T10:59:59Z"));
    let port = port.when(&PortCommand::CloseWindow).refused(&["port_not_due"]);
    let port = port.at(moment("2026-06-16T11:00:00Z")).when(&PortCommand::CloseWindow).accepted();
    is(&port, "lapsed");
    assert_eq!(port.state().given_up_at(), Some(moment("2026-07-14T23:00:00Z")));
}

#[test]
fn the_network_has_four_hours() {
    let port = activating(single_line(morning())).at(moment("2026-06-16T12:59:59Z"));
    let port = port.when(&PortCommand::NetworkSilent).refused(&["port_not_due"]);
    let port = port.at(moment("2026-06-16T13:00:00Z"));
    let port = port.when(&PortCommand::NetworkSilent).expect(&[PortEvent::NetworkOverdue]);
    is(&port, "activating");
    assert!(port.state().timers().is_empty());
}

#[test]
fn eight_of_ten_numbers_go_live_then_the_others() {
    let port = activating(multi_line(9, morning()));
    let (eight, two) = (range("0113 496 0100-107"), range("0113 496 0108-109"));
    let port = port.when(&report("net-1", eight.clone())).accepted();
    is(&port, "partially_ported");
    assert_eq!(port.state().live_numbers(), eight);
    assert_eq!(port.state().request().unwrap().open.len(), 10, "nobody else may ask for any of them");
    let port = port.when(&PortCommand::RetryActivation).accepted();
    let port = port.when(&report("net-2", two)).accepted();
    is(&port, "ported");
    assert_eq!(port.state().live_numbers(), range("0113 496 0100-109"));
}

#[test]
fn eight_of_ten_numbers_go_live_and_the_rest_goes_back() {
    let eight = range("0113 496 0100-107");
    let port = activating(multi_line(9, morning())).when(&report("net-1", eight.clone())).accepted();
    let events = port.when(&PortCommand::ReturnRest).events();
    let [PortEvent::PortCompleted { message: None, live, returned, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((live, returned), (&eight, &range("0113 496 0108-109")));
    let port = port.and(events);
    let gone = PortCommand::CeaseNumbers { numbers: range("0113 496 0109") };
    port.when(&gone).refused(&["port_numbers_not_in_use"]);
}

#[test]
fn no_number_goes_live_in_the_window_or_after_it() {
    let port = activating(single_line(morning()));
    is(&port.when(&report("net-1", NumberSet::default())).accepted(), "ready_to_activate");
    let port = port.at(moment("2026-06-16T11:00:00Z"));
    is(&port.when(&report("net-1", NumberSet::default())).accepted(), "lapsed");
}

#[test]
fn a_report_of_other_numbers_changes_nothing() {
    let port = activating(single_line(morning()));
    ignored(port, &report("net-1", range("0113 496 0100-101")), IgnoredBecause::UnknownNumbers);
}

#[test]
fn a_port_is_undone_within_the_restoration_period_only() {
    let restore = PortCommand::Restore { message: message("r"), by: Supplier::Lcp };
    let port = ported(single_line(morning()));
    let last = port.clone().at(moment("2026-07-17T09:00:00Z"));
    is(&last.when(&restore).accepted(), "restored");
    let late = port.at(moment("2026-07-17T09:00:01Z"));
    ignored(late, &restore, IgnoredBecause::TooLate);
    ignored(activating(single_line(morning())), &restore, IgnoredBecause::NotExpected);
}

#[test]
fn ceased_numbers_are_kept_until_the_whole_range_is_unused() {
    let cease = |text| PortCommand::CeaseNumbers { numbers: range(text) };
    let port = ported(multi_line(9, morning()));
    let port = port.when(&cease("0113 496 0100-108")).accepted();
    is(&port, "ported");
    assert_eq!(port.state().live_numbers(), NumberSet::from_iter([number("0113 496 0109")]));
    let port = port.when(&cease("0113 496 0108")).refused(&["port_numbers_not_in_use"]);
    let none = PortCommand::CeaseNumbers { numbers: NumberSet::default() };
    let port = port.when(&none).refused(&["port_numbers_missing"]);
    let port = port.when(&cease("0113 496 0109")).expect(&[
        PortEvent::PortedNumbersCeased { numbers: range("0113 496 0109") },
        PortEvent::PortReturned { numbers: range("0113 496 0100-109") },
    ]);
    is(&port, "returned");
}

#[test]
fn on_dst_weekends_window_and_cut_off_keep_their_local_times() {
    for (drafted_at, date, cut_off, opens) in [
        ("2026-03-16T10:00:00Z", "2026-03-30", "2026-03-29T08:00:00Z", "2026-03-30T08:00:00Z"),
        ("2026-10-12T10:00:00Z", "2026-10-26", "2026-10-25T09:00:00Z", "2026-10-26T09:00:00Z"),
    ] {
        let port = nothing().at(moment(drafted_at)).when(&draft(single_line(on(date)))).accepted();
        let port = port.when(&PortCommand::Submit).accepted().when(&lcp_accepts("1", on(date))).accepted();
        assert_eq!(port.state().cut_off_at(&port.context().rules), Some(moment(cut_off)));
        assert_eq!(port.state().timers().remove(0).due, moment(opens));
        is(&port.at(moment(opens)).when(&PortCommand::OpenWindow).accepted(), "ready_to_activate");
    }
}
