//! Every order comes to an end, whatever went before: outside systems say their last word, time passes, and the carrier does
//! what is left for it to do.

use chrono::TimeDelta;
use orderwire::domain::{
    company::{Company, CompanyStatus},
    decider::Decider as _,
    ids::{OrderId, PortRequestId},
    joint::{Command, is_own_work},
    order::{
        Order, OrderStatus,
        commands::OrderCommand,
        line::{LineFailure, LineKind, LineStatus},
    },
    port_request::{PortRequest, PortStatus, commands::PortCommand},
};

use super::carrier::Carrier;

/// How often the outside is asked for its last word. A line that failed may let another start; no order nests deeper.
const ROUNDS: u32 = 6;
/// How long it then takes: longer than a port may wait, and together longer than any qualification.
const ROUND_DAYS: i64 = 40;

/// Lets everything end, and checks that it does.
pub async fn let_everything_end(carrier: &mut Carrier) {
    for round in 0..ROUNDS {
        carrier.world.settle().await;
        for order in carrier.orders.clone().into_values() {
            last_words(carrier, order).await;
        }
        for port in ports(carrier).await {
            let state = carrier.world.state::<PortRequest>(port).await;
            let message = format!("last-{round}").parse().unwrap();
            let command = match state.status() {
                PortStatus::Activating => PortCommand::NetworkReport { message, live: state.numbers() },
                PortStatus::PartiallyPorted => PortCommand::ReturnRest,
                _ => continue,
            };
            carrier.ask(&Command::Port { port_request: port, command }).await.ok();
        }
        carrier.world.sleep(TimeDelta::days(ROUND_DAYS)).await;
        carrier.audit.follow(&carrier.world.engine).await;
    }
    for order in carrier.orders.values() {
        let state = carrier.world.state::<Order>(*order).await;
        let lines: Vec<_> = state.lines().map(|(_, line)| (line.kind(), line.status())).collect();
        assert!(state.is_terminal(), "{order} is {} for ever: {lines:?}", state.status());
    }
    for company in carrier.companies.values() {
        let state = carrier.world.state::<Company>(*company).await;
        let stays = match state.status() {
            CompanyStatus::Ordered => false,
            CompanyStatus::Qualified => state.has_numbers_in_service(),
            _ => true,
        };
        assert!(stays, "{company} is {} for ever", state.status());
    }
}

/// Every port of every order.
async fn ports(carrier: &Carrier) -> Vec<PortRequestId> {
    let mut ports = vec![];
    for order in carrier.orders.values() {
        ports.extend(carrier.world.state::<Order>(*order).await.port_requests().map(|(_, port)| port));
    }
    ports
}

/// What holds the order up is over: it is resumed, and whatever an outside system works on cannot be done.
async fn last_words(carrier: &mut Carrier, order: OrderId) {
    let state = carrier.world.state::<Order>(order).await;
    let mut words = Vec::new();
    if state.status() == OrderStatus::Held {
        words.push(OrderCommand::Resume);
    }
    for (line, at) in state.lines() {
        let outside = at.kind() != LineKind::Port && !is_own_work(at.kind());
        match at.status() {
            LineStatus::Held => words.push(OrderCommand::ResumeLine { line }),
            LineStatus::InProgress if outside => {
                let failure = LineFailure { code: "no_power".into(), detail: "no power at the site".into() };
                words.push(OrderCommand::FailLine { line, failure });
            }
            _ => {}
        }
    }
    for command in words {
        carrier.ask(&Command::Order { order, command }).await.ok();
    }
}
