//! Orders: drafted from a document, submitted, followed, cancelled.
//!
//! Deliberately absent: their lines one by one ([`order_lines`](super::order_lines)), and what outside systems report of
//! them, which is the operator's side.

use axum::http::StatusCode;
use orderwire_domain::{
    ids::{CompanyId, OrderId},
    joint::Command,
    names::OrderReference,
    order::commands::OrderCommand,
    views::order_status::{OrderStage, OrderView},
};
use utoipa_axum::routes;

use super::action_bodies::ActionsBody;
use super::order_bodies::{NewOrder, OrderBody, StepBody};
use super::{
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    openapi::tags,
    page::{self, Listed, Page},
    problem::Problem,
    request::{Call, Look},
    resellers::Why,
    texts, words,
};
use crate::{
    edge::{document, history, place},
    engine::{Receipt, query::equal},
};

const WHAT: &str = "order";

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(create, list))
        .route(Access::Tenant, routes!(show, discard))
        .route(Access::Tenant, routes!(submit))
        .route(Access::Tenant, routes!(cancel))
        .route(Access::Tenant, routes!(actions))
        .route(Access::Tenant, routes!(events))
}

/// Draft an order from a document.
///
/// A document of lines: for a new company, which is qualified with it, for one that the reseller has, or a port of numbers for
/// no company yet. Without an `Idempotency-Key`, the reference is the key: the same document is the same
/// order.
#[utoipa::path(post, path = "/v1/orders", operation_id = "create_order", tag = tags::CREATE_ORDER,
    request_body(content = NewOrder, example = json!({
        "reference": "PO-2027-001",
        "company": { "name": "Acme Ltd", "domain": "acme.example" },
        "lines": [
            { "kind": "company", "id": "acme", "channels": 10 },
            { "kind": "numbers", "id": "new", "ask": { "search": { "by": { "area_code": "0113" }, "quantity": 4 } } },
            { "kind": "site", "id": "leeds", "name": "Leeds", "location_code": "45", "extension_length": 3,
              "address": { "known": "A00000000001" }, "numbers": [{ "line": "new" }] },
        ]
    })),
    responses((status = 201, description = "It is a draft.", body = OrderBody),
        (status = 202, description = "It is a draft, and cannot be shown yet.", body = Done)))]
async fn create(call: Call) -> Result<Answer, Problem> {
    call.unconditional()?;
    let document = document::parse(call.text())?;
    let engine = &call.look.app.engine;
    let placed = place::place_once(engine, &call.provenance(), &document, call.key()).await?;
    let path = format!("/v1/orders/{}", placed.order);
    Ok(shown(&call, StatusCode::CREATED, placed.order, &placed.receipt).await?.located(path))
}

/// List orders, newest first.
#[utoipa::path(get, path = "/v1/orders", operation_id = "list_orders", tag = tags::CREATE_ORDER,
    params(("reference" = Option<texts::OrderReference>, Query, description = "Only the one with this reference of the reseller's own."),
        ("status" = Option<words::OrderStatus>, Query, description = "Only those in this status."),
        ("company" = Option<texts::CompanyId>, Query, description = "Only those for the company of this service reference."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<OrderBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["reference", "status", "company", "limit", "cursor"])?;
    let reference: Option<OrderReference> = look.parsed("reference")?;
    let status: Option<OrderStage> = look.word("status")?;
    let company: Option<CompanyId> = look.parsed("company")?;
    let mut filters = Vec::new();
    filters.extend(look.caller.reseller.map(|own| equal("reseller", own.to_string())));
    filters.extend(reference.map(|reference| equal("reference", reference.as_str())));
    filters.extend(status.map(|status| equal("status", <&str>::from(status))));
    filters.extend(company.map(|company| equal("company", company.to_string())));
    let page = page::of::<OrderView>(&look, filters, "created_at", true).await?;
    let Page { items: views, next } = page;
    let mut items = Vec::with_capacity(views.len());
    for view in views {
        items.push(OrderBody::of(&look, view).await?);
    }
    Ok(Answer::list(&look, &Listed { items, next }))
}

/// Show an order.
#[utoipa::path(get, path = "/v1/orders/{id}", operation_id = "get_order", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order.")),
    responses((status = 200, description = "The order.", body = OrderBody,
        headers(("ETag" = String, description = "For `If-Match`.")))))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let view = visible(&look).await?;
    let position = view.position;
    Ok(Answer::ok(&OrderBody::of(&look, view).await?).tagged(position))
}

/// Give a draft up.
#[utoipa::path(delete, path = "/v1/orders/{id}", operation_id = "discard_order", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order.")),
    responses((status = 200, description = "It is discarded.", body = OrderBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn discard(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let order: OrderId = call.look.id(WHAT)?;
    let command = Command::Order { order, command: OrderCommand::Discard };
    let receipt = call.change(order.into(), &command).await?;
    shown(&call, StatusCode::OK, order, &receipt).await
}

/// Want a draft done.
///
/// Refused with every reason at once; pointers are into the list of lines, from 0, as `GET /v1/orders/{id}/lines` has it, and
/// `line` is the number. What is submitted has its names and numbers; it is acknowledged and worked on next.
#[utoipa::path(post, path = "/v1/orders/{id}/submission", operation_id = "submit_order", tag = tags::SUBMIT_ORDER,
    params(("id" = String, Path, description = "The id of the order.")),
    responses((status = 202, description = "It is submitted; what becomes of it is told by notices.", body = OrderBody)))]
async fn submit(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let order: OrderId = call.look.id(WHAT)?;
    let receipt = call.change(order.into(), &Command::Submit { order }).await?;
    shown(&call, StatusCode::ACCEPTED, order, &receipt).await
}

/// Want an order cancelled.
///
/// Whether it still can be is found out next: not where a line is past its point of no return.
#[utoipa::path(post, path = "/v1/orders/{id}/cancellation", operation_id = "cancel_order", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order.")),
    request_body(content = Option<Why>, example = json!({ "reason": "the customer stays where it is" })),
    responses((status = 202, description = "It is being assessed.", body = OrderBody)))]
async fn cancel(call: Call) -> Result<Answer, Problem> {
    let why = call.read_any(|it| Why::read(&it))?;
    let order: OrderId = call.look.id(WHAT)?;
    let reason = match why {
        Some(Why { reason: why }) => {
            let view = visible(&call.look).await?;
            let owner = view.company.map_or_else(|| view.reseller.stream(), CompanyId::stream);
            Some(call.seal(owner, why).await?)
        }
        None => None,
    };
    let command = Command::Order { order, command: OrderCommand::RequestCancellation { reason } };
    let receipt = call.change(order.into(), &command).await?;
    shown(&call, StatusCode::ACCEPTED, order, &receipt).await
}

/// Say what may be asked of an order now.
///
/// For what may not: the rule, and what would unlock it.
#[utoipa::path(get, path = "/v1/orders/{id}/actions", operation_id = "list_order_actions", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order.")),
    responses((status = 200, description = "Everything that the caller could ask of an order.", body = ActionsBody)))]
async fn actions(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let order = visible(&look).await?.order;
    Ok(Answer::ok(&ActionsBody::of(&look, order.into()).await?))
}

/// Show everything that happened to an order.
///
/// Who, when, why, what, and by which rules; personal data reads `erased` once its key was destroyed, and `sealed` to an
/// auditor.
#[utoipa::path(get, path = "/v1/orders/{id}/history", operation_id = "list_order_history", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of it.", body = Listed<StepBody>)))]
async fn events(look: Look) -> Result<Answer, Problem> {
    look.only(&page::PARAMETERS)?;
    let order = visible(&look).await?.order;
    let engine = &look.app.engine;
    let (limit, after) = (page::limit(&look)?, page::cursor(&look)?.unwrap_or(0));
    let mut found = engine.stream(order.into(), after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| page::opaque(&last.sequence));
    let mut items = Vec::new();
    for event in &found {
        items.push(StepBody::from(history::step_in(engine, event, look.caller.sight()).await?));
    }
    Ok(Answer::list(&look, &Listed { items, next }))
}

pub(super) async fn visible(look: &Look) -> Result<OrderView, Problem> {
    let id: OrderId = look.id(WHAT)?;
    look.record(id.into(), |view: &OrderView| view.reseller).await
}

pub(super) async fn shown(
    call: &Call,
    status: StatusCode,
    id: OrderId,
    receipt: &Receipt,
) -> Result<Answer, Problem> {
    let Some(view) = call.order_shown(receipt, id).await? else {
        return Ok(call.done(receipt));
    };
    let position = view.position;
    let body = OrderBody::of(&call.look, view).await?;
    Ok(Answer::new(status, &body).at(receipt.appended.last()).tagged(position))
}
