//! Strategies for every value. Numbers come from Ofcom's drama ranges only, instants from 2026 to mid 2028.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::select;

use crate::address::{AddressKey, AddressQualifier, Postcode};
use crate::calendar::PortWindow;
use crate::lead_time::{PortClass, PortRoute, PortShape};
use crate::names::{
    CompanyName, CugId, Cupid, Domain, Extension, FreeText, LocationCode, MacAddress, MessageId,
    OrderReference, PbxName, PersonNamePart, ProductCode, ResellerCode, SalesTag, SiteName, TrunkName,
    UsernameLocal,
};
use crate::number::{AreaCode, NumberRange, NumberSet, TelephoneNumber};

/// The first number of each range that Ofcom keeps for drama.
const DRAMA_RANGES: [&str; 16] = [
    "+441134960000",
    "+441144960000",
    "+441154960000",
    "+441164960000",
    "+441174960000",
    "+441184960000",
    "+441214960000",
    "+441314960000",
    "+441414960000",
    "+441514960000",
    "+441614960000",
    "+441914980000",
    "+442079460000",
    "+442896496000",
    "+442920180000",
    "+441632960000",
];
/// Numbers in each of them.
const DRAMA_RANGE_LEN: u32 = 1_000;
/// Two and a half years, so that the bundled calendar reaches beyond any lead time that starts in them.
const DAYS: i64 = 2 * 365 + 182;

/// A number that nobody has.
pub fn a_number() -> impl Strategy<Value = TelephoneNumber> {
    a_range_of(1).prop_map(|range| range.start())
}

/// One to a hundred consecutive numbers.
pub fn a_number_range() -> impl Strategy<Value = NumberRange> {
    (1u32..=100).prop_flat_map(a_range_of)
}

/// Exactly so many consecutive numbers, of one drama range.
///
/// # Panics
/// If `len` is none or more than the thousand numbers of a drama range.
pub fn a_range_of(len: u32) -> impl Strategy<Value = NumberRange> {
    (select(&DRAMA_RANGES[..]), 0..=DRAMA_RANGE_LEN - len).prop_map(move |(first, at)| {
        let first = TelephoneNumber::parse(first).expect("a drama range begins with a number");
        let start = first.offset(at).expect("a drama range lies in one area");
        let end = start.offset(len - 1).expect("a drama range lies in one area");
        NumberRange::new(start, end).expect("a drama range is shorter than the longest range")
    })
}

/// None to a few hundred numbers, in runs and alone.
pub fn a_number_set() -> impl Strategy<Value = NumberSet> {
    prop::collection::vec(prop_oneof![a_number().prop_map(NumberRange::from), a_number_range()], 0..6)
        .prop_map(|ranges| ranges.into_iter().collect())
}

/// The area of a drama range.
pub fn an_area_code() -> impl Strategy<Value = AreaCode> {
    a_number().prop_map(TelephoneNumber::area_code)
}

/// Declares strategies that make a value from text of a pattern.
macro_rules! from_pattern {
    ($($(#[$doc:meta])* $function:ident: $value:ty = $pattern:literal;)*) => {$(
        $(#[$doc])*
        pub fn $function() -> impl Strategy<Value = $value> {
            $pattern.prop_filter_map("not a value", |text: String| <$value>::parse(&text).ok())
        }
    )*};
}

from_pattern! {
    /// A company name.
    a_company_name: CompanyName = "[A-Za-zÀ-ž&][A-Za-zÀ-ž0-9 &'.-]{0,40}";
    /// A domain that nobody can register.
    a_domain: Domain = "[a-z][a-z0-9]{0,12}(-[a-z0-9]{1,6})?\\.(example|test|invalid)";
    /// A site name.
    a_site_name: SiteName = "[A-Z][A-Za-z0-9 ]{0,30}";
    /// A location code.
    a_location_code: LocationCode = "[0-9]{1,15}";
    /// A PBX name.
    a_pbx_name: PbxName = "[A-Za-z][A-Za-z0-9 _-]{0,39}";
    /// A trunk name.
    a_trunk_name: TrunkName = "[A-Za-z][A-Za-z0-9 _-]{0,29}";
    /// An extension.
    an_extension: Extension = "[2-8][0-9]{1,5}";
    /// The part of a username before the `@`.
    a_username_local: UsernameLocal = "[a-z0-9_-]{1,12}(\\.[a-z0-9_-]{1,12}){0,2}";
    /// A given name or a family name.
    a_person_name: PersonNamePart = "[A-ZÀ-Þ][a-zà-þ'-]{0,20}";
    /// A MAC address in any notation.
    a_mac: MacAddress = "[0-9a-f][02468ace](:[0-9a-f]{2}){5}|[0-9A-F][02468ACE][0-9A-F]{10}|[0-9A-F][02468ACE](-[0-9A-F]{2}){5}";
    /// An order reference.
    an_order_reference: OrderReference = "PO-[A-Z0-9]{1,12}( /[0-9]{1,3})?";
    /// A reseller id.
    a_reseller_code: ResellerCode = "[A-Za-z0-9][A-Za-z0-9._-]{0,39}";
    /// A CUG id.
    a_cug_id: CugId = "[A-Za-z0-9][A-Za-z0-9._-]{0,39}";
    /// A sales tag.
    a_sales_tag: SalesTag = "[A-Za-z0-9][A-Za-z0-9._-]{0,39}";
    /// A provider's three digits.
    a_cupid: Cupid = "[0-9]{3}";
    /// The id of a supplier's message.
    a_message_id: MessageId = "[!-~]{1,64}";
    /// Free text of a line or a few.
    a_free_text: FreeText = "[A-Za-z0-9][A-Za-z0-9 ,.\n-]{0,120}";
    /// A product code, mostly of no product.
    a_product_code: ProductCode = "[a-z][a-z0-9_]{0,20}";
    /// A postcode that fits the grammar and may not exist.
    a_postcode: Postcode = "[A-PR-UWYZ][A-HK-Y]?[1-9][0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2}";
    /// An address key of either kind.
    an_address_key: AddressKey = "[ART][0-9]{11}";
}

/// How well an address is known.
pub fn an_address_qualifier() -> impl Strategy<Value = AddressQualifier> {
    select(&[AddressQualifier::Gold, AddressQualifier::Silver, AddressQualifier::Bronze][..])
}

/// An instant from 2026 to mid 2028, to the minute; one in four is near the turn of day zero.
pub fn an_instant() -> impl Strategy<Value = DateTime<Utc>> {
    let anywhere = (0..DAYS * 24 * 60).prop_map(TimeDelta::minutes);
    let near_one = (a_day(), 11 * 60 + 55..13 * 60 + 5i64)
        .prop_map(|(day, minute)| (day - first_day()) + TimeDelta::minutes(minute));
    let since = prop_oneof![3 => anywhere, 1 => near_one];
    since.prop_map(|since| first_day().and_time(NaiveTime::MIN).and_utc() + since)
}

/// A day from 2026 to mid 2028.
pub fn a_day() -> impl Strategy<Value = NaiveDate> {
    (0..DAYS).prop_map(|days| first_day() + TimeDelta::days(days))
}

/// A port window of an hour or more, in the daytime.
///
/// # Panics
/// Never: the hours are of one day.
pub fn a_port_window() -> impl Strategy<Value = PortWindow> {
    (a_day(), 8u32..16, 1u32..4).prop_map(|(date, from, hours)| {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("the hours are of one day");
        PortWindow::new(date, time(from), time(from + hours)).expect("daytime windows always open")
    })
}

/// Provide or subsequent.
pub fn a_port_route() -> impl Strategy<Value = PortRoute> {
    select(&[PortRoute::Provide, PortRoute::Subsequent][..])
}

/// A port of any size, with the bounds of the published table more often than by chance.
pub fn a_port_shape() -> impl Strategy<Value = PortShape> {
    let single = (any::<bool>(), any::<bool>(), 1u32..20).prop_map(|(complex, geographic, simultaneous)| {
        let class = PortClass::SingleLine;
        PortShape { class, numbers: 1, has_range: false, complex, geographic, simultaneous }
    });
    let numbers = prop_oneof![2u32..400, select(&[29, 30, 31, 150, 151][..])];
    let multi = (numbers, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(numbers, has_range, complex, geographic)| {
            let class = PortClass::MultiLine;
            PortShape { class, numbers, has_range, complex, geographic, simultaneous: 1 }
        },
    );
    prop_oneof![single, multi]
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).expect("2026 has a first day")
}

#[cfg(test)]
mod tests {
    use serde::{Serialize, de::DeserializeOwned};

    use super::*;
    use crate::invalid::Invalid;
    use crate::rules::{Rules, RulesVersion};

    /// Text and JSON lead back to the value they came from.
    fn comes_back<T>(value: &T, parse: fn(&str) -> Result<T, Invalid>) -> Result<(), TestCaseError>
    where
        T: ToString + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        let read = parse(&value.to_string());
        prop_assert_eq!(read.as_ref(), Ok(value));
        let json = serde_json::to_string(value).unwrap();
        prop_assert_eq!(&json, &serde_json::to_string(&value.to_string()).unwrap());
        prop_assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
        Ok(())
    }

    macro_rules! every_value {
        ($($name:ident: $value:ident = $strategy:expr;)*) => {
            proptest! {
                $(#[test]
                fn $name(value in $strategy, noise in noise()) {
                    comes_back(&value, $value::parse)?;
                    // What is read from noise, if anything, is canonical as well; nothing panics.
                    if let Ok(read) = $value::parse(&noise) {
                        comes_back(&read, $value::parse)?;
                    }
                })*
            }
        };
    }

    every_value! {
        a_number_comes_back: TelephoneNumber = a_number();
        a_number_range_comes_back: NumberRange = a_number_range();
        an_area_code_comes_back: AreaCode = an_area_code();
        a_company_name_comes_back: CompanyName = a_company_name();
        a_domain_comes_back: Domain = a_domain();
        a_site_name_comes_back: SiteName = a_site_name();
        a_location_code_comes_back: LocationCode = a_location_code();
        a_pbx_name_comes_back: PbxName = a_pbx_name();
        a_trunk_name_comes_back: TrunkName = a_trunk_name();
        an_extension_comes_back: Extension = an_extension();
        a_username_comes_back: UsernameLocal = a_username_local();
        a_person_name_comes_back: PersonNamePart = a_person_name();
        a_mac_comes_back: MacAddress = a_mac();
        an_order_reference_comes_back: OrderReference = an_order_reference();
        a_reseller_code_comes_back: ResellerCode = a_reseller_code();
        a_cug_id_comes_back: CugId = a_cug_id();
        a_sales_tag_comes_back: SalesTag = a_sales_tag();
        a_cupid_comes_back: Cupid = a_cupid();
        a_message_id_comes_back: MessageId = a_message_id();
        free_text_comes_back: FreeText = a_free_text();
        a_product_code_comes_back: ProductCode = a_product_code();
        a_postcode_comes_back: Postcode = a_postcode();
        an_address_key_comes_back: AddressKey = an_address_key();
        an_address_qualifier_comes_back: AddressQualifier = an_address_qualifier();
        a_rules_version_comes_back: RulesVersion = Just(Rules::bundled().version().clone());
    }

    proptest! {
        #[test]
        fn a_port_window_comes_back(window in a_port_window()) {
            let json = serde_json::to_string(&window).unwrap();
            prop_assert_eq!(serde_json::from_str::<PortWindow>(&json).unwrap(), window);
            prop_assert!(window.opens_at() < window.closes_at());
        }

        #[test]
        fn a_number_set_comes_back(set in a_number_set()) {
            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<NumberSet>(&json).unwrap(), set);
        }

        #[test]
        fn no_notation_changes_the_number(number in a_number()) {
            prop_assert_eq!(TelephoneNumber::parse(&number.national()), Ok(number));
            prop_assert_eq!(TelephoneNumber::parse(&format!("0044 (0){}", number.nsn())), Ok(number));
        }

        #[test]
        fn other_parsers_survive_noise(a in noise(), b in noise(), c in noise()) {
            prop_assert!(PortWindow::parse(&a, &b, &c).is_err());
            prop_assert!(Rules::from_json(&a).is_err());
        }
    }

    /// Text of any kind: anything at all, and what is nearly right.
    fn noise() -> impl Strategy<Value = String> {
        prop_oneof![
            ".{0,60}",
            "[+()0-9 .–-]{0,45}",
            r"(\+44|0044|44|0)[1238][0-9]{3}[ -]?[0-9]{5,6}([-–][0-9]{1,4})?",
            "[0-9A-Fa-f:.-]{10,18}",
            "[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}",
            "[\u{1}-\u{2f}é\u{202e}\r\n ]{0,12}",
        ]
    }
}
