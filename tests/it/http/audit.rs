//! What an auditor asks over HTTP, and is not shown.

use orderwire::edge::keys::Role;
use serde_json::{Value, json};

use super::{Client, Site, order};

/// A site where an order of an auditor's interest was done.
async fn looked_at() -> (Site, Client, String, Value) {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, owner) = site.reseller(1).await;
    let placed = owner.post("/v1/orders", &order("PO-1", "Acme")).await;
    let id = placed.is(201).text("id").to_owned();
    owner.post(&format!("/v1/orders/{id}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    let auditor = site.client(Role::Auditor, None).await;
    let history = auditor.get(&format!("/v1/audit/history/{id}?limit=500")).await;
    let steps = history.is(200).body["items"].clone();
    (site, auditor, id, steps)
}

fn step<'a>(steps: &'a Value, event: &str) -> &'a Value {
    steps.as_array().unwrap().iter().find(|step| step["event"] == event).unwrap()
}

#[tokio::test]
async fn an_auditor_reads_history_with_causes_and_rulings_and_no_name() {
    let (site, auditor, id, steps) = looked_at().await;
    assert!(step(&steps, "OrderAcknowledged")["caused_by"]["position"].is_u64());
    assert_eq!(step(&steps, "OrderCreated")["decided_by"][0]["rule"], "draft_untouched_days");
    let text = steps.to_string();
    assert!(
        !text.contains("Lovelace") && text.contains("\"sealed\"") && !text.contains("ciphertext"),
        "{text}"
    );
    let first = auditor.get(&format!("/v1/audit/history/{id}?limit=1")).await;
    let next = first.is(200).text("next").to_owned();
    let second = auditor.get(&format!("/v1/audit/history/{id}?limit=1&cursor={next}")).await;
    assert_eq!(second.is(200).body["items"][0], steps[1]);
    auditor.get("/v1/audit/history/ord_00000000000000000000000000000007").await.problem(404, "not_found");
    site.close().await;
}

#[tokio::test]
async fn a_state_of_then_and_what_changed_since_name_the_event_and_the_actor() {
    let (site, auditor, id, steps) = looked_at().await;
    let submitted = step(&steps, "OrderSubmitted")["position"].as_u64().unwrap();
    let was = auditor.get(&format!("/v1/audit/state/{id}?as_of={submitted}")).await;
    assert_eq!((was.is(200).text("status"), was.body["position"].as_u64()), ("submitted", Some(submitted)));
    assert!(
        was.body["document"]["lines"].as_object().unwrap().values().all(|line| line["status"] == "waiting")
    );
    assert!(!was.body.to_string().contains("Lovelace"));
    let is = auditor.get(&format!("/v1/audit/state/{id}")).await;
    assert_eq!(is.is(200).text("status"), "completed");
    let found = auditor.get(&format!("/v1/audit/diff/{id}?from={submitted}")).await;
    let changes = found.is(200).body["changes"].as_array().unwrap().clone();
    let change = changes.iter().find(|change| change["path"] == "/status").unwrap();
    assert_eq!(
        (&change["old"], &change["new"], &change["event"]),
        (&json!("submitted"), &json!("completed"), &json!("OrderCompleted"))
    );
    assert_eq!(change["actor"], "engine:fulfilment");
    auditor.get(&format!("/v1/audit/state/{id}?as_of=1")).await.problem(422, "refused");
    auditor.get(&format!("/v1/audit/state/{id}?as_of=then")).await.problem(422, "invalid");
    auditor.get(&format!("/v1/audit/diff/{id}")).await.problem(422, "invalid");
    site.close().await;
}

#[tokio::test]
async fn a_request_is_traced_by_the_correlation_it_was_sent_with() {
    let (site, auditor, id, steps) = looked_at().await;
    let correlation = step(&steps, "OrderSubmitted")["correlation"].as_str().unwrap();
    assert_eq!(step(&steps, "OrderCompleted")["correlation"], correlation, "fulfilment carries it on");
    let tree = auditor.get(&format!("/v1/audit/trace?of={correlation}")).await;
    assert_eq!(tree.is(200).body["roots"].as_array().unwrap().len(), 1);
    assert_eq!(tree.body["roots"][0]["command"], "order.submit");
    assert_eq!(auditor.get(&format!("/v1/audit/trace?of={id}")).await.is(200).body, tree.body);
    auditor.get("/v1/audit/trace?of=nothing").await.problem(422, "refused");
    auditor.get("/v1/audit/trace").await.problem(422, "invalid");
    site.close().await;
}

#[tokio::test]
async fn an_auditor_asks_why_not_how_many_and_what_if() {
    let (site, auditor, id, _) = looked_at().await;
    let refused = auditor.get(&format!("/v1/audit/why-not/{id}/acknowledge")).await;
    assert_eq!(
        (refused.is(200).body["allowed"].as_bool(), &refused.body["unlock"]),
        (Some(false), &Value::Null)
    );
    assert_eq!(
        (refused.body["since"]["event"].as_str(), refused.text("status")),
        (Some("OrderCompleted"), "completed")
    );
    let unknown = auditor.get(&format!("/v1/audit/why-not/{id}/launch")).await;
    assert!(
        unknown.problem(422, "refused").body["errors"][0]["expected"].as_str().unwrap().contains("submit")
    );
    let stats = auditor.get("/v1/audit/stats").await;
    assert_eq!(
        (&stats.is(200).body["orders"], stats.body["series"].as_array().unwrap().len()),
        (&json!(1), 61)
    );
    auditor.get("/v1/audit/stats?from=12").await.problem(422, "invalid");
    let same = auditor.post("/v1/audit/counterfactual", &json!({})).await;
    assert_eq!(same.is(200).body["different"], 0);
    let other =
        auditor.post("/v1/audit/counterfactual", &json!({ "limits": { "draft_untouched_days": 30 } })).await;
    assert_eq!(other.is(200).body["differences"][0]["values"][0]["path"], "/untouched_until");
    assert_eq!(other.body["different"], 1, "a draft is found once, however many lines it has");
    let wrong = auditor.post("/v1/audit/counterfactual", &json!({ "limits": { "days": 1 } })).await;
    wrong.problem(422, "refused");
    let (_, reseller) = site.reseller(2).await;
    reseller.get("/v1/audit/stats").await.problem(403, "forbidden");
    site.close().await;
}
