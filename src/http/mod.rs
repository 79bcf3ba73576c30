//! The engine over HTTP: what the outside sees of the eleven capabilities.
//!
//! One file per capability or resource: what may be asked there, how it is read from JSON, and how the answer looks. What
//! all of them share stands once: who may ask ([`auth`]), what a request is ([`request`]), what an answer is ([`answer`]),
//! what is said to whom is not served ([`problem`]), and the document that describes it all ([`openapi`]).
//!
//! A capability is added as a file: bodies with `ToSchema`, handlers that take a [`request::Look`] or a [`request::Call`] and
//! answer an [`answer::Answer`] or a [`problem::Problem`], each under `#[utoipa::path]` with its tag, an example of its body
//! and what is its own among the responses, and a function `routes(api: Api) -> Api` that registers them with who may ask.
//! It is called in [`routes`] below. Everything else (keys, roles, limits, retries, conditions, shared responses and
//! headers) is done around it, and `tests/it/http` takes every route from the document.
//!
//! Deliberately absent: every rule. A handler reads, asks the engine, and shows; HTTP bodies are types of this folder, so
//! that neither a stored event nor a read model is bound by what was promised here.

pub mod server;
pub mod api;
pub mod openapi;
pub mod auth;
pub mod oauth;
pub mod request;
mod body;
pub mod condition;
pub mod page;
pub mod answer;
pub mod problem;
mod observe;
pub mod traces;
mod patience;
pub mod standing;
pub mod action_operations;
mod action_bodies;
mod health;
mod docs;
mod precise;
mod texts;
mod words;

pub mod resellers;
pub mod companies;
mod erasure;
pub mod orders;
pub mod order_lines;
mod order_bodies;
mod line_schemas;
mod line_requests;
pub mod ports;
pub mod port_messages;
mod port_bodies;
pub mod import_orders;
mod import_schemas;
mod message_schemas;
pub mod order_operations;
pub mod stock;
pub mod addresses;
pub mod portability_checks;
pub mod loads;
pub mod worklist;
pub mod name_checks;
pub mod numbers;
pub mod reservations;
pub mod assets;
mod asset_bodies;
mod number_bodies;
pub mod notices;
pub mod notice_stream;
mod notice_bodies;
pub mod hub;
pub mod webhooks;
pub mod webhook_deliveries;
mod webhook_bodies;
pub mod delivery;
pub mod audit;
#[cfg(feature = "nats")]
pub mod jetstream;

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use axum::{
    Router,
    http::{StatusCode, Uri},
    middleware,
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio_util::task::TaskTracker;
use utoipa::openapi::OpenApi;

use self::{
    api::Api,
    audit::Proving,
    auth::{guesses::Guesses, issuer::Issuer},
    delivery::sender::Sender,
    hub::Hub,
    problem::Problem,
};
use crate::{edge::document::DOCUMENT_BYTES_MAX, engine::Engine};

/// What every handler is given.
#[derive(Clone)]
pub struct App {
    /// The order core.
    pub engine: Engine,
    /// The bounds of what is taken in.
    pub limits: Limits,
    /// How much each caller has asked lately. Only those that are known get in.
    asks: Arc<DefaultKeyedRateLimiter<String>>,
    /// Who has presented wrong secrets lately.
    guesses: Arc<Guesses>,
    /// Whose tokens are taken beside our own.
    issuer: Option<Arc<Issuer>>,
    /// Up to where writes on orders were answered, of which the rows may lack the last.
    answered: Arc<AtomicU64>,
    /// Requests being served: each runs to its end, also when its caller is gone.
    tasks: TaskTracker,
    /// What hands notices to whoever listens.
    hub: Arc<Hub>,
    /// What sends to webhooks.
    sender: Arc<Sender>,
    /// How the log speaks for itself.
    proving: Proving,
}

/// The bounds of what is taken in, so that nobody can keep others waiting.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest body, in bytes.
    pub body_bytes: usize,
    /// Longest file of reference data, in bytes.
    pub file_bytes: usize,
    /// Longest head of a request that is answered by a problem, in bytes.
    pub head_bytes: usize,
    /// How long a connection may take to send the head of a request, or stay idle.
    pub head_within: Duration,
    /// How long a body may take to arrive.
    pub body_within: Duration,
    /// How long a request may take to be answered.
    pub answer_within: Duration,
    /// How long requests under way may take to end once the server stops.
    pub drain_within: Duration,
    /// Connections held at once; more wait to be accepted.
    pub connections: usize,
    /// How often one key may ask in a second, for long.
    pub asks_per_second: NonZeroU32,
    /// How often one key may ask at once, after a rest.
    pub asks_at_once: NonZeroU32,
    /// How long a connection may take nothing of what it is sent.
    pub taken_within: Duration,
    /// How often a stream on which nothing happens shows that it lives.
    pub heartbeat: Duration,
    /// Streams and waiting requests that one key may have open at once.
    pub streams_per_key: usize,
    /// How long a stream may outlive its key.
    pub keys_again_after: Duration,
    /// Events that the slowest reader may lack while the server calls itself ready.
    pub reader_lag: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: DOCUMENT_BYTES_MAX,
            file_bytes: 16 * 1024 * 1024,
            head_bytes: 16 * 1024,
            head_within: Duration::from_secs(15),
            body_within: Duration::from_secs(20),
            answer_within: Duration::from_secs(30),
            drain_within: Duration::from_secs(40),
            connections: 20_000,
            asks_per_second: const { NonZeroU32::new(200).unwrap() },
            asks_at_once: const { NonZeroU32::new(1_000).unwrap() },
            taken_within: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            streams_per_key: 100,
            keys_again_after: Duration::from_secs(30),
            reader_lag: 10_000,
        }
    }
}

impl App {
    /// Everything a handler needs, over an engine. Must be called within a runtime.
    pub fn new(engine: Engine, limits: Limits) -> Self {
        let quota = Quota::per_second(limits.asks_per_second).allow_burst(limits.asks_at_once);
        let hub = Hub::start(&engine, limits);
        Self {
            engine,
            limits,
            asks: Arc::new(RateLimiter::keyed(quota)),
            guesses: Arc::default(),
            issuer: None,
            answered: Arc::default(),
            tasks: TaskTracker::new(),
            hub,
            sender: Sender::new(delivery::Settings::default()),
            proving: Proving::default(),
        }
    }

    /// The same, and tokens of an outside issuer are taken.
    #[must_use]
    pub fn trusting(self, issuer: Issuer) -> Self {
        Self { issuer: Some(Arc::new(issuer)), ..self }
    }

    /// The same, and the log speaks for itself like this.
    #[must_use]
    pub fn proving(self, proving: Proving) -> Self {
        Self { proving, ..self }
    }

    /// The same, and webhooks are delivered to as these settings say.
    #[must_use]
    pub fn delivering(self, settings: delivery::Settings) -> Self {
        Self { sender: Sender::new(settings), ..self }
    }
}

/// Every route, and the document that describes them.
pub fn routes(app: &App) -> (Router, OpenApi) {
    let api = Api::new(app.clone());
    let api = health::routes(api);
    let api = oauth::routes(api);
    let api = resellers::routes(api);
    let api = companies::routes(api);
    let api = erasure::routes(api);
    let api = orders::routes(api);
    let api = order_lines::routes(api);
    let api = ports::routes(api);
    let api = port_messages::routes(api);
    let api = import_orders::routes(api);
    let api = order_operations::routes(api);
    let api = stock::routes(api);
    let api = worklist::routes(api);
    let api = addresses::routes(api);
    let api = portability_checks::routes(api);
    let api = loads::routes(api);
    let api = name_checks::routes(api);
    let api = numbers::routes(api);
    let api = reservations::routes(api);
    let api = assets::routes(api);
    let api = notices::routes(api);
    let api = notice_stream::routes(api);
    let api = webhooks::routes(api);
    let api = webhook_deliveries::routes(api);
    let api = audit::routes(api);
    let (router, document) = api.finish();
    let router = docs::routes(router, &document)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .with_state(app.clone());
    (router, document)
}

async fn no_route(uri: Uri) -> Problem {
    Problem::not_found("resource", uri.path())
}

async fn no_method() -> Problem {
    let detail = "this cannot be done here; `Allow` says what can";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
