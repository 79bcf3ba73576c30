//! What a company has: sites with their users, devices and trunks, and its numbers; listed, shown, and given up leaf first.
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
use crate::{edge, engine::query::equal};

/// The operations of a kind of asset. A function cannot be documented twice under two paths, hence the macro.
macro_rules! operations {
    ($kind:ident $body:ident $list:ident $list_id:literal $path:literal
     $show:ident $show_id:literal $remove:ident $remove_id:literal $path_of_one:literal
     lists $lists:literal shows $shows:literal removes $removes:literal $rule:literal) => {
        #[utoipa::path(get, path = $path, operation_id = $list_id, tag = tags::QUALIFY, summary = $lists,
            params(("id" = String, Path, description = "The service reference of the company."),
                ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
                ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
            responses((status = 200, description = "A page of them.", body = Listed<$body>)))]
        async fn $list(look: Look) -> Result<Answer, Problem> {
            list::<$body>(&look, AssetKind::$kind).await
        }

        #[utoipa::path(get, path = $path_of_one, operation_id = $show_id, tag = tags::QUALIFY, summary = $shows,
            params(("id" = String, Path, description = "The service reference of the company."),
                ("asset" = String, Path, description = "Its service id.")),
            responses((status = 200, description = "What it is.", body = $body)))]
        async fn $show(look: Look) -> Result<Answer, Problem> {
            show::<$body>(&look, AssetKind::$kind).await
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
    show_site "get_company_site" remove_site "remove_company_site" "/v1/companies/{id}/sites/{asset}"
    lists "List the sites of a company." shows "Show a site of a company."
    removes "Close a site of a company."
    "Refused while users, PBXs or emergency details hang on it, or an open order is for it. Its numbers stay with the company."
}
operations! {
    User UserBody list_users "list_company_users" "/v1/companies/{id}/users"
    show_user "get_company_user" remove_user "remove_company_user" "/v1/companies/{id}/users/{asset}"
    lists "List the users of a company." shows "Show a user of a company."
    removes "Remove a user of a company."
    "Refused while devices or add-ons hang on it, or an open order is for it. Its numbers stay with the site; username and extension are free."
}
operations! {
    Device DeviceBody list_devices "list_company_devices" "/v1/companies/{id}/devices"
    show_device "get_company_device" remove_device "remove_company_device" "/v1/companies/{id}/devices/{asset}"
    lists "List the devices of a company." shows "Show a device of a company."
    removes "Take a device of a company away."
    "Its MAC address is free again."
}
operations! {
    AddOn AddOnBody list_add_ons "list_company_add_ons" "/v1/companies/{id}/add-ons"
    show_add_on "get_company_add_on" remove_add_on "remove_company_add_on" "/v1/companies/{id}/add-ons/{asset}"
    lists "List the add-ons that users of a company got later." shows "Show an add-on that a user got later."
    removes "End an add-on of a user."
    "Add-ons that came with their user end with it."
}
operations! {
    Pbx PbxBody list_pbxs "list_company_pbxs" "/v1/companies/{id}/pbxs"
    show_pbx "get_company_pbx" remove_pbx "remove_company_pbx" "/v1/companies/{id}/pbxs/{asset}"
    lists "List the PBXs of a company." shows "Show a PBX of a company."
    removes "Remove a PBX of a company."
    "Refused while trunks hang on it, or an open order is for it."
}
operations! {
    Trunk TrunkBody list_trunks "list_company_trunks" "/v1/companies/{id}/trunks"
    show_trunk "get_company_trunk" remove_trunk "remove_company_trunk" "/v1/companies/{id}/trunks/{asset}"
    lists "List the trunks of a company." shows "Show a trunk of a company."
    removes "Remove a trunk of a company."
    "Its channels can be used by other trunks."
}
operations! {
    EmergencyDetails EmergencyBody list_emergency "list_company_emergency_details" "/v1/companies/{id}/emergency-details"
    show_emergency "get_company_emergency_details" remove_emergency "remove_company_emergency_details" "/v1/companies/{id}/emergency-details/{asset}"
    lists "List what emergency services are told about the sites of a company." shows "Show what emergency services are told about a site."
    removes "Withdraw what emergency services are told."
    "A site is closed after that."
}

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(list_sites))
        .route(Access::Tenant, routes!(show_site, remove_site))
        .route(Access::Tenant, routes!(list_users))
        .route(Access::Tenant, routes!(show_user, remove_user))
        .route(Access::Tenant, routes!(list_devices))
        .route(Access::Tenant, routes!(show_device, remove_device))
        .route(Access::Tenant, routes!(list_add_ons))
        .route(Access::Tenant, routes!(show_add_on, remove_add_on))
        .route(Access::Tenant, routes!(list_pbxs))
        .route(Access::Tenant, routes!(show_pbx, remove_pbx))
        .route(Access::Tenant, routes!(list_trunks))
        .route(Access::Tenant, routes!(show_trunk, remove_trunk))
        .route(Access::Tenant, routes!(list_emergency))
        .route(Access::Tenant, routes!(show_emergency, remove_emergency))
        .route(Access::Tenant, routes!(list_numbers))
        .route(Access::Tenant, routes!(show_number, cease_number))
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

/// Show a number of a company.
#[utoipa::path(get, path = "/v1/companies/{id}/numbers/{number}", operation_id = "get_company_number",
    tag = tags::QUALIFY, params(("id" = String, Path, description = "The service reference of the company."),
        ("number" = String, Path, description = "The number.", example = "+441134960100")),
    responses((status = 200, description = "Who has it there, and where it works.", body = NumberBody)))]
async fn show_number(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let company = company(&look).await?;
    let named = look.named("number");
    let missing = || Problem::not_found("number", named);
    let number: TelephoneNumber = named.parse().map_err(|_| missing())?;
    let found: Option<NumberView> = look.newest(&number.to_string()).await?;
    let own = found.filter(|view| view.company == Some(company)).ok_or_else(missing)?;
    Ok(Answer::ok(&NumberBody::from(own)))
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
    let command = Command::CeaseNumbers { company, numbers };
    let receipt = call.change_placing(company.into(), &command, of_the_path).await;
    let receipt = receipt.map_err(|problem| {
        // A retry of what was done is answered before this; another's number is answered for as none.
        let absent = ["numbers_not_in_service", "not_permitted"].iter().any(|code| problem.says(code));
        if absent && before.number(number).is_none() { missing() } else { problem }
    })?;
    Ok(Answer::ok(&Done::of(&receipt)).at(receipt.appended.last()))
}

/// The number stands in the path: there is no body for a problem to point into.
fn of_the_path(mut problems: Vec<edge::Problem>) -> Vec<edge::Problem> {
    for problem in &mut problems {
        problem.pointer.clear();
    }
    problems
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

async fn show<T: Shown>(look: &Look, kind: AssetKind) -> Result<Answer, Problem> {
    look.only(&[])?;
    let company = company(look).await?;
    let named = look.named("asset");
    let id: AssetId = named.parse().map_err(|_| missing(kind, named))?;
    let found: Option<AssetView> = look.newest(&id.to_string()).await?;
    let own = found.filter(|asset| asset.company == company).ok_or_else(|| missing(kind, named))?;
    let asset = Asset::from(&own);
    let shown = T::of(look, asset, own.plan).await?;
    Ok(Answer::ok(&shown.ok_or_else(|| missing(kind, named))?))
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
