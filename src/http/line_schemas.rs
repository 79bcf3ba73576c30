//! What the lines of orders ask for, kind by kind, as the document has it; the edge reads them.
//!
//! The same fields serve a line of an order document, which has an `id` of the reseller's own, and a line that is added to a
//! draft or changed in it, which has none. Nothing here is ever made; only its schema is asked for.

#![expect(dead_code, reason = "the edge reads them; these say to the reader of the API what they are")]

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{AllOfBuilder, Discriminator, Object, ObjectBuilder, OneOfBuilder, SchemaType, Type},
    },
};

use super::{port_bodies::NewWindow, texts};

/// The company itself comes into service.
#[derive(ToSchema)]
struct CompanyLine {
    /// How many trunk channels all its sites may have together.
    channels: u32,
    /// Whom to talk to.
    contact: Option<NewContact>,
}

/// A person to talk to; kept sealed.
#[derive(ToSchema)]
struct NewContact {
    name: texts::PersonalText,
    telephone: Option<texts::PersonalText>,
    email: Option<texts::PersonalText>,
}

/// New numbers.
#[derive(ToSchema)]
struct NumbersLine {
    /// Which.
    ask: NumberAsk,
    /// The site of the company that gets them; a site of the same order names this line instead.
    site: Option<ExistingSite>,
}

/// Which numbers: those of a reservation, these, or some that are found.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum NumberAsk {
    /// All of a reservation.
    Reservation(texts::ReservationId),
    /// These: at least one, and at most 10,000.
    Numbers(Vec<texts::NumberRange>),
    /// Any that are free there.
    Search(NumberSearch),
}

/// Any free numbers of an area or place.
#[derive(ToSchema)]
pub struct NumberSearch {
    /// Where.
    by: SearchBy,
    /// How many; too little stock gives none of them.
    #[schema(minimum = 1)]
    quantity: u32,
    /// Whether they must follow one another.
    contiguous: Option<bool>,
}

/// An area, or a place.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SearchBy {
    /// By area code.
    AreaCode(texts::AreaCode),
    /// By the name of a place, as `GET /v1/places` lists them.
    Place(texts::SiteName),
}

/// A site that the company has: by its name or its service id.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ExistingSite {
    /// By its name.
    SiteName(texts::SiteName),
    /// By its service id.
    Asset(texts::AssetId),
}

/// Numbers ported from another provider.
#[derive(ToSchema)]
struct PortLine {
    /// One number, or a whole installation.
    #[schema(value_type = super::words::PortClass)]
    class: String,
    /// The number, or the main billing number.
    main_number: texts::TelephoneNumber,
    /// Further numbers of the installation.
    #[schema(max_items = 10_000)]
    associated: Option<Vec<texts::NumberRange>>,
    /// Its DDI ranges.
    #[schema(max_items = 100)]
    ranges: Option<Vec<texts::NumberRange>>,
    /// Whoever has the numbers.
    losing_provider: texts::Cupid,
    /// Whoever Ofcom allocated them to; may be left out where the numbering data has it.
    range_holder: Option<texts::Cupid>,
    /// As the losing provider knows it.
    postcode: texts::Postcode,
    /// The account at the losing provider; kept sealed.
    account: texts::PersonalText,
    /// Who signed the letter of authority; kept sealed.
    signatory: texts::PersonalText,
    /// When the numbers should move.
    window: NewWindow,
    /// The site of the company that gets them; a site of the same order names this line instead.
    site: Option<ExistingSite>,
}

/// A site.
#[derive(ToSchema)]
struct SiteLine {
    /// Unique in its company.
    name: texts::SiteName,
    /// Dialled before an extension to reach it from another site.
    location_code: texts::LocationCode,
    /// How many digits its extensions have.
    #[schema(minimum = 1, maximum = 255)]
    extension_length: u8,
    /// Where it is.
    address: NewSiteAddress,
    /// The lines whose numbers it gets.
    #[schema(max_items = 100)]
    numbers: Option<Vec<NewSiteNumbers>>,
}

/// Where a site is: at a known address, or at one that was entered by hand.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum NewSiteAddress {
    /// By its key.
    Known(texts::AddressKey),
    /// As it was entered.
    Entered(NewEnteredAddress),
}

/// An address that was entered by hand; its lines are kept sealed.
#[derive(ToSchema)]
struct NewEnteredAddress {
    /// Its temporary key.
    key: texts::AddressKey,
    /// As it is written on a letter, without the postcode.
    #[schema(max_items = 10)]
    lines: Vec<texts::AddressLine>,
    /// The postcode.
    postcode: texts::Postcode,
}

/// Numbers of a line for a site.
#[derive(ToSchema)]
struct NewSiteNumbers {
    /// The `id` of a line of numbers; its number where the order is there already.
    line: texts::LineId,
    /// How many of them; all where nothing is said.
    #[schema(minimum = 1)]
    quantity: Option<u32>,
}

/// What emergency services are told about a site.
#[derive(ToSchema)]
struct EmergencyDetailsLine {
    /// The site.
    site: SiteParent,
    /// Where its people are, where that is not the site's address.
    address: Option<NewSiteAddress>,
    /// Whom they can call.
    contact: NewContact,
}

/// A site: of a line of the same order, or one that the company has.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum SiteParent {
    /// The `id` of its line; the number of the line where the order is there already.
    Line(texts::LineId),
    /// By its name.
    SiteName(texts::SiteName),
    /// By its service id.
    Asset(texts::AssetId),
}

/// A user of a site.
#[derive(ToSchema)]
struct UserLine {
    /// The site.
    site: SiteParent,
    /// Kept sealed.
    first_name: texts::PersonName,
    /// Kept sealed.
    last_name: texts::PersonName,
    /// Kept sealed; unique in the company.
    username: texts::Username,
    /// As long as the site says.
    extension: texts::Extension,
    /// A licence of the catalogue.
    licence: Option<texts::ProductCode>,
    /// Add-ons of the catalogue.
    #[schema(max_items = 100)]
    add_ons: Option<Vec<texts::ProductCode>>,
    /// The number that the user is called by.
    primary_number: Option<UserNumber>,
    /// Further numbers.
    #[schema(max_items = 100)]
    alternate_numbers: Option<Vec<UserNumber>>,
}

/// A number of a user: one of the site's, one of those that a line brings, or any of those.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum UserNumber {
    /// One that the site has.
    Number(texts::TelephoneNumber),
    /// Any that this line brings.
    From(texts::LineId),
    /// This one, which a line brings.
    Of(NumberOfLine),
}

/// A number that a line brings.
#[derive(ToSchema)]
struct NumberOfLine {
    /// The `id` of the line; its number where the order is there already.
    line: texts::LineId,
    /// The number.
    number: texts::TelephoneNumber,
}

/// An add-on of a user.
#[derive(ToSchema)]
struct AddOnLine {
    /// The user.
    user: UserParent,
    /// The product.
    product: texts::ProductCode,
}

/// A user: of a line of the same order, or one that the company has.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum UserParent {
    /// The `id` of its line; the number of the line where the order is there already.
    Line(texts::LineId),
    /// By the part of the username before the `@`.
    Username(texts::Username),
    /// By its service id.
    Asset(texts::AssetId),
}

/// A device of a user.
#[derive(ToSchema)]
struct DeviceLine {
    /// The user.
    user: UserParent,
    /// The model.
    model: texts::ProductCode,
    /// Unique on the platform, and of one device.
    mac: texts::MacAddress,
}

/// A PBX at a site.
#[derive(ToSchema)]
struct PbxLine {
    /// The site.
    site: SiteParent,
    /// Unique in its company.
    name: texts::PbxName,
}

/// A trunk of a PBX.
#[derive(ToSchema)]
struct TrunkLine {
    /// The PBX.
    pbx: PbxParent,
    /// Unique in its company.
    name: texts::TrunkName,
    /// How many calls at once.
    #[schema(minimum = 1)]
    channels: u32,
}

/// A PBX: of a line of the same order, or one that the company has.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum PbxParent {
    /// The `id` of its line; the number of the line where the order is there already.
    Line(texts::LineId),
    /// By its name.
    PbxName(texts::PbxName),
    /// By its service id.
    Asset(texts::AssetId),
}

type Named = (String, RefOr<Schema>);

/// Every kind, as `kind` names it, with its own fields and with what they refer to.
fn kinds(referred: &mut Vec<Named>) -> Vec<(&'static str, Named)> {
    macro_rules! kinds {
        ($($kind:literal $body:ty;)*) => {{
            $(<$body as ToSchema>::schemas(referred);)*
            vec![$(($kind, (<$body as ToSchema>::name().into_owned(), <$body as PartialSchema>::schema()))),*]
        }};
    }
    kinds! {
        "company" CompanyLine;
        "numbers" NumbersLine;
        "port" PortLine;
        "site" SiteLine;
        "emergency_details" EmergencyDetailsLine;
        "user" UserLine;
        "add_on" AddOnLine;
        "device" DeviceLine;
        "pbx" PbxLine;
        "trunk" TrunkLine;
    }
}

/// A choice among bodies that say by `kind` which of them they are.
pub fn by_kind<'a>(about: &str, kinds: impl Iterator<Item = (&'a str, &'a str)>) -> RefOr<Schema> {
    let mut one_of = OneOfBuilder::new().description(Some(about));
    let mut mapping = Vec::new();
    for (kind, name) in kinds {
        let body = Ref::from_schema_name(name);
        mapping.push((kind.to_owned(), body.ref_location.clone()));
        one_of = one_of.item(body);
    }
    one_of.discriminator(Some(Discriminator::with_mapping("kind", mapping))).into()
}

/// The body of one kind: its own fields, and before them these.
pub fn of_kind(kind: &str, before: Vec<(&str, RefOr<Schema>)>, own: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut own)) = own else { return own };
    let fields = std::mem::take(&mut own.properties);
    let needed = std::mem::take(&mut own.required);
    let word = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some([kind]));
    let word: Object = word.description(Some("What it is.")).build();
    own.properties.insert("kind".to_owned(), word.into());
    own.required.push("kind".to_owned());
    for (name, schema) in before {
        own.properties.insert(name.to_owned(), schema);
        own.required.push(name.to_owned());
    }
    own.properties.extend(fields);
    own.required.extend(needed);
    Schema::Object(own).into()
}

/// A body that has exactly one of two fields.
pub fn exactly_one(body: RefOr<Schema>, fields: [&str; 2]) -> RefOr<Schema> {
    let has = |field: &str| ObjectBuilder::new().required(field);
    let either = OneOfBuilder::new().item(has(fields[0])).item(has(fields[1]));
    Schema::AllOf(AllOfBuilder::new().item(body).item(Schema::OneOf(either.build())).build()).into()
}

macro_rules! lines {
    ($(#[doc = $about:literal] $name:ident: $prefix:literal, $before:expr;)*) => {$(
        #[doc = $about]
        #[derive(Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let kinds = kinds(&mut Vec::new());
                let names: Vec<_> =
                    kinds.iter().map(|(kind, (name, _))| (*kind, format!("{}{name}", $prefix))).collect();
                by_kind($about.trim(), names.iter().map(|(kind, name)| (*kind, name.as_str())))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }

            fn schemas(schemas: &mut Vec<Named>) {
                for (kind, (name, own)) in kinds(schemas) {
                    schemas.push((format!("{}{name}", $prefix), of_kind(kind, $before, own)));
                }
            }
        }
    )*};
}

lines! {
    /// A line of an order document.
    NewLine: "New", vec![("id", Ref::from_schema_name("LineId").into())];
    /// What a line asks for.
    LineRequest: "", Vec::new();
}
