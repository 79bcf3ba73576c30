//! Where a resource is, and what may be asked of it there: read off its lifecycle table, which also knows what would have to
//! happen first; and for what takes no more than its name, what the rules say now, for the decider is asked without effect.
//!
//! Deliberately absent: what more than one aggregate decides. Whether a draft can really be submitted is found out by
//! submitting it.

use orderwire_domain::{
    decider::{Context, Decider, handle},
    joint::State,
    lifecycle::{Step, Word},
    order::commands::OrderCommand,
    port_request::{commands::PortCommand, events::PortCancellation},
    refusal::Reason,
};
use strum::VariantArray as _;

use crate::edge::keys::Role;

/// What a reseller can ask for over HTTP. Everything else in the tables is done by the carrier, by those it works with, or
/// by timers.
const FOR_RESELLERS: &[&str] = &[
    // orders
    "add_line",
    "change_line",
    "remove_line",
    "discard",
    "submit",
    "amend_line",
    "provide_information",
    "request_cancellation",
    // companies
    "extend_qualification",
    "release",
    "reserve_numbers",
    "release_reservation",
    "remove_asset",
    "cease_numbers",
    // port requests
    "represent",
    "agree_date",
    "refuse_date",
    "allocate",
    "request_date",
    "activate",
    "retry_activation",
    "return_rest",
    "cancel",
    // webhooks
    "update",
    "rotate_secret",
    "pause",
    "resume_deliveries",
    "replay",
    "delete",
];

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlock {
    /// What somebody does.
    pub action: &'static str,
    /// The event by which it is known.
    pub event: &'static str,
    /// Where the resource is then.
    pub to: &'static str,
}

/// The status, and the names of what may be asked for.
pub fn of(state: &State, role: Role) -> (&'static str, Vec<String>) {
    let (status, actions) = all(state, role);
    let open = actions.into_iter().filter(|action| action.open);
    (status, open.map(|action| action.name.to_owned()).collect())
}

/// The status, and everything that could be asked for.
pub fn all(state: &State, role: Role) -> (&'static str, Vec<Action>) {
    match state {
        State::Order(order) => table(&**order, role),
        State::Company(company) => table(&**company, role),
        State::PortRequest(port) => table(&**port, role),
        State::NumberBlock(block) => table(&**block, role),
        State::Reseller(reseller) => table(&**reseller, role),
        State::Webhook(webhook) => table(&**webhook, role),
    }
}

fn table<D: Decider>(state: &D, role: Role) -> (&'static str, Vec<Action>)
where
    D::Action: Word,
{
    let status = state.status();
    let asked = |name: &str| role != Role::Reseller || FOR_RESELLERS.contains(&name);
    let unlock = |step: Step<D::Status, D::Action, D::EventKind>| Unlock {
        action: step.action.into(),
        event: step.event.into(),
        to: step.to.into(),
    };
    let action = |action: &D::Action| {
        let name: &'static str = (*action).into();
        let from = D::Status::VARIANTS.iter().filter(|from| D::LIFECYCLE.permits(**from, *action));
        let way = D::LIFECYCLE.way(status, *action);
        asked(name).then(|| Action {
            name,
            open: D::LIFECYCLE.permits(status, *action),
            from: from.map(|from| (*from).into()).collect(),
            way: way.map(|way| way.into_iter().map(unlock).collect()),
        })
    };
    (status.into(), D::Action::VARIANTS.iter().filter_map(action).collect())
}

/// What the rules say against an action that takes no more than its name. Nothing happens.
pub fn against(state: &State, action: &str, context: &Context) -> Vec<Reason> {
    match (state, action) {
        (State::Order(order), "discard") => reasons(&**order, &OrderCommand::Discard, context),
        (State::Order(order), "request_cancellation") => {
            reasons(&**order, &OrderCommand::RequestCancellation { reason: None }, context)
        }
        (State::PortRequest(port), _) => match action {
            "activate" => reasons(&**port, &PortCommand::Activate, context),
            "retry_activation" => reasons(&**port, &PortCommand::RetryActivation, context),
            "return_rest" => reasons(&**port, &PortCommand::ReturnRest, context),
            "agree_date" => reasons(&**port, &PortCommand::AgreeDate, context),
            "refuse_date" => reasons(&**port, &PortCommand::RefuseDate, context),
            "cancel" => reasons(&**port, &PortCommand::Cancel { why: PortCancellation::Requested }, context),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn reasons<D: Decider>(state: &D, command: &D::Command, context: &Context) -> Vec<Reason> {
    handle(state, command, context).err().map_or_else(Vec::new, |refused| refused.reasons())
}
