//! What of a waiting line may change, which numbers it means then, and whether that is more than was ordered.
//!
//! Deliberately absent: giving sites and users other numbers. Who draws on a line was given its numbers at submit; to move
//! them, the line is cancelled and another ordered.

use super::{
    desk::{Desk, Halt},
    numbers::{self, Asked, reason},
};
use crate::{
    company::{
        Company, CompanyStatus,
        asset::AssetPlan,
        events::{CompanyEvent, NumberSource},
    },
    decider::Decider as _,
    ids::OrderId,
    order::{
        Line, Order,
        line::{LineNumber, LineRequest, LineStatus, NumberAsk, NumberSearch, NumbersLine},
    },
    refusal::Reason,
};

/// What speaks against letting the line ask for this, as far as companies and numbers go.
pub fn against(order: &Order, line: LineNumber, to: &LineRequest) -> Option<Reason> {
    // Of another line the order itself says that it is not amended.
    let waits = |line: &&Line| order.is_open() && line.status() == LineStatus::Waiting;
    let from = &*order.line(line).filter(waits)?.request;
    let field = match (from, to) {
        (LineRequest::Company(_), _) => {
            let detail = format!("line {line} brings the company into service");
            let expected = "a line of another kind";
            return Some(reason("line_not_amendable", &format!("/lines/{line}"), detail, expected));
        }
        (LineRequest::Numbers(from), LineRequest::Numbers(to)) if from != to => {
            let mut referrers = order.graph()?.referrers(line);
            referrers.next()?;
            if from.site == to.site { "ask" } else { "site" }
        }
        (LineRequest::Site(from), LineRequest::Site(to)) if from.numbers != to.numbers => "numbers",
        (LineRequest::User(from), LineRequest::User(to)) if from.site != to.site => "site",
        (LineRequest::User(from), LineRequest::User(to)) if from.primary_number != to.primary_number => {
            "primary_number"
        }
        (LineRequest::User(from), LineRequest::User(to))
            if from.alternate_numbers != to.alternate_numbers =>
        {
            "alternate_numbers"
        }
        _ => return None,
    };
    let detail = format!("the numbers of line {line} are given out already");
    let expected = "cancel the line and order another";
    Some(reason("numbers_cannot_be_amended", &format!("/lines/{line}/{field}"), detail, expected))
}

/// The numbers that an amended numbers line means: those it has, as far as they still fit.
pub fn asked_instead(
    desk: &mut Desk,
    order: &Order,
    company: &Company,
    (id, line): (OrderId, LineNumber),
    wanted: &NumbersLine,
) -> Result<Asked, Halt> {
    let had = company.committed_to(id, line);
    let subject = format!("/lines/{line}/ask");
    let before = order.line(line).map(|line| &*line.request);
    let Some(LineRequest::Numbers(before)) = before else {
        return numbers::asked(desk, company, &wanted.ask, &subject);
    };
    match (&before.ask, &wanted.ask) {
        (from, to) if from == to => Ok(Asked { numbers: had, reasons: Vec::new() }),
        (NumberAsk::Search(from), NumberAsk::Search(to)) if from.by == to.by && !to.contiguous => {
            let quantity = to.quantity as usize;
            if quantity <= had.len() {
                return Ok(Asked { numbers: had.iter().take(quantity).collect(), reasons: Vec::new() });
            }
            let missing = u32::try_from(quantity - had.len()).unwrap_or(u32::MAX);
            let more = NumberAsk::Search(NumberSearch { quantity: missing, ..to.clone() });
            let more = numbers::asked(desk, company, &more, &subject)?;
            Ok(Asked { numbers: had.union(&more.numbers), reasons: more.reasons })
        }
        (_, to) => numbers::asked(desk, company, to, &subject),
    }
}

/// Whether an amended line takes what the company did not hold: numbers from stock, a name, more channels.
pub fn takes_more(event: &CompanyEvent) -> bool {
    match event {
        CompanyEvent::NumbersCommitted { source, .. } => *source == NumberSource::Stock,
        CompanyEvent::AssetReplanned { from, to, .. } => {
            let had = from.names();
            to.names().iter().any(|name| !had.contains(name)) || channels(to) > channels(from)
        }
        _ => false,
    }
}

fn channels(plan: &AssetPlan) -> u32 {
    match plan {
        AssetPlan::Trunk { channels, .. } => *channels,
        _ => 0,
    }
}

/// Why nothing more is to be had for the company, if it is suspended.
pub fn suspended(company: &Company, line: LineNumber) -> Option<Reason> {
    (company.status() == CompanyStatus::Suspended).then(|| {
        let detail = format!("line {line} would take what it did not hold, and the company is suspended");
        reason("company_suspended", &format!("/lines/{line}"), detail, "no more than the line holds")
    })
}
