//! Submitting an order: everything it needs is held in one commit, or every reason against it is given at once.

use std::collections::BTreeMap;

use super::{
    Outcome, collect,
    desk::{Desk, Halt},
    numbers,
    plans::Planner,
    reads, refuse_if_any, reseller_may_order, taken_reason,
};
use crate::{
    claim::{Claim, ClaimScope},
    company::{
        Company,
        commands::{CompanyCommand, LinePlan},
    },
    decider::Decider as _,
    ids::{AssetId, CompanyId, OrderId, PortRequestId, StreamId},
    lead_time::PortClass,
    number::{NumberSet, TelephoneNumber},
    number_block::claims::hundred_of,
    order::{
        Order, OrderStatus,
        commands::OrderCommand,
        line::{LineKind, LineNumber, LineRequest, NumberAsk, PortLine},
    },
    port_request::{PortRequest, commands::PortCommand},
    refusal::Reason,
};

/// What the lines of an order need, worked out before anybody is told.
struct Needed {
    assets: BTreeMap<LineNumber, AssetId>,
    ports: Vec<(LineNumber, PortRequestId, PortLine)>,
    /// Numbers per numbers line.
    numbers: BTreeMap<LineNumber, NumberSet>,
    plans: Vec<LinePlan>,
    /// Numbers that lines bring to existing sites.
    coming: Vec<(AssetId, NumberSet)>,
    channels: Option<u32>,
}

/// Submits a draft.
pub fn submit(desk: &mut Desk, id: OrderId) -> Result<Outcome, Halt> {
    let order = desk.existing::<Order>(id)?;
    if order.status() != OrderStatus::Draft {
        // Only the order can say what may be done instead; nothing else would help the caller.
        desk.tell::<Order>(id, &OrderCommand::Submit { assets: Vec::new(), port_requests: Vec::new() })?;
    }
    desk.gather(
        [reads::reseller_of_order(&order).stream()].into_iter().chain(order.company().map(StreamId::from)),
    )?;

    let mut reasons = reseller_may_order(desk, reads::reseller_of_order(&order))?;
    let needed = work_out(desk, &order, &mut reasons)?;
    let out_of_bounds = check_numbers(desk, &order, &needed)?;
    if !out_of_bounds.is_empty() {
        // What is too large to be written down is not planned or drafted first.
        reasons.extend(out_of_bounds);
        return Err(Halt::Refused(reasons));
    }
    let ported: Vec<_> = needed.ports.iter().map(|(line, _, port)| (*line, port.numbers())).collect();
    reasons.extend(numbers::no_ports(desk, &ported)?);
    if let Some(company) = order.company() {
        let command = CompanyCommand::OpenOrder {
            order: id,
            plans: needed.plans.clone(),
            numbers: needed.numbers.clone().into_iter().collect(),
            coming: needed.coming.clone(),
            channels: needed.channels,
        };
        let told = desk.tell::<Company>(company, &command);
        collect(&mut reasons, told)?;
    } else {
        reasons.extend(needs_company(&order));
    }
    draft_ports(desk, id, &order, &needed, &mut reasons)?;
    let command = OrderCommand::Submit {
        assets: needed.assets.iter().map(|(line, asset)| (*line, *asset)).collect(),
        port_requests: needed.ports.iter().map(|(line, port, _)| (*line, *port)).collect(),
    };
    let told = desk.tell::<Order>(id, &command);
    collect(&mut reasons, told)?;

    if !reasons.is_empty() {
        reasons.extend(held_by_others(desk, &order, &needed)?);
    }
    refuse_if_any(reasons)?;
    let mut outcome = Outcome::made("order", id);
    for (line, port, _) in &needed.ports {
        outcome.ids.insert(format!("port_request/{line}"), port.to_string());
    }
    Ok(outcome)
}

fn work_out(desk: &mut Desk, order: &Order, reasons: &mut Vec<Reason>) -> Result<Needed, Halt> {
    let company = match order.company() {
        Some(company) => desk.existing::<Company>(company)?,
        None => std::sync::Arc::default(),
    };
    let mut needed = Needed {
        assets: BTreeMap::new(),
        ports: Vec::new(),
        numbers: BTreeMap::new(),
        plans: Vec::new(),
        coming: Vec::new(),
        channels: None,
    };
    look_ahead(desk, order)?;
    let mut of_lines = BTreeMap::new();
    for (number, line) in order.lines() {
        if line.kind().makes_asset() {
            needed.assets.insert(number, desk.mint.fresh());
        }
        match &*line.request {
            LineRequest::Company(company) => needed.channels = Some(company.channels),
            LineRequest::Numbers(wanted) => {
                let asked = numbers::asked(desk, &company, &wanted.ask, &format!("/lines/{number}/ask"))?;
                reasons.extend(asked.reasons);
                of_lines.insert(number, asked.numbers.clone());
                reasons.extend(reads::no_site(&company, number, wanted.site));
                needed.coming.extend(wanted.site.map(|site| (site, asked.numbers.clone())));
                needed.numbers.insert(number, asked.numbers);
            }
            LineRequest::Port(port) => {
                reasons.extend(reads::no_site(&company, number, port.site));
                of_lines.insert(number, port.numbers());
                needed.coming.extend(port.site.map(|site| (site, port.numbers())));
                needed.ports.push((number, desk.mint.fresh(), (**port).clone()));
            }
            _ => {}
        }
    }
    let (plans, against) = Planner::new(&company, &needed.assets, &of_lines).plan(order);
    needed.plans = plans;
    // Where numbers could not be had at all, that nobody is left for a user is no news.
    if reasons.is_empty() {
        reasons.extend(against);
    }
    Ok(needed)
}

/// Asks for what the numbers lines need all together: line by line, each would ask for itself and begin anew.
fn look_ahead(desk: &mut Desk, order: &Order) -> Result<(), Halt> {
    let asks: Vec<&NumberAsk> = order
        .lines()
        .filter_map(|(_, line)| match &*line.request {
            LineRequest::Numbers(wanted) => Some(&wanted.ask),
            _ => None,
        })
        .collect();
    let named = asks.iter().filter_map(|ask| match ask {
        NumberAsk::Numbers(numbers) => Some(numbers),
        _ => None,
    });
    numbers::stock_hundreds(desk, named.flat_map(NumberSet::iter).map(hundred_of))?;
    desk.will_pick(asks.iter().filter_map(|ask| match ask {
        NumberAsk::Search(search) => Some(search.clone()),
        _ => None,
    }));
    Ok(())
}

/// Every number of an order goes into sets that must be read again: they are counted before any is made, and a number
/// moves by one port line only.
fn check_numbers(desk: &mut Desk, order: &Order, needed: &Needed) -> Result<Vec<Reason>, Halt> {
    let max = desk.context.rules.limits().company_numbers_max;
    let mut ported = 0;
    let mut line_of: BTreeMap<TelephoneNumber, LineNumber> = BTreeMap::new();
    let mut reasons = Vec::new();
    for (line, _, port) in &needed.ports {
        let numbers = port.numbers();
        ported += numbers.len();
        if ported > max as usize {
            break; // Too many to look at each.
        }
        let twice = numbers.iter().find_map(|number| Some((number, *line_of.get(&number)?)));
        if let Some((number, other)) = twice {
            let detail = format!("{number} is ported by line {other} and by line {line}");
            reasons.push(numbers::reason(
                "number_of_two_ports",
                &format!("/lines/{line}"),
                detail,
                "each number in one port line",
            ));
        }
        line_of.extend(numbers.iter().map(|number| (number, *line)));
    }
    let (mut held, mut stock) = (0, 0);
    if let Some(company) = order.company() {
        let company = desk.existing::<Company>(company)?;
        held = company.numbers().count();
        let fresh = |numbers: &NumberSet| numbers.iter().filter(|it| company.number(*it).is_none()).count();
        stock = needed.numbers.values().map(fresh).sum();
    }
    if held + stock + ported > max as usize {
        let detail = if ported > max as usize {
            format!("the order ports more than {max} numbers")
        } else {
            format!("{held} numbers are held, and the order brings {} more", stock + ported)
        };
        let expected = format!("at most {max} numbers in all");
        reasons.push(numbers::reason("numbers_out_of_bounds", "/lines", detail, &expected));
    }
    Ok(reasons)
}

/// Without a company, an order can only port numbers.
fn needs_company(order: &Order) -> Vec<Reason> {
    let others = order.lines().filter(|(_, line)| line.kind() != LineKind::Port);
    others
        .map(|(number, line)| {
            let detail = format!("a line of kind {} needs a company, and the order names none", line.kind());
            numbers::reason("company_missing", &format!("/lines/{number}"), detail, "an order for a company")
        })
        .collect()
}

fn draft_ports(
    desk: &mut Desk,
    id: OrderId,
    order: &Order,
    needed: &Needed,
    reasons: &mut Vec<Reason>,
) -> Result<(), Halt> {
    let single_lines = needed.ports.iter().filter(|(_, _, port)| port.class == PortClass::SingleLine);
    let simultaneous = u32::try_from(single_lines.count()).unwrap_or(u32::MAX);
    for (line, port, request) in &needed.ports {
        let command = PortCommand::Draft {
            reseller: reads::reseller_of_order(order),
            order: id,
            line: *line,
            company: order.company(),
            request: Box::new(request.clone()),
            simultaneous,
        };
        let told = desk.create::<PortRequest>(*port, &command);
        collect(reasons, told)?;
    }
    Ok(())
}

/// What others hold of what this order needs. Asked only once it is refused anyway, so that the list is whole.
fn held_by_others(desk: &mut Desk, order: &Order, needed: &Needed) -> Result<Vec<Reason>, Halt> {
    let mut subjects: BTreeMap<Claim, String> = BTreeMap::new();
    if let Some(company) = order.company() {
        for LinePlan { line, plan, .. } in &needed.plans {
            for claim in plan.names().into_iter().map(|name| name.claim(company.stream())) {
                subjects.insert(claim, format!("/lines/{line}"));
            }
        }
    }
    for (number, line) in order.lines() {
        if let LineRequest::Numbers(wanted) = &*line.request
            && let NumberAsk::Numbers(numbers) = &wanted.ask
        {
            let claims = numbers.iter().map(|number| Claim::platform(ClaimScope::Number, number.to_string()));
            subjects.extend(claims.map(|claim| (claim, format!("/lines/{number}/ask"))));
        }
    }
    for (line, _, port) in &needed.ports {
        for number in port.numbers().iter() {
            subjects
                .insert(Claim::platform(ClaimScope::OpenPort, number.to_string()), format!("/lines/{line}"));
        }
    }
    let ours: Option<StreamId> = order.company().map(CompanyId::into);
    let holders = desk.holders(subjects.keys().cloned().collect())?;
    Ok(holders
        .into_iter()
        .filter(|(_, holder)| holder.is_some() && *holder != ours)
        .map(|(claim, _)| Reason { subject: subjects.get(&claim).cloned(), ..taken_reason(&claim) })
        .collect())
}
