//! Where a resource is, and what may be asked of it there: read off its lifecycle table, which also knows what would have to
//! happen first, and of the rules, which are asked without effect ([`action_rules`](super::action_rules)).
//!
//! A list of actions and a problem say the same, for both are drawn from here.

use orderwire_domain::{
    company::{Company, commands::CompanyAction},
    decider::Decider,
    ids::{AggregateKind, ResellerId, StreamId},
    joint::State,
    lifecycle::{Step, Word},
    port_request::{PortRequest, commands::PortAction},
    reseller::{Reseller, commands::ResellerAction},
};
use strum::VariantArray as _;

use super::{
    action_operations::{self, By, Operation},
    action_rules,
    problem::Fault,
};
use crate::{
    edge::{self, keys::Role},
    engine::{Engine, Provenance},
};

/// Where a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its status.
    pub status: &'static str,
    /// Everything that could be asked of it.
    pub actions: Vec<Action>,
}

/// One thing that could be asked of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// Where it is asked for.
    pub operation: Operation,
    /// What speaks against it: the lifecycle, or every rule. Nothing where it is open.
    pub rules: Vec<Fault>,
    /// Where it could be asked for.
    pub from: Vec<&'static str>,
    /// What would have to happen before, in order; none where it never can be asked for.
    pub way: Option<Vec<Unlock>>,
}

/// One step towards where an action could be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlock {
    /// What is done.
    pub action: &'static str,
    /// Who does it.
    pub by: By,
    /// Where it is asked for, if it is.
    pub operation: Option<Operation>,
    /// The event by which it is known.
    pub event: &'static str,
    /// Where that which it is done to is then.
    pub to: &'static str,
}

impl Standing {
    /// Of a resource, as somebody may ask.
    pub async fn of(
        engine: &Engine,
        provenance: &Provenance,
        role: Role,
        stream: StreamId,
    ) -> Result<Self, edge::Error> {
        let (_, state) = engine.state(stream).await?;
        let Table { status, mut actions } = table_of(&state, role);
        for action in actions.iter_mut().filter(|action| action.rules.is_empty()) {
            let against =
                action_rules::against(engine, provenance, (stream, &state), action.name, &action.operation)
                    .await?;
            action.way = led_by_rules(engine, &state, &against).await?;
            action.rules = against.into_iter().map(rule).collect();
        }
        Ok(Self { status, actions })
    }

    /// The names of what may be asked for.
    pub fn open(&self) -> Vec<String> {
        let open = self.actions.iter().filter(|action| action.rules.is_empty());
        let mut open: Vec<String> = open.map(|action| action.name.to_owned()).collect();
        // What several operations ask for is named once; they stand side by side.
        open.dedup();
        open
    }
}

/// What the lifecycle alone says.
struct Table {
    status: &'static str,
    actions: Vec<Action>,
}

fn table_of(state: &State, role: Role) -> Table {
    match state {
        State::Order(order) => table(&**order, role),
        State::Company(company) => table(&**company, role),
        State::PortRequest(port) => table(&**port, role),
        State::NumberBlock(block) => table(&**block, role),
        State::Reseller(reseller) => table(&**reseller, role),
        State::Webhook(webhook) => table(&**webhook, role),
    }
}

fn table<D: Decider>(state: &D, role: Role) -> Table
where
    D::Action: Word,
{
    let status = state.status();
    let action = |(name, operation): (&'static str, Operation)| {
        let action =
            D::Action::VARIANTS.iter().copied().find(|action| Into::<&str>::into(*action) == name)?;
        let from = D::Status::VARIANTS.iter().filter(|from| D::LIFECYCLE.permits(**from, action));
        let from: Vec<&str> = from.map(|from| (*from).into()).collect();
        let elsewhere = || elsewhere(D::KIND, status.into(), &from);
        let rules = if D::LIFECYCLE.permits(status, action) { Vec::new() } else { vec![elsewhere()] };
        Some(Action { name, operation, rules, from, way: way(state, action) })
    };
    Table {
        status: status.into(),
        actions: action_operations::of(D::KIND, role).filter_map(action).collect(),
    }
}

/// That the resource is not where this can be asked of it.
fn elsewhere(kind: AggregateKind, status: &str, from: &[&str]) -> Fault {
    Fault {
        pointer: String::new(),
        parameter: None,
        code: "not_permitted".to_owned(),
        detail: format!("the {} is {status}", kind.word().replace('_', " ")),
        expected: Some(from.join(", ")),
        line: None,
    }
}

/// A rule. What the lifecycle of something beside the resource does not permit is said in words of that; who is to change it
/// is in the way.
fn rule(problem: edge::Problem) -> Fault {
    let beside = problem.code == "not_permitted";
    let mut fault = Fault::from(problem);
    if beside {
        fault.expected = Some("what `unlock` says first; nothing where that is null".to_owned());
    }
    fault
}

/// What would have to happen before an action is permitted.
fn way<D: Decider>(state: &D, action: D::Action) -> Option<Vec<Unlock>> {
    let way = D::LIFECYCLE.way(state.status(), action, |step| state.may_take(step))?;
    Some(way.into_iter().map(unlock::<D>).collect())
}

fn unlock<D: Decider>(step: Step<D::Status, D::Action, D::EventKind>) -> Unlock {
    let action = step.action.into();
    let (by, operation) = action_operations::taken(D::KIND, step.from.into(), action);
    Unlock { action, by, operation, event: step.event.into(), to: step.to.into() }
}

/// What somebody would have to do before rules cease to speak against an action that the lifecycle permits, as far as that
/// is a step of its own; none where it is too late for that.
async fn led_by_rules(
    engine: &Engine,
    state: &State,
    rules: &[edge::Problem],
) -> Result<Option<Vec<Unlock>>, edge::Error> {
    let mut steps: Vec<Unlock> = Vec::new();
    for rule in rules {
        let way = match (rule.code.as_str(), state) {
            ("reseller_not_active", _) => match reseller_of(state) {
                Some(reseller) => {
                    let (_, reseller) = engine.load::<Reseller>(reseller).await?;
                    // It is suspended from where everything is permitted.
                    way(&*reseller, ResellerAction::Suspend)
                }
                None => Some(Vec::new()),
            },
            // The order permits it, so it is its company that does not.
            ("not_permitted", State::Order(order)) => match order.company() {
                Some(company) => {
                    let (_, company) = engine.load::<Company>(company).await?;
                    way(&*company, CompanyAction::OpenOrder)
                }
                None => Some(Vec::new()),
            },
            ("port_not_allocated", State::PortRequest(port)) => {
                let status = port.status();
                let rows = PortRequest::LIFECYCLE.0.iter();
                let row = rows.copied().find(|row| row.from == status && row.action == PortAction::Allocate);
                Some(row.map(unlock::<PortRequest>).into_iter().collect())
            }
            _ => Some(Vec::new()),
        };
        let Some(way) = way else { return Ok(None) };
        steps.extend(way);
    }
    steps.dedup();
    Ok(Some(steps))
}

fn reseller_of(state: &State) -> Option<ResellerId> {
    match state {
        State::Order(order) => order.reseller(),
        State::Company(company) => company.reseller(),
        State::PortRequest(port) => port.request().map(|request| request.reseller),
        State::Webhook(webhook) => webhook.reseller(),
        State::NumberBlock(_) | State::Reseller(_) => None,
    }
}
