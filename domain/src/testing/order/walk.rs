//! Random walks: wishes that make sense more often than chance would have it.

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
        commands::{OrderAction, OrderCommand},
        line::{LineKind, LineNumber, LineRequest, Milestone, Parent},
    },
    refusal::Reason,
};

/// What somebody wishes, before it is known what the order looks like.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Which command.
    pub action: OrderAction,
    /// On which line, where it is about one.
    pub line: u32,
    /// Which of a few variants.
    pub variant: u8,
    /// How long after the wish before.
    pub hours: u16,
}

/// A walk of so many wishes, the first of which mostly place an order.
pub fn a_walk(length: usize) -> impl Strategy<Value = Vec<Wish>> {
    let beginning = (0u8..6, 0u8..8).prop_map(|(shape, variant)| {
        let at_once = |action, variant| Wish { action, line: 1, variant, hours: 0 };
        vec![
            at_once(OrderAction::Create, shape),
            at_once(OrderAction::Submit, variant),
            at_once(OrderAction::Acknowledge, variant),
        ]
    });
    let beginning = prop_oneof![4 => beginning, 1 => Just(Vec::new())];
    (beginning, prop::collection::vec(a_wish(), length)).prop_map(|(mut beginning, walk)| {
        beginning.extend(walk);
        beginning
    })
}

fn a_wish() -> impl Strategy<Value = Wish> {
    use OrderAction::{CompleteLine, FailLine, ReachMilestone, StartLine};
    let action = prop_oneof![
        3 => select(&[StartLine, StartLine, CompleteLine, ReachMilestone, FailLine][..]),
        2 => select(OrderAction::VARIANTS),
    ];
    let hours = prop_oneof![9 => 0u16..48, 1 => Just(91 * 24)];
    (action, 1u32..9, 0u8..8, hours).prop_map(|(action, line, variant, hours)| Wish {
        action,
        line,
        variant,
        hours,
    })
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

fn request(wish: Wish) -> LineRequest {
    match wish.variant {
        0 => port(wish.line),
        1 => numbers(wish.line),
        2 => site(&[wish.line]),
        3 => user(line(wish.line), Some(2)),
        4 => user(line(3), None),
        5 => company_line(),
        6 => device(line(wish.line)),
        _ => site(&[]),
    }
}

impl Wish {
    /// The wish as a command, fitted to the order as the model has it.
    pub fn command(self, model: &OrderModel, at: DateTime<Utc>) -> OrderCommand {
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
