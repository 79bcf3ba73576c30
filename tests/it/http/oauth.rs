//! Tokens that are made of keys.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use orderwire::edge::keys::{self, Role};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Said, Site, company, said};

/// The two halves of a key's token.
struct Credentials {
    id: String,
    secret: String,
}

async fn credentials(site: &Site, role: Role) -> Credentials {
    let (_, token) = keys::create(&site.world.engine, role, None, &"a test".parse().unwrap()).await.unwrap();
    let (id, secret) = token.split_once('.').unwrap();
    Credentials { id: id.to_owned(), secret: secret.to_owned() }
}

impl Credentials {
    fn form(&self) -> String {
        format!("grant_type=client_credentials&client_id={}&client_secret={}", self.id, self.secret)
    }

    fn basic(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.id, self.secret)))
    }
}

async fn asked(site: &Site, authorization: Option<&str>, form: &str) -> Said {
    let mut request = site.nobody().request(Method::POST, "/oauth/token");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    said(request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())).await
}

#[track_caller]
fn refused(said: &Said, status: u16, error: &str) {
    assert_eq!((said.status, &said.body["error"]), (status, &json!(error)), "{said:?}");
    assert_eq!(said.header("content-type"), "application/json");
    assert_eq!(said.header("cache-control"), "no-store");
    assert!(said.text("error_description").len() > 10);
    let challenged = said.headers.contains_key("www-authenticate");
    assert_eq!(challenged, status == 401, "{said:?}");
}

fn presenting(site: &Site, token: &Said) -> Client {
    site.nobody().presenting(token.is(200).text("access_token"))
}

fn reseller() -> Value {
    json!({ "code": "R100", "cug_id": "CUG100", "sales_tag": "TAG100", "name": "Northern Voice" })
}

#[tokio::test]
async fn a_key_makes_a_token_that_speaks_as_the_key_does() {
    let site = Site::open().await;
    let operator = credentials(&site, Role::Operator).await;
    let by_body = asked(&site, None, &operator.form()).await;
    let by_header = asked(&site, Some(&operator.basic()), "grant_type=client_credentials").await;
    let named_too = format!("grant_type=client_credentials&client_id={}", operator.id);
    let named_too = asked(&site, Some(&operator.basic()), &named_too).await;
    for token in [by_body, by_header, named_too] {
        assert_eq!(token.is(200).header("cache-control"), "no-store");
        let said = (&token.body["token_type"], &token.body["expires_in"], &token.body["scope"]);
        assert_eq!(said, (&json!("Bearer"), &json!(900), &json!("orderwire.read orderwire.write")));
        let client = presenting(&site, &token);
        client.get("/v1/operator/resellers").await.is(200);
        let made = client.post("/v1/operator/resellers", &reseller()).await;
        assert!([201, 409].contains(&made.status), "{made:?}");
    }
    let (_, owner) = site.reseller(7).await;
    let token = owner.request(Method::GET, "/").build().unwrap().headers()["authorization"].clone();
    let token = token.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let (id, secret) = token.split_once('.').unwrap();
    let own = Credentials { id: id.to_owned(), secret: secret.to_owned() };
    let client = presenting(&site, &asked(&site, None, &own.form()).await);
    assert_eq!(client.get("/v1/reseller").await.is(200).body, owner.get("/v1/reseller").await.body);
    let made = client.post("/v1/companies", &company("Acme")).await;
    made.is(201);
    // Whatever the token does, the history names its key.
    let events = site.world.engine.page(0, 100).await.unwrap();
    assert!(events.iter().any(|event| event.metadata.contains(id)), "{id}");
    site.close().await;
}

#[tokio::test]
async fn a_token_ends_in_time_and_with_its_key() {
    let site = Site::open().await;
    let operator = credentials(&site, Role::Operator).await;
    let path = "/v1/operator/resellers";
    let client = presenting(&site, &asked(&site, None, &operator.form()).await);
    let clock = &site.world.clock;
    clock.move_to(site.world.engine.now() + TimeDelta::minutes(15) - TimeDelta::seconds(1));
    client.get(path).await.is(200);
    clock.move_to(site.world.engine.now() + TimeDelta::seconds(1));
    let late = client.get(path).await;
    assert_eq!(late.problem(401, "unauthenticated").errors()[0].1, "token_expired");
    assert!(late.header("www-authenticate").contains("error=\"invalid_token\""));

    let client = presenting(&site, &asked(&site, None, &operator.form()).await);
    client.get(path).await.is(200);
    keys::revoke(&site.world.engine, &operator.id).await.unwrap().unwrap();
    let revoked = client.get(path).await;
    assert_eq!(revoked.problem(401, "unauthenticated").errors()[0].1, "token_not_accepted");
    refused(&asked(&site, None, &operator.form()).await, 401, "invalid_client");
    site.close().await;
}

#[tokio::test]
async fn a_token_is_taken_by_every_process_with_the_same_master_key_and_no_other() {
    let (one, other) = (Site::open().await, Site::open().await);
    let operator = credentials(&one, Role::Operator).await;
    let token = asked(&one, None, &operator.form()).await;
    let engine = &one.world.engine;
    let beside = orderwire::http::App::new(engine.clone(), orderwire::http::Limits::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stopped = async { stopped.await.unwrap_or_default() };
    let served = tokio::spawn(orderwire::http::server::serve(listener, beside, stopped));
    let client = Client { url, ..presenting(&one, &token) };
    client.get("/v1/operator/resellers").await.is(200);
    drop(stop);
    served.await.unwrap().unwrap();
    let client = presenting(&other, &token);
    client.get("/v1/operator/resellers").await.problem(401, "unauthenticated");
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_token_asked_for_less_does_less_and_never_more_than_its_key() {
    let site = Site::open().await;
    let (operator, auditor) =
        (credentials(&site, Role::Operator).await, credentials(&site, Role::Auditor).await);
    let token = asked(&site, None, &format!("{}&scope=orderwire.read", operator.form())).await;
    assert_eq!(token.text("scope"), "orderwire.read");
    let client = presenting(&site, &token);
    client.get("/v1/operator/resellers").await.is(200);
    let body = reseller();
    let denied = client.post("/v1/operator/resellers", &body).await;
    assert_eq!(denied.problem(403, "forbidden").errors()[0].1, "insufficient_scope");
    assert_eq!(denied.body["errors"][0]["expected"], "one with the scope orderwire.write");
    let challenge = denied.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\", scope=\"orderwire.write\""), "{challenge}");

    let writing = asked(&site, None, &format!("{}&scope=orderwire.write", operator.form())).await;
    presenting(&site, &writing).get("/v1/operator/resellers").await.problem(403, "forbidden");

    for scope in
        ["orderwire.write", "orderwire.read%20orderwire.write", "everything", "orderwire.read%20%20x"]
    {
        let asked = asked(&site, None, &format!("{}&scope={scope}", auditor.form())).await;
        refused(&asked, 400, "invalid_scope");
    }
    let token = asked(&site, None, &auditor.form()).await;
    assert_eq!(token.is(200).text("scope"), "orderwire.read");

    let label = "a test".parse().unwrap();
    let engine = &site.world.engine;
    let (_, token) = keys::create_limited(engine, Role::Operator, None, &label, true).await.unwrap();
    let client = site.nobody().presenting(&token);
    client.get("/v1/operator/resellers").await.is(200);
    client.post("/v1/operator/resellers", &body).await.problem(403, "forbidden");
    let (id, secret) = token.split_once('.').unwrap();
    let read_only = Credentials { id: id.to_owned(), secret: secret.to_owned() };
    let wide = asked(&site, None, &format!("{}&scope=orderwire.write", read_only.form())).await;
    refused(&wide, 400, "invalid_scope");
    site.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_the_words_of_the_rfc() {
    let site = Site::open().await;
    let operator = credentials(&site, Role::Operator).await;
    let (form, basic) = (operator.form(), operator.basic());
    let wrong = Credentials { secret: "0".repeat(64), id: operator.id.clone() };
    let nobody = Credentials { id: format!("key_{}", "0".repeat(32)), secret: "0".repeat(64) };
    let cases: [(Option<&str>, String, u16, &str); 13] = [
        (None, form.replace("grant_type=client_credentials&", ""), 400, "invalid_request"),
        (None, form.replace("client_credentials&", "password&"), 400, "unsupported_grant_type"),
        (None, form.replace("client_credentials&", "&"), 400, "invalid_request"),
        (None, format!("{form}&grant_type=client_credentials"), 400, "invalid_request"),
        (None, "grant_type=client_credentials".to_owned(), 401, "invalid_client"),
        (None, String::new(), 401, "invalid_client"),
        (None, wrong.form(), 401, "invalid_client"),
        (None, nobody.form(), 401, "invalid_client"),
        (Some(&basic), form.clone(), 400, "invalid_request"),
        (Some(&basic), "grant_type=client_credentials&client_id=other".to_owned(), 400, "invalid_request"),
        (Some("Bearer x"), "grant_type=client_credentials".to_owned(), 401, "invalid_client"),
        (Some("Basic %%%"), "grant_type=client_credentials".to_owned(), 401, "invalid_client"),
        (
            Some(&basic),
            format!("grant_type=client_credentials&scope={}", "x".repeat(9_000)),
            413,
            "invalid_request",
        ),
    ];
    for (authorization, form, status, error) in cases {
        refused(&asked(&site, authorization, &form).await, status, error);
    }
    // A wrong secret and no such client are the same to whoever guesses.
    let (wrong, nobody) = (asked(&site, None, &wrong.form()).await, asked(&site, None, &nobody.form()).await);
    assert_eq!(wrong.body, nobody.body);
    let json = site.nobody().post("/oauth/token", &json!({ "grant_type": "client_credentials" })).await;
    refused(&json, 415, "invalid_request");
    // What nobody knows is ignored, as is what has no value.
    asked(&site, None, &format!("{form}&resource=x&scope=")).await.is(200);
    site.nobody().get("/oauth/token").await.problem(405, "method_not_allowed");
    site.close().await;
}

#[tokio::test]
async fn whoever_guesses_waits_and_keeps_no_other_key_waiting() {
    let site = Site::open().await;
    let (operator, other) =
        (credentials(&site, Role::Operator).await, credentials(&site, Role::Operator).await);
    let wrong = Credentials { secret: "0".repeat(64), id: operator.id.clone() };
    let path = "/v1/operator/resellers";
    let bearer = |it: &Credentials| site.nobody().presenting(&format!("{}.{}", it.id, it.secret));
    for _ in 0..5 {
        refused(&asked(&site, None, &wrong.form()).await, 401, "invalid_client");
        bearer(&wrong).get(path).await.problem(401, "unauthenticated");
    }
    let slowed = asked(&site, None, &wrong.form()).await;
    refused(&slowed, 429, "temporarily_unavailable");
    let wait: i64 = slowed.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    bearer(&wrong).get(path).await.problem(429, "too_many_requests");
    // Whoever knows the secret is not kept out by whoever does not.
    asked(&site, None, &operator.form()).await.is(200);
    bearer(&operator).get(path).await.is(200);
    bearer(&other).get(path).await.is(200);
    site.world.clock.move_to(site.world.engine.now() + TimeDelta::seconds(wait));
    refused(&asked(&site, None, &wrong.form()).await, 401, "invalid_client");
    site.close().await;
}

#[tokio::test]
async fn no_token_is_believed_whose_claims_were_changed() {
    let site = Site::open().await;
    let auditor = credentials(&site, Role::Auditor).await;
    let token = asked(&site, None, &auditor.form()).await;
    let parts: Vec<&str> = token.text("access_token").split('.').collect();
    let decode = |part: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let mut claims: Value = serde_json::from_slice(&decode(parts[1])).unwrap();
    assert_eq!(claims["sub"], auditor.id);
    claims["scope"] = json!("orderwire.read orderwire.write");
    let changed = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    let token = format!("{}.{changed}.{}", parts[0], parts[2]);
    site.nobody().presenting(&token).get("/v1/operator/resellers").await.problem(401, "unauthenticated");
    site.close().await;
}
