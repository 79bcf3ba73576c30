//! Ports of more numbers than one event names.

use super::*;
use crate::{
    claim::{ClaimAction, ClaimScope},
    decider::Event,
    ids::PortRequestId,
    number::{NumberRange, NumberSet},
    port_request::events::PortCancellation,
    testing::port_request::multi_line,
};

const ID: PortRequestId = PortRequestId(uuid::Uuid::from_u128(9));

/// Seven hundred numbers.
fn large() -> PortLine {
    let ranges = vec![NumberRange::parse("0113 496 0100-799").unwrap()];
    PortLine { ranges, ..multi_line(0, on("2026-06-30")) }
}

fn keys(events: &[PortEvent], scope: ClaimScope, action: ClaimAction) -> usize {
    for event in events {
        assert!(event.claims(ID.stream()).len() <= 500, "{event:?}");
    }
    let changes = events.iter().flat_map(|event| event.claims(ID.stream()));
    changes.filter(|change| change.claim.scope == scope && change.action == action).count()
}

#[test]
fn a_large_draft_takes_its_open_ports_in_several_events() {
    let events = nothing().when(&draft(large())).events();
    assert_eq!(events.len(), 2);
    assert_eq!(keys(&events, ClaimScope::OpenPort, ClaimAction::Take), 700);
    let port = nothing().and(events);
    assert_eq!(port.state().numbers().len(), 700);
    assert_eq!(port.state().details().unwrap().shape.numbers, 700);
    assert_eq!(port.state().held_claims(ID).len(), 700);
}

#[test]
fn a_large_port_that_ends_releases_every_open_port() {
    let port = drafted(large());
    let events = port.when(&PortCommand::Cancel { why: PortCancellation::OrderEnded }).events();
    assert_eq!(keys(&events, ClaimScope::OpenPort, ClaimAction::Release), 700);
    assert!(port.and(events).state().held_claims(ID).is_empty());
}

#[test]
fn a_message_counts_among_the_keys_of_its_event() {
    let exactly = NumberSet::from(NumberRange::parse("0113 496 0100-599").unwrap());
    let line = PortLine { ranges: exactly.runs().collect(), ..multi_line(0, on("2026-06-30")) };
    let port = accepted(line);
    let events = port.when(&lcp_withdraws("lcp-2")).events();
    assert_eq!(events.len(), 2, "500 numbers and a message are too many for one event");
    assert_eq!(keys(&events, ClaimScope::OpenPort, ClaimAction::Release), 500);
}

#[test]
fn only_what_was_heard_is_held_after_a_withdrawal() {
    let port = accepted(large()).when(&lcp_withdraws("lcp-2")).accepted();
    let held = port.state().held_claims(ID);
    let keys: Vec<&str> = held.iter().map(|claim| claim.key.as_str()).collect();
    assert_eq!(keys, ["lcp/lcp-1", "lcp/lcp-2"]);
}
