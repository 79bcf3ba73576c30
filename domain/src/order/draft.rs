//! What may happen to a draft, and what must be right before it is submitted.
//!
//! A change is tried on a copy of the lines, which costs next to nothing, and the copy is checked.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, Utc};

use super::{
    Draft, Minted, Order, OrderError,
    commands::OrderCommand,
    decide::Decided,
    events::OrderEvent,
    graph::{self, Field},
    line::{LineKind, LineNumber, LineRequest, NumberAsk},
    lines::{Line, Lines},
};
use crate::{decider::Context, rules::Limits};

/// Most sources of numbers that one site names.
pub const SITE_SOURCES_MAX: usize = 100;
/// Most DDI ranges of one port line: more than a multi-line installation has.
pub const PORT_RANGES_MAX: usize = 100;

pub(super) fn create(command: &OrderCommand, context: &Context) -> Decided {
    let OrderCommand::Create { reseller, reference, company, lines: requests } = command else {
        return Ok(Vec::new());
    };
    let untouched_until = untouched_until(context);
    let mut events = vec![OrderEvent::OrderCreated {
        reseller: *reseller,
        reference: reference.clone(),
        company: *company,
        untouched_until,
    }];
    let mut wrong = Vec::new();
    check_size(requests.len(), context, &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong); // Too many to look at each.
    }
    let mut lines = Lines::default();
    for (number, request) in (1..).map(LineNumber).zip(requests) {
        lines.put(number, Line::new(request.clone()));
        events.push(OrderEvent::LineAdded { line: number, request: request.clone(), untouched_until });
    }
    check_all(&lines, company.is_some(), context, &mut wrong);
    if wrong.is_empty() { Ok(events) } else { Err(wrong) }
}

pub(super) fn decide(draft: &Draft, command: &OrderCommand, context: &Context) -> Decided {
    let untouched_until = untouched_until(context);
    let event = match command {
        OrderCommand::AddLine { request } => {
            let line = LineNumber(draft.last_line.saturating_add(1));
            let mut wrong = changed(draft, line, request, context);
            check_size(draft.lines.len() + 1, context, &mut wrong);
            refuse(wrong)?;
            OrderEvent::LineAdded { line, request: request.clone(), untouched_until }
        }
        OrderCommand::ChangeLine { line, request } => {
            known(draft, *line)?;
            refuse(changed(draft, *line, request, context))?;
            OrderEvent::LineChanged { line: *line, request: request.clone(), untouched_until }
        }
        OrderCommand::RemoveLine { line } => {
            known(draft, *line)?;
            let referrers = draft.lines.referrers(*line);
            refuse(referrers.map(|by| OrderError::LineInUse { line: *line, by }).collect())?;
            OrderEvent::LineRemoved { line: *line, untouched_until }
        }
        OrderCommand::Discard => discarded(draft, false),
        OrderCommand::DiscardUntouched => {
            if context.at < draft.untouched_until {
                return Err(vec![OrderError::UntouchedUntil(draft.untouched_until)]);
            }
            discarded(draft, true)
        }
        OrderCommand::Submit { assets, port_requests } => {
            let mut wrong = Vec::new();
            if draft.lines.is_empty() {
                wrong.push(OrderError::NoLine);
            }
            // Sound when it was written; the rules may have changed since.
            check_size(draft.lines.len(), context, &mut wrong);
            check_all(&draft.lines, draft.head.company.is_some(), context, &mut wrong);
            check_minted(&draft.lines, assets, LineKind::makes_asset, Minted::Asset, &mut wrong);
            let is_port = |kind| kind == LineKind::Port;
            check_minted(&draft.lines, port_requests, is_port, Minted::PortRequest, &mut wrong);
            refuse(wrong)?;
            OrderEvent::OrderSubmitted { assets: assets.clone(), port_requests: port_requests.clone() }
        }
        _ => {
            let status = super::OrderStatus::Draft;
            return Err(vec![OrderError::NotPermitted { status, action: command.into() }]);
        }
    };
    Ok(vec![event])
}

fn refuse(wrong: Vec<OrderError>) -> Result<(), Vec<OrderError>> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn known(draft: &Draft, line: LineNumber) -> Result<(), Vec<OrderError>> {
    if draft.lines.get(line).is_some() { Ok(()) } else { Err(vec![OrderError::LineUnknown { line }]) }
}

impl Order {
    /// When a draft that is touched at a time is discarded under some rules, unless somebody touches it again.
    pub fn untouched_from(context: &Context) -> DateTime<Utc> {
        untouched_until(context)
    }
}

fn untouched_until(context: &Context) -> DateTime<Utc> {
    let days = Days::new(context.rules.limits().draft_untouched_days.into());
    context.at.checked_add_days(days).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn discarded(draft: &Draft, untouched: bool) -> OrderEvent {
    let (reseller, reference) = (draft.head.reseller, draft.head.reference.clone());
    OrderEvent::OrderDiscarded { reseller, reference, untouched }
}

/// What would be wrong if the line asked for this.
fn changed(draft: &Draft, line: LineNumber, request: &LineRequest, context: &Context) -> Vec<OrderError> {
    let mut lines = draft.lines.clone();
    lines.put(line, Line::new(request.clone()));
    let mut wrong = Vec::new();
    check_company(&lines, draft.head.company.is_some(), [line], &mut wrong);
    check_around(&lines, line, context, &mut wrong);
    wrong
}

/// What is wrong with a line, and with the lines that name it and have not ended.
pub(super) fn check_around(lines: &Lines, line: LineNumber, context: &Context, wrong: &mut Vec<OrderError>) {
    check_line(lines, line, context, wrong);
    let is_open = |line: &LineNumber| lines.get(*line).is_some_and(Line::is_open);
    for referrer in lines.referrers(line).filter(|referrer| *referrer != line && is_open(referrer)) {
        graph::check(lines, referrer, wrong);
    }
}

fn check_all(lines: &Lines, has_company: bool, context: &Context, wrong: &mut Vec<OrderError>) {
    check_company(lines, has_company, lines.iter().map(|(line, _)| line), wrong);
    for (line, _) in lines.iter() {
        check_line(lines, line, context, wrong);
    }
}

fn check_line(lines: &Lines, line: LineNumber, context: &Context, wrong: &mut Vec<OrderError>) {
    graph::check(lines, line, wrong);
    if let Some(found) = lines.get(line) {
        check_bounds(line, &found.request, context.rules.limits(), wrong);
    }
}

fn check_size(found: usize, context: &Context, wrong: &mut Vec<OrderError>) {
    let max = size(context.rules.limits().order_lines_max);
    if found > max {
        wrong.push(OrderError::TooManyLines { found, max });
    }
}

/// Only ports can do without a company; one reason is enough, since one answer settles it for all lines.
fn check_company(
    lines: &Lines,
    has_company: bool,
    of: impl IntoIterator<Item = LineNumber>,
    wrong: &mut Vec<OrderError>,
) {
    let needs_one = |line: &LineNumber| lines.get(*line).is_some_and(|line| line.kind() != LineKind::Port);
    let first = of.into_iter().find(|line| !has_company && needs_one(line));
    wrong.extend(first.map(|line| OrderError::CompanyMissing { line }));
}

fn check_bounds(line: LineNumber, request: &LineRequest, limits: &Limits, wrong: &mut Vec<OrderError>) {
    let mut within = |name, found: usize, min: usize, max: usize| {
        if !(min..=max).contains(&found) {
            let field = Field::named(name);
            wrong.push(OrderError::OutOfBounds { line, field, found, min, max });
        }
    };
    match request {
        LineRequest::Numbers(numbers) => match &numbers.ask {
            NumberAsk::Reservation(_) => {}
            NumberAsk::Numbers(set) => within("ask/numbers", set.len(), 1, size(limits.company_numbers_max)),
            NumberAsk::Search(search) => {
                within("ask/search/quantity", size(search.quantity), 1, size(limits.company_numbers_max));
            }
        },
        LineRequest::Port(port) => within("ranges", port.ranges.len(), 0, PORT_RANGES_MAX),
        LineRequest::Site(site) => {
            within("numbers", site.numbers.len(), 0, SITE_SOURCES_MAX);
            if site.numbers.iter().any(|numbers| numbers.quantity == Some(0)) {
                within("numbers/quantity", 0, 1, size(limits.company_numbers_max));
            }
        }
        LineRequest::User(user) => {
            within("add_ons", user.add_ons.len(), 0, size(limits.user_addons_max));
            let max = size(limits.user_alternate_numbers_max);
            within("alternate_numbers", user.alternate_numbers.len(), 0, max);
        }
        LineRequest::Company(_)
        | LineRequest::EmergencyDetails(_)
        | LineRequest::AddOn(_)
        | LineRequest::Device(_)
        | LineRequest::Pbx(_)
        | LineRequest::Trunk(_) => {}
    }
}

/// Exactly the lines of these kinds were given an id, each its own.
fn check_minted<Id: Copy + Ord>(
    lines: &Lines,
    minted_for: &[(LineNumber, Id)],
    needs: impl Fn(LineKind) -> bool,
    minted: Minted,
    wrong: &mut Vec<OrderError>,
) {
    let mut missing: BTreeSet<LineNumber> =
        lines.iter().filter(|(_, line)| needs(line.kind())).map(|(line, _)| line).collect();
    let mut ids = BTreeSet::new();
    for (line, id) in minted_for.iter().copied() {
        let needed = lines.get(line).is_some_and(|line| needs(line.kind()));
        let first = missing.remove(&line);
        if !needed {
            wrong.push(OrderError::MintedInVain { line, minted });
        } else if !first || !ids.insert(id) {
            wrong.push(OrderError::MintedTwice { line, minted });
        }
    }
    wrong.extend(missing.into_iter().map(|line| OrderError::MintedMissing { line, minted }));
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
