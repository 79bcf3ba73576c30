//! Resellers are apart: what another has is answered for as what does not exist, by every operation there is.

use std::collections::BTreeMap;

use orderwire::http;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Client, Said, Site, order, said, with_json};

/// Every operation of a reseller on one resource, from the document.
pub fn operations(document: &Value) -> Vec<(Method, String, Option<Value>)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let roles = operation["x-roles"].as_array();
            if path.contains("{id}") && roles.is_some_and(|roles| roles.contains(&"reseller".into())) {
                let body = &operation["requestBody"]["content"]["application/json"]["example"];
                let body = (!body.is_null()).then(|| body.clone());
                found.push((method.to_uppercase().parse().unwrap(), path.clone(), body));
            }
        }
    }
    found
}

async fn asked(client: &Client, method: &Method, path: &str, body: Option<&Value>, tag: bool) -> Said {
    let mut request = client.request(method.clone(), path);
    if tag {
        request = request.header("If-Match", "\"2\"");
    }
    said(match body {
        Some(body) => with_json(request, body),
        None => request,
    })
    .await
}

#[tokio::test]
async fn what_another_has_is_as_what_does_not_exist() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, owner) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let draft = owner.post("/v1/orders", &order("PO-1", "Acme")).await;
    let port = super::ports::submitted(&site, &owner, "PO-2", "020 7946 0123").await;
    let company = draft.is(201).text("company").to_owned();
    let held = json!({ "company": company, "kind": "reserve", "ask": { "numbers": ["0113 496 0100"] } });
    let reservation = owner.post("/v1/reservations", &held).await.is(201).text("id").to_owned();
    let hook = owner.post("/v1/webhooks", &json!({ "url": "https://hooks.example/orders" })).await;
    // One resource of each kind that a path can name.
    let own = BTreeMap::from([
        ("/v1/reservations/", reservation),
        ("/v1/webhooks/", hook.is(201).text("id").to_owned()),
        ("/v1/orders/", draft.is(201).text("id").to_owned()),
        ("/v1/companies/", draft.text("company").to_owned()),
        ("/v1/port-requests/", port),
    ]);
    let document = serde_json::to_value(http::routes(&site.app).1).unwrap();
    let operations = operations(&document);
    assert!(operations.len() >= 10);
    let before = site.head().await;
    let asset = format!("ast_{}", Uuid::now_v7().simple());
    for (method, path, body) in operations {
        let path =
            path.replace("{line}", "1").replace("{number}", "+441134960100").replace("{asset}", &asset);
        let kind = own.iter().find(|(kind, _)| path.starts_with(**kind));
        let (_, id) = kind.unwrap_or_else(|| panic!("this test needs a resource for {path}"));
        let nothing = format!("{}{}", &id[..4], Uuid::now_v7().simple());
        for tag in [false, method != Method::GET] {
            let theirs = asked(&other, &method, &path.replace("{id}", id), body.as_ref(), tag).await;
            let none = asked(&other, &method, &path.replace("{id}", &nothing), body.as_ref(), tag).await;
            theirs.problem(404, "not_found");
            let text = |said: &Said| said.body.to_string().replace(id, "ID").replace(&nothing, "ID");
            assert_eq!(text(&theirs), text(&none), "{method} {path}");
            let names = |said: &Said| said.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(names(&theirs), names(&none), "{method} {path}");
        }
        let nonsense = asked(&other, &method, &path.replace("{id}", "nonsense"), body.as_ref(), false).await;
        nonsense.problem(404, "not_found");
    }
    assert_eq!(site.head().await, before, "nothing was changed");
    site.close().await;
}

#[tokio::test]
async fn lists_show_only_what_is_the_callers() {
    let site = Site::open().await;
    let (_, owner) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    owner.post("/v1/orders", &order("PO-1", "Acme")).await.is(201);
    super::ports::submitted(&site, &owner, "PO-2", "020 7946 0123").await;
    owner.post("/v1/webhooks", &json!({ "url": "https://hooks.example/orders" })).await.is(201);
    let head = site.head().await;
    for path in ["/v1/orders", "/v1/companies", "/v1/port-requests", "/v1/webhooks"] {
        let path = format!("{path}?after_position={head}");
        assert_eq!(other.get(&path).await.is(200).body["items"], serde_json::json!([]));
        let own = owner.get(&path).await.is(200).body["items"].as_array().unwrap().len();
        assert!(own > 0, "{path}");
        assert_eq!(site.operator().await.get(&path).await.body["items"].as_array().unwrap().len(), own);
    }
    let company = owner.get("/v1/companies").await.body["items"][0]["service_reference"].clone();
    let company = company.as_str().unwrap().to_owned();
    for path in ["/v1/numbers?company=", "/v1/reservations?company="] {
        let path = format!("{path}{company}");
        owner.get(&path).await.is(200);
        let theirs = other.get(&path).await;
        let none = other.get(&path.replace(&company, &format!("com_{}", Uuid::now_v7().simple()))).await;
        theirs.problem(404, "not_found");
        none.problem(404, "not_found");
    }
    let wish = json!({ "company": company, "kind": "reserve", "ask": { "numbers": ["0113 496 0100"] } });
    other.post("/v1/reservations", &wish).await.problem(404, "not_found");
    for cug_id in ["CUG1", "CUG4711"] {
        other.get(&format!("/v1/numbers?cug_id={cug_id}")).await.problem(404, "not_found");
    }
    // The same reference is free for another.
    other.post("/v1/orders", &order("PO-1", "Bolt")).await.is(201);
    site.close().await;
}
