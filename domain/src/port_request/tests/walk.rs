//! Random walks beside the model: the same answers, legal events, claims that add up, states that survive storage.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use chrono::{DateTime, Utc};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use uuid::Uuid;

use crate::{
    claim::{Claim, ClaimAction},
    decider::{Context, Decider, Event, apply, handle},
    ids::PortRequestId,
    order::line::PortLine,
    port_request::{
        PortRequest, PortStatus,
        commands::{PortAction, PortCommand},
        events::{IgnoredBecause, PortEvent, PortEventKind},
    },
    rules::Rules,
    testing::{
        port_request::{Move, PortModel, Said, a_port_line, moves},
        scenario::moment,
    },
};

const ID: PortRequestId = PortRequestId(Uuid::from_u128(9));

/// Walks end here, so that no deadline runs off the bundled calendar.
const LAST_START: &str = "2028-06-01T00:00:00Z";

/// A request and its model, walking together.
struct Walk {
    context: Context,
    state: PortRequest,
    model: PortModel,
    held: BTreeSet<Claim>,
    events: Vec<PortEvent>,
    taken: BTreeSet<Taken>,
}

/// From where, by which action and event, to where.
type Taken = (PortStatus, PortAction, PortEventKind, PortStatus);

impl Walk {
    fn begin(rules: Arc<Rules>) -> Self {
        Self {
            context: Context { at: moment("2026-06-01T10:00:00Z"), rules },
            state: PortRequest::default(),
            model: PortModel::new(),
            held: BTreeSet::new(),
            events: vec![],
            taken: BTreeSet::new(),
        }
    }

    fn go(&mut self, line: &PortLine, step: &Move) {
        let next = self.state.timers().into_iter().map(|timer| timer.due).min();
        if let (true, Some(due)) = (step.until_timer, next) {
            self.context.at = self.context.at.max(due);
        }
        self.context.at += step.wait;
        let now = self.context.at;
        while let Some(timer) = self.state.timers().into_iter().find(|it| step.timers && it.due <= now) {
            let before = self.state.clone();
            self.command(&timer.command, timer.due);
            assert_ne!(before, self.state, "a due timer changes something: {timer:?}");
        }
        let command = step.command(line, &self.model, now, &self.context.rules);
        self.command(&command, now);
    }

    /// Asks both, compares, and goes where the events lead.
    fn command(&mut self, command: &PortCommand, at: DateTime<Utc>) {
        let context = Context { at, ..self.context.clone() };
        let from = self.state.status();
        let outcome = handle(&self.state, command, &context);
        let said = self.model.hear(command, at, &context.rules);
        let events = match (&outcome, said) {
            (Err(_), Said::Refused) => vec![],
            (Ok(events), Said::Repeated) => {
                assert_eq!(events, &[]);
                vec![]
            }
            (Ok(events), Said::Ignored(why)) => {
                assert_eq!(ignored(events), Some(why), "{from} {command:?}");
                events.clone()
            }
            (Ok(events), Said::Done) => {
                assert!(!events.is_empty() && ignored(events).is_none(), "{from} {command:?} {events:?}");
                events.clone()
            }
            _ => panic!("{from} {command:?} at {at}: {outcome:?}, but the model says {said:?}"),
        };
        for event in &events {
            let from = self.state.status();
            self.happen(event);
            self.taken.insert((from, command.into(), event.kind(), self.state.status()));
        }
        let status: &str = self.state.status().into();
        assert_eq!(status, self.model.status(), "after {command:?} at {at} from {from}");
        assert_eq!(self.state.live_numbers(), self.model.live(), "after {command:?} at {at} from {from}");
    }

    fn happen(&mut self, event: &PortEvent) {
        let changes = event.claims(ID.stream());
        assert!(changes.len() <= self.context.rules.limits().event_keys_max as usize, "{event:?}");
        for change in changes {
            match change.action {
                ClaimAction::Take => assert!(self.held.insert(change.claim), "taken twice by {event:?}"),
                ClaimAction::Release => assert!(self.held.remove(&change.claim), "not held: {event:?}"),
            }
        }
        let state = std::mem::take(&mut self.state);
        self.state = apply(state, event).unwrap_or_else(|illegal| panic!("{illegal}"));
        assert_eq!(self.state.held_claims(ID), self.held, "after {event:?}");
        let text = serde_json::to_string(&self.state).unwrap();
        assert_eq!(serde_json::from_str::<PortRequest>(&text).unwrap(), self.state);
        let text = serde_json::to_string(event).unwrap();
        assert_eq!(&serde_json::from_str::<PortEvent>(&text).unwrap(), event);
        self.events.push(event.clone());
    }
}

fn ignored(events: &[PortEvent]) -> Option<IgnoredBecause> {
    match events {
        [PortEvent::SupplierMessageIgnored { why, .. }] => Some(*why),
        _ => None,
    }
}

static BUNDLED: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::bundled()));

/// The bundled rules, but an event names three keys at most, so that small ports are large ones.
static FEW_KEYS: LazyLock<Arc<Rules>> = LazyLock::new(|| {
    let json = BUNDLED.to_json().replace("\"event_keys_max\":500", "\"event_keys_max\":3");
    Arc::new(Rules::from_json(&json).unwrap())
});

fn walk(line: &PortLine, steps: &[Move], rules: &Arc<Rules>) -> Walk {
    let mut walk = Walk::begin(rules.clone());
    for step in steps {
        if walk.context.at < moment(LAST_START) {
            walk.go(line, step);
        }
    }
    walk
}

#[test]
fn walks_take_every_step_there_is() {
    let every: BTreeSet<Taken> = PortRequest::LIFECYCLE
        .0
        .iter()
        .map(|step| (step.from, step.action, step.event, step.to))
        .filter(|(_, _, event, _)| *event != PortEventKind::SupplierMessageIgnored)
        .collect();
    let mut missing = every;
    let mut runner = TestRunner::deterministic();
    let walks = (a_port_line(), moves(60));
    for _ in 0..3_000 {
        let (line, steps) = walks.new_tree(&mut runner).unwrap().current();
        let taken = walk(&line, &steps, &FEW_KEYS).taken;
        missing = missing.difference(&taken).copied().collect();
        if missing.is_empty() {
            return;
        }
    }
    panic!("never taken: {missing:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_port_request_does_what_the_model_says(line in a_port_line(), steps in moves(60), few in any::<bool>()) {
        walk(&line, &steps, if few { &FEW_KEYS } else { &BUNDLED });
    }

    #[test]
    fn no_event_of_another_history_makes_it_panic(
        line in a_port_line(), steps in moves(40), others in moves(40),
    ) {
        let (one, other) = (walk(&line, &steps, &FEW_KEYS), walk(&line, &others, &FEW_KEYS));
        for event in &other.events {
            let before = one.state.status();
            if let Err(illegal) = apply(one.state.clone(), event) {
                prop_assert_eq!(illegal.from, <&str>::from(before));
            }
        }
    }

    #[test]
    fn timers_alone_end_whatever_waits_for_another_provider(line in a_port_line(), steps in moves(40)) {
        let mut walk = walk(&line, &steps, &FEW_KEYS);
        let mut left = 20;
        while let Some(timer) = walk.state.timers().into_iter().min_by_key(|timer| timer.due) {
            walk.command(&timer.command, timer.due);
            left -= 1;
            prop_assert!(left > 0, "timers never end {:?}", walk.state);
        }
        let status: &str = walk.state.status().into();
        // A draft waits for its order, an activation for our network, a ported number for its user.
        let ours = ["new", "draft", "activating", "partially_ported", "ported"];
        prop_assert!(walk.state.has_ended() || ours.contains(&status), "{}", status);
    }
}
