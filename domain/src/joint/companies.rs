//! Companies: qualified, given numbers, and ended.

use super::{
    Outcome,
    desk::{Desk, Halt},
    numbers, reads, refuse_if_any, reseller_may_order,
};
use crate::{
    company::{
        Company,
        commands::{CompanyAction, CompanyCommand},
        events::CompanyEvent,
    },
    ids::{AssetId, CompanyId, OrderId, PortRequestId, ResellerId, ReservationId},
    names::{CompanyName, Domain},
    number::NumberSet,
    number_block::{NumberBlock, commands::BlockCommand},
    order::{Order, line::NumberAsk},
    port_request::{PortRequest, commands::PortCommand},
};

/// Holds name and domain for a new company.
pub fn qualify(
    desk: &mut Desk,
    reseller: ResellerId,
    name: &CompanyName,
    domain: &Domain,
) -> Result<Outcome, Halt> {
    refuse_if_any(reseller_may_order(desk, reseller)?)?;
    let id: CompanyId = desk.mint.fresh();
    let command = CompanyCommand::Qualify { reseller, name: name.clone(), domain: domain.clone() };
    desk.create::<Company>(id, &command)?;
    Ok(Outcome::made("company", id).with_key_of(id.stream()))
}

/// Reserves or ring-fences numbers.
pub fn reserve(desk: &mut Desk, id: CompanyId, ask: &NumberAsk, ring_fence: bool) -> Result<Outcome, Halt> {
    let company = desk.existing::<Company>(id)?;
    let mut reasons = reseller_may_order(desk, reads::reseller_of_company(&company))?;
    if let NumberAsk::Reservation(reservation) = ask {
        return Err(Halt::refuse(
            "reserved_already",
            Some("/ask".to_owned()),
            format!("the numbers of {reservation} are reserved already"),
            Some("numbers or a search"),
        ));
    }
    let asked = numbers::asked(desk, &company, ask, "/ask")?;
    reasons.extend(asked.reasons);
    refuse_if_any(reasons)?;
    let reservation: ReservationId = desk.mint.fresh();
    let command = CompanyCommand::ReserveNumbers { reservation, numbers: asked.numbers, ring_fence };
    desk.tell::<Company>(id, &command)?;
    Ok(Outcome::made("reservation", reservation))
}

/// Gives numbers back: our own rest in their block, ported ones are kept by their port request.
pub fn cease_numbers(desk: &mut Desk, id: CompanyId, numbers: &NumberSet) -> Result<Outcome, Halt> {
    let company = desk.existing::<Company>(id)?;
    let ported: Vec<(PortRequestId, NumberSet)> = reads::ported_among(&company, numbers);
    let all_ported = ported.iter().fold(NumberSet::default(), |all, (_, numbers)| all.union(numbers));

    desk.tell::<Company>(id, &CompanyCommand::CeaseNumbers { numbers: numbers.clone() })?;
    for (block, numbers) in numbers::blocks_of(desk, &numbers.difference(&all_ported))? {
        desk.tell::<NumberBlock>(block, &BlockCommand::Quarantine { numbers })?;
    }
    for (port_request, numbers) in ported {
        desk.tell::<PortRequest>(port_request, &PortCommand::CeaseNumbers { numbers })?;
    }
    expire_if_only_numbers_kept_it(desk, id)?;
    Ok(Outcome::default())
}

/// A qualification that is over does not expire while numbers of the company are in service, and its timer has run by
/// then. It expires with the last of them, or nobody would ever free its name.
pub fn expire_if_only_numbers_kept_it(desk: &mut Desk, id: CompanyId) -> Result<(), Halt> {
    let company = desk.existing::<Company>(id)?;
    let over = company.expires_at().is_some_and(|until| until <= desk.context.at);
    if over && !company.has_numbers_in_service() {
        desk.tell::<Company>(id, &CompanyCommand::Expire)?;
    }
    Ok(())
}

/// A command of the company alone. What has to be joined with other aggregates is not to be had this way.
pub fn company(desk: &mut Desk, id: CompanyId, command: &CompanyCommand) -> Result<Outcome, Halt> {
    use CompanyCommand as C;
    match command {
        C::ExtendQualification
        | C::Release
        | C::AnnounceExpiry
        | C::Expire
        | C::ReleaseReservation { .. }
        | C::AnnounceReservationExpiry { .. }
        | C::ExpireReservation { .. }
        | C::ReplaceAddress { .. }
        | C::RemoveAsset { .. }
        | C::Suspend { .. }
        | C::Resume
        | C::Cease
        | C::PlaceLegalHold { .. }
        | C::LiftLegalHold { .. }
        | C::Erase => {}
        _ => return Err(only_joined(CompanyAction::from(command).into())),
    }
    if let C::RemoveAsset { asset } = command {
        nobody_waits_for(desk, id, *asset)?;
    }
    let events = desk.tell::<Company>(id, command)?;
    let erased = events.contains(&CompanyEvent::CompanyErased);
    Ok(Outcome { destroys_key_of: erased.then(|| id.stream()), ..Outcome::default() })
}

/// An asset stays as long as an open line of any order is for it: numbers on their way to a site, a device for a user.
fn nobody_waits_for(desk: &mut Desk, id: CompanyId, asset: AssetId) -> Result<(), Halt> {
    let orders: Vec<OrderId> = desk.existing::<Company>(id)?.open_orders().collect();
    desk.gather(orders.iter().map(|order| order.stream()))?;
    for id in orders {
        let order = desk.existing::<Order>(id)?;
        let waiting = order.lines().find(|(_, line)| line.is_open() && line.request.asset() == Some(asset));
        if let Some((line, _)) = waiting {
            let detail = format!("line {line} of order {id} is for {asset}");
            return Err(Halt::refuse("asset_in_use", None, detail, Some("an asset that no open line names")));
        }
    }
    Ok(())
}

/// What somebody is told who asks for a part of something that only happens as a whole.
pub fn only_joined(action: &str) -> Halt {
    let detail = format!("{} is only done together with what belongs to it", action.replace('_', " "));
    Halt::refuse("not_on_its_own", None, detail, None)
}
