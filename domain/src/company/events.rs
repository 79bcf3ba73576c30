//! What happened to a company. Stored for good: a shape never changes, it gets a new version beside it.
//!
//! One event names at most `EVENT_KEYS_MAX` numbers; more follow in further events of the same commit.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::asset::AssetPlan;
use crate::{
    address::AddressKey,
    ids::{AssetId, OrderId, PortRequestId, ResellerId, ReservationId},
    names::{ActorId, CompanyName, Domain, HoldReference},
    number::NumberSet,
    order::line::LineNumber,
    sealed::Sealed,
};

/// What happened to a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants, IntoStaticStr)]
#[serde(deny_unknown_fields)]
#[strum_discriminants(
    name(CompanyEventKind),
    doc = "The events of a company by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)
)]
#[expect(
    clippy::large_enum_variant,
    reason = "events are handled one at a time, and a box would be in the way of every reader"
)]
pub enum CompanyEvent {
    /// Name and domain were free and are held. Takes both.
    CompanyQualified {
        /// For whom.
        reseller: ResellerId,
        /// As the reseller wrote it.
        name: CompanyName,
        /// Its internet domain.
        domain: Domain,
        /// Until when, unless an order is submitted.
        expires_at: DateTime<Utc>,
        /// When the reseller is told that it is about to end; nothing where the end was too near for that.
        announce_at: Option<DateTime<Utc>>,
    },
    /// The qualification lasts longer.
    QualificationExtended {
        /// Until when.
        expires_at: DateTime<Utc>,
        /// When the reseller is told that it is about to end.
        announce_at: Option<DateTime<Utc>>,
    },
    /// The qualification is about to end, unless it is extended or an order is submitted.
    QualificationExpiring {
        /// When.
        expires_at: DateTime<Utc>,
    },
    /// The reseller gave the company up. Releases name and domain; its numbers were released before.
    CompanyReleased {
        /// What is free again.
        name: CompanyName,
        /// What is free again.
        domain: Domain,
    },
    /// Nobody ordered in time. Releases name and domain; its numbers were released before.
    CompanyExpired {
        /// What is free again.
        name: CompanyName,
        /// What is free again.
        domain: Domain,
    },
    /// Numbers are held. Takes them.
    NumbersReserved {
        /// The reservation; one larger than an event is named by several.
        reservation: ReservationId,
        /// Which.
        numbers: NumberSet,
        /// Until when, unless they are committed; a ring-fence has no end.
        expires_at: Option<DateTime<Utc>>,
        /// When the reseller is told that it is about to end; nothing where there is no end, or it was too near for that.
        announce_at: Option<DateTime<Utc>>,
    },
    /// The reservation is about to end; what no order uses by then is free again.
    ReservationExpiring {
        /// The reservation.
        reservation: ReservationId,
        /// When.
        expires_at: DateTime<Utc>,
    },
    /// Uncommitted numbers of a reservation are free again. Releases them.
    NumbersReleased {
        /// The reservation.
        reservation: ReservationId,
        /// Which.
        numbers: NumberSet,
    },
    /// A reservation holds nothing any more, or nothing it could still release.
    ReservationEnded {
        /// The reservation.
        reservation: ReservationId,
        /// How.
        how: ReservationEnd,
    },
    /// An order was submitted for it.
    OrderOpened {
        /// Which.
        order: OrderId,
        /// The channels its company line asks for, where it has one.
        channels: Option<u32>,
    },
    /// The company line of an open order failed or was cancelled: the order brings no channels any more.
    CompanyLineDropped {
        /// The order.
        order: OrderId,
    },
    /// An order for it ended.
    OrderClosed {
        /// Which.
        order: OrderId,
        /// Where it leaves the company merely qualified: until when.
        qualified_until: Option<DateTime<Utc>>,
        /// When the reseller is told that this is about to end.
        announce_at: Option<DateTime<Utc>>,
    },
    /// Numbers belong to a line of an order. Takes them where they were picked from stock.
    NumbersCommitted {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
        /// Which.
        numbers: NumberSet,
        /// Where they come from.
        source: NumberSource,
    },
    /// A line gave its numbers up. Releases those picked from stock, or whose reservation has ended.
    NumbersUncommitted {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
        /// Which.
        numbers: NumberSet,
        /// The reservation they go back under; `None` releases them.
        back_to: Option<ReservationId>,
    },
    /// A committed number is in service.
    NumbersAllocated {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
        /// Which.
        numbers: NumberSet,
    },
    /// Ported numbers belong to the company, though they do not work yet. Takes them.
    PortedNumbersAllocated {
        /// The port request.
        port_request: PortRequestId,
        /// Which.
        numbers: NumberSet,
    },
    /// Ported numbers work.
    NumbersLive {
        /// The port request.
        port_request: PortRequestId,
        /// Which.
        numbers: NumberSet,
    },
    /// Numbers are gone; sites and users lose them. Releases them.
    NumbersWithdrawn {
        /// Which.
        numbers: NumberSet,
        /// Why.
        why: WithdrawalReason,
    },
    /// Numbers belong to a site or a user.
    NumbersAssigned {
        /// The site or user.
        asset: AssetId,
        /// Which.
        numbers: NumberSet,
    },
    /// Numbers were given back by their user. Releases them: block or port request takes them in the same commit.
    NumbersCeased {
        /// Which.
        numbers: NumberSet,
    },
    /// An order will make this asset. Takes its names.
    AssetPlanned {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
        /// The service id.
        asset: AssetId,
        /// What it will be.
        plan: AssetPlan,
    },
    /// The planned asset will be something else. Moves its names.
    AssetReplanned {
        /// The service id.
        asset: AssetId,
        /// What it was to be.
        from: AssetPlan,
        /// What it will be.
        to: AssetPlan,
    },
    /// The planned asset will not be made. Releases its names.
    AssetDropped {
        /// The service id.
        asset: AssetId,
        /// What it was to be.
        plan: AssetPlan,
    },
    /// The planned asset exists.
    AssetAdded {
        /// The service id.
        asset: AssetId,
    },
    /// A known address took the place of one that was entered by hand; the lines stay in what happened before.
    AddressReplaced {
        /// The site, or its emergency details.
        asset: AssetId,
        /// The temporary key.
        from: AddressKey,
        /// The key of the carrier's address.
        to: AddressKey,
    },
    /// An asset is gone. Releases its names.
    AssetRemoved {
        /// The service id.
        asset: AssetId,
        /// What it was.
        plan: AssetPlan,
    },
    /// The company is in service.
    CompanyActivated {
        /// How many trunk channels all its sites may have together.
        channels: u32,
    },
    /// Nothing new may be ordered for it.
    CompanySuspended {
        /// Why.
        reason: Sealed,
    },
    /// It may be ordered for again.
    CompanyResumed,
    /// It is no customer any more. Releases name and domain.
    CompanyCeased {
        /// What is free again.
        name: CompanyName,
        /// What is free again.
        domain: Domain,
    },
    /// Its personal data is kept until somebody else lifts it.
    LegalHoldPlaced {
        /// For what.
        reference: HoldReference,
        /// Who wanted it.
        by: ActorId,
    },
    /// Its personal data is not kept for this any more.
    LegalHoldLifted {
        /// For what.
        reference: HoldReference,
        /// Who wanted that.
        by: ActorId,
    },
    /// Its data key was destroyed: nobody can read its personal data any more.
    CompanyErased,
}

/// Where committed numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberSource {
    /// From stock, when the order was submitted.
    Stock,
    /// From a reservation or ring-fence that holds them already.
    Reservation(ReservationId),
}

/// How a reservation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationEnd {
    /// Given up.
    Released,
    /// Its time was over.
    Expired,
    /// Every number of it is in service.
    Consumed,
}

/// Why numbers are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalReason {
    /// The losing provider withdrew before they moved.
    LcpWithdrew,
    /// The port was cancelled, lapsed or timed out before they moved.
    PortEnded,
    /// They moved back within the restoration period.
    Restored,
    /// They moved on to another provider.
    PortedOut,
}
