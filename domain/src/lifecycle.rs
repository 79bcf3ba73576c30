//! A lifecycle as a table: the one place that says which action is legal when, which event it leads to, and where.
//!
//! Code, tests, refusals, diagrams and auditors read the same rows.

use std::{collections::BTreeSet, fmt};

/// A status, an action or an event by name.
pub trait Word:
    Copy + Eq + Ord + fmt::Debug + Into<&'static str> + strum::VariantArray + Send + Sync + 'static
{
}

impl<T: Copy + Eq + Ord + fmt::Debug + Into<&'static str> + strum::VariantArray + Send + Sync + 'static> Word
    for T
{
}

/// One row: from a status, an action leads by an event to a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<S, A, E> {
    /// The status before.
    pub from: S,
    /// What is asked.
    pub action: A,
    /// What then happened.
    pub event: E,
    /// The status after.
    pub to: S,
}

/// A row of a lifecycle table.
pub const fn step<S, A, E>(from: S, action: A, event: E, to: S) -> Step<S, A, E> {
    Step { from, action, event, to }
}

/// Every row of an aggregate. One (status, event) may have several rows: where it leads then depends on what is known.
#[derive(Clone, Copy, Debug)]
pub struct Lifecycle<S: 'static, A: 'static, E: 'static>(pub &'static [Step<S, A, E>]);

impl<S: Word, A: Word, E: Word> Lifecycle<S, A, E> {
    /// Whether the action may be asked for in this status.
    pub fn permits(&self, from: S, action: A) -> bool {
        self.0.iter().any(|step| step.from == from && step.action == action)
    }

    /// Whether the event may lead from one status to the other.
    pub fn allows(&self, from: S, event: E, to: S) -> bool {
        self.0.iter().any(|step| step.from == from && step.event == event && step.to == to)
    }

    /// What may be asked for in this status.
    pub fn actions(&self, from: S) -> BTreeSet<A> {
        self.0.iter().filter(|step| step.from == from).map(|step| step.action).collect()
    }

    /// Where the event may lead from this status.
    pub fn next(&self, from: S, event: E) -> BTreeSet<S> {
        self.0.iter().filter(|step| step.from == from && step.event == event).map(|step| step.to).collect()
    }

    /// Whether nothing leads out of this status.
    pub fn is_terminal(&self, status: S) -> bool {
        !self.0.iter().any(|step| step.from == status && step.to != status)
    }

    /// Every status that can be reached from this one, itself included.
    pub fn reachable(&self, from: S) -> BTreeSet<S> {
        let mut reached = BTreeSet::from([from]);
        let mut fresh = vec![from];
        while let Some(status) = fresh.pop() {
            let next = self.0.iter().filter(|step| step.from == status).map(|step| step.to);
            fresh.extend(next.filter(|to| reached.insert(*to)));
        }
        reached
    }

    /// The shortest way from a status to one in which the action may be asked for, by steps that `may` be taken; none where
    /// it never can be. Steps that stay where they are, are none of it.
    pub fn way(
        &self,
        from: S,
        action: A,
        may: impl Fn(&Step<S, A, E>) -> bool,
    ) -> Option<Vec<Step<S, A, E>>> {
        let mut ways = vec![(from, Vec::new())];
        let mut reached = BTreeSet::from([from]);
        let mut next = 0;
        while let Some((status, way)) = ways.get(next).cloned() {
            if self.permits(status, action) {
                return Some(way);
            }
            for step in self.0.iter().filter(|step| step.from == status && may(step)) {
                if reached.insert(step.to) {
                    ways.push((step.to, [way.as_slice(), &[*step]].concat()));
                }
            }
            next += 1;
        }
        None
    }

    /// The table as a Mermaid state diagram; steps that stay where they are, are listed in a note.
    pub fn to_mermaid(&self, start: S) -> String {
        let word = |status: S| -> &'static str { status.into() };
        let mut lines = vec!["stateDiagram-v2".to_owned(), format!("    [*] --> {}", word(start))];
        let mut drawn = BTreeSet::new();
        for step in self.0.iter().filter(|step| step.from != step.to) {
            let (action, event): (&str, &str) = (step.action.into(), step.event.into());
            let line = format!("    {} --> {}: {action} / {event}", word(step.from), word(step.to));
            if drawn.insert(line.clone()) {
                lines.push(line);
            }
        }
        for status in S::VARIANTS.iter().copied() {
            let stays: BTreeSet<&str> = self
                .0
                .iter()
                .filter(|step| step.from == status && step.to == status)
                .map(|step| step.action.into())
                .collect();
            if !stays.is_empty() {
                let stays: Vec<&str> = stays.into_iter().collect();
                lines.push(format!("    note right of {}: stays on {}", word(status), stays.join(", ")));
            }
        }
        let ends = S::VARIANTS.iter().copied().filter(|status| *status != start && self.is_terminal(*status));
        lines.extend(ends.map(|status| format!("    {} --> [*]", word(status))));
        lines.join("\n") + "\n"
    }
}
