//! What a company holds: numbers, reservations, open orders, assets and their names.
//!
//! Every map is persistent, so a copy is free and a step costs what it changes. Deliberately absent: any rule. The
//! deciding side asks it; the evolving side tells it what happened.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::{
    asset::{AssetPlan, Name},
    events::NumberSource,
    holds::LegalHolds,
};
use crate::{
    claim::ClaimScope,
    ids::{AssetId, OrderId, PortRequestId, ResellerId, ReservationId},
    names::{CompanyName, Domain},
    number::{NumberSet, TelephoneNumber},
    order::line::LineNumber,
};

/// Who the company is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Whose customer.
    pub reseller: ResellerId,
    /// As the reseller wrote it.
    pub name: CompanyName,
    /// Its internet domain.
    pub domain: Domain,
    /// What keeps its personal data.
    // Left out where there is none, so that a company without one has the state and hash that it always had.
    #[serde(default, skip_serializing_if = "LegalHolds::is_empty")]
    pub legal_holds: LegalHolds,
}

/// What a company holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estate {
    /// Who it is.
    pub identity: Identity,
    /// Every number it holds.
    pub numbers: OrdMap<TelephoneNumber, HeldNumber>,
    /// Reservations and ring-fences that have not ended.
    pub reservations: OrdMap<ReservationId, Reservation>,
    /// Orders that are under way, and what each still holds.
    pub orders: OrdMap<OrderId, OpenOrder>,
    /// What it has and what its open orders will make.
    pub assets: OrdMap<AssetId, Asset>,
    /// Which asset has a name.
    pub(super) names: OrdMap<ClaimScope, OrdMap<String, AssetId>>,
    /// The site a number is at or will be at.
    pub(super) site_of: OrdMap<TelephoneNumber, AssetId>,
    /// The user a number reaches or will reach.
    pub(super) user_of: OrdMap<TelephoneNumber, AssetId>,
}

/// A number of the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldNumber {
    /// How far it has come.
    pub holding: Holding,
    /// Where it is from.
    pub origin: Origin,
}

/// How far a number has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// Under a reservation with an end.
    Reserved(ReservationId),
    /// Under a reservation without an end.
    RingFenced(ReservationId),
    /// To a line of an open order.
    Committed {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
        /// Where it was before.
        source: NumberSource,
    },
    /// The company's, at no site.
    Allocated,
    /// At a site, of no user.
    AssignedToSite(AssetId),
    /// Of a user.
    AssignedToUser(AssetId),
}

/// Where a number is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The carrier's own stock.
    Own,
    /// Another provider.
    Ported {
        /// The request that brings it.
        port_request: PortRequestId,
        /// Whether it works here already.
        live: bool,
    },
}

impl HeldNumber {
    /// Whether it works, or would if somebody used it.
    pub fn is_live(&self) -> bool {
        self.is_in_service() && !matches!(self.origin, Origin::Ported { live: false, .. })
    }

    /// Whether it is the company's, beyond reservations and open orders.
    pub fn is_in_service(&self) -> bool {
        matches!(self.holding, Holding::Allocated | Holding::AssignedToSite(_) | Holding::AssignedToUser(_))
    }
}

/// Numbers held for the company until it orders them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Until when; a ring-fence has no end.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the reseller is told that it is about to end, while that is to come.
    pub announce_at: Option<DateTime<Utc>>,
    /// Those that no line has.
    pub uncommitted: NumberSet,
    /// Those that a line of an open order has.
    pub committed: NumberSet,
}

/// An order that is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// The channels its company line asks for, where it has one that may still be done.
    pub channels: Option<u32>,
    /// What its lines still hold; a line that holds nothing is not here.
    pub lines: OrdMap<LineNumber, LineHolding>,
}

/// What a line of an open order holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineHolding {
    /// The asset it will make.
    pub asset: Option<AssetId>,
    /// The numbers committed to it.
    pub numbers: NumberSet,
}

/// Something the company has or will have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// What it is.
    pub plan: AssetPlan,
    /// The order that makes or made it.
    pub order: OrderId,
    /// Its line.
    pub line: LineNumber,
    /// Whether it exists yet.
    pub stage: AssetStage,
    /// What hangs on it: add-ons and devices of a user, users of a site, trunks of a PBX.
    pub dependants: OrdSet<AssetId>,
    /// The numbers it has by now; those of a site are of no user.
    pub numbers: NumberSet,
}

/// Whether an asset exists yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetStage {
    /// An open order will make it.
    Planned,
    /// It exists.
    Real,
}

impl Estate {
    /// Holds nothing yet.
    pub(super) fn of(identity: Identity) -> Self {
        Self {
            identity,
            numbers: OrdMap::new(),
            reservations: OrdMap::new(),
            orders: OrdMap::new(),
            assets: OrdMap::new(),
            names: OrdMap::new(),
            site_of: OrdMap::new(),
            user_of: OrdMap::new(),
        }
    }

    /// What a line of an open order holds.
    pub fn line(&self, order: OrderId, line: LineNumber) -> Option<&LineHolding> {
        self.orders.get(&order)?.lines.get(&line)
    }

    /// The channels that an open order brings, if one is to bring the company into service.
    pub fn coming_channels(&self) -> Option<u32> {
        self.orders.values().find_map(|order| order.channels)
    }

    /// An asset that exists.
    pub fn real(&self, asset: AssetId) -> Option<&Asset> {
        self.assets.get(&asset).filter(|it| it.stage == AssetStage::Real)
    }

    /// Which asset has a name.
    pub(super) fn named(&self, name: &Name) -> Option<AssetId> {
        self.names.get(&name.scope)?.get(&name.key).copied()
    }

    /// Every name of a kind, with the asset that has it.
    pub(super) fn names_of(&self, scope: ClaimScope) -> impl Iterator<Item = (&String, AssetId)> {
        self.names.get(&scope).into_iter().flat_map(OrdMap::iter).map(|(key, asset)| (key, *asset))
    }

    /// How many names of a kind there are.
    pub(super) fn names_len(&self, scope: ClaimScope) -> usize {
        self.names.get(&scope).map_or(0, OrdMap::len)
    }

    /// The site that a number is at or will be at. A real site may still list a number whose port came to nothing.
    pub(super) fn site_for(&self, number: TelephoneNumber) -> Option<AssetId> {
        let site = *self.site_of.get(&number)?;
        let certain = self.numbers.contains_key(&number) || self.real(site).is_none();
        certain.then_some(site)
    }

    /// The numbers among these that a predicate picks by how they are held.
    pub(super) fn pick(&self, numbers: &NumberSet, which: impl Fn(&HeldNumber) -> bool) -> NumberSet {
        numbers.iter().filter(|number| self.numbers.get(number).is_some_and(&which)).collect()
    }

    /// The reservations that committed numbers come from, with the numbers of each.
    pub(super) fn sources(&self, numbers: &NumberSet) -> BTreeMap<ReservationId, NumberSet> {
        let mut sources = BTreeMap::<_, NumberSet>::new();
        for number in numbers.iter() {
            if let Some(Holding::Committed { source: NumberSource::Reservation(id), .. }) =
                self.numbers.get(&number).map(|held| held.holding)
            {
                sources.entry(id).or_default().insert(number);
            }
        }
        sources
    }
}
