//! What the rules say against an action that the lifecycle permits: it is decided without effect.
//!
//! What takes more than its name cannot be decided before it is said in full. Of that, what speaks against it whatever is said
//! is found; the rest is found out by asking.

use orderwire_domain::{
    calendar::PortWindow,
    company::{Company, asset::AssetKind, commands::CompanyCommand, estate::AssetStage, holds::LegalHolds},
    decider::{Context, handle},
    ids::{CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, StreamId, WebhookId},
    joint::{self, Command, State},
    number_block::commands::BlockCommand,
    order::{
        Line, Order,
        commands::OrderCommand,
        line::{LineKind, LineStatus},
    },
    port_request::{
        PortRequest,
        commands::{PortChanges, PortCommand},
        events::PortCancellation,
    },
    reseller::{Reseller, commands::ResellerCommand},
    webhook::commands::WebhookCommand,
};

use super::{
    order_places,
    problem::{Error, Problem},
    rehearse,
};
use crate::engine::{Engine, Provenance};

/// Everything that speaks now against an action. Nothing happens. Where only one kind of asset is meant, it is named.
pub async fn against(
    engine: &Engine,
    provenance: &Provenance,
    (stream, state): (StreamId, &State),
    (name, asset): (&str, Option<AssetKind>),
) -> Result<Vec<Problem>, Error> {
    let command = match state {
        State::Order(_) => order(OrderId(stream.id), name),
        State::Company(_) => company(CompanyId(stream.id), name),
        State::PortRequest(_) => port(PortRequestId(stream.id), name),
        State::NumberBlock(_) => stock(NumberBlockId(stream.id), name),
        State::Reseller(_) => reseller(ResellerId(stream.id), name),
        State::Webhook(_) => webhook(WebhookId(stream.id), name),
    };
    if let Some(command) = command {
        let problems = rehearse::against(engine, provenance, &command).await?;
        return Ok(match state {
            State::Order(order) => order_places::in_order(problems, order),
            _ => problems,
        });
    }
    Ok(match state {
        State::Order(order) => against_lines(order, name).into_iter().collect(),
        State::Company(company) => match (name, company.reseller()) {
            ("reserve_numbers", Some(reseller)) => {
                let (_, reseller) = engine.load::<Reseller>(reseller).await?;
                joint::may_order(&reseller).map(Problem::from).into_iter().collect()
            }
            _ => against_having_none(company, name, asset).into_iter().collect(),
        },
        State::PortRequest(port) => {
            let context = Context { at: engine.now(), rules: engine.rules().clone() };
            against_port(port, name, &context)
        }
        State::NumberBlock(_) | State::Reseller(_) | State::Webhook(_) => Vec::new(),
    })
}

/// What an order is asked by no more than its name.
fn order(order: OrderId, action: &str) -> Option<Command> {
    let command = match action {
        "submit" => return Some(Command::Submit { order }),
        "discard" => OrderCommand::Discard,
        "request_cancellation" => OrderCommand::RequestCancellation { reason: None },
        "acknowledge" => OrderCommand::Acknowledge,
        "resume" => OrderCommand::Resume,
        _ => return None,
    };
    Some(Command::Order { order, command })
}

fn company(company: CompanyId, action: &str) -> Option<Command> {
    let command = match action {
        "extend_qualification" => CompanyCommand::ExtendQualification,
        "release" => CompanyCommand::Release,
        "cease" => CompanyCommand::Cease,
        "resume" => CompanyCommand::Resume,
        "erase" => CompanyCommand::Erase,
        _ => return None,
    };
    Some(Command::Company { company, command })
}

fn reseller(reseller: ResellerId, action: &str) -> Option<Command> {
    match action {
        "resume" => Some(Command::Reseller { reseller, command: ResellerCommand::Resume }),
        "close" => Some(Command::CloseReseller { reseller }),
        _ => None,
    }
}

fn stock(block: NumberBlockId, action: &str) -> Option<Command> {
    (action == "withdraw").then_some(Command::Block { block, command: BlockCommand::Withdraw })
}

fn webhook(webhook: WebhookId, action: &str) -> Option<Command> {
    let command = match action {
        "pause" => WebhookCommand::Pause,
        "resume_deliveries" => WebhookCommand::ResumeDeliveries,
        "delete" => WebhookCommand::Delete,
        _ => return None,
    };
    Some(Command::Webhook { webhook, command })
}

fn port(port_request: PortRequestId, action: &str) -> Option<Command> {
    let command = match action {
        "activate" => PortCommand::Activate,
        "retry_activation" => PortCommand::RetryActivation,
        "return_rest" => PortCommand::ReturnRest,
        "agree_date" => PortCommand::AgreeDate,
        "refuse_date" => PortCommand::RefuseDate,
        "cancel" => PortCommand::Cancel { why: PortCancellation::Requested },
        _ => return None,
    };
    Some(Command::Port { port_request, command })
}

/// That no line of the order is one that this could be asked of.
fn against_lines(order: &Order, action: &str) -> Option<Problem> {
    let status = |line: &Line| line.status();
    let fits: fn(&Line) -> bool = match action {
        "change_line" | "remove_line" => |_| true,
        "amend_line" => {
            |line| line.status() == LineStatus::Waiting || (line.kind() == LineKind::Port && line.is_open())
        }
        "complete_line" => |line| {
            let begun = matches!(line.status(), LineStatus::InProgress | LineStatus::Held);
            begun && line.kind() != LineKind::Port
        },
        "hold_line" => |line| line.status() == LineStatus::InProgress,
        "resume_line" => |line| line.status() == LineStatus::Held,
        "reach_milestone" => |line| {
            let begun = matches!(line.status(), LineStatus::InProgress | LineStatus::Held);
            begun && line.kind() != LineKind::Port && line.milestones.is_empty()
        },
        _ => return None,
    };
    if order.lines().any(|(_, line)| fits(line)) {
        return None;
    }
    let mut found: Vec<String> = order.lines().map(|(_, line)| status(line).to_string()).collect();
    found.sort_unstable();
    found.dedup();
    let detail = match found.as_slice() {
        [] => "the order has no line".to_owned(),
        found => format!("no line is one of which this could be asked; they are {}", found.join(", ")),
    };
    Some(Problem::new("/lines", "no_such_line", detail, "a line of which it can be asked"))
}

/// That the company has nothing of the kind that would be given up.
fn against_having_none(company: &Company, action: &str, asset: Option<AssetKind>) -> Option<Problem> {
    let none = |code, what: &str| {
        let expected = format!("{what} that it has");
        Some(Problem::new("", code, format!("the company has no {what}"), expected))
    };
    match action {
        "release_reservation" if company.estate().is_none_or(|it| it.reservations.is_empty()) => {
            none("reservation_unknown", "reservation")
        }
        "lift_legal_hold" if company.legal_holds().is_none_or(LegalHolds::is_empty) => {
            none("legal_hold_unknown", "legal hold")
        }
        "cease_numbers" if !company.has_numbers_in_service() => none("numbers_not_in_service", "number"),
        "remove_asset" => {
            let mut real = company.assets().filter(|(_, it)| it.stage == AssetStage::Real);
            if real.any(|(_, it)| asset.is_none_or(|kind| AssetKind::from(&it.plan) == kind)) {
                return None;
            }
            none("asset_unknown", &asset.map_or("asset", <&str>::from).replace('_', " "))
        }
        _ => None,
    }
}

/// What speaks against asking a port request for something, whatever company, date or change it would be.
fn against_port(port: &PortRequest, action: &str, context: &Context) -> Vec<Problem> {
    // Any will do: only what would be said of every other one too is kept.
    let any_window = || port.details().map(|details: &_| details.window);
    let window: Option<PortWindow> = port.confirmed_window().or_else(any_window);
    let (command, code) = match (action, window) {
        ("allocate", _) => {
            let company = CompanyId(uuid::Uuid::nil());
            (PortCommand::Allocate { company }, "port_allocated_before")
        }
        ("request_date", Some(window)) => (PortCommand::RequestDate { window }, "port_past_cut_off"),
        ("represent", _) => {
            (PortCommand::Represent { changes: PortChanges::default() }, "port_no_attempts_left")
        }
        _ => return Vec::new(),
    };
    let reasons = handle(port, &command, context).err().map_or_else(Vec::new, |refused| refused.reasons());
    reasons.into_iter().filter(|reason| reason.code == code).map(Problem::from).collect()
}
