//! What holds between aggregates at the end of every commit.

use std::collections::BTreeSet;

use orderwire::domain::{
    claim::{Claim, ClaimScope},
    company::{Company, estate::Holding},
    decider::Decider as _,
    ids::{CompanyId, OrderId, PortRequestId, ResellerId, StreamId},
    joint::State,
    order::{Order, OrderStatus, line::LineStatus},
    port_request::PortRequest,
    reseller::ResellerStatus,
};

use super::Audit;

/// Checks a stream that a commit has written.
pub fn check(audit: &Audit, stream: StreamId) {
    let (_, state) = &audit.states[&stream];
    assert_eq!(
        held(state, stream),
        stored(audit, stream, state),
        "{stream}: its state holds what its events took"
    );
    match state {
        State::Order(order) => {
            check_order(OrderId(stream.id), order);
            if let Some(company) = order.company() {
                check_pair(audit, OrderId(stream.id), order, company);
            }
            for (_, port) in order.port_requests() {
                check_port(audit, port);
            }
        }
        State::Company(company) => {
            for order in company.open_orders() {
                check_pair(audit, order, order_of(audit, order), CompanyId(stream.id));
            }
            if let Some(reseller) = company.reseller() {
                check_closed(audit, reseller);
            }
        }
        State::PortRequest(_) => check_port(audit, PortRequestId(stream.id)),
        State::Reseller(_) => check_closed(audit, ResellerId(stream.id)),
        State::NumberBlock(_) | State::Webhook(_) => {}
    }
}

/// Whoever is closed has no company that holds its name.
fn check_closed(audit: &Audit, reseller: ResellerId) {
    let Some((_, State::Reseller(state))) = audit.states.get(&reseller.stream()) else { return };
    if state.status() != ResellerStatus::Closed {
        return;
    }
    for (stream, (_, state)) in &audit.states {
        let State::Company(company) = state else { continue };
        let holds =
            company.held_claims(CompanyId(stream.id)).iter().any(|it| it.scope == ClaimScope::CompanyName);
        assert!(company.reseller() != Some(reseller) || !holds, "{reseller} is closed, {stream} is live");
    }
}

fn held(state: &State, stream: StreamId) -> BTreeSet<Claim> {
    match state {
        State::Order(order) => order.held_claims(OrderId(stream.id)),
        State::Company(company) => company.held_claims(CompanyId(stream.id)),
        State::PortRequest(port) => port.held_claims(PortRequestId(stream.id)),
        State::NumberBlock(block) => block.held_claims(),
        State::Reseller(reseller) => reseller.held_claims(),
        State::Webhook(webhook) => webhook.held_claims(),
    }
}

fn stored(audit: &Audit, stream: StreamId, state: &State) -> BTreeSet<Claim> {
    let mut stored = audit.held.get(&stream).cloned().unwrap_or_default();
    if let State::NumberBlock(_) = state {
        // Nothing keeps the messages of a block but their claims.
        stored.retain(|claim| claim.scope != ClaimScope::MessageId);
    }
    stored
}

fn order_of(audit: &Audit, order: OrderId) -> &Order {
    match audit.states.get(&order.stream()) {
        Some((_, State::Order(order))) => order,
        other => panic!("{order} is open for a company and is {other:?}"),
    }
}

fn company_of(audit: &Audit, company: CompanyId) -> &Company {
    match audit.states.get(&company.stream()) {
        Some((_, State::Company(company))) => company,
        other => panic!("{company} is {other:?}"),
    }
}

fn port_of(audit: &Audit, port: PortRequestId) -> &PortRequest {
    match audit.states.get(&port.stream()) {
        Some((_, State::PortRequest(port))) => port,
        other => panic!("{port} is {other:?}"),
    }
}

/// The order's end is what its lines add up to.
fn check_order(id: OrderId, order: &Order) {
    let statuses: BTreeSet<LineStatus> = order.lines().map(|(_, line)| line.status()).collect();
    let open = order.lines().filter(|(_, line)| line.is_open()).count();
    let has = |status| statuses.contains(&status);
    let only = |status| statuses == BTreeSet::from([status]);
    match order.status() {
        OrderStatus::Completed => assert!(only(LineStatus::Completed), "{id}: completed with {statuses:?}"),
        OrderStatus::Partial => {
            assert!(
                open == 0 && has(LineStatus::Completed) && statuses.len() > 1,
                "{id}: partial with {statuses:?}"
            );
        }
        OrderStatus::Failed => {
            assert!(
                open == 0 && has(LineStatus::Failed) && !has(LineStatus::Completed),
                "{id}: failed, {statuses:?}"
            );
        }
        OrderStatus::Cancelled => assert!(only(LineStatus::Cancelled), "{id}: cancelled with {statuses:?}"),
        OrderStatus::Rejected => assert!(!has(LineStatus::Completed), "{id}: rejected with {statuses:?}"),
        OrderStatus::New | OrderStatus::Draft | OrderStatus::Discarded => {}
        _ => assert!(open > 0, "{id}: {:?} and no line is open", order.status()),
    }
    for (number, line) in order.lines() {
        for parent in order.dependencies(number).iter().filter_map(|it| order.line(it.line)) {
            let gone = matches!(parent.status(), LineStatus::Failed | LineStatus::Cancelled);
            assert!(
                !(gone && line.status() == LineStatus::Waiting),
                "{id}: line {number} waits for what has ended"
            );
        }
    }
}

/// A company has an order exactly as long as that goes on, and holds nothing for lines that have ended.
fn check_pair(audit: &Audit, id: OrderId, order: &Order, company_id: CompanyId) {
    let company = company_of(audit, company_id);
    let submitted = !matches!(order.status(), OrderStatus::New | OrderStatus::Draft);
    let is_open = company.open_orders().any(|open| open == id);
    assert_eq!(is_open, submitted && !order.is_terminal(), "{id} is {:?} for {company_id}", order.status());
    for (number, held) in company.numbers() {
        if let Holding::Committed { order: holder, line, .. } = held.holding
            && holder == id
        {
            let open = order.line(line).is_some_and(orderwire::domain::order::Line::is_open);
            assert!(is_open && open, "{company_id} holds {number} for line {line} of {id}");
        }
    }
    for (asset, planned) in company.assets().filter(|(_, asset)| asset.order == id) {
        use orderwire::domain::company::estate::AssetStage;
        let status = order.line(planned.line).map(orderwire::domain::order::Line::status);
        match planned.stage {
            AssetStage::Planned => {
                let open = order.line(planned.line).is_some_and(orderwire::domain::order::Line::is_open);
                assert!(
                    is_open && open,
                    "{company_id} plans {asset} for line {} of {id}: {status:?}",
                    planned.line
                );
            }
            AssetStage::Real => assert_eq!(status, Some(LineStatus::Completed), "{asset} is real"),
        }
    }
}

/// A port request goes on exactly as long as its line, and its company has its numbers as the request says.
fn check_port(audit: &Audit, id: PortRequestId) {
    let port = port_of(audit, id);
    let request = port.request().expect("a port request asks for something");
    let order = order_of(audit, request.order);
    let line = order.line(request.line).expect("a port request has a line");
    let status: &str = port.status().into();
    assert_eq!(
        line.is_open() && !order.is_terminal(),
        port.is_open(),
        "{id} is {status}, its line {:?}",
        line.status()
    );
    let works_here = port.live_numbers();
    if let Some(company) = port.allocated() {
        let company = company_of(audit, company);
        for number in request.numbers.iter() {
            use orderwire::domain::company::estate::Origin;
            let origin = company.number(number).map(|held| held.origin);
            let has = matches!(origin, Some(Origin::Ported { port_request, .. }) if port_request == id);
            let works =
                matches!(origin, Some(Origin::Ported { port_request, live: true }) if port_request == id);
            assert_eq!(works, works_here.contains(number), "{id} is {status}: whether {number} works");
            assert_eq!(
                has,
                port.is_open() || works_here.contains(number),
                "{id} is {status}: whether {number} is had"
            );
        }
    }
}
