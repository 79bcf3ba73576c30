//! Import orders: new numbers of an area or place, or one port, as an ordinary draft.
//!
//! Deliberately absent: submitting, following and cancelling them, which is the same as for every order.

use axum::http::StatusCode;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    import_schemas::NewImportOrder,
    openapi::tags,
    order_bodies::OrderBody,
    orders,
    problem::Problem,
    request::Call,
};
use crate::edge::{import_order, place};

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(create))
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
