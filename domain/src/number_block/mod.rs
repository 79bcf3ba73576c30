//! A stretch of the carrier's own numbers.
//!
//! Deliberately absent: which of them are free. That is every number which nobody claims; this aggregate knows only
//! those at rest and those with another provider.

mod lifecycle;
pub mod commands;
pub mod events;
pub mod claims;
mod decide;
mod evolve;
pub mod errors;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use self::{
    commands::{BlockAction, BlockCommand},
    errors::BlockError,
    events::{BlockEvent, BlockEventKind},
};
use crate::{
    claim::{Claim, ClaimScope},
    decider::{Context, Decider},
    ids::AggregateKind,
    lifecycle::Lifecycle,
    names::{Cupid, SiteName},
    number::{NumberRange, TelephoneNumber},
};

/// A number block, holding at each stage exactly what is known at that stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case")]
#[strum_discriminants(
    name(BlockStatus),
    doc = "The stages of a number block.",
    derive(PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray, strum::Display),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum NumberBlock {
    /// Nothing is known of it.
    #[default]
    New,
    /// Its numbers are stock.
    Active {
        /// Which numbers.
        stretch: Stretch,
        /// Numbers at rest, each with the end of its rest.
        quarantined: OrdMap<TelephoneNumber, DateTime<Utc>>,
        /// Numbers that another provider has.
        ported_out: OrdSet<TelephoneNumber>,
    },
    /// Its numbers are no stock any more.
    Withdrawn(Stretch),
}

/// Consecutive numbers of one range holder and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The numbers.
    pub range: NumberRange,
    /// To whom Ofcom allocated them.
    pub range_holder: Cupid,
    /// The place they belong to.
    pub place: SiteName,
}

impl Decider for NumberBlock {
    const KIND: AggregateKind = AggregateKind::NumberBlock;
    const LIFECYCLE: Lifecycle<BlockStatus, BlockAction, BlockEventKind> = lifecycle::LIFECYCLE;

    type Command = BlockCommand;
    type Event = BlockEvent;
    type Error = BlockError;
    type Status = BlockStatus;
    type Action = BlockAction;
    type EventKind = BlockEventKind;

    fn status(&self) -> BlockStatus {
        self.into()
    }

    fn action(command: &BlockCommand) -> BlockAction {
        command.into()
    }

    fn decide(&self, command: &BlockCommand, context: &Context) -> Result<Vec<BlockEvent>, Vec<BlockError>> {
        decide::decide(self, command, context)
    }

    fn evolve(self, event: &BlockEvent) -> Self {
        evolve::evolve(self, event)
    }
}

impl NumberBlock {
    /// Its numbers, once it was loaded.
    pub fn stretch(&self) -> Option<&Stretch> {
        match self {
            Self::New => None,
            Self::Active { stretch, .. } | Self::Withdrawn(stretch) => Some(stretch),
        }
    }

    /// Until when a number rests.
    pub fn rests_until(&self, number: TelephoneNumber) -> Option<DateTime<Utc>> {
        match self {
            Self::Active { quarantined, .. } => quarantined.get(&number).copied(),
            Self::New | Self::Withdrawn(_) => None,
        }
    }

    /// Whether another provider has the number.
    pub fn is_ported_out(&self, number: TelephoneNumber) -> bool {
        matches!(self, Self::Active { ported_out, .. } if ported_out.contains(&number))
    }

    /// Every claim that it holds now. Ids of messages are not among them: they stay taken, and no state keeps them.
    pub fn held_claims(&self) -> BTreeSet<Claim> {
        let Self::Active { stretch, quarantined, ported_out } = self else { return BTreeSet::new() };
        let numbers = quarantined.keys().chain(ported_out);
        let numbers = numbers.map(|number| Claim::platform(ClaimScope::Number, number.to_string()));
        claims::hundreds(stretch.range).chain(numbers).collect()
    }
}
