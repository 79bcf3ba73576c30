//! Typed identifiers: a prefix that says what it names, and a `UUIDv7` that says when it was minted.
//!
//! Deliberately absent: randomness. [`Mint`] turns one seed, given as an argument, into any number of fresh ids,
//! so deciding the same command twice mints the same ids.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};
use uuid::Uuid;

use crate::invalid::Invalid;

/// The six kinds of aggregate; the words are those stored in `aggregate_type`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AggregateKind {
    /// What a reseller wants, line by line.
    Order,
    /// A business customer, owner of its names and numbers.
    Company,
    /// The conversation with losing provider, range holder and network.
    PortRequest,
    /// A stretch of the carrier's own numbers.
    NumberBlock,
    /// The tenant that places orders.
    Reseller,
    /// An address to which a reseller's notices are sent.
    Webhook,
}

impl AggregateKind {
    /// The word stored as `aggregate_type`.
    pub fn word(self) -> &'static str {
        self.into()
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Order => OrderId::PREFIX,
            Self::Company => CompanyId::PREFIX,
            Self::PortRequest => PortRequestId::PREFIX,
            Self::NumberBlock => NumberBlockId::PREFIX,
            Self::Reseller => ResellerId::PREFIX,
            Self::Webhook => WebhookId::PREFIX,
        }
    }
}

/// One stream of the log: an aggregate's kind and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// What kind of aggregate.
    pub kind: AggregateKind,
    /// Which one.
    pub id: Uuid,
}

impl fmt::Display for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(out, self.kind.prefix(), self.id)
    }
}

impl FromStr for StreamId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        use strum::IntoEnumIterator;
        AggregateKind::iter()
            .find_map(|kind| parse_id(kind.prefix(), text).map(|id| Self { kind, id }))
            .ok_or_else(|| wrong_id(text, "ord_, com_, prt_, blk_, rsl_ or whk_"))
    }
}

impl Serialize for StreamId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn write_id(out: &mut fmt::Formatter<'_>, prefix: &str, id: Uuid) -> fmt::Result {
    write!(out, "{prefix}{}", id.simple())
}

fn parse_id(prefix: &str, text: &str) -> Option<Uuid> {
    let id = text.strip_prefix(prefix)?;
    // One id has one spelling, so capitals are refused.
    let simple = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    simple.then(|| Uuid::try_parse(id).ok()).flatten()
}

fn wrong_id(text: &str, prefixes: &str) -> Invalid {
    // An id is short; whatever else was sent is not repeated in full.
    let shown: String = text.chars().take(40).collect();
    Invalid::new(
        "id_invalid",
        format!("`{shown}` is not an id"),
        format!("{prefixes} followed by 32 hex digits in lower case"),
    )
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal $(=> $kind:ident)?;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What every id of this type begins with.
            pub const PREFIX: &'static str = $prefix;
        }
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_id(out, Self::PREFIX, self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }
        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                parse_id(Self::PREFIX, text).map(Self).ok_or_else(|| wrong_id(text, Self::PREFIX))
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        $(
        impl From<$name> for StreamId {
            fn from(id: $name) -> Self {
                Self { kind: AggregateKind::$kind, id: id.0 }
            }
        }
        impl $name {
            /// The stream that holds this aggregate's events.
            pub fn stream(self) -> StreamId {
                self.into()
            }
        })?
    )*};
}

typed_ids! {
    /// Names an order.
    OrderId "ord_" => Order;
    /// Names a company; shown to resellers as its service reference.
    CompanyId "com_" => Company;
    /// Names a port request.
    PortRequestId "prt_" => PortRequest;
    /// Names a number block.
    NumberBlockId "blk_" => NumberBlock;
    /// Names a reseller.
    ResellerId "rsl_" => Reseller;
    /// Names a webhook.
    WebhookId "whk_" => Webhook;
    /// Names a reservation or ring-fence of a company.
    ReservationId "rsv_";
    /// Names an asset of a company (a site, user, device, PBX or trunk); its service id.
    AssetId "ast_";
    /// Names a notice.
    NoticeId "ntf_";
}

/// Mints ids for one command: the n-th id of a seed is always the same.
#[derive(Clone, Debug)]
pub struct Mint {
    seed: Uuid,
    at: DateTime<Utc>,
    minted: u32,
}

impl Mint {
    /// A mint whose ids carry the time `at` and differ from those of every other seed.
    pub fn new(seed: Uuid, at: DateTime<Utc>) -> Self {
        Self { seed, at, minted: 0 }
    }

    /// A fresh id.
    pub fn fresh<Id: From<Uuid>>(&mut self) -> Id {
        self.minted += 1;
        let hash = Sha256::new().chain_update(self.seed).chain_update(self.minted.to_be_bytes()).finalize();
        let mut random = [0; 10];
        random.copy_from_slice(&hash[..10]);
        // Ids of one command sort in the order in which they were minted, as far as twelve bits go.
        let [.., high, low] = self.minted.to_be_bytes();
        (random[0], random[1]) = (high, low);
        let ms = u64::try_from(self.at.timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().into()
    }
}
