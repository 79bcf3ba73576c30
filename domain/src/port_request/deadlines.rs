//! When a port request runs out of time, and the timers that say so.
//!
//! A timer is a command at the instant it was due. The state carries its own due times, so a timer of an earlier
//! attempt is refused. Absent: timers of a draft, which its order carries on or cancels, and of an activation, which the
//! network answers: silence there is a jeopardy, because numbers may have moved.

use chrono::{DateTime, TimeDelta, Utc};

use super::{OldDate, PortError, PortRequest, commands::PortCommand};
use crate::{decider::Context, lead_time::PortClass};

/// A command that time alone brings about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortTimer {
    /// Which of the timers of a port request.
    pub name: &'static str,
    /// When it is due.
    pub due: DateTime<Utc>,
    /// What it commands.
    pub command: PortCommand,
}

impl PortRequest {
    /// The timers that its state implies.
    pub fn timers(&self) -> Vec<PortTimer> {
        let answer = match self {
            Self::Activating { .. } => PortCommand::NetworkSilent,
            _ => PortCommand::AnswerOverdue,
        };
        let (window, moved) = match self {
            Self::Accepted { window, .. } | Self::DateChangePending { old: OldDate::Stands(window), .. } => {
                (Some(window.opens_at()), PortCommand::OpenWindow)
            }
            Self::ReadyToActivate { window, .. } => (Some(window.closes_at()), PortCommand::CloseWindow),
            _ => (None, PortCommand::OpenWindow),
        };
        [(self.overdue_at(), answer), (self.given_up_at(), PortCommand::TimeOut), (window, moved)]
            .into_iter()
            .filter_map(|(due, command)| Some(PortTimer { name: timer_name(&command), due: due?, command }))
            .collect()
    }
}

/// The action of a timer's command is its name.
fn timer_name(command: &PortCommand) -> &'static str {
    super::commands::PortAction::from(command).into()
}

/// Refuses a timer that comes too early, and one for which nothing waits.
pub(super) fn due(at: Option<DateTime<Utc>>, context: &Context) -> Result<(), PortError> {
    match at {
        None => Err(PortError::NothingDue),
        Some(due) if context.at < due => Err(PortError::NotDueBefore(due)),
        Some(_) => Ok(()),
    }
}

/// When the losing provider should have answered.
pub(super) fn answer_due(class: PortClass, context: &Context) -> DateTime<Utc> {
    context.at + context.rules.overdue(class)
}

/// When the network should have answered.
pub(super) fn network_due(context: &Context) -> DateTime<Utc> {
    context.at + TimeDelta::hours(context.rules.limits().port_network_silent_hours.into())
}

/// Until when a port of now can be undone in an emergency.
pub(super) fn restorable_until(context: &Context) -> DateTime<Utc> {
    context.at + TimeDelta::days(context.rules.limits().restoration_days.into())
}

/// When a request is given up that does not get on from now.
pub(super) fn no_progress(context: &Context) -> Result<DateTime<Utc>, PortError> {
    end_of_working_day(context.rules.limits().port_no_progress_working_days, context)
}

/// When a lapsed request is given up that does not get on from now.
pub(super) fn lapsed(context: &Context) -> Result<DateTime<Utc>, PortError> {
    end_of_working_day(context.rules.limits().port_lapsed_working_days, context)
}

fn end_of_working_day(n: u32, context: &Context) -> Result<DateTime<Utc>, PortError> {
    Ok(context.rules.calendar().end_of_working_day(context.at, n)?)
}
