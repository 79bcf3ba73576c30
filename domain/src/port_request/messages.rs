//! What suppliers say. They may say anything at any time, late, twice or crossed with ours, so nothing they say is
//! refused for where the request is: what changes nothing is written down as ignored, with the reason.
//!
//! An accepted date that is earlier than the one asked for is a proposal: the customer is not ready for it until
//! somebody agrees. A later date, or other hours of the day, is the losing provider's to name.

#![cfg_attr(
    not(test),
    expect(clippy::enum_glob_use, reason = "every arm names a variant; their paths would hide them")
)]

use super::{
    PortError, PortRequest, Request,
    commands::PortCommand,
    deadlines::{lapsed, no_progress},
    decide::{Decision, complete, end, parts, range_holder_due},
    events::{IgnoredBecause, PortEvent, Supplier},
    reason::PortRejection,
};
use crate::{
    calendar::PortWindow, decider::Context, lead_time::PortRoute, names::MessageId, number::NumberSet,
};

/// Why a message does not do what it says.
enum Unheeded {
    /// It changes nothing, and that is written down.
    Ignored(IgnoredBecause),
    /// It is no such message, or nobody can say yet what follows: its sender may try again.
    Refused(PortError),
}

type Heard = Result<Vec<PortEvent>, Unheeded>;

impl From<IgnoredBecause> for Unheeded {
    fn from(why: IgnoredBecause) -> Self {
        Self::Ignored(why)
    }
}

impl From<PortError> for Unheeded {
    fn from(error: PortError) -> Self {
        Self::Refused(error)
    }
}

/// What a message leads to; nothing at all if it was heard before.
pub(super) fn hear(
    state: &PortRequest,
    request: &Request,
    (by, message): (Supplier, &MessageId),
    command: &PortCommand,
    context: &Context,
) -> Decision {
    if state.seen_message(by, message) {
        return Ok(vec![]);
    }
    match heed(state, request, command, context) {
        Ok(events) => Ok(events),
        Err(Unheeded::Refused(error)) => Err(vec![error]),
        Err(Unheeded::Ignored(why)) => {
            Ok(vec![PortEvent::SupplierMessageIgnored { message: message.clone(), by, why }])
        }
    }
}

fn heed(state: &PortRequest, request: &Request, command: &PortCommand, context: &Context) -> Heard {
    use PortCommand::*;
    use PortRequest::{
        Accepted, Activating, AwaitingLcp, AwaitingRh, DateChangePending, Lapsed, Ported, ReadyToActivate,
    };
    if let SupplierReject { reasons, .. } = command {
        readable(reasons, context)?;
    }
    match (state, command) {
        (AwaitingLcp { .. }, LcpAccept { message, window }) => accept(request, message, *window, context),
        (AwaitingLcp { .. }, LcpAcceptAsComplex { message, proposed }) => {
            possible(proposed, context)?;
            let given_up_at = no_progress(context)?;
            Ok(vec![PortEvent::LcpAcceptedAsComplex {
                message: message.clone(),
                proposed: *proposed,
                given_up_at,
            }])
        }
        (AwaitingRh { .. }, RhAccept { message }) => {
            Ok(vec![PortEvent::RhAccepted { message: message.clone() }])
        }
        (AwaitingLcp { .. } | AwaitingRh { .. }, SupplierReject { message, by, reasons }) => {
            may_reject(*by, request.details.route)?;
            Ok(vec![PortEvent::PortRejected {
                message: message.clone(),
                by: *by,
                reasons: reasons.clone(),
                given_up_at: no_progress(context)?,
            }])
        }
        (DateChangePending { asked, .. }, AcceptDateChange { message, window }) => {
            possible(window, context)?;
            if window.date() < asked.date() {
                return Err(IgnoredBecause::EarlierThanAsked.into());
            }
            Ok(vec![PortEvent::DateChangeAccepted { message: message.clone(), window: *window }])
        }
        (DateChangePending { .. }, RefuseDateChange { message }) => {
            Ok(vec![PortEvent::DateChangeRefused { message: message.clone() }])
        }
        (
            AwaitingRh { .. }
            | Accepted { .. }
            | DateChangePending { .. }
            | ReadyToActivate { .. }
            | Lapsed { .. },
            LcpWithdraw { message, reason },
        ) => Ok(end(request, 1, &context.rules, |numbers| PortEvent::PortWithdrawn {
            message: message.clone(),
            reason: reason.clone(),
            numbers,
        })),
        (Activating { window, live: before, .. }, NetworkReport { message, live }) => {
            report(request, window, before, (message, live), context)
        }
        (Ported { live, kept, restorable_until, .. }, Restore { message, by }) => {
            if context.at > *restorable_until {
                return Err(IgnoredBecause::TooLate.into());
            }
            let (released, kept) = parts(kept, 1, &context.rules);
            let released = released.into_iter().map(|numbers| PortEvent::KeptNumbersReleased { numbers });
            let (message, by, numbers) = (message.clone(), *by, live.clone());
            Ok(released.chain([PortEvent::PortRestored { message, by, numbers, kept }]).collect())
        }
        _ if state.has_ended() => Err(IgnoredBecause::Ended.into()),
        _ => Err(IgnoredBecause::NotExpected.into()),
    }
}

fn accept(request: &Request, message: &MessageId, window: PortWindow, context: &Context) -> Heard {
    possible(&window, context)?;
    let message = message.clone();
    Ok(vec![if window.date() < request.details.window.date() {
        PortEvent::EarlierDateProposed { message, proposed: window, given_up_at: no_progress(context)? }
    } else {
        PortEvent::LcpAccepted { message, window, given_up_at: range_holder_due(request, context)? }
    }])
}

/// A date on which people work and that is still to come. Hours are the supplier's own.
fn possible(window: &PortWindow, context: &Context) -> Result<(), IgnoredBecause> {
    let works = context.rules.calendar().is_working_day(window.date()) == Ok(true);
    if works && context.at < window.closes_at() { Ok(()) } else { Err(IgnoredBecause::ImpossibleDate) }
}

fn readable(reasons: &[PortRejection], context: &Context) -> Result<(), PortError> {
    let max = context.rules.limits().port_reasons_max;
    match reasons.len() {
        0 => Err(PortError::NoReason),
        found if found > max as usize => Err(PortError::TooManyReasons { found, max }),
        _ => Ok(()),
    }
}

/// The network accepts nothing, so it rejects nothing; nor does a range holder that was not asked.
fn may_reject(by: Supplier, route: PortRoute) -> Result<(), IgnoredBecause> {
    match (by, route) {
        (Supplier::Lcp, _) | (Supplier::Rh, PortRoute::Subsequent) => Ok(()),
        (Supplier::Network, _) | (Supplier::Rh, PortRoute::Provide) => Err(IgnoredBecause::NotExpected),
    }
}

/// All, some or none. What worked after an earlier attempt works still: the company was told so.
fn report(
    request: &Request,
    window: &PortWindow,
    before: &NumberSet,
    (message, live): (&MessageId, &NumberSet),
    context: &Context,
) -> Heard {
    if !live.is_subset(&request.numbers) {
        return Err(IgnoredBecause::UnknownNumbers.into());
    }
    let (message, live) = (message.clone(), before.union(live));
    let failed = request.numbers.difference(&live);
    if failed.is_empty() {
        return Ok(complete(request, Some(message), live, failed, context));
    }
    if !live.is_empty() {
        return Ok(vec![PortEvent::PortPartlyCompleted { message, live, failed }]);
    }
    let over = context.at >= window.closes_at();
    let given_up_at = if over { Some(lapsed(context)?) } else { None };
    Ok(vec![PortEvent::ActivationFailed { message, given_up_at }])
}
