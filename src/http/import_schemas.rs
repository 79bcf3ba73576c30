//! What import orders are, kind by kind, as the document has it; the edge reads them.
//!
//! Nothing here is ever made; only its schema is asked for.

#![expect(dead_code, reason = "the edge reads them; these say to the reader of the API what they are")]

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{
    line_schemas::{ExistingSite, by_kind, exactly_one, of_kind},
    order_bodies::OrderCompany,
    port_bodies::NewWindow,
    texts,
};

/// New numbers of an area or place, for a company.
#[derive(ToSchema)]
struct NewNumbersImport {
    /// The reseller's own reference of it.
    reference: texts::OrderReference,
    /// Only where the carrier asks.
    reseller: Option<texts::ResellerCode>,
    /// For which company.
    company: OrderCompany,
    /// The area; or else `place`.
    #[schema(required = false)]
    area_code: texts::AreaCode,
    /// The place, as `GET /v1/places` lists them; or else `area_code`.
    #[schema(required = false)]
    place: texts::SiteName,
    /// How many.
    #[schema(minimum = 1)]
    quantity: u32,
    /// Whether they must follow one another.
    contiguous: Option<bool>,
    /// The site of the company that gets them.
    site: Option<ExistingSite>,
}

/// A port of one number.
#[derive(ToSchema)]
struct SingleLineImport {
    /// The reseller's own reference of it.
    reference: texts::OrderReference,
    /// Only where the carrier asks.
    reseller: Option<texts::ResellerCode>,
    /// For which company; it may name none until it is allocated.
    company: Option<OrderCompany>,
    /// The number.
    main_number: texts::TelephoneNumber,
    /// Further numbers; the rules allow them for `multi_line` only.
    #[schema(max_items = 10_000)]
    associated: Option<Vec<texts::NumberRange>>,
    /// DDI ranges; the rules allow them for `multi_line` only.
    #[schema(max_items = 100)]
    ranges: Option<Vec<texts::NumberRange>>,
    /// Whoever has the number.
    losing_provider: texts::Cupid,
    /// Whoever Ofcom allocated it to; may be left out where the numbering data has it.
    range_holder: Option<texts::Cupid>,
    /// As the losing provider knows it.
    postcode: texts::Postcode,
    /// The account at the losing provider; kept sealed.
    account: texts::PersonalText,
    /// Who signed the letter of authority; kept sealed.
    signatory: texts::PersonalText,
    /// When the number should move.
    window: NewWindow,
    /// The site of the company that gets it.
    site: Option<ExistingSite>,
}

/// A port of a whole installation.
#[derive(ToSchema)]
struct MultiLineImport {
    /// The reseller's own reference of it.
    reference: texts::OrderReference,
    /// Only where the carrier asks.
    reseller: Option<texts::ResellerCode>,
    /// For which company; it may name none until it is allocated.
    company: Option<OrderCompany>,
    /// The main billing number.
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
    /// The site of the company that gets them.
    site: Option<ExistingSite>,
}

/// New numbers, or one port.
#[derive(Debug)]
pub enum NewImportOrder {}

const KINDS: [(&str, &str); 3] = [
    ("single_line", "SingleLineImport"),
    ("multi_line", "MultiLineImport"),
    ("new_numbers", "NewNumbersImport"),
];

impl PartialSchema for NewImportOrder {
    fn schema() -> RefOr<Schema> {
        by_kind("New numbers, or one port.", KINDS.into_iter())
    }
}

impl ToSchema for NewImportOrder {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("NewImportOrder")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        <SingleLineImport as ToSchema>::schemas(schemas);
        <MultiLineImport as ToSchema>::schemas(schemas);
        <NewNumbersImport as ToSchema>::schemas(schemas);
        let bodies = [SingleLineImport::schema(), MultiLineImport::schema(), NewNumbersImport::schema()];
        for ((kind, name), own) in KINDS.into_iter().zip(bodies) {
            let body = of_kind(kind, Vec::new(), own);
            let body = if kind == "new_numbers" { exactly_one(body, ["area_code", "place"]) } else { body };
            schemas.push((name.to_owned(), body));
        }
    }
}
