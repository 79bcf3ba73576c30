//! What a company has: sites with their users, devices and trunks, and its numbers; listed, and given up leaf first.
//!
//! Deliberately absent: how it gets there, which is an order's. What may be removed is the rules' to say: nothing on which
//! something hangs, and nothing that an open order means to use.

use axum::http::StatusCode;
use orderwire_domain::{
    company::{Company, asset::AssetKind, commands::CompanyCommand},
    ids::{AssetId, CompanyId},
    joint::Command,
    number::{NumberSet, TelephoneNumber},
    views::{
        company_directory::{AssetView, CompanyView},
        number_availability::NumberView,
    },
};
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done},
    api::Api,
    asset_bodies::{
        AddOnBody, Asset, DeviceBody, EmergencyBody, PbxBody, Shown, SiteBody, TrunkBody, UserBody,
    },
    auth::Access,
    number_bodies::NumberBody,
    openapi::tags,
    page::{self, Listed, Page},
    problem::Problem,
    request::{Call, Look},
};
use crate::engine::query::equal;

/// The two operations of a kind of asset. A function cannot be documented twice under two paths, hence the macro.
macro_rules! operations {
    ($kind:ident $body:ident $list:ident $list_id:literal $path:literal $remove:ident $remove_id:literal $path_of_one:literal
     lists $lists:literal removes $removes:literal $rule:literal) => {
        #[utoipa::path(get, path = $path, operation_id = $list_id, tag = tags::QUALIFY, summary = $lists,
            params(("id" = String, Path, description = "The service reference of the company."),
                ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
                ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
            responses((status = 200, description = "A page of them.", body = Listed<$body>)))]
        async fn $list(look: Look) -> Result<Answer, Problem> {
            list::<$body>(&look, AssetKind::$kind).await
        }

        #[utoipa::path(delete, path = $path_of_one, operation_id = $remove_id, tag = tags::QUALIFY, summary = $removes,
            description = $rule,
            params(("id" = String, Path, description = "The service reference of the company."),
                ("asset" = String, Path, description = "Its service id.")),
            responses((status = 200, description = "It is gone.", body = Done)))]
        async fn $remove(call: Call) -> Result<Answer, Problem> {
            remove(&call, AssetKind::$kind).await
        }
    };
}

operations! {
    Site SiteBody list_sites "list_company_sites" "/v1/companies/{id}/sites"
    remove_site "remove_company_site" "/v1/companies/{id}/sites/{asset}"
    lists "List the sites of a company." removes "Close a site of a company."
    "Refused while users, PBXs or emergency details hang on it, or an open order is for it. Its numbers stay with the company."
}
operations! {
    User UserBody list_users "list_company_users" "/v1/companies/{id}/users"
    remove_user "remove_company_user" "/v1/companies/{id}/users/{asset}"
    lists "List the users of a company." removes "Remove a user of a company."
    "Refused while devices or add-ons hang on it, or an open order is for it. Its numbers stay with the site; username and extension are free."
}
operations! {
    Device DeviceBody list_devices "list_company_devices" "/v1/companies/{id}/devices"
    remove_device "remove_company_device" "/v1/companies/{id}/devices/{asset}"
    lists "List the devices of a company." removes "Take a device of a company away."
    "Its MAC address is free again."
}
operations! {
    AddOn AddOnBody list_add_ons "list_company_add_ons" "/v1/companies/{id}/add-ons"
    remove_add_on "remove_company_add_on" "/v1/companies/{id}/add-ons/{asset}"
    lists "List the add-ons that users of a company got later." removes "End an add-on of a user."
    "Add-ons that came with their user end with it."
}
operations! {
    Pbx PbxBody list_pbxs "list_company_pbxs" "/v1/companies/{id}/pbxs"
    remove_pbx "remove_company_pbx" "/v1/companies/{id}/pbxs/{asset}"
    lists "List the PBXs of a company." removes "Remove a PBX of a company."
    "Refused while trunks hang on it, or an open order is for it."
}
operations! {
    Trunk TrunkBody list_trunks "list_company_trunks" "/v1/companies/{id}/trunks"
    remove_trunk "remove_company_trunk" "/v1/companies/{id}/trunks/{asset}"
    lists "List the trunks of a company." removes "Remove a trunk of a company."
    "Its channels can be used by other trunks."
}
operations! {
    EmergencyDetails EmergencyBody list_emergency "list_company_emergency_details" "/v1/companies/{id}/emergency-details"
    remove_emergency "remove_company_emergency_details" "/v1/companies/{id}/emergency-details/{asset}"
    lists "List what emergency services are told about the sites of a company." removes "Withdraw what emergency services are told."
    "A site is closed after that."
}

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(list_sites))
        .route(Access::Tenant, routes!(remove_site))
        .route(Access::Tenant, routes!(list_users))
        .route(Access::Tenant, routes!(remove_user))
        .route(Access::Tenant, routes!(list_devices))
        .route(Access::Tenant, routes!(remove_device))
        .route(Access::Tenant, routes!(list_add_ons))
        .route(Access::Tenant, routes!(remove_add_on))
        .route(Access::Tenant, routes!(list_pbxs))
        .route(Access::Tenant, routes!(remove_pbx))
        .route(Access::Tenant, routes!(list_trunks))
        .route(Access::Tenant, routes!(remove_trunk))
        .route(Access::Tenant, routes!(list_emergency))
        .route(Access::Tenant, routes!(remove_emergency))
        .route(Access::Tenant, routes!(list_numbers))
        .route(Access::Tenant, routes!(cease_number))
}

/// List the numbers of a company, in their order.
///
/// All that it has, also those that are reserved for it or committed to a line of an order.
#[utoipa::path(get, path = "/v1/companies/{id}/numbers", operation_id = "list_company_numbers", tag = tags::QUALIFY,
    params(("id" = String, Path, description = "The service reference of the company."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<NumberBody>)))]
async fn list_numbers(look: Look) -> Result<Answer, Problem> {
    look.only(&page::PARAMETERS)?;
    let company = company(&look).await?;
    let filters = vec![equal("company", company.to_string())];
    let page = page::of::<NumberView>(&look, filters, "key", false).await?;
    Ok(Answer::list(&look, &page.listed(NumberBody::from)))
}

/// Give a number of a company back.
///
/// Refused while a user has it, an open order means to use it, or its port is not done. A number of the carrier rests for 31
/// days, then it is free; a ported one goes back to its range holder once nobody here uses its range.
#[utoipa::path(delete, path = "/v1/companies/{id}/numbers/{number}", operation_id = "cease_company_number",
    tag = tags::QUALIFY, params(("id" = String, Path, description = "The service reference of the company."),
        ("number" = String, Path, description = "The number.", example = "+441134960100")),
    responses((status = 200, description = "The company does not have it any more.", body = Done)))]
async fn cease_number(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let company = company(&call.look).await?;
    let named = call.look.named("number").to_owned();
    let missing = || Problem::not_found("number", &named);
    let number: TelephoneNumber = named.parse().map_err(|_| missing())?;
    let (_, before) = call.look.app.engine.load::<Company>(company).await?;
    let numbers: NumberSet = [number].into_iter().collect();
    let receipt = call.change(company.into(), &Command::CeaseNumbers { company, numbers }).await;
    let receipt = receipt.map_err(|problem| {
        // A retry of what was done is answered before this; another's number is answered for as none.
        let absent = ["numbers_not_in_service", "not_permitted"].iter().any(|code| problem.says(code));
        if absent && before.number(number).is_none() { missing() } else { problem }
    })?;
    Ok(Answer::ok(&Done::of(&receipt)).at(receipt.appended.last()))
}

/// An asset of a kind that the caller may see.
pub(super) async fn visible(look: &Look, id: AssetId, kind: AssetKind) -> Result<AssetView, Problem> {
    let missing = || missing(kind, &id.to_string());
    let found: Option<AssetView> = look.newest(&id.to_string()).await?;
    let asset = found.filter(|asset| AssetKind::from(&asset.plan) == kind).ok_or_else(missing)?;
    match look.record(asset.company.into(), |view: &CompanyView| view.reseller).await {
        Ok(_) => Ok(asset),
        // Not that of its company: whoever may not see it has not heard of that.
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => Err(missing()),
        Err(problem) => Err(problem),
    }
}

async fn list<T: Shown>(look: &Look, kind: AssetKind) -> Result<Answer, Problem> {
    look.only(&page::PARAMETERS)?;
    let company = company(look).await?;
    let filters = vec![equal("company", company.to_string()), equal("kind", <&str>::from(kind))];
    let Page { items: views, next } = page::of::<AssetView>(look, filters, "key", false).await?;
    let mut items = Vec::new();
    for view in views {
        let asset = Asset::from(&view);
        items.extend(T::of(look, asset, view.plan).await?);
    }
    Ok(Answer::list(look, &Listed { items, next }))
}

async fn remove(call: &Call, kind: AssetKind) -> Result<Answer, Problem> {
    call.nothing()?;
    let company = company(&call.look).await?;
    let named = call.look.named("asset");
    let asset: AssetId = named.parse().map_err(|_| missing(kind, named))?;
    let (_, before) = call.look.app.engine.load::<Company>(company).await?;
    let known = before.asset(asset);
    if known.is_some_and(|it| AssetKind::from(&it.plan) != kind) {
        return Err(missing(kind, named));
    }
    let command = Command::Company { company, command: CompanyCommand::RemoveAsset { asset } };
    let receipt = call.change(company.into(), &command).await.map_err(|problem| {
        // Where it was asked for before with the same key, it is done already, which the engine knows.
        let absent = ["asset_unknown", "not_permitted"].iter().any(|code| problem.says(code));
        if absent && known.is_none() { missing(kind, named) } else { problem }
    })?;
    Ok(Answer::ok(&Done::of(&receipt)).at(receipt.appended.last()))
}

/// The company that the path names, if the caller may see it.
async fn company(look: &Look) -> Result<CompanyId, Problem> {
    let id: CompanyId = look.id("company")?;
    Ok(look.record(id.into(), |view: &CompanyView| view.reseller).await?.company)
}

fn missing(kind: AssetKind, named: &str) -> Problem {
    Problem::not_found(&<&str>::from(kind).replace('_', " "), named)
}
