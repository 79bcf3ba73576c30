//! Companies: qualified, looked at, and given up; and what the carrier does with them.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orderwire_domain::{
    company::commands::CompanyCommand,
    ids::CompanyId,
    joint::Command,
    names::{CompanyName, Domain, ResellerCode},
    views::company_directory::{CompanyStage, CompanyView},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    action_bodies::ActionsBody,
    answer::{Answer, Done, Time},
    api::Api,
    auth::Access,
    openapi::tags,
    page::{self, Listed},
    problem::Problem,
    request::{Call, Look},
    resellers::{self, Why},
    texts, words,
};
use crate::{
    edge::{self, own_company},
    engine::{Receipt, query::equal},
};

pub(super) const WHAT: &str = "company";

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(qualify, list))
        .route(Access::Tenant, routes!(show))
        .route(Access::Tenant, routes!(extend, release))
        .route(Access::Tenant, routes!(cease))
        .route(Access::Tenant, routes!(actions))
        .route(Access::Operator, routes!(suspend, resume))
}

/// A company.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Company)]
pub struct CompanyBody {
    /// Its id, against which numbers are reserved and orders placed.
    #[schema(value_type = texts::CompanyId)]
    service_reference: String,
    /// Whose it is.
    #[schema(value_type = texts::ResellerId)]
    reseller: String,
    /// Its name, as the reseller wrote it.
    #[schema(value_type = texts::CompanyName)]
    name: String,
    /// Its internet domain.
    #[schema(value_type = texts::Domain)]
    domain: String,
    /// Where it is: `qualified`, `ordered`, `active`, `suspended`, `ceased`, `released` or `expired`.
    #[schema(value_type = words::CompanyStatus)]
    status: String,
    /// Until when it stays qualified, while nothing is ordered for it.
    expires_at: Option<Time>,
    /// How many trunk channels all its sites may have together.
    channels: u32,
    /// How many sites it has.
    sites: u32,
    /// How many users it has.
    users: u32,
    /// How many numbers are allocated to it.
    numbers: u32,
    /// How many orders for it are under way.
    open_orders: u32,
    /// Whether its personal data was erased.
    erased: bool,
    /// When it was qualified.
    created_at: Time,
    /// When anything last happened to it.
    updated_at: Time,
}

impl From<CompanyView> for CompanyBody {
    fn from(view: CompanyView) -> Self {
        Self {
            service_reference: view.company.to_string(),
            reseller: view.reseller.to_string(),
            name: view.name.to_string(),
            domain: view.domain.to_string(),
            status: view.status.to_string(),
            expires_at: view.expires_at.map(Time),
            channels: view.channels,
            sites: view.sites,
            users: view.users,
            numbers: view.numbers,
            open_orders: view.open_orders,
            erased: view.erased,
            created_at: view.created_at.into(),
            updated_at: view.updated_at.into(),
        }
    }
}

/// A company to be.
#[derive(ToSchema)]
#[schema(as = NewCompany)]
struct NewCompany {
    /// Its name; free whatever its case and spacing.
    #[schema(value_type = texts::CompanyName)]
    name: CompanyName,
    /// Its internet domain.
    #[schema(value_type = texts::Domain)]
    domain: Domain,
    /// The code of the reseller; only where the carrier asks.
    #[schema(value_type = Option<texts::ResellerCode>)]
    reseller: Option<ResellerCode>,
}

/// Hold a company's name and domain.
///
/// Both are held or neither: then the company has a service reference for 30 days, against which numbers can be reserved and
/// orders placed. A problem `taken` says which of both is not free; `yours`, which of both a company of your own has.
#[utoipa::path(post, path = "/v1/companies", operation_id = "qualify_company", tag = tags::QUALIFY,
    request_body(content = NewCompany, example = json!({ "name": "Acme Ltd", "domain": "acme.example" })),
    responses((status = 201, description = "It is qualified.", body = CompanyBody),
        (status = 202, description = "It is qualified, and cannot be shown yet.", body = Done)))]
async fn qualify(call: Call) -> Result<Answer, Problem> {
    let new = call.read(|it| {
        it.object(|fields| {
            let name = fields.required("name", |it| it.parsed());
            let domain = fields.required("domain", |it| it.parsed());
            let reseller = fields.optional("reseller", |it| it.parsed());
            Some(NewCompany { name: name?, domain: domain?, reseller: reseller? })
        })
    })?;
    let reseller = resellers::made_for(&call, new.reseller.as_ref()).await?;
    call.unconditional()?;
    let command = Command::Qualify { reseller, name: new.name.clone(), domain: new.domain.clone() };
    let engine = &call.look.app.engine;
    let receipt = match engine.execute(&command, &call.provenance(), call.key()).await {
        Ok(receipt) => receipt,
        Err(error) => {
            let names = (&new.name, &new.domain);
            return Err(own_company::qualified(engine, reseller, names, error.into()).await?.into());
        }
    };
    let id: CompanyId = receipt.id("company");
    Ok(shown(&call, StatusCode::CREATED, id, &receipt).await?.located(format!("/v1/companies/{id}")))
}

/// List companies, newest first.
#[utoipa::path(get, path = "/v1/companies", operation_id = "list_companies", tag = tags::QUALIFY,
    params(("status" = Option<words::CompanyStatus>, Query, description = "Only those in this status."),
        ("domain" = Option<texts::Domain>, Query, description = "Only those with this internet domain."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<CompanyBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["status", "domain", "limit", "cursor"])?;
    let status: Option<CompanyStage> = look.word("status")?;
    let domain: Option<Domain> = look.parsed("domain")?;
    let mut filters = Vec::new();
    filters.extend(look.caller.reseller.map(|own| equal("reseller", own.to_string())));
    filters.extend(status.map(|status| equal("status", <&str>::from(status))));
    filters.extend(domain.map(|domain| equal("domain", domain.as_str())));
    let page = page::of::<CompanyView>(&look, filters, "created_at", true).await?;
    Ok(Answer::list(&look, &page.listed(CompanyBody::from)))
}

/// Show a company.
#[utoipa::path(get, path = "/v1/companies/{id}", operation_id = "get_company", tag = tags::QUALIFY,
    params(("id" = String, Path, description = "The service reference of the company.")),
    responses((status = 200, description = "The company.", body = CompanyBody,
        headers(("ETag" = String, description = "For `If-Match`.")))))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let id: CompanyId = look.id(WHAT)?;
    let view = look.record(id.into(), |view: &CompanyView| view.reseller).await?;
    let position = view.position;
    Ok(Answer::ok(&CompanyBody::from(view)).tagged(position))
}

/// Let a qualification last longer.
///
/// Twice at most, and only while nothing is ordered for the company.
#[utoipa::path(post, path = "/v1/companies/{id}/qualification", operation_id = "extend_qualification",
    tag = tags::QUALIFY, params(("id" = String, Path, description = "The service reference of the company.")),
    responses((status = 200, description = "It lasts until `expires_at`.", body = CompanyBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn extend(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, CompanyCommand::ExtendQualification).await
}

/// Give a qualified company up.
///
/// Its name, its domain and what is reserved for it are free again.
#[utoipa::path(delete, path = "/v1/companies/{id}/qualification", operation_id = "release_company",
    tag = tags::QUALIFY, params(("id" = String, Path, description = "The service reference of the company.")),
    responses((status = 200, description = "It is released.", body = CompanyBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn release(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, CompanyCommand::Release).await
}

/// End a company that has nothing any more.
#[utoipa::path(post, path = "/v1/companies/{id}/cessation", operation_id = "cease_company",
    tag = tags::QUALIFY, params(("id" = String, Path, description = "The service reference of the company.")),
    responses((status = 200, description = "It is no customer any more.", body = CompanyBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn cease(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, CompanyCommand::Cease).await
}

/// Say what may be asked of a company now.
///
/// For what may not: the rule, and what would unlock it.
#[utoipa::path(get, path = "/v1/companies/{id}/actions", operation_id = "list_company_actions", tag = tags::QUALIFY,
    params(("id" = String, Path, description = "The service reference of the company.")),
    responses((status = 200, description = "Everything that the caller could ask of a company.", body = ActionsBody)))]
async fn actions(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let id: CompanyId = look.id(WHAT)?;
    look.record(id.into(), |view: &CompanyView| view.reseller).await?;
    Ok(Answer::ok(&ActionsBody::of(&look, id.into()).await?))
}

/// Let nothing new be ordered for a company.
#[utoipa::path(post, path = "/v1/operator/companies/{id}/suspension", operation_id = "suspend_company",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The service reference of the company.")),
    request_body(content = Why, example = json!({ "reason": "credit control" })),
    responses((status = 200, description = "It is suspended; what is under way goes on.", body = CompanyBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn suspend(call: Call) -> Result<Answer, Problem> {
    let Why { reason } = call.read(|it| Why::read(&it))?;
    let id: CompanyId = call.look.id(WHAT)?;
    call.look.record(id.into(), |view: &CompanyView| view.reseller).await?;
    let reason = call.seal(id.into(), reason).await?;
    change(&call, CompanyCommand::Suspend { reason }).await
}

/// Let it be ordered for a company again.
#[utoipa::path(delete, path = "/v1/operator/companies/{id}/suspension", operation_id = "resume_company",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The service reference of the company.")),
    responses((status = 200, description = "It is active.", body = CompanyBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn resume(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, CompanyCommand::Resume).await
}

pub(super) fn time(spot: edge::reader::Spot<'_>) -> Option<DateTime<Utc>> {
    let text = spot.text()?;
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Some(time.to_utc()),
        Err(_) => spot.refuse("time_invalid", "this is no time", "RFC 3339, such as 2027-06-01T09:00:00Z"),
    }
}

async fn change(call: &Call, command: CompanyCommand) -> Result<Answer, Problem> {
    let company: CompanyId = call.look.id(WHAT)?;
    let receipt = call.change(company.into(), &Command::Company { company, command }).await?;
    shown(call, StatusCode::OK, company, &receipt).await
}

/// A company as a write left it.
pub(super) async fn shown(
    call: &Call,
    status: StatusCode,
    id: CompanyId,
    receipt: &Receipt,
) -> Result<Answer, Problem> {
    let Some(view) = call.shown::<CompanyView>(receipt, &id.to_string()).await? else {
        return Ok(call.done(receipt));
    };
    let position = view.position;
    Ok(Answer::new(status, &CompanyBody::from(view)).at(receipt.appended.last()).tagged(position))
}
