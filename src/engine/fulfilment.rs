//! Fulfilment: what the carrier itself does next about every order, one fact after the other.
//!
//! What to do is the domain's pure `todo`; this module issues it. It looks at the newest state, not at the state of the
//! fact, so a repeated fact finds nothing left to do, and a crash repeats nothing. Work of outside systems is handed to
//! the [`Provisioner`]; losing providers, range holders and the network answer with commands of their own.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use orderwire_domain::{
    company::events::CompanyEvent,
    fact::{Fact, Happened},
    ids::{AssetId, CompanyId, OrderId, PortRequestId, StreamId},
    joint::{Command, State, Todo, is_own_work, todo},
    order::{
        Order,
        commands::OrderCommand,
        events::OrderEvent,
        line::{LineFailure, LineKind, LineNumber, LineRequest, LineStatus},
    },
    port_request::PortRequest,
    refusal::Reason,
};
use sha2::{Digest as _, Sha256};

use super::{
    Inner,
    background::said,
    certain::Seen,
    error::{Error, ErrorKind},
    execute::{Asked, IdempotencyKey, execute},
    log::{Position, ReaderCommit, StoreError},
    parked::Parked,
    provenance::{Actor, Provenance},
};

/// The name under which its checkpoint is kept.
pub const FULFILMENT: &str = "fulfilment";
/// Events looked at together. One order alone may fill pages, and the more orders are known, the more commits share a
/// transaction.
const AHEAD_EVENTS_MAX: Position = 4_096;
/// Orders worked on at once.
const ORDERS_AT_ONCE: usize = 64;
/// Commands of one order in flight at once: they are appended in order, and share their commits.
const COMMANDS_AT_ONCE: usize = 64;
/// How often a command that others kept getting in the way of is begun again before its page waits.
const RUNS_MAX: usize = 4;
/// Rounds of one order before the next fact has its turn; what is left then comes with the facts of these rounds.
const ROUNDS_MAX: u32 = 8;

/// A line that an outside system has to do.
#[derive(Clone, Debug)]
pub struct StartedLine {
    /// The order.
    pub order: OrderId,
    /// Its company.
    pub company: Option<CompanyId>,
    /// The line.
    pub line: LineNumber,
    /// What kind of line.
    pub kind: LineKind,
    /// What it asks for.
    pub request: LineRequest,
    /// The service id of what it makes.
    pub asset: Option<AssetId>,
}

/// What an outside system says when it is given a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// Done already.
    Done,
    /// It cannot be done.
    Failed(LineFailure),
    /// It will say later, with a command of its own.
    Later,
}

/// The port to the systems that provision sites, users and devices. It may be asked about one line more than once.
///
/// Where it panics, the order is parked (see [`Engine::parked`](super::Engine::parked)): its line stays in progress until
/// a command completes or fails it, or holds and resumes it, which asks again.
#[async_trait]
pub trait Provisioner: Send + Sync + 'static {
    /// Takes a line on.
    async fn provision(&self, line: &StartedLine) -> Provisioned;
}

/// Waits for the outside system's own commands.
#[derive(Clone, Copy, Debug, Default)]
pub struct ManualProvisioner;

#[async_trait]
impl Provisioner for ManualProvisioner {
    async fn provision(&self, _line: &StartedLine) -> Provisioned {
        Provisioned::Later
    }
}

/// Does everything at once: for demos and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct AutoProvisioner;

#[async_trait]
impl Provisioner for AutoProvisioner {
    async fn provision(&self, _line: &StartedLine) -> Provisioned {
        Provisioned::Done
    }
}

/// What the facts of a page mean for one order.
#[derive(Debug, Default)]
struct Work {
    /// The last fact about it.
    cause: Position,
    /// Lines that were given to an outside system.
    started: Vec<LineNumber>,
}

/// Takes what is there, within bounds; answers how many events it took.
pub(super) async fn step(inner: &Arc<Inner>) -> Result<usize, Error> {
    let _turn = inner.fulfilment_turn.lock().await;
    let after = inner.log.checkpoint(FULFILMENT).await?;
    let mut work = BTreeMap::new();
    let mut to = after;
    while to - after < AHEAD_EVENTS_MAX {
        let page = inner.recent.page(&inner.log, to).await?;
        let Some(last) = page.last() else { break };
        gather(inner, &page, &mut work).await?;
        to = last.position;
    }
    if to == after {
        return Ok(0);
    }
    stream::iter(work)
        .map(|(order, work)| async move {
            match carry_on(inner, order, work).await {
                Ok(()) => {
                    inner.parked.free(&order.stream().to_string());
                    Ok(())
                }
                // The others go on; this one is looked at again with its next fact.
                Err(error) if Parked::takes(&error) => {
                    inner.parked.park(&order.stream().to_string(), &error);
                    Ok(())
                }
                Err(error) => Err(error),
            }
        })
        .buffer_unordered(ORDERS_AT_ONCE)
        .try_collect::<()>()
        .await?;
    let commit = ReaderCommit { reader: FULFILMENT.to_owned(), after, to, ..ReaderCommit::default() };
    match inner.log.apply(&commit).await {
        // Another process was faster; both did the same, and whatever was done twice found nothing left to do.
        Ok(()) | Err(StoreError::CheckpointMoved { .. }) => {
            Ok(usize::try_from(to - after).unwrap_or(usize::MAX))
        }
        Err(error) => Err(error.into()),
    }
}

async fn gather(inner: &Inner, facts: &[Fact], work: &mut BTreeMap<OrderId, Work>) -> Result<(), Error> {
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
        for order in orders {
            work.entry(order).or_default().cause = fact.position;
        }
        if let Happened::Order(order, OrderEvent::LineStarted { line } | OrderEvent::LineResumed { line }) =
            &fact.happened
        {
            work.entry(*order).or_default().started.push(*line);
        }
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
async fn carry_on(inner: &Arc<Inner>, id: OrderId, work: Work) -> Result<(), Error> {
    stream::iter(work.started)
        .map(|line| provision(inner, id, line, work.cause))
        .buffer_unordered(COMMANDS_AT_ONCE)
        .try_collect::<()>()
        .await?;
    let mut uncertain = false;
    for _ in 0..ROUNDS_MAX {
        let mut seen = Seen::default();
        let todos = todos(inner, id, &mut seen).await?;
        uncertain = todos.is_empty();
        if uncertain {
            if inner.certain(&seen).await? {
                return Ok(());
            }
            continue;
        }
        stream::iter(todos)
            .map(|todo| issue(inner, id, todo, work.cause))
            .buffered(COMMANDS_AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    // Work that was done brings facts of its own; that there is none must be certain before the page is left behind.
    if uncertain { Err(unsettled()) } else { Ok(()) }
}

/// What an order rests on changed whenever it was looked at: its page is tried again.
fn unsettled() -> Error {
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
async fn issue(inner: &Arc<Inner>, id: OrderId, todo: Todo, cause: Position) -> Result<(), Error> {
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
async fn run(
    inner: &Arc<Inner>,
    command: &Command,
    cause: Position,
) -> Result<Result<(), Vec<Reason>>, Error> {
    let provenance = Provenance::of(Actor::engine("fulfilment")).caused_by(cause);
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
        let asked = Asked { command, provenance: &provenance, key: Some(&key), expected: None, at: None };
        match execute(inner, asked).await {
            Ok(_) => return Ok(Ok(())),
            Err(Error::Refused(reasons)) => return Ok(Err(reasons)),
            Err(error) if error.kind() == ErrorKind::Conflict && runs < RUNS_MAX => {}
            Err(error) => return Err(error),
        }
    }
}

/// Gives a started line to the outside system that does it.
async fn provision(
    inner: &Arc<Inner>,
    id: OrderId,
    number: LineNumber,
    cause: Position,
) -> Result<(), Error> {
    let Some(order) = in_progress(inner, id, number).await? else { return Ok(()) };
    let Some(line) = order.line(number) else { return Ok(()) };
    if is_own_work(line.kind()) || line.kind() == LineKind::Port {
        return Ok(());
    }
    let started = StartedLine {
        order: id,
        company: order.company(),
        line: number,
        kind: line.kind(),
        request: LineRequest::clone(&line.request),
        asset: order.asset(number),
    };
    // Retried for ever, a provisioner that panics over one line would hold up every order after it.
    let outcome = AssertUnwindSafe(inner.provisioner.provision(&started)).catch_unwind().await;
    let outcome = outcome.map_err(|panic| Error::Panicked {
        part: format!("the provisioner of line {number}"),
        said: said(&*panic),
    })?;
    let command = match outcome {
        Provisioned::Later => return Ok(()),
        Provisioned::Done => OrderCommand::CompleteLine { line: number },
        Provisioned::Failed(failure) => OrderCommand::FailLine { line: number, failure },
    };
    if let Err(reasons) = run(inner, &Command::Order { order: id, command }, cause).await? {
        tracing::info!(order = %id, line = %number, ?reasons, "an outcome of provisioning came too late");
    }
    Ok(())
}

/// The order, if this line of it is in progress; that it is not is certain.
async fn in_progress(inner: &Inner, id: OrderId, number: LineNumber) -> Result<Option<Arc<Order>>, Error> {
    for _ in 0..ROUNDS_MAX {
        let mut seen = Seen::default();
        let State::Order(order) = inner.look(id.stream(), &mut seen).await? else { return Ok(None) };
        if order.line(number).is_some_and(|line| line.status() == LineStatus::InProgress) {
            return Ok(Some(order));
        }
        if inner.certain(&seen).await? {
            return Ok(None);
        }
    }
    Err(unsettled())
}
