//! What a company has, as its model needs to know it: what hangs on what, by which names, wishing for which numbers.

use std::collections::BTreeSet;

use crate::{
    company::asset::{AssetKind, AssetPlan},
    ids::{AssetId, OrderId},
    number::NumberSet,
    order::line::{LineNumber, SiteAddress},
};

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
