//! Traces to an OpenTelemetry collector: a span for each request, under the caller's where it names one, and below it what
//! the engine did: commands, what they had to look up, and the wait for their append.
//!
//! A span says what was asked for by the route's pattern and by the command's name, as a log line does; neither ids nor what
//! people wrote leave by this way. Without a collector, or without the feature `otel`, nothing is made.

use axum::http::{HeaderMap, Method, StatusCode};
use tracing::Span;

/// What a request is to whoever reads traces.
pub(super) struct Trace(Span);

impl Trace {
    /// Begins one, in the trace that the headers name or in a new one.
    #[cfg(feature = "otel")]
    pub(super) fn begin(method: &Method, route: &str, headers: &HeaderMap, correlation: &str) -> Self {
        use opentelemetry::propagation::TextMapPropagator as _;
        use opentelemetry_sdk::propagation::TraceContextPropagator;
        use tracing_opentelemetry::OpenTelemetrySpanExt as _;

        let span = tracing::debug_span!(
            "http",
            otel.name = format!("{method} {route}"),
            otel.kind = "server",
            http.request.method = %method,
            http.route = %route,
            correlation = %correlation,
        );
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        // Where nobody collects, the span is none, and there is nothing to tie to the caller's.
        if !span.is_disabled() && span.set_parent(parent).is_err() {
            tracing::debug!("a span is not tied to that of its caller");
        }
        Self(span)
    }

    /// Without the feature there is none.
    #[cfg(not(feature = "otel"))]
    pub(super) fn begin(_: &Method, _: &str, _: &HeaderMap, _: &str) -> Self {
        Self(Span::none())
    }

    /// What everything that belongs to the request is below.
    pub(super) fn span(&self) -> &Span {
        &self.0
    }

    /// Ends it with what was answered: what we failed to do is an error, what a caller did wrong is none.
    #[cfg(feature = "otel")]
    pub(super) fn end(self, status: StatusCode) {
        use opentelemetry::trace::Status;
        use tracing_opentelemetry::OpenTelemetrySpanExt as _;

        self.0.set_attribute("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            self.0.set_status(Status::error(""));
        }
    }

    /// Without the feature there is nothing to be told: what is there of it ends.
    #[cfg(not(feature = "otel"))]
    pub(super) fn end(self, _: StatusCode) {
        drop(self.0);
    }
}

#[cfg(feature = "otel")]
pub use self::sent::{Sent, layer};

#[cfg(feature = "otel")]
struct Headers<'a>(&'a HeaderMap);

#[cfg(feature = "otel")]
impl opentelemetry::propagation::Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

#[cfg(feature = "otel")]
mod sent {
    use std::time::Duration;

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
    use opentelemetry_sdk::{
        Resource,
        trace::{Sampler, SdkTracerProvider},
    };
    use tracing::{Level, Subscriber, level_filters::LevelFilter};
    use tracing_subscriber::{Layer, filter, registry::LookupSpan};

    /// How long a collector may take for one batch.
    const WITHIN: Duration = Duration::from_secs(5);

    /// The spans under way to the collector.
    pub struct Sent(SdkTracerProvider);

    impl Sent {
        /// Sends what is left; a collector that is away costs a few seconds, and what was left.
        pub fn end(self) {
            if let Err(error) = self.0.shutdown_with_timeout(WITHIN) {
                tracing::warn!(%error, "the last spans did not reach the collector");
            }
        }
    }

    /// Hands spans to a collector. Of a hundred traces that begin here so many are sent; those of callers as they say.
    pub fn layer<S>(endpoint: &str, percent: u64) -> Result<(impl Layer<S>, Sent), ExporterBuildError>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(WITHIN)
            .build()?;
        #[expect(clippy::cast_precision_loss, reason = "it is at most a hundred")]
        let ratio = Sampler::TraceIdRatioBased(percent as f64 / 100.0);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .with_resource(
                Resource::builder_empty()
                    .with_service_name("orderwire")
                    .with_attribute(opentelemetry::KeyValue::new(
                        "service.version",
                        env!("CARGO_PKG_VERSION"),
                    ))
                    .build(),
            )
            .build();
        // Our own spans and no log lines; `request` is that of the log, and would be there twice.
        let ours = filter::filter_fn(|what| {
            what.is_span()
                && *what.level() <= Level::DEBUG
                && what.target().starts_with("orderwire")
                && what.name() != "request"
        });
        let tracer = provider.tracer("orderwire");
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::DEBUG));
        Ok((layer, Sent(provider)))
    }
}
