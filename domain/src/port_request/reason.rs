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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
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

/// Everything there is to know of a reason, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RejectionEntry {
    /// The reason.
    pub slug: PortRejection,
    /// The industry's code, where one is published.
    pub industry_code: Option<&'static str>,
    /// Who must act.
    pub must_act: MustAct,
    /// The reason in a sentence's fragment.
    pub detail: &'static str,
}

/// Every reason, in the order of the specification.
pub fn rejection_entries() -> Vec<RejectionEntry> {
    let entry = |slug: &PortRejection| RejectionEntry {
        slug: *slug,
        industry_code: slug.industry_code(),
        must_act: slug.must_act(),
        detail: slug.detail(),
    };
    PortRejection::VARIANTS.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The specification's list, word by word.
    const PUBLISHED: &str = "order_ref_invalid 01 cupid_invalid 02 sent_timestamp_invalid 03
        number_invalid_or_mbn_wrong 06 single_line_but_multi_line 25 multi_line_but_single_line 26
        postcode_mismatch mbn_incorrect numbers_missing range_not_recognised range_split_unsupported
        already_ported_use_subsequent wrong_losing_provider not_in_service incompatible_product
        no_letter_of_authority account_mismatch reseller_port_not_permitted no_porting_agreement
        duplicate_port_pending lead_time_too_short customer_cancelled rh_rejected_routing no_response";

    #[test]
    fn every_reason_has_its_slug_and_only_published_codes() {
        let words = PortRejection::VARIANTS
            .iter()
            .flat_map(|reason| [Some((*reason).into()), reason.industry_code()])
            .flatten();
        assert!(words.eq(PUBLISHED.split_whitespace()));
    }

    #[test]
    fn a_reason_is_stored_as_its_slug() {
        for reason in PortRejection::VARIANTS {
            let text = serde_json::to_string(reason).unwrap();
            assert_eq!(text, format!("\"{reason}\""));
            assert_eq!(serde_json::from_str::<PortRejection>(&text).unwrap(), *reason);
        }
        assert!(serde_json::from_str::<PortRejection>("\"debt\"").is_err(), "debt is not a lawful reason");
    }

    #[test]
    fn every_reason_says_what_is_wrong_and_who_must_act() {
        let details: BTreeSet<&str> = PortRejection::VARIANTS.iter().map(|reason| reason.detail()).collect();
        assert_eq!(details.len(), PortRejection::VARIANTS.len());
        assert!(details.iter().all(|it| it.starts_with(char::is_lowercase) && !it.ends_with('.')));
        let who = |reason: PortRejection| reason.must_act();
        assert_eq!(who(PortRejection::PostcodeMismatch), MustAct::Reseller);
        assert_eq!(
            who(PortRejection::DuplicatePortPending),
            MustAct::Reseller,
            "ours cannot be pending twice"
        );
        assert_eq!(who(PortRejection::CupidInvalid), MustAct::GainingProvider);
        assert_eq!(who(PortRejection::NoResponse), MustAct::LosingProvider);
        assert_eq!(who(PortRejection::RhRejectedRouting), MustAct::RangeHolder);
    }
}
