//! Something as it was at a moment, what became otherwise between two, and why something cannot be asked of it now.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{missing, stream};
use crate::{
    audit::{
        Moment,
        as_of::{self, Place},
        diff, why_not,
    },
    http::{
        action_bodies::UnlockBody,
        answer::{Answer, Time},
        api::Api,
        auth::Access,
        openapi::tags,
        problem::{Fault, Problem},
        request::Look,
    },
};

/// What a moment is written as.
const MOMENT: &str = "a position of the log, or a time";

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(state))
        .route(Access::Auditor, routes!(differences))
        .route(Access::Auditor, routes!(refusal))
}

/// Something as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditState)]
struct StateBody {
    /// Which.
    id: String,
    /// What kind of thing.
    #[schema(example = "order")]
    kind: &'static str,
    /// The last event of its own by then.
    position: u64,
    /// How many it had.
    sequence: u64,
    /// When that event was recorded.
    recorded_at: Time,
    /// Its status then.
    #[schema(example = "in_progress")]
    status: &'static str,
    /// Everything that its state said: lines, numbers and assets under their numbers and ids.
    #[schema(value_type = Object)]
    document: Value,
}

/// Show something as it was at a moment.
///
/// Its own events up to then are folded as the engine folds them; no read model is asked.
#[utoipa::path(get, path = "/v1/audit/state/{id}", operation_id = "audit_state", tag = tags::AUDIT,
    params(("id" = String, Path, description = "The id of an order, company, port request, number block, reseller or webhook."),
        ("as_of" = Option<String>, Query, description = "A position of the log, or a time (RFC 3339); the newest where none is given.")),
    responses((status = 200, description = "As it was, with where in the log that stands.", body = StateBody)))]
async fn state(look: Look) -> Result<Answer, Problem> {
    look.only(&["as_of"])?;
    let stream = stream(&look)?;
    let newest = Moment::Position(look.app.engine.head().await?.position);
    let moment = look.parsed("as_of")?.unwrap_or(newest);
    let found = as_of::as_of(&look.app.engine, stream, moment, look.caller.sight()).await?;
    let Place { position, sequence, recorded_at } = found.place;
    Ok(Answer::ok(&StateBody {
        id: found.id,
        kind: found.kind,
        position,
        sequence,
        recorded_at: recorded_at.into(),
        status: found.status,
        document: found.document,
    }))
}

/// What became otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditDiff)]
struct DiffBody {
    /// Of what.
    id: String,
    /// What kind of thing.
    kind: &'static str,
    /// Where it was; null where it had not begun.
    from: Option<PlaceBody>,
    /// Where it came to.
    to: PlaceBody,
    /// Every field that differs, by path.
    changes: Vec<ChangeBody>,
}

/// Where in the log something stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPlace)]
struct PlaceBody {
    /// The last event of its own by then.
    position: u64,
    /// How many it had.
    sequence: u64,
    /// When that event was recorded.
    recorded_at: Time,
}

/// A field that differs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditChange)]
struct ChangeBody {
    /// Where it stands in the document, as a JSON Pointer.
    #[schema(example = "/lines/3/status")]
    path: String,
    /// What it was; null where it was not there.
    old: Option<Value>,
    /// What it is; null where it is gone.
    new: Option<Value>,
    /// The position of the event that made it so, the last one where there were several.
    position: u64,
    /// When that was recorded.
    recorded_at: Time,
    /// An opaque id of whoever wanted it.
    actor: String,
    /// What was asked.
    command: String,
    /// What happened.
    event: String,
}

/// Show what became otherwise between two moments.
///
/// Field by field, each with the event that made it what it is, and who wanted that.
#[utoipa::path(get, path = "/v1/audit/diff/{id}", operation_id = "audit_diff", tag = tags::AUDIT,
    params(("id" = String, Path, description = "The id of an order, company, port request, number block, reseller or webhook."),
        ("from" = String, Query, description = "The earlier moment: a position of the log, or a time (RFC 3339)."),
        ("to" = Option<String>, Query, description = "The later moment; the newest where none is given.")),
    responses((status = 200, description = "Every field that differs.", body = DiffBody)))]
async fn differences(look: Look) -> Result<Answer, Problem> {
    look.only(&["from", "to"])?;
    let stream = stream(&look)?;
    let from: Moment = look.parsed("from")?.ok_or_else(|| missing("from", MOMENT))?;
    let newest = Moment::Position(look.app.engine.head().await?.position);
    let to = look.parsed("to")?.unwrap_or(newest);
    let found = diff::diff(&look.app.engine, stream, (from, to), look.caller.sight()).await?;
    let change = |diff::Change { path, old, new, by }| {
        let diff::By { position, recorded_at, actor, command, event } = by;
        ChangeBody { path, old, new, position, recorded_at: recorded_at.into(), actor, command, event }
    };
    Ok(Answer::ok(&DiffBody {
        id: found.id,
        kind: found.kind,
        from: found.from.map(PlaceBody::from),
        to: found.to.into(),
        changes: found.changes.into_iter().map(change).collect(),
    }))
}

impl From<Place> for PlaceBody {
    fn from(Place { position, sequence, recorded_at }: Place) -> Self {
        Self { position, sequence, recorded_at: recorded_at.into() }
    }
}

/// Whether something can be asked, and why not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRefusal)]
struct RefusalBody {
    /// Of what.
    id: String,
    /// What kind of thing.
    kind: &'static str,
    /// Where it is.
    #[schema(example = "draft")]
    status: &'static str,
    /// What brought it there.
    since: SinceBody,
    /// What would be asked.
    #[schema(example = "acknowledge")]
    command: &'static str,
    /// Whether nothing speaks against it. What takes more than its name is decided on that in the end: of it, this says only
    /// whether anything speaks against every body.
    allowed: bool,
    /// Every rule that speaks against it.
    rules: Vec<Fault>,
    /// The statuses in which it can be asked.
    from: Vec<&'static str>,
    /// What would have to happen first, in order; null where it never can be asked again.
    unlock: Option<Vec<UnlockBody>>,
}

/// The event that brought something where it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditSince)]
struct SinceBody {
    /// Its position.
    position: u64,
    /// When it was recorded.
    recorded_at: Time,
    /// What happened.
    event: String,
    /// An opaque id of whoever wanted it.
    actor: String,
    /// What was asked.
    command: String,
}

/// Say why something cannot be asked of a resource now.
///
/// The rule, the event that brought the resource where it is, and what would unlock it. Every action of its lifecycle can be
/// named, also those that only the engine takes.
#[utoipa::path(get, path = "/v1/audit/why-not/{id}/{command}", operation_id = "audit_why_not", tag = tags::AUDIT,
    params(("id" = String, Path, description = "The id of an order, company, port request, number block, reseller or webhook."),
        ("command" = String, Path, description = "What would be asked, such as `submit`; a wrong name is answered with those there are.")),
    responses((status = 200, description = "Whether it can be asked, and why not.", body = RefusalBody)))]
async fn refusal(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let stream = stream(&look)?;
    let provenance = look.provenance();
    let found = why_not::why_not(&look.app.engine, &provenance, stream, look.named("command")).await?;
    let why_not::Since { position, recorded_at, event, actor, command } = found.since;
    let rule = |problem: crate::edge::Problem| Fault { expected: problem.expected.clone(), ..problem.into() };
    Ok(Answer::ok(&RefusalBody {
        id: found.id,
        kind: found.kind,
        status: found.status,
        since: SinceBody { position, recorded_at: recorded_at.into(), event, actor, command },
        command: found.command,
        allowed: found.allowed,
        rules: found.rules.into_iter().map(rule).collect(),
        from: found.from,
        unlock: found.unlock.map(|way| way.into_iter().map(UnlockBody::from).collect()),
    }))
}
