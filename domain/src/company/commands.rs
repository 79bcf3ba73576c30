//! What somebody may want of a company. What must change together with orders, ports and blocks is joined above
//! (`crate::joint`); these are the company's own part.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::{asset::AssetPlan, events::WithdrawalReason};
use crate::{
    address::AddressKey,
    ids::{AssetId, OrderId, PortRequestId, ResellerId, ReservationId},
    names::{ActorId, CompanyName, Domain, HoldReference},
    number::NumberSet,
    order::line::LineNumber,
    sealed::Sealed,
};

/// What somebody wants of a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(CompanyAction),
    doc = "The commands of a company by name.",
    derive(PartialOrd, Ord, Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
#[expect(clippy::large_enum_variant, reason = "a command is decided once and dropped")]
pub enum CompanyCommand {
    /// Hold name and domain.
    Qualify {
        /// For whom.
        reseller: ResellerId,
        /// As the reseller writes it.
        name: CompanyName,
        /// Its internet domain.
        domain: Domain,
    },
    /// Let the qualification last longer.
    ExtendQualification,
    /// Give the company up.
    Release,
    /// Tell that the qualification is about to end (timer).
    AnnounceExpiry,
    /// The qualification is over (timer).
    Expire,
    /// Hold numbers: for 14 days, or as a ring-fence until they are used or released.
    ReserveNumbers {
        /// The new reservation.
        reservation: ReservationId,
        /// Which; all or nothing.
        numbers: NumberSet,
        /// Whether without an end.
        ring_fence: bool,
    },
    /// Give a reservation up; what is committed stays.
    ReleaseReservation {
        /// Which.
        reservation: ReservationId,
    },
    /// Tell that a reservation is about to end (timer).
    AnnounceReservationExpiry {
        /// Which.
        reservation: ReservationId,
    },
    /// A reservation is over (timer).
    ExpireReservation {
        /// Which.
        reservation: ReservationId,
    },
    /// Take in a submitted order: hold the names its lines need, commit its numbers.
    OpenOrder {
        /// Which.
        order: OrderId,
        /// What it will make, parents first.
        plans: Vec<LinePlan>,
        /// Numbers per line; those under a reservation of the company come from there, the others from stock.
        numbers: Vec<(LineNumber, NumberSet)>,
        /// Numbers, new and ported, that its lines bring to existing sites, so that its users there may have them.
        coming: Vec<(AssetId, NumberSet)>,
        /// The channels its company line asks for.
        channels: Option<u32>,
    },
    /// Let a waiting line make something else.
    ReplanLine {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
        /// What it will make.
        plan: Option<AssetPlan>,
        /// Its numbers, where it is a numbers line.
        numbers: Option<NumberSet>,
    },
    /// Put the committed numbers of a numbers line into service.
    AllocateNumbers {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
        /// The existing site they go to.
        site: Option<AssetId>,
    },
    /// Let ported numbers belong to the company before they work.
    AllocatePortedNumbers {
        /// The port request.
        port_request: PortRequestId,
        /// Which.
        numbers: NumberSet,
        /// The existing site they go to.
        site: Option<AssetId>,
    },
    /// Ported numbers work now; those not allocated yet are taken.
    MakeNumbersLive {
        /// The port request.
        port_request: PortRequestId,
        /// Which.
        numbers: NumberSet,
    },
    /// Numbers are gone.
    WithdrawNumbers {
        /// Which.
        numbers: NumberSet,
        /// Why.
        why: WithdrawalReason,
    },
    /// The asset of a completed line exists; its numbers become its own.
    AddAsset {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
    },
    /// The company line is completed.
    Activate {
        /// The order.
        order: OrderId,
    },
    /// A line failed or was cancelled: what it held is given up.
    DropLine {
        /// The order.
        order: OrderId,
        /// Its line.
        line: LineNumber,
    },
    /// A company line failed or was cancelled: its order does not bring the company into service any more.
    DropCompanyLine {
        /// The order.
        order: OrderId,
    },
    /// An order ended: whatever is still committed to it is given up.
    CloseOrder {
        /// Which.
        order: OrderId,
    },
    /// Let a known address take the place of one that was entered by hand.
    ReplaceAddress {
        /// The site, or its emergency details.
        asset: AssetId,
        /// The key of the carrier's address.
        to: AddressKey,
    },
    /// Remove an asset on which nothing hangs.
    RemoveAsset {
        /// Which.
        asset: AssetId,
    },
    /// Give numbers back that no site or user needs.
    CeaseNumbers {
        /// Which.
        numbers: NumberSet,
    },
    /// Let nothing new be ordered.
    Suspend {
        /// Why.
        reason: Sealed,
    },
    /// Let it be ordered for again.
    Resume,
    /// It is no customer any more.
    Cease,
    /// Keep its personal data, whatever becomes of it.
    PlaceLegalHold {
        /// For what.
        reference: HoldReference,
        /// Who wants it.
        by: ActorId,
    },
    /// Keep its personal data no longer for this.
    LiftLegalHold {
        /// For what.
        reference: HoldReference,
        /// Who wants it: somebody else than placed it.
        by: ActorId,
    },
    /// Destroy its data key.
    Erase,
}

/// What a line of an order will make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinePlan {
    /// The line.
    pub line: LineNumber,
    /// The service id minted for it.
    pub asset: AssetId,
    /// What it makes.
    pub plan: AssetPlan,
}
