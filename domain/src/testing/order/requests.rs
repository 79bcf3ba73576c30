//! One short function per kind of line; numbers come from the drama ranges.

use uuid::Uuid;

use crate::{
    address::{AddressKey, Postcode},
    calendar::PortWindow,
    ids::{AssetId, CompanyId, PortRequestId, ResellerId},
    lead_time::PortClass,
    names::{
        Cupid, Extension, LocationCode, MacAddress, OrderReference, PbxName, ProductCode, SiteName, TrunkName,
    },
    number::{AreaCode, NumberSet, TelephoneNumber},
    order::{
        commands::OrderCommand,
        line::{
            AddOnLine, CompanyLine, DeviceLine, EmergencyLine, LineFailure, LineNumber, LineRequest,
            NumberAsk, NumberSearch, NumbersLine, Parent, PbxLine, PortLine, SearchBy, SiteAddress, SiteLine,
            SiteNumbers, TrunkLine, UserLine, UserNumber,
        },
    },
    sealed::{Contact, Sealed},
};

/// Text that is sealed as far as the domain can tell.
pub fn sealed(text: &str) -> Sealed {
    Sealed {
        key_id: "com_1".to_owned(),
        nonce: "000000000000000000000000".to_owned(),
        ciphertext: "00".to_owned(),
        tag: text.to_owned(),
    }
}

/// The reseller of every test order.
pub fn reseller() -> ResellerId {
    ResellerId(Uuid::from_u128(1))
}

/// The company of every test order that has one.
pub fn company() -> CompanyId {
    CompanyId(Uuid::from_u128(2))
}

/// The service id of a line.
pub fn asset_of(line: u32) -> AssetId {
    AssetId(Uuid::from_u128(1_000_000 + u128::from(line)))
}

/// The port request of a line.
pub fn port_request_of(line: u32) -> PortRequestId {
    PortRequestId(Uuid::from_u128(2_000_000 + u128::from(line)))
}

/// A site that the company has already.
pub fn old_site() -> AssetId {
    AssetId(Uuid::from_u128(3))
}

/// A draft with these lines, numbered from 1, for a company.
pub fn create(lines: Vec<LineRequest>) -> OrderCommand {
    let reference = OrderReference::parse("PO-17").expect("a reference");
    OrderCommand::Create { reseller: reseller(), reference, company: Some(company()), lines }
}

/// The company itself.
pub fn company_line() -> LineRequest {
    LineRequest::Company(CompanyLine { channels: 10, contact: None })
}

/// So many numbers in Leeds.
pub fn numbers(quantity: u32) -> LineRequest {
    let area = AreaCode::parse("0113").expect("an area code");
    let search = NumberSearch { by: SearchBy::AreaCode(area), quantity, contiguous: false };
    LineRequest::Numbers(NumbersLine { ask: NumberAsk::Search(search), site: None })
}

/// Two numbers for a site that exists.
pub fn numbers_for(site: AssetId) -> LineRequest {
    let LineRequest::Numbers(line) = numbers(2) else { unreachable!("the line above is one of numbers") };
    LineRequest::Numbers(NumbersLine { site: Some(site), ..line })
}

/// A port of one number, on the n-th of a few days.
pub fn port(day: u32) -> LineRequest {
    let window = PortWindow::parse(&format!("2026-07-{:02}", 1 + day % 28), "09:00", "17:00");
    LineRequest::Port(Box::new(PortLine {
        class: PortClass::SingleLine,
        main_number: TelephoneNumber::parse("0113 496 0000").expect("a drama number"),
        associated: NumberSet::new(),
        ranges: Vec::new(),
        losing_provider: Cupid::parse("123").expect("a provider"),
        range_holder: Cupid::parse("123").expect("a provider"),
        postcode: Postcode::parse("LS1 4AP").expect("a postcode"),
        account: sealed("account"),
        signatory: sealed("signatory"),
        window: window.expect("a window"),
        site: None,
    }))
}

/// A site whose numbers come from these lines.
pub fn site(sources: &[u32]) -> LineRequest {
    let numbers = sources.iter().map(|line| SiteNumbers { line: LineNumber(*line), quantity: None });
    LineRequest::Site(Box::new(SiteLine {
        name: SiteName::parse("Leeds").expect("a name"),
        location_code: LocationCode::parse("45").expect("a code"),
        extension_length: 4,
        address: SiteAddress::Known(AddressKey::parse("A00000000017").expect("a key")),
        numbers: numbers.collect(),
    }))
}

/// A user of a site, with a number from a line.
pub fn user(site: Parent, number_from: Option<u32>) -> LineRequest {
    LineRequest::User(Box::new(UserLine {
        site,
        first_name: sealed("first"),
        last_name: sealed("last"),
        username: sealed("user"),
        extension: Extension::parse("4501").expect("an extension"),
        licence: None,
        add_ons: Vec::new(),
        primary_number: number_from.map(|line| UserNumber::From(LineNumber(line))),
        alternate_numbers: Vec::new(),
    }))
}

/// A device of a user.
pub fn device(user: Parent) -> LineRequest {
    let mac = MacAddress::parse("00:1A:2B:3C:4D:5E").expect("an address");
    LineRequest::Device(DeviceLine { user, model: product(), mac })
}

/// An add-on of a user.
pub fn add_on(user: Parent) -> LineRequest {
    LineRequest::AddOn(AddOnLine { user, product: product() })
}

/// The emergency details of a site.
pub fn emergency(site: Parent) -> LineRequest {
    let contact = Contact { name: sealed("contact"), telephone: None, email: None };
    LineRequest::EmergencyDetails(EmergencyLine { site, address: None, contact })
}

/// A PBX at a site.
pub fn pbx(site: Parent) -> LineRequest {
    LineRequest::Pbx(PbxLine { site, name: PbxName::parse("PBX").expect("a name") })
}

/// A trunk of a PBX.
pub fn trunk(pbx: Parent) -> LineRequest {
    LineRequest::Trunk(TrunkLine { pbx, name: TrunkName::parse("Trunk").expect("a name"), channels: 2 })
}

/// Another line as the parent.
pub fn line(number: u32) -> Parent {
    Parent::Line(LineNumber(number))
}

/// Why a line fails.
pub fn failure() -> LineFailure {
    LineFailure { code: "port_withdrawn".to_owned(), detail: "the losing provider withdrew".to_owned() }
}

fn product() -> ProductCode {
    ProductCode::parse("voice_standard").expect("a product code")
}
