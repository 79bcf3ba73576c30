//! The lifecycle against the model's table, and every state against every command.

use std::collections::BTreeSet;

use strum::VariantArray;

use super::*;
use crate::{
    decider::{Context, Decider, Event as _, apply, handle},
    number::NumberSet,
    port_request::{
        PortStatus,
        commands::PortAction,
        events::{PortCancellation, PortEventKind},
    },
    testing::{
        matrix,
        port_request::{ENDED, MESSAGES, multi_line, number, steps, subsequent},
    },
};

type Rows = Vec<&'static crate::lifecycle::Step<PortStatus, PortAction, PortEventKind>>;

#[test]
fn the_lifecycle_has_the_steps_of_the_model_and_no_others() {
    let parts = [PortEventKind::OpenPortReleased, PortEventKind::KeptNumbersReleased];
    let rows = PortRequest::LIFECYCLE.0.iter().filter(|row| !parts.contains(&row.event));
    let (ignoring, steps_there): (Rows, Rows) =
        rows.partition(|row| row.event == PortEventKind::SupplierMessageIgnored);
    let found: BTreeSet<(&str, &str, &str)> =
        steps_there.iter().map(|row| (row.from.into(), row.action.into(), row.to.into())).collect();
    assert_eq!(&found, steps());
    assert_eq!(ignoring.len(), MESSAGES.len() * (PortStatus::VARIANTS.len() - 1));
    assert!(ignoring.iter().all(|row| row.from == row.to && row.from != PortStatus::New));
}

#[test]
fn every_status_is_reachable_and_reaches_an_end() {
    let lifecycle = PortRequest::LIFECYCLE;
    assert_eq!(lifecycle.reachable(PortStatus::New).len(), PortStatus::VARIANTS.len());
    for status in PortStatus::VARIANTS {
        let word: &str = status.into();
        assert_eq!(lifecycle.is_terminal(*status), ENDED.contains(&word), "{word}");
        assert!(lifecycle.reachable(*status).iter().any(|end| lifecycle.is_terminal(*end)), "{word}");
    }
}

#[test]
fn the_way_to_an_action_is_the_shortest_or_none() {
    let lifecycle = PortRequest::LIFECYCLE;
    let way = |from, action| {
        let way = lifecycle.way(from, action, |_| true)?;
        Some(way.into_iter().map(|step| step.event).collect::<Vec<_>>())
    };
    let before = vec![PortEventKind::LcpAccepted, PortEventKind::WindowOpened];
    assert_eq!(way(PortStatus::AwaitingLcp, PortAction::Activate), Some(before));
    assert_eq!(way(PortStatus::ReadyToActivate, PortAction::Activate), Some(Vec::new()));
    assert_eq!(way(PortStatus::Cancelled, PortAction::Activate), None);
}

#[test]
fn the_way_of_a_port_is_that_of_its_route_and_of_what_became_of_it() {
    use PortEventKind as E;
    let way = |port: &PortRequest, action| {
        let way = PortRequest::LIFECYCLE.way(port.status(), action, |step| port.may_take(step));
        way.unwrap().into_iter().map(|step| step.event).collect::<Vec<_>>()
    };
    let subsequent = submitted(subsequent(single_line(morning())));
    assert_eq!(
        way(subsequent.state(), PortAction::Activate),
        [E::LcpAccepted, E::RhAccepted, E::WindowOpened],
        "both must accept"
    );
    let provide = submitted(single_line(morning()));
    assert_eq!(way(provide.state(), PortAction::Activate), [E::LcpAccepted, E::WindowOpened]);
    assert_eq!(
        way(lapsed().state(), PortAction::Activate),
        [E::DateChangeRequested, E::DateChangeAccepted, E::WindowOpened],
        "there is no old window that could open"
    );
}

#[test]
fn every_step_taken_could_be_taken() {
    for port in states() {
        for command in commands("2026-06-24") {
            let context = Context { at: moment("2026-06-10T10:00:00Z"), ..nothing().context().clone() };
            let Ok(events) = handle(&port, &command, &context) else { continue };
            let mut state = port.clone();
            for event in &events {
                let before = state.clone();
                state = apply(state, event).unwrap();
                let taken = PortRequest::LIFECYCLE.0.iter().filter(|step| {
                    step.from == before.status() && step.event == event.kind() && step.to == state.status()
                });
                assert!(taken.clone().any(|step| before.may_take(step)), "{before:?} {event:?}");
            }
        }
    }
}

/// A request in every status; where a rule needs another kind of port, that too.
fn states() -> Vec<PortRequest> {
    let line = || single_line(morning());
    let two_step = submitted(subsequent(line())).when(&lcp_accepts("lcp-1", morning())).accepted();
    let proposed = submitted(line()).when(&lcp_accepts("lcp-1", on("2026-06-10"))).accepted();
    let change = accepted(line()).when(&PortCommand::RequestDate { window: on("2026-06-18") }).accepted();
    let change_of_lapsed = lapsed().when(&PortCommand::RequestDate { window: on("2026-06-24") }).accepted();
    let half = NumberSet::from_iter([number("0113 496 0100")]);
    let partly = activating(multi_line(1, morning()))
        .when(&PortCommand::NetworkReport { message: message("net-1"), live: half })
        .accepted();
    let cancel = PortCommand::Cancel { why: PortCancellation::Requested };
    let all = line().numbers();
    [
        nothing(),
        drafted(line()),
        submitted(line()),
        proposed,
        two_step,
        submitted(line()).when(&rejects("lcp-1", Supplier::Lcp, PortRejection::PostcodeMismatch)).accepted(),
        accepted(line()),
        change,
        change_of_lapsed,
        ready(line()),
        activating(line()),
        partly,
        lapsed(),
        ported(line()),
        drafted(line()).when(&cancel).accepted(),
        accepted(line()).when(&lcp_withdraws("lcp-2")).accepted(),
        submitted(line()).at(moment("2027-01-04T10:00:00Z")).when(&PortCommand::TimeOut).accepted(),
        ported(line()).when(&PortCommand::Restore { message: message("r"), by: Supplier::Lcp }).accepted(),
        ported(line()).when(&PortCommand::CeaseNumbers { numbers: all }).accepted(),
    ]
    .map(|port| port.state().clone())
    .to_vec()
}

fn commands(date: &str) -> Vec<PortCommand> {
    let id = || message("any");
    let numbers = single_line(morning()).numbers();
    vec![
        draft(single_line(on(date))),
        PortCommand::Submit,
        PortCommand::AnswerOverdue,
        PortCommand::TimeOut,
        represent(date),
        PortCommand::AgreeDate,
        PortCommand::RefuseDate,
        PortCommand::Allocate { company: COMPANY },
        PortCommand::RequestDate { window: on(date) },
        PortCommand::OpenWindow,
        PortCommand::CloseWindow,
        PortCommand::Activate,
        PortCommand::NetworkSilent,
        PortCommand::RetryActivation,
        PortCommand::ReturnRest,
        PortCommand::Cancel { why: PortCancellation::OrderEnded },
        PortCommand::CeaseNumbers { numbers: numbers.clone() },
        lcp_accepts("any", on(date)),
        PortCommand::LcpAcceptAsComplex { message: id(), proposed: on(date) },
        PortCommand::RhAccept { message: id() },
        rejects("any", Supplier::Lcp, PortRejection::NotInService),
        PortCommand::AcceptDateChange { message: id(), window: on(date) },
        PortCommand::RefuseDateChange { message: id() },
        lcp_withdraws("any"),
        PortCommand::NetworkReport { message: id(), live: numbers },
        PortCommand::Restore { message: id(), by: Supplier::Network },
    ]
}

#[test]
fn every_state_answers_every_command_as_the_table_says() {
    let mut taken = BTreeSet::new();
    // Before the cut-off; in the window; and when every timer is due.
    for (at, date) in [
        ("2026-06-01T10:00:00Z", "2026-06-24"),
        ("2026-06-16T09:00:00Z", "2026-06-30"),
        ("2026-09-01T09:00:00Z", "2026-09-30"),
    ] {
        let context = Context { at: moment(at), ..nothing().context().clone() };
        let mut states = states();
        // One that nobody was allocated yet, in each of the stages that allow it.
        states.push(
            accepted(single_line(morning()))
                .at(moment("2026-06-16T08:00:00Z"))
                .when(&PortCommand::OpenWindow)
                .accepted()
                .state()
                .clone(),
        );
        let covered = matrix::run(&states, &commands(date), &context);
        assert_eq!(covered.statuses, PortStatus::VARIANTS.iter().copied().collect());
        assert_eq!(covered.actions, PortAction::VARIANTS.iter().copied().collect());
        taken.extend(covered.taken);
    }
    let every: BTreeSet<(PortStatus, PortAction)> =
        PortRequest::LIFECYCLE.0.iter().map(|row| (row.from, row.action)).collect();
    // A draft takes more numbers only in the commit that drafts it.
    let never = BTreeSet::from([(PortStatus::Draft, PortAction::Draft)]);
    assert_eq!(&every - &taken, never);
}
