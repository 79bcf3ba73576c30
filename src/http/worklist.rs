//! The worklist: what somebody should look at because it waits for the world outside, or went wrong there.
//!
//! It shrinks as it is worked off, so it has no cursor: whoever has done the oldest asks again. Deliberately absent: what
//! waits for a reseller, and lines that have failed, which ended and are told by notices.

use chrono::{DateTime, Utc};
use orderwire_domain::{
    order::line::{LineKind, LineStatus},
    views::{
        order_status::LineView,
        port_diary::{Jeopardy, PortStage, PortView},
        table::Record,
    },
};
use serde::Serialize;
use strum::{Display, IntoStaticStr, VariantArray};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Time},
    api::Api,
    auth::Access,
    openapi::tags,
    problem::Problem,
    request::Look,
    texts,
};
use crate::engine::{
    log::{Filter, Select},
    query::{self, equal},
};

/// Most items at once, and how many where nobody says.
const LIMIT_MAX: u64 = 500;
const LIMIT: u64 = 100;
/// The kinds of line that an outside system does; the others are done here, or by the conversation of their port.
const OUTSIDE: [LineKind; 7] = [
    LineKind::Site,
    LineKind::EmergencyDetails,
    LineKind::User,
    LineKind::AddOn,
    LineKind::Device,
    LineKind::Pbx,
    LineKind::Trunk,
];
/// Where a port waits for somebody else's answer.
const ANSWERS: [PortStage; 4] =
    [PortStage::AwaitingLcp, PortStage::AwaitingRh, PortStage::DateChangePending, PortStage::Activating];

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Operator, routes!(list))
}

/// Why something is on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, IntoStaticStr, VariantArray, ToSchema)]
#[schema(as = WorklistKind, rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
enum Kind {
    Parked,
    Jeopardy,
    Line,
    Held,
    Port,
}

/// Everything that should be looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Worklist)]
struct Worklist {
    /// The oldest, first; what is parked before everything.
    items: Vec<Item>,
    /// Whether there is more.
    more: bool,
}

/// One thing to look at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorklistItem)]
struct Item {
    /// Why it is here: `parked`, what fulfilment or a timer left out because it cannot be right; `jeopardy`, a port whose
    /// answer is overdue; `line`, with an outside system; `held`, a line on which work stopped; `port`, with the losing
    /// provider, the range holder or the network.
    #[schema(value_type = Kind)]
    kind: String,
    /// Since when; null for what is parked, which is tried again after a restart.
    since: Option<Time>,
    /// The order.
    #[schema(value_type = Option<texts::OrderId>)]
    order: Option<String>,
    /// Its line.
    line: Option<u32>,
    /// The port request.
    #[schema(value_type = Option<texts::PortRequestId>)]
    port_request: Option<String>,
    /// What kind of line, which status of the port, or what is parked.
    #[schema(example = "site")]
    what: String,
    /// What is wrong, where something is.
    detail: Option<String>,
}

/// List what should be looked at, oldest first.
#[utoipa::path(get, path = "/v1/operator/worklist", operation_id = "get_worklist", tag = tags::OPERATOR,
    params(("kind" = Option<Kind>, Query, description = "Only `parked`, `jeopardy`, `line`, `held` or `port`."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500.")),
    responses((status = 200, description = "The oldest of it.", body = Worklist)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["kind", "limit"])?;
    look.ready(LineView::TABLE).await?;
    look.ready(PortView::TABLE).await?;
    let only: Option<Kind> = look.word("kind")?;
    let limit = look.whole("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found: Vec<(Option<DateTime<Utc>>, Item)> = Vec::new();
    for kind in Kind::VARIANTS.iter().filter(|kind| only.is_none_or(|only| only == **kind)) {
        match kind {
            Kind::Parked => found.extend(parked(&look)),
            Kind::Line => found.extend(lines(&look, *kind, LineStatus::InProgress, limit + 1).await?),
            Kind::Held => found.extend(lines(&look, *kind, LineStatus::Held, limit + 1).await?),
            Kind::Jeopardy => {
                let each = Jeopardy::VARIANTS.iter().map(|it| equal("jeopardy", <&str>::from(*it)));
                found.extend(ports(&look, *kind, each, limit + 1).await?);
            }
            Kind::Port => {
                let each = ANSWERS.iter().map(|it| equal("status", <&str>::from(*it)));
                found.extend(ports(&look, *kind, each, limit + 1).await?);
            }
        }
    }
    found.sort_by_key(|(since, _)| *since);
    let more = found.len() > limit;
    found.truncate(limit);
    Ok(Answer::ok(&Worklist { items: found.into_iter().map(|(_, item)| item).collect(), more }))
}

fn parked(look: &Look) -> Vec<(Option<DateTime<Utc>>, Item)> {
    let item = |(name, why): (String, String)| {
        let order = name.starts_with("ord_").then(|| name.clone());
        let port_request = name.starts_with("prt_").then(|| name.clone());
        let kind = Kind::Parked.to_string();
        (None, Item { kind, since: None, order, line: None, port_request, what: name, detail: Some(why) })
    };
    look.app.engine.parked().into_iter().map(item).collect()
}

async fn lines(
    look: &Look,
    kind: Kind,
    stage: LineStatus,
    limit: usize,
) -> Result<Vec<(Option<DateTime<Utc>>, Item)>, Problem> {
    let mut found = Vec::new();
    for of in OUTSIDE {
        let filters = vec![equal("status", <&str>::from(stage)), equal("kind", <&str>::from(of))];
        let lines: Vec<LineView> = oldest(look, filters, limit).await?;
        found.extend(lines.into_iter().map(|line| {
            let item = Item {
                kind: kind.to_string(),
                since: Some(line.updated_at.into()),
                order: Some(line.order.to_string()),
                line: Some(line.line.0),
                port_request: None,
                what: line.kind.to_string(),
                detail: None,
            };
            (Some(line.updated_at), item)
        }));
    }
    Ok(found)
}

async fn ports(
    look: &Look,
    kind: Kind,
    each: impl Iterator<Item = Filter>,
    limit: usize,
) -> Result<Vec<(Option<DateTime<Utc>>, Item)>, Problem> {
    let mut found = Vec::new();
    for filter in each {
        let ports: Vec<PortView> = oldest(look, vec![filter], limit).await?;
        // What is in danger is told as that.
        let told = |port: &PortView| kind == Kind::Jeopardy || port.jeopardy.is_none();
        found.extend(ports.into_iter().filter(told).map(|port| {
            let item = Item {
                kind: kind.to_string(),
                since: Some(port.updated_at.into()),
                order: Some(port.order.to_string()),
                line: Some(port.line.0),
                port_request: Some(port.port_request.to_string()),
                what: port.status.to_string(),
                detail: port.jeopardy.map(|it| it.to_string()),
            };
            (Some(port.updated_at), item)
        }));
    }
    Ok(found)
}

async fn oldest<T: Record>(look: &Look, filters: Vec<Filter>, limit: usize) -> Result<Vec<T>, Problem> {
    let order = "updated_at";
    let select = Select { table: T::TABLE, filters, order, descending: false, after: None, limit };
    Ok(query::select(look.app.engine.log(), &select).await?)
}
