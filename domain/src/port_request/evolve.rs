//! What each event makes of a port request.

#![cfg_attr(
    not(test),
    expect(clippy::enum_glob_use, reason = "every arm names a variant; their paths would hide them")
)]

use super::{
    Answer, OldDate, PortRequest, Request, at_any_stage,
    events::{PortDraft, PortEvent, Supplier},
};
use imbl::OrdSet;

use crate::{lead_time::PortRoute, names::MessageId, number::NumberSet};

pub(super) fn evolve(state: PortRequest, event: &PortEvent) -> PortRequest {
    let mut state = step(state, event);
    if let Some(request) = state.request_mut() {
        request.release(event);
        if let Some((by, message)) = event.message() {
            request.remember(by, message);
        }
    }
    state
}

impl Request {
    fn begin(draft: &PortDraft) -> Self {
        Self {
            reseller: draft.reseller,
            order: draft.order,
            line: draft.line,
            company: draft.company,
            allocated: None,
            details: draft.details.clone(),
            attempt: 1,
            numbers: draft.numbers.clone(),
            open: draft.numbers.clone(),
            messages: OrdSet::new(),
        }
    }

    fn add(mut self: Box<Self>, numbers: &NumberSet) -> Box<Self> {
        self.numbers = self.numbers.union(numbers);
        self.open = self.open.union(numbers);
        self
    }

    /// Other requests may ask again for what the event releases.
    fn release(&mut self, event: &PortEvent) {
        if let PortEvent::OpenPortReleased { numbers }
        | PortEvent::PortTimedOut { numbers }
        | PortEvent::PortWithdrawn { numbers, .. }
        | PortEvent::PortCancelled { numbers, .. }
        | PortEvent::PortCompleted { numbers, .. } = event
        {
            self.open = self.open.difference(numbers);
        }
    }

    fn remember(&mut self, by: Supplier, message: &MessageId) {
        self.messages.insert((by, message.clone()));
    }
}

/// The steps of the lifecycle. An event that is none of them changes no status, so `apply` refuses it.
fn step(state: PortRequest, event: &PortEvent) -> PortRequest {
    use {PortEvent::*, PortRequest::*};
    match (state, event) {
        (New, PortDrafted(draft)) => Draft { request: Box::new(Request::begin(draft)) },
        (Draft { request }, PortNumbersAdded { numbers }) => Draft { request: request.add(numbers) },
        (Draft { request }, PortSubmitted { overdue_at, given_up_at }) => {
            AwaitingLcp { request, answer: Answer::DueBy(*overdue_at), given_up_at: *given_up_at }
        }
        (AwaitingLcp { request, given_up_at, .. }, PortOverdue) => {
            AwaitingLcp { request, answer: Answer::Overdue, given_up_at }
        }
        (AwaitingLcp { request, .. }, LcpAccepted { window, given_up_at, .. })
        | (AwaitingDateAgreement { request, .. }, DateAgreed { window, given_up_at }) => {
            match (request.details.route, given_up_at) {
                (PortRoute::Subsequent, Some(given_up_at)) => {
                    AwaitingRh { request, window: *window, given_up_at: *given_up_at }
                }
                _ => Accepted { request, window: *window },
            }
        }
        (AwaitingLcp { request, .. }, EarlierDateProposed { proposed, given_up_at, .. }) => {
            AwaitingDateAgreement { request, proposed: *proposed, given_up_at: *given_up_at }
        }
        (AwaitingLcp { mut request, .. }, LcpAcceptedAsComplex { proposed, given_up_at, .. }) => {
            request.details.shape.complex = true;
            AwaitingDateAgreement { request, proposed: *proposed, given_up_at: *given_up_at }
        }
        (AwaitingRh { request, window, .. }, RhAccepted { .. }) => Accepted { request, window },
        (
            AwaitingLcp { request, .. } | AwaitingRh { request, .. },
            PortRejected { reasons, given_up_at, .. },
        ) => Rejected { request, reasons: reasons.clone(), given_up_at: *given_up_at },
        (Rejected { mut request, .. }, PortRepresented { details, attempt, overdue_at, given_up_at }) => {
            request.details = (**details).clone();
            request.attempt = *attempt;
            AwaitingLcp { request, answer: Answer::DueBy(*overdue_at), given_up_at: *given_up_at }
        }
        (mut state, PortAllocated { company }) => {
            if let Some(request) = state.request_mut() {
                request.allocated = Some(*company);
            }
            state
        }
        (Accepted { request, window: old }, DateChangeRequested { window, .. }) => {
            DateChangePending { request, asked: *window, old: OldDate::Stands(old) }
        }
        (Lapsed { request, .. }, DateChangeRequested { window, given_up_at: Some(given_up_at), .. }) => {
            DateChangePending { request, asked: *window, old: OldDate::Lapsed(*given_up_at) }
        }
        (DateChangePending { request, .. }, DateChangeAccepted { window, .. }) => {
            Accepted { request, window: *window }
        }
        (DateChangePending { request, old, .. }, DateChangeRefused { .. }) => match old {
            OldDate::Stands(window) => Accepted { request, window },
            OldDate::Lapsed(given_up_at) => Lapsed { request, given_up_at },
        },
        (Accepted { request, window }, WindowOpened)
        | (DateChangePending { request, old: OldDate::Stands(window), .. }, DateChangeLapsed) => {
            ReadyToActivate { request, window }
        }
        (ReadyToActivate { request, .. }, WindowClosed { given_up_at }) => {
            Lapsed { request, given_up_at: *given_up_at }
        }
        (state, event) => activation(state, event),
    }
}

/// The steps from the activation on, and the ends.
fn activation(state: PortRequest, event: &PortEvent) -> PortRequest {
    use {PortEvent::*, PortRequest::*};
    match (state, event) {
        (ReadyToActivate { request, window }, ActivationRequested { overdue_at }) => {
            Activating { request, window, answer: Answer::DueBy(*overdue_at), live: NumberSet::default() }
        }
        (PartiallyPorted { request, window, live }, ActivationRequested { overdue_at }) => {
            Activating { request, window, answer: Answer::DueBy(*overdue_at), live }
        }
        (Activating { request, window, live, .. }, NetworkOverdue) => {
            Activating { request, window, answer: Answer::Overdue, live }
        }
        (Activating { request, window, .. }, PortPartlyCompleted { live, .. }) => {
            PartiallyPorted { request, window, live: live.clone() }
        }
        (Activating { request, window, .. }, ActivationFailed { given_up_at, .. }) => match given_up_at {
            Some(given_up_at) => Lapsed { request, given_up_at: *given_up_at },
            None => ReadyToActivate { request, window },
        },
        (
            Activating { request, .. } | PartiallyPorted { request, .. },
            PortCompleted { live, restorable_until, .. },
        ) => Ported {
            request,
            live: live.clone(),
            kept: NumberSet::default(),
            restorable_until: *restorable_until,
        },
        (Ported { request, live, kept, restorable_until }, PortedNumbersCeased { numbers }) => {
            Ported { request, live: live.difference(numbers), kept: kept.union(numbers), restorable_until }
        }
        (Ported { request, live, kept, restorable_until }, KeptNumbersReleased { numbers }) => {
            Ported { request, live, kept: kept.difference(numbers), restorable_until }
        }
        (Ported { request, .. }, PortReturned { .. }) => Returned { request },
        (Ported { request, .. }, PortRestored { .. }) => Restored { request },
        (state, event) => end(state, event),
    }
}

/// The ends that many stages share.
fn end(state: PortRequest, event: &PortEvent) -> PortRequest {
    let end: fn(Box<Request>) -> PortRequest = match event {
        PortEvent::PortTimedOut { .. } => |request| PortRequest::TimedOut { request },
        PortEvent::PortWithdrawn { .. } => |request| PortRequest::Withdrawn { request },
        PortEvent::PortCancelled { .. } => |request| PortRequest::Cancelled { request },
        _ => return state,
    };
    at_any_stage!(state, request => end(request), PortRequest::New)
}
