//! A server with a collector of traces: what is told of a request, and what must never be.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    process::Stdio,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{Span, status::StatusCode},
};
use orderwire::engine::leaf::hex;
use prost::Message as _;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    said,
    stopping::{Server, done, orderwire},
    with_json,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

type Collected = Arc<Mutex<Vec<Bytes>>>;

/// A collector that keeps what it is sent, and where it is.
async fn collector() -> (Collected, String) {
    let collected = Collected::default();
    let take = |State(collected): State<Collected>, body: Bytes| async move {
        collected.lock().unwrap().push(body);
    };
    let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&collected));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (collected, url)
}

fn spans(collected: &Collected) -> Vec<Span> {
    let read = |body: &Bytes| ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let requests = collected.lock().unwrap().iter().map(read).collect::<Vec<_>>();
    let resources = requests.into_iter().flat_map(|request| request.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let value = |it: &opentelemetry_proto::tonic::common::v1::KeyValue| format!("{:?}", it.value);
    span.attributes.iter().map(|it| (it.key.clone(), value(it))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_below_its_callers_with_its_command_below_it_and_nobodys_name_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["migrate"]);
    done(folder, &["resellers", "add", "R100", "--name", "Northern Voice"]);
    let key = done(folder, &["keys", "create", "--role", "reseller", "--reseller", "R100"]);
    let token = key["token"].as_str().unwrap().to_owned();

    let (collected, endpoint) = collector().await;
    let mut server = orderwire(folder);
    server.args(["serve", "--listen", "127.0.0.1:0"]).env("ORDERWIRE_TRACES_ENDPOINT", endpoint);
    let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let server = Server::of(server);
    let url = format!("{}/v1/companies", line.trim().strip_prefix("listening on ").unwrap());

    let body = json!({ "name": "Hazelbrook & Daughters", "domain": "hazelbrook.example" });
    let asked = with_json(reqwest::Client::new().request(Method::POST, url).bearer_auth(&token), &body)
        .header("Idempotency-Key", "first")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    said(asked).await.is(201);
    // What is left is sent before the server ends.
    server.told("-TERM");

    let spans = spans(&collected);
    let of = |name: &str| {
        let mut found = spans.iter().filter(|span| span.name == name && hex(&span.trace_id) == TRACE);
        found.next().unwrap_or_else(|| panic!("no span `{name}` in {spans:#?}"))
    };
    let request = of("POST /v1/companies");
    assert_eq!(hex(&request.parent_span_id), CALLER, "it belongs to its caller's");
    assert!(attributes(request)["http.response.status_code"].contains("201"), "{request:?}");
    assert_ne!(request.status.clone().unwrap_or_default().code, StatusCode::Error as i32);
    let command = of("command");
    assert_eq!(command.parent_span_id, request.span_id, "what the engine did for it is below it");
    assert!(attributes(command)["outcome"].contains("done"), "{command:?}");
    assert_eq!(of("append").parent_span_id, command.span_id);

    let all = collected.lock().unwrap().concat();
    for secret in ["Hazelbrook", "hazelbrook.example", &token] {
        let told = all.windows(secret.len()).any(|bytes| bytes.eq_ignore_ascii_case(secret.as_bytes()));
        assert!(!told, "{secret} is told to the collector");
    }
}
