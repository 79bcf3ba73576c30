//! Port requests: looked at, allocated to a company, moved to another date, activated, given up.
//!
//! Deliberately absent: what losing providers, range holders and the network say ([`port_messages`](super::port_messages)),
//! and how a port is asked for, which is a line of an order.

use axum::http::StatusCode;
use chrono::{DateTime, SecondsFormat, Utc};
use orderwire_domain::{
    address::Postcode,
    calendar::PortWindow,
    ids::{CompanyId, OrderId, PortRequestId, StreamId},
    joint::Command,
    lead_time::PortClass,
    names::{Cupid, FreeText},
    number::TelephoneNumber,
    port_request::{
        PortRequest,
        commands::{PortChanges, PortCommand},
        events::PortCancellation,
    },
    sealed::Sealed,
    views::port_diary::{PortStage, PortView},
};
use strum::VariantArray as _;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    action_bodies::ActionsBody,
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    openapi::tags,
    page::{self, Listed},
    port_bodies::{NewWindow, PortBody, WindowRequest},
    problem::{Fault, Problem},
    request::{Call, Look},
    texts, words,
};
use crate::{
    edge::{lines, reader::Spot},
    engine::{Receipt, query::equal},
};

const WHAT: &str = "port request";
/// Why an activation is refused that may be possible later.
const NOT_NOW: [&str; 4] =
    ["not_permitted", "port_not_allocated", "port_window_not_open", "port_window_closed"];

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(list))
        .route(Access::Tenant, routes!(show))
        .route(Access::Tenant, routes!(allocate))
        .route(Access::Tenant, routes!(activate))
        .route(Access::Tenant, routes!(retry))
        .route(Access::Tenant, routes!(return_rest))
        .route(Access::Tenant, routes!(represent))
        .route(Access::Tenant, routes!(request_date))
        .route(Access::Tenant, routes!(agree_date))
        .route(Access::Tenant, routes!(refuse_date))
        .route(Access::Tenant, routes!(cancel))
        .route(Access::Tenant, routes!(actions))
}

/// Which company gets the numbers.
#[derive(ToSchema)]
#[schema(as = Allocation)]
struct Allocation {
    /// Its service reference.
    #[schema(value_type = texts::CompanyId)]
    company: CompanyId,
}

/// What a re-presented request says otherwise; at least one thing.
#[derive(ToSchema)]
#[schema(as = RePresentation)]
struct RePresentation {
    /// Another class; the losing provider's word wins.
    #[schema(value_type = Option<words::PortClass>)]
    class: Option<PortClass>,
    /// Another main billing number, of those in the request.
    #[schema(value_type = Option<texts::TelephoneNumber>)]
    main_number: Option<TelephoneNumber>,
    /// The CUPID of another losing provider.
    #[schema(value_type = Option<texts::Cupid>)]
    losing_provider: Option<Cupid>,
    /// Another postcode.
    #[schema(value_type = Option<texts::Postcode>)]
    postcode: Option<Postcode>,
    /// Another account at the losing provider; kept sealed.
    #[schema(value_type = Option<texts::FreeText>)]
    account: Option<FreeText>,
    /// Another signatory of the letter of authority; kept sealed.
    #[schema(value_type = Option<texts::FreeText>)]
    signatory: Option<FreeText>,
    /// Another window.
    #[schema(value_type = Option<NewWindow>)]
    window: Option<PortWindow>,
}

/// List port requests, newest first.
#[utoipa::path(get, path = "/v1/port-requests", operation_id = "list_port_requests", tag = tags::IMPORT,
    params(("state" = Option<words::PortStatus>, Query, description = "Only those in this status, such as `accepted`."),
        ("unallocated" = Option<bool>, Query, description = "`true`: only those whose numbers no company has; `false`: only the others."),
        ("order" = Option<texts::OrderId>, Query, description = "Only those of the order of this id."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<PortBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["state", "unallocated", "order", "limit", "cursor"])?;
    let state: Option<PortStage> = look.word("state")?;
    let order: Option<OrderId> = look.parsed("order")?;
    let unallocated = look.flag("unallocated")?;
    let mut filters = Vec::new();
    filters.extend(look.caller.reseller.map(|own| equal("reseller", own.to_string())));
    filters.extend(state.map(|state| equal("status", <&str>::from(state))));
    filters.extend(unallocated.map(|unallocated| equal("unallocated", i64::from(unallocated))));
    filters.extend(order.map(|order| equal("parent", order.to_string())));
    let page = page::of::<PortView>(&look, filters, "key", true).await?;
    Ok(Answer::list(&look, &page.listed(PortBody::from)))
}

/// Show a port request.
#[utoipa::path(get, path = "/v1/port-requests/{id}", operation_id = "get_port_request", tag = tags::IMPORT,
    params(("id" = String, Path, description = "The id of the port request.")),
    responses((status = 200, description = "The port request.", body = PortBody,
        headers(("ETag" = String, description = "For `If-Match`.")))))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let view = visible(&look).await?;
    let position = view.position;
    Ok(Answer::ok(&PortBody::of(&look, view).await?).tagged(position))
}

/// Let the numbers of a port belong to a company.
///
/// As soon as it is accepted, long before the numbers work. What uses the numbers can go on from then on.
#[utoipa::path(post, path = "/v1/port-requests/{id}/allocation", operation_id = "allocate_port", tag = tags::IMPORT,
    params(("id" = String, Path, description = "The id of the port request.")),
    request_body(content = Allocation, example = json!({ "company": "com_01890a5d000070008000000000000001" })),
    responses((status = 200, description = "The company has the numbers.", body = PortBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn allocate(call: Call) -> Result<Answer, Problem> {
    visible(&call.look).await?;
    let Allocation { company } = call.read(|it| {
        it.object(|fields| Some(Allocation { company: fields.required("company", |it| it.parsed())? }))
    })?;
    change(&call, StatusCode::OK, PortCommand::Allocate { company }).await
}

/// Move the numbers of a port now.
///
/// Once it is accepted and allocated, on its date, while the window is open. A 409 lists everything that is missing, and from
/// when until when it will be possible. Which numbers work then is told by the network.
#[utoipa::path(post, path = "/v1/port-requests/{id}/activation", operation_id = "activate_port", tag = tags::ACTIVATE,
    params(("id" = String, Path, description = "The id of the port request.")),
    responses((status = 202, description = "The network was asked.", body = PortBody)))]
async fn activate(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let done = change(&call, StatusCode::ACCEPTED, PortCommand::Activate).await;
    let Err(problem) = done else { return done };
    if !NOT_NOW.iter().any(|code| problem.says(code)) {
        return Err(problem);
    }
    let id: PortRequestId = call.look.id(WHAT)?;
    let engine = &call.look.app.engine;
    let (_, port) = engine.load::<PortRequest>(id).await?;
    let standing = call.look.standing(id.into()).await?;
    let detail = format!("the port request is {}", standing.status);
    let problem = Problem::new(StatusCode::CONFLICT, "not_ready", detail);
    Err(problem.listing(missing(&port, engine.now())).standing(standing.status, standing.open()))
}

/// Try the rest of the numbers again.
#[utoipa::path(post, path = "/v1/port-requests/{id}/retry", operation_id = "retry_port_activation",
    tag = tags::ACTIVATE, params(("id" = String, Path, description = "The id of the port request.")),
    responses((status = 202, description = "The network was asked.", body = PortBody)))]
async fn retry(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, StatusCode::ACCEPTED, PortCommand::RetryActivation).await
}

/// Keep the numbers that work; the rest goes back to the losing provider.
#[utoipa::path(post, path = "/v1/port-requests/{id}/return", operation_id = "return_rest_of_port",
    tag = tags::ACTIVATE, params(("id" = String, Path, description = "The id of the port request.")),
    responses((status = 200, description = "It is ported, with the numbers that work.", body = PortBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn return_rest(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, StatusCode::OK, PortCommand::ReturnRest).await
}

/// Change a rejected request and send it again.
///
/// Its day 0 is today's. A class that the losing provider corrected can make the date illegal: then name another window.
#[utoipa::path(post, path = "/v1/port-requests/{id}/re-presentation", operation_id = "represent_port",
    tag = tags::IMPORT, params(("id" = String, Path, description = "The id of the port request.")),
    request_body(content = RePresentation, example = json!({ "postcode": "EC1A 1BB",
        "window": { "date": "2027-02-09", "from": "09:00", "to": "12:00" } })),
    responses((status = 202, description = "It is with the losing provider again.", body = PortBody)))]
async fn represent(call: Call) -> Result<Answer, Problem> {
    let owner = owner_of(&visible(&call.look).await?);
    let said = call.read(|it| re_presentation(&it))?;
    let changes = PortChanges {
        class: said.class,
        main_number: said.main_number,
        losing_provider: said.losing_provider,
        postcode: said.postcode,
        account: sealed(&call, owner, said.account).await?,
        signatory: sealed(&call, owner, said.signatory).await?,
        window: said.window,
    };
    change(&call, StatusCode::ACCEPTED, PortCommand::Represent { changes }).await
}

/// Ask the losing provider for another date.
///
/// Until the cut-off, and with the full lead time again. If it refuses, the old date stays.
#[utoipa::path(post, path = "/v1/port-requests/{id}/date", operation_id = "request_port_date", tag = tags::IMPORT,
    params(("id" = String, Path, description = "The id of the port request.")),
    request_body(content = WindowRequest, example = json!({
        "window": { "date": "2027-02-09", "from": "09:00", "to": "12:00" } })),
    responses((status = 202, description = "The losing provider was asked.", body = PortBody)))]
async fn request_date(call: Call) -> Result<Answer, Problem> {
    let WindowRequest { window } = call.read(|it| WindowRequest::read(&it))?;
    change(&call, StatusCode::ACCEPTED, PortCommand::RequestDate { window }).await
}

/// Agree to the date that the losing provider proposed.
#[utoipa::path(post, path = "/v1/port-requests/{id}/date/agreement", operation_id = "agree_port_date",
    tag = tags::IMPORT, params(("id" = String, Path, description = "The id of the port request.")),
    responses((status = 200, description = "The numbers move then.", body = PortBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn agree_date(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, StatusCode::OK, PortCommand::AgreeDate).await
}

/// Refuse the date that the losing provider proposed, which cancels the port.
#[utoipa::path(post, path = "/v1/port-requests/{id}/date/refusal", operation_id = "refuse_port_date",
    tag = tags::IMPORT, params(("id" = String, Path, description = "The id of the port request.")),
    responses((status = 200, description = "It is cancelled.", body = PortBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn refuse_date(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, StatusCode::OK, PortCommand::RefuseDate).await
}

/// Give a port up.
///
/// With a confirmed date: until its cut-off. The line that wanted it ends too.
#[utoipa::path(post, path = "/v1/port-requests/{id}/cancellation", operation_id = "cancel_port", tag = tags::IMPORT,
    params(("id" = String, Path, description = "The id of the port request.")),
    responses((status = 200, description = "It is cancelled.", body = PortBody),
        (status = 202, description = "It is done, and cannot be shown yet.", body = Done)))]
async fn cancel(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    change(&call, StatusCode::OK, PortCommand::Cancel { why: PortCancellation::Requested }).await
}

/// Say what may be asked of a port request now.
///
/// For what may not: the rule, and what would unlock it.
#[utoipa::path(get, path = "/v1/port-requests/{id}/actions", operation_id = "list_port_actions", tag = tags::IMPORT,
    params(("id" = String, Path, description = "The id of the port request.")),
    responses((status = 200, description = "Everything that the caller could ask of one.", body = ActionsBody)))]
async fn actions(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let id = visible(&look).await?.port_request;
    Ok(Answer::ok(&ActionsBody::of(&look, id.into()).await?))
}

/// What an activation still needs, and when it will be possible.
fn missing(port: &PortRequest, now: DateTime<Utc>) -> Vec<Fault> {
    let fault = |code: &str, detail: &str, expected: String| Fault {
        pointer: String::new(),
        parameter: None,
        code: code.to_owned(),
        detail: detail.to_owned(),
        expected: Some(expected),
        line: None,
    };
    let window = match port {
        PortRequest::Accepted { window, .. } | PortRequest::ReadyToActivate { window, .. } => *window,
        PortRequest::DateChangePending { .. } => {
            let detail = "another date was asked for and is not answered yet";
            return vec![fault("port_date_open", detail, "an answer of the losing provider".to_owned())];
        }
        PortRequest::Lapsed { .. } => {
            let detail = "the window closed unused";
            return vec![fault("port_lapsed", detail, "another date, by asking for one".to_owned())];
        }
        PortRequest::Draft { .. }
        | PortRequest::AwaitingLcp { .. }
        | PortRequest::AwaitingRh { .. }
        | PortRequest::AwaitingDateAgreement { .. }
        | PortRequest::Rejected { .. } => {
            let detail = "it is not accepted by everybody it needs";
            return vec![fault("port_not_accepted", detail, "acceptance first".to_owned())];
        }
        _ => {
            let detail = "there is nothing to activate any more";
            return vec![fault("port_nothing_to_activate", detail, "nothing: look at its status".to_owned())];
        }
    };
    let mut faults = Vec::new();
    if port.request().is_some_and(|request| request.allocated.is_none()) {
        let expected = "an allocation to a company first".to_owned();
        faults.push(fault("port_not_allocated", "the numbers are not allocated to a company", expected));
    }
    let (opens, closes) = (window.opens_at(), window.closes_at());
    if faults.is_empty() || now < opens || now >= closes {
        let expected = format!("from {} until before {}", instant(opens), instant(closes));
        faults.push(fault("port_window", "it can be activated within its window only", expected));
    }
    faults
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn re_presentation(spot: &Spot<'_>) -> Option<RePresentation> {
    spot.object(|fields| {
        let class = fields.optional("class", |it| it.word(PortClass::VARIANTS));
        let main_number = fields.optional("main_number", |it| it.parsed());
        let losing_provider = fields.optional("losing_provider", |it| it.parsed());
        let postcode = fields.optional("postcode", |it| it.parsed());
        let account = fields.optional("account", |it| it.parsed());
        let signatory = fields.optional("signatory", |it| it.parsed());
        let window = fields.optional("window", |it| lines::window(&it));
        Some(RePresentation {
            class: class?,
            main_number: main_number?,
            losing_provider: losing_provider?,
            postcode: postcode?,
            account: account?,
            signatory: signatory?,
            window: window?,
        })
    })
}

async fn sealed(call: &Call, owner: StreamId, text: Option<FreeText>) -> Result<Option<Sealed>, Problem> {
    match text {
        Some(text) => call.seal(owner, text).await.map(Some),
        None => Ok(None),
    }
}

/// Whose key seals what is said about it.
pub(super) fn owner_of(view: &PortView) -> StreamId {
    view.company.map_or_else(|| view.reseller.into(), StreamId::from)
}

pub(super) async fn visible(look: &Look) -> Result<PortView, Problem> {
    let id: PortRequestId = look.id(WHAT)?;
    look.record(id.into(), |view: &PortView| view.reseller).await
}

async fn change(call: &Call, status: StatusCode, command: PortCommand) -> Result<Answer, Problem> {
    let port_request: PortRequestId = call.look.id(WHAT)?;
    let receipt = call.change(port_request.into(), &Command::Port { port_request, command }).await?;
    shown(call, status, port_request, &receipt).await
}

async fn shown(
    call: &Call,
    status: StatusCode,
    id: PortRequestId,
    receipt: &Receipt,
) -> Result<Answer, Problem> {
    let Some(view) = call.shown::<PortView>(receipt, &id.to_string()).await? else {
        return Ok(call.done(receipt));
    };
    let position = view.position;
    let body = PortBody::of(&call.look, view).await?;
    Ok(Answer::new(status, &body).at(receipt.appended.last()).tagged(position))
}
