//! The state machine of an order: wishes that make sense more often than chance would have it.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::select;
use strum::VariantArray;

use super::{
    model::OrderModel,
    requests::{
        add_on, asset_of, company_line, create, device, emergency, failure, line, numbers, numbers_for,
        old_site, pbx, port, port_request_of, sealed, site, trunk, user,
    },
};
use crate::{
    order::{
        Order, OrderStatus,
        commands::{OrderAction, OrderCommand},
        line::{LineKind, LineNumber, LineRequest, Milestone, Parent},
    },
    refusal::Reason,
    testing::machine::{Model, Said, Wish},
};

/// What somebody chooses, before it is known what the order looks like.
#[derive(Clone, Copy, Debug)]
struct Choice {
    action: OrderAction,
    /// On which line, where it is about one.
    line: u32,
    /// Which of a few variants.
    variant: u8,
}

impl Model for OrderModel {
    type Of = Order;

    fn begin() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn wishes(&self, now: DateTime<Utc>) -> BoxedStrategy<Wish<Self>> {
        let model = self.clone();
        let action = prop_oneof![3 => select(self.suggested()), 1 => select(OrderAction::VARIANTS)];
        let last = self.lines.last_key_value().map_or(1, |(line, _)| *line);
        let hours = prop_oneof![2 => Just(0i64), 7 => 0i64..48, 1 => Just(91 * 24)];
        (action, 1..=last + 1, 0u8..8, hours)
            .prop_map(move |(action, line, variant, hours)| {
                // An hour too early, where it is a timer's, or an hour too late.
                let due = model.timers().first().map(|(due, _)| *due).filter(|_| is_timer(action));
                let around = due.map(|due| due + TimeDelta::hours(hours % 3 - 1));
                let at = around.unwrap_or(now + TimeDelta::hours(hours)).max(now);
                (at, Choice { action, line, variant }.command(&model, at))
            })
            .boxed()
    }

    fn hear(&mut self, command: &OrderCommand, at: DateTime<Utc>) -> Said {
        Said::done(self.step(command, at))
    }

    fn timers(&self) -> Vec<Wish<Self>> {
        let command = match self.status {
            OrderStatus::Draft => OrderCommand::DiscardUntouched,
            OrderStatus::Pending => OrderCommand::InformationDeadlinePasses,
            _ => return vec![],
        };
        self.due().into_iter().map(|due| (due, command.clone())).collect()
    }
}

fn is_timer(action: OrderAction) -> bool {
    matches!(action, OrderAction::DiscardUntouched | OrderAction::InformationDeadlinePasses)
}

impl OrderModel {
    /// What somebody would do next, so that the walk gets somewhere.
    fn suggested(&self) -> Vec<OrderAction> {
        use OrderAction as A;
        let begun = [A::CompleteLine, A::FailLine, A::ReachMilestone, A::HoldLine, A::ResumeLine];
        let with = |more: &[OrderAction]| [&begun[..], more].concat();
        match self.status {
            OrderStatus::New => vec![A::Create],
            OrderStatus::Draft => vec![A::Submit, A::Submit, A::AddLine, A::ChangeLine, A::RemoveLine],
            OrderStatus::Submitted => vec![A::Acknowledge, A::Acknowledge, A::Acknowledge, A::AmendLine],
            OrderStatus::Acknowledged | OrderStatus::InProgress => with(&[
                A::StartLine,
                A::StartLine,
                A::StartLine,
                A::AmendLine,
                A::Hold,
                A::RequireInformation,
                A::RequestCancellation,
            ]),
            OrderStatus::Held => with(&[A::Resume, A::AmendLine, A::RequestCancellation]),
            OrderStatus::Pending => with(&[
                A::ProvideInformation,
                A::InformationDeadlinePasses,
                A::AmendLine,
                A::RequestCancellation,
            ]),
            OrderStatus::AssessingCancellation => with(&[A::AcceptCancellation, A::RefuseCancellation]),
            OrderStatus::PendingCancellation => with(&[A::CancelLine, A::CancelLine]),
            _ => OrderAction::VARIANTS.to_vec(),
        }
    }
}

/// The lines of an order of one of six shapes; the last is not sound.
pub fn shape(variant: u8) -> Vec<LineRequest> {
    match variant % 6 {
        0 => vec![company_line(), numbers(2), site(&[2]), user(line(3), Some(2)), device(line(4))],
        1 => vec![port(1), site(&[1]), user(line(2), Some(1)), add_on(line(3)), emergency(line(2))],
        2 => vec![company_line(), numbers(2), port(1), site(&[2, 3]), pbx(line(4)), trunk(line(5))],
        3 => vec![port(1), port(2)],
        4 => vec![numbers_for(old_site()), user(Parent::Asset(old_site()), Some(1)), device(line(2))],
        _ => vec![user(line(1), None), company_line(), company_line(), site(&[9])],
    }
}

fn request(choice: Choice) -> LineRequest {
    match choice.variant {
        0 => port(choice.line),
        1 => numbers(choice.line),
        2 => site(&[choice.line]),
        3 => user(line(choice.line), Some(2)),
        4 => user(line(3), None),
        5 => company_line(),
        6 => device(line(choice.line)),
        _ => site(&[]),
    }
}

impl Choice {
    /// The choice as a command, fitted to the order as the model has it.
    fn command(self, model: &OrderModel, at: DateTime<Utc>) -> OrderCommand {
        let line = LineNumber(self.line);
        let reason = || sealed("reason");
        let odd = self.variant == 7;
        match self.action {
            OrderAction::Create => create(shape(self.variant)),
            OrderAction::AddLine => OrderCommand::AddLine { request: request(self) },
            OrderAction::ChangeLine => OrderCommand::ChangeLine { line, request: request(self) },
            OrderAction::RemoveLine => OrderCommand::RemoveLine { line },
            OrderAction::Discard => OrderCommand::Discard,
            OrderAction::DiscardUntouched => OrderCommand::DiscardUntouched,
            OrderAction::Submit => submit(model, odd),
            OrderAction::Acknowledge => OrderCommand::Acknowledge,
            OrderAction::Reject => OrderCommand::Reject { reasons: reasons(usize::from(!odd)) },
            OrderAction::StartLine => OrderCommand::StartLine { line },
            OrderAction::ReachMilestone => {
                let milestone = Milestone::VARIANTS[usize::from(self.variant) % Milestone::VARIANTS.len()];
                OrderCommand::ReachMilestone { line, milestone }
            }
            OrderAction::HoldLine => OrderCommand::HoldLine { line, reason: reason() },
            OrderAction::ResumeLine => OrderCommand::ResumeLine { line },
            OrderAction::CompleteLine => OrderCommand::CompleteLine { line },
            OrderAction::FailLine => OrderCommand::FailLine { line, failure: failure() },
            OrderAction::CancelLine => OrderCommand::CancelLine { line },
            OrderAction::AmendLine => OrderCommand::AmendLine { line, request: request(self) },
            OrderAction::RequireInformation => {
                let deadline = at + TimeDelta::days(i64::from(!odd));
                OrderCommand::RequireInformation { question: reason(), deadline: Some(deadline) }
            }
            OrderAction::ProvideInformation => OrderCommand::ProvideInformation { answer: reason() },
            OrderAction::InformationDeadlinePasses => OrderCommand::InformationDeadlinePasses,
            OrderAction::Hold => OrderCommand::Hold { reason: reason() },
            OrderAction::Resume => OrderCommand::Resume,
            OrderAction::RequestCancellation => OrderCommand::RequestCancellation { reason: None },
            OrderAction::AcceptCancellation => {
                let ports_past_cut_off = if odd { vec![line] } else { Vec::new() };
                OrderCommand::AcceptCancellation { ports_past_cut_off }
            }
            OrderAction::RefuseCancellation => {
                OrderCommand::RefuseCancellation { lines: if odd { Vec::new() } else { vec![line] } }
            }
        }
    }
}

/// A submit that names every line it must, or one too many.
pub fn submit(model: &OrderModel, one_too_many: bool) -> OrderCommand {
    let lines = |wanted: &dyn Fn(LineKind) -> bool| -> Vec<u32> {
        let lines = model.lines.iter().filter(|(_, line)| wanted((&line.request).into()));
        lines.map(|(line, _)| *line).collect()
    };
    let makes_none = [LineKind::Company, LineKind::Numbers, LineKind::Port];
    let assets = lines(&|kind| !makes_none.contains(&kind));
    let mut assets: Vec<_> = assets.into_iter().map(|line| (LineNumber(line), asset_of(line))).collect();
    if one_too_many {
        assets.push((LineNumber(99), asset_of(99)));
    }
    let ports = lines(&|kind| kind == LineKind::Port);
    let port_requests = ports.into_iter().map(|line| (LineNumber(line), port_request_of(line))).collect();
    OrderCommand::Submit { assets, port_requests }
}

/// So many reasons.
pub fn reasons(count: usize) -> Vec<Reason> {
    let reason = Reason {
        code: "credit".to_owned(),
        subject: None,
        detail: "the account is closed".to_owned(),
        expected: None,
    };
    vec![reason; count]
}
