//! Addresses: the carrier's, found by postcode and text, and those that resellers enter by hand.
//!
//! What a reseller entered is shown to that reseller and the carrier; for everybody else its key names nothing.

use axum::http::StatusCode;
use orderwire_domain::{
    address::{Address, AddressKey, Postcode},
    company::Company,
    ids::{AssetId, CompanyId},
    names::ResellerCode,
    views::company_directory::CompanyView,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done, Time},
    api::Api,
    auth::Access,
    openapi::tags,
    page::{self, Listed},
    problem::Problem,
    request::{Call, Look},
    resellers, texts, words,
};
use crate::{
    edge::{history::Sight, moved::replacing_address},
    engine::{
        query,
        reference::{
            addresses::{AddressCursor, AddressSearch, AddressWithin},
            entered::{AddressEntry, ENTERED_LINES_MAX, EnteredAddress},
        },
    },
};

const WHAT: &str = "address";
/// Lines of what somebody enters are as long as those of any free text; the engine says which are too long.
const LINE_MAX: usize = 500;

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(search, enter))
        .route(Access::Tenant, routes!(show))
        .route(Access::Tenant, routes!(replace))
        .route(Access::Tenant, routes!(replace_of_asset))
}

/// An address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Address)]
struct AddressBody {
    /// Its key: `A` or `R` and 11 digits from the carrier, `T` and 11 digits where it was entered by hand.
    #[schema(value_type = texts::AddressKey)]
    key: String,
    /// How well the carrier knows it: `gold` the address, `silver` the building, `bronze` the street or nothing.
    #[schema(value_type = words::AddressQualifier)]
    qualifier: String,
    /// As it is written on a letter, without the postcode; null once what was entered is erased, and to an auditor.
    lines: Option<Vec<String>>,
    /// The postcode.
    #[schema(value_type = texts::Postcode)]
    postcode: String,
    /// What was entered by hand; null for the carrier's own.
    entered: Option<ByHand>,
}

/// What is known of an address because it was entered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EnteredAddress)]
struct ByHand {
    /// The reseller.
    #[schema(value_type = texts::ResellerId)]
    reseller: String,
    /// The service reference of the company it was entered for.
    #[schema(value_type = Option<texts::CompanyId>)]
    company: Option<String>,
    /// When.
    entered_at: Time,
    /// The carrier's address that it turned out to be.
    #[schema(value_type = Option<texts::AddressKey>)]
    replaced_by: Option<String>,
}

/// An address that the carrier does not have.
#[derive(ToSchema)]
struct NewAddress {
    /// As it is written on a letter, without the postcode.
    #[schema(value_type = Vec<texts::AddressLine>, min_items = 1, max_items = 10)]
    lines: Vec<String>,
    /// The postcode.
    #[schema(value_type = texts::Postcode)]
    postcode: Postcode,
    /// The service reference of the company it is for: it is erased with it.
    #[schema(value_type = Option<texts::CompanyId>)]
    company: Option<CompanyId>,
    /// The code of the reseller; only where the carrier asks.
    #[schema(value_type = Option<texts::ResellerCode>)]
    reseller: Option<ResellerCode>,
}

/// The address that it turned out to be.
#[derive(ToSchema)]
#[schema(as = AddressReplacement)]
struct Replacement {
    /// A key of the carrier's.
    #[schema(value_type = texts::AddressKey)]
    by: AddressKey,
}

impl From<Address> for AddressBody {
    fn from(address: Address) -> Self {
        Self {
            key: address.key.to_string(),
            qualifier: address.qualifier.to_string(),
            lines: Some(address.lines()),
            postcode: address.postcode.to_string(),
            entered: None,
        }
    }
}

/// Find addresses by postcode, by its first part, or by the beginning of a street.
///
/// A page may have fewer addresses than asked for and yet not be the last: `next` says whether to go on.
#[utoipa::path(get, path = "/v1/addresses", operation_id = "find_addresses", tag = tags::ADDRESSES,
    params(("postcode" = Option<String>, Query, description = "A postcode, or the first part of one.", example = "LS1"),
        ("text" = Option<String>, Query,
            description = "Words of the address; without a whole postcode, the first of them begins the street."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<AddressBody>)))]
async fn search(look: Look) -> Result<Answer, Problem> {
    look.only(&["postcode", "text", "limit", "cursor"])?;
    let wrong = |name, it: orderwire_domain::invalid::Invalid| {
        Problem::parameter(name, &it.code, it.detail, it.expected)
    };
    let within = look.text("postcode").map(AddressWithin::parse).transpose();
    let within = within.map_err(|it| wrong("postcode", it))?;
    let search = AddressSearch::new(within, look.text("text"));
    let mut search = search.map_err(|it| wrong("text", it))?;
    search.limit = page::limit(&look)?;
    search.after = page::cursor::<AddressCursor>(&look)?;
    let found = look.app.engine.addresses().search(&search).await?;
    let items = found.addresses.into_iter().map(AddressBody::from).collect();
    let next = found.next.as_ref().map(page::opaque);
    Ok(Answer::list(&look, &Listed { items, next }))
}

/// Show the address of a key.
#[utoipa::path(get, path = "/v1/addresses/{key}", operation_id = "get_address", tag = tags::ADDRESSES,
    params(("key" = String, Path, description = "The key: A, R or T and 11 digits.")),
    responses((status = 200, description = "The address.", body = AddressBody)))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let key = key(&look)?;
    if key.is_temporary() {
        let entered = entered(&look, &key).await?;
        return Ok(Answer::ok(&body(&look, entered).await?));
    }
    let address = look.app.engine.addresses().get(&key).await?;
    let address = address.ok_or_else(|| Problem::not_found(WHAT, key.as_str()))?;
    Ok(Answer::ok(&AddressBody::from(address)))
}

/// Enter an address that the carrier does not have; it gets a temporary key.
///
/// The same address entered again has the same key.
#[utoipa::path(post, path = "/v1/addresses", operation_id = "enter_address", tag = tags::ADDRESSES,
    request_body(content = NewAddress, example = json!({
        "lines": ["The Old Signal Box", "Station Approach", "Leeds"], "postcode": "LS1 4AP" })),
    responses((status = 201, description = "It can be named in orders.", body = AddressBody)))]
async fn enter(call: Call) -> Result<Answer, Problem> {
    call.unconditional()?;
    let new = call.read(|it| {
        it.object(|fields| {
            let lines = fields.required("lines", |it| it.list(ENTERED_LINES_MAX, |it| it.line(LINE_MAX)));
            let postcode = fields.required("postcode", |it| it.parsed());
            let company = fields.optional("company", |it| it.parsed());
            let reseller = fields.optional("reseller", |it| it.parsed());
            let (company, reseller) = (company?, reseller?);
            Some(NewAddress { lines: lines?, postcode: postcode?, company, reseller })
        })
    })?;
    let reseller = resellers::made_for(&call, new.reseller.as_ref()).await?;
    let entry = AddressEntry { reseller, company: new.company, lines: new.lines, postcode: new.postcode };
    let entered = call.look.app.engine.enter_address(&entry, &call.provenance()).await?;
    let path = format!("/v1/addresses/{}", entered.key);
    Ok(Answer::new(StatusCode::CREATED, &body(&call.look, entered).await?).located(path))
}

/// Note which of the carrier's addresses an entered one is.
///
/// Sites that were ordered with it keep it until each is told.
#[utoipa::path(post, path = "/v1/addresses/{key}/replacement", operation_id = "replace_address",
    tag = tags::ADDRESSES, params(("key" = String, Path, description = "The temporary key.")),
    request_body(content = Replacement, example = json!({ "by": "A00000000001" })),
    responses((status = 200, description = "It is noted.", body = AddressBody)))]
async fn replace(call: Call) -> Result<Answer, Problem> {
    let look = &call.look;
    let key = key(look)?;
    let entered = entered(look, &key).await?;
    call.unconditional()?;
    let Replacement { by } = replacement(&call)?;
    let replaced = look.app.engine.replace_entered_address(entered.reseller, &key, &by).await?;
    Ok(Answer::ok(&body(look, replaced).await?))
}

/// Let an address of the carrier take the place of the one that was entered for a site, or for its emergency details.
///
/// What was entered stays in the history of the site.
#[utoipa::path(post, path = "/v1/companies/{id}/assets/{asset}/address", operation_id = "replace_address_of_asset",
    tag = tags::ADDRESSES,
    params(("id" = String, Path, description = "The service reference of the company."),
        ("asset" = String, Path, description = "The service id of the site, or of its emergency details.")),
    request_body(content = Replacement, example = json!({ "by": "A00000000001" })),
    responses((status = 200, description = "The site is there now.", body = Done)))]
async fn replace_of_asset(call: Call) -> Result<Answer, Problem> {
    let look = &call.look;
    let company: CompanyId = look.id("company")?;
    look.record::<CompanyView>(company.into(), |it| it.reseller).await?;
    let named = look.named("asset");
    let missing = || Problem::not_found("asset", named);
    let asset: AssetId = named.parse().map_err(|_| missing())?;
    let Replacement { by } = replacement(&call)?;
    let command = replacing_address(&look.app.engine, company, asset, by).await?;
    let (_, before) = look.app.engine.load::<Company>(company).await?;
    let receipt = call.change(company.into(), &command).await.map_err(|problem| {
        // What hangs on another company is no asset of this one; what is not in service yet is one.
        let absent = ["asset_unknown", "not_permitted"].iter().any(|code| problem.says(code));
        if absent && before.asset(asset).is_none() { missing() } else { problem }
    })?;
    Ok(Answer::ok(&Done::of(&receipt)).at(receipt.appended.last()))
}

fn replacement(call: &Call) -> Result<Replacement, Problem> {
    call.read(|it| it.object(|fields| Some(Replacement { by: fields.required("by", |it| it.parsed())? })))
}

fn key(look: &Look) -> Result<AddressKey, Problem> {
    let named = look.named("key");
    named.parse().map_err(|_| Problem::not_found(WHAT, named))
}

/// What was entered under a key, if the caller may see it.
async fn entered(look: &Look, key: &AddressKey) -> Result<EnteredAddress, Problem> {
    let found = query::get::<EnteredAddress>(look.app.engine.log(), key.as_str()).await?;
    let visible = found.filter(|entered| look.caller.sees(entered.reseller));
    visible.ok_or_else(|| Problem::not_found(WHAT, key.as_str()))
}

async fn body(look: &Look, entered: EnteredAddress) -> Result<AddressBody, Problem> {
    let lines = match look.caller.sight() {
        Sight::Opened => look.app.engine.entered_lines(&entered).await?,
        Sight::Sealed => None,
    };
    Ok(AddressBody {
        lines,
        key: entered.key.to_string(),
        qualifier: entered.qualifier.to_string(),
        postcode: entered.postcode.to_string(),
        entered: Some(ByHand {
            reseller: entered.reseller.to_string(),
            company: entered.company.map(|company| company.to_string()),
            entered_at: entered.entered_at.into(),
            replaced_by: entered.replaced_by.map(|key| key.to_string()),
        }),
    })
}
