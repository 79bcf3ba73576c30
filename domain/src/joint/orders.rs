//! Orders after they were drafted: begun, carried out, cancelled. What a line ends takes its names, numbers and port
//! request with it.

use super::{
    Outcome, amend,
    companies::only_joined,
    desk::{Desk, Halt},
    plans, ports, reads, refuse_if_any, reseller_may_order,
};
use crate::{
    company::{Company, commands::CompanyCommand, events::WithdrawalReason},
    decider::Decider as _,
    ids::{CompanyId, OrderId, PortRequestId, ResellerId, StreamId},
    names::OrderReference,
    order::{
        Line, Order, OrderStatus,
        commands::{OrderAction, OrderCommand},
        events::OrderEvent,
        line::{LineFailure, LineKind, LineNumber, LineRequest, LineStatus},
    },
    port_request::{PortRequest, commands::PortCommand, events::PortCancellation},
};

/// Begins a draft.
pub fn create(
    desk: &mut Desk,
    reseller: ResellerId,
    reference: &OrderReference,
    company: Option<CompanyId>,
    lines: &[LineRequest],
) -> Result<Outcome, Halt> {
    refuse_if_any(reseller_may_order(desk, reseller)?)?;
    if let Some(id) = company
        && reads::reseller_of_company(&*desk.existing::<Company>(id)?) != reseller
    {
        return Err(Halt::not_found(id));
    }
    let id: OrderId = desk.mint.fresh();
    let command =
        OrderCommand::Create { reseller, reference: reference.clone(), company, lines: lines.to_vec() };
    desk.create::<Order>(id, &command)?;
    Ok(Outcome::made("order", id))
}

/// A command of an order, with all that hangs on it.
pub fn order(desk: &mut Desk, id: OrderId, command: &OrderCommand) -> Result<Outcome, Halt> {
    use OrderCommand as C;
    match command {
        C::Create { .. } | C::Submit { .. } | C::AcceptCancellation { .. } | C::RefuseCancellation { .. } => {
            return Err(only_joined(OrderAction::from(command).into()));
        }
        C::Acknowledge => acknowledge(desk, id)?,
        C::CompleteLine { line } => complete_line(desk, id, *line)?,
        C::AmendLine { line, request } => amend_line(desk, id, *line, request)?,
        _ => tell(desk, id, command)?,
    }
    Ok(Outcome::default())
}

/// Tells the order, and lets what then ended take its holdings with it.
pub fn tell(desk: &mut Desk, id: OrderId, command: &OrderCommand) -> Result<(), Halt> {
    let events = desk.tell::<Order>(id, command)?;
    settle(desk, id, &events)
}

/// Lets what ended with these events take its names, numbers and ports with it.
fn settle(desk: &mut Desk, id: OrderId, events: &[OrderEvent]) -> Result<(), Halt> {
    let order = desk.existing::<Order>(id)?;
    let ended: Vec<LineNumber> = events
        .iter()
        .filter_map(|event| match event {
            OrderEvent::LineFailed { line, .. } | OrderEvent::LineCancelled { line, .. } => Some(*line),
            _ => None,
        })
        .collect();
    let rejected = events.iter().any(|event| matches!(event, OrderEvent::OrderRejected { .. }));
    let ports: Vec<PortRequestId> = if rejected {
        order.port_requests().map(|(_, port)| port).collect()
    } else {
        ended.iter().filter_map(|line| order.port_request(*line)).collect()
    };
    desk.gather(ports.iter().map(|port| port.stream()).chain(order.company().map(StreamId::from)))?;

    for id in ports {
        let port = desk.get::<PortRequest>(id)?;
        if port.is_open() {
            desk.tell::<PortRequest>(id, &PortCommand::Cancel { why: PortCancellation::OrderEnded })?;
            ports::withdraw(desk, &port, &port.numbers(), WithdrawalReason::PortEnded)?;
        }
    }
    let Some(company) = order.company() else { return Ok(()) };
    for line in ended {
        desk.tell::<Company>(company, &CompanyCommand::DropLine { order: id, line })?;
        let brought = order.line(line).is_some_and(|line| line.kind() == LineKind::Company);
        if brought && reads::is_to_bring(&*desk.get::<Company>(company)?, id) {
            desk.tell::<Company>(company, &CompanyCommand::DropCompanyLine { order: id })?;
        }
    }
    close_if_ended(desk, id, company)
}

/// An order that has ended leaves its company.
fn close_if_ended(desk: &mut Desk, id: OrderId, company: CompanyId) -> Result<(), Halt> {
    let ended = desk.get::<Order>(id)?.is_terminal();
    if ended && reads::has_open_order(&*desk.get::<Company>(company)?, id) {
        desk.tell::<Company>(company, &CompanyCommand::CloseOrder { order: id })?;
    }
    Ok(())
}

fn acknowledge(desk: &mut Desk, id: OrderId) -> Result<(), Halt> {
    let order = desk.existing::<Order>(id)?;
    let ports: Vec<PortRequestId> = order.port_requests().map(|(_, port)| port).collect();
    desk.gather(ports.iter().map(|port| port.stream()))?;
    desk.tell::<Order>(id, &OrderCommand::Acknowledge)?;
    for port in ports {
        desk.tell::<PortRequest>(port, &PortCommand::Submit)?;
    }
    Ok(())
}

/// A line is done: what it planned exists from here on. A port line is completed by its port request alone.
fn complete_line(desk: &mut Desk, id: OrderId, line: LineNumber) -> Result<(), Halt> {
    let order = desk.existing::<Order>(id)?;
    let request = order.line(line).map(|line| LineRequest::clone(&line.request));
    if let Some(LineRequest::Port(_)) = request {
        let detail = format!("line {line} is completed when its numbers work here");
        return Err(Halt::refuse(
            "port_line",
            Some(format!("/lines/{line}")),
            detail,
            Some("the network's report"),
        ));
    }
    desk.gather(order.company().map(StreamId::from))?;
    let events = desk.tell::<Order>(id, &OrderCommand::CompleteLine { line })?;
    // The company comes first: what is done must not be given up with what an ended order leaves behind.
    if let (Some(company), Some(request)) = (order.company(), request) {
        let command = match request {
            LineRequest::Company(_) => CompanyCommand::Activate { order: id },
            LineRequest::Numbers(numbers) => {
                CompanyCommand::AllocateNumbers { order: id, line, site: numbers.site }
            }
            _ => CompanyCommand::AddAsset { order: id, line },
        };
        desk.tell::<Company>(company, &command)?;
    }
    settle(desk, id, &events)
}

/// A waiting line asks for something else; a port line for another date.
fn amend_line(desk: &mut Desk, id: OrderId, line: LineNumber, request: &LineRequest) -> Result<(), Halt> {
    let order = desk.existing::<Order>(id)?;
    if let (Some(port), LineRequest::Port(wanted)) = (order.port_request(line), request) {
        let old = order.line(line).map(|line| LineRequest::clone(&line.request));
        if !matches!(&old, Some(LineRequest::Port(old)) if old.is_but_for_its_window(wanted)) {
            let detail = format!("line {line} is a port: only its window can be amended");
            return Err(Halt::refuse(
                "port_line",
                Some(format!("/lines/{line}")),
                detail,
                Some("another window"),
            ));
        }
        // The line shows the date that stands: it changes once the losing provider accepts the new one.
        desk.tell::<PortRequest>(port, &PortCommand::RequestDate { window: wanted.window })?;
        return Ok(());
    }
    refuse_if_any(amend::against(&order, line, request).into_iter().collect())?;
    desk.tell::<Order>(id, &OrderCommand::AmendLine { line, request: request.clone() })?;
    let Some(company_id) = order.company() else { return Ok(()) };
    let company = desk.existing::<Company>(company_id)?;
    let mut asked = None;
    if let LineRequest::Numbers(wanted) = request {
        let mut found = amend::asked_instead(desk, &order, &company, (id, line), wanted)?;
        found.reasons.extend(reads::no_site(&company, line, wanted.site));
        refuse_if_any(found.reasons)?;
        asked = Some(found.numbers);
    }
    let amended = desk.get::<Order>(id)?;
    let plan = plans::replan(&amended, &company, id, line);
    let replan = CompanyCommand::ReplanLine { order: id, line, plan, numbers: asked };
    let events = desk.tell::<Company>(company_id, &replan)?;
    if events.iter().any(amend::takes_more) {
        // It is as good as an order for more: what suspension refuses there, it refuses here.
        let mut reasons = reseller_may_order(desk, reads::reseller_of_order(&order))?;
        reasons.extend(amend::suspended(&company, line));
        refuse_if_any(reasons)?;
    }
    Ok(())
}

/// Fails a line whose company nobody brings. Somebody may have begun to since that was found out, so it is asked again.
pub fn give_up_line(desk: &mut Desk, id: OrderId, line: LineNumber) -> Result<Outcome, Halt> {
    let order = desk.existing::<Order>(id)?;
    let subject = || Some(format!("/lines/{line}"));
    let waits = |line: &Line| line.status() == LineStatus::Waiting && line.kind().makes_asset();
    let company = order.company().filter(|_| order.line(line).is_some_and(waits));
    let Some(company) = company else {
        let detail = format!("line {line} does not wait for a company");
        return Err(Halt::refuse("line_not_waiting", subject(), detail, Some("a waiting line")));
    };
    let company = desk.existing::<Company>(company)?;
    if reads::is_in_service(&company) || reads::is_coming(&company) {
        let detail = format!("the company that line {line} waits for is in service, or on its way");
        return Err(Halt::refuse("company_coming", subject(), detail, None));
    }
    let failure = LineFailure {
        code: "company_not_coming".to_owned(),
        detail: "the company is not in service, and no open order brings it into service any more".to_owned(),
    };
    tell(desk, id, &OrderCommand::FailLine { line, failure })?;
    Ok(Outcome::default())
}

/// Accepts a requested cancellation unless an open line is past its point of no return.
pub fn answer_cancellation(desk: &mut Desk, id: OrderId) -> Result<Outcome, Halt> {
    let order = desk.existing::<Order>(id)?;
    if order.status() != OrderStatus::AssessingCancellation {
        // The order has moved on: there is no cancellation to answer any more.
        return Ok(Outcome::default());
    }
    let ports: Vec<(LineNumber, PortRequestId)> = order.port_requests().collect();
    desk.gather(ports.iter().map(|(_, port)| port.stream()).chain(order.company().map(StreamId::from)))?;
    let (at, rules) = (desk.context.at, desk.context.rules.clone());
    let mut past = Vec::new();
    for (line, port) in &ports {
        let open = order.line(*line).is_some_and(Line::is_open);
        if open && desk.get::<PortRequest>(*port)?.past_cut_off(at, &rules) {
            past.push(*line);
        }
    }
    let blocking = order.past_ponr(&past);
    if !blocking.is_empty() {
        desk.tell::<Order>(id, &OrderCommand::RefuseCancellation { lines: blocking })?;
        return Ok(Outcome::default());
    }
    desk.tell::<Order>(id, &OrderCommand::AcceptCancellation { ports_past_cut_off: past })?;
    for (line, _) in ports {
        let still_open = desk.get::<Order>(id)?.line(line).is_some_and(Line::is_open);
        if still_open {
            tell(desk, id, &OrderCommand::CancelLine { line })?;
        }
    }
    Ok(Outcome::default())
}
