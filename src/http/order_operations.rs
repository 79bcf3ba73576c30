//! What the carrier and its systems do with orders: acknowledge, reject, hold, ask for information, and report lines.
//!
//! Deliberately absent: starting and cancelling lines, which follow from the order by themselves.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::{CompanyId, OrderId},
    joint::Command,
    names::FreeText,
    order::{
        commands::OrderCommand,
        line::{LineFailure, LineNumber, Milestone},
    },
    refusal::Reason,
    sealed::Sealed,
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    openapi::tags,
    order_bodies::{LineBody, OrderBody},
    order_lines,
    orders::{shown, visible},
    problem::Problem,
    request::Call,
    resellers::Why,
    texts,
};
use crate::edge::reader::{Fields, Spot};

const WHAT: &str = "order";
/// Most reasons of one rejection.
const REASONS_MAX: usize = 100;
/// Longest word for a reason, and longest detail of one.
pub const CODE_MAX: usize = 80;
pub(super) const DETAIL_MAX: usize = 500;

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Operator, routes!(acknowledge))
        .route(Access::Operator, routes!(reject))
        .route(Access::Operator, routes!(hold, resume))
        .route(Access::Operator, routes!(require))
        .route(Access::Tenant, routes!(provide))
        .route(Access::Operator, routes!(complete_line))
        .route(Access::Operator, routes!(fail_line))
        .route(Access::Operator, routes!(hold_line, resume_line))
        .route(Access::Operator, routes!(reach))
}

/// Why an order is not processed.
#[derive(ToSchema)]
#[schema(as = OrderRejection)]
struct Rejection {
    /// At least one.
    #[schema(value_type = Vec<Because>, min_items = 1, max_items = 100)]
    reasons: Vec<Reason>,
}

/// A reason without personal data.
#[derive(ToSchema)]
#[schema(as = Because)]
struct Because {
    /// A stable word, such as `address_unserviceable`.
    #[schema(value_type = texts::Code)]
    code: String,
    /// What happened.
    #[schema(value_type = texts::Detail)]
    detail: String,
}

/// What the reseller is to tell.
#[derive(ToSchema)]
#[schema(as = InformationRequest)]
struct Question {
    /// What; kept sealed.
    #[schema(value_type = texts::FreeText)]
    question: FreeText,
    /// By when; else the limit for such information says it.
    deadline: Option<DateTime<Utc>>,
}

/// What the reseller tells.
#[derive(ToSchema)]
#[schema(as = Information)]
struct Told {
    /// It; kept sealed.
    #[schema(value_type = texts::FreeText)]
    answer: FreeText,
}

/// How far a line has got.
#[derive(ToSchema)]
#[schema(as = MilestoneReached)]
struct Reached {
    /// That an outside system has gone too far to turn back.
    #[schema(value_type = Reportable)]
    milestone: Milestone,
}

/// What can be reported; the other milestone is reached by allocating the numbers of a port.
#[derive(ToSchema)]
#[schema(as = ReportedMilestone, rename_all = "snake_case")]
#[expect(dead_code, reason = "it is read as a word; this says which words there are")]
enum Reportable {
    Committed,
}

/// Accept an order for processing.
///
/// Orders are acknowledged by themselves; this is for one that was not.
#[utoipa::path(post, path = "/v1/operator/orders/{id}/acknowledgement", operation_id = "acknowledge_order",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the order.")),
    responses((status = 200, description = "It is acknowledged.", body = OrderBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn acknowledge(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, OrderCommand::Acknowledge).await
}

/// Refuse to process an order.
///
/// While none of its lines is completed. Its names, numbers and ports are given up with it.
#[utoipa::path(post, path = "/v1/operator/orders/{id}/rejection", operation_id = "reject_order", tag = tags::OPERATOR,
    params(("id" = String, Path, description = "The id of the order.")),
    request_body(content = Rejection, example = json!({
        "reasons": [{ "code": "address_unserviceable", "detail": "there is no cable to the site of line 3" }] })),
    responses((status = 200, description = "It is rejected.", body = OrderBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn reject(call: Call) -> Result<Answer, Problem> {
    let Rejection { reasons } = call.read(|it| {
        it.object(|fields| {
            let reasons = fields.required("reasons", |it| it.list(REASONS_MAX, |it| because(&it)))?;
            let reason = |Because { code, detail }| Reason { code, subject: None, detail, expected: None };
            Some(Rejection { reasons: reasons.into_iter().map(reason).collect() })
        })
    })?;
    change(&call, OrderCommand::Reject { reasons }).await
}

/// Stop work on an order for a while.
#[utoipa::path(post, path = "/v1/operator/orders/{id}/hold", operation_id = "hold_order", tag = tags::OPERATOR,
    params(("id" = String, Path, description = "The id of the order.")),
    request_body(content = Why, example = json!({ "reason": "flood at the exchange" })),
    responses((status = 200, description = "It is held.", body = OrderBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn hold(call: Call) -> Result<Answer, Problem> {
    let Why { reason } = call.read(|it| Why::read(&it))?;
    let reason = sealed(&call, reason).await?;
    change(&call, OrderCommand::Hold { reason }).await
}

/// Go on with an order that is held.
#[utoipa::path(delete, path = "/v1/operator/orders/{id}/hold", operation_id = "resume_order", tag = tags::OPERATOR,
    params(("id" = String, Path, description = "The id of the order.")),
    responses((status = 200, description = "Work goes on.", body = OrderBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn resume(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, OrderCommand::Resume).await
}

/// Ask the reseller for something before work goes on.
///
/// Without an answer by the deadline, the order is assessed for cancellation.
#[utoipa::path(post, path = "/v1/operator/orders/{id}/information", operation_id = "require_information",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the order.")),
    request_body(content = Question, example = json!({
        "question": "which floor is the site on?", "deadline": null })),
    responses((status = 200, description = "It is pending.", body = OrderBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn require(call: Call) -> Result<Answer, Problem> {
    let Question { question, deadline } = call.read(|it| {
        it.object(|fields| {
            let question = fields.required("question", |it| it.parsed());
            let deadline = fields.optional("deadline", super::companies::time);
            Some(Question { question: question?, deadline: deadline? })
        })
    })?;
    let question = sealed(&call, question).await?;
    change(&call, OrderCommand::RequireInformation { question, deadline }).await
}

/// Tell the carrier what it asked for, so that work goes on.
///
/// What was asked is in the order's history.
#[utoipa::path(post, path = "/v1/orders/{id}/information", operation_id = "provide_information",
    tag = tags::CREATE_ORDER, params(("id" = String, Path, description = "The id of the order.")),
    request_body(content = Told, example = json!({ "answer": "the second floor" })),
    responses((status = 200, description = "It is where it was before.", body = OrderBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn provide(call: Call) -> Result<Answer, Problem> {
    visible(&call.look).await?;
    let Told { answer } = call
        .read(|it| it.object(|fields| Some(Told { answer: fields.required("answer", |it| it.parsed())? })))?;
    let answer = sealed(&call, answer).await?;
    change(&call, OrderCommand::ProvideInformation { answer }).await
}

/// Report that a line is done.
#[utoipa::path(post, path = "/v1/operator/orders/{id}/lines/{line}/completion", operation_id = "complete_order_line",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the order."),
        ("line" = u32, Path, description = "The number of the line, from 1.")),
    responses((status = 200, description = "It is completed.", body = LineBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn complete_line(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let line = named(&call).await?;
    change_line(&call, line, OrderCommand::CompleteLine { line }).await
}

/// Report that a line cannot be done.
///
/// What waits for it is cancelled, and nothing else.
#[utoipa::path(post, path = "/v1/operator/orders/{id}/lines/{line}/failure", operation_id = "fail_order_line",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the order."),
        ("line" = u32, Path, description = "The number of the line, from 1.")),
    request_body(content = Because, example = json!({
        "code": "address_unserviceable", "detail": "there is no cable to the site" })),
    responses((status = 200, description = "It is failed.", body = LineBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn fail_line(call: Call) -> Result<Answer, Problem> {
    let Because { code, detail } = call.read(|it| because(&it))?;
    let line = named(&call).await?;
    change_line(&call, line, OrderCommand::FailLine { line, failure: LineFailure { code, detail } }).await
}

/// Stop work on a line for a while.
#[utoipa::path(post, path = "/v1/operator/orders/{id}/lines/{line}/hold", operation_id = "hold_order_line",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the order."),
        ("line" = u32, Path, description = "The number of the line, from 1.")),
    request_body(content = Why, example = json!({ "reason": "the building is closed" })),
    responses((status = 200, description = "It is held.", body = LineBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn hold_line(call: Call) -> Result<Answer, Problem> {
    let Why { reason } = call.read(|it| Why::read(&it))?;
    let line = named(&call).await?;
    let reason = sealed(&call, reason).await?;
    change_line(&call, line, OrderCommand::HoldLine { line, reason }).await
}

/// Go on with a line that is held.
#[utoipa::path(delete, path = "/v1/operator/orders/{id}/lines/{line}/hold", operation_id = "resume_order_line",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the order."),
        ("line" = u32, Path, description = "The number of the line, from 1.")),
    responses((status = 200, description = "Work goes on.", body = LineBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn resume_line(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let line = named(&call).await?;
    change_line(&call, line, OrderCommand::ResumeLine { line }).await
}

/// Report how far a line has got.
#[utoipa::path(post, path = "/v1/operator/orders/{id}/lines/{line}/milestone", operation_id = "reach_line_milestone",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the order."),
        ("line" = u32, Path, description = "The number of the line, from 1.")),
    request_body(content = Reached, example = json!({ "milestone": "committed" })),
    responses((status = 200, description = "It has got that far.", body = LineBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn reach(call: Call) -> Result<Answer, Problem> {
    let Reached { milestone } = call.read(|it| it.object(milestone))?;
    let line = named(&call).await?;
    change_line(&call, line, OrderCommand::ReachMilestone { line, milestone }).await
}

fn milestone(fields: &Fields<'_>) -> Option<Reached> {
    fields.required("milestone", |it| match it.text()? {
        "committed" => Some(Reached { milestone: Milestone::Committed }),
        _ => it.refuse("word_unknown", "it is not one of the words", "committed"),
    })
}

fn because(spot: &Spot<'_>) -> Option<Because> {
    spot.object(|fields| {
        let code = fields.required("code", |it| {
            let code = it.line(CODE_MAX)?;
            let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if code.chars().all(is_word) {
                return Some(code);
            }
            it.refuse("code_malformed", "it is no such word", "lower-case letters, digits and underscores")
        });
        let detail = fields.required("detail", |it| it.line(DETAIL_MAX));
        Some(Because { code: code?, detail: detail? })
    })
}

/// Seals a text with the key of the order's company, or else of its reseller.
async fn sealed(call: &Call, text: FreeText) -> Result<Sealed, Problem> {
    let view = visible(&call.look).await?;
    let owner = view.company.map_or_else(|| view.reseller.stream(), CompanyId::stream);
    call.seal(owner, text).await
}

/// The line that stands in the path, and that the order has.
async fn named(call: &Call) -> Result<LineNumber, Problem> {
    let order = visible(&call.look).await?.order;
    order_lines::named(&call.look, order).await
}

async fn change(call: &Call, command: OrderCommand) -> Result<Answer, Problem> {
    let order: OrderId = call.look.id(WHAT)?;
    let receipt = call.change(order.into(), &Command::Order { order, command }).await?;
    shown(call, StatusCode::OK, order, &receipt).await
}

async fn change_line(call: &Call, line: LineNumber, command: OrderCommand) -> Result<Answer, Problem> {
    let order: OrderId = call.look.id(WHAT)?;
    let receipt = call.change(order.into(), &Command::Order { order, command }).await?;
    order_lines::shown(call, StatusCode::OK, order, line, &receipt).await
}
