//! Where a resource is, and what may be asked of it there: read off its lifecycle table, which also knows what would have to
//! happen first; and what the rules say now, for what is asked is decided without effect.
//!
//! What takes more than its name cannot be decided before it is said in full. Of that, what speaks against it whatever is said
//! is found; the rest is found out by asking. Deliberately absent: who may ask, and where.

use orderwire_domain::{
    calendar::PortWindow,
    company::{Company, asset::AssetKind, commands::CompanyCommand, estate::AssetStage},
    decider::{Context, Decider, handle},
    ids::{CompanyId, OrderId, PortRequestId, StreamId},
    joint::{Command, State},
    lifecycle::{Step, Word},
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
};
use serde::Serialize;
use strum::VariantArray as _;

use super::{
    order_places,
    problem::{Error, Problem},
    rehearse,
};
use crate::engine::{Engine, Provenance};

/// One thing that could be asked of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// Whether the lifecycle lets it be asked for where the resource is now.
    pub open: bool,
    /// Where it could be asked for.
    pub from: Vec<&'static str>,
    /// What would have to happen before, in order; none where it never can be asked for.
    pub way: Option<Vec<Unlock>>,
}

/// One step towards where an action could be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unlock {
    /// What somebody does.
    pub action: &'static str,
    /// The event by which it is known.
    pub event: &'static str,
    /// Where the resource is then.
    pub to: &'static str,
}

/// Everything that could be asked of it, by anybody, in the order of the lifecycle.
pub fn actions(state: &State) -> Vec<Action> {
    match state {
        State::Order(order) => table(&**order),
        State::Company(company) => table(&**company),
        State::PortRequest(port) => table(&**port),
        State::NumberBlock(block) => table(&**block),
        State::Reseller(reseller) => table(&**reseller),
        State::Webhook(webhook) => table(&**webhook),
    }
}

fn table<D: Decider>(state: &D) -> Vec<Action>
where
    D::Action: Word,
{
    let status = state.status();
    let unlock = |step: Step<D::Status, D::Action, D::EventKind>| Unlock {
        action: step.action.into(),
        event: step.event.into(),
        to: step.to.into(),
    };
    let action = |action: &D::Action| {
        let action = *action;
        let from = D::Status::VARIANTS.iter().filter(|from| D::LIFECYCLE.permits(**from, action));
        Action {
            name: action.into(),
            open: D::LIFECYCLE.permits(status, action),
            from: from.map(|from| (*from).into()).collect(),
            way: D::LIFECYCLE.way(status, action).map(|way| way.into_iter().map(unlock).collect()),
        }
    };
    D::Action::VARIANTS.iter().map(action).collect()
}

/// That the resource is not where this can be asked of it.
pub fn elsewhere(action: &Action, what: &str, status: &str) -> Problem {
    let expected = if action.from.is_empty() { "nothing".to_owned() } else { action.from.join(", ") };
    Problem::new("", "not_permitted", format!("the {what} is {status}"), expected)
}

/// What the rules say now against an action that the lifecycle permits. Nothing happens. Where only one kind of asset is
/// meant, it is named.
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
        State::NumberBlock(_) | State::Reseller(_) | State::Webhook(_) => None,
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
        State::Company(company) => against_having_none(company, name, asset).into_iter().collect(),
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
        _ => return None,
    };
    Some(Command::Company { company, command })
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
