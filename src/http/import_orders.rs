//! Import orders: new numbers of an area or place, or one port, as an ordinary draft.
//!
//! Deliberately absent: submitting, following and cancelling them, which is the same as for every order.

use axum::http::StatusCode;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    openapi::tags,
    order_bodies::{OrderBody, OrderCompany},
    orders,
    port_bodies::NewWindow,
    problem::Problem,
    request::Call,
};
use crate::edge::{import_order, place};

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(create))
}

/// New numbers, or one port.
#[derive(ToSchema)]
#[schema(as = NewImportOrder)]
#[expect(
    dead_code,
    reason = "the edge reads import orders; this says to the reader of the API what they are"
)]
struct NewImportOrder {
    /// `single_line`, `multi_line` or `new_numbers`.
    kind: String,
    /// The reseller's own reference of it.
    #[schema(max_length = 80)]
    reference: String,
    /// The code of the reseller; only where the carrier asks.
    reseller: Option<String>,
    /// For which company; a port may name none until it is allocated.
    company: Option<OrderCompany>,
    /// Of `new_numbers`: the area code, or else `place`.
    area_code: Option<String>,
    /// Of `new_numbers`: the place, or else `area_code`.
    place: Option<String>,
    /// Of `new_numbers`: how many.
    quantity: Option<u32>,
    /// Of `new_numbers`: whether they must follow one another.
    contiguous: Option<bool>,
    /// Of a port: the number, or the main billing number.
    main_number: Option<String>,
    /// Of a `multi_line` port: further numbers.
    associated: Option<Vec<String>>,
    /// Of a `multi_line` port: DDI ranges.
    ranges: Option<Vec<String>>,
    /// Of a port: the CUPID of whoever has the numbers.
    losing_provider: Option<String>,
    /// Of a port: the CUPID of whoever Ofcom allocated them to.
    range_holder: Option<String>,
    /// Of a port: the postcode as the losing provider knows it.
    postcode: Option<String>,
    /// Of a port: the account at the losing provider; kept sealed.
    account: Option<String>,
    /// Of a port: who signed the letter of authority; kept sealed.
    signatory: Option<String>,
    /// Of a port: when the numbers should move.
    window: Option<NewWindow>,
    /// The site that gets the numbers, as in a line of an order document.
    #[schema(value_type = Option<Object>)]
    site: Option<String>,
}

/// Draft an order for new numbers, or for one port.
///
/// An order of one line, submitted and followed as any other. What is reserved beforehand, or belongs to a larger order, is
/// ordered by an order document. Without an `Idempotency-Key`, the reference is the key.
#[utoipa::path(post, path = "/v1/import-orders", operation_id = "create_import_order", tag = tags::IMPORT,
    request_body(content = NewImportOrder, example = json!({
        "kind": "single_line", "reference": "PO-2027-002", "main_number": "020 7946 0123", "losing_provider": "205",
        "range_holder": "205", "postcode": "EC1A 1BB", "account": "AC-55871", "signatory": "Rosalind Finch",
        "window": { "date": "2027-02-09", "from": "09:00", "to": "12:00" }
    })),
    responses((status = 201, description = "It is a draft.", body = OrderBody),
        (status = 202, description = "It is a draft, and cannot be shown yet.", body = Done)))]
async fn create(call: Call) -> Result<Answer, Problem> {
    call.unconditional()?;
    let document = import_order::parse(call.text())?;
    let engine = &call.look.app.engine;
    let placed = place::place_once(engine, &call.provenance(), &document, call.key()).await;
    let placed = placed.map_err(import_order::at_its_place)?;
    let path = format!("/v1/orders/{}", placed.order);
    let shown = orders::shown(&call, StatusCode::CREATED, placed.order, &placed.receipt).await?;
    Ok(shown.located(path))
}
