//! What a company has at its sites, planned by an order and then real: the same shape, so that no claim moves between.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::{
    address::AddressKey,
    claim::{Claim, ClaimScope},
    ids::{AssetId, StreamId},
    names::{Extension, LocationCode, MacAddress, PbxName, ProductCode, SiteName, TrunkName},
    number::{NumberSet, TelephoneNumber},
    order::line::SiteAddress,
    sealed::{Contact, Sealed},
};

/// An asset, planned or real.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(AssetKind),
    doc = "The kinds of asset.",
    derive(PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray, strum::Display),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum AssetPlan {
    /// A site, with the numbers that will be its own.
    Site {
        /// Its name.
        name: SiteName,
        /// Dialled before an extension of another site.
        location_code: LocationCode,
        /// How many digits its extensions have.
        extension_length: u8,
        /// Where it is.
        address: SiteAddress,
        /// The numbers it gets when it is completed.
        numbers: NumberSet,
    },
    /// What emergency services are told about a site.
    EmergencyDetails {
        /// The site.
        site: AssetId,
        /// Where help must go, if not to the site's address.
        address: Option<SiteAddress>,
        /// Whom to ask for.
        contact: Contact,
    },
    /// A user.
    User {
        /// The site.
        site: AssetId,
        /// Given name.
        first_name: Sealed,
        /// Family name.
        last_name: Sealed,
        /// The local part of the username.
        username: Sealed,
        /// Unique within the site.
        extension: Extension,
        /// At most one.
        licence: Option<ProductCode>,
        /// Those that came with the user.
        add_ons: Vec<ProductCode>,
        /// The number shown to the called party.
        primary_number: Option<TelephoneNumber>,
        /// Further numbers that reach the user.
        alternate_numbers: NumberSet,
    },
    /// An add-on of a user.
    AddOn {
        /// The user.
        user: AssetId,
        /// Which product.
        product: ProductCode,
    },
    /// A device of a user.
    Device {
        /// The user.
        user: AssetId,
        /// Which model.
        model: ProductCode,
        /// Unique on the platform.
        mac: MacAddress,
    },
    /// A PBX at a site.
    Pbx {
        /// The site.
        site: AssetId,
        /// Unique within the company.
        name: PbxName,
    },
    /// A trunk of a PBX.
    Trunk {
        /// The PBX.
        pbx: AssetId,
        /// Unique within the company.
        name: TrunkName,
        /// How many calls at once.
        channels: u32,
    },
}

impl AssetPlan {
    /// What it hangs on; a site hangs on the company alone.
    pub fn parent(&self) -> Option<AssetId> {
        match self {
            Self::Site { .. } => None,
            Self::EmergencyDetails { site, .. } | Self::User { site, .. } | Self::Pbx { site, .. } => {
                Some(*site)
            }
            Self::AddOn { user, .. } | Self::Device { user, .. } => Some(*user),
            Self::Trunk { pbx, .. } => Some(*pbx),
        }
    }

    /// The kind of asset it can hang on.
    pub fn parent_kind(&self) -> Option<AssetKind> {
        match self {
            Self::Site { .. } => None,
            Self::EmergencyDetails { .. } | Self::User { .. } | Self::Pbx { .. } => Some(AssetKind::Site),
            Self::AddOn { .. } | Self::Device { .. } => Some(AssetKind::User),
            Self::Trunk { .. } => Some(AssetKind::Pbx),
        }
    }

    /// The numbers it is to have.
    pub fn numbers(&self) -> NumberSet {
        match self {
            Self::Site { numbers, .. } => numbers.clone(),
            Self::User { primary_number, alternate_numbers, .. } => {
                let mut numbers = alternate_numbers.clone();
                if let Some(number) = primary_number {
                    numbers.insert(*number);
                }
                numbers
            }
            _ => NumberSet::new(),
        }
    }

    /// Where it is, if that is a part of it.
    pub fn address(&self) -> Option<&SiteAddress> {
        match self {
            Self::Site { address, .. } => Some(address),
            Self::EmergencyDetails { address, .. } => address.as_ref(),
            _ => None,
        }
    }

    /// Puts a known address in the place of one that was entered.
    pub(crate) fn move_to(&mut self, key: &AddressKey) {
        let known = SiteAddress::Known(key.clone());
        match self {
            Self::Site { address, .. } => *address = known,
            Self::EmergencyDetails { address, .. } => *address = Some(known),
            _ => {}
        }
    }

    /// Takes numbers away from it, because they are gone.
    pub(super) fn lose(&mut self, gone: &NumberSet) {
        match self {
            Self::Site { numbers, .. } => *numbers = numbers.difference(gone),
            Self::User { primary_number, alternate_numbers, .. } => {
                *primary_number = primary_number.filter(|number| !gone.contains(*number));
                *alternate_numbers = alternate_numbers.difference(gone);
            }
            _ => {}
        }
    }

    /// Every name that nothing else may have, in the order in which they are claimed.
    pub fn names(&self) -> Vec<Name> {
        match self {
            Self::Site { name, location_code, .. } => vec![
                Name::new(ClaimScope::SiteName, name.key()),
                Name::new(ClaimScope::LocationCode, location_code.key()),
            ],
            Self::User { site, username, extension, .. } => vec![
                Name::new(ClaimScope::Username, username.tag.clone()),
                Name::new(ClaimScope::Extension, format!("{site}/{extension}")),
            ],
            Self::Device { mac, .. } => vec![Name::new(ClaimScope::Mac, mac.key())],
            Self::Pbx { name, .. } => vec![Name::new(ClaimScope::PbxName, name.key())],
            Self::Trunk { name, .. } => vec![Name::new(ClaimScope::TrunkName, name.key())],
            Self::EmergencyDetails { .. } | Self::AddOn { .. } => vec![],
        }
    }
}

/// A name within its company; an extension names its site first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// What it is the name of.
    pub scope: ClaimScope,
    /// The form compared.
    pub key: String,
}

impl Name {
    fn new(scope: ClaimScope, key: String) -> Self {
        Self { scope, key }
    }

    /// The claim that a company holds for it.
    pub fn claim(&self, company: StreamId) -> Claim {
        match self.scope {
            // An address of hardware is unique everywhere, and an extension carries its site already.
            ClaimScope::Mac | ClaimScope::Extension => Claim::platform(self.scope, self.key.clone()),
            _ => Claim::within(self.scope, company, &self.key),
        }
    }
}
