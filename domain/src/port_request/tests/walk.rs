//! Random walks beside the model: the same answers, legal events, claims that add up, timers that are due.

use std::collections::BTreeSet;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use proptest_state_machine::{ReferenceStateMachine as _, StateMachineTest as _, prop_state_machine};
use uuid::Uuid;

use crate::{
    decider::{Decider, Event as _, apply},
    ids::{PortRequestId, StreamId},
    port_request::{
        PortRequest,
        events::{IgnoredBecause, PortEvent, PortEventKind},
    },
    testing::{
        beside::{Beside, Mirror, Taken, Walked, walk},
        machine::{Machine, Model as _, Said, Step},
        port_request::PortLife,
    },
};

const ID: PortRequestId = PortRequestId(Uuid::from_u128(9));

impl Mirror for PortLife {
    const KEYS_MAX: usize = 500;

    fn stream() -> StreamId {
        ID.stream()
    }

    fn compare(&self, said: Said, walked: &Walked<Self>) {
        let why = if let Said::Ignored(why) = said { Some(why) } else { None };
        assert_eq!(ignored(walked.last_events()), why);
        let port = &walked.state;
        assert_eq!(<&str>::from(port.status()), self.model.status());
        assert_eq!(port.live_numbers(), self.model.live());
        assert_eq!(port.held_claims(ID), walked.held());
        let timers: Vec<_> = port.timers().into_iter().map(|timer| (timer.due, timer.command)).collect();
        assert_eq!(timers, self.model.timers());
        for event in walked.last_events() {
            let keys_max = self.rules().limits().event_keys_max as usize;
            assert!(event.claims(ID.stream()).len() <= keys_max, "{event:?}");
        }
    }
}

fn ignored(events: &[PortEvent]) -> Option<IgnoredBecause> {
    match events {
        [PortEvent::SupplierMessageIgnored { why, .. }] => Some(*why),
        _ => None,
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_port_request_does_what_the_model_says(sequential 1..60 => Beside<PortLife>);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_event_of_another_history_makes_it_panic(
        one in Machine::<PortLife>::sequential_strategy(1..40),
        other in Machine::<PortLife>::sequential_strategy(1..40),
    ) {
        let ((_, one), (_, other)) = (walk(one), walk(other));
        for event in &other.history {
            if let Err(illegal) = apply(one.state.clone(), event) {
                prop_assert_eq!(illegal.from, <&str>::from(one.state.status()));
            }
        }
    }

    #[test]
    fn timers_alone_end_whatever_waits_for_another_provider(
        steps in Machine::<PortLife>::sequential_strategy(1..40),
    ) {
        let (mut life, mut walked) = walk(steps);
        for left in (0..20).rev() {
            let Some((at, command)) = life.model.timers().into_iter().min_by_key(|(due, _)| *due) else { break };
            prop_assert!(left > 0, "timers never end {:?}", walked.state);
            let step = Step { at, command, said: Said::Done };
            life = Machine::apply(life, &step);
            walked = Beside::apply(walked, &life, step);
        }
        let status: &str = walked.state.status().into();
        // A draft waits for its order, an activation for our network, a ported number for its user.
        let ours = ["new", "draft", "activating", "partially_ported", "ported"];
        prop_assert!(walked.state.has_ended() || ours.contains(&status), "{}", status);
    }
}

#[test]
fn walks_take_every_step_there_is() {
    let mut missing: BTreeSet<Taken<PortRequest>> = PortRequest::LIFECYCLE
        .0
        .iter()
        .map(|step| (step.from, step.action, step.event, step.to))
        .filter(|(_, _, event, _)| *event != PortEventKind::SupplierMessageIgnored)
        .collect();
    let mut runner = TestRunner::deterministic();
    for _ in 0..3_000 {
        let walked = a_life(&mut runner);
        missing.retain(|step| !walked.taken.contains(step));
        if missing.is_empty() {
            return;
        }
    }
    panic!("never taken: {missing:#?}");
}

/// A walk that stops where nothing changes any more, so that many are few steps.
fn a_life(runner: &mut TestRunner) -> Walked<PortLife> {
    let mut life = Machine::<PortLife>::init_state().new_tree(runner).unwrap().current();
    let mut walked = Beside::init_test(&life);
    for _ in 0..60 {
        if walked.state.has_ended() {
            break;
        }
        let step = Machine::transitions(&life).new_tree(runner).unwrap().current();
        life = Machine::apply(life, &step);
        walked = Beside::apply(walked, &life, step);
        Beside::check_invariants(&walked, &life);
    }
    walked
}
