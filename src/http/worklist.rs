//! The worklist: what somebody should look at because it waits for the world outside, or went wrong there.
//!
//! It is made of several tables, each read oldest first from where the page before ended, and merged. Deliberately absent:
//! drafts, and lines that have failed, which ended and are told by notices.

use chrono::{DateTime, SecondsFormat, Utc};
use orderwire_domain::{
    order::line::{LineKind, LineStatus},
    views::{
        order_status::{LineView, OrderStage, OrderView},
        port_diary::{Jeopardy, PortStage, PortView},
        table::{Record, Value},
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
    page::{self, Listed},
    problem::Problem,
    request::Look,
    texts,
};
use crate::engine::{
    log::{Filter, Select},
    query::{self, equal},
};

/// The column by which every table of the list is read.
const ORDER: &str = "updated_at";
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
    HeldOrder,
    PendingOrder,
}

/// One thing to look at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorklistItem)]
struct Item {
    /// Why it is here: `parked`, what fulfilment or a timer left out because it cannot be right; `jeopardy`, a port whose
    /// answer is overdue; `line`, with an outside system; `held`, a line on which work stopped; `port`, with the losing
    /// provider, the range holder or the network; `held_order`, on which work stopped; `pending_order`, which waits for
    /// information of its reseller.
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
    /// What kind of line, which status of the port or order, or what is parked.
    #[schema(example = "site")]
    what: String,
    /// What is wrong, where something is.
    detail: Option<String>,
}

/// Where an item stands on the list: since when, in microseconds, and by what key among those of the same moment. What is
/// parked has no moment, and comes first.
type Place = (Option<i64>, String);

/// List what should be looked at, oldest first.
#[utoipa::path(get, path = "/v1/operator/worklist", operation_id = "get_worklist", tag = tags::OPERATOR,
    params(("kind" = Option<Kind>, Query, description = "Only items of this kind."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of it; what is parked before everything.", body = Listed<Item>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["kind", "limit", "cursor"])?;
    look.ready(LineView::TABLE).await?;
    look.ready(PortView::TABLE).await?;
    let only: Option<Kind> = look.word("kind")?;
    let (limit, after) = (page::limit(&look)?, page::cursor::<Place>(&look)?);
    let part = Part { look: &look, after, limit: limit + 1 };
    let mut found = Vec::new();
    for kind in Kind::VARIANTS.iter().filter(|kind| only.is_none_or(|only| only == **kind)) {
        match kind {
            Kind::Parked => found.extend(part.parked()),
            Kind::Line => found.extend(part.lines(*kind, LineStatus::InProgress).await?),
            Kind::Held => found.extend(part.lines(*kind, LineStatus::Held).await?),
            Kind::Jeopardy => {
                let each = Jeopardy::VARIANTS.iter().map(|it| equal("jeopardy", <&str>::from(*it)));
                found.extend(part.ports(*kind, each).await?);
            }
            Kind::Port => {
                let each = ANSWERS.iter().map(|it| equal("status", <&str>::from(*it)));
                found.extend(part.ports(*kind, each).await?);
            }
            Kind::HeldOrder => found.extend(part.orders(*kind, OrderStage::Held).await?),
            Kind::PendingOrder => found.extend(part.orders(*kind, OrderStage::Pending).await?),
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(place, _)| page::opaque(place));
    let items = found.into_iter().map(|(_, item)| item).collect();
    Ok(Answer::list(&look, &Listed { items, next }))
}

/// The next items of a part of the list, as many as a page could need.
struct Part<'a> {
    look: &'a Look,
    after: Option<Place>,
    limit: usize,
}

impl Part<'_> {
    fn parked(&self) -> Vec<(Place, Item)> {
        let item = |(name, why): (String, String)| {
            let order = name.starts_with("ord_").then(|| name.clone());
            let port_request = name.starts_with("prt_").then(|| name.clone());
            let (kind, detail) = (Kind::Parked.to_string(), Some(why));
            let place = (None, name.clone());
            (place, Item { kind, since: None, order, line: None, port_request, what: name, detail })
        };
        let all = self.look.app.engine.parked().into_iter().map(item);
        all.filter(|(place, _)| self.after.as_ref().is_none_or(|after| place > after)).collect()
    }

    async fn lines(&self, kind: Kind, stage: LineStatus) -> Result<Vec<(Place, Item)>, Problem> {
        let mut found = Vec::new();
        for of in OUTSIDE {
            let filters = vec![equal("status", <&str>::from(stage)), equal("kind", <&str>::from(of))];
            let lines = self.oldest(filters, |_: &LineView| true).await?;
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
                (place(line.updated_at, &line), item)
            }));
        }
        Ok(found)
    }

    async fn ports(
        &self,
        kind: Kind,
        each: impl Iterator<Item = Filter>,
    ) -> Result<Vec<(Place, Item)>, Problem> {
        let mut found = Vec::new();
        for filter in each {
            // What is in danger is told as that.
            let told = |port: &PortView| kind == Kind::Jeopardy || port.jeopardy.is_none();
            let ports = self.oldest(vec![filter], told).await?;
            found.extend(ports.into_iter().map(|port| {
                let item = Item {
                    kind: kind.to_string(),
                    since: Some(port.updated_at.into()),
                    order: Some(port.order.to_string()),
                    line: Some(port.line.0),
                    port_request: Some(port.port_request.to_string()),
                    what: port.status.to_string(),
                    detail: port.jeopardy.map(|it| it.to_string()),
                };
                (place(port.updated_at, &port), item)
            }));
        }
        Ok(found)
    }

    async fn orders(&self, kind: Kind, stage: OrderStage) -> Result<Vec<(Place, Item)>, Problem> {
        let orders = self.oldest(vec![equal("status", <&str>::from(stage))], |_: &OrderView| true).await?;
        let item = |order: OrderView| {
            let due = order.information_due.map(|due| due.to_rfc3339_opts(SecondsFormat::Millis, true));
            let item = Item {
                kind: kind.to_string(),
                since: Some(order.updated_at.into()),
                order: Some(order.order.to_string()),
                line: None,
                port_request: None,
                what: order.status.to_string(),
                detail: due.map(|due| format!("the information is due by {due}")),
            };
            (place(order.updated_at, &order), item)
        };
        Ok(orders.into_iter().map(item).collect())
    }

    /// The oldest records behind the page before that are told; a page of those that are not does not end the list.
    async fn oldest<T: Record>(
        &self,
        filters: Vec<Filter>,
        told: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, Problem> {
        let mut after = match &self.after {
            Some((Some(since), key)) => Some((Value::Integer(*since), key.clone())),
            // Everything with a moment comes after what is parked.
            Some((None, _)) | None => None,
        };
        let mut found: Vec<T> = Vec::new();
        loop {
            let select = Select {
                table: T::TABLE,
                filters: filters.clone(),
                order: ORDER,
                descending: false,
                after,
                limit: self.limit,
            };
            let records: Vec<T> = query::select(self.look.app.engine.log(), &select).await?;
            let last = records.last().filter(|_| records.len() == self.limit);
            after = last.map(|last| (since(last), last.key()));
            found.extend(records.into_iter().filter(&told));
            if after.is_none() || found.len() >= self.limit {
                return Ok(found);
            }
        }
    }
}

fn since<T: Record>(record: &T) -> Value {
    let column = T::TABLE.columns.iter().position(|column| column.name == ORDER);
    let value = column.and_then(|column| record.columns().into_iter().nth(column));
    value.expect("every table of the list has the column that orders it")
}

fn place(since: DateTime<Utc>, record: &impl Record) -> Place {
    (Some(since.timestamp_micros()), record.key())
}
