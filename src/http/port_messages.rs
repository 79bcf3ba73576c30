//! What losing providers, range holders and the network say of a port request, as the carrier passes it on.
//!
//! Every message has the id that its sender gave it and is applied at most once. Nothing a supplier says is refused for where
//! the request is: the answer tells what became of the message, and why where it changed nothing.

use axum::http::StatusCode;
use orderwire_domain::{
    calendar::PortWindow,
    fact::Happened,
    ids::PortRequestId,
    joint::Command,
    names::{FreeText, MessageId},
    number::NumberSet,
    port_request::{
        PortRequest,
        commands::PortCommand,
        events::{IgnoredBecause, PortEvent, Supplier},
        reason::PortRejection,
    },
    views::port_diary::PortView,
};
use serde::Serialize;
use strum::{Display, VariantArray};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    message_schemas::PortMessage,
    openapi::tags,
    port_bodies::PortBody,
    ports::{owner_of, visible},
    problem::Problem,
    request::Call,
};
use crate::{
    edge::{
        lines,
        reader::{Fields, Spot},
    },
    engine::{Engine, Receipt, log::Appended, readers},
};

/// Most reasons that are read of one rejection; the rules may take fewer.
const REASONS_MAX: usize = 50;

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Operator, routes!(hear))
}

/// What became of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortMessageHeard)]
struct Heard {
    /// `applied`; `ignored`, where it changes nothing; or `known`, where it was heard before.
    #[schema(example = "applied")]
    outcome: &'static str,
    /// Why it changed nothing.
    why: Option<Unheeded>,
    /// The port request as the message left it.
    port_request: PortBody,
}

/// Why a message changed nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortMessageUnheeded)]
struct Unheeded {
    /// A stable word.
    #[schema(example = "not_expected")]
    code: &'static str,
    /// What it means.
    detail: &'static str,
}

#[derive(Clone, Copy, Display, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum Kind {
    LcpAccept,
    LcpAcceptAsComplex,
    LcpWithdraw,
    RhAccept,
    Reject,
    AcceptDateChange,
    RefuseDateChange,
    NetworkReport,
    Restore,
}

/// A message as it was read.
struct Said {
    message: MessageId,
    what: What,
}

enum What {
    LcpAccept(Option<PortWindow>),
    LcpAcceptAsComplex(PortWindow),
    LcpWithdraw(FreeText),
    RhAccept,
    Reject(Supplier, Vec<PortRejection>),
    AcceptDateChange(Option<PortWindow>),
    RefuseDateChange,
    NetworkReport(Live),
    Restore(Supplier),
}

enum Live {
    All,
    These(NumberSet),
}

/// Pass on what a supplier says of a port request.
///
/// It is applied at most once: where the same sender's id was heard before, whatever that message said, nothing happens.
/// Losing providers, range holders and the network have ids of their own each. An id that its sender used at another port
/// request is refused as `message_known`. What crossed with ours is noted and changes nothing; `why` says so.
#[utoipa::path(post, path = "/v1/operator/port-requests/{id}/messages", operation_id = "hear_port_message",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the port request.")),
    request_body(content = PortMessage, example = json!({ "message": "205-4711", "kind": "lcp_accept",
        "window": { "date": "2027-02-09", "from": "09:00", "to": "12:00" } })),
    responses((status = 200, description = "It is heard.", body = Heard),
        (status = 202, description = "It is heard, and cannot be shown yet.", body = Done)))]
async fn hear(call: Call) -> Result<Answer, Problem> {
    let view = visible(&call.look).await?;
    let said = call.read(|it| said(&it))?;
    let id = view.port_request;
    let command = command(&call, &view, said).await?;
    let receipt = call.change(id.into(), &Command::Port { port_request: id, command }).await?;
    let engine = &call.look.app.engine;
    let why = ignored(engine, id, &receipt).await?.map(unheeded);
    let outcome = match &why {
        _ if receipt.appended.count == 0 => "known",
        Some(_) => "ignored",
        None => "applied",
    };
    let Some(view) = call.shown::<PortView>(&receipt, &id.to_string()).await? else {
        return Ok(call.done(&receipt));
    };
    let position = view.position;
    let heard = Heard { outcome, why, port_request: view.into() };
    Ok(Answer::new(StatusCode::OK, &heard).at(receipt.appended.last()).tagged(position))
}

fn said(spot: &Spot<'_>) -> Option<Said> {
    spot.object(|fields| {
        let message = fields.required("message", |it| it.parsed());
        let Some(kind) = fields.required("kind", |it| it.word(Kind::VARIANTS)) else {
            // Which fields there should be depends on the kind.
            fields.take_all();
            return None;
        };
        let what = what(kind, fields);
        Some(Said { message: message?, what: what? })
    })
}

fn what(kind: Kind, fields: &Fields<'_>) -> Option<What> {
    let by = |known: &'static [Supplier]| {
        fields.optional("by", |it| it.word(known)).map(|by| by.unwrap_or(Supplier::Lcp))
    };
    let window = || fields.optional("window", |it| lines::window(&it));
    Some(match kind {
        Kind::LcpAccept => What::LcpAccept(window()?),
        Kind::LcpAcceptAsComplex => {
            What::LcpAcceptAsComplex(fields.required("window", |it| lines::window(&it))?)
        }
        Kind::LcpWithdraw => What::LcpWithdraw(fields.required("reason", |it| it.parsed())?),
        Kind::RhAccept => What::RhAccept,
        Kind::Reject => {
            let by = by(&[Supplier::Lcp, Supplier::Rh]);
            let reasons = fields.required("reasons", |it| {
                it.list(REASONS_MAX, |reason| reason.word(PortRejection::VARIANTS))
            });
            What::Reject(by?, reasons?)
        }
        Kind::AcceptDateChange => What::AcceptDateChange(window()?),
        Kind::RefuseDateChange => What::RefuseDateChange,
        Kind::NetworkReport => What::NetworkReport(live(fields)?),
        Kind::Restore => What::Restore(by(Supplier::VARIANTS)?),
    })
}

fn live(fields: &Fields<'_>) -> Option<Live> {
    let all = fields.optional("all_live", |it| it.flag());
    let these = fields.optional("live", |it| lines::number_set(&it, 0));
    match (all?.unwrap_or_default(), these?) {
        (true, None) => Some(Live::All),
        (false, Some(these)) => Some(Live::These(these)),
        (both, _) => fields.one_of(&["live", "all_live"], both),
    }
}

async fn command(call: &Call, view: &PortView, said: Said) -> Result<PortCommand, Problem> {
    use PortCommand as P;
    let message = said.message;
    let asked = |window: Option<PortWindow>| window.unwrap_or(view.other_window.unwrap_or(view.window));
    Ok(match said.what {
        What::LcpAccept(window) => P::LcpAccept { message, window: asked(window) },
        What::LcpAcceptAsComplex(proposed) => P::LcpAcceptAsComplex { message, proposed },
        What::LcpWithdraw(reason) => {
            let reason = call.seal(owner_of(view), reason).await?;
            P::LcpWithdraw { message, reason }
        }
        What::RhAccept => P::RhAccept { message },
        What::Reject(by, reasons) => P::SupplierReject { message, by, reasons },
        What::AcceptDateChange(window) => P::AcceptDateChange { message, window: asked(window) },
        What::RefuseDateChange => P::RefuseDateChange { message },
        What::NetworkReport(Live::These(live)) => P::NetworkReport { message, live },
        What::NetworkReport(Live::All) => {
            let (_, port) = call.look.app.engine.load::<PortRequest>(view.port_request).await?;
            P::NetworkReport { message, live: port.numbers() }
        }
        What::Restore(by) => P::Restore { message, by },
    })
}

/// Why the message of a write changed nothing, if it did not: its event says so, for a retry too.
async fn ignored(
    engine: &Engine,
    id: PortRequestId,
    receipt: &Receipt,
) -> Result<Option<IgnoredBecause>, Problem> {
    let Appended { first, count, .. } = receipt.appended;
    if count == 0 {
        return Ok(None);
    }
    let events = engine.page(first - 1, 1).await?;
    let fact = events.first().map(readers::fact).transpose()?;
    Ok(match fact.map(|fact| fact.happened) {
        Some(Happened::PortRequest(of, PortEvent::SupplierMessageIgnored { why, .. })) if of == id => {
            Some(why)
        }
        _ => None,
    })
}

fn unheeded(why: IgnoredBecause) -> Unheeded {
    let (code, detail) = match why {
        IgnoredBecause::NotExpected => ("not_expected", "the port request does not expect it now"),
        IgnoredBecause::Ended => ("ended", "the port request has ended"),
        IgnoredBecause::UnknownNumbers => ("unknown_numbers", "it names numbers that are not in the request"),
        IgnoredBecause::ImpossibleDate => ("impossible_date", "it names a date that cannot be"),
        IgnoredBecause::EarlierThanAsked => {
            ("earlier_than_asked", "it accepts an earlier date than was asked for")
        }
        IgnoredBecause::TooLate => ("too_late", "the restoration period is over"),
    };
    Unheeded { code, detail }
}
