//! The lines of an order document, kind by kind. They mirror `domain::order::line`, with plain text where the domain has
//! sealed text, and with names where it has ids.

use orderwire_domain::{
    address::{AddressKey, Postcode},
    calendar::PortWindow,
    lead_time::PortClass,
    names::{
        Cupid, Extension, LocationCode, MacAddress, PbxName, PersonNamePart, ProductCode, SiteName,
        TrunkName, UsernameLocal,
    },
    number::{NumberRange, NumberSet, TelephoneNumber},
    order::line::{LineKind, NumberAsk, NumberSearch, SearchBy, SiteNumbers, UserNumber},
};
use strum::VariantArray as _;

pub use super::named::{DocumentAsset, DocumentParent};
use super::{
    document::LineNames,
    named::{self, existing_site, line_of},
    reader::{Fields, Spot},
};

/// The kinds of line, as the field `kind` names them.
pub const LINE_KINDS: &[LineKind] = LineKind::VARIANTS;

/// Most single ranges or numbers in one list of numbers.
const NUMBERS_LIST_MAX: usize = 10_000;
/// Most add-ons or alternate numbers of one user in a document; the rules may allow fewer.
const USER_LIST_MAX: usize = 100;
/// Most DDI ranges of one port line, and most sources of numbers of one site, in a document.
const PORT_RANGES_MAX: usize = 100;
const SITE_SOURCES_MAX: usize = 100;
/// Most lines of a hand-entered address.
const ADDRESS_LINES_MAX: usize = 10;
/// The longest of them, in characters.
pub const ADDRESS_LINE_MAX: usize = 100;
/// Longest contact, account or signatory, in characters.
pub const PERSONAL_MAX: usize = 120;
/// The largest number that a quantity can be; the rules allow fewer.
const QUANTITY_MAX: u64 = u32::MAX as u64;

/// Personal data in plain text, on its way to be sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal {
    /// As it was sent.
    pub text: String,
    /// What equal texts have in common.
    pub normalised: String,
}

impl Personal {
    /// A text; it equals another one that differs in case and spacing only.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let normalised = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        Self { text, normalised }
    }
}

// Personal data does not belong in a log, so the text is not shown.
impl std::fmt::Debug for Personal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Personal(…)")
    }
}

/// What a line of a document asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentRequest {
    /// The company itself comes into service.
    Company {
        /// How many trunk channels all its sites may have together.
        channels: u32,
        /// Whom to talk to.
        contact: Option<DocumentContact>,
    },
    /// New numbers.
    Numbers {
        /// Which.
        ask: NumberAsk,
        /// The existing site that they go to.
        site: Option<DocumentAsset>,
    },
    /// Numbers ported from another provider.
    Port(Box<DocumentPort>),
    /// A site.
    Site(Box<DocumentSite>),
    /// What emergency services are told about a site.
    EmergencyDetails(Box<DocumentEmergency>),
    /// A user of a site.
    User(Box<DocumentUser>),
    /// An add-on of a user.
    AddOn {
        /// The user.
        user: DocumentParent,
        /// Which product.
        product: ProductCode,
    },
    /// A device of a user.
    Device {
        /// The user.
        user: DocumentParent,
        /// Which model.
        model: ProductCode,
        /// Unique on the platform.
        mac: MacAddress,
    },
    /// A PBX at a site.
    Pbx {
        /// The site.
        site: DocumentParent,
        /// Unique within the company.
        name: PbxName,
    },
    /// A trunk of a PBX.
    Trunk {
        /// The PBX.
        pbx: DocumentParent,
        /// Unique within the company.
        name: TrunkName,
        /// How many calls at once.
        channels: u32,
    },
}

/// A person to talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `domain::sealed::Contact`")]
pub struct DocumentContact {
    pub name: Personal,
    pub telephone: Option<Personal>,
    pub email: Option<Personal>,
}

/// Numbers ported from another provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `domain::order::line::PortLine`")]
pub struct DocumentPort {
    pub class: PortClass,
    pub main_number: TelephoneNumber,
    pub associated: NumberSet,
    pub ranges: Vec<NumberRange>,
    pub losing_provider: Cupid,
    pub range_holder: Option<Cupid>,
    pub postcode: Postcode,
    pub account: Personal,
    pub signatory: Personal,
    pub window: PortWindow,
    pub site: Option<DocumentAsset>,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `domain::order::line::SiteLine`")]
pub struct DocumentSite {
    pub name: SiteName,
    pub location_code: LocationCode,
    pub extension_length: u8,
    pub address: DocumentAddress,
    pub numbers: Vec<SiteNumbers>,
}

/// Where a site is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentAddress {
    /// A known address.
    Known(AddressKey),
    /// Entered by hand under a temporary key.
    Entered {
        /// The temporary key.
        key: AddressKey,
        /// The lines, one below the other.
        lines: Personal,
        /// The postcode.
        postcode: Postcode,
    },
}

/// What emergency services are told about a site.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `domain::order::line::EmergencyLine`")]
pub struct DocumentEmergency {
    pub site: DocumentParent,
    pub address: Option<DocumentAddress>,
    pub contact: DocumentContact,
}

/// A user of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of `domain::order::line::UserLine`")]
pub struct DocumentUser {
    pub site: DocumentParent,
    pub first_name: Personal,
    pub last_name: Personal,
    pub username: Personal,
    pub extension: Extension,
    pub licence: Option<ProductCode>,
    pub add_ons: Vec<ProductCode>,
    pub primary_number: Option<UserNumber>,
    pub alternate_numbers: Vec<UserNumber>,
}

/// What a line asks for, by its kind.
pub(super) fn request(fields: &Fields<'_>, names: &LineNames<'_>) -> Option<DocumentRequest> {
    let Some(kind) = fields.required("kind", |it| it.word(LINE_KINDS)) else {
        // Which fields there should be depends on the kind, so none of them can be judged.
        fields.take_all();
        return None;
    };
    match kind {
        LineKind::Company => company(fields),
        LineKind::Numbers => numbers(fields, names),
        LineKind::Port => port(fields, names),
        LineKind::Site => site(fields, names),
        LineKind::EmergencyDetails => emergency(fields, names),
        LineKind::User => user(fields, names),
        LineKind::AddOn | LineKind::Device | LineKind::Pbx | LineKind::Trunk => {
            equipment(kind, fields, names)
        }
    }
}

fn company(fields: &Fields<'_>) -> Option<DocumentRequest> {
    let channels = fields.required("channels", |it| it.whole(0, QUANTITY_MAX));
    let contact = fields.optional("contact", |it| contact(&it));
    Some(DocumentRequest::Company { channels: channels?, contact: contact? })
}

fn numbers(fields: &Fields<'_>, names: &LineNames<'_>) -> Option<DocumentRequest> {
    let ask = fields.required("ask", |it| ask(&it));
    let site = fields.optional("site", |it| existing_site(&it, names));
    Some(DocumentRequest::Numbers { ask: ask?, site: site? })
}

fn ask(spot: &Spot<'_>) -> Option<NumberAsk> {
    spot.choice(&["reservation", "numbers", "search"], |name, it| match name {
        "reservation" => it.parsed().map(NumberAsk::Reservation),
        "numbers" => number_set(&it, 1).map(NumberAsk::Numbers),
        _ => search(&it).map(NumberAsk::Search),
    })
}

/// Reads a search for free numbers.
pub fn search(spot: &Spot<'_>) -> Option<NumberSearch> {
    spot.object(|fields| {
        let by = fields.required("by", |it| {
            it.choice(&["area_code", "place"], |name, it| match name {
                "area_code" => it.parsed().map(SearchBy::AreaCode),
                _ => it.parsed().map(SearchBy::Place),
            })
        });
        let quantity = fields.required("quantity", |it| it.whole(1, QUANTITY_MAX));
        let contiguous = fields.optional("contiguous", |it| it.flag());
        let contiguous = contiguous.map(Option::unwrap_or_default);
        Some(NumberSearch { by: by?, quantity: quantity?, contiguous: contiguous? })
    })
}

/// New numbers by area code or place, said without a level for the search.
pub(super) fn new_numbers(fields: &Fields<'_>, names: &LineNames<'_>) -> Option<DocumentRequest> {
    let by = match (fields.has("area_code"), fields.has("place")) {
        (true, false) => fields.required("area_code", |it| it.parsed()).map(SearchBy::AreaCode),
        (false, true) => fields.required("place", |it| it.parsed()).map(SearchBy::Place),
        (both, _) => fields.one_of(&["area_code", "place"], both),
    };
    let quantity = fields.required("quantity", |it| it.whole(1, QUANTITY_MAX));
    let contiguous = fields.optional("contiguous", |it| it.flag()).map(Option::unwrap_or_default);
    let site = fields.optional("site", |it| existing_site(&it, names));
    let search = NumberSearch { by: by?, quantity: quantity?, contiguous: contiguous? };
    Some(DocumentRequest::Numbers { ask: NumberAsk::Search(search), site: site? })
}

/// Reads a list of numbers and ranges.
pub fn number_set(spot: &Spot<'_>, min: usize) -> Option<NumberSet> {
    let ranges: Vec<NumberRange> = spot.list(NUMBERS_LIST_MAX, |it| it.parsed())?;
    let mut numbers = NumberSet::new();
    for range in ranges {
        numbers.insert_range(range);
    }
    if numbers.len() < min {
        return spot.refuse("list_empty", "the list is empty", "at least one number or range");
    }
    Some(numbers)
}

fn port(fields: &Fields<'_>, names: &LineNames<'_>) -> Option<DocumentRequest> {
    port_of(fields.required("class", |it| it.word(PortClass::VARIANTS)), fields, names)
}

/// A port of a class that was said before; `None` where it was said wrongly.
pub(super) fn port_of(
    class: Option<PortClass>,
    fields: &Fields<'_>,
    names: &LineNames<'_>,
) -> Option<DocumentRequest> {
    let main_number = fields.required("main_number", |it| it.parsed());
    let associated = fields.optional("associated", |it| number_set(&it, 0));
    let ranges = fields.list("ranges", PORT_RANGES_MAX, |it| it.parsed());
    let losing_provider = fields.required("losing_provider", |it| it.parsed());
    let range_holder = fields.optional("range_holder", |it| it.parsed());
    let postcode = fields.required("postcode", |it| it.parsed());
    let account = fields.required("account", |it| personal(&it));
    let signatory = fields.required("signatory", |it| personal(&it));
    let window = fields.required("window", |it| window(&it));
    let site = fields.optional("site", |it| existing_site(&it, names));
    Some(DocumentRequest::Port(Box::new(DocumentPort {
        class: class?,
        main_number: main_number?,
        associated: associated?.unwrap_or_default(),
        ranges: ranges?,
        losing_provider: losing_provider?,
        range_holder: range_holder?,
        postcode: postcode?,
        account: account?,
        signatory: signatory?,
        window: window?,
        site: site?,
    })))
}

/// Reads a date with two times of day, in London.
pub fn window(spot: &Spot<'_>) -> Option<PortWindow> {
    spot.object(|fields| {
        let date = fields.required("date", |it| it.line(PERSONAL_MAX));
        let from = fields.required("from", |it| it.line(PERSONAL_MAX));
        let to = fields.required("to", |it| it.line(PERSONAL_MAX));
        match PortWindow::parse(&date?, &from?, &to?) {
            Ok(window) => Some(window),
            Err(invalid) => spot.refuse(&invalid.code, invalid.detail, invalid.expected),
        }
    })
}

fn site(fields: &Fields<'_>, names: &LineNames<'_>) -> Option<DocumentRequest> {
    let name = fields.required("name", |it| it.parsed());
    let location_code = fields.required("location_code", |it| it.parsed());
    let extension_length = fields.required("extension_length", |it| it.whole(1, u64::from(u8::MAX)));
    let address = fields.required("address", |it| address(&it));
    let numbers = fields.list("numbers", SITE_SOURCES_MAX, |it| site_numbers(&it, names));
    Some(DocumentRequest::Site(Box::new(DocumentSite {
        name: name?,
        location_code: location_code?,
        extension_length: extension_length?,
        address: address?,
        numbers: numbers?,
    })))
}

fn site_numbers(spot: &Spot<'_>, names: &LineNames<'_>) -> Option<SiteNumbers> {
    spot.object(|fields| {
        let line = fields.required("line", |it| line_of(&it, names));
        let quantity = fields.optional("quantity", |it| it.whole(1, QUANTITY_MAX));
        Some(SiteNumbers { line: line?, quantity: quantity? })
    })
}

fn address(spot: &Spot<'_>) -> Option<DocumentAddress> {
    spot.choice(&["known", "entered"], |name, it| match name {
        "known" => it.parsed().map(DocumentAddress::Known),
        _ => it.object(|fields| {
            let key = fields.required("key", |it| it.parsed());
            let lines =
                fields.required("lines", |it| it.list(ADDRESS_LINES_MAX, |it| it.line(ADDRESS_LINE_MAX)));
            let postcode = fields.required("postcode", |it| it.parsed());
            let lines = Personal::new(lines?.join("\n"));
            Some(DocumentAddress::Entered { key: key?, lines, postcode: postcode? })
        }),
    })
}

fn emergency(fields: &Fields<'_>, names: &LineNames<'_>) -> Option<DocumentRequest> {
    let site = fields.required("site", |it| named::parent(&it, "site_name", names));
    let address = fields.optional("address", |it| address(&it));
    let contact = fields.required("contact", |it| contact(&it));
    let line = DocumentEmergency { site: site?, address: address?, contact: contact? };
    Some(DocumentRequest::EmergencyDetails(Box::new(line)))
}

fn user(fields: &Fields<'_>, names: &LineNames<'_>) -> Option<DocumentRequest> {
    let site = fields.required("site", |it| named::parent(&it, "site_name", names));
    let first_name = fields.required("first_name", |it| it.parsed::<PersonNamePart>());
    let last_name = fields.required("last_name", |it| it.parsed::<PersonNamePart>());
    let username = fields.required("username", |it| it.parsed::<UsernameLocal>());
    let extension = fields.required("extension", |it| it.parsed());
    let licence = fields.optional("licence", |it| it.parsed());
    let add_ons = fields.list("add_ons", USER_LIST_MAX, |it| it.parsed());
    let primary_number = fields.optional("primary_number", |it| user_number(&it, names));
    let alternate_numbers = fields.list("alternate_numbers", USER_LIST_MAX, |it| user_number(&it, names));
    Some(DocumentRequest::User(Box::new(DocumentUser {
        site: site?,
        first_name: Personal::new(first_name?),
        last_name: Personal::new(last_name?),
        username: Personal::new(username?),
        extension: extension?,
        licence: licence?,
        add_ons: add_ons?,
        primary_number: primary_number?,
        alternate_numbers: alternate_numbers?,
    })))
}

fn user_number(spot: &Spot<'_>, names: &LineNames<'_>) -> Option<UserNumber> {
    spot.choice(&["number", "from", "of"], |name, it| match name {
        "number" => it.parsed().map(UserNumber::Number),
        "of" => it.object(|fields| {
            let line = fields.required("line", |it| line_of(&it, names));
            let number = fields.required("number", |it| it.parsed());
            Some(UserNumber::Of { line: line?, number: number? })
        }),
        _ => line_of(&it, names).map(UserNumber::From),
    })
}

fn equipment(kind: LineKind, fields: &Fields<'_>, names: &LineNames<'_>) -> Option<DocumentRequest> {
    let parent = |field, name| fields.required(field, |it| named::parent(&it, name, names));
    Some(match kind {
        LineKind::AddOn => {
            let (user, product) = (parent("user", "username"), fields.required("product", |it| it.parsed()));
            DocumentRequest::AddOn { user: user?, product: product? }
        }
        LineKind::Device => {
            let (user, model) = (parent("user", "username"), fields.required("model", |it| it.parsed()));
            let mac = fields.required("mac", |it| it.parsed());
            DocumentRequest::Device { user: user?, model: model?, mac: mac? }
        }
        LineKind::Pbx => {
            let (site, name) = (parent("site", "site_name"), fields.required("name", |it| it.parsed()));
            DocumentRequest::Pbx { site: site?, name: name? }
        }
        _ => {
            let (pbx, name) = (parent("pbx", "pbx_name"), fields.required("name", |it| it.parsed()));
            let channels = fields.required("channels", |it| it.whole(1, QUANTITY_MAX));
            DocumentRequest::Trunk { pbx: pbx?, name: name?, channels: channels? }
        }
    })
}

fn contact(spot: &Spot<'_>) -> Option<DocumentContact> {
    spot.object(|fields| {
        let name = fields.required("name", |it| personal(&it));
        let telephone = fields.optional("telephone", |it| personal(&it));
        let email = fields.optional("email", |it| personal(&it));
        Some(DocumentContact { name: name?, telephone: telephone?, email: email? })
    })
}

fn personal(spot: &Spot<'_>) -> Option<Personal> {
    spot.line(PERSONAL_MAX).map(Personal::new)
}
