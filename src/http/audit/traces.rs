//! Everything that one request led to, as a tree.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::missing;
use crate::{
    audit::trace::{self, Happened, Node, Start},
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

/// Everything that belongs together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditTrace)]
struct TraceBody {
    /// What ties it together, where something does.
    correlation: Option<String>,
    /// How many events belong to it.
    events: usize,
    /// Whether there are more than one answer shows.
    cut_short: bool,
    /// The commits that nothing in the trace caused, each with what followed.
    roots: Vec<NodeBody>,
}

/// A commit, and what followed from it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditCommit)]
struct NodeBody {
    /// The commit.
    commit: String,
    /// When it was recorded.
    recorded_at: Time,
    /// An opaque id of whoever wanted it.
    actor: String,
    /// What was asked.
    #[schema(example = "order.submit")]
    command: String,
    /// What caused it: a position of the log, a timer, or an id of the caller.
    causation: Option<String>,
    /// What happened.
    happened: Vec<HappenedBody>,
    /// What it caused.
    #[schema(no_recursion)]
    caused: Vec<NodeBody>,
}

/// An event of a commit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEvent)]
struct HappenedBody {
    /// Its position.
    position: u64,
    /// Whose it is.
    stream: String,
    /// What happened.
    #[schema(example = "OrderSubmitted")]
    event: String,
}

/// Show everything that one request led to, as a tree.
///
/// Each commit stands below the one that caused it. From a correlation: everything that has it. From a position: the commit
/// there, whatever caused it, and all that followed. From an id: from its submit or its first event. The log is read from where
/// the trace begins, so a long one takes its time.
#[utoipa::path(get, path = "/v1/audit/trace", operation_id = "audit_trace", tag = tags::AUDIT,
    params(("of" = String, Query, description = "A correlation, a position of the log, or the id of an order or anything else.")),
    responses((status = 200, description = "The tree.", body = TraceBody)))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&["of"])?;
    let of = look.text("of").filter(|of| !of.is_empty());
    let of = of.ok_or_else(|| missing("of", "a correlation, a position of the log, or an id"))?;
    let found = trace::trace(&look.app.engine, Start::named(of)).await?;
    Ok(Answer::ok(&TraceBody {
        correlation: found.correlation,
        events: found.events,
        cut_short: found.cut_short,
        roots: found.roots.into_iter().map(NodeBody::from).collect(),
    }))
}

impl From<Node> for NodeBody {
    fn from(node: Node) -> Self {
        let happened = |Happened { position, stream, event }| HappenedBody { position, stream, event };
        Self {
            commit: node.commit,
            recorded_at: node.recorded_at.into(),
            actor: node.actor,
            command: node.command,
            causation: node.causation,
            happened: node.happened.into_iter().map(happened).collect(),
            caused: node.caused.into_iter().map(Self::from).collect(),
        }
    }
}
