//! Where a thing is, and what may be asked of it there: read off its lifecycle table, which also knows what would have to
//! happen first, and of the rules, which are asked without effect ([`action_rules`](super::action_rules)).
//!
//! Deliberately absent: who may ask, and where.

use orderwire_domain::{
    company::{Company, asset::AssetKind, commands::CompanyAction},
    decider::Decider,
    ids::{AggregateKind, ResellerId, StreamId},
    joint::State,
    lifecycle::{Step, Word},
    port_request::{PortRequest, commands::PortAction},
    reseller::{Reseller, commands::ResellerAction},
};
use serde::Serialize;
use strum::VariantArray as _;

use super::{
    action_rules,
    problem::{Error, Problem},
};
use crate::engine::{Engine, Provenance};

/// One thing that could be asked of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// What speaks against it: the lifecycle, or every rule. Nothing where it is open.
    pub rules: Vec<Problem>,
    /// Where it could be asked for.
    pub from: Vec<&'static str>,
    /// What would have to happen before, in order; none where it never can be asked for.
    pub way: Option<Vec<Unlock>>,
}

/// One step towards where an action could be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unlock {
    /// To what kind of thing it is done.
    pub of: AggregateKind,
    /// What is done.
    pub action: &'static str,
    /// Where that which it is done to is before.
    pub from: &'static str,
    /// The event by which it is known.
    pub event: &'static str,
    /// Where that which it is done to is then.
    pub to: &'static str,
}

impl Unlock {
    fn of<D: Decider>(step: Step<D::Status, D::Action, D::EventKind>) -> Self {
        let (action, from) = (step.action.into(), step.from.into());
        Self { of: D::KIND, action, from, event: step.event.into(), to: step.to.into() }
    }
}

/// The name of everything that could be asked of it, by anybody, in the order of the lifecycle.
pub fn names(state: &State) -> Vec<&'static str> {
    fn of<D: Decider>(_: &D) -> Vec<&'static str>
    where
        D::Action: Word,
    {
        D::Action::VARIANTS.iter().map(|action| (*action).into()).collect()
    }
    match state {
        State::Order(order) => of(&**order),
        State::Company(company) => of(&**company),
        State::PortRequest(port) => of(&**port),
        State::NumberBlock(block) => of(&**block),
        State::Reseller(reseller) => of(&**reseller),
        State::Webhook(webhook) => of(&**webhook),
    }
}

/// What speaks against an action now, and what would lead there; none where there is no such action. Nothing happens. Where
/// only one kind of asset is meant, it is named.
pub async fn asked(
    engine: &Engine,
    provenance: &Provenance,
    (stream, state): (StreamId, &State),
    (name, asset): (&str, Option<AssetKind>),
) -> Result<Option<Action>, Error> {
    let Some(mut action) = permitted(state, name) else { return Ok(None) };
    if action.rules.is_empty() {
        let against = action_rules::against(engine, provenance, (stream, state), (name, asset)).await?;
        action.way = led_by_rules(engine, state, &against).await?;
        action.rules = against.into_iter().map(rule).collect();
    }
    Ok(Some(action))
}

/// What the lifecycle alone says.
fn permitted(state: &State, name: &str) -> Option<Action> {
    match state {
        State::Order(order) => permitted_by_table(&**order, name),
        State::Company(company) => permitted_by_table(&**company, name),
        State::PortRequest(port) => permitted_by_table(&**port, name),
        State::NumberBlock(block) => permitted_by_table(&**block, name),
        State::Reseller(reseller) => permitted_by_table(&**reseller, name),
        State::Webhook(webhook) => permitted_by_table(&**webhook, name),
    }
}

fn permitted_by_table<D: Decider>(state: &D, name: &str) -> Option<Action>
where
    D::Action: Word,
{
    let status = state.status();
    let action = D::Action::VARIANTS.iter().copied().find(|action| Into::<&str>::into(*action) == name)?;
    let from = D::Status::VARIANTS.iter().filter(|from| D::LIFECYCLE.permits(**from, action));
    let from: Vec<&str> = from.map(|from| (*from).into()).collect();
    let elsewhere = || elsewhere(D::KIND, status.into(), &from);
    let rules = if D::LIFECYCLE.permits(status, action) { Vec::new() } else { vec![elsewhere()] };
    Some(Action { name: action.into(), rules, from, way: way(state, action) })
}

/// That the thing is not where this can be asked of it.
fn elsewhere(kind: AggregateKind, status: &str, from: &[&str]) -> Problem {
    let detail = format!("the {} is {status}", kind.word().replace('_', " "));
    Problem::new("", "not_permitted", detail, from.join(", "))
}

/// A rule. What the lifecycle of something beside the thing does not permit is said in words of that; who is to change it
/// is in the way.
fn rule(problem: Problem) -> Problem {
    if problem.code != "not_permitted" {
        return problem;
    }
    Problem { expected: Some("what `unlock` says first; nothing where that is null".to_owned()), ..problem }
}

/// What would have to happen before an action is permitted.
fn way<D: Decider>(state: &D, action: D::Action) -> Option<Vec<Unlock>> {
    let way = D::LIFECYCLE.way(state.status(), action, |step| state.may_take(step))?;
    Some(way.into_iter().map(Unlock::of::<D>).collect())
}

/// What somebody would have to do before rules cease to speak against an action that the lifecycle permits, as far as that
/// is a step of its own; none where it is too late for that.
async fn led_by_rules(
    engine: &Engine,
    state: &State,
    rules: &[Problem],
) -> Result<Option<Vec<Unlock>>, Error> {
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
                Some(row.map(Unlock::of::<PortRequest>).into_iter().collect())
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
