//! Orders by state over time, and how long they stayed in each.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    audit::{
        Moment,
        stats::{self, Point, Stays},
    },
    http::{
        answer::{Answer, Time},
        api::Api,
        auth::Access,
        openapi::tags,
        problem::Problem,
        request::Look,
    },
};

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(show))
}

/// Orders by state over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditStats)]
struct StatsBody {
    /// The first moment.
    from: Time,
    /// The last one.
    to: Time,
    /// The last position of the log that was looked at.
    position: u64,
    /// Orders that had been begun by the last moment.
    orders: u64,
    /// Each state that an order was in.
    states: Vec<StaysBody>,
    /// How many orders were in which state at evenly spaced moments.
    series: Vec<PointBody>,
}

/// How long orders stayed in a state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditStays)]
struct StaysBody {
    /// The state.
    #[schema(example = "in_progress")]
    state: &'static str,
    /// Orders in it at the last moment.
    now: u64,
    /// Stays that ended between the two moments; what has ended for good has none.
    left: u64,
    /// Half of these stays were no longer, in seconds, to a thousandth of it.
    median_s: Option<f64>,
    /// 95 of 100 were no longer.
    p95_s: Option<f64>,
    /// The longest.
    longest_s: Option<f64>,
}

/// How many orders were in which state at a moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPoint)]
struct PointBody {
    /// The moment.
    at: Time,
    /// By state; where there were none, it is left out.
    #[schema(value_type = BTreeMap<String, u64>)]
    orders: BTreeMap<&'static str, u64>,
}

/// Count orders by state over time, and how long they stayed in each.
///
/// The log is read once, so a long one takes its time.
#[utoipa::path(get, path = "/v1/audit/stats", operation_id = "audit_stats", tag = tags::AUDIT,
    params(("from" = Option<String>, Query, description = "From this time on (RFC 3339); from the first event where none is given."),
        ("to" = Option<String>, Query, description = "Up to this time; up to the last event where none is given.")),
    responses((status = 200, description = "The figures.", body = StatsBody)))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&["from", "to"])?;
    let found = stats::stats(&look.app.engine, time(&look, "from")?, time(&look, "to")?).await?;
    let stays = |Stays { state, now, left, median_s, p95_s, longest_s }| StaysBody {
        state,
        now,
        left,
        median_s,
        p95_s,
        longest_s,
    };
    let point = |Point { at, orders }| PointBody { at: at.into(), orders };
    Ok(Answer::ok(&StatsBody {
        from: found.from.into(),
        to: found.to.into(),
        position: found.position,
        orders: found.orders,
        states: found.states.into_iter().map(stays).collect(),
        series: found.series.into_iter().map(point).collect(),
    }))
}

fn time(look: &Look, name: &str) -> Result<Option<DateTime<Utc>>, Problem> {
    match look.parsed(name)? {
        None => Ok(None),
        Some(Moment::Time(time)) => Ok(Some(time)),
        Some(Moment::Position(_)) => {
            Err(Problem::parameter(name, "moment_malformed", "it is a position", "a time (RFC 3339)"))
        }
    }
}
