//! Why a permitted command of a company was refused.

use std::fmt;

use chrono::{DateTime, Utc};
use strum::IntoStaticStr;
use thiserror::Error;

use super::asset::AssetKind;
use crate::{
    address::AddressKey,
    claim::ClaimScope,
    ids::{AssetId, OrderId, ReservationId},
    names::{EXTENSION_MAX, EXTENSION_MIN, Extension, HoldReference, LocationCode, ProductCode},
    number::{NumberSet, TelephoneNumber},
    order::line::LineNumber,
    refusal::Rule,
};

/// A refusal shows this many runs of numbers, so that it stays readable.
const RUNS_SHOWN_MAX: usize = 10;

/// Why the company was not changed. The code is the variant's name in snake case.
#[derive(Clone, Debug, PartialEq, Eq, Error, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each message says what the variant is")]
pub enum CompanyError {
    #[error("the qualification ended at {0}")]
    QualificationExpired(DateTime<Utc>),
    #[error("the qualification runs until {0}")]
    QualificationRuns(DateTime<Utc>),
    #[error("the qualification was extended {0} times already")]
    QualificationExtensionsMax(u32),
    #[error("no end is left to be announced")]
    NothingToAnnounce,
    #[error("the end is announced at {0}")]
    AnnouncedLater(DateTime<Utc>),
    #[error("it ended at {0}")]
    EndedAlready(DateTime<Utc>),
    #[error("no numbers are named")]
    NumbersMissing,
    #[error("the company holds {0} already")]
    NumbersHeld(Listed),
    #[error("{0} are not in service for the company")]
    NumbersNotInService(Listed),
    #[error("{0} do not work yet")]
    NumbersNotLive(Listed),
    #[error("{0} belong to users")]
    NumbersOfUsers(Listed),
    #[error("{0} are planned for a site or user of an open order")]
    NumbersPlanned(Listed),
    #[error("{0} come from elsewhere than this port request")]
    NumbersOfAnotherOrigin(Listed),
    #[error("the company would hold {0} numbers")]
    CompanyNumbersMax(usize, u32),
    #[error("{0} is no reservation of the company, or has ended")]
    ReservationUnknown(ReservationId),
    #[error("{0} is in use for another reservation")]
    ReservationExists(ReservationId),
    #[error("the reservation runs until {0}")]
    ReservationRuns(DateTime<Utc>),
    #[error("a ring-fence has no end")]
    ReservationWithoutEnd,
    #[error("{0} is open already")]
    OrderOpen(OrderId),
    #[error("{0} is not open for the company")]
    OrderNotOpen(OrderId),
    #[error("{0} orders are open for the company")]
    OpenOrdersMax(usize),
    #[error("the company is in service or coming into service by another order")]
    CompanyLineTwice,
    #[error("the company is not in service, and the order has no company line")]
    CompanyLineMissing,
    #[error("{0} channels are asked for")]
    CompanyChannelsMax(u32, u32),
    #[error("{0} is no site in service")]
    SiteUnknown(AssetId),
    #[error("{0} is no asset in service")]
    AssetUnknown(AssetId),
    #[error("the address of {0} was not entered by hand")]
    AddressNotEntered(AssetId),
    #[error("{0} is a temporary key itself")]
    AddressTemporary(AddressKey),
    #[error("{1} of the company hang on {0}")]
    AssetHasDependants(AssetId, usize),
    #[error("the company still has {0} assets")]
    AssetsLeft(usize),
    #[error("the company still holds {0} numbers")]
    NumbersLeft(usize),
    #[error("{0} orders are still open")]
    OrdersLeft(usize),
    #[error("the legal hold {0} keeps its data")]
    LegalHold(HoldReference),
    #[error("the legal hold {0} is on it already")]
    LegalHoldExists(HoldReference),
    #[error("there is no legal hold {0} on it")]
    LegalHoldUnknown(HoldReference),
    #[error("whoever placed the legal hold {0} cannot lift it")]
    LegalHoldByTheSame(HoldReference),
    #[error("there are {0} legal holds on it, as many as there may be")]
    LegalHoldsMax(usize),
    #[error("the company holds nothing")]
    NothingHeld,
    #[error("{1}")]
    Line(LineNumber, LineProblem),
}

/// What is wrong with a line of an order. The code is the variant's name in snake case.
#[derive(Clone, Debug, PartialEq, Eq, Error, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each message says what the variant is")]
pub enum LineProblem {
    #[error("{0} is in use for another asset")]
    AssetExists(AssetId),
    #[error("the line makes something already")]
    LineTwice,
    #[error("the line makes nothing that could be changed or completed")]
    LineWithoutAsset,
    #[error("the line holds no numbers")]
    LineWithoutNumbers,
    #[error("what is of kind {0} cannot become one of kind {1}")]
    KindChanged(AssetKind, AssetKind),
    #[error("the company has no {} {}", .0.kind, .0.asset)]
    ParentUnknown(Parenthood),
    #[error("{id} is of kind {1}", id = .0.asset)]
    ParentKind(Parenthood, AssetKind),
    #[error("{} is still to be made", .0.asset)]
    ParentPlanned(Parenthood),
    #[error("the company has that {} already", words(*.0))]
    NameTaken(ClaimScope),
    #[error("location code {0} and extension {1} would be dialled alike")]
    DiallingAmbiguous(LocationCode, Extension, &'static str),
    #[error("the extension has {0} digits")]
    ExtensionLength(usize, u8),
    #[error("{0} is a public service")]
    ExtensionReserved(Extension),
    #[error("extensions of {0} digits are not offered")]
    SiteExtensionLength(u8),
    #[error("the site has users whose extensions have {0} digits")]
    ExtensionLengthInUse(u8),
    #[error("there is no licence {0}")]
    LicenceUnknown(ProductCode),
    #[error("there is no {1} {0}")]
    ProductUnknown(ProductCode, AssetKind),
    #[error("{0} needs a licence")]
    LicenceMissing(ProductCode, AssetKind),
    #[error("{0} does not fit {1}")]
    ProductUnfit(ProductCode, ProductCode, AssetKind),
    #[error("the user has {0} already")]
    AddOnTwice(ProductCode),
    #[error("the user would have {0} add-ons")]
    UserAddonsMax(usize, u32),
    #[error("the user would have {0} devices")]
    UserDevicesMax(usize, u32),
    #[error("the user would have {0} alternate numbers")]
    UserAlternateNumbersMax(usize, u32),
    #[error("the primary number {0} is an alternate number too")]
    NumberTwice(TelephoneNumber),
    #[error("{0} are not numbers of the user's site")]
    NumbersNotOfSite(Listed),
    #[error("{0} are numbers of other users")]
    NumbersOfAnotherUser(Listed),
    #[error("{0} are numbers of other sites")]
    NumbersOfAnotherSite(Listed),
    #[error("{0} are numbers of users and would leave their site")]
    NumbersOfSiteUsers(Listed),
    #[error("{0} are in use or belong to another line")]
    NumbersInUse(Listed),
    #[error("the reservation of {0} ended at {1}")]
    ReservationExpired(Listed, DateTime<Utc>),
    #[error("the trunks of the company would have {0} channels")]
    ChannelsExceeded(u64, u32),
    #[error("a trunk has at least one channel")]
    ChannelsZero,
    #[error("the company would have {0} sites")]
    CompanySitesMax(usize, u32),
    #[error("the company would have {0} users")]
    CompanyUsersMax(usize, u32),
    #[error("the site would have {0} users")]
    SiteUsersMax(usize, u32),
}

/// What an asset should hang on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parenthood {
    /// The kind of parent.
    pub kind: AssetKind,
    /// The parent named.
    pub asset: AssetId,
}

/// Numbers as a refusal shows them: the first few runs, and how many more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed(pub NumberSet);

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: NumberSet = self.0.runs().take(RUNS_SHOWN_MAX).collect();
        let runs: Vec<String> = shown.runs().map(|run| run.to_string()).collect();
        write!(out, "{}", runs.join(", "))?;
        match self.0.len() - shown.len() {
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}

impl Rule for CompanyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Line(_, problem) => problem.into(),
            other => other.into(),
        }
    }

    fn subject(&self) -> Option<String> {
        match self {
            Self::Line(line, problem) => match problem.field() {
                "" => Some(format!("/lines/{line}")),
                field => Some(format!("/lines/{line}/{field}")),
            },
            Self::NumbersMissing
            | Self::NumbersHeld(_)
            | Self::NumbersNotInService(_)
            | Self::NumbersNotLive(_)
            | Self::NumbersOfUsers(_)
            | Self::NumbersPlanned(_)
            | Self::NumbersOfAnotherOrigin(_)
            | Self::CompanyNumbersMax(..) => Some("/numbers".to_owned()),
            Self::ReservationUnknown(_) | Self::ReservationExists(_) => Some("/reservation".to_owned()),
            Self::CompanyChannelsMax(..) => Some("/channels".to_owned()),
            Self::SiteUnknown(_) => Some("/site".to_owned()),
            Self::LegalHoldExists(_) | Self::LegalHoldUnknown(_) => Some("/reference".to_owned()),
            _ => None,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::Line(_, problem) => problem.expected(),
            Self::CompanyNumbersMax(_, max) | Self::CompanyChannelsMax(_, max) => {
                Some(format!("at most {max}"))
            }
            Self::NumbersMissing => Some("at least one number".to_owned()),
            Self::CompanyLineMissing => Some("a company line in the order".to_owned()),
            Self::LegalHold(_) => Some("a company whose legal holds were lifted".to_owned()),
            Self::LegalHoldByTheSame(_) => Some("somebody else who lifts it".to_owned()),
            Self::LegalHoldsMax(max) => Some(format!("at most {max}")),
            Self::AssetHasDependants(..) => Some("an asset on which nothing hangs".to_owned()),
            Self::AssetsLeft(_) => Some("no asset: each is removed first, leaf first".to_owned()),
            Self::NumbersLeft(_) => Some("no number: each is given back first".to_owned()),
            Self::OrdersLeft(_) => Some("no open order: each ends or is cancelled first".to_owned()),
            Self::QualificationExtensionsMax(_) => Some("an order, or a release and a new start".to_owned()),
            _ => None,
        }
    }
}

impl LineProblem {
    /// The field of the line it is about; empty where it is the whole line.
    fn field(&self) -> &'static str {
        match self {
            Self::AssetExists(_)
            | Self::LineTwice
            | Self::LineWithoutAsset
            | Self::KindChanged(..)
            | Self::CompanySitesMax(..)
            | Self::CompanyUsersMax(..) => "",
            Self::ParentUnknown(parent) | Self::ParentKind(parent, _) | Self::ParentPlanned(parent) => {
                parent.kind.into()
            }
            Self::NameTaken(scope) => match scope {
                ClaimScope::SiteName | ClaimScope::PbxName | ClaimScope::TrunkName => "name",
                scope => scope.into(),
            },
            Self::DiallingAmbiguous(_, _, field) => field,
            Self::ExtensionLength(..) | Self::ExtensionReserved(_) => "extension",
            Self::SiteExtensionLength(_) | Self::ExtensionLengthInUse(_) => "extension_length",
            Self::LicenceUnknown(_) => "licence",
            Self::ProductUnknown(_, kind)
            | Self::LicenceMissing(_, kind)
            | Self::ProductUnfit(_, _, kind) => match kind {
                AssetKind::Device => "model",
                AssetKind::AddOn => "product",
                _ => "add_ons",
            },
            Self::AddOnTwice(_) | Self::UserAddonsMax(..) => "add_ons",
            Self::UserDevicesMax(..) => "user",
            Self::NumberTwice(_) => "primary_number",
            Self::UserAlternateNumbersMax(..) => "alternate_numbers",
            Self::LineWithoutNumbers
            | Self::NumbersNotOfSite(_)
            | Self::NumbersOfAnotherUser(_)
            | Self::NumbersOfAnotherSite(_)
            | Self::NumbersOfSiteUsers(_)
            | Self::NumbersInUse(_)
            | Self::ReservationExpired(..) => "numbers",
            Self::ChannelsExceeded(..) | Self::ChannelsZero => "channels",
            Self::SiteUsersMax(..) => "site",
        }
    }

    fn expected(&self) -> Option<String> {
        let at_most = |max: &u32| Some(format!("at most {max}"));
        match self {
            Self::UserAddonsMax(_, max)
            | Self::UserDevicesMax(_, max)
            | Self::UserAlternateNumbersMax(_, max)
            | Self::ChannelsExceeded(_, max)
            | Self::CompanySitesMax(_, max)
            | Self::CompanyUsersMax(_, max)
            | Self::SiteUsersMax(_, max) => at_most(max),
            Self::ExtensionLength(_, expected) => Some(format!("{expected} digits")),
            Self::ExtensionReserved(_) => Some("an extension that is no public service".to_owned()),
            Self::SiteExtensionLength(_) => Some(format!("{EXTENSION_MIN} to {EXTENSION_MAX} digits")),
            Self::ParentPlanned(_) => Some("an asset in service, or one of the same order".to_owned()),
            Self::NameTaken(_) => Some("a name that the company does not use yet".to_owned()),
            _ => None,
        }
    }
}

fn words(scope: ClaimScope) -> String {
    let word: &str = scope.into();
    word.replace('_', " ")
}
