//! What a port request must and must not do.
//!
//! Unless a test says otherwise, it is asked for on Monday 1 June 2026 for the morning of Tuesday 16 June.

mod table;
mod draft;
mod conversation;
mod activation;
mod large;
mod walk;

use crate::{
    calendar::PortWindow,
    order::line::PortLine,
    port_request::{
        PortRequest,
        commands::{PortChanges, PortCommand},
        events::{IgnoredBecause, PortEvent, Supplier},
        reason::PortRejection,
    },
    testing::{
        port_request::{COMPANY, draft, message, sealed, single_line, window},
        scenario::{Given, given, moment},
    },
};

type Port = Given<PortRequest>;

/// Before the draft.
fn nothing() -> Port {
    given([])
}

/// The morning of 16 June.
fn morning() -> PortWindow {
    on("2026-06-16")
}

/// The morning of a day.
fn on(date: &str) -> PortWindow {
    window(date, "09:00", "12:00")
}

fn drafted(line: PortLine) -> Port {
    nothing().when(&draft(line)).accepted()
}

fn submitted(line: PortLine) -> Port {
    drafted(line).when(&PortCommand::Submit).accepted()
}

fn accepted(line: PortLine) -> Port {
    let window = line.window;
    submitted(line).when(&lcp_accepts("lcp-1", window)).accepted()
}

fn allocated(line: PortLine) -> Port {
    accepted(line).when(&PortCommand::Allocate { company: COMPANY }).accepted()
}

/// The window of 16 June is open.
fn ready(line: PortLine) -> Port {
    allocated(line).at(moment("2026-06-16T08:00:00Z")).when(&PortCommand::OpenWindow).accepted()
}

fn activating(line: PortLine) -> Port {
    ready(line).at(moment("2026-06-16T09:00:00Z")).when(&PortCommand::Activate).accepted()
}

fn ported(line: PortLine) -> Port {
    let port = activating(line);
    let all = port.state().numbers();
    port.when(&PortCommand::NetworkReport { message: message("net-1"), live: all }).accepted()
}

/// The window of 16 June closed.
fn lapsed() -> Port {
    let ready = ready(single_line(morning()));
    ready.at(moment("2026-06-16T11:00:00Z")).when(&PortCommand::CloseWindow).accepted()
}

fn lcp_accepts(id: &str, window: PortWindow) -> PortCommand {
    PortCommand::LcpAccept { message: message(id), window }
}

fn lcp_withdraws(id: &str) -> PortCommand {
    PortCommand::LcpWithdraw { message: message(id), reason: sealed("moved out") }
}

fn rejects(id: &str, by: Supplier, reason: PortRejection) -> PortCommand {
    PortCommand::SupplierReject { message: message(id), by, reasons: vec![reason] }
}

fn represent(window: &str) -> PortCommand {
    PortCommand::Represent { changes: PortChanges { window: Some(on(window)), ..PortChanges::default() } }
}

/// The message was written down and nothing else happened.
#[track_caller]
fn ignored(port: Port, command: &PortCommand, because: IgnoredBecause) -> Port {
    let events = port.when(command).events();
    match &events[..] {
        [PortEvent::SupplierMessageIgnored { why, .. }] => assert_eq!(*why, because),
        other => panic!("not ignored: {other:?}"),
    }
    port.and(events)
}

#[track_caller]
fn is(port: &Port, status: &str) {
    assert_eq!(<&str>::from(super::PortStatus::from(port.state())), status);
}
