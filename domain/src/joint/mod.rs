//! What must change together: one command, several aggregates, one commit.
//!
//! [`decide`] is the only way to run a [`Command`]. It is pure: the aggregates and look-ups it needs are on the [`Desk`],
//! or it halts with what is missing. Deliberately absent: who may ask (beyond which reseller's thing it is), and how
//! anything is loaded or stored.

mod amend;
mod command;
mod companies;
pub mod desk;
mod lookups;
mod numbers;
mod orders;
mod plans;
mod ports;
mod reads;
mod stock;
mod submit;
mod todo;
mod webhooks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::{
    command::Command,
    desk::Seated,
    desk::{Decided, Desk, Halt, Need, State, Streams},
    lookups::{FoundNumbers, Lookups},
    todo::{Todo, is_own_work, todo},
};
use crate::{
    claim::{Claim, ClaimChange},
    company::Company,
    ids::{CompanyId, OrderId, ResellerId, StreamId},
    order::Order,
    port_request::PortRequest,
    refusal::Reason,
    reseller::{Reseller, ResellerStatus},
    webhook::Webhook,
};

/// What a command answers with besides where it was appended: the ids it made, by what they name.
pub type Ids = BTreeMap<String, String>;

/// What a command leads to.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Every aggregate it changes or rests on.
    pub decided: Vec<Decided>,
    /// The claims taken and released, in the order they were decided.
    pub claims: Vec<ClaimChange>,
    /// The ids it made, by what they name.
    pub ids: Ids,
    /// Whose data key must be made in the same commit.
    pub makes_key_of: Option<StreamId>,
    /// Whose data key must be destroyed in the same commit.
    pub destroys_key_of: Option<StreamId>,
}

/// What a part of the decision leaves besides events.
#[derive(Debug, Default)]
struct Outcome {
    ids: Ids,
    makes_key_of: Option<StreamId>,
    destroys_key_of: Option<StreamId>,
}

impl Outcome {
    fn made(name: &str, id: impl std::fmt::Display) -> Self {
        Self { ids: Ids::from([(name.to_owned(), id.to_string())]), ..Self::default() }
    }

    fn with_key_of(self, stream: StreamId) -> Self {
        Self { makes_key_of: Some(stream), ..self }
    }
}

/// Decides a command for `caller`, a reseller, or for the carrier itself where that is `None`.
///
/// What another reseller owns is answered as if it did not exist.
pub fn decide(mut desk: Desk, command: &Command, caller: Option<ResellerId>) -> Result<Decision, Undecided> {
    let outcome = run(&mut desk, command, caller).and_then(|outcome| {
        let conflicts = desk.conflicts();
        let lines = desk.lines_of(&conflicts);
        let subject = |claim| lines.get(claim).map(|line| format!("/lines/{line}"));
        let reasons = conflicts.iter().map(|claim| Reason { subject: subject(claim), ..taken_reason(claim) });
        refuse_if_any(reasons.collect())?;
        Ok(outcome)
    });
    match outcome {
        Ok(Outcome { ids, makes_key_of, destroys_key_of }) => {
            let (decided, claims) = desk.finish();
            Ok(Decision { decided, claims, ids, makes_key_of, destroys_key_of })
        }
        Err(halt) => Err(Undecided { halt, seen: desk.seen() }),
    }
}

/// A decision that came to no end, and what it had looked at by then.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// Why.
    pub halt: Halt,
    /// Every stream looked at, with the sequence seen.
    pub seen: Vec<(StreamId, u64)>,
}

fn run(desk: &mut Desk, command: &Command, caller: Option<ResellerId>) -> Result<Outcome, Halt> {
    match command {
        Command::CreateReseller { code, cug_id, sales_tag, name } => {
            stock::create_reseller(desk, code, cug_id, sales_tag, name)
        }
        Command::Reseller { reseller, command } => stock::reseller(desk, *reseller, command),
        Command::CloseReseller { reseller } => stock::close_reseller(desk, *reseller),
        Command::LoadBlock { range, range_holder, place } => {
            stock::load_block(desk, *range, range_holder, place)
        }
        Command::Block { block, command } => stock::block(desk, *block, command),
        Command::PortOut { numbers, message } => stock::port_out(desk, numbers, message),
        Command::Qualify { reseller, name, domain } => {
            own(caller, *reseller, *reseller)?;
            companies::qualify(desk, *reseller, name, domain)
        }
        Command::ReserveNumbers { company, ask, ring_fence } => {
            own_company(desk, caller, *company)?;
            companies::reserve(desk, *company, ask, *ring_fence)
        }
        Command::CeaseNumbers { company, numbers } => {
            own_company(desk, caller, *company)?;
            companies::cease_numbers(desk, *company, numbers)
        }
        Command::Company { company, command } => {
            own_company(desk, caller, *company)?;
            companies::company(desk, *company, command)
        }
        Command::CreateOrder { reseller, reference, company, lines } => {
            own(caller, *reseller, *reseller)?;
            orders::create(desk, *reseller, reference, *company, lines)
        }
        Command::Submit { order } => {
            own_order(desk, caller, *order)?;
            submit::submit(desk, *order)
        }
        Command::AnswerCancellation { order } => {
            own_order(desk, caller, *order)?;
            orders::answer_cancellation(desk, *order)
        }
        Command::GiveUpLine { order, line } => {
            own_order(desk, caller, *order)?;
            orders::give_up_line(desk, *order, *line)
        }
        Command::Order { order, command } => {
            own_order(desk, caller, *order)?;
            orders::order(desk, *order, command)
        }
        Command::Port { port_request, command } => {
            let port = desk.existing::<PortRequest>(*port_request)?;
            own(caller, reads::request(&port).reseller, *port_request)?;
            ports::port(desk, *port_request, command)
        }
        Command::CreateWebhook { reseller, url, types, description, key, after } => {
            own(caller, *reseller, *reseller)?;
            webhooks::create(desk, *reseller, url, types, description, key, *after)
        }
        Command::Webhook { webhook, command } => {
            let state = desk.existing::<Webhook>(*webhook)?;
            own(caller, reads::reseller_of_webhook(&state), *webhook)?;
            webhooks::webhook(desk, *webhook, command)
        }
    }
}

fn own(caller: Option<ResellerId>, owner: ResellerId, thing: impl Into<StreamId>) -> Result<(), Halt> {
    match caller {
        Some(caller) if caller != owner => Err(Halt::not_found(thing)),
        _ => Ok(()),
    }
}

fn own_company(desk: &mut Desk, caller: Option<ResellerId>, id: CompanyId) -> Result<(), Halt> {
    let company = desk.existing::<Company>(id)?;
    own(caller, reads::reseller_of_company(&company), id)
}

fn own_order(desk: &mut Desk, caller: Option<ResellerId>, id: OrderId) -> Result<(), Halt> {
    let order = desk.existing::<Order>(id)?;
    own(caller, reads::reseller_of_order(&order), id)
}

/// Whether the reseller may start something new; every reason that speaks against it.
fn reseller_may_order(desk: &mut Desk, id: ResellerId) -> Result<Vec<Reason>, Halt> {
    Ok(may_order(&*desk.existing::<Reseller>(id)?).into_iter().collect())
}

/// Why a reseller may start nothing new, if it may not.
pub fn may_order(reseller: &Reseller) -> Option<Reason> {
    let status = crate::decider::Decider::status(reseller);
    let word: &str = status.into();
    (status != ResellerStatus::Active).then(|| Reason {
        code: "reseller_not_active".to_owned(),
        subject: None,
        detail: format!("the reseller is {word}"),
        expected: Some("an active reseller".to_owned()),
    })
}

/// Refuses for these reasons, if there are any.
fn refuse_if_any(reasons: Vec<Reason>) -> Result<(), Halt> {
    if reasons.is_empty() { Ok(()) } else { Err(Halt::Refused(reasons)) }
}

/// Collects the reasons of a refusal, and lets every other halt through.
fn collect<T>(reasons: &mut Vec<Reason>, result: Result<T, Halt>) -> Result<Option<T>, Halt> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Halt::Refused(more)) => {
            reasons.extend(more);
            Ok(None)
        }
        Err(halt) => Err(halt),
    }
}

/// What somebody is told who would take what another holds. Never who.
pub fn taken_reason(claim: &Claim) -> Reason {
    let what = claim.scope.to_string();
    let code = match claim.scope {
        crate::claim::ClaimScope::OpenPort => "port_open_already".to_owned(),
        crate::claim::ClaimScope::MessageId => "message_known".to_owned(),
        _ => format!("{what}_taken"),
    };
    let shown = match claim.scope {
        // The key of a username is a tag, which says nothing to anybody.
        crate::claim::ClaimScope::Username => "this username".to_owned(),
        _ => format!("{} `{}`", what.replace('_', " "), claim.shown()),
    };
    Reason { code, subject: None, detail: format!("{shown} is not free"), expected: None }
}
