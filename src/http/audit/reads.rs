//! Who has read the audit: recorded by every operation below `/v1/audit`, and shown.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    edge::audit_reads::{self, AuditRead, Recorded, Via},
    http::{
        App,
        answer::{Answer, Time},
        api::Api,
        auth::{Access, Caller},
        openapi::tags,
        page::{self, Listed},
        problem::Problem,
        request::Look,
    },
};

/// Where everything that is recorded is asked.
pub const RECORDED: &str = "/v1/audit/";

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(list))
}

/// Records what was asked, and only then answers. What is refused tells nothing and is not recorded.
pub async fn record(State(app): State<App>, request: Request, next: Next) -> Response {
    let actor = request.extensions().get::<Caller>().map(|caller| caller.actor.as_str().to_owned());
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let what = format!("{} {target}", request.method());
    let response = next.run(request).await;
    let Some(actor) = actor.filter(|_| response.status().is_success()) else { return response };
    match audit_reads::record(&app.engine, &actor, Via::Http, &what).await {
        Ok(Recorded::Yes) => response,
        Ok(Recorded::TakesNoWrites(why)) => {
            tracing::warn!(%why, %actor, %what, "a read of the audit is not recorded");
            response
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// A read of the audit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRead)]
struct ReadBody {
    /// When.
    at: Time,
    /// An opaque id of whoever asked; of an API key its id.
    actor: String,
    /// How: `http` or `command_line`.
    #[schema(example = "http")]
    via: &'static str,
    /// What was asked.
    #[schema(example = "GET /v1/audit/stats")]
    what: String,
    /// The position of the last event then.
    position: u64,
}

/// List who has read the audit, the newest first.
///
/// Every answer below `/v1/audit` and every such command is recorded before it is given. The newest 100,000 are kept.
#[utoipa::path(get, path = "/v1/audit/reads", operation_id = "list_audit_reads", tag = tags::AUDIT,
    params(("actor" = Option<String>, Query, description = "Only what this actor has read."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of it.", body = Listed<ReadBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["actor", "limit", "cursor"])?;
    let (limit, before) = (page::limit(&look)?, page::cursor(&look)?);
    let actor = look.text("actor");
    let mut found = audit_reads::list(&look.app.engine, actor, before, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let place = |last: &AuditRead| page::opaque(&(last.at.timestamp_micros(), &last.id));
    let next = found.last().filter(|_| more).map(place);
    let items = found.into_iter().map(ReadBody::from).collect();
    Ok(Answer::list(&look, &Listed { items, next }))
}

impl From<AuditRead> for ReadBody {
    fn from(AuditRead { at, actor, via, what, position, .. }: AuditRead) -> Self {
        Self { at: at.into(), actor, via: via.into(), what, position }
    }
}
