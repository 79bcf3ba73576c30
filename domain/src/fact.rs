//! An event with where and when it happened: what views, claims, timers and fulfilment are computed from.

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    claim::ClaimChange,
    company::events::CompanyEvent,
    decider::Event as _,
    ids::{AggregateKind, CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, StreamId, WebhookId},
    number_block::events::BlockEvent,
    order::events::OrderEvent,
    port_request::events::PortEvent,
    reseller::events::ResellerEvent,
    webhook::events::WebhookEvent,
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
    /// To a webhook.
    Webhook(WebhookId, WebhookEvent),
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
    /// What ties it to what else belongs to it; whatever it causes carries the same.
    pub correlation: Option<String>,
    /// What happened, and to which aggregate.
    pub happened: Happened,
}

/// Why a stored event cannot be read: the store holds what this code never wrote, or a newer one did.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Its shape has a version that is not known here.
    #[error("{name} has version `{version}`, which is not known here")]
    Version {
        /// The type, as stored.
        name: String,
        /// The version, as stored.
        version: String,
    },
    /// Its payload is not of the shape.
    #[error("the payload of {name} is of another shape: {why}")]
    Payload {
        /// The type, as stored.
        name: String,
        /// What is wrong with it.
        why: serde_json::Error,
    },
    /// Its payload is another event's.
    #[error("it is stored as {stored} and says {found}")]
    Name {
        /// The type, as stored.
        stored: String,
        /// The type that its payload says.
        found: &'static str,
    },
}

/// The payload in the newest shape of its type. Here an upcaster goes, one arm for each older version of a type: a pure
/// function from that payload to the next.
fn newest_shape<'a>(name: &str, version: &str, payload: &'a str) -> Result<Cow<'a, str>, Unreadable> {
    match (name, version) {
        ("CompanyQualified" | "QualificationExtended" | "NumbersReserved" | "OrderClosed", "1") => {
            let why = |why| Unreadable::Payload { name: name.to_owned(), why };
            Ok(Cow::Owned(unannounced(payload).map_err(why)?))
        }
        ("CompanyQualified" | "QualificationExtended" | "NumbersReserved" | "OrderClosed", "2")
        | (_, "1") => Ok(Cow::Borrowed(payload)),
        _ => Err(Unreadable::Version { name: name.to_owned(), version: version.to_owned() }),
    }
}

/// The second shape of what ends some time: of what was begun under the first, no end was to be announced.
fn unannounced(payload: &str) -> Result<String, serde_json::Error> {
    let mut event: BTreeMap<String, serde_json::Map<String, Value>> = serde_json::from_str(payload)?;
    for fields in event.values_mut() {
        if fields.insert("announce_at".to_owned(), Value::Null).is_some() {
            return Err(serde::de::Error::custom("unknown field `announce_at`"));
        }
    }
    serde_json::to_string(&event)
}

impl Happened {
    /// Reads an event as stored: its type, the version of its shape, and its payload.
    pub fn read(stream: StreamId, name: &str, version: &str, payload: &str) -> Result<Self, Unreadable> {
        let payload = &*newest_shape(name, version, payload)?;
        let happened =
            Self::parse(stream, payload).map_err(|why| Unreadable::Payload { name: name.to_owned(), why })?;
        if happened.name() != name {
            return Err(Unreadable::Name { stored: name.to_owned(), found: happened.name() });
        }
        Ok(happened)
    }

    fn parse(stream: StreamId, payload: &str) -> Result<Self, serde_json::Error> {
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
            AggregateKind::Webhook => Self::Webhook(WebhookId(stream.id), serde_json::from_str(payload)?),
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
            Self::Webhook(id, _) => id.stream(),
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
            Self::Webhook(_, event) => event.name(),
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
            Self::Webhook(_, event) => event.version(),
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
            Self::Webhook(_, event) => serde_json::to_string(event),
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
            Self::Webhook(_, event) => event.claims(holder),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn read(name: &str, version: &str, payload: &str) -> Result<Happened, String> {
        let stream = StreamId { kind: AggregateKind::Order, id: Uuid::nil() };
        Happened::read(stream, name, version, payload).map_err(|why| why.to_string())
    }

    #[test]
    fn an_event_of_an_unknown_version_is_not_read_as_if_it_were_known() {
        let payload = "\"OrderAcknowledged\"";
        let known = read("OrderAcknowledged", "1", payload).unwrap();
        assert_eq!((known.name(), known.version()), ("OrderAcknowledged", "1"));
        for version in ["2", "", "0", "1.0"] {
            let why = read("OrderAcknowledged", version, payload).unwrap_err();
            assert_eq!(why, format!("OrderAcknowledged has version `{version}`, which is not known here"));
        }
    }

    #[test]
    fn what_was_begun_before_ends_were_announced_is_read_as_that() {
        let stream = StreamId { kind: AggregateKind::Company, id: Uuid::nil() };
        let read = |version, payload| Happened::read(stream, "QualificationExtended", version, payload);
        let first = r#"{"QualificationExtended":{"expires_at":"2026-07-01T09:00:00Z"}}"#;
        let second = r#"{"QualificationExtended":{"expires_at":"2026-07-01T09:00:00Z","announce_at":null}}"#;
        let now = read("1", first).unwrap();
        assert_eq!((now.version(), now.payload().as_str()), ("2", second));
        assert_eq!(read("2", second).unwrap(), now);
        assert!(read("1", second).is_err(), "what has a later field is no first shape");
    }

    #[test]
    fn an_event_is_what_its_type_says() {
        let why = read("OrderResumed", "1", "\"OrderAcknowledged\"").unwrap_err();
        assert_eq!(why, "it is stored as OrderResumed and says OrderAcknowledged");
        let why = read("OrderResumed", "1", "\"Unheard\"").unwrap_err();
        assert!(why.starts_with("the payload of OrderResumed is of another shape: unknown variant"), "{why}");
    }
}
