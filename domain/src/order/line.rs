//! The lines of an order: what each kind asks for, and what it waits for.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::{
    address::{AddressKey, Postcode},
    calendar::PortWindow,
    ids::{AssetId, ReservationId},
    lead_time::{PortClass, PortRoute},
    names::{Cupid, Extension, LocationCode, MacAddress, PbxName, ProductCode, SiteName, TrunkName},
    number::{AreaCode, NumberRange, NumberSet, TelephoneNumber},
    sealed::{Contact, Sealed},
};

/// A line's number within its order, from 1, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineNumber(pub u32);

impl fmt::Display for LineNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(LineKind),
    doc = "The kinds of line.",
    derive(PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray, strum::Display),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum LineRequest {
    /// The company itself comes into service.
    Company(CompanyLine),
    /// New numbers from the carrier's stock.
    Numbers(NumbersLine),
    /// Numbers ported from another provider.
    Port(Box<PortLine>),
    /// A site.
    Site(Box<SiteLine>),
    /// What emergency services are told about a site.
    EmergencyDetails(EmergencyLine),
    /// A user of a site.
    User(Box<UserLine>),
    /// An add-on for a user.
    AddOn(AddOnLine),
    /// A device for a user.
    Device(DeviceLine),
    /// A PBX at a site.
    Pbx(PbxLine),
    /// A trunk of a PBX.
    Trunk(TrunkLine),
}

impl LineRequest {
    /// What kind of line asks for it.
    pub fn kind(&self) -> LineKind {
        self.into()
    }

    /// The asset of the company that this line is for, where it is not a line of the same order.
    pub fn asset(&self) -> Option<AssetId> {
        let parent = match self {
            Self::Numbers(line) => return line.site,
            Self::Port(line) => return line.site,
            Self::EmergencyDetails(line) => line.site,
            Self::User(line) => line.site,
            Self::AddOn(line) => line.user,
            Self::Device(line) => line.user,
            Self::Pbx(line) => line.site,
            Self::Trunk(line) => line.pbx,
            Self::Company(_) | Self::Site(_) => return None,
        };
        match parent {
            Parent::Asset(asset) => Some(asset),
            Parent::Line(_) => None,
        }
    }
}

/// Something this line hangs on: another line of the order, or what the company has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parent {
    /// A line of the same order.
    Line(LineNumber),
    /// An asset of the company.
    Asset(AssetId),
}

/// The company comes into service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompanyLine {
    /// How many trunk channels all its sites may have together.
    pub channels: u32,
    /// Whom to talk to.
    pub contact: Option<Contact>,
}

/// New numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumbersLine {
    /// Which.
    pub ask: NumberAsk,
    /// The existing site they go to; a new site names this line instead.
    pub site: Option<AssetId>,
}

/// Which numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberAsk {
    /// All numbers of a reservation or ring-fence.
    Reservation(ReservationId),
    /// Exactly these: reserved or ring-fenced by the company, else free.
    Numbers(NumberSet),
    /// So many, wherever the stock has them.
    Search(NumberSearch),
}

/// So many numbers of a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberSearch {
    /// Where.
    pub by: SearchBy,
    /// How many.
    pub quantity: u32,
    /// Whether they must follow one another.
    pub contiguous: bool,
}

/// Where numbers are searched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchBy {
    /// By area code.
    AreaCode(AreaCode),
    /// By the place name of the block.
    Place(SiteName),
}

/// Numbers ported from another provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortLine {
    /// Single or multi line, as the reseller knows it.
    pub class: PortClass,
    /// The number, or the main billing number of a multi-line installation.
    pub main_number: TelephoneNumber,
    /// Further single numbers.
    pub associated: NumberSet,
    /// DDI ranges.
    pub ranges: Vec<NumberRange>,
    /// Who has them now.
    pub losing_provider: Cupid,
    /// To whom Ofcom allocated them.
    pub range_holder: Cupid,
    /// The postcode the losing provider knows; never corrected.
    pub postcode: Postcode,
    /// The account at the losing provider.
    pub account: Sealed,
    /// Who signed the letter of authority.
    pub signatory: Sealed,
    /// When the numbers should move.
    pub window: PortWindow,
    /// The existing site they go to; a new site names this line instead.
    pub site: Option<AssetId>,
}

impl PortLine {
    /// Provide if the losing provider is the range holder.
    pub fn route(&self) -> PortRoute {
        if self.losing_provider == self.range_holder { PortRoute::Provide } else { PortRoute::Subsequent }
    }

    /// Whether another line asks for the same port, but for its window. What is sealed anew is never equal, so sealed texts
    /// are told apart by their tags.
    pub fn is_but_for_its_window(&self, other: &Self) -> bool {
        let same = self.account.hides_the_same_as(&other.account)
            && self.signatory.hides_the_same_as(&other.signatory);
        let alike = Self {
            account: self.account.clone(),
            signatory: self.signatory.clone(),
            window: self.window,
            ..other.clone()
        };
        same && alike == *self
    }

    /// Every number that moves.
    pub fn numbers(&self) -> NumberSet {
        let mut numbers = self.associated.clone();
        numbers.insert(self.main_number);
        for range in &self.ranges {
            numbers.insert_range(*range);
        }
        numbers
    }
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteLine {
    /// Unique within the company.
    pub name: SiteName,
    /// Unique within the company; dialled before an extension of another site.
    pub location_code: LocationCode,
    /// How many digits its extensions have.
    pub extension_length: u8,
    /// Where it is.
    pub address: SiteAddress,
    /// Where its numbers come from.
    pub numbers: Vec<SiteNumbers>,
}

/// Where a site is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SiteAddress {
    /// A known address.
    Known(AddressKey),
    /// Entered by hand under a temporary key.
    Entered {
        /// The temporary key.
        key: AddressKey,
        /// The lines, personal data.
        lines: Sealed,
        /// The postcode.
        postcode: Postcode,
    },
}

/// Numbers of a line that go to a site: all, or the lowest so many that no other site took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteNumbers {
    /// A numbers or port line of the same order.
    pub line: LineNumber,
    /// How many; all that are left where absent.
    pub quantity: Option<u32>,
}

/// What emergency services are told about a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmergencyLine {
    /// Which site.
    pub site: Parent,
    /// Where help must go, if not to the site's address.
    pub address: Option<SiteAddress>,
    /// Whom to ask for.
    pub contact: Contact,
}

/// A user of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserLine {
    /// Which site.
    pub site: Parent,
    /// Given name.
    pub first_name: Sealed,
    /// Family name.
    pub last_name: Sealed,
    /// The local part of the username; the domain is the company's.
    pub username: Sealed,
    /// Unique within the site.
    pub extension: Extension,
    /// At most one.
    pub licence: Option<ProductCode>,
    /// Those that fit the licence.
    pub add_ons: Vec<ProductCode>,
    /// The number shown to the called party.
    pub primary_number: Option<UserNumber>,
    /// Further numbers that reach the user.
    pub alternate_numbers: Vec<UserNumber>,
}

/// A number of a user; it must be one of the site's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserNumber {
    /// Exactly this one.
    Number(TelephoneNumber),
    /// The lowest of a line's numbers that no other user took.
    From(LineNumber),
    /// Exactly this one of a line's numbers; the user waits until the line has it.
    Of {
        /// The line.
        line: LineNumber,
        /// One of its numbers.
        number: TelephoneNumber,
    },
}

/// An add-on for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddOnLine {
    /// Which user.
    pub user: Parent,
    /// Which product.
    pub product: ProductCode,
}

/// A device for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceLine {
    /// Which user.
    pub user: Parent,
    /// Which model.
    pub model: ProductCode,
    /// Unique on the platform.
    pub mac: MacAddress,
}

/// A PBX at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PbxLine {
    /// Which site.
    pub site: Parent,
    /// Unique within the company.
    pub name: PbxName,
}

/// A trunk of a PBX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkLine {
    /// Which PBX.
    pub pbx: Parent,
    /// Unique within the company.
    pub name: TrunkName,
    /// How many calls at once; they count against the company's channels.
    pub channels: u32,
}

/// How far a line is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case")]
#[strum_discriminants(
    name(LineStatus),
    doc = "How far a line is, by name.",
    derive(PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray, strum::Display),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum LineState {
    /// Not begun.
    Waiting,
    /// Begun.
    InProgress,
    /// Stopped for a while.
    Held {
        /// Why.
        reason: Sealed,
    },
    /// Done.
    Completed,
    /// Will not be done, because it could not.
    Failed(LineFailure),
    /// Will not be done, because it was not wanted or hung on a line that ended.
    Cancelled,
}

/// Why a line failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineFailure {
    /// A stable slug, such as `port_withdrawn`.
    pub code: String,
    /// For a person; never personal data.
    pub detail: String,
}

/// What a line has reached on its way.
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
    strum::Display,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Milestone {
    /// Ported numbers belong to the company, though they do not work yet.
    Allocated,
    /// An outside system has gone too far to turn back.
    Committed,
}
