//! What the carrier itself has to do next about an order: a pure function of what is known.
//!
//! Work of outside systems is not here: provisioning, losing providers, range holders and the network answer with their
//! own commands.

use super::{Command, reads};
use crate::{
    company::Company,
    decider::Decider as _,
    ids::{CompanyId, OrderId, PortRequestId},
    order::{
        Order, OrderStatus,
        commands::OrderCommand,
        line::{LineKind, LineNumber, LineStatus},
    },
    port_request::{PortRequest, commands::PortCommand},
};

/// One thing to do, with the line that fails if the command is refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Todo {
    /// What to do.
    pub command: Command,
    /// The line it is done for.
    pub line: Option<LineNumber>,
}

/// Everything that can be done now, in order. `company` is the order's own, if it names one.
pub fn todo(
    id: OrderId,
    order: &Order,
    company: Option<&Company>,
    ports: &[(PortRequestId, &PortRequest)],
) -> Vec<Todo> {
    let of_order = |command| Command::Order { order: id, command };
    match order.status() {
        OrderStatus::Submitted => vec![Todo { command: of_order(OrderCommand::Acknowledge), line: None }],
        OrderStatus::Acknowledged | OrderStatus::InProgress => {
            let in_service = company.is_some_and(reads::is_in_service);
            let ready = order.ready_lines().into_iter().filter(|line| in_service || !adds(order, *line));
            let started = ready
                .map(|line| Todo { command: of_order(OrderCommand::StartLine { line }), line: Some(line) });
            let given_up = company.into_iter().flat_map(|company| give_up(id, order, company));
            given_up
                .chain(started)
                .chain(complete_own(id, order))
                .chain(allocate(order.company(), ports))
                .collect()
        }
        OrderStatus::Pending | OrderStatus::Held => allocate(order.company(), ports).collect(),
        OrderStatus::AssessingCancellation => {
            vec![Todo { command: Command::AnswerCancellation { order: id }, line: None }]
        }
        OrderStatus::PendingCancellation => order
            .open_lines()
            .into_iter()
            .map(|line| Todo { command: of_order(OrderCommand::CancelLine { line }), line: None })
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the line adds to the company. It waits for the company itself then, whichever order brings that.
fn adds(order: &Order, line: LineNumber) -> bool {
    order.line(line).is_some_and(|line| line.kind().makes_asset())
}

/// What waits for a company that no order brings any more fails, and what waits on that is cancelled with it.
fn give_up(id: OrderId, order: &Order, company: &Company) -> Vec<Todo> {
    if reads::is_in_service(company) || reads::is_coming(company) {
        return Vec::new();
    }
    let waits = |line: LineNumber| order.line(line).is_some_and(|line| line.status() == LineStatus::Waiting);
    let first = |line: &LineNumber| !order.dependencies(*line).iter().any(|on| adds(order, on.line));
    let given_up =
        order.open_lines().into_iter().filter(|line| waits(*line) && adds(order, *line)).filter(first);
    given_up.map(|line| Todo { command: Command::GiveUpLine { order: id, line }, line: None }).collect()
}

/// Lines that need no outside system are done as soon as they are started.
fn complete_own(id: OrderId, order: &Order) -> impl Iterator<Item = Todo> {
    let own =
        order.lines().filter(|(_, line)| line.status() == LineStatus::InProgress && is_own_work(line.kind()));
    own.map(move |(line, _)| Todo {
        command: Command::Order { order: id, command: OrderCommand::CompleteLine { line } },
        line: Some(line),
    })
}

/// Whether the carrier's order core does this kind of line itself.
pub fn is_own_work(kind: LineKind) -> bool {
    matches!(kind, LineKind::Company | LineKind::Numbers)
}

/// An accepted port goes to the company that its order names.
fn allocate(
    company: Option<CompanyId>,
    ports: &[(PortRequestId, &PortRequest)],
) -> impl Iterator<Item = Todo> {
    let waiting = ports.iter().filter(|(_, port)| reads::may_be_allocated(port));
    waiting.filter_map(move |(id, port)| {
        Some(Todo {
            command: Command::Port {
                port_request: *id,
                command: PortCommand::Allocate { company: company? },
            },
            line: Some(reads::request(port).line),
        })
    })
}
