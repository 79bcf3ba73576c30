//! An event with where and when it happened: what views, claims, timers and fulfilment are computed from.

use chrono::{DateTime, Utc};

use crate::{
    claim::ClaimChange,
    company::events::CompanyEvent,
    decider::Event as _,
    ids::{AggregateKind, CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, StreamId},
    number_block::events::BlockEvent,
    order::events::OrderEvent,
    port_request::events::PortEvent,
    reseller::events::ResellerEvent,
};

/// An event of any aggregate, with whose it is.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "facts are passed by reference, one at a time")]
pub enum Happened {
    /// To an order.
    Order(OrderId, OrderEvent),
    /// To a company.
    Company(CompanyId, CompanyEvent),
    /// To a port request.
    PortRequest(PortRequestId, PortEvent),
    /// To a number block.
    NumberBlock(NumberBlockId, BlockEvent),
    /// To a reseller.
    Reseller(ResellerId, ResellerEvent),
}

/// One event of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Its index in the log, from 1.
    pub position: u64,
    /// Its index in its stream, from 1.
    pub sequence: u64,
    /// When it was recorded; never earlier than the event before it.
    pub recorded_at: DateTime<Utc>,
    /// When it was decided; for a timer, when that was due.
    pub decided_at: DateTime<Utc>,
    /// What happened, and to which aggregate.
    pub happened: Happened,
}

impl Happened {
    /// Reads an event as stored.
    pub fn read(stream: StreamId, payload: &str) -> Result<Self, serde_json::Error> {
        Ok(match stream.kind {
            AggregateKind::Order => Self::Order(OrderId(stream.id), serde_json::from_str(payload)?),
            AggregateKind::Company => Self::Company(CompanyId(stream.id), serde_json::from_str(payload)?),
            AggregateKind::PortRequest => {
                Self::PortRequest(PortRequestId(stream.id), serde_json::from_str(payload)?)
            }
            AggregateKind::NumberBlock => {
                Self::NumberBlock(NumberBlockId(stream.id), serde_json::from_str(payload)?)
            }
            AggregateKind::Reseller => Self::Reseller(ResellerId(stream.id), serde_json::from_str(payload)?),
        })
    }

    /// Its stream.
    pub fn stream(&self) -> StreamId {
        match self {
            Self::Order(id, _) => id.stream(),
            Self::Company(id, _) => id.stream(),
            Self::PortRequest(id, _) => id.stream(),
            Self::NumberBlock(id, _) => id.stream(),
            Self::Reseller(id, _) => id.stream(),
        }
    }

    /// Its type, as stored.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Order(_, event) => event.name(),
            Self::Company(_, event) => event.name(),
            Self::PortRequest(_, event) => event.name(),
            Self::NumberBlock(_, event) => event.name(),
            Self::Reseller(_, event) => event.name(),
        }
    }

    /// The version of its shape, as stored.
    pub fn version(&self) -> &'static str {
        match self {
            Self::Order(_, event) => event.version(),
            Self::Company(_, event) => event.version(),
            Self::PortRequest(_, event) => event.version(),
            Self::NumberBlock(_, event) => event.version(),
            Self::Reseller(_, event) => event.version(),
        }
    }

    /// The event as it is stored.
    pub fn payload(&self) -> String {
        let payload = match self {
            Self::Order(_, event) => serde_json::to_string(event),
            Self::Company(_, event) => serde_json::to_string(event),
            Self::PortRequest(_, event) => serde_json::to_string(event),
            Self::NumberBlock(_, event) => serde_json::to_string(event),
            Self::Reseller(_, event) => serde_json::to_string(event),
        };
        payload.expect("events have string keys only, so they are JSON")
    }

    /// What it takes and releases.
    pub fn claims(&self) -> Vec<ClaimChange> {
        let holder = self.stream();
        match self {
            Self::Order(_, event) => event.claims(holder),
            Self::Company(_, event) => event.claims(holder),
            Self::PortRequest(_, event) => event.claims(holder),
            Self::NumberBlock(_, event) => event.claims(holder),
            Self::Reseller(_, event) => event.claims(holder),
        }
    }
}
