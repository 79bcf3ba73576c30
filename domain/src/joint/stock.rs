//! The carrier's side: resellers, and the blocks that are its stock.

use std::collections::BTreeMap;

use super::{
    Outcome,
    companies::{expire_if_only_numbers_kept_it, only_joined},
    desk::{Desk, Halt},
    numbers, taken_reason,
};
use crate::{
    claim::{Claim, ClaimScope},
    company::{Company, commands::CompanyCommand, events::WithdrawalReason},
    ids::{AggregateKind, CompanyId, NumberBlockId, ResellerId},
    names::{CompanyName, CugId, Cupid, MessageId, ResellerCode, SalesTag, SiteName},
    number::{NumberRange, NumberSet},
    number_block::{
        NumberBlock, claims,
        commands::{BlockAction, BlockCommand},
    },
    reseller::{
        Reseller,
        commands::{ResellerAction, ResellerCommand},
    },
};

/// Lets a new reseller order.
pub fn create_reseller(
    desk: &mut Desk,
    code: &ResellerCode,
    cug_id: &CugId,
    sales_tag: &SalesTag,
    name: &CompanyName,
) -> Result<Outcome, Halt> {
    let id: ResellerId = desk.mint.fresh();
    let command = ResellerCommand::Create {
        code: code.clone(),
        cug_id: cug_id.clone(),
        sales_tag: sales_tag.clone(),
        name: name.clone(),
    };
    desk.create::<Reseller>(id, &command)?;
    Ok(Outcome::made("reseller", id).with_key_of(id.stream()))
}

/// A command of the reseller alone.
pub fn reseller(desk: &mut Desk, id: ResellerId, command: &ResellerCommand) -> Result<Outcome, Halt> {
    if matches!(command, ResellerCommand::Create { .. } | ResellerCommand::Close { .. }) {
        return Err(only_joined(ResellerAction::from(command).into()));
    }
    desk.tell::<Reseller>(id, command)?;
    Ok(Outcome::default())
}

/// Ends a reseller. It is suspended first, so no company can come up while its companies are counted; without that the
/// command is refused whatever the count, and nobody has to count.
pub fn close_reseller(desk: &mut Desk, id: ResellerId) -> Result<Outcome, Halt> {
    let live_companies = match &*desk.existing::<Reseller>(id)? {
        Reseller::Suspended { .. } => desk.live_companies(id)?,
        _ => 0,
    };
    desk.tell::<Reseller>(id, &ResellerCommand::Close { live_companies })?;
    Ok(Outcome::default())
}

/// Makes a range stock.
pub fn load_block(
    desk: &mut Desk,
    range: NumberRange,
    range_holder: &Cupid,
    place: &SiteName,
) -> Result<Outcome, Halt> {
    let id: NumberBlockId = desk.mint.fresh();
    let command = BlockCommand::Load { range, range_holder: range_holder.clone(), place: place.clone() };
    desk.create::<NumberBlock>(id, &command)?;
    Ok(Outcome::made("number_block", id))
}

/// A command of the block alone.
pub fn block(desk: &mut Desk, id: NumberBlockId, command: &BlockCommand) -> Result<Outcome, Halt> {
    use BlockCommand as C;
    match command {
        C::Free { .. } | C::TakeBack { .. } | C::Withdraw => {}
        C::Load { .. } | C::Quarantine { .. } | C::PortOut { .. } => {
            return Err(only_joined(BlockAction::from(command).into()));
        }
    }
    desk.tell::<NumberBlock>(id, command)?;
    Ok(Outcome::default())
}

/// Another provider takes numbers over: whoever has them here loses them. A message that the block has heard before changes
/// nothing, as one of a port request does.
pub fn port_out(desk: &mut Desk, numbers: &NumberSet, message: &MessageId) -> Result<Outcome, Halt> {
    let blocks = numbers::blocks_of(desk, numbers)?;
    let [(block, _)] = blocks.as_slice() else {
        let detail = format!("the numbers belong to {} blocks", blocks.len());
        return Err(Halt::refuse(
            "several_blocks",
            Some("/numbers".to_owned()),
            detail,
            Some("one message per block"),
        ));
    };
    let heard = claims::heard(message);
    if let [(_, Some(by))] = desk.holders(vec![heard.clone()])?.as_slice() {
        return if *by == block.stream() {
            Ok(Outcome::default())
        } else {
            Err(Halt::Refused(vec![taken_reason(&heard)]))
        };
    }
    let of_numbers =
        numbers.iter().map(|number| Claim::platform(ClaimScope::Number, number.to_string())).collect();
    let mut losers: BTreeMap<CompanyId, NumberSet> = BTreeMap::new();
    for (number, (_, holder)) in numbers.iter().zip(desk.holders(of_numbers)?) {
        if let Some(holder) = holder.filter(|holder| holder.kind == AggregateKind::Company) {
            losers.entry(CompanyId(holder.id)).or_default().insert(number);
        }
    }
    desk.gather(losers.keys().map(|company| company.stream()))?;
    for (company, numbers) in losers {
        let why = WithdrawalReason::PortedOut;
        desk.tell::<Company>(company, &CompanyCommand::WithdrawNumbers { numbers, why })?;
        expire_if_only_numbers_kept_it(desk, company)?;
    }
    desk.tell::<NumberBlock>(
        *block,
        &BlockCommand::PortOut { numbers: numbers.clone(), message: message.clone() },
    )?;
    Ok(Outcome::default())
}
