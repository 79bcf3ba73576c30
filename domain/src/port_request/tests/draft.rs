//! What may be asked for, and from which date on.

use super::*;
use crate::{
    decider::handle,
    lead_time::PortClass,
    number::{NumberRange, NumberSet},
    testing::port_request::{multi_line, number, subsequent},
};

/// The reasons as (code, subject).
fn reasons(port: &Port, command: &PortCommand) -> Vec<(String, String)> {
    let refused = handle(port.state(), command, port.context()).unwrap_err();
    refused.reasons().into_iter().map(|it| (it.code, it.subject.unwrap_or_default())).collect()
}

#[track_caller]
fn refused_for(line: PortLine, expected: &[(&str, &str)]) {
    let found = reasons(&nothing(), &draft(line));
    let found: Vec<(&str, &str)> = found.iter().map(|(code, at)| (code.as_str(), at.as_str())).collect();
    assert_eq!(found, expected);
}

/// The first date of which a draft made at this moment is not refused.
fn earliest(line: &PortLine, at: &str) -> String {
    let port = nothing().at(moment(at));
    let mut date = port.context().at.date_naive();
    loop {
        let line = PortLine { window: on(&date.to_string()), ..line.clone() };
        if handle(port.state(), &draft(line), port.context()).is_ok() {
            return date.to_string();
        }
        date = date.succ_opt().unwrap();
    }
}

#[test]
fn a_single_line_is_one_number_and_nothing_else() {
    let line = single_line(morning());
    let range = NumberRange::parse("0113 496 0100-109").unwrap();
    let associated = NumberSet::from_iter([number("0113 496 0101")]);
    refused_for(
        PortLine { associated: associated.clone(), ranges: vec![range], ..line.clone() },
        &[("single_line_associated", "/lines/3/associated"), ("single_line_ranges", "/lines/3/ranges")],
    );
    drafted(line);
}

#[test]
fn a_multi_line_has_two_numbers_or_a_range() {
    let range = NumberRange::parse("0113 496 0100-109").unwrap();
    refused_for(multi_line(0, morning()), &[("multi_line_numbers", "/lines/3/class")]);
    drafted(multi_line(1, morning()));
    let of_a_range = drafted(PortLine { ranges: vec![range], ..multi_line(0, morning()) });
    let shape = &of_a_range.state().details().unwrap().shape;
    assert_eq!((shape.numbers, shape.has_range, shape.geographic), (10, true, true));
}

#[test]
fn geographic_and_other_numbers_do_not_mix() {
    let freephone = NumberSet::from_iter([number("0808 157 0100")]);
    refused_for(
        PortLine { associated: freephone, ..multi_line(1, morning()) },
        &[("port_numbers_mixed", "/lines/3/associated")],
    );
}

#[test]
fn every_fault_is_named_at_once() {
    let sunday_night = window("2026-05-31", "20:00", "23:00");
    refused_for(
        multi_line(0, sunday_night),
        &[
            ("multi_line_numbers", "/lines/3/class"),
            ("port_window_hours", "/lines/3/window"),
            ("port_window_no_working_day", "/lines/3/window"),
            ("port_window_too_early", "/lines/3/window"),
        ],
    );
}

#[test]
fn a_date_that_is_too_early_is_told_the_earliest_and_its_row() {
    let port = nothing();
    let refused = handle(port.state(), &draft(single_line(on("2026-06-04"))), port.context()).unwrap_err();
    let expected = refused.reasons().remove(0).expected.unwrap();
    assert_eq!(expected, "2026-06-05 or later: 4 working days from 2026-06-01 (single_line)");
}

#[test]
fn a_date_beyond_the_calendar_is_refused() {
    refused_for(single_line(on("2029-01-03")), &[("beyond_calendar", "/lines/3/window")]);
    refused_for(single_line(on("2020-01-01")), &[("port_window_too_early", "/lines/3/window")]);
    let late = nothing().at(moment("2028-12-30T10:00:00Z"));
    assert_eq!(reasons(&late, &draft(single_line(morning())))[0].0, "beyond_calendar");
}

#[test]
fn the_lead_time_of_exactly_30_31_150_and_151_numbers() {
    let at = "2026-06-01T10:00:00Z";
    for (numbers, provide, range_holder_too) in [
        (29, "2026-06-10", "2026-06-15"),
        (30, "2026-06-15", "2026-06-18"),
        (31, "2026-06-15", "2026-06-18"),
        (150, "2026-06-15", "2026-06-18"),
        (151, "2026-06-24", "2026-06-29"),
    ] {
        let line = multi_line(numbers - 1, morning());
        assert_eq!(earliest(&line, at), provide, "{numbers}");
        assert_eq!(earliest(&subsequent(line), at), range_holder_too, "{numbers}");
    }
}

#[test]
fn the_lead_time_across_christmas_and_easter_and_over_a_clock_change() {
    let line = single_line(morning());
    assert_eq!(earliest(&line, "2026-12-24T12:59:00Z"), "2027-01-04");
    assert_eq!(earliest(&line, "2026-12-24T13:01:00Z"), "2027-01-05");
    assert_eq!(earliest(&line, "2026-04-02T11:59:00Z"), "2026-04-10");
    // Friday before the clocks go forward, at 12:59 and 13:01 in London.
    assert_eq!(earliest(&line, "2026-03-27T12:59:00Z"), "2026-04-02");
    assert_eq!(earliest(&line, "2026-03-27T13:01:00Z"), "2026-04-07");
}

#[test]
fn day_zero_and_the_row_stand_in_the_event() {
    let port = drafted(single_line(morning()));
    let details = port.state().details().unwrap();
    assert_eq!(details.day_zero.to_string(), "2026-06-01");
    assert_eq!((details.lead_time.row.as_str(), details.lead_time.working_days), ("single_line", 4));
}

#[test]
fn a_request_is_drafted_once() {
    drafted(single_line(morning())).when(&draft(single_line(morning()))).refused(&["port_drafted_before"]);
}

#[test]
fn code_25_is_re_presented_as_multi_line_and_the_old_date_is_illegal() {
    let port = submitted(single_line(on("2026-06-09")))
        .when(&rejects("lcp-1", Supplier::Lcp, PortRejection::SingleLineButMultiLine))
        .accepted();
    let class = Some(PortClass::MultiLine);
    let changes = PortChanges { class, ..PortChanges::default() };
    let port =
        port.when(&PortCommand::Represent { changes: changes.clone() }).refused(&["port_window_too_early"]);
    let changes = PortChanges { window: Some(on("2026-06-10")), ..changes };
    let port = port.when(&PortCommand::Represent { changes }).accepted();
    let details = port.state().details().unwrap();
    assert_eq!(details.lead_time.row, "multi_line_under_30_no_range");
    assert_eq!((details.shape.class, port.state().attempt()), (PortClass::MultiLine, 2));
}

#[test]
fn a_class_must_fit_unless_the_losing_provider_named_it() {
    let refused =
        |line| submitted(line).when(&rejects("1", Supplier::Lcp, PortRejection::MbnIncorrect)).accepted();
    let to = |class| PortCommand::Represent {
        changes: PortChanges { class: Some(class), window: Some(on("2026-06-30")), ..PortChanges::default() },
    };
    refused(single_line(morning())).when(&to(PortClass::MultiLine)).refused(&["multi_line_numbers"]);
    refused(multi_line(1, morning())).when(&to(PortClass::SingleLine)).refused(&["single_line_numbers"]);
}

#[test]
fn what_is_presented_again_must_differ() {
    let port = submitted(single_line(morning()))
        .when(&rejects("1", Supplier::Lcp, PortRejection::AccountMismatch))
        .accepted();
    let resealed = crate::sealed::Sealed { nonce: "ff".repeat(12), ..sealed("account") };
    let with = |account| PortCommand::Represent {
        changes: PortChanges { account: Some(account), ..PortChanges::default() },
    };
    let port = port.when(&with(resealed)).refused(&["port_nothing_changed"]);
    let other = PortChanges { main_number: Some(number("0113 496 0999")), ..PortChanges::default() };
    let port = port.when(&PortCommand::Represent { changes: other }).refused(&["port_main_number"]);
    port.when(&with(sealed("another account"))).accepted();
}

#[test]
fn the_lead_time_starts_again_with_each_presentation() {
    let port = submitted(single_line(morning()))
        .when(&rejects("1", Supplier::Lcp, PortRejection::PostcodeMismatch))
        .accepted()
        .at(moment("2026-06-11T10:00:00Z"));
    let port = port.when(&represent("2026-06-15")).refused(&["port_window_too_early"]);
    port.when(&represent("2026-06-17")).accepted();
}

#[test]
fn it_is_presented_at_most_five_times() {
    let mut port = submitted(single_line(morning()));
    for attempt in 1..5 {
        let id = format!("lcp-{attempt}");
        port = port.when(&rejects(&id, Supplier::Lcp, PortRejection::NotInService)).accepted();
        port = port.when(&represent(&format!("2026-06-{}", 21 + attempt))).accepted();
    }
    let port = port.when(&rejects("last", Supplier::Lcp, PortRejection::NotInService)).accepted();
    port.when(&represent("2026-06-30")).refused(&["port_no_attempts_left"]);
}
