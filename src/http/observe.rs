//! Around every request: a correlation id, a bound in time, a line in the log, and counters.
//!
//! A log line says what was asked for by the route's pattern, never by the path or the body: neither ids of people nor what
//! they wrote get into a log.

use std::{
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::{App, notices, problem::Problem, traces::Trace};

/// The header that ties a request to what else belongs to it.
pub const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
/// W3C trace context; its trace id is taken for the correlation id.
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// Longest correlation id of a caller.
const CORRELATION_MAX: usize = 80;
/// Seconds that the buckets of times end at.
const SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Commits that the buckets of batches end at.
const COMMITS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// How often what was measured is summed up.
const SUMMED_EVERY: Duration = Duration::from_secs(5);

/// What ties a request to what else belongs to it.
#[derive(Clone, Debug)]
pub struct Correlation(pub String);

/// Serves a request within bounds, and tells how it went.
pub async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let correlation = correlation(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".to_owned());
    request.extensions_mut().insert(Correlation(correlation.clone()));
    let trace = Trace::begin(&method, &route, request.headers(), &correlation);
    let span = tracing::info_span!(parent: trace.span(), "request", %correlation);
    let mut response = served(&app, request, next, &[&span, trace.span()]).await;

    let (status, took) = (response.status().as_u16(), begun.elapsed());
    trace.end(response.status());
    span.in_scope(|| {
        let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(%method, %route, status, elapsed_ms, "served");
    });
    metrics::counter!("orderwire_http_requests_total", "method" => label(&method), "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("orderwire_http_request_seconds", "route" => route).record(took.as_secs_f64());
    let value = HeaderValue::from_str(&correlation).expect("a correlation id is printable");
    response.headers_mut().insert(CORRELATION, value);
    response
}

/// The handler runs in a task of its own: what it does for a caller that is gone, or that has waited too long, is not cut
/// short, and if it panics only this request fails.
async fn served(app: &App, request: Request, next: Next, [log, trace]: &[&Span; 2]) -> Response {
    let head = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
        + request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if head > app.limits.head_bytes {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let detail = format!("target and headers have at most {} bytes together", app.limits.head_bytes);
        return Problem::new(status, "head_too_large", detail).into_response();
    }
    let within = app.limits.answer_within + notices::waits(request.uri());
    // What goes to a collector looks for what it is below among the spans that are entered, not among their parents.
    let handler = next.run(request).instrument((*log).clone()).instrument((*trace).clone());
    let handler = app.tasks.spawn(handler);
    match tokio::time::timeout(within, handler).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            log.in_scope(|| tracing::error!(%error, "a handler has panicked"));
            let detail = "something is wrong on our side; it is logged under this correlation id";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
        }
        Err(_) => {
            let detail = "it took too long; it may still be done, so ask again with the same Idempotency-Key";
            Problem::unavailable("time_out", detail, 5).into_response()
        }
    }
}

/// A method as metrics name it: of those that somebody invents, there is no end.
fn label(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::POST,
        Method::PATCH,
        Method::DELETE,
        Method::PUT,
        Method::HEAD,
        Method::OPTIONS,
    ];
    const LABELS: [&str; 7] = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("other", |at| LABELS[at])
}

/// The caller's own id if it can be one, the trace it belongs to, or a fresh one.
fn correlation(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let printable = |id: &&str| {
        (1..=CORRELATION_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let own = text(CORRELATION).filter(printable).map(str::to_owned);
    own.or_else(|| text(TRACE_PARENT).and_then(trace)).unwrap_or_else(|| Uuid::now_v7().simple().to_string())
}

/// The trace id of a `traceparent` (W3C Trace Context, version 00).
fn trace(parent: &str) -> Option<String> {
    let parts: Vec<&str> = parent.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { return None };
    let hex = |text: &str, len| {
        text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let fits = *version == "00" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    (fits && trace.bytes().any(|byte| byte != b'0')).then(|| (*trace).to_owned())
}

/// What was counted and measured in this process; the first use begins it.
pub fn recorded() -> &'static PrometheusHandle {
    static RECORDED: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDED.get_or_init(|| {
        use metrics_exporter_prometheus::Matcher::Suffix;
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Suffix("_seconds".to_owned()), SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Suffix("_commits".to_owned()), COMMITS));
        let recorder = builder.expect("buckets are named").build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("an embedder records metrics already; /metrics shows none");
        }
        let kept_up = handle.clone();
        let begun = thread::Builder::new().name("metrics".to_owned()).spawn(move || keep_up(&kept_up));
        if let Err(error) = begun {
            tracing::warn!(%error, "what is measured is kept one by one until somebody asks for it");
        }
        handle
    })
}

/// Sums up what was measured, for as long as the process runs: where nobody asks for it, each figure would be kept.
fn keep_up(recorded: &PrometheusHandle) {
    loop {
        thread::sleep(SUMMED_EVERY);
        recorded.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        correlation(&headers)
    }

    #[test]
    fn a_correlation_id_is_the_callers_or_its_traces_or_fresh() {
        assert_eq!(of("x-correlation-id", "PO-1/abc"), "PO-1/abc");
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(of("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01")), trace);
        for wrong in ["00-xyz-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"]
        {
            assert_eq!(of("traceparent", wrong).len(), 32);
            assert!(!wrong.contains(&of("traceparent", wrong)));
        }
        assert_eq!(of("x-correlation-id", "two words").len(), 32);
    }
}
