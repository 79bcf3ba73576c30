//! Every state against every command: the table alone says what is permitted, and what follows is always legal.

use std::collections::BTreeSet;

use crate::decider::{Context, Decider, Refused, apply, handle};

/// What a matrix covered, for a test to compare with what it meant to cover.
#[derive(Debug, Default)]
pub struct Covered<D: Decider> {
    /// The statuses among the states.
    pub statuses: BTreeSet<D::Status>,
    /// The actions among the commands.
    pub actions: BTreeSet<D::Action>,
    /// The rows (status, action) that led to events.
    pub taken: BTreeSet<(D::Status, D::Action)>,
}

/// Runs every command on every state. Panics where decider and table disagree.
pub fn run<D: Decider>(states: &[D], commands: &[D::Command], context: &Context) -> Covered<D> {
    let mut covered = Covered { statuses: BTreeSet::new(), actions: BTreeSet::new(), taken: BTreeSet::new() };
    for from in states {
        covered.statuses.insert(from.status());
        for command in commands {
            let (at, action) = (from.status(), D::action(command));
            covered.actions.insert(action);
            match handle(from, command, context) {
                Err(Refused::NotPermitted { .. }) => {
                    assert!(!D::LIFECYCLE.permits(at, action), "{at:?} permits {action:?}");
                }
                Err(Refused::Rules(errors)) => {
                    assert!(D::LIFECYCLE.permits(at, action), "{at:?} does not permit {action:?}");
                    assert!(!errors.is_empty(), "a refusal gives a reason: {at:?} {action:?}");
                }
                Ok(events) => {
                    assert!(D::LIFECYCLE.permits(at, action), "{at:?} does not permit {action:?}");
                    events.iter().fold(from.clone(), |state, event| {
                        apply(state, event)
                            .unwrap_or_else(|illegal| panic!("{action:?} on {at:?}: {illegal}"))
                    });
                    covered.taken.insert((at, action));
                }
            }
        }
    }
    covered
}
