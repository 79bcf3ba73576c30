//! Every operation of the document asks who is there, and takes nobody who cannot say it properly.

use std::{fs, path::Path};

use chrono::TimeDelta;
use orderwire::{
    edge::keys::{self, Role},
    http::{self, auth::tokens},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Client, Said, Site, company,
    made_up_issuer::{Pair, Publisher, claims, unsigned, with},
    order, said, with_json,
};

/// What anybody may ask for. Whoever adds to this says why in the operation's description.
const OPEN: [&str; 4] = ["/healthz", "/metrics", "/oauth/token", "/readyz"];

/// What is asked with a body and changes nothing.
pub const QUESTIONS: [&str; 3] = ["/v1/audit/counterfactual", "/v1/name-checks", "/v1/portability-checks"];

struct Operation {
    method: Method,
    path: String,
    roles: Vec<String>,
}

/// Every operation of the document, on resources that do not exist.
fn operations(site: &Site) -> Vec<Operation> {
    let document = serde_json::to_value(http::routes(&site.app).1).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let roles = operation["x-roles"].as_array().cloned().unwrap_or_default();
            found.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                roles: roles.iter().map(|role| role.as_str().unwrap().to_owned()).collect(),
            });
        }
    }
    found
}

impl Operation {
    async fn asked(&self, client: &Client) -> Said {
        let path = self.path.replace("{id}", "nothing").replace("{line}", "1").replace(['{', '}'], "");
        // A stream that is let through would not end.
        let path = if path.ends_with("/stream") { path + "?after=nothing" } else { path };
        let request = client.request(self.method.clone(), &path);
        said(if self.method == Method::GET { request } else { with_json(request, &json!({})) }).await
    }

    fn writes(&self) -> bool {
        self.method != Method::GET && !QUESTIONS.contains(&self.path.as_str())
    }
}

#[tokio::test]
async fn an_operation_without_a_role_is_one_of_a_few() {
    let site = Site::open().await;
    let operations = operations(&site);
    let mut open: Vec<&str> =
        operations.iter().filter(|it| it.roles.is_empty()).map(|it| it.path.as_str()).collect();
    open.sort_unstable();
    assert_eq!(open, OPEN);
    site.close().await;
}

/// Handlers are reachable through `Api` alone, which demands an `Access` or says `public`.
#[test]
fn no_route_is_added_past_the_one_place_that_asks_for_a_role() {
    /// Where routes are made by hand: that place itself, and the document, which anybody may read.
    const BY_HAND: [&str; 2] = ["api.rs", "docs.rs"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut folders = vec![folder];
    let mut routes = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if BY_HAND.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices(".route(") {
                let given = text[at + ".route(".len()..].trim_start();
                assert!(
                    given.starts_with("Access::"),
                    "{}: {}",
                    path.display(),
                    &given[..given.len().min(60)]
                );
                routes += 1;
            }
            for past in [".route_service(", ".nest(", ".nest_service(", "Router::new(", "axum::routing"] {
                assert!(!text.contains(past), "{}: {past}", path.display());
            }
        }
    }
    assert!(routes > 20, "{routes}");
}

#[tokio::test]
async fn every_operation_refuses_every_token_that_is_not_right() {
    let (pair, other) = (Pair::ec("ours"), Pair::ec("theirs"));
    let publisher = Publisher::of(&[&pair, &other]).await;
    let site = Site::trusting(publisher.settings()).await;
    let now = site.world.engine.now();
    let good = claims(now);
    let at = |minutes: i64| (now + TimeDelta::minutes(minutes)).timestamp();
    let engine = &site.world.engine;
    let (key, _) = keys::create(engine, Role::Operator, None, &"x".parse().unwrap()).await.unwrap();
    let revoked = tokens::issue(engine, &key, &key.scopes());
    keys::revoke(engine, &key.id).await.unwrap().unwrap();
    let signed = |others: &Value| pair.sign(&with(good.clone(), others));
    let wrong = [
        ("a bad token", "eyJ.nonsense.x".to_owned(), "token_not_accepted"),
        ("of a revoked key", revoked, "token_not_accepted"),
        ("expired", signed(&json!({ "exp": at(-10) })), "token_expired"),
        ("not yet valid", signed(&json!({ "nbf": at(10) })), "token_not_yet_valid"),
        ("another audience", signed(&json!({ "aud": "https://other.example" })), "audience_wrong"),
        ("another issuer", signed(&json!({ "iss": "https://other.example" })), "issuer_wrong"),
        ("nobody has signed it", unsigned("ours", &good), "token_not_accepted"),
        ("the public key as a secret", pair.confused("ours", &good), "token_not_accepted"),
        ("the public key as our secret", pair.confused("orderwire-1", &good), "token_not_accepted"),
        ("a key that nobody knows", Pair::ec("nobody's").sign(&good), "token_not_accepted"),
        ("the id of another key", pair.sign_as(Some("theirs"), &good), "token_not_accepted"),
        ("no id of a key", pair.sign_as(None, &good), "token_not_accepted"),
    ];
    let before = site.head().await;
    let mut asked = 0;
    for operation in operations(&site).iter().filter(|it| !it.roles.is_empty()) {
        let at = format!("{} {}", operation.method, operation.path);
        let nobody = operation.asked(&site.nobody()).await;
        nobody.problem(401, "unauthenticated");
        assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"orderwire\"", "{at}");
        for (about, token, code) in &wrong {
            let refused = operation.asked(&site.nobody().presenting(token)).await;
            assert_eq!(refused.status, 401, "{at}: {about}");
            assert_eq!(refused.problem(401, "unauthenticated").errors()[0].1, *code, "{at}: {about}");
            assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{at}: {about}");
            asked += 1;
        }
    }
    assert!(asked > 300, "{asked}");
    assert_eq!(site.head().await, before, "nothing was changed");
    assert_eq!(publisher.asked(), 1, "nor was the issuer kept busy");
    site.close().await;
}

#[tokio::test]
async fn roles_and_scopes_are_those_that_the_document_says() {
    let pair = Pair::ec("a");
    let publisher = Publisher::of(&[&pair]).await;
    let site = Site::trusting(publisher.settings()).await;
    let (id, _) = site.reseller(1).await;
    let bearer = |role: Role, scope: &str| {
        let reseller = if role == Role::Reseller { json!(id.to_string()) } else { Value::Null };
        let others = json!({ "orderwire_role": role, "orderwire_reseller": reseller, "scope": scope });
        site.nobody().presenting(&pair.sign(&with(claims(site.world.engine.now()), &others)))
    };
    let before = site.head().await;
    for operation in operations(&site).iter().filter(|it| !it.roles.is_empty()) {
        for role in [Role::Reseller, Role::Operator, Role::Auditor] {
            let at = format!("{} {} as {role}", operation.method, operation.path);
            let reading = operation.asked(&bearer(role, "orderwire.read")).await;
            let writing = operation.asked(&bearer(role, "orderwire.write")).await;
            let (right, lacking) = if operation.writes() { (writing, reading) } else { (reading, writing) };
            if operation.roles.contains(&role.to_string()) {
                assert!(![401, 403, 500].contains(&right.status), "{at}: {right:?}");
                assert_eq!(lacking.problem(403, "forbidden").errors()[0].1, "insufficient_scope", "{at}");
                let scope = if operation.writes() { "orderwire.write" } else { "orderwire.read" };
                let challenge = format!("error=\"insufficient_scope\", scope=\"{scope}\"");
                assert!(lacking.header("www-authenticate").contains(&challenge), "{at}");
            } else {
                assert_eq!(right.problem(403, "forbidden").errors()[0].1, "role_wrong", "{at}");
            }
            assert!(!(role == Role::Auditor && operation.writes()) || right.status == 403, "{at}");
        }
    }
    assert_eq!(site.head().await, before, "nothing was changed");
    site.close().await;
}

#[tokio::test]
async fn an_auditor_sees_what_there_is_and_nobody_s_name() {
    let site = Site::open().await;
    let (_, owner) = site.reseller(1).await;
    let placed = owner.post("/v1/orders", &order("PO-1", "Acme")).await;
    owner.post("/v1/companies", &company("Bolt")).await.is(201);
    let path = placed.is(201).header("location").to_owned();
    let head = site.head().await;
    let auditor = site.client(Role::Auditor, None).await;
    for (list, count) in
        [("/v1/orders", 1), ("/v1/companies", 2), ("/v1/port-requests", 0), ("/v1/operator/resellers", 1)]
    {
        let shown = auditor.get(&format!("{list}?after_position={head}")).await;
        assert_eq!(shown.is(200).body["items"].as_array().unwrap().len(), count, "{list}");
    }
    let history = format!("{path}/history");
    let (opened, sealed) = (owner.get(&history).await, auditor.get(&history).await);
    assert!(opened.is(200).body.to_string().contains("Lovelace"));
    let text = sealed.is(200).body.to_string();
    assert!(!text.contains("Lovelace") && !text.contains("Hopper") && !text.contains("ciphertext"), "{text}");
    assert!(text.contains("\"sealed\""), "{text}");
    let by_hand = json!({ "lines": ["The Old Signal Box", "Station Approach"], "postcode": "LS1 4AP" });
    let entered = owner.post("/v1/addresses", &by_hand).await;
    let address = entered.is(201).header("location");
    assert!(owner.get(address).await.is(200).body.to_string().contains("Signal Box"));
    assert_eq!(auditor.get(address).await.is(200).body["lines"], Value::Null);
    for shown in [auditor.get(&path).await, auditor.get(&format!("{path}/lines")).await] {
        let text = shown.is(200).body.to_string();
        assert!(!text.contains("Lovelace") && !text.contains("Hopper"), "{text}");
    }
    site.close().await;
}
