//! Why a losing provider or range holder refuses a port, and who must act on it.
//!
//! A code stands only where the industry published one; none is invented.

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

/// Why a port was refused.
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
    Display,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the trade's own words; `detail` says each in full")]
pub enum PortRejection {
    OrderRefInvalid,
    CupidInvalid,
    SentTimestampInvalid,
    NumberInvalidOrMbnWrong,
    SingleLineButMultiLine,
    MultiLineButSingleLine,
    PostcodeMismatch,
    MbnIncorrect,
    NumbersMissing,
    RangeNotRecognised,
    RangeSplitUnsupported,
    AlreadyPortedUseSubsequent,
    WrongLosingProvider,
    NotInService,
    IncompatibleProduct,
    NoLetterOfAuthority,
    AccountMismatch,
    ResellerPortNotPermitted,
    NoPortingAgreement,
    DuplicatePortPending,
    LeadTimeTooShort,
    CustomerCancelled,
    RhRejectedRouting,
    NoResponse,
}

/// Who must act before a refused port can be presented again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MustAct {
    /// The reseller, with its customer.
    Reseller,
    /// We, the gaining provider.
    GainingProvider,
    /// The losing provider.
    LosingProvider,
    /// The range holder.
    RangeHolder,
}

impl PortRejection {
    /// The industry's code, where one is published.
    pub fn industry_code(self) -> Option<&'static str> {
        match self {
            Self::OrderRefInvalid => Some("01"),
            Self::CupidInvalid => Some("02"),
            Self::SentTimestampInvalid => Some("03"),
            Self::NumberInvalidOrMbnWrong => Some("06"),
            Self::SingleLineButMultiLine => Some("25"),
            Self::MultiLineButSingleLine => Some("26"),
            _ => None,
        }
    }

    /// Who must act.
    pub fn must_act(self) -> MustAct {
        match self {
            Self::OrderRefInvalid
            | Self::CupidInvalid
            | Self::SentTimestampInvalid
            | Self::DuplicatePortPending
            | Self::LeadTimeTooShort
            | Self::NoPortingAgreement => MustAct::GainingProvider,
            Self::NoResponse => MustAct::LosingProvider,
            Self::RhRejectedRouting => MustAct::RangeHolder,
            _ => MustAct::Reseller,
        }
    }

    /// The reason in a sentence's fragment.
    pub fn detail(self) -> &'static str {
        match self {
            Self::OrderRefInvalid => "the order reference is not valid",
            Self::CupidInvalid => "the provider id is not valid",
            Self::SentTimestampInvalid => "the sent time is not valid",
            Self::NumberInvalidOrMbnWrong => "a number is not valid, or the main billing number is wrong",
            Self::SingleLineButMultiLine => "ordered as a single line, but it is a multi line installation",
            Self::MultiLineButSingleLine => "ordered as multi line, but it is a single line",
            Self::PostcodeMismatch => "the postcode is not the one on the account",
            Self::MbnIncorrect => "the main billing number is not the account's",
            Self::NumbersMissing => "numbers of the installation are missing from the request",
            Self::RangeNotRecognised => "the range is not one of the account's",
            Self::RangeSplitUnsupported => "the range cannot be split",
            Self::AlreadyPortedUseSubsequent => "the numbers were ported before: a subsequent port is needed",
            Self::WrongLosingProvider => "the numbers are with another provider",
            Self::NotInService => "the numbers are not in service",
            Self::IncompatibleProduct => "the numbers are on a product that cannot be ported",
            Self::NoLetterOfAuthority => "the letter of authority is missing",
            Self::AccountMismatch => "the account is not the one that holds the numbers",
            Self::ResellerPortNotPermitted => "the reseller may not port these numbers",
            Self::NoPortingAgreement => "there is no porting agreement between the providers",
            Self::DuplicatePortPending => "another port of these numbers is pending",
            Self::LeadTimeTooShort => "the date leaves less than the lead time",
            Self::CustomerCancelled => "the customer has cancelled",
            Self::RhRejectedRouting => "the range holder refuses the routing",
            Self::NoResponse => "the other provider has not answered",
        }
    }
}
