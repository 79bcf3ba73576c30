//! Resellers are apart: what another has is answered for as what does not exist, wherever a request can name it.
//!
//! Where it can, the document says ([`slots`]): in paths, queries and bodies. Whatever is put there that is another's leads to
//! the answer that what nobody has leads to, and what the other sees of its own stays as it is.

mod bodies;
mod slots;
mod tenant;

use std::num::NonZeroU32;

use orderwire::http::{self, Limits};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use self::{
    bodies::Outcome,
    slots::{Operation, Slot},
    tenant::{Tenant, nobodys},
};
use super::{Client, Said, Site, order, said, with_json};

/// Slots whose own value is refused too, and why that is right.
const OWN_REFUSED: &[(&str, &str, &str)] = &[
    ("reserve_numbers", "/ask/numbers/-", "the number is in use"),
    ("represent_port", "/main_number", "the number is a site's"),
];

/// Here a key asks more often than anybody should.
fn unhurried() -> Limits {
    const OFTEN: NonZeroU32 = NonZeroU32::new(1_000_000).unwrap();
    Limits { asks_per_second: OFTEN, asks_at_once: OFTEN, ..Limits::default() }
}

/// Two resellers, each with one of everything, and every operation that one of them may ask for.
async fn two(site: &Site) -> (Tenant, Tenant, Vec<Operation>) {
    site.world.leeds().await;
    let (own, other) = (Tenant::open(site, 1).await, Tenant::open(site, 2).await);
    let document = serde_json::to_value(http::routes(&site.app).1).unwrap();
    let operations = slots::operations(&document);
    assert!(operations.len() >= 60, "{}", operations.len());
    (own, other, operations)
}

fn is_number(kind: &str) -> bool {
    matches!(kind, "TelephoneNumber" | "NumberRange")
}

/// What was answered, but for the id that was asked for.
fn told(said: &Said, id: &str) -> Value {
    let text = said.body.to_string().replace(id, "ID");
    let names: Vec<String> = said.headers.keys().map(ToString::to_string).collect();
    json!([said.status, names, text])
}

/// Which problems it was answered with, if any.
fn codes(said: &Said) -> Vec<(String, String)> {
    if said.body["errors"].is_array() { said.errors() } else { Vec::new() }
}

#[track_caller]
fn tells_nothing(said: &Said, other: &Tenant, asked: &str, at: &str) {
    let text = said.body.to_string().replace(asked, "ID");
    for secret in other.secrets() {
        assert!(!text.contains(secret), "{at}: {secret} is told: {text}");
    }
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

/// Every path that names something of the other's, with one that differs in nothing but that nobody has it.
fn foreign_paths(
    operation: &Operation,
    own: &Tenant,
    other: &Tenant,
) -> Vec<(String, String, String, String)> {
    let mut paths = Vec::new();
    for slot in &operation.slots {
        let Slot::Path { name, kind } = slot else { continue };
        let none = nobodys(kind);
        for id in other.all(kind) {
            let named = operation.path.replace(&format!("{{{name}}}"), "ID");
            // Below what is another's, everything else is another's too; below what is the caller's, its own.
            let bases = if name == "id" { vec![other, own] } else { vec![own] };
            for base in bases {
                let path = base.path(&named);
                paths.push((path.replace("ID", id), path.replace("ID", &none), id.to_owned(), none.clone()));
            }
        }
    }
    paths
}

#[tokio::test]
async fn what_another_has_is_as_what_does_not_exist_in_every_path() {
    let site = Site::with(unhurried()).await;
    let (own, other, operations) = two(&site).await;
    let (head, seen) = (site.head().await, other.seen(&site).await);
    for operation in &operations {
        for (theirs, none, id, nobodys) in foreign_paths(operation, &own, &other) {
            let Operation { method, example, .. } = operation;
            for tag in [false, *method != Method::GET] {
                let answer = asked(&own.client, method, &theirs, example.as_ref(), tag).await;
                let nothing = asked(&own.client, method, &none, example.as_ref(), tag).await;
                // Where the caller is not up to date with what is its own, it is told that first.
                let out_of_date = tag && theirs.contains(&own.company) && answer.status == 412;
                assert!(answer.status == 404 || out_of_date, "{method} {theirs}: {}", answer.body);
                assert_eq!(told(&answer, &id), told(&nothing, &nobodys), "{method} {theirs}");
            }
        }
        let nonsense = operation.path.replace("{id}", "nonsense").replace("{key}", "nonsense");
        if nonsense != operation.path {
            let path = own.path(&nonsense);
            let nonsense =
                asked(&own.client, &operation.method, &path, operation.example.as_ref(), false).await;
            nonsense.problem(404, "not_found");
        }
    }
    assert_eq!(site.head().await, head, "nothing was changed");
    assert_eq!(other.seen(&site).await, seen);
    site.close().await;
}

/// A stream does not end: it is read up to the first sign that it lives.
async fn looked(client: &Client, path: &str) -> Said {
    let mut response = client.request(Method::GET, path).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let streams = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let mut text = String::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        if streams && text.lines().any(|line| line.starts_with(':')) {
            break;
        }
    }
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Said { status, headers, body }
}

#[tokio::test]
async fn what_another_has_is_as_what_does_not_exist_in_every_query() {
    let limits = Limits { heartbeat: std::time::Duration::from_millis(50), ..unhurried() };
    let site = Site::with(limits).await;
    let (own, other, operations) = two(&site).await;
    let (head, seen) = (site.head().await, other.seen(&site).await);
    let mut asked = 0;
    for operation in &operations {
        for slot in &operation.slots {
            let Slot::Query { name, kind } = slot else { continue };
            let path = own.path(&operation.path);
            if kind == "Cursor" {
                // Where the other is in a list of its own, the caller finds none of it.
                let first = other.client.get(&format!("{}?limit=1", other.path(&operation.path))).await;
                let Some(next) = first.body["next"].as_str() else { continue };
                let answer = looked(&own.client, &format!("{path}?cursor={next}")).await;
                assert!(matches!(answer.status, 200 | 422), "{path}: {answer:?}");
                tells_nothing(&answer, &other, next, &path);
                asked += 1;
                continue;
            }
            let at = |id: &str| format!("{path}?{name}={id}");
            for theirs in other.all(kind) {
                let none = nobodys(kind);
                let answer = looked(&own.client, &at(theirs)).await;
                let nothing = looked(&own.client, &at(&none)).await;
                assert_eq!(told(&answer, theirs), told(&nothing, &none), "{}", at(theirs));
                tells_nothing(&answer, &other, theirs, &at(theirs));
                asked += 1;
            }
            looked(&own.client, &at(own.own(kind))).await.is(200);
        }
    }
    assert!(asked >= 20, "{asked}");
    assert_eq!(site.head().await, head, "nothing was changed");
    assert_eq!(other.seen(&site).await, seen);
    site.close().await;
}

/// What came of it in the end.
fn end(outcome: &Outcome) -> &Said {
    outcome.submit.as_ref().unwrap_or(&outcome.first)
}

#[tokio::test]
async fn what_another_has_is_as_what_does_not_exist_in_every_body() {
    let site = Site::with(unhurried()).await;
    let (own, other, operations) = two(&site).await;
    let seen = other.seen(&site).await;
    let mut fields = 0;
    for Operation { id: operation, path, slots, .. } in &operations {
        for slot in slots {
            let Slot::Body { pointer, kind } = slot else { continue };
            fields += 1;
            for theirs in other.all(kind) {
                let at = format!("{operation} with {theirs} at {pointer}");
                let answers = bodies::sent(&own, operation, path, pointer, theirs).await;
                for outcome in &answers {
                    for said in [Some(&outcome.first), outcome.submit.as_ref()].into_iter().flatten() {
                        tells_nothing(said, &other, theirs, &at);
                    }
                }
                if is_number(kind) {
                    // Whether a number is free everybody may know; who has it, nobody, and it is not to be had.
                    for outcome in &answers {
                        assert!(end(outcome).status >= 400, "{at}: {}", end(outcome).body);
                    }
                    continue;
                }
                let none = nobodys(kind);
                let nothing = bodies::sent(&own, operation, path, pointer, &none).await;
                for (answer, nothing) in answers.iter().zip(&nothing) {
                    let brief = |outcome: &Outcome| (end(outcome).status, codes(end(outcome)));
                    assert_eq!(brief(answer), brief(nothing), "{at}: {}", end(answer).body);
                    if answer.first.status >= 400 {
                        assert_eq!(told(&answer.first, theirs), told(&nothing.first, &none), "{at}");
                    }
                }
            }
            // What is the caller's own is served in the same place, so it was not refused for anything else.
            let mine = if pointer == "/by" { "A00000000002" } else { own.own(kind) };
            let refused = OWN_REFUSED.iter().any(|(known, at, _)| (*known, *at) == (operation, pointer));
            for outcome in bodies::sent(&own, operation, path, pointer, mine).await {
                let served = outcome.first.status < 300;
                assert_ne!(served, refused, "{operation} with its own at {pointer}: {}", outcome.first.body);
            }
        }
    }
    assert!(fields >= 50, "{fields}");
    assert_eq!(other.seen(&site).await, seen, "what the other has is as it was");
    site.close().await;
}

#[tokio::test]
async fn lists_show_only_what_is_the_callers() {
    let site = Site::with(unhurried()).await;
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
