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
    for state in states {
        covered.statuses.insert(state.status());
        for command in commands {
            let (status, action) = (state.status(), D::action(command));
            covered.actions.insert(action);
            match handle(state, command, context) {
                Err(Refused::NotPermitted { .. }) => {
                    assert!(!D::LIFECYCLE.permits(status, action), "{status:?} permits {action:?}");
                }
                Err(Refused::Rules(errors)) => {
                    assert!(D::LIFECYCLE.permits(status, action), "{status:?} does not permit {action:?}");
                    assert!(!errors.is_empty(), "a refusal gives a reason: {status:?} {action:?}");
                }
                Ok(events) => {
                    assert!(D::LIFECYCLE.permits(status, action), "{status:?} does not permit {action:?}");
                    events.iter().fold(state.clone(), |state, event| {
                        apply(state, event)
                            .unwrap_or_else(|illegal| panic!("{action:?} on {status:?}: {illegal}"))
                    });
                    covered.taken.insert((status, action));
                }
            }
        }
    }
    covered
}
