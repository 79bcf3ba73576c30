//! Which numbers are free, and who has the others.
//!
//! Free stock is kept as maximal runs; a number has a row of its own only while it is not free. What a scope may use:
//!
//! - a reseller: the free runs, and the numbers whose `reseller` it is, among them ported numbers that no company has yet;
//! - a company, a site: the numbers whose `company` or `site` it is; a company may also pick from the free runs.
//!
//! Absent: whether somebody gets a number. That decides the claim in the commit; this only proposes.

mod stock;
mod tables;

pub use stock::{BLOCK_HUNDRED, BlockHundred, FreeRun, NUMBER_RUN, STOCK_BLOCK, StockBlock};
pub use tables::{Holding, NUMBER, NUMBER_ASSET, NUMBER_OWNER, Network, NumberView, PORT_NUMBERS};

use chrono::{DateTime, Utc};
use tables::{NumberAsset, NumberOwner, PortNumbers};

use super::{
    fold::{Fault, broken, load, load_all, load_children, require, save},
    port_diary::{PortStage, PortView},
    table::{Record, Rows},
};
use crate::{
    company::{
        asset::AssetPlan,
        events::{CompanyEvent, WithdrawalReason},
    },
    fact::{Fact, Happened},
    ids::{AssetId, CompanyId, NumberBlockId, PortRequestId, ReservationId},
    number::NumberSet,
    number_block::events::BlockEvent,
    port_request::events::PortEvent,
};

/// Folds one event into numbers and free stock. Port requests must have been folded before.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    match &fact.happened {
        Happened::Company(company, event) => fold_company(rows, *company, event),
        Happened::PortRequest(request, event) => fold_port(rows, *request, event),
        Happened::NumberBlock(block, event) => fold_block(rows, *block, event),
        Happened::Order(..) | Happened::Reseller(..) | Happened::Webhook(..) => Ok(()),
    }
}

fn fold_company(rows: &mut dyn Rows, company: CompanyId, event: &CompanyEvent) -> Result<(), Fault> {
    match event {
        CompanyEvent::CompanyQualified { reseller, .. } => {
            save(rows, NumberOwner { company, reseller: *reseller });
            Ok(())
        }
        CompanyEvent::NumbersReserved { reservation, numbers, expires_at, .. } => {
            reserve(rows, company, numbers, *reservation, *expires_at)
        }
        CompanyEvent::NumbersCommitted { order, line, numbers, .. } => {
            let reseller = require::<NumberOwner>(rows, &company.to_string())?.reseller;
            hold(rows, numbers, |number| {
                number.holding = Holding::Committed;
                number.company = Some(company);
                number.reseller = Some(reseller);
                number.committed_to = Some((*order, *line));
            })
        }
        CompanyEvent::NumbersUncommitted { numbers, back_to: Some(_), .. } => {
            change(rows, numbers, |number| {
                // A ring-fence has no end.
                number.holding = if number.until.is_some() { Holding::Reserved } else { Holding::RingFenced };
                number.committed_to = None;
            })
        }
        CompanyEvent::NumbersReleased { numbers, .. }
        | CompanyEvent::NumbersUncommitted { numbers, back_to: None, .. } => release(rows, numbers),
        CompanyEvent::NumbersAllocated { numbers, .. } => change(rows, numbers, |number| {
            number.holding = Holding::Allocated;
            number.reservation = None;
            number.until = None;
        }),
        CompanyEvent::PortedNumbersAllocated { port_request, numbers } => {
            allocate_ported(rows, company, *port_request, numbers)
        }
        CompanyEvent::NumbersLive { numbers, .. } => {
            change(rows, numbers, |number| number.network = Network::PortedIn)
        }
        CompanyEvent::NumbersWithdrawn { numbers, why } => withdraw(rows, numbers, *why),
        CompanyEvent::NumbersAssigned { asset, numbers } => assign(rows, *asset, numbers),
        // Who keeps them comes in the same commit, before or after: each sets its own part only.
        CompanyEvent::NumbersCeased { numbers } => {
            change(rows, numbers, |number| number.leave(Holding::Quarantined))
        }
        CompanyEvent::AssetPlanned { asset, plan, .. }
        | CompanyEvent::AssetReplanned { asset, to: plan, .. } => {
            know_asset(rows, *asset, plan);
            Ok(())
        }
        CompanyEvent::AssetDropped { asset, plan } | CompanyEvent::AssetRemoved { asset, plan } => {
            forget_asset(rows, *asset, plan)
        }
        _ => Ok(()),
    }
}

fn fold_block(rows: &mut dyn Rows, block: NumberBlockId, event: &BlockEvent) -> Result<(), Fault> {
    match event {
        BlockEvent::BlockLoaded { range, range_holder, place } => {
            stock::add_block(rows, block, *range, range_holder, place)
        }
        BlockEvent::NumbersQuarantined { numbers, until } => hold(rows, numbers, |number| {
            number.leave(Holding::Quarantined);
            number.network = Network::Own;
            number.until = Some(*until);
        }),
        BlockEvent::NumbersPortedOut { numbers, .. } => hold(rows, numbers, port_out),
        BlockEvent::NumbersFreed { numbers } | BlockEvent::NumbersTakenBack { numbers } => {
            release(rows, numbers)
        }
        BlockEvent::NumbersUnstocked { numbers } => {
            numbers.runs().try_for_each(|run| stock::take(rows, run).map(drop))
        }
        BlockEvent::BlockWithdrawn { .. } => stock::remove_block(rows, block),
    }
}

fn fold_port(rows: &mut dyn Rows, request: PortRequestId, event: &PortEvent) -> Result<(), Fault> {
    match event {
        PortEvent::PortDrafted(draft) => {
            let numbers = draft.numbers.clone();
            save(rows, PortNumbers { port_request: request, numbers, offered: false });
            return Ok(());
        }
        PortEvent::PortNumbersAdded { numbers } => {
            let mut record: PortNumbers = require(rows, &request.to_string())?;
            record.numbers = record.numbers.union(numbers);
            save(rows, record);
            return Ok(());
        }
        PortEvent::PortedNumbersCeased { numbers } => {
            return change(rows, numbers, |number| {
                number.leave(Holding::Quarantined);
                number.until = None;
                number.port_request = Some(request);
            });
        }
        PortEvent::KeptNumbersReleased { numbers } | PortEvent::PortReturned { numbers } => {
            return change(rows, numbers, port_out);
        }
        PortEvent::PortRestored { kept, .. } => change(rows, kept, port_out)?,
        _ => {}
    }
    offer(rows, request)
}

/// Shows the numbers of an accepted request that names no company to its reseller, and hides them again when they are
/// allocated or the request is over.
fn offer(rows: &mut dyn Rows, request: PortRequestId) -> Result<(), Fault> {
    let port: PortView = require(rows, &request.to_string())?;
    if port.company.is_some() && !port.allocated {
        return Ok(());
    }
    let mut record: PortNumbers = require(rows, &request.to_string())?;
    let offered = port.company.is_none() && is_offered_in(port.status);
    if offered == record.offered {
        return Ok(());
    }
    for (key, found) in load_all::<NumberView>(rows, record.numbers.iter().map(|number| number.to_string()))?
    {
        let number = key.parse().map_err(|_| broken(format!("{key} is no number")))?;
        match found {
            None if offered => {
                let view = NumberView::of(number, Network::PortPending, number.area_code());
                let (reseller, port_request) = (Some(port.reseller), Some(request));
                save(rows, NumberView { reseller, port_request, ..view });
            }
            Some(view) if !offered && view.port_request == Some(request) && view.holding == Holding::Free => {
                rows.delete(&NUMBER, &key);
            }
            None | Some(_) => {}
        }
    }
    record.offered = offered;
    save(rows, record);
    Ok(())
}

fn is_offered_in(status: PortStage) -> bool {
    use PortStage as At;
    matches!(status, At::Accepted | At::DateChangePending | At::ReadyToActivate | At::Lapsed)
}

fn reserve(
    rows: &mut dyn Rows,
    company: CompanyId,
    numbers: &NumberSet,
    reservation: ReservationId,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(), Fault> {
    let reseller = require::<NumberOwner>(rows, &company.to_string())?.reseller;
    hold(rows, numbers, |number| {
        number.holding = if expires_at.is_some() { Holding::Reserved } else { Holding::RingFenced };
        number.company = Some(company);
        number.reseller = Some(reseller);
        number.reservation = Some(reservation);
        number.until = expires_at;
    })
}

fn allocate_ported(
    rows: &mut dyn Rows,
    company: CompanyId,
    request: PortRequestId,
    numbers: &NumberSet,
) -> Result<(), Fault> {
    let reseller = require::<NumberOwner>(rows, &company.to_string())?.reseller;
    for (key, found) in load_all::<NumberView>(rows, numbers.iter().map(|number| number.to_string()))? {
        let number = key.parse().map_err(|_| broken(format!("{key} is no number")))?;
        // One of our own that came back: what it was before is over.
        let before = found.filter(|view| view.network != Network::PortedOut);
        let mut view =
            before.unwrap_or_else(|| NumberView::of(number, Network::PortPending, number.area_code()));
        view.holding = Holding::Allocated;
        view.company = Some(company);
        view.reseller = Some(reseller);
        view.port_request = Some(request);
        view.reservation = None;
        view.until = None;
        save(rows, view);
    }
    Ok(())
}

fn withdraw(rows: &mut dyn Rows, numbers: &NumberSet, why: WithdrawalReason) -> Result<(), Fault> {
    let mut back = NumberSet::new();
    for mut view in held(rows, numbers)? {
        match (view.block, why) {
            // The block may have said so before the company did.
            _ if view.network == Network::PortedOut => {}
            (Some(_), WithdrawalReason::PortedOut) => {
                port_out(&mut view);
                save(rows, view);
            }
            (Some(_), _) => {
                back.insert(view.number);
            }
            (None, _) => rows.delete(&NUMBER, &view.key()),
        }
    }
    release(rows, &back)
}

fn port_out(number: &mut NumberView) {
    number.leave(Holding::Returned);
    number.network = Network::PortedOut;
    number.until = None;
}

/// The numbers belong to nobody any more: own stock is free, a ported number waits for a company if its request still does.
fn release(rows: &mut dyn Rows, numbers: &NumberSet) -> Result<(), Fault> {
    let mut free = NumberSet::new();
    for mut view in held(rows, numbers)? {
        let offered = match (view.block, view.port_request) {
            (Some(_), _) | (None, None) => None,
            (None, Some(request)) => {
                load::<PortNumbers>(rows, &request.to_string())?.filter(|record| record.offered)
            }
        };
        if offered.is_some() {
            let reseller = view.reseller;
            view.leave(Holding::Free);
            view.reseller = reseller;
            view.until = None;
            save(rows, view);
            continue;
        }
        rows.delete(&NUMBER, &view.key());
        if view.block.is_some() {
            free.insert(view.number);
        }
    }
    free.runs().try_for_each(|run| stock::give(rows, run))
}

fn assign(rows: &mut dyn Rows, asset: AssetId, numbers: &NumberSet) -> Result<(), Fault> {
    let site = require::<NumberAsset>(rows, &asset.to_string())?.site;
    change(rows, numbers, |number| {
        (number.holding, number.site, number.user) = match site {
            Some(site) => (Holding::AssignedToUser, Some(site), Some(asset)),
            None => (Holding::AssignedToSite, Some(asset), None),
        };
    })
}

fn know_asset(rows: &mut dyn Rows, asset: AssetId, plan: &AssetPlan) {
    match plan {
        AssetPlan::Site { .. } => save(rows, NumberAsset { asset, site: None }),
        AssetPlan::User { site, .. } => save(rows, NumberAsset { asset, site: Some(*site) }),
        _ => {}
    }
}

/// A user's numbers go back to its site, a site's to the company.
fn forget_asset(rows: &mut dyn Rows, asset: AssetId, plan: &AssetPlan) -> Result<(), Fault> {
    if !matches!(plan, AssetPlan::Site { .. } | AssetPlan::User { .. }) {
        return Ok(());
    }
    let numbers: Vec<NumberView> = load_children(rows, &asset.to_string())?;
    for mut number in numbers {
        if number.user.take().is_some() {
            number.holding = Holding::AssignedToSite;
        } else {
            number.site = None;
            number.holding = Holding::Allocated;
        }
        save(rows, number);
    }
    rows.delete(&NUMBER_ASSET, &asset.to_string());
    Ok(())
}

/// Changes numbers that have a row, and takes those that have none out of free stock first.
fn hold(
    rows: &mut dyn Rows,
    numbers: &NumberSet,
    mut change: impl FnMut(&mut NumberView),
) -> Result<(), Fault> {
    let found = load_all::<NumberView>(rows, numbers.iter().map(|number| number.to_string()))?;
    let mut views: Vec<NumberView> = found.into_iter().filter_map(|(_, view)| view).collect();
    let known: NumberSet = views.iter().map(|view| view.number).collect();
    for run in numbers.difference(&known).runs() {
        for (part, block) in stock::take(rows, run)? {
            views.extend(part.iter().map(|number| NumberView {
                block: Some(block.block),
                place: Some(block.place.clone()),
                ..NumberView::of(number, Network::Own, block.area)
            }));
        }
    }
    for mut view in views {
        change(&mut view);
        save(rows, view);
    }
    Ok(())
}

/// Changes numbers, each of which must have a row.
fn change(
    rows: &mut dyn Rows,
    numbers: &NumberSet,
    mut change: impl FnMut(&mut NumberView),
) -> Result<(), Fault> {
    for mut view in held(rows, numbers)? {
        change(&mut view);
        save(rows, view);
    }
    Ok(())
}

/// The rows of numbers, each of which must have one.
fn held(rows: &mut dyn Rows, numbers: &NumberSet) -> Result<Vec<NumberView>, Fault> {
    load_all::<NumberView>(rows, numbers.iter().map(|number| number.to_string()))?
        .into_iter()
        .map(|(key, view)| view.ok_or_else(|| broken(format!("{key} is free, and was said not to be"))))
        .collect()
}
