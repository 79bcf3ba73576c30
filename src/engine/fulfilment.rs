//! Fulfilment: what the carrier itself does next about every order, one fact after the other.
//!
//! What to do is the domain's pure `todo`; this module issues it. It looks at the newest state, not at the state of the
//! fact, so a repeated fact finds nothing left to do, and a crash repeats nothing. Absent: work of outside systems. Lines
//! are given out by [`provisioning`](super::provisioning); losing providers, range holders and the network answer with
//! commands of their own.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use orderwire_domain::{
    company::events::CompanyEvent,
    fact::{Fact, Happened},
    ids::{OrderId, PortRequestId, StreamId},
    joint::{Command, State, Todo, todo},
    order::{commands::OrderCommand, line::LineFailure},
    port_request::PortRequest,
    refusal,
};
use sha2::{Digest as _, Sha256};

pub use super::provisioning::{AutoProvisioner, ManualProvisioner, Provisioned, Provisioner, StartedLine};
use super::{
    Inner,
    certain::Seen,
    error::{Error, ErrorKind},
    execute::{Asked, IdempotencyKey, execute},
    follower::{Left, Place, distance},
    leases::Turn,
    log::{Fence, Position},
    parked::Parked,
    provenance::{Actor, Provenance},
    recent::Source,
};

/// The name under which its checkpoint is kept.
pub const FULFILMENT: &str = "fulfilment";
/// Events looked at together. One order alone may fill pages, and the more orders are known, the more commits share a
/// transaction.
pub(super) const AHEAD_EVENTS_MAX: Position = 4_096;
/// Orders worked on at once.
const ORDERS_AT_ONCE: usize = 64;
/// Commands of one order in flight at once: they are appended in order, and share their commits.
const COMMANDS_AT_ONCE: usize = 64;
/// How often a command that others kept getting in the way of is begun again before its page waits.
const RUNS_MAX: usize = 4;
/// Rounds of one order before the next fact has its turn; what is left then comes with the facts of these rounds.
pub(super) const ROUNDS_MAX: u32 = 8;

/// Why a command is issued, and under which lease.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub position: Position,
    /// What ties that position to what it belongs to: whatever follows from it is tied to the same.
    pub correlation: Option<&'a str>,
    pub fence: &'a Fence,
}

/// The fact that an order is looked at for.
struct Reason {
    position: Position,
    correlation: Option<String>,
}

/// Takes what is there, within bounds, or waits for whoever has the lease to do so; answers how many events were taken.
pub(super) async fn step(inner: &Arc<Inner>, source: Source) -> Result<usize, Error> {
    let mut place = inner.fulfilment.turn().await;
    match inner.fulfilment.goes_on(inner, &mut place, source).await? {
        None => Ok(0),
        Some((after, Turn::Theirs(at))) => Ok(distance(after, at)),
        Some((after, Turn::Mine(fence))) => {
            let outcome = work_off(inner, &mut place, after, &fence, source).await;
            place.came_to(inner, &fence, outcome)
        }
    }
}

/// Works off what comes after a position, as long as nobody else has the lease.
async fn work_off(
    inner: &Arc<Inner>,
    place: &mut Place,
    after: Position,
    fence: &Fence,
    source: Source,
) -> Result<usize, Error> {
    let mut work = BTreeMap::new();
    let mut to = after;
    while to - after < AHEAD_EVENTS_MAX {
        let page = inner.recent.page(&inner.log, to, source).await?;
        let Some(last) = page.last() else { break };
        gather(inner, &page, &mut work).await?;
        to = last.position;
    }
    let done: Vec<Left> = stream::iter(work)
        .map(|(order, Reason { position, correlation })| async move {
            let cause = Cause { position, correlation: correlation.as_deref(), fence };
            match carry_on(inner, order, cause).await {
                Ok(left) => {
                    inner.parked.free(&order.stream().to_string());
                    Ok(left)
                }
                // The others go on; this one is looked at again with its next fact.
                Err(error) if Parked::takes(&error) => {
                    inner.parked.park(&order.stream().to_string(), &error);
                    Ok(Left::Work)
                }
                Err(error) => Err(error),
            }
        })
        .buffer_unordered(ORDERS_AT_ONCE)
        .try_collect()
        .await?;
    let left = if done.contains(&Left::Work) { Left::Work } else { Left::Nothing };
    inner.fulfilment.leave_behind(inner, place, fence, (to, left), source).await
}

/// Each order that facts are about, with the last of them.
async fn gather(inner: &Inner, facts: &[Fact], work: &mut BTreeMap<OrderId, Reason>) -> Result<(), Error> {
    let orders = async |fact: &Fact| {
        // Another process may have appended it: what is at hand here must not be older than the fact.
        if matches!(fact.happened, Happened::Order(..) | Happened::PortRequest(..) | Happened::Company(..)) {
            inner.catch_up(fact.happened.stream(), fact.sequence).await?;
        }
        orders_of(inner, &fact.happened).await
    };
    for fact in facts {
        let orders = match orders(fact).await {
            Ok(orders) => orders,
            Err(error) if Parked::takes(&error) => {
                inner.parked.park(&fact.happened.stream().to_string(), &error);
                continue;
            }
            Err(error) => return Err(error),
        };
        work.extend(orders.into_iter().map(|order| {
            let correlation = fact.correlation.clone();
            (order, Reason { position: fact.position, correlation })
        }));
    }
    Ok(())
}

/// The orders that may have something to do after this.
async fn orders_of(inner: &Inner, happened: &Happened) -> Result<Vec<OrderId>, Error> {
    Ok(match happened {
        Happened::Order(order, _) => vec![*order],
        Happened::PortRequest(port, _) => port_request(inner, *port, &mut Seen::default())
            .await?
            .request()
            .map(|request| request.order)
            .into_iter()
            .collect(),
        // Other orders for the same company may have waited for it, and do so in vain once nobody brings it.
        Happened::Company(
            company,
            CompanyEvent::CompanyActivated { .. }
            | CompanyEvent::CompanyLineDropped { .. }
            | CompanyEvent::OrderClosed { .. },
        ) => match inner.state(company.stream()).await? {
            (_, State::Company(company)) => company.open_orders().collect(),
            (_, other) => return Err(wrong_kind(company.stream(), &other)),
        },
        _ => Vec::new(),
    })
}

/// Does everything about one order that can be done now.
async fn carry_on(inner: &Arc<Inner>, id: OrderId, cause: Cause<'_>) -> Result<Left, Error> {
    let (mut uncertain, mut left) = (false, Left::Nothing);
    for _ in 0..ROUNDS_MAX {
        let mut seen = Seen::default();
        let todos = todos(inner, id, &mut seen).await?;
        uncertain = todos.is_empty();
        if uncertain {
            if inner.certain(&seen).await? {
                return Ok(left);
            }
            continue;
        }
        left = Left::Work;
        stream::iter(todos)
            .map(|todo| issue(inner, id, todo, cause))
            .buffered(COMMANDS_AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    // Work that was done brings facts of its own; that there is none must be certain before the page is left behind.
    if uncertain { Err(unsettled()) } else { Ok(left) }
}

/// What an order rests on changed whenever it was looked at: its page is tried again.
pub(super) fn unsettled() -> Error {
    Error::Conflict { attempts: ROUNDS_MAX }
}

async fn todos(inner: &Inner, id: OrderId, seen: &mut Seen) -> Result<Vec<Todo>, Error> {
    let State::Order(order) = inner.look(id.stream(), seen).await? else { return Ok(Vec::new()) };
    let mut ports = Vec::new();
    for (_, port) in order.port_requests() {
        ports.push((port, port_request(inner, port, seen).await?));
    }
    let ports: Vec<(PortRequestId, &PortRequest)> = ports.iter().map(|(id, port)| (*id, &**port)).collect();
    let company = match order.company() {
        Some(company) => match inner.look(company.stream(), seen).await? {
            State::Company(company) => Some(company),
            other => return Err(wrong_kind(company.stream(), &other)),
        },
        None => None,
    };
    Ok(todo(id, &order, company.as_deref(), &ports))
}

async fn port_request(inner: &Inner, id: PortRequestId, seen: &mut Seen) -> Result<Arc<PortRequest>, Error> {
    match inner.look(id.stream(), seen).await? {
        State::PortRequest(port) => Ok(port),
        other => Err(wrong_kind(id.stream(), &other)),
    }
}

fn wrong_kind(stream: StreamId, state: &State) -> Error {
    Error::Corrupt {
        stream: stream.to_string(),
        detail: format!("its state is of another kind: {}", state.status()),
    }
}

/// Issues a command. Where it is refused for good and still to be done, its line fails with that reason.
async fn issue(inner: &Arc<Inner>, id: OrderId, todo: Todo, cause: Cause<'_>) -> Result<(), Error> {
    let refused = match run(inner, &todo.command, cause).await? {
        Ok(()) => return Ok(()),
        Err(reasons) => reasons,
    };
    if !todos(inner, id, &mut Seen::default()).await?.contains(&todo) {
        // Somebody else did it, or it is not to be done any more.
        return Ok(());
    }
    let Some(line) = todo.line else {
        tracing::warn!(order = %id, command = %todo.command.name(), ?refused, "fulfilment was refused");
        return Ok(());
    };
    let failure = LineFailure {
        code: refused.first().map_or_else(|| "refused".to_owned(), |reason| reason.code.clone()),
        detail: refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    };
    let fail = Command::Order { order: id, command: OrderCommand::FailLine { line, failure } };
    if let Err(reasons) = run(inner, &fail, cause).await? {
        tracing::warn!(order = %id, %line, ?reasons, "a line could not be failed");
    }
    Ok(())
}

/// Runs a command: done, refused for good, or to be tried again with the page.
///
/// A conflict is never taken for an answer: what an outside system said about a line is known nowhere else, so the page
/// must not be left behind without it.
pub(super) async fn run(
    inner: &Arc<Inner>,
    command: &Command,
    Cause { position: cause, correlation, fence }: Cause<'_>,
) -> Result<Result<(), Vec<refusal::Reason>>, Error> {
    let provenance =
        Provenance::of(Actor::engine("fulfilment")).caused_by(cause).tied_to(correlation.map(str::to_owned));
    let text = serde_json::to_string(command).expect("a command is JSON: it is stored with timers");
    let key = IdempotencyKey {
        owner: "engine".to_owned(),
        // Its hash, not itself: a command may be longer than what a store takes as a key.
        key: format!("{FULFILMENT}:{cause}:{:x}", Sha256::digest(text)),
        fingerprint: None,
    };
    let mut runs = 0;
    loop {
        runs += 1;
        inner.leases.confirm(fence).await?;
        let (provenance, key, fence) = (&provenance, Some(&key), Some(fence));
        let asked = Asked { command, provenance, key, expected: None, at: None, fence };
        match execute(inner, asked).await {
            Ok(_) => return Ok(Ok(())),
            Err(Error::Refused(reasons)) => return Ok(Err(reasons)),
            Err(error) if error.kind() == ErrorKind::Conflict && runs < RUNS_MAX => {}
            Err(error) => return Err(error),
        }
    }
}
