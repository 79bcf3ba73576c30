//! In which state each open order is, by the names of its events alone.
//!
//! The lifecycle table says where an event leads. Where it leads to several states, it goes back to the one that the order came
//! from, which is kept. A test compares it with the domain's own fold.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use orderwire_domain::{
    decider::Decider as _,
    ids::{AggregateKind, StreamId},
    order::{Order, OrderStatus, events::OrderEventKind},
};
use strum::VariantArray as _;

use super::Moved;
use crate::engine::{Error, clock, log::StoredEvent};

/// Every order that has not ended.
#[derive(Default)]
pub(super) struct Following(BTreeMap<StreamId, Life>);

/// Where an order is.
struct Life {
    now: OrderStatus,
    since: DateTime<Utc>,
    /// Where it goes on once its reseller has told what it was asked.
    told: OrderStatus,
    /// Where it goes on once it is not cancelled.
    kept: OrderStatus,
}

impl Following {
    /// Takes an event; answers where the order went, if it went anywhere.
    pub(super) fn take(&mut self, event: &StoredEvent) -> Result<Option<Moved>, Error> {
        if event.stream.kind != AggregateKind::Order {
            return Ok(None);
        }
        let at = clock::time(event.recorded_at_us);
        let new = OrderStatus::New;
        let life = self.0.entry(event.stream).or_insert(Life { now: new, since: at, told: new, kept: new });
        let illegal = || Error::Corrupt {
            stream: event.stream.to_string(),
            detail: format!(
                "{} at position {} is no step from {}",
                event.event_type, event.position, life.now
            ),
        };
        let kinds = OrderEventKind::VARIANTS.iter();
        let kind = kinds.copied().find(|kind| <&str>::from(*kind) == event.event_type).ok_or_else(illegal)?;
        let leads = Order::LIFECYCLE.next(life.now, kind);
        let to = match kind {
            OrderEventKind::InformationProvided => life.told,
            OrderEventKind::CancellationRefused => life.kept,
            _ => leads.first().copied().ok_or_else(illegal)?,
        };
        if !leads.contains(&to) {
            return Err(illegal());
        }
        let from = life.now;
        match kind {
            OrderEventKind::InformationRequired => life.told = from,
            OrderEventKind::InformationOverdue => life.kept = life.told,
            OrderEventKind::CancellationRequested => life.kept = from,
            _ => {}
        }
        if from == to {
            return Ok(None);
        }
        let since = std::mem::replace(&mut life.since, at);
        life.now = to;
        if Order::LIFECYCLE.is_terminal(to) {
            self.0.remove(&event.stream);
        }
        Ok(Some(Moved { from, since, to }))
    }
}
