//! The lines of one order and how far each is, with what is asked of them at every step kept at hand.
//!
//! The maps are persistent and the indices follow each change, so a step of a 5,000-user order costs what it touches:
//! the line, and the lines that hang on it. Stored are the lines alone; the indices come from them.

use std::{collections::BTreeSet, sync::Arc};

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::{
    graph::{self, Dependency, Until},
    line::{LineKind, LineNumber, LineRequest, LineState, LineStatus, Milestone},
    roll_up::Tally,
};
use crate::changed::changed;

/// A line and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it asks for; shared, because it seldom changes and the rest does.
    #[serde(with = "shared")]
    pub request: Arc<LineRequest>,
    /// How far it is.
    pub state: LineState,
    /// What it has reached on its way.
    pub milestones: BTreeSet<Milestone>,
}

impl Line {
    /// A line that waits.
    pub fn new(request: LineRequest) -> Self {
        Self { request: Arc::new(request), state: LineState::Waiting, milestones: BTreeSet::new() }
    }

    /// What kind of thing it asks for.
    pub fn kind(&self) -> LineKind {
        (&*self.request).into()
    }

    /// How far it is, by name.
    pub fn status(&self) -> LineStatus {
        (&self.state).into()
    }

    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.status().is_open()
    }

    /// Whether it has come so far that a line waiting for just that may start.
    pub fn satisfies(&self, until: Until) -> bool {
        match until {
            Until::Completed => self.state == LineState::Completed,
            // Numbers that were allocated are gone again when their port fails.
            Until::Allocated => {
                self.state == LineState::Completed
                    || self.is_open() && self.milestones.contains(&Milestone::Allocated)
            }
        }
    }

    /// Whether it makes no difference to the lines that hang on it.
    fn weighs_like(&self, other: &Self) -> bool {
        let satisfied = |line: &Self| [Until::Allocated, Until::Completed].map(|until| line.satisfies(until));
        self.kind() == other.kind() && satisfied(self) == satisfied(other)
    }
}

impl LineStatus {
    /// Whether such a line has not ended.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::InProgress | Self::Held)
    }
}

impl LineKind {
    /// Whether a line of this kind makes an asset of the company when it is completed.
    pub fn makes_asset(self) -> bool {
        !matches!(self, Self::Company | Self::Numbers | Self::Port)
    }
}

/// All lines of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "OrdMap<LineNumber, Line>", into = "OrdMap<LineNumber, Line>")]
pub struct Lines {
    all: OrdMap<LineNumber, Line>,
    /// More than one only in what is about to be refused.
    companies: OrdSet<LineNumber>,
    open: OrdSet<LineNumber>,
    ready: OrdSet<LineNumber>,
    /// Those that hang on the company line, if there is one, and on no other parent in the order.
    on_company: OrdSet<LineNumber>,
    referrers: OrdMap<LineNumber, OrdSet<LineNumber>>,
    tally: Tally,
}

impl Lines {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A line.
    pub fn get(&self, line: LineNumber) -> Option<&Line> {
        self.all.get(&line)
    }

    /// Every line, by number.
    pub fn iter(&self) -> impl Iterator<Item = (LineNumber, &Line)> {
        self.all.iter().map(|(number, line)| (*number, line))
    }

    /// The lines that have not ended, by number.
    pub fn open(&self) -> impl Iterator<Item = LineNumber> + '_ {
        self.open.iter().copied()
    }

    /// The waiting lines that wait for nothing any more, by number.
    pub fn ready(&self) -> impl Iterator<Item = LineNumber> + '_ {
        self.ready.iter().copied()
    }

    /// The lines that bring the company into service: at most one in a sound order.
    pub fn companies(&self) -> impl Iterator<Item = LineNumber> + '_ {
        self.companies.iter().copied()
    }

    /// The lines that are not as they were before, by number.
    pub fn changed_since(&self, before: &Self) -> Vec<LineNumber> {
        changed(&before.all, &self.all)
    }

    /// How many have ended how.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The lines whose requests name this one, by number.
    pub fn referrers(&self, line: LineNumber) -> impl Iterator<Item = LineNumber> + '_ {
        self.referrers.get(&line).into_iter().flatten().copied()
    }

    /// The lines that depend on this one, by number.
    pub fn dependents(&self, line: LineNumber) -> Vec<LineNumber> {
        if self.companies.contains(&line) {
            return self.on_company.iter().copied().collect();
        }
        self.referrers(line).collect()
    }

    /// What of its dependencies a line still waits for.
    pub fn unmet(&self, line: LineNumber) -> Vec<Dependency> {
        let mut dependencies = graph::dependencies(self, line);
        dependencies.retain(|on| !self.get(on.line).is_some_and(|line| line.satisfies(on.until)));
        dependencies
    }

    /// Adds a line, or puts it in place of the one with its number.
    pub fn put(&mut self, number: LineNumber, line: Line) {
        let alike = self.get(number).is_some_and(|before| before.weighs_like(&line));
        let mut affected = if alike { Vec::new() } else { self.dependents(number) };
        self.take(number);
        self.index(number, &line);
        self.all.insert(number, line);
        if !alike {
            // Other lines hang on it than before, where it was or is the company line.
            affected.extend(self.dependents(number));
        }
        affected.push(number);
        for affected in affected {
            self.refresh(affected);
        }
    }

    /// Takes a line away.
    pub fn remove(&mut self, number: LineNumber) -> Option<Line> {
        let dependents = self.dependents(number);
        let line = self.take(number);
        for dependent in dependents {
            self.refresh(dependent);
        }
        line
    }

    fn index(&mut self, number: LineNumber, line: &Line) {
        *self.tally.of(line.status()) += 1;
        if line.is_open() {
            self.open.insert(number);
        }
        if line.kind() == LineKind::Company {
            self.companies.insert(number);
        }
        if graph::hangs_on_company(&line.request) {
            self.on_company.insert(number);
        }
        for reference in graph::references(&line.request) {
            self.referrers.entry(reference.to).or_default().insert(number);
        }
    }

    fn take(&mut self, number: LineNumber) -> Option<Line> {
        let line = self.all.remove(&number)?;
        *self.tally.of(line.status()) -= 1;
        self.open.remove(&number);
        self.ready.remove(&number);
        self.companies.remove(&number);
        self.on_company.remove(&number);
        for reference in graph::references(&line.request) {
            if let Some(referrers) = self.referrers.get_mut(&reference.to) {
                referrers.remove(&number);
                if referrers.is_empty() {
                    self.referrers.remove(&reference.to);
                }
            }
        }
        Some(line)
    }

    fn refresh(&mut self, number: LineNumber) {
        let waits = self.get(number).is_some_and(|line| line.state == LineState::Waiting);
        if waits && self.unmet(number).is_empty() {
            self.ready.insert(number);
        } else {
            self.ready.remove(&number);
        }
    }
}

impl From<OrdMap<LineNumber, Line>> for Lines {
    fn from(all: OrdMap<LineNumber, Line>) -> Self {
        let mut lines = Self::default();
        for (number, line) in all {
            lines.put(number, line);
        }
        lines
    }
}

impl From<Lines> for OrdMap<LineNumber, Line> {
    fn from(lines: Lines) -> Self {
        lines.all
    }
}

/// Stores a shared value as the value itself.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(it: &Arc<T>, to: S) -> Result<S::Ok, S::Error> {
        T::serialize(it, to)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(from).map(Arc::new)
    }
}
