//! Resellers: a reseller's own key data, and the carrier's side of it.

use axum::http::StatusCode;
use orderwire_domain::{
    claim::ClaimScope,
    decider::Decider as _,
    ids::{AggregateKind, ResellerId},
    joint::Command,
    names::{CompanyName, CugId, FreeText, ResellerCode, SalesTag},
    reseller::{Reseller, commands::ResellerCommand},
    views::name_directory::HeldName,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::Answer,
    api::Api,
    auth::Access,
    openapi::tags,
    page::{self, Listed},
    problem::Problem,
    request::{Call, Look},
    texts, words,
};
use crate::{
    edge::{self, place, reader::Spot},
    engine::{Engine, Receipt, query::equal},
};

const WHAT: &str = "reseller";

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Reseller, routes!(own))
        .route(Access::Operator, routes!(create, list))
        .route(Access::Operator, routes!(show, rename))
        .route(Access::Operator, routes!(suspend, resume))
        .route(Access::Operator, routes!(close))
}

/// A reseller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reseller)]
struct ResellerBody {
    /// Its id.
    #[schema(value_type = texts::ResellerId)]
    id: String,
    /// The reseller id of the trade.
    #[schema(value_type = texts::ResellerCode)]
    code: String,
    /// Its own customer id.
    #[schema(value_type = texts::CugId)]
    cug_id: String,
    /// The tag under which its sales are counted.
    #[schema(value_type = texts::SalesTag)]
    sales_tag: String,
    /// Its name.
    #[schema(value_type = texts::CompanyName)]
    name: String,
    /// Where it is: `active`, `suspended` or `closed`.
    #[schema(value_type = words::ResellerStatus)]
    status: String,
}

/// A reseller to be.
#[derive(ToSchema)]
#[schema(as = NewReseller)]
struct NewReseller {
    /// The reseller id of the trade.
    #[schema(value_type = texts::ResellerCode)]
    code: ResellerCode,
    /// Its own customer id; the code where none is given.
    #[schema(value_type = Option<texts::CugId>)]
    cug_id: CugId,
    /// The tag under which its sales are counted; the code where none is given.
    #[schema(value_type = Option<texts::SalesTag>)]
    sales_tag: SalesTag,
    /// Its name.
    #[schema(value_type = texts::CompanyName)]
    name: CompanyName,
}

/// What may change about a reseller.
#[derive(ToSchema)]
#[schema(as = ResellerChange)]
struct Change {
    /// Its name.
    #[schema(value_type = texts::CompanyName)]
    name: CompanyName,
}

/// Why something is done.
#[derive(ToSchema)]
#[schema(as = Why)]
pub(super) struct Why {
    /// In a few words, without personal data where that can be; kept sealed.
    #[schema(value_type = texts::FreeText)]
    pub(super) reason: FreeText,
}

impl Why {
    /// Reads it from a body.
    pub(super) fn read(spot: &Spot<'_>) -> Option<Self> {
        spot.object(|fields| Some(Self { reason: fields.required("reason", |it| it.parsed())? }))
    }
}

/// Show the caller's own key data.
///
/// The sales tag, the reseller id and the CUG id, as they are to be quoted.
#[utoipa::path(get, path = "/v1/reseller", operation_id = "get_own_reseller", tag = tags::VERIFY,
    responses((status = 200, description = "The reseller whose key asks.", body = ResellerBody)))]
async fn own(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let id = look.caller.reseller.ok_or_else(|| Problem::not_found(WHAT, "of this key"))?;
    shown(&look.app.engine, StatusCode::OK, id).await
}

/// Let a new reseller order.
#[utoipa::path(post, path = "/v1/operator/resellers", operation_id = "create_reseller", tag = tags::OPERATOR,
    request_body(content = NewReseller, example = json!({
        "code": "R100", "cug_id": "CUG100", "sales_tag": "TAG100", "name": "Northern Voice"
    })),
    responses((status = 201, description = "It may order.", body = ResellerBody)))]
async fn create(call: Call) -> Result<Answer, Problem> {
    let new = call.read(|it| {
        it.object(|fields| {
            let code: Option<ResellerCode> = fields.required("code", |it| it.parsed());
            let cug_id = fields.optional("cug_id", |it| it.parsed());
            let sales_tag = fields.optional("sales_tag", |it| it.parsed());
            let name = fields.required("name", |it| it.parsed());
            let (code, cug_id, sales_tag) = (code?, cug_id?, sales_tag?);
            // One grammar serves all three.
            let cug_id = cug_id.or_else(|| code.as_str().parse().ok())?;
            let sales_tag = sales_tag.or_else(|| code.as_str().parse().ok())?;
            Some(NewReseller { code, cug_id, sales_tag, name: name? })
        })
    })?;
    let NewReseller { code, cug_id, sales_tag, name } = new;
    let receipt = call.create(&Command::CreateReseller { code, cug_id, sales_tag, name }).await?;
    let id: ResellerId = receipt.id("reseller");
    let answer = shown(&call.look.app.engine, StatusCode::CREATED, id).await?;
    Ok(answer.at(receipt.appended.last()).located(format!("/v1/operator/resellers/{id}")))
}

/// List every reseller, by code.
#[utoipa::path(get, path = "/v1/operator/resellers", operation_id = "list_resellers", tag = tags::OPERATOR,
    params(("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<ResellerBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&page::PARAMETERS)?;
    let scope: &str = ClaimScope::ResellerCode.into();
    let page = page::of::<HeldName>(&look, vec![equal("scope", scope)], "name", false).await?;
    let next = page.next;
    let mut items = Vec::new();
    for held in page.items.into_iter().filter(|held| held.holder.kind == AggregateKind::Reseller) {
        items.push(body(&look.app.engine, ResellerId(held.holder.id)).await?.1);
    }
    Ok(Answer::list(&look, &Listed { items, next }))
}

/// Show a reseller.
#[utoipa::path(get, path = "/v1/operator/resellers/{id}", operation_id = "get_reseller", tag = tags::OPERATOR,
    params(("id" = String, Path, description = "The id of the reseller.")),
    responses((status = 200, description = "The reseller.", body = ResellerBody)))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    shown(&look.app.engine, StatusCode::OK, look.id(WHAT)?).await
}

/// Give a reseller another name.
#[utoipa::path(patch, path = "/v1/operator/resellers/{id}", operation_id = "rename_reseller", tag = tags::OPERATOR,
    params(("id" = String, Path, description = "The id of the reseller.")),
    request_body(content = Change, example = json!({ "name": "Northern Voice Ltd" })),
    responses((status = 200, description = "It has that name.", body = ResellerBody)))]
async fn rename(call: Call) -> Result<Answer, Problem> {
    let Change { name } = call
        .read(|it| it.object(|fields| Some(Change { name: fields.required("name", |it| it.parsed())? })))?;
    change(&call, ResellerCommand::ChangeDetails { name }).await
}

/// Let a reseller not order for now.
#[utoipa::path(post, path = "/v1/operator/resellers/{id}/suspension", operation_id = "suspend_reseller",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the reseller.")),
    request_body(content = Why, example = json!({ "reason": "credit control" })),
    responses((status = 200, description = "It may not order; what is under way goes on.", body = ResellerBody)))]
async fn suspend(call: Call) -> Result<Answer, Problem> {
    let Why { reason } = call.read(|it| Why::read(&it))?;
    let id: ResellerId = call.look.id(WHAT)?;
    body(&call.look.app.engine, id).await?;
    let reason = call.seal(id.into(), reason).await?;
    change(&call, ResellerCommand::Suspend { reason }).await
}

/// Let a reseller order again.
#[utoipa::path(delete, path = "/v1/operator/resellers/{id}/suspension", operation_id = "resume_reseller",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the reseller.")),
    responses((status = 200, description = "It may order.", body = ResellerBody)))]
async fn resume(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, ResellerCommand::Resume).await
}

/// End a suspended reseller that has no live company.
#[utoipa::path(post, path = "/v1/operator/resellers/{id}/closure", operation_id = "close_reseller",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the reseller.")),
    responses((status = 200, description = "It is no reseller any more.", body = ResellerBody)))]
async fn close(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let reseller: ResellerId = call.look.id(WHAT)?;
    let receipt = call.change(reseller.into(), &Command::CloseReseller { reseller }).await?;
    changed(&call, reseller, &receipt).await
}

async fn change(call: &Call, command: ResellerCommand) -> Result<Answer, Problem> {
    let reseller: ResellerId = call.look.id(WHAT)?;
    let receipt = call.change(reseller.into(), &Command::Reseller { reseller, command }).await?;
    changed(call, reseller, &receipt).await
}

async fn changed(call: &Call, id: ResellerId, receipt: &Receipt) -> Result<Answer, Problem> {
    Ok(shown(&call.look.app.engine, StatusCode::OK, id).await?.at(receipt.appended.last()))
}

/// A reseller with its tag.
async fn shown(engine: &Engine, status: StatusCode, id: ResellerId) -> Result<Answer, Problem> {
    let (sequence, body) = body(engine, id).await?;
    let last = engine.stream(id.into(), sequence - 1, 1).await?;
    let answer = Answer::new(status, &body);
    Ok(match last.first() {
        Some(last) => answer.tagged(last.position),
        None => answer,
    })
}

/// A reseller as of its last event, and the sequence of that.
async fn body(engine: &Engine, id: ResellerId) -> Result<(u64, ResellerBody), Problem> {
    let (sequence, reseller) = engine.load::<Reseller>(id).await?;
    let tenant = reseller.tenant().ok_or_else(|| Problem::not_found(WHAT, &id.to_string()))?;
    let body = ResellerBody {
        id: id.to_string(),
        code: tenant.code.to_string(),
        cug_id: tenant.cug_id.to_string(),
        sales_tag: tenant.sales_tag.to_string(),
        name: tenant.name.to_string(),
        status: reseller.status().to_string(),
    };
    Ok((sequence, body))
}

/// Whom something is made for: the reseller that asks, or the one that the carrier names.
pub(super) async fn made_for(call: &Call, named: Option<&ResellerCode>) -> Result<ResellerId, Problem> {
    const KNOWN: &str = "the code of a reseller, such as R100";
    let refuse = |code: &str, detail: String, expected: &str| {
        Problem::from(vec![edge::Problem::new("/reseller", code, detail, expected)])
    };
    let engine = &call.look.app.engine;
    let found = match named {
        Some(code) => place::reseller(engine, code).await?,
        None => call.look.caller.reseller,
    };
    match (call.look.caller.reseller, named, found) {
        (None, None, _) => Err(refuse("reseller_missing", "nobody says for whom it is".to_owned(), KNOWN)),
        (Some(caller), Some(code), found) if found != Some(caller) => {
            let detail = format!("`{code}` is not the reseller that asks");
            Err(refuse("reseller_other", detail, "the caller's own code, or none"))
        }
        (_, Some(code), None) => {
            Err(refuse("reseller_unknown", format!("there is no reseller `{code}`"), KNOWN))
        }
        (_, _, found) => found.ok_or_else(|| refuse("reseller_missing", String::new(), KNOWN)),
    }
}
