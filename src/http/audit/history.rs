//! What happened to one thing, with what caused each step and what a table decided in it.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::stream;
use crate::{
    audit::timeline::{self, Cause, Entry, Ruling},
    edge,
    http::{
        answer::{Answer, Time},
        api::Api,
        auth::Access,
        openapi::tags,
        page::{self, Listed},
        problem::Problem,
        request::Look,
    },
};

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(list))
}

/// One event, with what led to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditStep)]
struct EntryBody {
    /// Where it is in the log.
    position: u64,
    /// Its number in the history of this resource.
    sequence: u64,
    /// When it was recorded.
    recorded_at: Time,
    /// When it was decided; for a timer, when that was due.
    decided_at: Option<String>,
    /// An opaque id of whoever wanted it.
    actor: String,
    /// For which reseller it was asked; null for the carrier itself.
    reseller: Option<String>,
    /// What was asked.
    #[schema(example = "order.submit")]
    command: String,
    /// The commit; what else came about in it has the same.
    commit: String,
    /// What happened.
    #[schema(example = "OrderSubmitted")]
    event: String,
    /// Why it was asked.
    reason: Option<String>,
    /// The rules by which it was decided.
    rules: String,
    /// The version of the engine that decided it.
    engine: String,
    /// What caused it: a position of the log, a timer, or an id of the caller.
    causation: Option<String>,
    /// The event that caused it, where it was one.
    caused_by: Option<CauseBody>,
    /// What ties it to what else belongs to it.
    correlation: Option<String>,
    /// What a table or limit decided in it.
    decided_by: Vec<RulingBody>,
    /// The event's own fields.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

/// The event that caused another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditCause)]
struct CauseBody {
    /// Its position.
    position: u64,
    /// Whose it is.
    stream: String,
    /// What happened.
    event: String,
    /// An opaque id of whoever wanted that.
    actor: String,
}

/// What a table or limit decided, with what it was asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRuling)]
struct RulingBody {
    /// The limit by its name in the rules, or the row of the lead-time table.
    #[schema(example = "lead_time single_line")]
    rule: String,
    /// What it was asked.
    #[schema(value_type = Object)]
    inputs: serde_json::Map<String, serde_json::Value>,
    /// What it answered.
    #[schema(value_type = Object)]
    result: serde_json::Map<String, serde_json::Value>,
}

/// Show everything that happened to something, as an auditor reads it.
///
/// Who, when, why, by which command, caused by what, by which rules, and what a table decided in it. Personal data reads
/// `erased` once its key was destroyed, and `sealed` to an auditor.
#[utoipa::path(get, path = "/v1/audit/history/{id}", operation_id = "audit_history", tag = tags::AUDIT,
    params(("id" = String, Path, description = "The id of an order, company, port request, number block, reseller or webhook."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of it.", body = Listed<EntryBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&page::PARAMETERS)?;
    let (stream, engine) = (stream(&look)?, &look.app.engine);
    let (limit, after) = (page::limit(&look)?, page::cursor(&look)?.unwrap_or(0));
    let mut found = timeline::page(engine, (stream, after, limit + 1), look.caller.sight()).await?;
    if found.is_empty() && engine.state(stream).await?.0 == 0 {
        return Err(edge::Error::refused(crate::audit::as_of::nobody(stream)).into());
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| page::opaque(&last.step.sequence));
    let items = found.into_iter().map(EntryBody::from).collect();
    Ok(Answer::list(&look, &Listed { items, next }))
}

impl From<Entry> for EntryBody {
    fn from(Entry { step, commit, caused_by, decided_by }: Entry) -> Self {
        let cause = |Cause { position, stream, event, actor }| CauseBody { position, stream, event, actor };
        let ruling = |Ruling { rule, inputs, result }| RulingBody { rule, inputs, result };
        Self {
            position: step.position,
            sequence: step.sequence,
            recorded_at: step.recorded_at.into(),
            decided_at: step.decided_at,
            actor: step.actor,
            reseller: step.reseller,
            command: step.command,
            commit,
            event: step.event,
            reason: step.reason,
            rules: step.rules,
            engine: step.engine,
            causation: step.causation,
            caused_by: caused_by.map(cause),
            correlation: step.correlation,
            decided_by: decided_by.into_iter().map(ruling).collect(),
            detail: step.detail,
        }
    }
}
