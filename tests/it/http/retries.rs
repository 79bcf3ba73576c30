//! Asking again, and asking on what one saw.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::join_all;
use orderwire::engine::log::ReaderCommit;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Client, Said, Site, company, order, said, with_json};
use crate::world::{Meddles, Store};

/// Holds the reader of orders up while it is closed.
#[derive(Default)]
struct HeldUp {
    closed: AtomicBool,
    opened: Notify,
}

#[async_trait]
impl Meddles for HeldUp {
    async fn apply(&self, commit: &mut ReaderCommit) {
        if commit.reader == "orders" && self.closed.load(Ordering::SeqCst) {
            self.opened.notified().await;
        }
    }
}

async fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> Said {
    said(with_json(client.request(Method::POST, path).header("Idempotency-Key", key), body)).await
}

#[tokio::test]
async fn a_retry_is_answered_the_same_and_done_once() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let first = keyed(&reseller, "/v1/companies", "k1", &company("Acme")).await;
    let head = site.head().await;
    let again = keyed(&reseller, "/v1/companies", "k1", &company("Acme")).await;
    assert_eq!((again.is(201).body.clone(), site.head().await), (first.is(201).body.clone(), head));
    assert_eq!(again.header("orderwire-position"), first.header("orderwire-position"));

    keyed(&reseller, "/v1/companies", "k1", &company("Bolt")).await.problem(422, "idempotency_key_reused");
    let id = first.text("service_reference");
    let elsewhere = format!("/v1/companies/{id}/qualification");
    keyed(&reseller, &elsewhere, "k1", &json!({})).await.problem(422, "idempotency_key_reused");
    keyed(&other, "/v1/companies", "k1", &company("Bolt")).await.is(201);
    let long = "k".repeat(201);
    for wrong in ["", "a\tb", long.as_str()] {
        keyed(&reseller, "/v1/companies", wrong, &company("Cog")).await.problem(422, "invalid");
    }
    site.close().await;
}

#[tokio::test]
async fn retries_that_race_are_done_once() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let body = company("Acme");
    let all = join_all((0..16).map(|_| keyed(&reseller, "/v1/companies", "k1", &body))).await;
    for said in &all {
        assert_eq!(said.is(201).body, all[0].body);
    }
    assert_eq!(site.head().await, 2, "the reseller, and one company");
    site.close().await;
}

#[tokio::test]
async fn an_order_is_placed_once_by_its_key_or_its_reference() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let document = order("PO-1", "Acme");
    let first = reseller.post("/v1/orders", &document).await;
    let head = site.head().await;
    let again = reseller.post("/v1/orders", &document).await;
    assert_eq!((again.is(201).text("id"), site.head().await), (first.is(201).text("id"), head));
    let mut other = document.clone();
    other["lines"][0]["channels"] = json!(11);
    let used = reseller.post("/v1/orders", &other).await;
    assert_eq!(used.problem(422, "refused").errors(), [("/reference".into(), "reference_used".into())]);

    let keyed_first = keyed(&reseller, "/v1/orders", "k1", &order("PO-2", "Bolt")).await;
    let head = site.head().await;
    let keyed_again = keyed(&reseller, "/v1/orders", "k1", &order("PO-2", "Bolt")).await;
    assert_eq!(keyed_again.is(201).text("id"), keyed_first.is(201).text("id"));
    keyed(&reseller, "/v1/orders", "k1", &order("PO-3", "Cog")).await.problem(422, "idempotency_key_reused");
    assert_eq!(site.head().await, head);
    keyed(&reseller, "/v1/orders", "k2", &order("PO-2", "Dab")).await.problem(409, "taken");
    assert_eq!(site.head().await, head, "the company of a refused order is not qualified");
    site.close().await;
}

#[tokio::test]
async fn orders_that_race_under_one_key_leave_no_company_of_those_that_lost() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    for round in 0..5 {
        let bodies: Vec<Value> =
            (0..4).map(|n| order(&format!("R-{round}-{n}"), &format!("Race {round} {n}"))).collect();
        let key = format!("k{round}");
        let all = join_all(bodies.iter().map(|body| keyed(&reseller, "/v1/orders", &key, body))).await;
        assert_eq!(all.iter().filter(|said| said.status == 201).count(), 1);
    }
    // The same reference and company, with different lines: whoever loses must not take the winner's company away.
    let mut other = order("PO-1", "Acme");
    other["lines"][0]["channels"] = json!(11);
    let documents = [order("PO-1", "Acme"), other];
    let both = join_all(documents.iter().map(|body| reseller.post("/v1/orders", body))).await;
    assert_eq!(both.iter().filter(|said| said.status == 201).count(), 1);
    let path = format!("/v1/companies?status=qualified&after_position={}", site.head().await);
    assert_eq!(reseller.get(&path).await.is(200).body["items"].as_array().unwrap().len(), 6);
    site.close().await;
}

#[tokio::test]
async fn a_submit_that_is_asked_for_again_while_it_is_under_way_is_done_once() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let path = format!("{}/submission", draft.is(201).header("location"));
    let nothing = json!({});
    let all = join_all((0..16).map(|_| keyed(&reseller, &path, "s1", &nothing))).await;
    for said in &all {
        assert_eq!(said.is(202).text("id"), draft.text("id"));
    }
    site.world.settle().await;
    let history = reseller.get(&format!("{}/history", draft.header("location"))).await;
    let steps = history.is(200).body["items"].as_array().unwrap();
    assert_eq!(steps.iter().filter(|step| step["event"] == "OrderSubmitted").count(), 1, "{steps:?}");
    site.close().await;
}

#[tokio::test]
async fn of_those_that_saw_the_same_one_is_served() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let seen = reseller.post("/v1/companies", &company("Acme")).await;
    let path = format!("/v1/companies/{}/qualification", seen.is(201).text("service_reference"));
    let before = site.head().await;
    let extend = |tag: String| {
        let request = reseller.request(Method::POST, &path).header("If-Match", tag);
        said(with_json(request, &json!({})))
    };
    let all = join_all((0..8).map(|_| extend(seen.header("etag").to_owned()))).await;
    let served: Vec<&Said> = all.iter().filter(|said| said.status == 200).collect();
    assert_eq!((served.len(), site.head().await), (1, before + 1));
    for lost in all.iter().filter(|said| said.status != 200) {
        lost.problem(412, "precondition_failed");
    }
    extend(seen.header("etag").to_owned()).await.problem(412, "precondition_failed");
    for never in ["\"0\"", "\"1\"", "\"999999\"", "W/\"2\""] {
        extend(never.to_owned()).await.problem(412, "precondition_failed");
    }
    extend("nonsense".to_owned()).await.problem(422, "invalid");
    extend(format!("\"7777\", {}", served[0].header("etag"))).await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_retry_of_a_conditional_request_is_answered_the_same() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let seen = reseller.post("/v1/companies", &company("Acme")).await;
    let path = format!("/v1/companies/{}/qualification", seen.is(201).text("service_reference"));
    let extend = || {
        let request = reseller.request(Method::POST, &path).header("Idempotency-Key", "k1");
        said(with_json(request.header("If-Match", seen.header("etag")), &json!({})))
    };
    let first = extend().await;
    let again = extend().await;
    assert_eq!(again.is(200).body, first.is(200).body);
    let nothing_yet = reseller.request(Method::POST, "/v1/companies").header("If-Match", "\"1\"");
    said(with_json(nothing_yet, &company("Bolt"))).await.problem(422, "invalid");
    site.close().await;
}

#[tokio::test]
async fn what_a_write_was_answered_with_the_next_read_sees() {
    let site = Site::manual().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    for n in 0..30 {
        let draft = reseller.post("/v1/orders", &order(&format!("PO-{n}"), &format!("Acme {n}"))).await;
        let listed = reseller.get(&format!("/v1/orders?reference=PO-{n}")).await;
        assert_eq!(listed.is(200).body["items"], json!([draft.is(201).body]), "PO-{n}");
        let path = draft.header("location");
        let discarded = reseller.delete(path).await;
        let position: u64 = discarded.is(200).header("orderwire-position").parse().unwrap();
        assert_eq!(discarded.text("status"), "discarded");
        assert_eq!(discarded.header("etag"), format!("\"{position}\""));
        assert_eq!(reseller.get(path).await.is(200).body, discarded.body, "PO-{n}");
    }
    site.close().await;
}

#[tokio::test]
async fn a_write_on_an_order_does_not_wait_for_its_row_and_the_next_read_does() {
    let held_up = Arc::new(HeldUp::default());
    let store = Store::memory().await.meddled_with(Arc::clone(&held_up)).await;
    let site = Site::over(store).await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    site.world.settle().await;
    held_up.closed.store(true, Ordering::SeqCst);
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    assert_eq!(draft.is(201).text("status"), "draft", "it is answered without its row");
    let mut asked = pin!(reseller.get("/v1/orders?reference=PO-1"));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut asked).await;
    assert!(early.is_err(), "a list without it is not answered");
    held_up.closed.store(false, Ordering::SeqCst);
    held_up.opened.notify_one();
    assert_eq!(asked.await.is(200).body["items"], json!([draft.body]));
    site.close().await;
}
