//! Tests of the order: each guard by name, every reachable state of small orders, and random walks beside the model.

mod guards;
mod endings;
mod explored;
mod walks;
mod large;

use super::{
    Order,
    commands::OrderCommand,
    events::OrderEvent,
    line::{LineNumber, LineRequest},
};
use crate::testing::{
    order::{
        model::OrderModel,
        requests::{create, failure},
        walk::submit,
    },
    scenario::{Given, given, moment},
};

/// An order with these lines, as a draft.
fn draft(lines: Vec<LineRequest>) -> Given<Order> {
    given::<Order>([]).when(&create(lines)).accepted()
}

/// An order with these lines, submitted.
fn submitted(lines: Vec<LineRequest>) -> Given<Order> {
    let command = create(lines);
    let mut model = OrderModel::default();
    model.step(&command, moment("2026-06-01T10:00:00Z"));
    given::<Order>([]).when(&command).accepted().when(&submit(&model, false)).accepted()
}

/// An order with these lines, acknowledged.
fn acknowledged(lines: Vec<LineRequest>) -> Given<Order> {
    submitted(lines).when(&OrderCommand::Acknowledge).accepted()
}

fn started(line: u32) -> OrderEvent {
    OrderEvent::LineStarted { line: LineNumber(line) }
}

fn cancelled_with(line: u32, because_of: u32) -> OrderEvent {
    OrderEvent::LineCancelled { line: LineNumber(line), because_of: Some(LineNumber(because_of)) }
}

fn start(line: u32) -> OrderCommand {
    OrderCommand::StartLine { line: LineNumber(line) }
}

fn complete(line: u32) -> OrderCommand {
    OrderCommand::CompleteLine { line: LineNumber(line) }
}

fn fail(line: u32) -> OrderCommand {
    OrderCommand::FailLine { line: LineNumber(line), failure: failure() }
}

fn cancel(line: u32) -> OrderCommand {
    OrderCommand::CancelLine { line: LineNumber(line) }
}

fn failed(line: u32) -> OrderEvent {
    OrderEvent::LineFailed { line: LineNumber(line), failure: failure() }
}

impl Given<Order> {
    /// One accepted command after the other.
    fn after<'a>(&self, commands: impl IntoIterator<Item = &'a OrderCommand>) -> Self {
        commands.into_iter().fold(self.clone(), |given, command| given.when(command).accepted())
    }
}
