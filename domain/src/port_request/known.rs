//! What others may ask of a port request: orders and companies beside it, timers, read models, auditors.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    Answer, OldDate, PortRequest, PortStatus, Request, at_any_stage, claims,
    events::{PortDetails, PortEventKind, Supplier},
    lifecycle::PortStep,
};
use crate::{
    calendar::PortWindow,
    claim::Claim,
    decider::Decider,
    ids::{CompanyId, PortRequestId},
    lead_time::PortRoute,
    names::MessageId,
    number::NumberSet,
    rules::Rules,
};

/// Whether a step can still be one of this port: who has to accept it is fixed with what is presented, and where a refused
/// date change leads, with whether the port had lapsed before.
pub(super) fn may_take(port: &PortRequest, step: PortStep) -> bool {
    use PortEventKind as Happens;
    let both = port.details().is_some_and(|details| details.route == PortRoute::Subsequent);
    let had_lapsed = matches!(
        port,
        PortRequest::Lapsed { .. } | PortRequest::DateChangePending { old: OldDate::Lapsed(_), .. }
    );
    match (step.event, step.to) {
        (Happens::LcpAccepted | Happens::DateAgreed, PortStatus::Accepted) => !both,
        (Happens::LcpAccepted | Happens::DateAgreed, PortStatus::AwaitingRh) => both,
        (Happens::DateChangeRefused, PortStatus::Accepted) | (Happens::DateChangeLapsed, _) => !had_lapsed,
        (Happens::DateChangeRefused, PortStatus::Lapsed) => had_lapsed,
        _ => true,
    }
}

impl PortRequest {
    /// What is known of it at every stage; nothing before the draft.
    pub fn request(&self) -> Option<&Request> {
        at_any_stage!(self, request => Some(request), None)
    }

    pub(super) fn request_mut(&mut self) -> Option<&mut Request> {
        at_any_stage!(self, request => Some(request), None)
    }

    /// What the losing provider is told.
    pub fn details(&self) -> Option<&PortDetails> {
        self.request().map(|request| &request.details)
    }

    /// Every number it asks for; none before the draft.
    pub fn numbers(&self) -> NumberSet {
        self.request().map(|request| request.numbers.clone()).unwrap_or_default()
    }

    /// The company that has the numbers.
    pub fn allocated(&self) -> Option<CompanyId> {
        self.request().and_then(|request| request.allocated)
    }

    /// How often it was presented; 0 before the draft.
    pub fn attempt(&self) -> u32 {
        self.request().map_or(0, |request| request.attempt)
    }

    /// Whether this message was heard before.
    pub fn seen_message(&self, by: Supplier, message: &MessageId) -> bool {
        self.request().is_some_and(|request| request.messages.contains(&(by, message.clone())))
    }

    /// The date on which everybody agrees, while the numbers have not moved.
    pub fn confirmed_window(&self) -> Option<PortWindow> {
        match self {
            Self::Accepted { window, .. }
            | Self::ReadyToActivate { window, .. }
            | Self::Activating { window, .. }
            | Self::PartiallyPorted { window, .. }
            | Self::DateChangePending { old: OldDate::Stands(window), .. } => Some(*window),
            _ => None,
        }
    }

    /// The numbers that work here and that somebody uses.
    pub fn live_numbers(&self) -> NumberSet {
        match self {
            Self::Activating { live, .. }
            | Self::PartiallyPorted { live, .. }
            | Self::Ported { live, .. } => live.clone(),
            _ => NumberSet::default(),
        }
    }

    /// The numbers that were ported and that their users gave back since; it keeps them until the last is unused.
    pub fn kept_numbers(&self) -> NumberSet {
        match self {
            Self::Ported { kept, .. } => kept.clone(),
            _ => NumberSet::default(),
        }
    }

    /// The numbers that are with the losing provider or the range holder again, after the port was done.
    pub fn returned_numbers(&self) -> NumberSet {
        match self {
            Self::Ported { request, live, kept, .. } => request.numbers.difference(live).difference(kept),
            Self::Restored { request } | Self::Returned { request } => request.numbers.clone(),
            _ => NumberSet::default(),
        }
    }

    /// When it is given up unless something happens.
    pub fn given_up_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::AwaitingLcp { given_up_at, .. }
            | Self::AwaitingDateAgreement { given_up_at, .. }
            | Self::AwaitingRh { given_up_at, .. }
            | Self::Rejected { given_up_at, .. }
            | Self::Lapsed { given_up_at, .. }
            | Self::DateChangePending { old: OldDate::Lapsed(given_up_at), .. } => Some(*given_up_at),
            _ => None,
        }
    }

    /// When the answer it waits for becomes overdue; nothing once it is.
    pub fn overdue_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::AwaitingLcp { answer: Answer::DueBy(at), .. }
            | Self::Activating { answer: Answer::DueBy(at), .. } => Some(*at),
            _ => None,
        }
    }

    /// Whether it still wants something from somebody: neither ended nor ported.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::New | Self::Ported { .. }) && !self.has_ended()
    }

    /// Whether nothing can happen to it any more.
    pub fn has_ended(&self) -> bool {
        Self::LIFECYCLE.is_terminal(self.status())
    }

    /// Whether it is too late to cancel it without the losing provider: after the cut-off of its confirmed date.
    pub fn past_cut_off(&self, at: DateTime<Utc>, rules: &Rules) -> bool {
        match self {
            Self::ReadyToActivate { .. }
            | Self::Activating { .. }
            | Self::PartiallyPorted { .. }
            | Self::Ported { .. }
            | Self::Restored { .. }
            | Self::Returned { .. } => true,
            _ => self.cut_off_at(rules).is_some_and(|cut_off| at > cut_off),
        }
    }

    /// The last instant at which its confirmed date can be changed or cancelled.
    pub fn cut_off_at(&self, rules: &Rules) -> Option<DateTime<Utc>> {
        let details = self.details()?;
        Some(rules.cut_off_at(&details.shape, details.route, &self.confirmed_window()?))
    }

    /// Every claim its events have taken and not released.
    pub fn held_claims(&self, _id: PortRequestId) -> BTreeSet<Claim> {
        let Some(request) = self.request() else { return BTreeSet::new() };
        let kept = self.kept_numbers();
        let heard = request.messages.iter().map(|(by, message)| claims::heard(*by, message));
        claims::open_ports(&request.open).chain(claims::kept(&kept)).chain(heard).collect()
    }
}
