//! The tenant that places orders.
//!
//! Deliberately absent: its companies and orders. Whether it may order is asked of its status, in the same commit.

mod lifecycle;
pub mod commands;
pub mod events;
mod claims;
mod decide;
mod evolve;
pub mod errors;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use self::{
    commands::{ResellerAction, ResellerCommand},
    errors::ResellerError,
    events::{ResellerEvent, ResellerEventKind},
};
use crate::{
    claim::Claim,
    decider::{Context, Decider},
    ids::AggregateKind,
    lifecycle::Lifecycle,
    names::{CompanyName, CugId, ResellerCode, SalesTag},
    sealed::Sealed,
};

/// A reseller, holding at each stage exactly what is known at that stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case")]
#[strum_discriminants(
    name(ResellerStatus),
    doc = "The stages of a reseller.",
    derive(PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray, strum::Display),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum Reseller {
    /// Nothing is known of it.
    #[default]
    New,
    /// It may order.
    Active(Tenant),
    /// It may not order for now.
    Suspended {
        /// Who it is.
        tenant: Tenant,
        /// Why.
        reason: Sealed,
    },
    /// It is no reseller any more.
    Closed(Tenant),
}

/// Who a reseller is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The reseller id of the trade.
    pub code: ResellerCode,
    /// Its own customer id.
    pub cug_id: CugId,
    /// Its sales tag.
    pub sales_tag: SalesTag,
    /// Its name.
    pub name: CompanyName,
}

impl Decider for Reseller {
    const KIND: AggregateKind = AggregateKind::Reseller;
    const LIFECYCLE: Lifecycle<ResellerStatus, ResellerAction, ResellerEventKind> = lifecycle::LIFECYCLE;

    type Command = ResellerCommand;
    type Event = ResellerEvent;
    type Error = ResellerError;
    type Status = ResellerStatus;
    type Action = ResellerAction;
    type EventKind = ResellerEventKind;

    fn status(&self) -> ResellerStatus {
        self.into()
    }

    fn action(command: &ResellerCommand) -> ResellerAction {
        command.into()
    }

    fn decide(
        &self,
        command: &ResellerCommand,
        _context: &Context,
    ) -> Result<Vec<ResellerEvent>, Vec<ResellerError>> {
        decide::decide(command)
    }

    fn evolve(self, event: &ResellerEvent) -> Self {
        evolve::evolve(self, event)
    }
}

impl Reseller {
    /// Who it is, once it was created.
    pub fn tenant(&self) -> Option<&Tenant> {
        match self {
            Self::New => None,
            Self::Active(tenant) | Self::Suspended { tenant, .. } | Self::Closed(tenant) => Some(tenant),
        }
    }

    /// Whether it may create, reserve and submit.
    pub fn may_order(&self) -> bool {
        matches!(self, Self::Active(_))
    }

    /// Every claim that it holds: its three ids, for good.
    pub fn held_claims(&self) -> BTreeSet<Claim> {
        let ids = |tenant: &Tenant| claims::ids(&tenant.code, &tenant.cug_id, &tenant.sales_tag);
        self.tenant().map(ids).into_iter().flatten().collect()
    }
}
