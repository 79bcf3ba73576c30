//! Erasing the personal data of a company, and the legal holds that keep it: the carrier's alone.
//!
//! A reseller is told of neither a hold nor its reference: that somebody looks into a company is not its to know. Absent:
//! the actor's name. Whoever asks is the actor, so one that lifts a hold presents another key than the one that placed it.

use axum::http::StatusCode;
use orderwire_domain::{
    company::{Company, commands::CompanyCommand, holds::LegalHolds},
    ids::CompanyId,
    joint::Command,
    names::{ActorId, HoldReference},
    views::company_directory::CompanyView,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    companies::{CompanyBody, WHAT, shown},
    openapi::tags,
    page::Listed,
    problem::Problem,
    request::{Call, Look},
    resellers::Why,
    texts,
};

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Operator, routes!(place_hold, list_holds))
        .route(Access::Operator, routes!(lift_hold))
        .route(Access::Operator, routes!(erase))
}

/// A legal hold on a company.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegalHold)]
struct HoldBody {
    /// What it is about, such as the number of a case.
    #[schema(value_type = texts::HoldReference)]
    reference: String,
    /// The actor that placed it: another one lifts it.
    placed_by: String,
}

/// A legal hold to be.
#[derive(ToSchema)]
#[schema(as = NewLegalHold)]
struct NewHold {
    /// What it is about, and never whom; it stays in the log.
    #[schema(value_type = texts::HoldReference)]
    reference: HoldReference,
}

/// Keep a company's personal data.
///
/// Whatever becomes of the company, it is not erased while a hold is on it. Resellers do not see it.
#[utoipa::path(post, path = "/v1/operator/companies/{id}/legal-holds", operation_id = "place_legal_hold",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The service reference of the company.")),
    request_body(content = NewHold, example = json!({ "reference": "case-7" })),
    responses((status = 201, description = "It is on the company.", body = HoldBody)))]
async fn place_hold(call: Call) -> Result<Answer, Problem> {
    let NewHold { reference } = call.read(|it| {
        it.object(|fields| Some(NewHold { reference: fields.required("reference", |it| it.parsed())? }))
    })?;
    let id = company(&call.look).await?;
    let by = actor(&call);
    let body = HoldBody { reference: reference.to_string(), placed_by: by.to_string() };
    let command = CompanyCommand::PlaceLegalHold { reference, by };
    let receipt = call.change(id.into(), &Command::Company { company: id, command }).await?;
    Ok(Answer::new(StatusCode::CREATED, &body).at(receipt.appended.last()))
}

/// List the legal holds on a company.
#[utoipa::path(get, path = "/v1/operator/companies/{id}/legal-holds", operation_id = "list_legal_holds",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The service reference of the company.")),
    responses((status = 200, description = "All of them, by reference.", body = Listed<HoldBody>)))]
async fn list_holds(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let id = company(&look).await?;
    let (_, company) = look.app.engine.load::<Company>(id).await?;
    let holds = company.legal_holds().into_iter().flat_map(LegalHolds::iter);
    let items = holds
        .map(|(reference, by)| HoldBody { reference: reference.to_string(), placed_by: by.to_string() })
        .collect();
    Ok(Answer::ok(&Listed { items, next: None }))
}

/// Lift a legal hold.
///
/// Somebody else does than placed it: else the problem says `legal_hold_by_the_same`.
#[utoipa::path(delete, path = "/v1/operator/companies/{id}/legal-holds/{reference}",
    operation_id = "lift_legal_hold", tag = tags::OPERATOR,
    params(("id" = String, Path, description = "The service reference of the company."),
        ("reference" = String, Path, description = "What the hold is about, as it was placed.")),
    responses((status = 200, description = "It is on the company no more.", body = CompanyBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn lift_hold(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let id = company(&call.look).await?;
    let named = call.look.named("reference");
    let reference = named.parse().map_err(|_| Problem::not_found("legal hold", named))?;
    let command = CompanyCommand::LiftLegalHold { reference, by: actor(&call) };
    let receipt = call.change(id.into(), &Command::Company { company: id, command }).await?;
    shown(&call, StatusCode::OK, id, &receipt).await
}

/// Destroy the key of a company's personal data.
///
/// Only of one that is expired, released or ceased, and without legal hold. Nobody can undo it. The reason stays readable: it
/// is sealed with the key of the reseller.
#[utoipa::path(post, path = "/v1/operator/companies/{id}/erasure", operation_id = "erase_company",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The service reference of the company.")),
    request_body(content = Why, example = json!({ "reason": "asked for by the data subject" })),
    responses((status = 200, description = "Its personal data reads `erased` from here on.", body = CompanyBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn erase(mut call: Call) -> Result<Answer, Problem> {
    let Why { reason } = call.read(|it| Why::read(&it))?;
    let id: CompanyId = call.look.id(WHAT)?;
    let view: CompanyView = call.look.record(id.into(), |view: &CompanyView| view.reseller).await?;
    let reason = call.seal(view.reseller.into(), reason).await?;
    call.because(reason);
    let command = CompanyCommand::Erase;
    let receipt = call.change(id.into(), &Command::Company { company: id, command }).await?;
    shown(&call, StatusCode::OK, id, &receipt).await
}

async fn company(look: &Look) -> Result<CompanyId, Problem> {
    let id: CompanyId = look.id(WHAT)?;
    look.record(id.into(), |view: &CompanyView| view.reseller).await?;
    Ok(id)
}

fn actor(call: &Call) -> ActorId {
    let actor = call.provenance().actor;
    actor.as_str().parse().expect("an actor of the engine is one of the domain")
}
