//! Order lines as resellers write them.

use chrono::NaiveDate;
use orderwire::domain::{
    calendar::PortWindow,
    ids::AssetId,
    names::{Extension, LocationCode, MacAddress, ProductCode},
    number::{NumberRange, NumberSet},
    order::line::{
        CompanyLine, DeviceLine, LineNumber, LineRequest, NumberAsk, NumbersLine, Parent, PbxLine, PortLine,
        SiteAddress, SiteLine, SiteNumbers, TrunkLine, UserLine, UserNumber,
    },
    testing::port_request::{multi_line, number, sealed, single_line},
};

use super::search;

/// A company with numbers, a site that gets them, a user with one of them, and a device: lines 1 to 5.
pub fn new_company(n: u32, quantity: u32) -> Vec<LineRequest> {
    vec![
        company_line(10),
        numbers_line(search(quantity)),
        site(n, LineNumber(2)),
        user(n, Parent::Line(LineNumber(3)), Some(UserNumber::From(LineNumber(2)))),
        device(n, Parent::Line(LineNumber(4))),
    ]
}

pub fn company_line(channels: u32) -> LineRequest {
    LineRequest::Company(CompanyLine { channels, contact: None })
}

pub fn numbers_line(ask: NumberAsk) -> LineRequest {
    LineRequest::Numbers(NumbersLine { ask, site: None })
}

/// Numbers for a site that the company has.
pub fn numbers_for(ask: NumberAsk, site: AssetId) -> LineRequest {
    LineRequest::Numbers(NumbersLine { ask, site: Some(site) })
}

/// A site with every number of a line.
pub fn site(n: u32, numbers: LineNumber) -> LineRequest {
    site_with(n, &format!("{}", 4000 + n), vec![SiteNumbers { line: numbers, quantity: None }])
}

pub fn site_with(n: u32, location_code: &str, numbers: Vec<SiteNumbers>) -> LineRequest {
    LineRequest::Site(Box::new(SiteLine {
        name: format!("Site {n}").parse().unwrap(),
        location_code: LocationCode::parse(location_code).unwrap(),
        extension_length: 3,
        address: SiteAddress::Known("A00000000001".parse().unwrap()),
        numbers,
    }))
}

pub fn user(n: u32, site: Parent, primary_number: Option<UserNumber>) -> LineRequest {
    user_at(n, &format!("{}", 201 + n % 700), site, primary_number)
}

pub fn user_at(n: u32, extension: &str, site: Parent, primary_number: Option<UserNumber>) -> LineRequest {
    LineRequest::User(Box::new(UserLine {
        site,
        first_name: sealed("Ada"),
        last_name: sealed("Lovelace"),
        username: sealed(&format!("ada{n}")),
        extension: Extension::parse(extension).unwrap(),
        licence: Some(ProductCode::parse("voice_standard").unwrap()),
        add_ons: vec![],
        primary_number,
        alternate_numbers: vec![],
    }))
}

pub fn device(n: u32, user: Parent) -> LineRequest {
    let mac = MacAddress::parse(&format!("001565{n:06X}")).unwrap();
    device_with(mac, user)
}

pub fn device_with(mac: MacAddress, user: Parent) -> LineRequest {
    LineRequest::Device(DeviceLine { user, model: ProductCode::parse("desk_phone_t1").unwrap(), mac })
}

pub fn pbx(n: u32, site: Parent) -> LineRequest {
    LineRequest::Pbx(PbxLine { site, name: format!("PBX {n}").parse().unwrap() })
}

pub fn trunk(n: u32, pbx: Parent, channels: u32) -> LineRequest {
    LineRequest::Trunk(TrunkLine { pbx, name: format!("Trunk {n}").parse().unwrap(), channels })
}

/// A port of one number of 020 7946 0000 and so on.
pub fn port_of(n: u32, window: PortWindow) -> PortLine {
    PortLine { main_number: number("020 7946 0000").offset(n).unwrap(), ..single_line(window) }
}

/// A port of a range from there on.
pub fn port_of_range(from: u32, count: u32, window: PortWindow) -> PortLine {
    let first = number("020 7946 0000").offset(from).unwrap();
    let range = NumberRange::new(first, first.offset(count - 1).unwrap()).unwrap();
    PortLine {
        main_number: first,
        associated: NumberSet::new(),
        ranges: vec![range],
        ..multi_line(1, window)
    }
}

pub fn port(line: PortLine) -> LineRequest {
    LineRequest::Port(Box::new(line))
}

/// From nine to noon.
pub fn morning(date: &str) -> PortWindow {
    PortWindow::parse(date, "09:00", "12:00").unwrap()
}

pub fn morning_of(date: NaiveDate) -> PortWindow {
    morning(&date.to_string())
}
