//! Verifying the log over HTTP: a stream that says how far it is, and at last what came of it.
//!
//! It takes as long as the log is long, so a proxy that waits for a first byte gets one, and an answer that was cut lacks its
//! last line. One runs at a time in a process: it takes what cores there are. Deliberately absent: verifying from a checkpoint on,
//! which is for whoever keeps checkpoints and has the command line; a consistency proof says the same of two of them.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use tokio::{sync::OwnedMutexGuard, sync::watch, task::JoinHandle};
use utoipa_axum::routes;

use crate::{
    audit::verify::{self, Finding, Plan, Report},
    engine::{self, leaf::hex},
    http::{App, api::Api, auth::Access, hub::Seat, openapi::tags, problem::Problem, request::Look},
};

/// How often it is said how far it is.
const SAID_EVERY: Duration = Duration::from_secs(1);
/// How long read models may take to have what the log has.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(10);

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(show))
}

/// Verify the log, and with `models` everything that was derived from it.
///
/// Lines of JSON: `progress` about once a second, and last `verified`, whose `found` is `null` where everything is right and
/// else the first thing that is not. Whatever lacks that last line was cut, and says nothing of the log.
#[utoipa::path(get, path = "/v1/audit/verify", operation_id = "verify_log", tag = tags::AUDIT,
    params(("models" = Option<bool>, Query, description = "`true`: also claims, read models, timers and notices.")),
    responses((status = 200, description = "How far it is, and what came of it.", content(
        (String = "application/jsonl", example =
            "{\"progress\":{\"position\":2048,\"of\":3000}}\n{\"verified\":{\"events\":3000,\"root\":\"e3b0…\",\"streams\":200,\"commits\":2000,\"rows\":0,\"claims\":0,\"found\":null}}\n")))))]
async fn show(look: Look) -> Result<Response, Problem> {
    look.only(&["models"])?;
    let plan = Plan { models: look.flag("models")?.unwrap_or(false), ..Plan::default() };
    let app = look.app.clone();
    let Ok(turn) = Arc::clone(&app.proving.verifying).try_lock_owned() else {
        let detail = "another verification is running here";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "already_verifying", detail)
            .with(header::RETRY_AFTER, "60"));
    };
    let seat = app.hub.seat(&look)?;
    if plan.models {
        verify::catch_up(&app.engine, CAUGHT_UP_WITHIN).await?;
    }
    let of = app.engine.head().await?.position;
    let (says, progress) = watch::channel(0);
    let engine = app.engine.clone();
    let verifying = tokio::spawn(async move {
        let report = verify::verify(&engine, &plan, |position| {
            says.send_replace(position);
        });
        report.await
    });
    let stream = Streamed { app, seat, of, progress, verifying: Some(verifying), _turn: turn };
    let mut response = Body::from_stream(stream.lines()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

/// A verification, and how far it is.
struct Streamed {
    app: App,
    seat: Seat,
    of: u64,
    progress: watch::Receiver<u64>,
    /// Until it was told what came of it.
    verifying: Option<JoinHandle<Result<Report, engine::Error>>>,
    _turn: OwnedMutexGuard<()>,
}

/// A line.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Progress { position: u64, of: u64 },
    Verified(Verified),
}

/// What came of it.
#[derive(Serialize)]
struct Verified {
    events: u64,
    root: String,
    streams: u64,
    commits: u64,
    rows: u64,
    claims: u64,
    found: Option<Finding>,
}

impl Streamed {
    fn lines(self) -> impl futures::Stream<Item = Result<String, std::io::Error>> + Send + 'static {
        futures::stream::try_unfold(self, |mut stream| async {
            let line = stream.next().await.inspect_err(|error| {
                tracing::warn!(%error, "a verification ends early");
            })?;
            Ok(line.map(|line| (line, stream)))
        })
    }

    /// What comes next; nothing behind what came of it.
    async fn next(&mut self) -> Result<Option<String>, std::io::Error> {
        let Some(verifying) = &mut self.verifying else { return Ok(None) };
        if self.seat.is_over(self.app.engine.now()) {
            return Err(std::io::Error::other("the server stops, or the key has ended"));
        }
        let line = match tokio::time::timeout(SAID_EVERY, verifying).await {
            Err(_) => Line::Progress { position: *self.progress.borrow(), of: self.of },
            Ok(ended) => {
                self.verifying = None;
                let report = ended.map_err(std::io::Error::other)?.map_err(std::io::Error::other)?;
                Line::Verified(report.into())
            }
        };
        let line = serde_json::to_string(&line).map_err(std::io::Error::other)?;
        Ok(Some(line + "\n"))
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        // Nobody would be told.
        if let Some(verifying) = &self.verifying {
            verifying.abort();
        }
    }
}

impl From<Report> for Verified {
    fn from(report: Report) -> Self {
        Self {
            events: report.to,
            root: hex(&report.root),
            streams: report.streams,
            commits: report.commits,
            rows: report.rows,
            claims: report.claims,
            found: report.finding,
        }
    }
}
