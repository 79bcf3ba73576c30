//! Deciding about numbers: held, put into service, gone.

use super::{
    Company, CompanyError, CompanyEvent, Estate,
    asset::AssetKind,
    decide::{Decision, after, in_events, overdue, refuse, unannounceable},
    errors::{LineProblem, Listed},
    estate::{AssetStage, HeldNumber, Holding, Origin, Reservation},
    events::{ReservationEnd, WithdrawalReason},
};
use crate::{
    decider::Context,
    ids::{AssetId, OrderId, PortRequestId, ReservationId},
    number::{NumberSet, TelephoneNumber},
    order::line::LineNumber,
};

pub(super) fn reserve(
    company: &Company,
    estate: &Estate,
    (reservation, numbers, ring_fence): (ReservationId, &NumberSet, bool),
    context: &Context,
) -> Decision {
    let limits = context.rules.limits();
    let mut errors = overdue(company, context.at);
    errors.extend(not_empty(numbers));
    if estate.reservations.contains_key(&reservation) {
        errors.push(CompanyError::ReservationExists(reservation));
    }
    errors.extend(listed(estate.pick(numbers, |_| true), CompanyError::NumbersHeld));
    errors.extend(room(estate, numbers.len(), context));
    // While it is merely qualified, nothing outlasts the qualification; once numbers keep it instead, they keep this too.
    let days = after(context.at, limits.reservation_days);
    let qualified_until = company.expires_at().filter(|until| *until > context.at);
    let until = qualified_until.map_or(days, |qualified_until| days.min(qualified_until));
    let expires_at = (!ring_fence).then_some(until);
    let announce_at = expires_at.and_then(|until| context.rules.announce_at(context.at, until));
    refuse(errors, || {
        let event = |numbers| CompanyEvent::NumbersReserved { reservation, numbers, expires_at, announce_at };
        in_events(numbers, context, event)
    })
}

pub(super) fn release(estate: &Estate, reservation: ReservationId, context: &Context) -> Decision {
    known(estate, reservation)?;
    Ok(ended(estate, reservation, ReservationEnd::Released, context))
}

/// Also where every number is committed: what an order gives up goes back, and is lost at the end.
pub(super) fn announce(estate: &Estate, reservation: ReservationId, context: &Context) -> Decision {
    let held = known(estate, reservation)?;
    let Some(expires_at) = held.expires_at else { return Err(vec![CompanyError::ReservationWithoutEnd]) };
    let errors = unannounceable(held.announce_at, expires_at, context.at);
    refuse(errors, || vec![CompanyEvent::ReservationExpiring { reservation, expires_at }])
}

pub(super) fn expire(estate: &Estate, reservation: ReservationId, context: &Context) -> Decision {
    match known(estate, reservation)?.expires_at {
        None => Err(vec![CompanyError::ReservationWithoutEnd]),
        Some(until) if context.at < until => Err(vec![CompanyError::ReservationRuns(until)]),
        Some(_) => Ok(ended(estate, reservation, ReservationEnd::Expired, context)),
    }
}

fn known(estate: &Estate, reservation: ReservationId) -> Result<&Reservation, Vec<CompanyError>> {
    let unknown = || vec![CompanyError::ReservationUnknown(reservation)];
    estate.reservations.get(&reservation).ok_or_else(unknown)
}

/// How a reservation ends with its company.
pub(super) fn reservation_end(expires: bool) -> ReservationEnd {
    if expires { ReservationEnd::Expired } else { ReservationEnd::Released }
}

/// A reservation ends: what no line has is free again, what a line has stays with it.
pub(super) fn ended(
    estate: &Estate,
    reservation: ReservationId,
    how: ReservationEnd,
    context: &Context,
) -> Vec<CompanyEvent> {
    let numbers = estate.reservations.get(&reservation).map(|held| held.uncommitted.clone());
    let event = |numbers| CompanyEvent::NumbersReleased { reservation, numbers };
    let mut events = in_events(&numbers.unwrap_or_default(), context, event);
    events.push(CompanyEvent::ReservationEnded { reservation, how });
    events
}

pub(super) fn allocate(
    estate: &Estate,
    (order, line): (OrderId, LineNumber),
    site: Option<AssetId>,
    context: &Context,
) -> Decision {
    let mut errors: Vec<_> = unknown_site(estate, site).collect();
    let numbers = estate.line(order, line).map(|held| held.numbers.clone()).unwrap_or_default();
    if numbers.is_empty() {
        errors.push(CompanyError::Line(line, LineProblem::LineWithoutNumbers));
    }
    refuse(errors, || {
        let event = |numbers| CompanyEvent::NumbersAllocated { order, line, numbers };
        let mut events = in_events(&numbers, context, event);
        events.extend(site.into_iter().flat_map(|site| assigned(site, &numbers, context)));
        let consumed = estate.sources(&numbers).into_iter().filter(|(id, part)| {
            let left = estate.reservations.get(id);
            left.is_some_and(|left| left.uncommitted.is_empty() && left.committed.is_subset(part))
        });
        let how = ReservationEnd::Consumed;
        events.extend(consumed.map(|(reservation, _)| CompanyEvent::ReservationEnded { reservation, how }));
        events
    })
}

pub(super) fn allocate_ported(
    company: &Company,
    estate: &Estate,
    (port_request, numbers, site): (PortRequestId, &NumberSet, Option<AssetId>),
    context: &Context,
) -> Decision {
    let mut errors = overdue(company, context.at);
    errors.extend(not_empty(numbers));
    errors.extend(listed(estate.pick(numbers, |_| true), CompanyError::NumbersHeld));
    errors.extend(room(estate, numbers.len(), context));
    errors.extend(unknown_site(estate, site));
    refuse(errors, || {
        let mut events = ported(port_request, numbers, context);
        events.extend(site.into_iter().flat_map(|site| assigned(site, numbers, context)));
        events
    })
}

/// What the network did cannot be refused for want of room or time; only for numbers that are not of this port.
pub(super) fn make_live(
    estate: &Estate,
    port_request: PortRequestId,
    numbers: &NumberSet,
    context: &Context,
) -> Decision {
    let elsewhere = |held: &HeldNumber| !matches!(held.origin, Origin::Ported { port_request: from, .. } if from == port_request);
    let errors = listed(estate.pick(numbers, elsewhere), CompanyError::NumbersOfAnotherOrigin).collect();
    refuse(errors, || {
        let held = estate.pick(numbers, |_| true);
        let live = estate.pick(numbers, HeldNumber::is_live);
        let mut events = ported(port_request, &numbers.difference(&held), context);
        let event = |numbers| CompanyEvent::NumbersLive { port_request, numbers };
        events.extend(in_events(&numbers.difference(&live), context, event));
        events
    })
}

/// Numbers that the company does not hold are passed over: a port may end before it was allocated.
pub(super) fn withdraw(
    estate: &Estate,
    numbers: &NumberSet,
    why: WithdrawalReason,
    context: &Context,
) -> Decision {
    let idle = estate.pick(numbers, |held| !held.is_in_service());
    let errors = listed(idle, CompanyError::NumbersNotInService).collect();
    refuse(errors, || {
        let event = |numbers| CompanyEvent::NumbersWithdrawn { numbers, why };
        in_events(&estate.pick(numbers, |_| true), context, event)
    })
}

pub(super) fn cease(estate: &Estate, numbers: &NumberSet, context: &Context) -> Decision {
    let in_service = estate.pick(numbers, HeldNumber::is_in_service);
    let of_users = estate.pick(numbers, |held| matches!(held.holding, Holding::AssignedToUser(_)));
    let not_live = estate.pick(&in_service, |held| !held.is_live());
    let planned = numbers.iter().filter(|number| is_planned(estate, *number)).collect();
    let errors: Vec<_> = not_empty(numbers)
        .chain(listed(numbers.difference(&in_service), CompanyError::NumbersNotInService))
        .chain(listed(of_users, CompanyError::NumbersOfUsers))
        .chain(listed(not_live, CompanyError::NumbersNotLive))
        .chain(listed(planned, CompanyError::NumbersPlanned))
        .collect();
    refuse(errors, || in_events(numbers, context, |numbers| CompanyEvent::NumbersCeased { numbers }))
}

/// Whether an open order means to give the number to a site or user.
fn is_planned(estate: &Estate, number: TelephoneNumber) -> bool {
    let owners = [estate.site_of.get(&number), estate.user_of.get(&number)];
    let mut assets = owners.into_iter().flatten().filter_map(|id| estate.assets.get(id));
    assets.any(|asset| asset.stage == AssetStage::Planned)
}

/// Numbers become those of a site or user.
pub(super) fn assigned(asset: AssetId, numbers: &NumberSet, context: &Context) -> Vec<CompanyEvent> {
    in_events(numbers, context, move |numbers| CompanyEvent::NumbersAssigned { asset, numbers })
}

fn ported(port_request: PortRequestId, numbers: &NumberSet, context: &Context) -> Vec<CompanyEvent> {
    let event = |numbers| CompanyEvent::PortedNumbersAllocated { port_request, numbers };
    in_events(numbers, context, event)
}

/// An error about these numbers, if there are any.
fn listed(numbers: NumberSet, error: impl Fn(Listed) -> CompanyError) -> impl Iterator<Item = CompanyError> {
    (!numbers.is_empty()).then(|| error(Listed(numbers))).into_iter()
}

fn not_empty(numbers: &NumberSet) -> impl Iterator<Item = CompanyError> + use<> {
    numbers.is_empty().then_some(CompanyError::NumbersMissing).into_iter()
}

/// Whether so many more numbers would be too many.
pub(super) fn room(
    estate: &Estate,
    more: usize,
    context: &Context,
) -> impl Iterator<Item = CompanyError> + use<> {
    let (total, max) = (estate.numbers.len() + more, context.rules.limits().company_numbers_max);
    (total > max as usize).then_some(CompanyError::CompanyNumbersMax(total, max)).into_iter()
}

fn unknown_site(estate: &Estate, site: Option<AssetId>) -> impl Iterator<Item = CompanyError> + use<> {
    let is_site = |id| estate.real(id).is_some_and(|it| AssetKind::from(&it.plan) == AssetKind::Site);
    site.filter(|id| !is_site(*id)).map(CompanyError::SiteUnknown).into_iter()
}
