//! What rules refused over HTTP, and who may ask about it.

use orderwire::edge::keys::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Said, Site, order, said, with_json};

async fn refusals(auditor: &Client, query: &str) -> Vec<Value> {
    let found = auditor.get(&format!("/v1/audit/refusals{query}")).await;
    assert_eq!(found.is(200).body["not_recorded"], 0);
    found.body["items"].as_array().unwrap().clone()
}

fn told(refusal: &Value) -> [&str; 4] {
    ["command", "rule", "via", "correlation"].map(|name| refusal[name].as_str().unwrap_or_default())
}

async fn correlated(client: &Client, method: Method, path: &str, correlation: &str) -> Said {
    said(client.request(method, path).header("x-correlation-id", correlation)).await
}

#[tokio::test]
async fn auditors_see_what_was_refused_to_whom_and_resellers_do_not() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (id, owner) = site.reseller(1).await;
    let (other_id, other) = site.reseller(2).await;
    let auditor = site.client(Role::Auditor, None).await;
    let placed = owner.post("/v1/orders", &order("PO-1", "Acme")).await;
    let order_id = placed.is(201).text("id").to_owned();
    let path = format!("/v1/orders/{order_id}");
    owner.post(&format!("{path}/submission"), &json!({})).await.is(202);
    assert_eq!(refusals(&auditor, "").await, Vec::<Value>::new(), "what is done is not refused");

    // Malformed, not allowed, rested on what is no more, or only looked at: none of a rule's business.
    owner.post("/v1/orders", &json!({ "reference": 7 })).await.is(422);
    auditor.post(&format!("{path}/submission"), &json!({})).await.is(403);
    let stale = owner.request(Method::DELETE, &path).header("if-match", "\"1\"");
    said(stale).await.problem(412, "precondition_failed");
    other.get(&path).await.is(404);
    assert_eq!(refusals(&auditor, "").await, Vec::<Value>::new());

    correlated(&owner, Method::DELETE, &path, "c-1").await.problem(409, "not_permitted");
    correlated(&other, Method::DELETE, &path, "c-2").await.problem(404, "not_found");
    let why = with_json(
        other.request(Method::POST, &format!("{path}/cancellation")).header("x-correlation-id", "c-3"),
        &json!({ "reason": "we want it" }),
    );
    said(why).await.problem(404, "not_found");
    let found = refusals(&auditor, "").await;
    assert_eq!(
        found.iter().map(told).collect::<Vec<_>>(),
        [
            ["order.find", "not_found", "http", "c-3"],
            ["order.discard", "not_found", "http", "c-2"],
            ["order.discard", "not_permitted", "http", "c-1"],
        ]
    );
    assert!(found.iter().all(|it| it["about"] == json!(order_id) && it["times"] == 1), "{found:?}");
    assert_eq!(found[2]["reseller"], json!(id.to_string()));
    assert_eq!((&found[1]["status"], found[2]["status"].is_string()), (&Value::Null, true));
    assert!(found[2]["position"].as_u64().unwrap() > 0);

    for (query, count) in [
        (format!("?reseller={other_id}"), 2),
        (format!("?reseller={id}&rule=not_permitted"), 1),
        (format!("?about={order_id}"), 3),
        ("?command=order.discard".to_owned(), 2),
        (format!("?actor={}", found[2]["actor"].as_str().unwrap()), 1),
        ("?actor=nobody".to_owned(), 0),
    ] {
        assert_eq!(refusals(&auditor, &query).await.len(), count, "{query}");
    }
    let first = auditor.get("/v1/audit/refusals?limit=2").await;
    let next = first.is(200).text("next").to_owned();
    assert_eq!(refusals(&auditor, &format!("?limit=2&cursor={next}")).await, found[2..]);
    for wrong in ["actor=%00", "reseller=7", "about=PO-1", "command=submit", "rule=No", "limit=0", "of=x"] {
        let said = auditor.get(&format!("/v1/audit/refusals?{wrong}")).await;
        assert_eq!(said.status, 422, "{wrong}: {}", said.body);
    }
    owner.get("/v1/audit/refusals").await.problem(403, "forbidden");
    site.operator().await.get("/v1/audit/refusals").await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_document_that_names_anothers_company_was_tried() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, owner) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let placed = owner.post("/v1/orders", &order("PO-1", "Acme")).await;
    let company = placed.is(201).text("company").to_owned();
    let mut theirs = order("PO-9", "Acme");
    theirs["company"] = json!({ "service_reference": company });
    assert_eq!(other.post("/v1/orders", &theirs).await.status, 422);
    // Refused in the rehearsal of a new company, which leaves nothing else.
    assert_eq!(other.post("/v1/orders", &order("PO-9", "Acme")).await.status, 409);
    let auditor = site.client(Role::Auditor, None).await;
    let found = refusals(&auditor, "").await;
    let told: Vec<_> = found.iter().map(|it| (it["command"].as_str(), it["rule"].as_str())).collect();
    assert!(told.contains(&(Some("order.create"), Some("company_unknown"))), "{told:?}");
    assert!(told.contains(&(Some("company.qualify"), Some("company_name_taken"))), "{told:?}");
    let about = refusals(&auditor, &format!("?about={company}")).await;
    assert_eq!(about.len(), 1, "{about:?}");
    site.close().await;
}
