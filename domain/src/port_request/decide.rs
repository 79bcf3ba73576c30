//! What a command leads to, and what speaks against it.

#![cfg_attr(
    not(test),
    expect(clippy::enum_glob_use, reason = "every arm names a variant; their paths would hide them")
)]

use chrono::{DateTime, Utc};

use super::{
    OldDate, PortError, PortRequest, Request,
    commands::PortCommand,
    deadlines::{answer_due, due, lapsed, network_due, no_progress, restorable_until},
    draft::{begin, represent, window_fits},
    events::{PortCancellation, PortDetails, PortDraft, PortEvent},
    messages,
};
use crate::{
    calendar::PortWindow,
    decider::Context,
    ids::CompanyId,
    lead_time::PortRoute,
    names::MessageId,
    number::NumberSet,
    rules::{EarliestPortDate, Rules},
};

/// The events, or every reason against them.
pub(super) type Decision = Result<Vec<PortEvent>, Vec<PortError>>;

pub(super) fn decide(state: &PortRequest, command: &PortCommand, context: &Context) -> Decision {
    use PortCommand::*;
    use PortRequest::{
        Accepted, AwaitingDateAgreement, DateChangePending, Lapsed, PartiallyPorted, Ported, ReadyToActivate,
        Rejected,
    };
    let Some(request) = state.request() else { return draft(command, context) };
    if let Some((by, message)) = command.message() {
        return messages::hear(state, request, (by, message), command, context);
    }
    let one = |event| Ok(vec![event]);
    match (state, command) {
        (_, Submit) => one(PortEvent::PortSubmitted {
            overdue_at: answer_due(request.details.shape.class, context),
            given_up_at: no_progress(context)?,
        }),
        (_, AnswerOverdue) => {
            due(state.overdue_at(), context)?;
            one(PortEvent::PortOverdue)
        }
        (_, NetworkSilent) => {
            due(state.overdue_at(), context)?;
            one(PortEvent::NetworkOverdue)
        }
        (_, TimeOut) => {
            due(state.given_up_at(), context)?;
            Ok(end(request, 0, &context.rules, |numbers| PortEvent::PortTimedOut { numbers }))
        }
        (Rejected { reasons, .. }, Represent { changes }) => represent(request, reasons, changes, context),
        (AwaitingDateAgreement { proposed, .. }, AgreeDate) => agree(request, *proposed, context),
        (_, RefuseDate) => Ok(cancel(request, PortCancellation::DateRefused, &context.rules)),
        (_, Cancel { why }) => {
            before_cut_off(state, context)?;
            Ok(cancel(request, *why, &context.rules))
        }
        (_, Allocate { company }) => allocate(request, *company),
        (Accepted { window: old, .. }, RequestDate { window }) => {
            let mut errors: Vec<PortError> = before_cut_off(state, context).err().into_iter().collect();
            if old == window {
                errors.push(PortError::SameWindow);
            }
            request_date(request, *window, None, errors, context)
        }
        (Lapsed { .. }, RequestDate { window }) => {
            request_date(request, *window, Some(lapsed(context)?), vec![], context)
        }
        (Accepted { window, .. }, OpenWindow) => {
            due(Some(window.opens_at()), context)?;
            one(PortEvent::WindowOpened)
        }
        (DateChangePending { old: OldDate::Stands(window), .. }, OpenWindow) => {
            due(Some(window.opens_at()), context)?;
            one(PortEvent::DateChangeLapsed)
        }
        (ReadyToActivate { window, .. }, CloseWindow) => {
            due(Some(window.closes_at()), context)?;
            one(PortEvent::WindowClosed { given_up_at: lapsed(context)? })
        }
        (ReadyToActivate { window, .. }, Activate) => activate(request, window, context),
        (PartiallyPorted { .. }, RetryActivation) => {
            one(PortEvent::ActivationRequested { overdue_at: network_due(context) })
        }
        (PartiallyPorted { live, .. }, ReturnRest) => {
            let returned = request.numbers.difference(live);
            Ok(complete(request, None, live.clone(), returned, context))
        }
        (Ported { live, kept, .. }, CeaseNumbers { numbers }) => cease(live, kept, numbers, &context.rules),
        (_, Draft { .. }) => Err(vec![PortError::DraftedBefore]),
        _ => Err(vec![PortError::NothingDue]),
    }
}

fn draft(command: &PortCommand, context: &Context) -> Decision {
    let PortCommand::Draft { reseller, order, line, company, request, simultaneous } = command else {
        return Err(vec![PortError::NothingDue]);
    };
    let (reseller, order, line, company) = (*reseller, *order, *line, *company);
    begin(request, *simultaneous, context, |numbers, details| PortDraft {
        reseller,
        order,
        line,
        company,
        numbers,
        details,
    })
    .map_err(|faults| faults.into_iter().map(|fault| PortError::Line(line, fault)).collect())
}

fn agree(request: &Request, proposed: PortWindow, context: &Context) -> Decision {
    if context.at >= proposed.closes_at() {
        return Err(vec![PortError::ProposalOver(proposed.closes_at())]);
    }
    let given_up_at = range_holder_due(request, context)?;
    Ok(vec![PortEvent::DateAgreed { window: proposed, given_up_at }])
}

/// For a subsequent port: when the request is given up unless the range holder answers.
pub(super) fn range_holder_due(
    request: &Request,
    context: &Context,
) -> Result<Option<DateTime<Utc>>, PortError> {
    match request.details.route {
        PortRoute::Provide => Ok(None),
        PortRoute::Subsequent => no_progress(context).map(Some),
    }
}

/// Once everybody has agreed to a date, there is a last moment to think again.
fn before_cut_off(state: &PortRequest, context: &Context) -> Result<(), PortError> {
    match state.cut_off_at(&context.rules) {
        Some(cut_off) if state.past_cut_off(context.at, &context.rules) => {
            Err(PortError::PastCutOff(cut_off))
        }
        _ => Ok(()),
    }
}

fn allocate(request: &Request, company: CompanyId) -> Decision {
    if request.allocated.is_some() {
        return Err(vec![PortError::AllocatedBefore]);
    }
    if request.company.is_some_and(|ordered| ordered != company) {
        return Err(vec![PortError::OtherCompany]);
    }
    Ok(vec![PortEvent::PortAllocated { company }])
}

fn request_date(
    request: &Request,
    window: PortWindow,
    given_up_at: Option<DateTime<Utc>>,
    mut errors: Vec<PortError>,
    context: &Context,
) -> Decision {
    let PortDetails { shape, route, .. } = &request.details;
    let mut faults = vec![];
    let earliest = window_fits(&window, shape, *route, context, &mut faults);
    errors.extend(faults.into_iter().map(PortError::Change));
    let (Some(EarliestPortDate { day_zero, lead_time, .. }), true) = (earliest, errors.is_empty()) else {
        return Err(errors);
    };
    Ok(vec![PortEvent::DateChangeRequested { window, day_zero, lead_time, given_up_at }])
}

fn activate(request: &Request, window: &PortWindow, context: &Context) -> Decision {
    let errors: Vec<PortError> = [
        request.allocated.is_none().then_some(PortError::NotAllocated),
        (context.at < window.opens_at()).then_some(PortError::OpensAt(*window)),
        (context.at >= window.closes_at()).then(|| PortError::ClosedAt(window.closes_at())),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(vec![PortEvent::ActivationRequested { overdue_at: network_due(context) }])
}

/// The numbers that work stay, the others go back to the losing provider.
pub(super) fn complete(
    request: &Request,
    message: Option<MessageId>,
    live: NumberSet,
    returned: NumberSet,
    context: &Context,
) -> Vec<PortEvent> {
    let restorable_until = restorable_until(context);
    let keys = usize::from(message.is_some());
    end(request, keys, &context.rules, |numbers| PortEvent::PortCompleted {
        message,
        live,
        returned,
        numbers,
        restorable_until,
    })
}

fn cancel(request: &Request, why: PortCancellation, rules: &Rules) -> Vec<PortEvent> {
    end(request, 0, rules, |numbers| PortEvent::PortCancelled { why, numbers })
}

/// Ends a request by an event that names `keys` beside the numbers whose open port it releases.
pub(super) fn end(
    request: &Request,
    keys: usize,
    rules: &Rules,
    event: impl FnOnce(NumberSet) -> PortEvent,
) -> Vec<PortEvent> {
    let (parts, rest) = parts(&request.open, keys, rules);
    let before = parts.into_iter().map(|numbers| PortEvent::OpenPortReleased { numbers });
    before.chain(std::iter::once(event(rest))).collect()
}

/// The numbers in parts that an event can name each, and a rest that leaves room for `keys` others.
pub(super) fn parts(numbers: &NumberSet, keys: usize, rules: &Rules) -> (Vec<NumberSet>, NumberSet) {
    let keys_max = rules.limits().event_keys_max as usize;
    let mut parts = numbers.chunks(keys_max);
    let rest = parts.pop_if(|last| last.len() + keys <= keys_max).unwrap_or_default();
    (parts, rest)
}

/// Keeps what a user gave back; with the last number, everything goes back to the range holder.
fn cease(live: &NumberSet, kept: &NumberSet, numbers: &NumberSet, rules: &Rules) -> Decision {
    let unknown = numbers.difference(live);
    if numbers.is_empty() {
        return Err(vec![PortError::NoNumbers]);
    }
    if !unknown.is_empty() {
        return Err(vec![PortError::NotInUse(unknown)]);
    }
    let ceased = numbers.chunks(rules.limits().event_keys_max as usize);
    let mut events: Vec<PortEvent> =
        ceased.into_iter().map(|numbers| PortEvent::PortedNumbersCeased { numbers }).collect();
    if live.is_subset(numbers) {
        let (released, rest) = parts(&kept.union(numbers), 0, rules);
        events.extend(released.into_iter().map(|numbers| PortEvent::KeptNumbersReleased { numbers }));
        events.push(PortEvent::PortReturned { numbers: rest });
    }
    Ok(events)
}
