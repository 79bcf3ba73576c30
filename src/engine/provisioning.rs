//! Giving out: each line that an outside system has to do is handed to the embedder's [`Provisioner`].
//!
//! It reads the log for itself, under a checkpoint of its own that only an engine whose provisioner takes lines advances.
//! So a process without one (most commands of the command line) never leaves a line behind that another should have been
//! given, and a provisioner that comes later is offered whatever is still open. Absent: what a line waits for, which is
//! fulfilment's.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use orderwire_domain::{
    fact::{Fact, Happened},
    ids::{AssetId, CompanyId, OrderId},
    joint::{Command, State, is_own_work},
    order::{
        Order,
        commands::OrderCommand,
        events::OrderEvent,
        line::{LineFailure, LineKind, LineNumber, LineRequest, LineStatus},
    },
};

use super::{
    Inner,
    background::said,
    certain::Seen,
    error::Error,
    follower::{Left, Place, distance},
    fulfilment::{AHEAD_EVENTS_MAX, Cause, ROUNDS_MAX, run, unsettled},
    leases::Turn,
    log::{Fence, Position, Sequence},
    parked::Parked,
    recent::Source,
};

/// The name under which its checkpoint is kept.
pub const PROVISIONING: &str = "provisioning";
/// A provisioner answers within this time, or its line counts as answered later: whoever takes longer says so with
/// [`Provisioned::Later`] and a command of its own, and a call that never ends must not hold up every line after it.
pub const PROVISION_WAIT_MAX: Duration = Duration::from_secs(30);
/// Lines given out at once: their outcomes share commits.
const LINES_AT_ONCE: usize = 1_024;

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
/// Where it panics, or takes longer than [`PROVISION_WAIT_MAX`], the line is parked (see
/// [`Engine::parked`](super::Engine::parked)): it stays in progress until a command completes or fails it, or holds and
/// resumes it, which asks again.
#[async_trait]
pub trait Provisioner: Send + Sync + 'static {
    /// Takes a line on.
    async fn provision(&self, line: &StartedLine) -> Provisioned;

    /// Whether it takes lines on at all. Where it does not, they are left for the engine of another process on the same
    /// store, or for a provisioner that comes later.
    fn takes_lines(&self) -> bool {
        true
    }
}

/// Gives nothing out: outside systems look for their lines themselves, and send their own commands.
#[derive(Clone, Copy, Debug, Default)]
pub struct ManualProvisioner;

#[async_trait]
impl Provisioner for ManualProvisioner {
    async fn provision(&self, _line: &StartedLine) -> Provisioned {
        Provisioned::Later
    }

    fn takes_lines(&self) -> bool {
        false
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

/// The fact that a line goes on: where it is in the log, and in its order.
#[derive(Clone, Debug)]
struct Started {
    position: Position,
    sequence: Sequence,
    correlation: Option<String>,
}

/// Lines to give out, each with the last fact that says so.
type Lines = BTreeMap<(OrderId, LineNumber), Started>;

/// Gives out what was started, within bounds, or waits for whoever has the lease to do so; answers how many events were
/// taken.
pub(super) async fn step(inner: &Arc<Inner>, source: Source) -> Result<usize, Error> {
    if !inner.provisioner.takes_lines() {
        return Ok(0);
    }
    let mut place = inner.provisioning.turn().await;
    match inner.provisioning.goes_on(inner, &mut place, source).await? {
        None => Ok(0),
        Some((after, Turn::Theirs(at))) => Ok(distance(after, at)),
        Some((after, Turn::Mine(fence))) => {
            let outcome = give_out(inner, &mut place, after, &fence, source).await;
            place.came_to(inner, &fence, outcome)
        }
    }
}

/// Gives out what was started after a position, as long as nobody else has the lease.
async fn give_out(
    inner: &Arc<Inner>,
    place: &mut Place,
    after: Position,
    fence: &Fence,
    source: Source,
) -> Result<usize, Error> {
    let mut lines = Lines::new();
    let mut to = after;
    while to - after < AHEAD_EVENTS_MAX {
        let page = inner.recent.page(&inner.log, to, source).await?;
        let Some(last) = page.last() else { break };
        page.iter().for_each(|fact| gather(inner, fact, &mut lines));
        to = last.position;
    }
    // What was given out once should not be given out twice.
    let left = if lines.is_empty() { Left::Nothing } else { Left::Work };
    stream::iter(lines)
        .map(|((order, line), started)| async move {
            match provision(inner, order, line, started, fence).await {
                Ok(()) => inner.parked.free(&name(order, line)),
                Err(error) if Parked::takes(&error) => inner.parked.park(&name(order, line), &error),
                Err(error) => return Err(error),
            }
            Ok(())
        })
        .buffer_unordered(LINES_AT_ONCE)
        .try_collect::<()>()
        .await?;
    inner.provisioning.leave_behind(inner, place, fence, (to, left), source).await
}

/// What a line is parked as.
fn name(order: OrderId, line: LineNumber) -> String {
    format!("{order}/lines/{line}")
}

/// Takes down what goes on; what has ended by the end of the page need not be looked at.
fn gather(inner: &Inner, fact: &Fact, lines: &mut Lines) {
    let Happened::Order(order, event) = &fact.happened else { return };
    match event {
        OrderEvent::LineStarted { line } | OrderEvent::LineResumed { line } => {
            let correlation = fact.correlation.clone();
            let started = Started { position: fact.position, sequence: fact.sequence, correlation };
            lines.insert((*order, *line), started);
        }
        OrderEvent::LineCompleted { line, .. }
        | OrderEvent::LineFailed { line, .. }
        | OrderEvent::LineCancelled { line, .. } => {
            lines.remove(&(*order, *line));
            inner.parked.free(&name(*order, *line));
        }
        _ => {}
    }
}

/// Gives a started line to the outside system that does it.
async fn provision(
    inner: &Arc<Inner>,
    id: OrderId,
    number: LineNumber,
    started: Started,
    fence: &Fence,
) -> Result<(), Error> {
    // Another process may have started it: what is at hand here must not be older than that.
    inner.catch_up(id.stream(), started.sequence).await?;
    let Some(order) = in_progress(inner, id, number).await? else { return Ok(()) };
    let Some(line) = order.line(number) else { return Ok(()) };
    if is_own_work(line.kind()) || line.kind() == LineKind::Port {
        return Ok(());
    }
    let given = StartedLine {
        order: id,
        company: order.company(),
        line: number,
        kind: line.kind(),
        request: LineRequest::clone(&line.request),
        asset: order.asset(number),
    };
    // An outside system is not asked in vain by whoever lost the lease and can know it.
    inner.leases.confirm(fence).await?;
    let command = match ask(inner, &given).await? {
        Provisioned::Later => return Ok(()),
        Provisioned::Done => OrderCommand::CompleteLine { line: number },
        Provisioned::Failed(failure) => OrderCommand::FailLine { line: number, failure },
    };
    let command = Command::Order { order: id, command };
    let cause = Cause { position: started.position, correlation: started.correlation.as_deref(), fence };
    if let Err(reasons) = run(inner, &command, cause).await? {
        tracing::info!(order = %id, line = %number, ?reasons, "an outcome of provisioning came too late");
    }
    Ok(())
}

/// Asks the provisioner, which is the embedder's code: neither its panic nor its silence may hold up other lines.
async fn ask(inner: &Inner, line: &StartedLine) -> Result<Provisioned, Error> {
    let part = || format!("the provisioner of line {}", line.line);
    let call = AssertUnwindSafe(inner.provisioner.provision(line)).catch_unwind();
    match tokio::time::timeout(PROVISION_WAIT_MAX, call).await {
        Ok(outcome) => outcome.map_err(|panic| Error::Panicked { part: part(), said: said(&*panic) }),
        Err(_elapsed) => Err(Error::Silent { part: part(), waited_secs: PROVISION_WAIT_MAX.as_secs() }),
    }
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
