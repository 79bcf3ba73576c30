//! Whether the server runs, whether it can serve, and how well it does.

use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{App, answer::Answer, api::Api, observe, openapi::tags, problem::Problem};

/// A store that does not answer within this time is not reachable.
const REACHED_WITHIN: Duration = Duration::from_secs(2);

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.public(routes!(healthz)).public(routes!(readyz)).public(routes!(show_metrics))
}

/// That the process runs.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `alive`.
    #[schema(example = "alive")]
    status: &'static str,
    /// The version of the binary.
    version: &'static str,
}

/// That the server can serve.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// Always `ready`; whatever is not is a problem.
    #[schema(example = "ready")]
    status: &'static str,
    /// The position of the log's last event.
    position: u64,
    /// Events that the slowest reader lacks.
    reader_lag: u64,
}

/// Say that the process runs.
#[utoipa::path(get, path = "/healthz", operation_id = "get_health", tag = tags::OPERATIONS,
    responses((status = 200, description = "It runs.", body = Health)))]
async fn healthz() -> Answer {
    Answer::ok(&Health { status: "alive", version: env!("CARGO_PKG_VERSION") })
}

/// Say whether requests can be served.
///
/// The store is reachable, its schema is the binary's, and no reader of the log is far behind.
#[utoipa::path(get, path = "/readyz", operation_id = "get_readiness", tag = tags::OPERATIONS,
    responses((status = 200, description = "Requests can be served.", body = Readiness)))]
async fn readyz(State(app): State<App>) -> Result<Answer, Problem> {
    let late = |_| Problem::unavailable("not_ready", "the store does not answer in time", 5);
    // The schema was compared when the store was opened; a store that was migrated since then does not answer this.
    let head = tokio::time::timeout(REACHED_WITHIN, app.engine.head()).await.map_err(late)??;
    let mut slowest = 0;
    for reader in app.engine.readers().iter() {
        if let Some(why) = reader.stopped() {
            tracing::error!(reader = %reader.name, %why, "a reader has stopped");
            return Err(Problem::unavailable(
                "not_ready",
                format!("the reader {} has stopped", reader.name),
                60,
            ));
        }
        slowest = slowest.max(reader.behind(head.position));
    }
    if slowest > app.limits.reader_lag {
        return Err(Problem::unavailable(
            "not_ready",
            format!("the slowest reader lacks {slowest} events"),
            5,
        ));
    }
    Ok(Answer::ok(&Readiness { status: "ready", position: head.position, reader_lag: slowest }))
}

/// Tell Prometheus what was counted and measured.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = tags::OPERATIONS,
    responses((status = 200, description = "The Prometheus text format.", body = String, content_type = "text/plain")))]
async fn show_metrics(State(app): State<App>) -> Result<Response, Problem> {
    let recorded = observe::recorded();
    let head = app.engine.head().await?.position;
    for reader in app.engine.readers().iter() {
        let lag = reader.behind(head);
        #[expect(clippy::cast_precision_loss, reason = "a lag of 2^52 events is no lag to be exact about")]
        metrics::gauge!("orderwire_reader_lag_events", "reader" => reader.name.clone()).set(lag as f64);
    }
    recorded.run_upkeep();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind)], recorded.render()).into_response())
}
