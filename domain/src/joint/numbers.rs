//! Which numbers a command means: found by a search, or checked to be ours.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    desk::{Desk, Halt},
    reads,
};
use crate::{
    claim::{Claim, ClaimScope},
    company::Company,
    decider::Decider as _,
    ids::{AggregateKind, NumberBlockId, StreamId},
    number::{NumberSet, TelephoneNumber},
    number_block::{BlockStatus, NumberBlock, claims::hundred_of},
    order::line::{LineNumber, NumberAsk, NumberSearch},
    refusal::Reason,
};

/// Numbers that are asked for, and every reason that speaks against having them.
#[derive(Debug, Default)]
pub struct Asked {
    /// The numbers.
    pub numbers: NumberSet,
    /// What speaks against it, if anything does.
    pub reasons: Vec<Reason>,
}

/// The numbers that an ask means for this company; `subject` points at the ask.
pub fn asked(desk: &mut Desk, company: &Company, ask: &NumberAsk, subject: &str) -> Result<Asked, Halt> {
    match ask {
        NumberAsk::Search(search) => searched(desk, company, search, subject),
        NumberAsk::Reservation(reservation) => {
            let numbers = reads::reserved_under(company, *reservation);
            let mut reasons = Vec::new();
            if numbers.is_empty() {
                let detail = format!("reservation {reservation} holds nothing that could be used");
                reasons.push(reason(
                    "reservation_empty",
                    subject,
                    detail,
                    "a live reservation of this company",
                ));
            }
            Ok(Asked { numbers, reasons })
        }
        NumberAsk::Numbers(numbers) => {
            let others: NumberSet =
                numbers.iter().filter(|number| company.number(*number).is_none()).collect();
            let reasons = not_ours(desk, &others, subject)?;
            Ok(Asked { numbers: numbers.clone(), reasons })
        }
    }
}

fn searched(desk: &mut Desk, company: &Company, search: &NumberSearch, subject: &str) -> Result<Asked, Halt> {
    let quantity_max = desk.context.rules.limits().company_numbers_max;
    if search.quantity == 0 || search.quantity > quantity_max {
        let detail = format!("{} numbers were asked for", search.quantity);
        let expected = format!("1 to {quantity_max}");
        return Ok(Asked {
            numbers: NumberSet::default(),
            reasons: vec![reason(
                "quantity_out_of_bounds",
                &format!("{subject}/quantity"),
                detail,
                &expected,
            )],
        });
    }
    // What the company took a moment ago may still look free to a search.
    let held: NumberSet = company.numbers().map(|(number, _)| number).collect();
    let found = desk.pick(search, &held)?;
    if found.numbers.len() < search.quantity as usize {
        let in_a_row = if search.contiguous { " in a row" } else { "" };
        let detail = format!("{} numbers{in_a_row} were asked for, {} are free", search.quantity, found.free);
        let reasons = vec![reason("not_enough_numbers", subject, detail, "no more than are free")];
        return Ok(Asked { numbers: NumberSet::default(), reasons });
    }
    if desk.has_picked_enough() {
        let detail = format!(
            "{} numbers were asked for, {} are free, and others were faster {} times",
            search.quantity,
            found.free,
            desk.context.rules.limits().number_picks_max
        );
        let reasons = vec![reason("numbers_contended", subject, detail, "numbers that nobody else asks for")];
        return Ok(Asked { numbers: NumberSet::default(), reasons });
    }
    // What was found may come from a block that was withdrawn meanwhile; the commit must rest on the block itself.
    let reasons = not_ours(desk, &found.numbers, subject)?;
    Ok(Asked { numbers: found.numbers, reasons })
}

/// Numbers that no active block of ours contains. Looks at every block concerned, so that the commit rests on it.
fn not_ours(desk: &mut Desk, numbers: &NumberSet, subject: &str) -> Result<Vec<Reason>, Halt> {
    let stock = stock_hundreds(desk, numbers.iter().map(hundred_of))?;
    let strangers = numbers.iter().filter(|number| !stock.contains(&hundred_of(*number)));
    Ok(about(strangers, "is not in our stock")
        .map(|detail| {
            reason("number_not_ours", subject, detail, "a number of a block that was loaded as stock")
        })
        .into_iter()
        .collect())
}

/// Those of these hundreds that an active block of ours contains. Looks at every block concerned.
pub fn stock_hundreds(
    desk: &mut Desk,
    hundreds: impl Iterator<Item = Claim>,
) -> Result<BTreeSet<Claim>, Halt> {
    let hundreds: BTreeSet<Claim> = hundreds.collect();
    let holders = desk.holders(hundreds.into_iter().collect())?;
    desk.gather(holders.iter().filter_map(|(_, holder)| *holder))?;
    let mut stock = BTreeSet::new();
    for (hundred, holder) in holders {
        if let Some(block) = block_of(holder)
            && desk.existing::<NumberBlock>(block)?.status() == BlockStatus::Active
        {
            stock.insert(hundred);
        }
    }
    Ok(stock)
}

/// Ports of numbers that nobody has to hand over: of our own stock, or with a company or port request of this carrier.
pub fn no_ports(desk: &mut Desk, ports: &[(LineNumber, NumberSet)]) -> Result<Vec<Reason>, Halt> {
    let all = || ports.iter().flat_map(|(_, numbers)| numbers.iter());
    let held = |number: TelephoneNumber| Claim::platform(ClaimScope::Number, number.to_string());
    // Asked for together: each question is a round.
    desk.holders(all().flat_map(|number| [hundred_of(number), held(number)]).collect())?;
    let stock = stock_hundreds(desk, all().map(hundred_of))?;
    let mut reasons = Vec::new();
    for (line, numbers) in ports {
        let holders = desk.holders(numbers.iter().map(held).collect())?;
        let ours = numbers
            .iter()
            .zip(holders)
            .filter(|(number, (_, holder))| holder.is_some() || stock.contains(&hundred_of(*number)));
        reasons.extend(about(ours.map(|(number, _)| number), "is with this carrier already").map(|detail| {
            let expected = "a number that another provider serves";
            reason("not_a_port", &format!("/lines/{line}"), detail, expected)
        }));
    }
    Ok(reasons)
}

/// What is said about the first of these numbers, and how many more it is true of.
fn about(mut numbers: impl Iterator<Item = TelephoneNumber>, what: &str) -> Option<String> {
    let first = numbers.next()?;
    Some(match numbers.count() {
        0 => format!("{first} {what}"),
        more => format!("{first} and {more} more: {what}"),
    })
}

/// The block that holds a hundred.
pub fn block_of(holder: Option<StreamId>) -> Option<NumberBlockId> {
    holder.filter(|holder| holder.kind == AggregateKind::NumberBlock).map(|holder| NumberBlockId(holder.id))
}

/// A reason with a subject and what would be right.
pub fn reason(code: &str, subject: &str, detail: String, expected: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        subject: Some(subject.to_owned()),
        detail,
        expected: Some(expected.to_owned()),
    }
}

/// The blocks of these numbers, all of which must be ours.
pub fn blocks_of(desk: &mut Desk, numbers: &NumberSet) -> Result<Vec<(NumberBlockId, NumberSet)>, Halt> {
    let mut hundreds: BTreeMap<Claim, NumberSet> = BTreeMap::new();
    for number in numbers.iter() {
        hundreds.entry(hundred_of(number)).or_default().insert(number);
    }
    let holders = desk.holders(hundreds.keys().cloned().collect())?;
    let mut blocks: BTreeMap<NumberBlockId, NumberSet> = BTreeMap::new();
    for ((hundred, mine), (_, holder)) in hundreds.into_iter().zip(holders) {
        let Some(block) = block_of(holder) else {
            let detail = format!("{} is not in our stock", hundred.shown());
            return Err(Halt::refuse("number_not_ours", None, detail, Some("a number of our stock")));
        };
        let all = blocks.entry(block).or_default();
        mine.runs().for_each(|run| all.insert_range(run));
    }
    desk.gather(blocks.keys().map(|block| block.stream()))?;
    Ok(blocks.into_iter().collect())
}
