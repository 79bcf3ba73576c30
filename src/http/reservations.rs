//! Reservations and ring-fences: numbers held for a company, looked at, and given up.
//!
//! Deliberately absent: which numbers a search finds and how long a reservation lasts, which the engine and the rules say;
//! and the order that uses them up, which names the reservation in a numbers line.

use axum::http::StatusCode;
use orderwire_domain::{
    company::commands::CompanyCommand,
    ids::{CompanyId, ReservationId},
    joint::Command,
    number::NumberSet,
    order::line::NumberAsk,
    views::{
        company_directory::CompanyView,
        reservations::{ReservationStage, ReservationView},
        table::Record as _,
    },
};
use serde::Serialize;
use strum::{Display, VariantArray};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done, Time},
    api::Api,
    auth::Access,
    line_schemas::NumberSearch,
    openapi::tags,
    page::{self, Listed},
    problem::Problem,
    request::{Call, Look},
    texts, words,
};
use crate::{
    edge::{self, lines},
    engine::query::equal,
};

const WHAT: &str = "reservation";

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(reserve, list)).route(Access::Tenant, routes!(show, release))
}

/// How long numbers are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, VariantArray, ToSchema)]
#[schema(as = ReservationKind, rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
enum Kind {
    Reserve,
    RingFence,
}

/// Numbers to be held.
struct NewReservation {
    company: CompanyId,
    kind: Kind,
    ask: NumberAsk,
}

/// Numbers to be held.
#[derive(ToSchema)]
#[schema(as = NewReservation)]
#[expect(dead_code, reason = "this says to the reader of the API what is read field by field")]
struct NewReservationBody {
    /// For which company: its service reference.
    #[schema(value_type = texts::CompanyId)]
    company: String,
    /// `reserve`, for 14 days and never beyond the company's qualification; or `ring_fence`, until used or released.
    #[schema(value_type = Kind)]
    kind: String,
    /// Which numbers; all of them or none.
    ask: ReservationAsk,
}

/// Which numbers: these, or some that are found.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the edge reads it; this says to the reader of the API what it is")]
enum ReservationAsk {
    /// These: at least one, and at most 10,000.
    Numbers(Vec<texts::NumberRange>),
    /// So many free ones, wherever there are.
    Search(NumberSearch),
}

/// Numbers held for a company.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reservation)]
pub struct ReservationBody {
    /// Its id, which a numbers line of an order can name.
    #[schema(value_type = texts::ReservationId)]
    id: String,
    /// The company that they are held for.
    #[schema(value_type = texts::CompanyId)]
    company: String,
    /// `reserve` or `ring_fence`.
    #[schema(value_type = Kind)]
    kind: String,
    /// `live`; or how it ended: `consumed`, `released` or `expired`.
    #[schema(value_type = words::ReservationStatus)]
    status: String,
    /// Until when; a ring-fence has no end.
    expires_at: Option<Time>,
    /// How many numbers it holds that no order uses.
    quantity: u64,
    /// The numbers that it holds and no order uses, as ranges.
    #[schema(example = json!(["+441134960100-+441134960139"]))]
    numbers: Vec<String>,
    /// Those that a submitted order uses: neither time nor release takes them away.
    committed: Vec<String>,
    /// Since when.
    created_at: Time,
    /// When it ended.
    ended_at: Option<Time>,
}

/// Hold numbers for a company.
///
/// All of them or none. Where somebody else has one of them, the answer is 409 `taken` and names it; where a search finds too
/// few, `not_enough_numbers` says how many there are, and nothing is held.
#[utoipa::path(post, path = "/v1/reservations", operation_id = "reserve_numbers", tag = tags::RESERVE,
    request_body(content = NewReservationBody, example = json!({
        "company": "com_01890a5d000070008000000000000001", "kind": "reserve",
        "ask": { "search": { "by": { "area_code": "0113" }, "quantity": 40, "contiguous": true } } })),
    responses((status = 201, description = "They are held.", body = ReservationBody),
        (status = 202, description = "They are, and cannot be shown yet.", body = Done)))]
async fn reserve(call: Call) -> Result<Answer, Problem> {
    call.unconditional()?;
    let NewReservation { company, kind, ask } = call.read(|it| {
        it.object(|fields| {
            let company = fields.required("company", |it| it.parsed());
            let kind = fields.required("kind", |it| it.word(Kind::VARIANTS));
            let ask = fields.required("ask", |it| {
                it.choice(&["numbers", "search"], |name, it| match name {
                    "numbers" => lines::number_set(&it, 1).map(NumberAsk::Numbers),
                    _ => lines::search(&it).map(NumberAsk::Search),
                })
            });
            Some(NewReservation { company: company?, kind: kind?, ask: ask? })
        })
    })?;
    let command = Command::ReserveNumbers { company, ask, ring_fence: kind == Kind::RingFence };
    let receipt = call.change_placing(company.into(), &command, at_the_ask).await?;
    let id: ReservationId = receipt.id(WHAT);
    let path = format!("/v1/reservations/{id}");
    let Some(view) = call.shown::<ReservationView>(&receipt, &id.to_string()).await? else {
        return Ok(call.done(&receipt).located(path));
    };
    let body = ReservationBody::from(view);
    Ok(Answer::new(StatusCode::CREATED, &body).at(receipt.appended.last()).located(path))
}

/// What is wrong with numbers, whichever way they were asked for, is wrong with the ask.
fn at_the_ask(mut problems: Vec<edge::Problem>) -> Vec<edge::Problem> {
    for problem in &mut problems {
        if problem.pointer == "/numbers" || problem.code == "number_taken" {
            "/ask".clone_into(&mut problem.pointer);
        }
    }
    problems
}

/// List the reservations of a company, newest first.
#[utoipa::path(get, path = "/v1/reservations", operation_id = "list_reservations", tag = tags::RESERVE,
    params(("company" = texts::CompanyId, Query, description = "The service reference of the company."),
        ("status" = Option<words::ReservationStatus>, Query,
            description = "Only those that are `live`, or have ended as `consumed`, `released` or `expired`."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<ReservationBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["company", "status", "limit", "cursor"])?;
    let Some(named) = look.text("company") else {
        let detail = "nobody says of which company";
        return Err(Problem::parameter("company", "parameter_missing", detail, "a service reference"));
    };
    let company: CompanyId = named.parse().map_err(|_| Problem::not_found("company", named))?;
    look.record(company.into(), |view: &CompanyView| view.reseller).await?;
    let status: Option<ReservationStage> = look.word("status")?;
    let mut filters = vec![equal("company", company.to_string())];
    filters.extend(status.map(|status| equal("status", <&str>::from(status))));
    let page = page::of::<ReservationView>(&look, filters, "created_at", true).await?;
    Ok(Answer::list(&look, &page.listed(ReservationBody::from)))
}

/// Show a reservation.
#[utoipa::path(get, path = "/v1/reservations/{id}", operation_id = "get_reservation", tag = tags::RESERVE,
    params(("id" = String, Path, description = "The id of the reservation.")),
    responses((status = 200, description = "The reservation.", body = ReservationBody)))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let view = visible(&look).await?;
    Ok(Answer::ok(&ReservationBody::from(view)))
}

/// Give a reservation up.
///
/// Its numbers are free again, but for those that a submitted order uses. `If-Match` is the `ETag` of its company.
#[utoipa::path(delete, path = "/v1/reservations/{id}", operation_id = "release_reservation", tag = tags::RESERVE,
    params(("id" = String, Path, description = "The id of the reservation.")),
    responses((status = 200, description = "It is released.", body = ReservationBody),
        (status = 202, description = "It is, and cannot be shown yet.", body = Done)))]
async fn release(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let ReservationView { company, reservation, .. } = visible(&call.look).await?;
    let command = CompanyCommand::ReleaseReservation { reservation };
    let receipt = call.change(company.into(), &Command::Company { company, command }).await;
    let receipt = match receipt {
        Err(problem) if problem.says("reservation_unknown") => {
            let detail = "the reservation has ended";
            return Err(Problem::new(StatusCode::CONFLICT, "not_permitted", detail));
        }
        receipt => receipt?,
    };
    let Some(view) = call.shown::<ReservationView>(&receipt, &reservation.to_string()).await? else {
        return Ok(call.done(&receipt));
    };
    Ok(Answer::ok(&ReservationBody::from(view)).at(receipt.appended.last()))
}

/// The reservation that the path names, if the caller may see it.
async fn visible(look: &Look) -> Result<ReservationView, Problem> {
    let id: ReservationId = look.id(WHAT)?;
    let found: Option<ReservationView> = look.newest(&id.to_string()).await?;
    let own = found.filter(|view| look.caller.sees(view.reseller));
    own.ok_or_else(|| Problem::not_found(WHAT, &id.to_string()))
}

impl From<ReservationView> for ReservationBody {
    fn from(view: ReservationView) -> Self {
        let ranges = |numbers: &NumberSet| numbers.runs().map(|run| run.to_string()).collect();
        Self {
            id: view.key(),
            company: view.company.to_string(),
            kind: if view.expires_at.is_some() { Kind::Reserve } else { Kind::RingFence }.to_string(),
            status: view.status.to_string(),
            expires_at: view.expires_at.map(Time),
            quantity: view.uncommitted.len() as u64,
            numbers: ranges(&view.uncommitted),
            committed: ranges(&view.committed),
            created_at: view.created_at.into(),
            ended_at: view.ended_at.map(Time),
        }
    }
}
