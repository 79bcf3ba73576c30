//! Companies for tests: one short function per thing a company has, a model, and a state machine that walks it.
//!
//! Deliberately absent: anything shared with the decider but its types. The model is written from the specification.

mod model;
mod assets;
mod ends;
mod walk;

use uuid::Uuid;

pub use assets::{Held, ModelAsset, Place};
pub use ends::Announcements;
pub use model::CompanyModel;
pub use walk::a_command;

use crate::{
    company::{
        asset::AssetPlan,
        commands::{CompanyCommand, LinePlan},
    },
    ids::{AssetId, OrderId, PortRequestId, ResellerId, ReservationId},
    names::{CompanyName, Domain, Extension, LocationCode, MacAddress, ProductCode},
    number::{NumberRange, NumberSet, TelephoneNumber},
    order::line::{LineNumber, SiteAddress},
    sealed::{Contact, Sealed},
};

const FIRST_NUMBER: &str = "+441134960000";

/// Some consecutive numbers of a small pool, so that commands meet.
pub fn numbers(from: u32, len: u32) -> NumberSet {
    let first = TelephoneNumber::parse(FIRST_NUMBER).expect("a drama range begins with a number");
    let at = |n| first.offset(n).expect("the pool lies in one area");
    NumberRange::new(at(from), at(from + len - 1)).expect("the pool is small").into()
}

/// The n-th order of a test.
pub fn order(n: u8) -> OrderId {
    OrderId(Uuid::from_u128(u128::from(n)))
}

/// The n-th reservation of a test.
pub fn reservation(n: u8) -> ReservationId {
    ReservationId(Uuid::from_u128(u128::from(n)))
}

/// The n-th port request of a test.
pub fn port_request(n: u8) -> PortRequestId {
    PortRequestId(Uuid::from_u128(u128::from(n)))
}

/// The asset that a line of an order makes.
pub fn asset(order: u8, line: u32) -> AssetId {
    AssetId(Uuid::from_u128(u128::from(order) << 32 | u128::from(line)))
}

/// A sealed text whose tag is the text itself.
pub fn sealed(text: &str) -> Sealed {
    Sealed {
        key_id: "com_test".to_owned(),
        nonce: "00".repeat(12),
        ciphertext: "00".repeat(16),
        tag: text.to_owned(),
    }
}

/// Qualifies the company of every test.
pub fn qualify() -> CompanyCommand {
    CompanyCommand::Qualify {
        reseller: ResellerId(Uuid::from_u128(7)),
        name: CompanyName::parse("Acme Ltd").expect("a name"),
        domain: Domain::parse("acme.example").expect("a domain"),
    }
}

/// A site with four-digit extensions.
pub fn site(name: &str, code: &str, numbers: NumberSet) -> AssetPlan {
    AssetPlan::Site {
        name: name.parse().expect("a site name"),
        location_code: LocationCode::parse(code).expect("a location code"),
        extension_length: 4,
        address: SiteAddress::Known("A00000000001".parse().expect("an address key")),
        numbers,
    }
}

/// An address entered by hand.
pub fn entered() -> SiteAddress {
    SiteAddress::Entered {
        key: "T00000000009".parse().expect("an address key"),
        lines: sealed("the signal box"),
        postcode: "LS1 4AP".parse().expect("a postcode"),
    }
}

/// A user with the standard licence.
pub fn user(site: AssetId, name: &str, extension: &str, number: Option<TelephoneNumber>) -> AssetPlan {
    AssetPlan::User {
        site,
        first_name: sealed("first"),
        last_name: sealed("last"),
        username: sealed(name),
        extension: Extension::parse(extension).expect("an extension"),
        licence: Some(product("voice_standard")),
        add_ons: vec![],
        primary_number: number,
        alternate_numbers: NumberSet::new(),
    }
}

/// A device that fits every ordinary licence.
pub fn device(user: AssetId, mac: &str) -> AssetPlan {
    AssetPlan::Device {
        user,
        model: product("desk_phone_t1"),
        mac: MacAddress::parse(mac).expect("a MAC address"),
    }
}

/// Somebody places the legal hold `case-1`.
pub fn place_hold(by: &str) -> CompanyCommand {
    CompanyCommand::PlaceLegalHold { reference: "case-1".parse().unwrap(), by: by.parse().unwrap() }
}

/// Somebody lifts the legal hold `case-1`.
pub fn lift_hold(by: &str) -> CompanyCommand {
    CompanyCommand::LiftLegalHold { reference: "case-1".parse().unwrap(), by: by.parse().unwrap() }
}

/// A product of the bundled catalogue.
pub fn product(code: &str) -> ProductCode {
    ProductCode::parse(code).expect("a product code")
}

/// An order with one line of every kind that makes something; line 2 holds its numbers. `n` varies the names.
pub fn full_order(id: u8, n: u32, channels: Option<u32>, numbers: NumberSet) -> CompanyCommand {
    let line = |at, plan| LinePlan { line: LineNumber(at), asset: asset(id, at), plan };
    let (site_id, user_id, pbx) = (asset(id, 3), asset(id, 4), asset(id, 6));
    let name = format!("Site {n}");
    let contact = Contact { name: sealed("contact"), telephone: None, email: None };
    let plans = vec![
        line(3, site(&name, &format!("{}", 70 + n), numbers.clone())),
        line(4, user(site_id, &format!("user{n}"), &format!("{}", 4000 + n), numbers.iter().next())),
        line(5, device(user_id, &format!("001A2B3C4D{n:02}"))),
        line(6, AssetPlan::Pbx { site: site_id, name: format!("pbx {n}").parse().expect("a PBX name") }),
        line(7, AssetPlan::Trunk { pbx, name: format!("t {n}").parse().expect("a trunk name"), channels: 2 }),
        line(8, AssetPlan::AddOn { user: user_id, product: product("call_recording") }),
        line(9, AssetPlan::EmergencyDetails { site: site_id, address: Some(entered()), contact }),
    ];
    let numbers = vec![(LineNumber(2), numbers)];
    CompanyCommand::OpenOrder { order: order(id), plans, numbers, coming: vec![], channels }
}
