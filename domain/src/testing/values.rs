//! Strategies for every value. Numbers come from Ofcom's drama ranges only, instants from 2026 to 2028.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
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
const MINUTES_2026_TO_2028: i64 = 3 * 365 * 24 * 60;
const DAYS_2026_TO_2028: u64 = 3 * 365;

/// A number that nobody has.
pub fn a_number() -> impl Strategy<Value = TelephoneNumber> {
    a_range_of(1).prop_map(|range| range.start())
}

/// One to a hundred consecutive numbers.
pub fn a_number_range() -> impl Strategy<Value = NumberRange> {
    (1u32..=100).prop_flat_map(a_range_of)
}

/// Exactly so many consecutive numbers, of one drama range.
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

/// An instant from 2026 to 2028, to the minute; one in four is near the turn of day zero.
pub fn an_instant() -> impl Strategy<Value = DateTime<Utc>> {
    let anywhere = (0..MINUTES_2026_TO_2028).prop_map(TimeDelta::minutes);
    let near_one = (a_day(), 11 * 60 + 55..13 * 60 + 5i64)
        .prop_map(|(day, minute)| (day - first_day()) + TimeDelta::minutes(minute));
    let since = prop_oneof![3 => anywhere, 1 => near_one];
    since.prop_map(|since| first_day().and_time(NaiveTime::MIN).and_utc() + since)
}

/// A day from 2026 to 2028.
pub fn a_day() -> impl Strategy<Value = NaiveDate> {
    (0..DAYS_2026_TO_2028).prop_map(|days| first_day() + Days::new(days))
}

/// A port window of an hour or more, in the daytime.
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
