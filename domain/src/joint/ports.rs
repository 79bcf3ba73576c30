//! Ports: what suppliers and resellers say of one, and what then happens to its order and company.

use super::{
    Outcome,
    companies::{expire_if_only_numbers_kept_it, only_joined},
    desk::{Desk, Halt},
    orders, reads,
};
use crate::{
    calendar::PortWindow,
    company::{Company, commands::CompanyCommand, events::WithdrawalReason},
    ids::{CompanyId, PortRequestId, StreamId},
    number::NumberSet,
    order::{
        Order,
        commands::OrderCommand,
        line::{LineFailure, LineRequest, Milestone, PortLine},
    },
    port_request::{
        PortRequest,
        commands::{PortAction, PortCommand},
        events::{PortCancellation, PortEvent},
    },
};

/// A command of a port request, with all that follows from it.
pub fn port(desk: &mut Desk, id: PortRequestId, command: &PortCommand) -> Result<Outcome, Halt> {
    use PortCommand as C;
    match command {
        C::Draft { .. } | C::Submit | C::CeaseNumbers { .. } => {
            return Err(only_joined(PortAction::from(command).into()));
        }
        C::Cancel { why: PortCancellation::OrderEnded | PortCancellation::DateRefused } => {
            return Err(Halt::refuse(
                "not_on_its_own",
                None,
                "this cancellation follows from another command",
                None,
            ));
        }
        C::Allocate { company } => {
            let port = desk.existing::<PortRequest>(id)?;
            let target = desk.existing::<Company>(*company)?;
            if reads::reseller_of_company(&target) != reads::request(&port).reseller {
                return Err(Halt::not_found(*company));
            }
        }
        // A suspended reseller's running ports go on: presenting one again orders nothing new.
        _ => {}
    }
    let before = desk.existing::<PortRequest>(id)?;
    let asked = reads::request(&before);
    desk.gather([asked.order.stream()].into_iter().chain(asked.company.map(StreamId::from)))?;
    let events = desk.tell::<PortRequest>(id, command)?;
    for event in &events {
        follow(desk, id, &before, event)?;
    }
    Ok(Outcome::default())
}

/// What an event of a port request means for its order and company.
fn follow(desk: &mut Desk, id: PortRequestId, before: &PortRequest, event: &PortEvent) -> Result<(), Halt> {
    match event {
        PortEvent::PortAllocated { company } => {
            let site = site_of(desk, before)?;
            let numbers = before.numbers();
            desk.tell::<Company>(
                *company,
                &CompanyCommand::AllocatePortedNumbers { port_request: id, numbers, site },
            )?;
            let milestone = Milestone::Allocated;
            on_line(desk, before, |line| OrderCommand::ReachMilestone { line, milestone })
        }
        PortEvent::LcpAccepted { window, .. }
        | PortEvent::DateAgreed { window, .. }
        | PortEvent::DateChangeAccepted { window, .. } => date_line(desk, before, *window),
        PortEvent::PortPartlyCompleted { live, .. } => make_live(desk, id, before, live),
        PortEvent::PortCompleted { live, returned, .. } => {
            // Numbers that went live in an earlier part of the activation are live in the company already.
            make_live(desk, id, before, live)?;
            withdraw(desk, before, returned, WithdrawalReason::PortEnded)?;
            on_line(desk, before, |line| OrderCommand::CompleteLine { line })
        }
        PortEvent::PortWithdrawn { .. } => {
            withdraw(desk, before, &before.numbers(), WithdrawalReason::LcpWithdrew)?;
            fail_line(desk, before, "port_withdrawn", "the losing provider withdrew")
        }
        PortEvent::PortTimedOut { .. } => {
            withdraw(desk, before, &before.numbers(), WithdrawalReason::PortEnded)?;
            fail_line(desk, before, "port_timed_out", "nothing happened on the port for too long")
        }
        PortEvent::PortCancelled { why: PortCancellation::OrderEnded, .. } => Ok(()),
        PortEvent::PortCancelled { .. } => {
            withdraw(desk, before, &before.numbers(), WithdrawalReason::PortEnded)?;
            fail_line(desk, before, "port_cancelled", "the port was cancelled")
        }
        PortEvent::PortRestored { numbers, .. } => {
            withdraw(desk, before, numbers, WithdrawalReason::Restored)
        }
        _ => Ok(()),
    }
}

/// The port's line shows the date that stands from here on, also while a cancellation of the order is looked at.
fn date_line(desk: &mut Desk, port: &PortRequest, window: PortWindow) -> Result<(), Halt> {
    let asked = reads::request(port);
    let order = desk.existing::<Order>(asked.order)?;
    let Some(LineRequest::Port(line)) = order.line(asked.line).map(|line| &*line.request) else {
        return Ok(());
    };
    if line.window == window {
        return Ok(());
    }
    let request = LineRequest::Port(Box::new(PortLine { window, ..(**line).clone() }));
    on_line(desk, port, |line| OrderCommand::AmendLine { line, request: request.clone() })
}

/// Tells the order about the port's line, as long as the line is open.
fn on_line(
    desk: &mut Desk,
    port: &PortRequest,
    command: impl Fn(crate::order::line::LineNumber) -> OrderCommand,
) -> Result<(), Halt> {
    let order = desk.existing::<Order>(reads::request(port).order)?;
    let open = order.line(reads::request(port).line).is_some_and(crate::order::Line::is_open);
    if open {
        orders::tell(desk, reads::request(port).order, &command(reads::request(port).line))
    } else {
        Ok(())
    }
}

fn fail_line(desk: &mut Desk, port: &PortRequest, code: &str, detail: &str) -> Result<(), Halt> {
    let failure = LineFailure { code: code.to_owned(), detail: detail.to_owned() };
    on_line(desk, port, |line| OrderCommand::FailLine { line, failure: failure.clone() })
}

/// The company that has the numbers, if one was allocated or named.
fn company_of(port: &PortRequest) -> Option<CompanyId> {
    port.allocated().or(reads::request(port).company)
}

fn make_live(desk: &mut Desk, id: PortRequestId, port: &PortRequest, live: &NumberSet) -> Result<(), Halt> {
    let Some(company) = company_of(port) else { return Ok(()) };
    let fresh = reads::not_live_among(&*desk.existing::<Company>(company)?, live);
    if fresh.is_empty() {
        return Ok(());
    }
    desk.tell::<Company>(company, &CompanyCommand::MakeNumbersLive { port_request: id, numbers: fresh })?;
    Ok(())
}

/// Takes numbers away from whoever was allocated them; nobody may have been yet.
pub fn withdraw(
    desk: &mut Desk,
    port: &PortRequest,
    numbers: &NumberSet,
    why: WithdrawalReason,
) -> Result<(), Halt> {
    let Some(company) = port.allocated() else { return Ok(()) };
    let held: NumberSet = {
        let company = desk.existing::<Company>(company)?;
        numbers.iter().filter(|number| company.number(*number).is_some()).collect()
    };
    if held.is_empty() {
        return Ok(());
    }
    desk.tell::<Company>(company, &CompanyCommand::WithdrawNumbers { numbers: held, why })?;
    expire_if_only_numbers_kept_it(desk, company)
}

/// The existing site that the port line names.
fn site_of(desk: &mut Desk, port: &PortRequest) -> Result<Option<crate::ids::AssetId>, Halt> {
    let order = desk.existing::<Order>(reads::request(port).order)?;
    Ok(order.line(reads::request(port).line).and_then(|line| match &*line.request {
        LineRequest::Port(request) => request.site,
        _ => None,
    }))
}
