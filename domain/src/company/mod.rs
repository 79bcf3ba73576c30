//! A business customer: owner of its names and numbers from first hold to release.
//!
//! Deliberately absent: the progress of its orders and the conversation about its ports. Both tell it, in the same
//! commit, what to hold, use or give up.

pub mod asset;
mod lifecycle;
pub mod commands;
pub mod events;
pub mod claims;
pub mod estate;
mod decide;
pub mod holds;
mod numbers;
mod orders;
mod review;
mod dialling;
mod evolve;
mod record;
pub mod errors;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use self::{
    asset::AssetPlan,
    commands::{CompanyAction, CompanyCommand},
    errors::CompanyError,
    estate::{Asset, Estate, HeldNumber, Identity, Reservation},
    events::{CompanyEvent, CompanyEventKind},
};
use crate::{
    claim::Claim,
    decider::{Context, Decider},
    ids::{AggregateKind, AssetId, CompanyId, OrderId, ResellerId, ReservationId},
    lifecycle::Lifecycle,
    names::{CompanyName, Domain},
    number::{NumberSet, TelephoneNumber},
    order::line::LineNumber,
    sealed::Sealed,
};

/// A company, holding at each stage exactly what is known at that stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case")]
#[strum_discriminants(
    name(CompanyStatus),
    doc = "The stages of a company.",
    derive(PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray, strum::Display),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum Company {
    /// Nothing is known of it.
    #[default]
    New,
    /// Name and domain are held for a while.
    Qualified {
        /// What it holds.
        estate: Estate,
        /// Until when.
        expires_at: DateTime<Utc>,
        /// When the reseller is told that it is about to end, while that is to come.
        announce_at: Option<DateTime<Utc>>,
        /// How often the end was put off.
        extensions: u32,
    },
    /// An order was submitted; it is not in service yet.
    Ordered {
        /// What it holds.
        estate: Estate,
        /// Until when it was qualified, should its orders come to nothing.
        expires_at: DateTime<Utc>,
        /// How often that was put off.
        extensions: u32,
    },
    /// It is in service.
    Active {
        /// What it holds.
        estate: Estate,
        /// How many trunk channels all its sites may have together.
        channels: u32,
    },
    /// Nothing new may be ordered for it.
    Suspended {
        /// What it holds.
        estate: Estate,
        /// How many trunk channels all its sites may have together.
        channels: u32,
        /// Why.
        reason: Sealed,
    },
    /// Nobody ordered in time.
    Expired(Identity),
    /// The reseller gave it up.
    Released(Identity),
    /// It is no customer any more.
    Ceased(Identity),
    /// Its data key was destroyed.
    Erased(Identity),
}

impl Decider for Company {
    const KIND: AggregateKind = AggregateKind::Company;
    const LIFECYCLE: Lifecycle<CompanyStatus, CompanyAction, CompanyEventKind> = lifecycle::LIFECYCLE;

    type Command = CompanyCommand;
    type Event = CompanyEvent;
    type Error = CompanyError;
    type Status = CompanyStatus;
    type Action = CompanyAction;
    type EventKind = CompanyEventKind;

    fn status(&self) -> CompanyStatus {
        self.into()
    }

    fn action(command: &CompanyCommand) -> CompanyAction {
        command.into()
    }

    fn decide(
        &self,
        command: &CompanyCommand,
        context: &Context,
    ) -> Result<Vec<CompanyEvent>, Vec<CompanyError>> {
        decide::decide(self, command, context)
    }

    fn evolve(self, event: &CompanyEvent) -> Self {
        evolve::evolve(self, event)
    }
}

impl Company {
    /// What it holds, from qualification until its end.
    pub fn estate(&self) -> Option<&Estate> {
        match self {
            Self::Qualified { estate, .. }
            | Self::Ordered { estate, .. }
            | Self::Active { estate, .. }
            | Self::Suspended { estate, .. } => Some(estate),
            Self::New | Self::Expired(_) | Self::Released(_) | Self::Ceased(_) | Self::Erased(_) => None,
        }
    }

    fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Expired(identity)
            | Self::Released(identity)
            | Self::Ceased(identity)
            | Self::Erased(identity) => Some(identity),
            other => other.estate().map(|estate| &estate.identity),
        }
    }

    fn identity_mut(&mut self) -> Option<&mut Identity> {
        match self {
            Self::New => None,
            Self::Qualified { estate, .. }
            | Self::Ordered { estate, .. }
            | Self::Active { estate, .. }
            | Self::Suspended { estate, .. } => Some(&mut estate.identity),
            Self::Expired(identity)
            | Self::Released(identity)
            | Self::Ceased(identity)
            | Self::Erased(identity) => Some(identity),
        }
    }

    /// What keeps its personal data.
    pub fn legal_holds(&self) -> Option<&holds::LegalHolds> {
        self.identity().map(|identity| &identity.legal_holds)
    }

    /// Whose customer it is.
    pub fn reseller(&self) -> Option<ResellerId> {
        self.identity().map(|identity| identity.reseller)
    }

    /// Its name.
    pub fn name(&self) -> Option<&CompanyName> {
        self.identity().map(|identity| &identity.name)
    }

    /// Its domain.
    pub fn domain(&self) -> Option<&Domain> {
        self.identity().map(|identity| &identity.domain)
    }

    /// While it is merely qualified: until when.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Qualified { expires_at, .. } => Some(*expires_at),
            _ => None,
        }
    }

    /// While it is merely qualified: when its reseller is told that this is about to end, until it was.
    pub fn announce_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Qualified { announce_at, .. } => *announce_at,
            _ => None,
        }
    }

    /// How many trunk channels all its sites may have together, once it is in service.
    pub fn channels(&self) -> Option<u32> {
        match self {
            Self::Active { channels, .. } | Self::Suspended { channels, .. } => Some(*channels),
            _ => None,
        }
    }

    /// Its numbers in order.
    pub fn numbers(&self) -> impl Iterator<Item = (TelephoneNumber, &HeldNumber)> {
        self.estate()
            .into_iter()
            .flat_map(|estate| estate.numbers.iter().map(|(number, held)| (*number, held)))
    }

    /// Whether it has numbers beyond reservations and open orders.
    pub fn has_numbers_in_service(&self) -> bool {
        self.numbers().any(|(_, held)| held.is_in_service())
    }

    /// One of its numbers.
    pub fn number(&self, number: TelephoneNumber) -> Option<&HeldNumber> {
        self.estate()?.numbers.get(&number)
    }

    /// A reservation or ring-fence that has not ended.
    pub fn reservation(&self, reservation: ReservationId) -> Option<&Reservation> {
        self.estate()?.reservations.get(&reservation)
    }

    /// What it has and will have.
    pub fn assets(&self) -> impl Iterator<Item = (AssetId, &Asset)> {
        self.estate().into_iter().flat_map(|estate| estate.assets.iter().map(|(id, asset)| (*id, asset)))
    }

    /// Something it has or will have.
    pub fn asset(&self, asset: AssetId) -> Option<&Asset> {
        self.estate()?.assets.get(&asset)
    }

    /// What a line of an open order will make.
    pub fn planned_for(&self, order: OrderId, line: LineNumber) -> Option<(AssetId, &AssetPlan)> {
        let asset = self.estate()?.line(order, line)?.asset?;
        Some((asset, &self.asset(asset)?.plan))
    }

    /// The numbers committed to a line of an open order and not yet in service.
    pub fn committed_to(&self, order: OrderId, line: LineNumber) -> NumberSet {
        let held = self.estate().and_then(|estate| estate.line(order, line));
        held.map(|held| held.numbers.clone()).unwrap_or_default()
    }

    /// The orders under way for it.
    pub fn open_orders(&self) -> impl Iterator<Item = OrderId> {
        self.estate().into_iter().flat_map(|estate| estate.orders.keys().copied())
    }

    /// Every claim that it holds now, as stream `id`: what its history took and has not released.
    pub fn held_claims(&self, id: CompanyId) -> BTreeSet<Claim> {
        let Some(estate) = self.estate() else { return BTreeSet::new() };
        let names = claims::identity(&estate.identity.name, &estate.identity.domain);
        let numbers = estate.numbers.keys().map(|number| claims::of_number(*number));
        let assets = estate.assets.values().flat_map(|asset| claims::of_plan(&asset.plan, id.stream()));
        names.into_iter().chain(numbers).chain(assets).collect()
    }
}
