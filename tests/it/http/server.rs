//! The server around the handlers: bounds, health, and an end that loses nothing.

use std::{fs, path::Path, time::Duration};

use orderwire::http::Limits;
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Site, company, said};

/// Far more than the server waits in these tests, and less than it waits by default.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);

/// What a connection is answered until it is closed.
async fn spoken(site: &Site, text: &str) -> String {
    let mut stream = TcpStream::connect(site.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(CLOSED_WITHIN, stream.read_to_end(&mut heard)).await;
    closed.expect("the server closes the connection").unwrap();
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn a_server_says_whether_it_lives_serves_and_how_well() {
    let site = Site::open().await;
    let nobody = site.nobody();
    assert_eq!(nobody.get("/healthz").await.is(200).text("status"), "alive");
    assert_eq!(nobody.get("/readyz").await.is(200).text("status"), "ready");
    let (_, reseller) = site.reseller(1).await;
    reseller.post("/v1/companies", &company("Acme")).await.is(201);
    // A method that somebody invents is no label of its own: of those, there is no end.
    let invented = Method::from_bytes(b"BREW").unwrap();
    said(reseller.request(invented, "/v1/companies")).await.problem(405, "method_not_allowed");
    let metrics = nobody.get("/metrics").await;
    let text = metrics.is(200).body.as_str().unwrap().to_owned();
    for named in [
        "orderwire_commands_total{command=\"company.qualify\",outcome=\"done\"}",
        "orderwire_http_requests_total{method=\"POST\",route=\"/v1/companies\",status=\"201\"}",
        "orderwire_reader_lag_events{reader=\"orders\"}",
        "orderwire_batch_commits_count",
        "method=\"other\"",
    ] {
        assert!(text.contains(named), "{named} is not in {text}");
    }
    assert!(!text.contains("BREW"), "{text}");
    // Whoever watches is told what each of them means.
    let told = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md")).unwrap();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(told.contains(&format!("`{name}`")), "docs/operating.md does not tell what {name} is");
    }
    site.close().await;
}

#[tokio::test]
async fn a_server_whose_readers_are_far_behind_is_not_ready() {
    let site = Site::idle(Limits { reader_lag: 1, ..Limits::default() }).await;
    site.world.reseller(1).await;
    site.nobody().get("/readyz").await.is(200);
    site.world.reseller(2).await;
    let behind = site.nobody().get("/readyz").await;
    assert_eq!(behind.problem(503, "not_ready").header("retry-after"), "5");
    site.world.settle().await;
    site.nobody().get("/readyz").await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_server_without_its_store_is_alive_and_not_ready() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    site.world.engine.close().await;
    site.nobody().get("/healthz").await.is(200);
    let said = reseller.post("/v1/companies", &company("Acme")).await;
    assert!(said.status == 503 && said.headers.contains_key("retry-after"), "{said:?}");
    site.close().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let site = Site::with(Limits { body_bytes: 1_000, head_bytes: 2_000, ..Limits::default() }).await;
    let (_, reseller) = site.reseller(1).await;
    let large = " ".repeat(1_001);
    let request =
        || reseller.request(Method::POST, "/v1/companies").header("content-type", "application/json");
    said(request().body(large)).await.problem(413, "too_large");
    let wide = request().header("x-wide", "w".repeat(2_000)).body("{}");
    said(wide).await.problem(431, "head_too_large");
    let headers = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let heard = spoken(&site, &format!("GET /healthz HTTP/1.1\r\n{headers}\r\n")).await;
    assert!(heard.starts_with("HTTP/1.1 431"), "{heard}");
    // Without an announced length, it is counted as it comes.
    let chunked = format!(
        "POST /v1/companies HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n",
        bearer(&reseller),
        " ".repeat(1_001)
    );
    let heard = spoken(&site, &chunked).await;
    assert!(heard.starts_with("HTTP/1.1 413") && heard.contains("connection: close"), "{heard}");
    site.close().await;
}

#[tokio::test]
async fn who_sends_all_of_a_body_that_is_too_large_sees_the_answer() {
    // More than the buffers of a connection hold, so that whoever does not read it cuts its sender off.
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let asked = |headers: &str| {
        format!(
            "POST /v1/companies HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: application/json\r\n{headers}\r\n",
            bearer(&reseller)
        )
    };
    let large = Limits::default().body_bytes + 900_000;
    let announced = format!("{}{}", asked(&format!("content-length: {large}\r\n")), " ".repeat(large));
    let chunk = format!("{large:x}\r\n{}\r\n0\r\n\r\n", " ".repeat(large));
    let chunked = format!("{}{chunk}", asked("transfer-encoding: chunked\r\n"));
    for all in [announced, chunked] {
        let mut stream = TcpStream::connect(site.url.strip_prefix("http://").unwrap()).await.unwrap();
        // As clients do that look for an answer when they have sent everything.
        stream.write_all(all.as_bytes()).await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert!(heard.starts_with("HTTP/1.1 413") && heard.contains("too_large"), "{heard}");
    }
    // Who asks first whether it should is told at once.
    let waiting = asked(&format!("content-length: {large}\r\nexpect: 100-continue\r\n"));
    let heard = spoken(&site, &waiting).await;
    assert!(heard.starts_with("HTTP/1.1 413"), "{heard}");
    site.close().await;
}

fn bearer(client: &super::Client) -> String {
    let request = client.request(Method::GET, "/").build().unwrap();
    request.headers()["authorization"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_slow_client_is_let_go() {
    let quick = Duration::from_millis(50);
    let site = Site::with(Limits { head_within: quick, body_within: quick, ..Limits::default() }).await;
    let (_, reseller) = site.reseller(1).await;
    assert_eq!(spoken(&site, "").await, "", "who says nothing");
    spoken(&site, "GET /healthz HTTP/1.1\r\nhost:").await;
    let half = format!(
        "POST /v1/companies HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         content-length: 100\r\n\r\n{{",
        bearer(&reseller)
    );
    let heard = spoken(&site, &half).await;
    assert!(heard.starts_with("HTTP/1.1 408") && heard.contains("application/problem+json"), "{heard}");
    site.close().await;
}

#[tokio::test]
async fn what_has_begun_is_answered_before_the_server_ends() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let body = company("Acme").to_string();
    let head = format!(
        "POST /v1/companies HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        bearer(&reseller),
        body.len()
    );
    let mut stream = TcpStream::connect(site.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // Now its handler waits for the body.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&go_on));
    let ended = tokio::spawn(site.close());
    while TcpStream::connect(stream.peer_addr().unwrap()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!ended.is_finished());
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    ended.await.unwrap();
}
