//! What may exist once.
//!
//! A claim is taken by an event and released by an event. Which events do is a pure function of the event alone;
//! the store applies the changes in the transaction that appends it, and a lost race is a refusal that names the key.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use crate::ids::StreamId;

/// The scopes in which a key may be held once.
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
#[expect(missing_docs, reason = "each word is the thing that may exist once")]
pub enum ClaimScope {
    CompanyName,
    CompanyDomain,
    Username,
    Mac,
    SiteName,
    LocationCode,
    PbxName,
    TrunkName,
    Extension,
    Number,
    BlockHundred,
    ResellerCode,
    CugId,
    SalesTag,
    OpenPort,
    OrderReference,
    MessageId,
    WebhookSlot,
}

/// A key in its scope; where the scope belongs to somebody, the key starts with whose it is, then a slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// Where it may exist once.
    pub scope: ClaimScope,
    /// The normalised key.
    pub key: String,
}

impl Claim {
    /// A key unique on the whole log.
    pub fn platform(scope: ClaimScope, key: impl Into<String>) -> Self {
        Self { scope, key: key.into() }
    }

    /// A key unique within `owner` only.
    pub fn within(scope: ClaimScope, owner: impl std::fmt::Display, key: impl std::fmt::Display) -> Self {
        Self { scope, key: format!("{owner}/{key}") }
    }

    /// The key without whose it is: what may be shown to the one who asked for it.
    pub fn shown(&self) -> &str {
        self.key.split_once('/').map_or(self.key.as_str(), |(_, key)| key)
    }
}

/// One change of who holds what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimChange {
    /// What is taken or released.
    pub claim: Claim,
    /// By which stream.
    pub holder: StreamId,
    /// Which of the two.
    pub action: ClaimAction,
}

/// Taken or released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimAction {
    /// The holder has it from here on.
    Take,
    /// The holder gives it up.
    Release,
}

impl ClaimChange {
    /// The holder takes the claim.
    pub fn take(holder: impl Into<StreamId>, claim: Claim) -> Self {
        Self { claim, holder: holder.into(), action: ClaimAction::Take }
    }

    /// The holder releases the claim.
    pub fn release(holder: impl Into<StreamId>, claim: Claim) -> Self {
        Self { claim, holder: holder.into(), action: ClaimAction::Release }
    }
}
