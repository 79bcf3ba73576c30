//! Timers: what falls due becomes a command, with the due time as the time of decision.
//!
//! Rows are set and cleared by events (`domain::timer`); a row goes when its command was answered, either way. The key of
//! the command is the timer's, so a crash between answer and removal does nothing twice.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use orderwire_domain::{
    company::commands::CompanyCommand,
    ids::{AggregateKind, CompanyId, NumberBlockId, OrderId, PortRequestId, StreamId},
    joint::Command,
    number_block::commands::BlockCommand,
    order::commands::OrderCommand,
    port_request::commands::PortCommand,
    timer::{TIMER, Timer, TimerName},
    views::table::Record as _,
};
use tokio::time::Instant;

use super::{
    Inner,
    error::{Error, ErrorKind},
    execute::{Asked, IdempotencyKey, execute},
    leases::Turn,
    log::{Comparison, Fence, Filter, Position, RowChange, Select},
    parked::Parked,
    provenance::{Actor, Provenance},
    readers::TIMERS,
};

/// Timers looked at together.
const TIMERS_AT_ONCE: usize = 256;
/// Streams whose timers run at once.
const STREAMS_AT_ONCE: usize = 32;

/// The lease under which timers are answered; the rows themselves are written by the reader [`TIMERS`].
pub(super) const DUE_TIMERS: &str = "due timers";
/// What somebody else is to answer is waited for no longer: they may go by another clock, or have left it out.
const OTHERS_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Issues what is due, or waits for whoever has the lease to do so; answers how many timers that were.
pub(super) async fn fire_due(inner: &Arc<Inner>) -> Result<usize, Error> {
    let _turn = inner.timers_turn.lock().await;
    let give_up = Instant::now() + OTHERS_WITHIN;
    let mut theirs = 0;
    loop {
        // A timer that is about to be cleared or to get more numbers must not be answered before that is known. Only up to
        // here: the log may move on for as long as it likes, and what is due would never be answered.
        let head = inner.log.head().await?.position;
        match inner.readers.catch_up_to(TIMERS, head, inner).await {
            Ok(()) => {}
            // Why it stopped was said when it did; without it nothing is known to be due.
            Err(Error::ReaderStopped { .. }) => return Ok(0),
            Err(error) => return Err(error),
        }
        let due = select(inner, Some(inner.clock.now()), TIMERS_AT_ONCE + inner.parked.count()).await?;
        let due: Vec<Timer> = due.into_iter().filter(|timer| !inner.parked.has(&timer.key())).collect();
        if due.is_empty() {
            return Ok(theirs);
        }
        match inner.leases.look(DUE_TIMERS).await? {
            Turn::Mine(fence) => return inner.leases.left(&fence, answer(inner, due, head, &fence).await),
            Turn::Theirs(_) if Instant::now() >= give_up => return Ok(0),
            Turn::Theirs(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
        theirs = due.len();
    }
}

/// Answers what is due, as long as nobody else has the lease.
async fn answer(inner: &Arc<Inner>, due: Vec<Timer>, head: Position, fence: &Fence) -> Result<usize, Error> {
    let count = due.len();
    let mut by_stream: BTreeMap<StreamId, Vec<Timer>> = BTreeMap::new();
    for timer in due {
        by_stream.entry(timer.stream).or_default().push(timer);
    }
    let answered: Vec<Vec<String>> = stream::iter(by_stream.into_values())
        .map(|timers| async move {
            let mut answered = Vec::new();
            for timer in timers {
                match fire(inner, &timer, head, fence).await {
                    Ok(name) => answered.extend(name),
                    Err(error) if Parked::takes(&error) => inner.parked.park(&timer.key(), &error),
                    Err(error) => return Err(error),
                }
            }
            Ok::<_, Error>(answered)
        })
        .buffer_unordered(STREAMS_AT_ONCE)
        .try_collect()
        .await?;
    let answered: Vec<RowChange> =
        answered.into_iter().flatten().map(|name| RowChange::Delete(&TIMER, name)).collect();
    if !answered.is_empty() {
        inner.leases.confirm(fence).await?;
        inner.log.change_rows(&answered, Some(fence)).await?;
    }
    Ok(count)
}

/// When the next timer is due, whether that is past or not.
pub(super) async fn next_due(inner: &Inner) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(select(inner, None, 1).await?.first().map(|timer| timer.due))
}

async fn select(inner: &Inner, until: Option<DateTime<Utc>>, limit: usize) -> Result<Vec<Timer>, Error> {
    let until_us = until.map_or(i64::MAX, |until| until.timestamp_micros());
    // A timer that rests has no due time in its column, and a null never matches.
    let filter = Filter { column: "due", comparison: Comparison::AtMost, value: until_us.into() };
    let select =
        Select { table: &TIMER, filters: vec![filter], order: "due", descending: false, after: None, limit };
    super::query::select(&inner.log, &select).await
}

/// Issues one; answers its name unless it is to be tried again. `head` is up to where timers were known to be right.
async fn fire(
    inner: &Arc<Inner>,
    timer: &Timer,
    head: Position,
    fence: &Fence,
) -> Result<Option<String>, Error> {
    let name = timer.key();
    let command = command(timer).ok_or_else(|| Error::Corrupt {
        stream: timer.stream.to_string(),
        detail: format!("it has a timer of another kind of aggregate: {name}"),
    })?;
    let provenance = Provenance {
        causation: Some(format!("timer:{name}")),
        ..Provenance::of(Actor::engine("timers")).tied_to(timer.correlation.clone())
    };
    let key = IdempotencyKey { owner: "engine".to_owned(), key: format!("timer:{name}"), fingerprint: None };
    let asked = Asked {
        command: &command,
        provenance: &provenance,
        key: Some(&key),
        expected: None,
        at: Some(timer.due),
        fence: Some(fence),
    };
    inner.leases.confirm(fence).await?;
    match execute(inner, asked).await {
        Ok(_) => {}
        Err(Error::Refused(reasons)) => {
            if moved_since(inner, timer, head).await? {
                // What refused it may have put it to rest meanwhile. Its stream's events tell before the next turn,
                // and without any more of them it goes then.
                return Ok(None);
            }
            tracing::debug!(timer = %name, ?reasons, "a timer came to nothing");
        }
        // It stays, and is tried again.
        Err(error) if error.kind() == ErrorKind::Conflict => return Ok(None),
        Err(error) => return Err(error),
    }
    Ok(Some(name))
}

/// Whether the stream of a timer has events after a position: only those change its row.
async fn moved_since(inner: &Inner, timer: &Timer, head: Position) -> Result<bool, Error> {
    if inner.log.head().await?.position == head {
        return Ok(false);
    }
    let (sequence, _) = inner.newest(timer.stream).await?;
    let last = inner.log.stream(timer.stream, sequence.saturating_sub(1), 1).await?;
    Ok(last.first().is_none_or(|event| event.position > head))
}

/// The command that a timer stands for.
fn command(timer: &Timer) -> Option<Command> {
    let id = timer.stream.id;
    Some(match (timer.stream.kind, timer.name) {
        (AggregateKind::Order, name) => Command::Order {
            order: OrderId(id),
            command: match name {
                TimerName::DraftUntouched => OrderCommand::DiscardUntouched,
                TimerName::InformationDeadline => OrderCommand::InformationDeadlinePasses,
                _ => return None,
            },
        },
        (AggregateKind::Company, name) => Command::Company {
            company: CompanyId(id),
            command: match name {
                TimerName::QualificationExpiring => CompanyCommand::AnnounceExpiry,
                TimerName::QualificationExpiry => CompanyCommand::Expire,
                TimerName::ReservationExpiring(reservation) => {
                    CompanyCommand::AnnounceReservationExpiry { reservation }
                }
                TimerName::ReservationExpiry(reservation) => {
                    CompanyCommand::ExpireReservation { reservation }
                }
                _ => return None,
            },
        },
        (AggregateKind::PortRequest, name) => Command::Port {
            port_request: PortRequestId(id),
            command: match name {
                TimerName::PortAnswerOverdue => PortCommand::AnswerOverdue,
                TimerName::PortGiveUp => PortCommand::TimeOut,
                TimerName::PortWindowOpens => PortCommand::OpenWindow,
                TimerName::PortWindowCloses => PortCommand::CloseWindow,
                TimerName::PortNetworkSilent => PortCommand::NetworkSilent,
                _ => return None,
            },
        },
        (AggregateKind::NumberBlock, TimerName::QuarantineEnd) => Command::Block {
            block: NumberBlockId(id),
            command: BlockCommand::Free { numbers: timer.numbers.clone() },
        },
        _ => return None,
    })
}
