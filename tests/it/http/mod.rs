//! The API as a client sees it: a real server on a loopback port, over a store in memory.

mod assets;
mod audit;
mod access;
mod actions;
mod body;
mod cut_short;
mod configured;
mod documented;
mod erasure;
mod examples;
mod happy;
mod lines;
mod names;
mod numbers;
mod made_up_issuer;
mod oauth;
mod notice_streams;
mod notices;
mod operations;
mod outside_tokens;
mod ports;
mod problems;
mod races;
mod reference;
mod refusals;
mod receivers;
mod reservations;
mod retries;
mod server;
pub mod stopping;
mod strict;
mod tenants;
mod tour;
mod unsaid;
mod transparency;
#[cfg(feature = "otel")]
mod traces;
mod webhooks;

use std::sync::Arc;

use orderwire::{
    audit::note::SignerKey,
    config::IssuerSettings,
    domain::ids::ResellerId,
    edge::keys::{self, Role},
    engine::{
        Engine,
        clock::SimulatedClock,
        fulfilment::{AutoProvisioner, ManualProvisioner, Provisioner},
    },
    http::{App, Limits, audit::Proving, auth::issuer::Issuer, delivery, server as serving},
};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::world::{Store, World, beginning};

/// A server with a carrier behind it, and who may ask there.
pub struct Site {
    pub world: World,
    pub url: String,
    pub app: App,
    /// Held while the log is verified.
    pub verifying: Arc<tokio::sync::Mutex<()>>,
    /// Kept for as long as its file is needed.
    _store: Arc<Store>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

/// Somebody who asks.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// What somebody was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Site {
    pub async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        Self::working(Arc::new(Store::memory().await), limits, true, AutoProvisioner, None, no_hooks()).await
    }

    /// One over a store of the test's choice.
    pub async fn over(store: Store) -> Self {
        Self::sharing(&Arc::new(store), Limits::default(), true).await
    }

    /// One over a store that others have open too.
    pub async fn sharing(store: &Arc<Store>, limits: Limits, background: bool) -> Self {
        Self::working(Arc::clone(store), limits, background, AutoProvisioner, None, no_hooks()).await
    }

    /// One that takes tokens of an outside issuer.
    pub async fn trusting(issuer: IssuerSettings) -> Self {
        Self::working(
            Arc::new(Store::memory().await),
            Limits::default(),
            true,
            AutoProvisioner,
            Some(issuer),
            no_hooks(),
        )
        .await
    }

    /// One whose readers do nothing until they are told to.
    pub async fn idle(limits: Limits) -> Self {
        Self::working(Arc::new(Store::memory().await), limits, false, AutoProvisioner, None, no_hooks()).await
    }

    /// One whose lines wait until somebody reports them.
    pub async fn manual() -> Self {
        Self::working(
            Arc::new(Store::memory().await),
            Limits::default(),
            true,
            ManualProvisioner,
            None,
            no_hooks(),
        )
        .await
    }

    async fn working(
        store: Arc<Store>,
        limits: Limits,
        background: bool,
        provisioner: impl Provisioner,
        issuer: Option<IssuerSettings>,
        webhooks: delivery::Settings,
    ) -> Self {
        let clock = SimulatedClock::at(beginning());
        let engine = Engine::builder()
            .clock(clock.clone())
            .provisioner(provisioner)
            .background(background)
            .open(store.log().await, store.master())
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let signer = SignerKey::from_seed("orders.example/log", &[7; 32]).unwrap();
        let proving = Proving { signer: Some(Arc::new(signer)), public_tiles: false, ..Proving::default() };
        let verifying = Arc::clone(&proving.verifying);
        let app = App::new(engine.clone(), limits).delivering(webhooks).proving(proving);
        let app = match issuer {
            Some(issuer) => app.trusting(Issuer::open(issuer, engine.now()).await.unwrap()),
            None => app,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { stopped.await.unwrap_or_default() };
        let served = tokio::spawn(serving::serve(listener, app.clone(), stopped));
        let world = World { engine, clock };
        Self { world, url, app, verifying, _store: store, stop: Some(stop), served }
    }

    /// A client with a key of its own.
    pub async fn client(&self, role: Role, reseller: Option<ResellerId>) -> Client {
        let label = "a test".parse().unwrap();
        let (_, token) = keys::create(&self.world.engine, role, reseller, &label).await.unwrap();
        Client { token: Some(token), ..self.nobody() }
    }

    pub async fn operator(&self) -> Client {
        self.client(Role::Operator, None).await
    }

    /// A new reseller and its client.
    pub async fn reseller(&self, n: u32) -> (ResellerId, Client) {
        let id = self.world.reseller(n).await;
        (id, self.client(Role::Reseller, Some(id)).await)
    }

    /// A client without a key.
    pub fn nobody(&self) -> Client {
        // It speaks to this machine only, where nobody has a certificate.
        let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        Client { http, url: self.url.clone(), token: None }
    }

    /// How many events the log has.
    pub async fn head(&self) -> u64 {
        self.world.engine.head().await.unwrap().position
    }

    pub async fn close(self) {
        let engine = self.world.engine.clone();
        self.served_to_the_end().await;
        engine.close().await;
    }

    /// Stops the server, which ends what has begun; the engine goes on.
    pub async fn served_to_the_end(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }
}

/// Nothing is sent anywhere.
fn no_hooks() -> delivery::Settings {
    delivery::Settings::default()
}

impl Client {
    pub fn presenting(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Said {
        said(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Said {
        said(with_json(self.request(Method::POST, path), body)).await
    }

    pub async fn delete(&self, path: &str) -> Said {
        said(self.request(Method::DELETE, path)).await
    }
}

pub fn with_json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

pub async fn said(request: RequestBuilder) -> Said {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Said { status, headers, body }
}

impl Said {
    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{:#}", self.body);
        self
    }

    /// A problem of this kind.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> &Self {
        self.is(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status, "{:#}", self.body);
        assert_eq!(self.body["code"], code, "{:#}", self.body);
        assert!(self.body["type"].as_str().unwrap().ends_with(&format!("/{code}")));
        self
    }

    /// Where it says that something is wrong, and what.
    pub fn errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = self.body["errors"].as_array().unwrap().iter();
        errors
            .map(|error| {
                let at = [&error["parameter"], &error["pointer"]].into_iter().map(text);
                (at.collect::<String>(), text(&error["code"]))
            })
            .collect()
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", self.headers)).to_str().unwrap()
    }

    #[track_caller]
    pub fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field}: {:#}", self.body))
    }
}

/// A company that somebody qualifies.
pub fn company(name: &str) -> Value {
    json!({ "name": name, "domain": format!("{}.example", name.to_lowercase().replace(' ', "-")) })
}

/// An order of a new company with numbers, a site and a user.
pub fn order(reference: &str, name: &str) -> Value {
    json!({
        "reference": reference,
        "company": company(name),
        "lines": [
            { "kind": "company", "id": "acme", "channels": 10, "contact": { "name": "Grace Hopper" } },
            { "kind": "numbers", "id": "new", "ask": { "search": { "by": { "area_code": "0113" }, "quantity": 4 } } },
            { "kind": "site", "id": "leeds", "name": "Leeds", "location_code": "45", "extension_length": 3,
              "address": { "known": "A00000000001" }, "numbers": [{ "line": "new" }] },
            { "kind": "user", "id": "ada", "site": { "line": "leeds" }, "first_name": "Ada", "last_name": "Lovelace",
              "username": "ada", "extension": "201", "licence": "voice_standard", "primary_number": { "from": "new" } },
        ],
    })
}

/// An order of a port of one number for no company yet.
pub fn port_order(reference: &str, number: &str) -> Value {
    json!({
        "reference": reference,
        "lines": [{
            "kind": "port", "id": "shop", "class": "single_line", "main_number": number, "losing_provider": "205",
            "range_holder": "205", "postcode": "EC1A 1BB", "account": "AC-55871", "signatory": "Rosalind Finch",
            "window": { "date": "2026-06-17", "from": "09:00", "to": "12:00" },
        }],
    })
}
