//! What an order has come to, from nothing but how many of its lines ended how.

use super::{events::OrderEvent, line::LineStatus};

/// How many lines there are of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Waiting, in progress or held.
    pub open: usize,
    /// Done.
    pub completed: usize,
    /// Could not be done.
    pub failed: usize,
    /// Not wanted any more.
    pub cancelled: usize,
}

/// What an order whose lines have all ended has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollUp {
    /// All lines are done.
    Completed,
    /// At least one line is done, at least one is not.
    Partial,
    /// No line is done, at least one could not be.
    Failed,
    /// No line is done, none could not be.
    Cancelled,
}

/// What the order has come to; `None` while a line is open.
pub fn roll_up(lines: Tally) -> Option<RollUp> {
    match lines {
        Tally { open: 1.., .. } => None,
        Tally { completed: 1.., failed: 0, cancelled: 0, .. } => Some(RollUp::Completed),
        Tally { completed: 1.., .. } => Some(RollUp::Partial),
        Tally { failed: 1.., .. } => Some(RollUp::Failed),
        Tally { .. } => Some(RollUp::Cancelled),
    }
}

impl RollUp {
    /// The event that says so.
    pub(super) fn event(self) -> OrderEvent {
        match self {
            Self::Completed => OrderEvent::OrderCompleted,
            Self::Partial => OrderEvent::OrderPartlyCompleted,
            Self::Failed => OrderEvent::OrderFailed,
            Self::Cancelled => OrderEvent::OrderCancelled,
        }
    }
}

impl Tally {
    pub(super) fn of(&mut self, status: LineStatus) -> &mut usize {
        match status {
            LineStatus::Waiting | LineStatus::InProgress | LineStatus::Held => &mut self.open,
            LineStatus::Completed => &mut self.completed,
            LineStatus::Failed => &mut self.failed,
            LineStatus::Cancelled => &mut self.cancelled,
        }
    }
}

impl FromIterator<LineStatus> for Tally {
    fn from_iter<I: IntoIterator<Item = LineStatus>>(statuses: I) -> Self {
        let mut tally = Self::default();
        for status in statuses {
            *tally.of(status) += 1;
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use LineStatus::{Cancelled, Completed, Failed, Held, InProgress, Waiting};

    use super::*;

    fn of(statuses: &[LineStatus]) -> Option<RollUp> {
        roll_up(statuses.iter().copied().collect())
    }

    #[test]
    fn nothing_is_said_while_a_line_is_open() {
        for open in [Waiting, InProgress, Held] {
            assert_eq!(of(&[Completed, open]), None);
            assert_eq!(of(&[Failed, Cancelled, open]), None);
        }
    }

    #[test]
    fn lines_that_all_ended_alike_speak_for_the_order() {
        assert_eq!(of(&[Completed, Completed]), Some(RollUp::Completed));
        assert_eq!(of(&[Failed, Failed]), Some(RollUp::Failed));
        assert_eq!(of(&[Cancelled, Cancelled]), Some(RollUp::Cancelled));
    }

    #[test]
    fn in_a_mix_one_completed_line_makes_it_partial() {
        assert_eq!(of(&[Completed, Cancelled]), Some(RollUp::Partial));
        assert_eq!(of(&[Completed, Failed]), Some(RollUp::Partial));
        assert_eq!(of(&[Cancelled, Failed, Completed]), Some(RollUp::Partial));
    }

    #[test]
    fn in_a_mix_without_a_completed_line_one_failure_makes_it_failed() {
        assert_eq!(of(&[Cancelled, Failed]), Some(RollUp::Failed));
    }
}
