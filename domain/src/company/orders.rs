//! Deciding about orders: what they hold from submit on, what becomes of it, what they give up.

use std::collections::BTreeMap;

use super::{
    Company, CompanyError, CompanyEvent, Estate,
    asset::AssetPlan,
    commands::LinePlan,
    decide::{Decision, after, in_events, overdue, refuse},
    errors::{LineProblem, Listed, Parenthood},
    estate::{AssetStage, Holding, OpenOrder},
    events::NumberSource,
    numbers::{assigned, room},
    review::Review,
};
use crate::{
    decider::Context,
    ids::{AssetId, OrderId, ReservationId},
    number::NumberSet,
    order::line::LineNumber,
};

/// Orders under way for one company at once: enough for any, and it bounds the state.
const OPEN_ORDERS_MAX: usize = 1_000;

/// What a submitted order asks of the company.
pub(super) struct Asked<'a> {
    pub(super) order: OrderId,
    pub(super) plans: &'a [LinePlan],
    pub(super) numbers: &'a [(LineNumber, NumberSet)],
    pub(super) coming: &'a [(AssetId, NumberSet)],
    pub(super) channels: Option<u32>,
}

/// Numbers of a line that come from one place.
struct Part {
    line: LineNumber,
    source: NumberSource,
    numbers: NumberSet,
}

pub(super) fn open(company: &Company, estate: &Estate, asked: &Asked<'_>, context: &Context) -> Decision {
    let Asked { order, channels, .. } = *asked;
    let mut errors = overdue(company, context.at);
    errors.extend(order_errors(company, estate, asked, context));
    let (parts, numbers_errors) = parts(estate, asked.numbers, context);
    errors.extend(numbers_errors);
    let fresh = parts.iter().filter(|part| part.source == NumberSource::Stock);
    errors.extend(room(estate, fresh.map(|part| part.numbers.len()).sum(), context));

    let capacity = channels.or_else(|| capacity(company, estate));
    if capacity.is_none() && !asked.plans.is_empty() {
        errors.push(CompanyError::CompanyLineMissing);
    }
    let opened = CompanyEvent::OrderOpened { order, channels };
    let mut future = estate.clone();
    future.record(&opened);
    let mut review = Review::of(future, order, asked.coming, capacity, context);
    for LinePlan { line, asset, plan } in asked.plans {
        review.add(*line, *asset, plan);
    }
    errors.extend(review.finish());

    refuse(errors, || {
        let mut events = vec![opened];
        events.extend(parts.iter().flat_map(|part| committed(order, part, context)));
        events.extend(
            asked.plans.iter().cloned().map(|LinePlan { line, asset, plan }| CompanyEvent::AssetPlanned {
                order,
                line,
                asset,
                plan,
            }),
        );
        events
    })
}

fn order_errors(
    company: &Company,
    estate: &Estate,
    asked: &Asked<'_>,
    context: &Context,
) -> Vec<CompanyError> {
    let mut errors = vec![];
    if estate.orders.contains_key(&asked.order) {
        errors.push(CompanyError::OrderOpen(asked.order));
    } else if estate.orders.len() >= OPEN_ORDERS_MAX {
        errors.push(CompanyError::OpenOrdersMax(estate.orders.len()));
    }
    if let Some(channels) = asked.channels {
        if capacity(company, estate).is_some() {
            errors.push(CompanyError::CompanyLineTwice);
        }
        let max = context.rules.limits().company_channels_max;
        if channels > max {
            errors.push(CompanyError::CompanyChannelsMax(channels, max));
        }
    }
    errors
}

/// The channels that the company has, or will have by an order under way.
fn capacity(company: &Company, estate: &Estate) -> Option<u32> {
    company.channels().or_else(|| estate.coming_channels())
}

/// Where the numbers of each line come from, or what speaks against taking them.
fn parts(
    estate: &Estate,
    lines: &[(LineNumber, NumberSet)],
    context: &Context,
) -> (Vec<Part>, Vec<CompanyError>) {
    let (mut all, mut errors, mut seen) = (vec![], vec![], NumberSet::new());
    for (line, numbers) in lines {
        let mut in_use: NumberSet = numbers.iter().filter(|number| !seen.insert(*number)).collect();
        let mut reserved = BTreeMap::<ReservationId, NumberSet>::new();
        let mut stock = numbers.clone();
        for (number, held) in numbers.iter().filter_map(|it| Some((it, estate.numbers.get(&it)?))) {
            stock.remove(number);
            match held.holding {
                Holding::Reserved(id) | Holding::RingFenced(id) => {
                    reserved.entry(id).or_default().insert(number);
                }
                _ => {
                    in_use.insert(number);
                }
            }
        }
        if !in_use.is_empty() {
            errors.push(CompanyError::Line(*line, LineProblem::NumbersInUse(Listed(in_use))));
        }
        for (id, part) in &reserved {
            // Over is over, whether or not the timer has run.
            let until = estate.reservations.get(id).and_then(|held| held.expires_at);
            if let Some(until) = until.filter(|until| *until <= context.at) {
                let problem = LineProblem::ReservationExpired(Listed(part.clone()), until);
                errors.push(CompanyError::Line(*line, problem));
            }
        }
        let mut part = |source, numbers: NumberSet| {
            if !numbers.is_empty() {
                all.push(Part { line: *line, source, numbers });
            }
        };
        for (id, numbers) in reserved {
            part(NumberSource::Reservation(id), numbers);
        }
        part(NumberSource::Stock, stock);
    }
    (all, errors)
}

fn committed(order: OrderId, part: &Part, context: &Context) -> Vec<CompanyEvent> {
    let (line, source) = (part.line, part.source);
    in_events(&part.numbers, context, move |numbers| CompanyEvent::NumbersCommitted {
        order,
        line,
        numbers,
        source,
    })
}

/// Numbers go back to the reservations that still live, the others are free again.
fn uncommitted(
    estate: &Estate,
    (order, line): (OrderId, LineNumber),
    numbers: &NumberSet,
    context: &Context,
) -> Vec<CompanyEvent> {
    let mut free = numbers.clone();
    let mut parts = vec![];
    for (id, part) in estate.sources(numbers) {
        if estate.reservations.contains_key(&id) {
            free = free.difference(&part);
            parts.push((Some(id), part));
        }
    }
    parts.push((None, free));
    let event = |back_to| move |numbers| CompanyEvent::NumbersUncommitted { order, line, numbers, back_to };
    parts.into_iter().flat_map(|(id, part)| in_events(&part, context, event(id))).collect()
}

pub(super) fn replan(
    company: &Company,
    estate: &Estate,
    (order, line): (OrderId, LineNumber),
    (plan, numbers): (Option<&AssetPlan>, Option<&NumberSet>),
    context: &Context,
) -> Decision {
    require_open(estate, order)?;
    let held = estate.line(order, line).cloned().unwrap_or_default();
    let mut errors = vec![];
    let mut events = vec![];
    if let Some(to) = plan {
        match held.asset.and_then(|id| Some((id, estate.assets.get(&id)?))) {
            None => errors.push(CompanyError::Line(line, LineProblem::LineWithoutAsset)),
            Some((asset, planned)) => {
                let mut review = Review::of(estate.clone(), order, &[], capacity(company, estate), context);
                review.replace(line, asset, planned, to);
                errors.extend(review.finish());
                let (from, to) = (planned.plan.clone(), to.clone());
                events.push(CompanyEvent::AssetReplanned { asset, from, to });
            }
        }
    }
    if let Some(numbers) = numbers {
        if held.numbers.is_empty() {
            errors.push(CompanyError::Line(line, LineProblem::LineWithoutNumbers));
        }
        if numbers.is_empty() {
            errors.push(CompanyError::NumbersMissing);
        }
        let more = numbers.difference(&held.numbers);
        let (parts, numbers_errors) = parts(estate, &[(line, more)], context);
        errors.extend(numbers_errors);
        let fresh = parts.iter().filter(|part| part.source == NumberSource::Stock);
        errors.extend(room(estate, fresh.map(|part| part.numbers.len()).sum(), context));
        events.extend(uncommitted(estate, (order, line), &held.numbers.difference(numbers), context));
        events.extend(parts.iter().flat_map(|part| committed(order, part, context)));
    }
    refuse(errors, || events)
}

pub(super) fn add_asset(estate: &Estate, order: OrderId, line: LineNumber, context: &Context) -> Decision {
    require_open(estate, order)?;
    let id = estate.line(order, line).and_then(|held| held.asset);
    let Some((id, asset)) = id.and_then(|id| Some((id, estate.assets.get(&id)?))) else {
        return Err(vec![CompanyError::Line(line, LineProblem::LineWithoutAsset)]);
    };
    if let (Some(parent), Some(kind)) = (asset.plan.parent(), asset.plan.parent_kind())
        && estate.real(parent).is_none()
    {
        let problem = LineProblem::ParentPlanned(Parenthood { kind, asset: parent });
        return Err(vec![CompanyError::Line(line, problem)]);
    }
    let numbers = estate.pick(&asset.plan.numbers(), |held| match held.holding {
        Holding::Allocated => true,
        Holding::AssignedToSite(site) => asset.plan.parent() == Some(site),
        _ => false,
    });
    let mut events = vec![CompanyEvent::AssetAdded { asset: id }];
    events.extend(assigned(id, &numbers, context));
    Ok(events)
}

pub(super) fn remove_asset(estate: &Estate, asset: AssetId) -> Decision {
    let found = estate.real(asset).ok_or_else(|| vec![CompanyError::AssetUnknown(asset)])?;
    let dependants = found.dependants.len();
    let errors = (dependants > 0).then_some(CompanyError::AssetHasDependants(asset, dependants));
    let plan = found.plan.clone();
    refuse(errors.into_iter().collect(), || vec![CompanyEvent::AssetRemoved { asset, plan }])
}

/// A line that holds nothing has nothing to give up, which is no error.
pub(super) fn drop_line(estate: &Estate, order: OrderId, line: LineNumber, context: &Context) -> Decision {
    require_open(estate, order)?;
    Ok(dropped(estate, order, line, context))
}

pub(super) fn drop_company_line(estate: &Estate, order: OrderId) -> Decision {
    match require_open(estate, order)?.channels {
        Some(_) => Ok(vec![CompanyEvent::CompanyLineDropped { order }]),
        None => Err(vec![CompanyError::CompanyLineMissing]),
    }
}

fn dropped(estate: &Estate, order: OrderId, line: LineNumber, context: &Context) -> Vec<CompanyEvent> {
    let Some(held) = estate.line(order, line) else { return vec![] };
    let planned = held.asset.and_then(|asset| {
        let plan = estate.assets.get(&asset).filter(|it| it.stage == AssetStage::Planned)?.plan.clone();
        Some(CompanyEvent::AssetDropped { asset, plan })
    });
    planned.into_iter().chain(uncommitted(estate, (order, line), &held.numbers, context)).collect()
}

pub(super) fn close(company: &Company, estate: &Estate, order: OrderId, context: &Context) -> Decision {
    let open = require_open(estate, order)?;
    let left = context.rules.limits().qualification_left_days_min;
    let qualified_until = match company {
        // Its last order came to nothing: the reseller gets some days to order again.
        Company::Ordered { expires_at, .. } if estate.orders.len() == 1 => {
            Some((*expires_at).max(after(context.at, left)))
        }
        _ => None,
    };
    // What hangs on something goes before it.
    let lines = open.lines.keys().rev();
    let mut events: Vec<_> = lines.flat_map(|line| dropped(estate, order, *line, context)).collect();
    let announce_at = qualified_until.and_then(|until| context.rules.announce_at(context.at, until));
    events.push(CompanyEvent::OrderClosed { order, qualified_until, announce_at });
    Ok(events)
}

fn require_open(estate: &Estate, order: OrderId) -> Result<&OpenOrder, Vec<CompanyError>> {
    estate.orders.get(&order).ok_or_else(|| vec![CompanyError::OrderNotOpen(order)])
}
