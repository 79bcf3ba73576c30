//! What a company has, as its model needs to know it: where each number is; what hangs on what, by which names, wishing
//! for which numbers.

use std::collections::BTreeSet;

use crate::{
    company::asset::{AssetKind, AssetPlan},
    ids::{AssetId, OrderId, PortRequestId, ReservationId},
    number::NumberSet,
    order::line::{LineNumber, SiteAddress},
};

/// Where the model thinks a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Under a reservation or ring-fence.
    Under(ReservationId),
    /// With a line, coming from a reservation or from stock.
    With(OrderId, LineNumber, Option<ReservationId>),
    /// In service, with nobody.
    Idle,
    /// At a site.
    AtSite(AssetId),
    /// Of a user.
    OfUser(AssetId),
}

/// A number as the model has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Where it is.
    pub place: Place,
    /// The port it comes by, if it does, and whether it works by now.
    pub port: Option<(PortRequestId, bool)>,
}

/// Something the company has, or will have by an order.
#[derive(Clone, Debug)]
pub struct ModelAsset {
    /// What it is.
    pub kind: AssetKind,
    /// Whose order makes or made it.
    pub order: OrderId,
    /// By which line.
    pub line: LineNumber,
    /// Whether it exists.
    pub real: bool,
    /// Whether its address was entered by hand.
    pub entered: bool,
    pub(super) parent: Option<AssetId>,
    pub(super) names: BTreeSet<String>,
    pub(super) wants: NumberSet,
    pub(super) channels: u32,
}

impl ModelAsset {
    pub(super) fn new(order: OrderId, line: LineNumber, plan: &AssetPlan) -> Self {
        let (mut wants, mut channels) = (NumberSet::new(), 0);
        let (parent, names) = match plan {
            AssetPlan::Site { name, location_code, numbers, .. } => {
                wants.clone_from(numbers);
                (None, vec![format!("site {name:?}"), format!("code {location_code:?}")])
            }
            AssetPlan::User { site, username, extension, primary_number, alternate_numbers, .. } => {
                wants = alternate_numbers.union(&primary_number.iter().copied().collect());
                (Some(*site), vec![format!("user {}", username.tag), format!("{site} {extension:?}")])
            }
            AssetPlan::Device { user, mac, .. } => (Some(*user), vec![format!("mac {mac:?}")]),
            AssetPlan::Pbx { site, name } => (Some(*site), vec![format!("pbx {name:?}")]),
            AssetPlan::Trunk { pbx, name, channels: more } => {
                channels = *more;
                (Some(*pbx), vec![format!("trunk {name:?}")])
            }
            AssetPlan::AddOn { user, .. } => (Some(*user), vec![]),
            AssetPlan::EmergencyDetails { site, .. } => (Some(*site), vec![]),
        };
        let names = names.into_iter().collect();
        let entered = matches!(plan.address(), Some(SiteAddress::Entered { .. }));
        Self { kind: plan.into(), order, line, real: false, entered, parent, names, wants, channels }
    }
}

impl Held {
    pub(super) fn in_service(self) -> bool {
        matches!(self.place, Place::Idle | Place::AtSite(_) | Place::OfUser(_))
    }
}

impl Place {
    pub(super) fn reservation(self) -> Option<ReservationId> {
        match self {
            Self::Under(reservation) | Self::With(_, _, Some(reservation)) => Some(reservation),
            _ => None,
        }
    }
}
