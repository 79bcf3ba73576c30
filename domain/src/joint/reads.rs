//! What joint decisions read off an aggregate that exists.

use super::numbers::reason;
use crate::{
    company::{Company, CompanyStatus, asset::AssetKind, estate::Origin},
    decider::Decider as _,
    ids::{AssetId, OrderId, PortRequestId, ResellerId, ReservationId},
    number::NumberSet,
    order::{Order, line::LineNumber},
    port_request::{PortRequest, PortStatus, Request},
    refusal::Reason,
    webhook::Webhook,
};

/// Whose order it is.
pub fn reseller_of_order(order: &Order) -> ResellerId {
    order.reseller().expect("an order that exists is somebody's")
}

/// Whose company it is.
pub fn reseller_of_company(company: &Company) -> ResellerId {
    company.reseller().expect("a company that exists is somebody's")
}

/// Whose webhook it is.
pub fn reseller_of_webhook(webhook: &Webhook) -> ResellerId {
    webhook.reseller().expect("a webhook that exists is somebody's")
}

/// What is known of a port request at every stage.
pub fn request(port: &PortRequest) -> &Request {
    port.request().expect("a port request that exists asks for something")
}

/// Whether an accepted port can be allocated to a company now.
pub fn may_be_allocated(port: &PortRequest) -> bool {
    let stage = crate::decider::Decider::status(port);
    let ready =
        matches!(stage, PortStatus::Accepted | PortStatus::DateChangePending | PortStatus::ReadyToActivate);
    ready && port.allocated().is_none()
}

/// The numbers of a reservation that no line has.
pub fn reserved_under(company: &Company, reservation: ReservationId) -> NumberSet {
    company.reservation(reservation).map(|it| it.uncommitted.clone()).unwrap_or_default()
}

/// Those of these numbers that were ported in, by the request that brought them.
pub fn ported_among(company: &Company, numbers: &NumberSet) -> Vec<(PortRequestId, NumberSet)> {
    let mut ported: Vec<(PortRequestId, NumberSet)> = Vec::new();
    for number in numbers.iter() {
        let Some(Origin::Ported { port_request, .. }) = company.number(number).map(|held| held.origin) else {
            continue;
        };
        match ported.iter_mut().find(|(known, _)| *known == port_request) {
            Some((_, numbers)) => {
                numbers.insert(number);
            }
            None => ported.push((port_request, [number].into_iter().collect())),
        }
    }
    ported
}

/// Those of these numbers that do not work yet, or that the company does not have yet.
pub fn not_live_among(company: &Company, numbers: &NumberSet) -> NumberSet {
    numbers.iter().filter(|number| company.number(*number).is_none_or(|held| !held.is_live())).collect()
}

/// What speaks against a line that brings numbers to this site, if that is no site in service.
pub fn no_site(company: &Company, line: LineNumber, site: Option<AssetId>) -> Option<Reason> {
    let is_site = |site| {
        let asset = company.estate().and_then(|estate| estate.real(site));
        asset.is_some_and(|asset| AssetKind::from(&asset.plan) == AssetKind::Site)
    };
    let site = site.filter(|site| !is_site(*site))?;
    let detail = format!("{site} is no site in service");
    Some(reason("site_unknown", &format!("/lines/{line}/site"), detail, "a site that the company has"))
}

/// The numbers of a site that no user has.
pub fn unused_numbers_of_site(company: &Company, site: AssetId) -> NumberSet {
    company.asset(site).map(|site| site.numbers.clone()).unwrap_or_default()
}

/// Whether an order is under way for the company.
pub fn has_open_order(company: &Company, order: OrderId) -> bool {
    company.open_orders().any(|open| open == order)
}

/// Whether the company is to come into service by this order.
pub fn is_to_bring(company: &Company, order: OrderId) -> bool {
    company.estate().and_then(|estate| estate.orders.get(&order)).is_some_and(|open| open.channels.is_some())
}

/// Whether assets may be added to the company.
pub fn is_in_service(company: &Company) -> bool {
    matches!(company.status(), CompanyStatus::Active | CompanyStatus::Suspended)
}

/// Whether an open order is to bring the company into service.
pub fn is_coming(company: &Company) -> bool {
    company.estate().is_some_and(|estate| estate.coming_channels().is_some())
}
