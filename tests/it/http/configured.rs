//! The real binary, set to take tokens: what its settings say is what it does.

use std::{fs, path::Path};

use chrono::Utc;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Client,
    made_up_issuer::{AUDIENCE, ISSUER, Pair, claims, with},
    said,
    stopping::{done, orderwire, served},
};

/// A store, and a file with settings of an issuer beside it.
fn prepared(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &["migrate"]);
    fs::write(folder.path().join("orderwire.toml"), format!("[auth]\n{settings}\n")).unwrap();
    folder
}

/// What `serve` says that does not get as far as serving.
fn refused(folder: &Path) -> Value {
    let ran =
        orderwire(folder).args(["serve", "--listen", "127.0.0.1:0", "--format", "json"]).output().unwrap();
    let text = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{text}");
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_makes_tokens_and_takes_those_that_it_is_set_to() {
    let pair = Pair::ec("a");
    let names = "role_claim = 'https://orders.example/role'\nscope_claim = 'scp'\njwks_file = 'keys.json'";
    let folder = prepared(&format!("issuer = '{ISSUER}'\naudience = '{AUDIENCE}'\n{names}"));
    let folder = folder.path();
    fs::write(folder.join("keys.json"), json!({ "keys": [pair.jwk] }).to_string()).unwrap();
    let key = done(folder, &["keys", "create", "--role", "operator", "--read-only"]);
    assert_eq!(key["scope"], "orderwire.read");
    let (id, secret) = (key["key"].as_str().unwrap(), key["client_secret"].as_str().unwrap());
    assert_eq!(key["token"], format!("{id}.{secret}"));
    let listed = done(folder, &["keys", "list"]);
    assert!(!listed.to_string().contains(secret) && listed[0]["scope"] == "orderwire.read", "{listed}");

    let (server, url) = served(folder);
    let nobody = Client { http: reqwest::Client::new(), url, token: None };
    let asked = nobody.request(Method::POST, "/oauth/token").basic_auth(id, Some(secret));
    let form = "application/x-www-form-urlencoded";
    let token = said(asked.header("content-type", form).body("grant_type=client_credentials")).await;
    let own = nobody.presenting(token.is(200).text("access_token"));
    own.get("/v1/operator/resellers").await.is(200);
    own.post("/v1/operator/resellers", &json!({})).await.problem(403, "forbidden");
    let renamed = json!({ "orderwire_role": null, "https://orders.example/role": "operator", "scope": null,
        "scp": ["orderwire.read"] });
    let outside = nobody.presenting(&pair.sign(&with(claims(Utc::now()), &renamed)));
    outside.get("/v1/operator/resellers").await.is(200);
    let usual = nobody.presenting(&pair.sign(&claims(Utc::now())));
    usual.get("/v1/operator/resellers").await.problem(403, "forbidden");
    server.told("-TERM");
}

#[test]
fn half_an_issuer_stops_the_server() {
    for (settings, place) in [
        (format!("issuer = '{ISSUER}'\njwks_file = 'keys.json'"), "auth.audience"),
        (format!("audience = '{AUDIENCE}'\njwks_file = 'keys.json'"), "auth.issuer"),
        (format!("issuer = '{ISSUER}'\naudience = '{AUDIENCE}'"), "auth.jwks_url"),
        ("jwks_url = 'http://issuer.example/keys'".to_owned(), "line 2"),
        (format!("issuer = '{ISSUER}'\naudience = '{AUDIENCE}'\njwks_file = 'nowhere.json'"), "auth"),
    ] {
        let folder = prepared(&settings);
        let said = refused(folder.path());
        assert!(said.to_string().contains(&format!("\"{place}\"")), "{settings}: {said}");
    }
}
