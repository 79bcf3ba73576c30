//! The lines of an order, one by one: listed, added to a draft, changed, taken out.

use std::sync::Arc;

use axum::http::StatusCode;
use orderwire_domain::{
    decider::Decider as _,
    fact::Happened,
    ids::OrderId,
    joint::Command,
    order::{Order, OrderStatus, commands::OrderCommand, events::OrderEvent, line::LineNumber},
    views::order_status::{LineView, OrderView, line_key},
};
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    line_requests,
    line_schemas::LineRequest,
    openapi::tags,
    order_bodies::LineBody,
    orders::visible,
    page::{self, Listed, Page},
    problem::Problem,
    request::{Call, Look},
};
use crate::{
    edge::{self, draft_line},
    engine::{Receipt, query::equal, readers},
};

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(list, add)).route(Access::Tenant, routes!(show, change, remove))
}

/// List the lines of an order, in their order.
#[utoipa::path(get, path = "/v1/orders/{id}/lines", operation_id = "list_order_lines", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<LineBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&page::PARAMETERS)?;
    let id = visible(&look).await?.order;
    let filters = vec![equal("parent", id.to_string())];
    let Page { items: views, next } = page::of::<LineView>(&look, filters, "key", false).await?;
    let order = current(&look, id).await?;
    let mut items = Vec::with_capacity(views.len());
    // What was taken out a moment ago has a row still.
    let has = |view: &LineView| order.line(view.line).is_some() || order.status() == OrderStatus::Discarded;
    for view in views.into_iter().filter(has) {
        items.push(LineBody::of(&look, &order, view).await?);
    }
    Ok(Answer::list(&look, &Listed { items, next }))
}

/// Add a line to a draft.
///
/// A line as in an order document, without an `id`: it names the order's other lines by their numbers, as `{ "line": "3" }`.
#[utoipa::path(post, path = "/v1/orders/{id}/lines", operation_id = "add_order_line", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order.")),
    request_body(content = LineRequest, example = json!({
        "kind": "device", "user": { "line": "4" }, "model": "desk_phone_t1", "mac": "00:15:65:00:00:01"
    })),
    responses((status = 201, description = "It is the last line of the draft.", body = LineBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn add(call: Call) -> Result<Answer, Problem> {
    let id = visible(&call.look).await?.order;
    // A retry is not read again: the lines that it names may be gone by now.
    let receipt = if let Some(receipt) = call.answered().await? {
        receipt
    } else {
        let order = current(&call.look, id).await?;
        let request = draft_line::parse(call.text(), &order)?;
        let request = draft_line::sealed(&call.look.app.engine, &order, &request).await?;
        told(&call, id, &order, None, OrderCommand::AddLine { request }).await?
    };
    let line = added(&call, &receipt).await?;
    let answer = shown(&call, StatusCode::CREATED, id, line, &receipt).await?;
    Ok(answer.located(format!("/v1/orders/{id}/lines/{line}")))
}

/// Show a line of an order.
#[utoipa::path(get, path = "/v1/orders/{id}/lines/{line}", operation_id = "get_order_line", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order."),
        ("line" = u32, Path, description = "The number of the line, from 1.")),
    responses((status = 200, description = "The line.", body = LineBody,
        headers(("ETag" = String, description = "That of the order, for `If-Match`.")))))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let view = visible(&look).await?;
    let id = view.order;
    let line = named(&look, id).await?;
    let found: Option<LineView> = look.newest(&line_key(id, line)).await?;
    let found = found.ok_or_else(|| none(&look))?;
    let order = current(&look, id).await?;
    Ok(Answer::ok(&LineBody::of(&look, &order, found).await?).tagged(view.position))
}

/// Let a line ask for something else.
///
/// The whole line as it is to be: its `request`, with what is to differ. Where nothing differs, nothing happens. In a draft
/// anything may change; later, only a line that waits, and of a port that has begun its window.
#[utoipa::path(patch, path = "/v1/orders/{id}/lines/{line}", operation_id = "change_order_line", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order."),
        ("line" = u32, Path, description = "The number of the line, from 1.")),
    request_body(content = LineRequest, example = json!({ "kind": "company", "channels": 20 })),
    responses((status = 200, description = "It asks for that.", body = LineBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn change(call: Call) -> Result<Answer, Problem> {
    let view = visible(&call.look).await?;
    let id = view.order;
    if let Some(receipt) = call.answered().await? {
        return shown(&call, StatusCode::OK, id, number(&call.look)?, &receipt).await;
    }
    let line = named(&call.look, id).await?;
    let (engine, order) = (&call.look.app.engine, current(&call.look, id).await?);
    let request = draft_line::parse(call.text(), &order)?;
    let request = draft_line::sealed(engine, &order, &request).await?;
    if let Some(now) = order.line(line)
        && line_requests::are_alike(engine, &now.request, &request).await?
    {
        call.as_seen(id.into()).await?;
        let found: Option<LineView> = call.look.newest(&line_key(id, line)).await?;
        let body = LineBody::of(&call.look, &order, found.ok_or_else(|| none(&call.look))?).await?;
        return Ok(Answer::ok(&body).at(view.position).tagged(view.position));
    }
    // An order that moves on meanwhile refuses the wrong one of both.
    let command = match order.status() {
        OrderStatus::Draft => OrderCommand::ChangeLine { line, request },
        _ => OrderCommand::AmendLine { line, request },
    };
    let receipt = told(&call, id, &order, Some(line), command).await?;
    shown(&call, StatusCode::OK, id, line, &receipt).await
}

/// Take a line out of a draft.
#[utoipa::path(delete, path = "/v1/orders/{id}/lines/{line}", operation_id = "remove_order_line", tag = tags::CREATE_ORDER,
    params(("id" = String, Path, description = "The id of the order."),
        ("line" = u32, Path, description = "The number of the line, from 1.")),
    responses((status = 200, description = "It is gone; the other lines keep their numbers.", body = Done)))]
async fn remove(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let id = visible(&call.look).await?.order;
    let receipt = if let Some(receipt) = call.answered().await? {
        receipt
    } else {
        let line = named(&call.look, id).await?;
        let order = current(&call.look, id).await?;
        told(&call, id, &order, Some(line), OrderCommand::RemoveLine { line }).await?
    };
    Ok(Answer::ok(&Done::of(&receipt)).at(receipt.appended.last()))
}

/// Tells the order; what speaks against its line points into the body.
async fn told(
    call: &Call,
    id: OrderId,
    order: &Order,
    line: Option<LineNumber>,
    command: OrderCommand,
) -> Result<Receipt, Problem> {
    let place = |problems: Vec<edge::Problem>| draft_line::at_its_place(problems, order, line);
    call.change_placing(id.into(), &Command::Order { order: id, command }, place).await
}

/// The number of the line that was added, which its event says: it is the same for a retry.
async fn added(call: &Call, receipt: &Receipt) -> Result<LineNumber, Problem> {
    let engine = &call.look.app.engine;
    let events = engine.page(receipt.appended.first - 1, 1).await?;
    let fact = events.first().map(readers::fact).transpose()?;
    match fact.map(|fact| fact.happened) {
        Some(Happened::Order(_, OrderEvent::LineAdded { line, .. })) => Ok(line),
        other => {
            let detail = format!("position {} adds no line: {other:?}", receipt.appended.first);
            Err(crate::engine::Error::Corrupt { stream: "an order".to_owned(), detail }.into())
        }
    }
}

async fn current(look: &Look, id: OrderId) -> Result<Arc<Order>, Problem> {
    Ok(look.app.engine.load::<Order>(id).await?.1)
}

/// The line that stands in the path, if the order has it. One that was discarded is still shown with the lines it had.
pub(super) async fn named(look: &Look, id: OrderId) -> Result<LineNumber, Problem> {
    let (order, line) = (current(look, id).await?, number(look)?);
    let has = match order.status() {
        OrderStatus::Discarded => look.newest::<LineView>(&line_key(id, line)).await?.is_some(),
        _ => order.line(line).is_some(),
    };
    if has { Ok(line) } else { Err(none(look)) }
}

/// The number that stands in the path.
fn number(look: &Look) -> Result<LineNumber, Problem> {
    let named = look.named("line");
    // A line has one path, whatever else could be read as its number.
    let line = named.parse().ok().map(LineNumber).filter(|line| line.to_string() == named);
    line.ok_or_else(|| none(look))
}

fn none(look: &Look) -> Problem {
    Problem::not_found("line", look.named("line"))
}

pub(super) async fn shown(
    call: &Call,
    status: StatusCode,
    id: OrderId,
    line: LineNumber,
    receipt: &Receipt,
) -> Result<Answer, Problem> {
    let Some(view) = call.shown::<LineView>(receipt, &line_key(id, line)).await? else {
        return Ok(call.done(receipt));
    };
    let body = LineBody::of(&call.look, &*current(&call.look, id).await?, view).await?;
    let answer = Answer::new(status, &body).at(receipt.appended.last());
    // The tag is the order's: whoever goes on editing it needs no other.
    let order: Option<OrderView> = call.shown(receipt, &id.to_string()).await?;
    Ok(match order {
        Some(order) => answer.tagged(order.position),
        None => answer,
    })
}
