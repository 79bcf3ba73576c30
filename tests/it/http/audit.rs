//! What an auditor asks over HTTP, and is not shown.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use orderwire::{
    edge::keys::Role,
    engine::{leaf::hex, log::StoredEvent},
};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Client, Site, order};
use crate::world::{Meddles, Store};

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
    assert_eq!(wrong.problem(422, "refused").body["errors"][0]["pointer"], "/limits/days");
    let asked = "/v1/audit/counterfactual?from=1&to=2";
    assert_eq!(auditor.post(asked, &json!({})).await.is(200).body["events"], 1);
    let swapped = "/v1/audit/counterfactual?from=2&to=1";
    let swapped = auditor.post(swapped, &json!({})).await;
    assert_eq!(swapped.problem(422, "refused").body["errors"][0]["code"], "moments_swapped");
    auditor.post("/v1/audit/counterfactual?form=2", &json!({})).await.problem(422, "invalid");
    auditor.get("/v1/audit/trace?correlation=12").await.problem(422, "refused");
    auditor.get("/v1/audit/trace?correlation=12&of=1").await.problem(422, "invalid");
    let (_, reseller) = site.reseller(2).await;
    reseller.get("/v1/audit/stats").await.problem(403, "forbidden");
    site.close().await;
}

#[tokio::test]
async fn an_export_streams_every_event_and_says_where_it_ends() {
    let (site, auditor, id, steps) = looked_at().await;
    let head = site.head().await;
    let streamed = async |query: &str| {
        let said = auditor.request(Method::GET, &format!("/v1/audit/export{query}")).send().await.unwrap();
        assert_eq!(said.status(), 200, "{query}");
        said.text().await.unwrap()
    };
    let text = streamed("").await;
    let (events, end) = text.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(events.lines().count() as u64, head);
    let end: Value = serde_json::from_str::<Value>(end).unwrap()["end"].clone();
    let sum = hex(&Sha256::digest(format!("{events}\n")));
    assert_eq!((&end["events"], &end["through"], &end["sha256"]), (&json!(head), &json!(head), &json!(sum)));
    let root = site.world.engine.head().await.unwrap().frontier.root();
    assert_eq!((&end["log"]["size"], &end["log"]["root"]), (&json!(head), &json!(hex(&root))));
    assert!(text.contains("ciphertext") && !text.contains("Lovelace"));

    let own = streamed(&format!("?order={id}&encoding=csv")).await;
    assert!(
        own.starts_with("position,stream,") && own.lines().last().unwrap().starts_with("end,,,"),
        "{own}"
    );
    assert_eq!(own.lines().count(), steps.as_array().unwrap().len() + 2, "a heading, and an end");
    let typed = streamed("?type=OrderCreated,OrderSubmitted&encoding=cloudevents").await;
    assert_eq!(typed.matches("\"specversion\":\"1.0\"").count(), 2);
    assert!(streamed(&format!("?after={head}")).await.starts_with("{\"end\":{\"events\":0,"));
    for wrong in ["after=x", "encoding=xml", "order=7", "form=csv", "until=then"] {
        let said = auditor.get(&format!("/v1/audit/export?{wrong}")).await;
        assert_eq!(said.status, 422, "{wrong}: {}", said.body);
    }
    let (_, reseller) = site.reseller(2).await;
    reseller.get("/v1/audit/export").await.problem(403, "forbidden");
    site.close().await;
}

#[tokio::test]
async fn a_verification_says_what_came_of_it_last() {
    let (site, auditor, _, _) = looked_at().await;
    let (head, root) = (site.head().await, site.world.engine.head().await.unwrap().frontier.root());
    for (query, rows) in [("", false), ("?models=false", false), ("?models=true", true)] {
        let said = auditor.request(Method::GET, &format!("/v1/audit/verify{query}")).send().await.unwrap();
        assert_eq!(said.status(), 200, "{query}");
        let text = said.text().await.unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let verified = &last["verified"];
        assert_eq!(
            (&verified["events"], &verified["root"], &verified["found"]),
            (&json!(head), &json!(hex(&root)), &Value::Null)
        );
        assert_eq!(verified["rows"].as_u64().unwrap() > 10, rows, "{query}: {verified}");
    }
    auditor.get("/v1/audit/verify?models=yes").await.problem(422, "invalid");
    auditor.get("/v1/audit/verify?since=7").await.problem(422, "invalid");
    let turn = site.verifying.lock().await;
    auditor.get("/v1/audit/verify").await.problem(429, "already_verifying");
    drop(turn);
    let (_, reseller) = site.reseller(2).await;
    reseller.get("/v1/audit/verify").await.problem(403, "forbidden");
    site.close().await;
}

#[tokio::test]
async fn every_answer_to_an_auditor_is_recorded_before_it_is_given() {
    let (site, auditor, id, _) = looked_at().await;
    auditor.get(&format!("/v1/audit/why-not/{id}/hold")).await.is(200);
    auditor.get("/v1/audit/history/ord_00000000000000000000000000000007").await.problem(404, "not_found");
    auditor.get(&format!("/v1/orders/{id}")).await.is(200);
    let operator = site.operator().await;
    operator.post("/v1/audit/counterfactual", &json!({})).await.is(200);
    let reads = operator.get("/v1/audit/reads?limit=2").await;
    let asked = |said: &Value| -> Vec<String> {
        let items = said["items"].as_array().unwrap().iter();
        items.map(|read| read["what"].as_str().unwrap().to_owned()).collect()
    };
    let first = "GET /v1/audit/history/".to_owned() + &id + "?limit=500";
    assert_eq!(
        asked(&reads.is(200).body),
        ["POST /v1/audit/counterfactual".to_owned(), format!("GET /v1/audit/why-not/{id}/hold")]
    );
    let next = reads.text("next");
    let rest = operator.get(&format!("/v1/audit/reads?cursor={next}")).await;
    assert_eq!(asked(&rest.is(200).body), [first], "what was refused told nothing");
    let read = &rest.body["items"][0];
    assert_eq!((&read["via"], &read["position"]), (&json!("http"), &json!(site.head().await)));
    let of = operator.get(&format!("/v1/audit/reads?actor={}", read["actor"].as_str().unwrap())).await;
    assert_eq!(of.is(200).body["items"].as_array().unwrap().len(), 2);
    site.close().await;
}

/// A store that loses an event once somebody says so.
struct Loses(Arc<AtomicBool>);

impl Meddles for Loses {
    fn page(&self, page: &mut Vec<StoredEvent>) {
        if self.0.load(Ordering::Relaxed) {
            page.retain(|event| event.position != 3);
        }
    }
}

#[tokio::test]
async fn a_log_with_a_gap_does_not_look_whole() {
    let loses = Arc::new(AtomicBool::new(false));
    let store = Store::memory().await.meddled_with(Loses(Arc::clone(&loses))).await;
    let site = Site::over(store).await;
    site.reseller(1).await;
    site.reseller(2).await;
    site.world.leeds().await;
    let auditor = site.client(Role::Auditor, None).await;
    // It may be cut before anything of it has left.
    let streamed = async |path| match auditor.request(Method::GET, path).send().await {
        Ok(said) => said.text().await,
        Err(error) => Err(error),
    };
    assert!(streamed("/v1/audit/export").await.unwrap().contains("\n{\"end\":"));
    loses.store(true, Ordering::Relaxed);
    let cut = streamed("/v1/audit/export").await;
    assert!(cut.is_err(), "{cut:?}");
    let verified = streamed("/v1/audit/verify").await.unwrap();
    let found = r#""found":{"position":3,"to":null,"check":"position","detail":"there is no event at this position"}"#;
    assert!(verified.contains(found), "{verified}");
    loses.store(false, Ordering::Relaxed);
    site.close().await;
}
