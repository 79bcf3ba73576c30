//! What a command leads to. Legality is in the table; here are the conditions.

use chrono::{DateTime, Days, Utc};

use super::{Company, CompanyCommand, CompanyError, CompanyEvent, Estate, holds, numbers, orders};
use crate::{
    address::AddressKey,
    decider::Context,
    ids::{AssetId, OrderId},
    number::NumberSet,
    order::line::SiteAddress,
};

pub(super) type Decision = Result<Vec<CompanyEvent>, Vec<CompanyError>>;

pub(super) fn decide(company: &Company, command: &CompanyCommand, context: &Context) -> Decision {
    use CompanyCommand as C;
    if let C::Qualify { reseller, name, domain } = command {
        let expires_at = after(context.at, context.rules.limits().qualification_days);
        let announce_at = context.rules.announce_at(context.at, expires_at);
        let (reseller, name, domain) = (*reseller, name.clone(), domain.clone());
        return Ok(vec![CompanyEvent::CompanyQualified { reseller, name, domain, expires_at, announce_at }]);
    }
    match command {
        C::PlaceLegalHold { reference, by } => return holds::place(company, reference, by),
        C::LiftLegalHold { reference, by } => return holds::lift(company, reference, by),
        C::Erase => return holds::erase(company),
        _ => {}
    }
    let Some(estate) = company.estate() else { return Err(vec![CompanyError::NothingHeld]) };
    match command {
        C::Qualify { .. } | C::PlaceLegalHold { .. } | C::LiftLegalHold { .. } | C::Erase => {
            Err(vec![CompanyError::NothingHeld])
        }
        C::ExtendQualification => extend(company, context),
        C::AnnounceExpiry => announce(company, context),
        C::Release | C::Expire => leave(company, estate, command, context),
        C::ReserveNumbers { reservation, numbers, ring_fence } => {
            numbers::reserve(company, estate, (*reservation, numbers, *ring_fence), context)
        }
        C::ReleaseReservation { reservation } => numbers::release(estate, *reservation, context),
        C::AnnounceReservationExpiry { reservation } => numbers::announce(estate, *reservation, context),
        C::ExpireReservation { reservation } => numbers::expire(estate, *reservation, context),
        C::OpenOrder { order, plans, numbers, coming, channels } => {
            let asked = orders::Asked { order: *order, plans, numbers, coming, channels: *channels };
            orders::open(company, estate, &asked, context)
        }
        C::ReplanLine { order, line, plan, numbers } => {
            orders::replan(company, estate, (*order, *line), (plan.as_ref(), numbers.as_ref()), context)
        }
        C::AllocateNumbers { order, line, site } => {
            numbers::allocate(estate, (*order, *line), *site, context)
        }
        C::AllocatePortedNumbers { port_request, numbers, site } => {
            numbers::allocate_ported(company, estate, (*port_request, numbers, *site), context)
        }
        C::MakeNumbersLive { port_request, numbers } => {
            numbers::make_live(estate, *port_request, numbers, context)
        }
        C::WithdrawNumbers { numbers, why } => numbers::withdraw(estate, numbers, *why, context),
        C::CeaseNumbers { numbers } => numbers::cease(estate, numbers, context),
        C::AddAsset { order, line } => orders::add_asset(estate, *order, *line, context),
        C::RemoveAsset { asset } => orders::remove_asset(estate, *asset),
        C::ReplaceAddress { asset, to } => replace_address(estate, *asset, to),
        C::DropLine { order, line } => orders::drop_line(estate, *order, *line, context),
        C::DropCompanyLine { order } => orders::drop_company_line(estate, *order),
        C::CloseOrder { order } => orders::close(company, estate, *order, context),
        C::Activate { order } => activate(estate, *order),
        C::Suspend { reason } => Ok(vec![CompanyEvent::CompanySuspended { reason: reason.clone() }]),
        C::Resume => Ok(vec![CompanyEvent::CompanyResumed]),
        C::Cease => cease(estate),
    }
}

/// Only what is in service and was entered by hand: a line that waits is amended, and a known address is not moved.
fn replace_address(estate: &Estate, asset: AssetId, to: &AddressKey) -> Decision {
    let found = estate.real(asset).ok_or_else(|| vec![CompanyError::AssetUnknown(asset)])?;
    let entered = match found.plan.address() {
        Some(SiteAddress::Entered { key, .. }) => Ok(key),
        _ => Err(CompanyError::AddressNotEntered(asset)),
    };
    let temporary = to.is_temporary().then(|| CompanyError::AddressTemporary(to.clone()));
    match (entered, temporary) {
        (Ok(from), None) => {
            Ok(vec![CompanyEvent::AddressReplaced { asset, from: from.clone(), to: to.clone() }])
        }
        (entered, temporary) => Err(entered.err().into_iter().chain(temporary).collect()),
    }
}

fn extend(company: &Company, context: &Context) -> Decision {
    let mut errors = overdue(company, context.at);
    let limits = context.rules.limits();
    let Company::Qualified { expires_at, extensions, .. } = company else { return Err(errors) };
    if *extensions >= limits.qualification_extensions_max {
        errors.push(CompanyError::QualificationExtensionsMax(*extensions));
    }
    // Where numbers kept it beyond its time, it begins anew.
    let expires_at = after((*expires_at).max(context.at), limits.qualification_days);
    let announce_at = context.rules.announce_at(context.at, expires_at);
    refuse(errors, || vec![CompanyEvent::QualificationExtended { expires_at, announce_at }])
}

/// Numbers in service may keep it beyond its time: then it is its end all the same that nothing else would tell of.
fn announce(company: &Company, context: &Context) -> Decision {
    let Some(expires_at) = company.expires_at() else { return Err(vec![CompanyError::NothingHeld]) };
    let errors = unannounceable(company.announce_at(), expires_at, context.at);
    refuse(errors, || vec![CompanyEvent::QualificationExpiring { expires_at }])
}

/// What ends is announced once, from the time set for that until it ends.
pub(super) fn unannounceable(
    announce_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Vec<CompanyError> {
    let early = match announce_at {
        None => Some(CompanyError::NothingToAnnounce),
        Some(due) => (at < due).then_some(CompanyError::AnnouncedLater(due)),
    };
    let late = (expires_at <= at).then_some(CompanyError::EndedAlready(expires_at));
    early.into_iter().chain(late).collect()
}

/// Released or expired: what is merely reserved goes first, name and domain last.
fn leave(company: &Company, estate: &Estate, command: &CompanyCommand, context: &Context) -> Decision {
    let expires = matches!(command, CompanyCommand::Expire);
    let mut errors = vec![];
    if let Some(until) = company.expires_at().filter(|until| expires && context.at < *until) {
        errors.push(CompanyError::QualificationRuns(until));
    }
    // Numbers that work for somebody are ceased one by one, so that each rests or goes home as it must.
    let in_service = estate.numbers.values().filter(|held| held.is_in_service()).count();
    if in_service > 0 {
        errors.push(CompanyError::NumbersLeft(in_service));
    }
    refuse(errors, || {
        let end = numbers::reservation_end(expires);
        let mut events: Vec<_> =
            estate.reservations.keys().flat_map(|id| numbers::ended(estate, *id, end, context)).collect();
        let (name, domain) = (estate.identity.name.clone(), estate.identity.domain.clone());
        events.push(if expires {
            CompanyEvent::CompanyExpired { name, domain }
        } else {
            CompanyEvent::CompanyReleased { name, domain }
        });
        events
    })
}

fn activate(estate: &Estate, order: OrderId) -> Decision {
    let open = estate.orders.get(&order).ok_or_else(|| vec![CompanyError::OrderNotOpen(order)])?;
    let channels = open.channels.ok_or_else(|| vec![CompanyError::CompanyLineMissing])?;
    Ok(vec![CompanyEvent::CompanyActivated { channels }])
}

fn cease(estate: &Estate) -> Decision {
    let left = [
        (estate.assets.len(), CompanyError::AssetsLeft as fn(usize) -> CompanyError),
        (estate.numbers.len(), CompanyError::NumbersLeft),
        (estate.orders.len(), CompanyError::OrdersLeft),
    ];
    let errors =
        left.into_iter().filter(|(count, _)| *count > 0).map(|(count, error)| error(count)).collect();
    let (name, domain) = (estate.identity.name.clone(), estate.identity.domain.clone());
    refuse(errors, || vec![CompanyEvent::CompanyCeased { name, domain }])
}

/// A company that is merely qualified can use that only while it lasts, whether or not the timer has run. Numbers in
/// service keep it beyond that, and then it must also be possible to order it, or it could only give them up.
pub(super) fn overdue(company: &Company, at: DateTime<Utc>) -> Vec<CompanyError> {
    let over = company.expires_at().filter(|until| *until <= at && !company.has_numbers_in_service());
    over.map(CompanyError::QualificationExpired).into_iter().collect()
}

/// Every reason against, or the events.
pub(super) fn refuse(errors: Vec<CompanyError>, events: impl FnOnce() -> Vec<CompanyEvent>) -> Decision {
    if errors.is_empty() { Ok(events()) } else { Err(errors) }
}

/// So many days later; the end of time if there are not so many.
pub(super) fn after(at: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    at.checked_add_days(Days::new(days.into())).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The numbers in as many parts as events are needed to name them, each made into one.
pub(super) fn in_events(
    numbers: &NumberSet,
    context: &Context,
    event: impl Fn(NumberSet) -> CompanyEvent,
) -> Vec<CompanyEvent> {
    numbers.chunks(context.rules.limits().event_keys_max as usize).into_iter().map(event).collect()
}
