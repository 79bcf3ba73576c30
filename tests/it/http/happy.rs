//! The way of a reseller through the API, when nothing is wrong.

use reqwest::Method;
use serde_json::json;

use super::{Site, company, order, said, with_json};

#[tokio::test]
async fn a_reseller_is_made_shown_and_suspended() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let made =
        operator.post("/v1/operator/resellers", &json!({ "code": "R7", "name": "Northern Voice" })).await;
    let id = made.is(201).text("id").to_owned();
    assert_eq!(made.header("location"), format!("/v1/operator/resellers/{id}"));
    assert_eq!(made.text("sales_tag"), "R7");

    let reseller = site.client(orderwire::edge::keys::Role::Reseller, Some(id.parse().unwrap())).await;
    assert_eq!(reseller.get("/v1/reseller").await.is(200).body, made.body);
    assert_eq!(operator.get("/v1/operator/resellers").await.is(200).body["items"], json!([made.body]));

    let path = format!("/v1/operator/resellers/{id}");
    let renamed = with_json(operator.request(Method::PATCH, &path), &json!({ "name": "Northern Voice Ltd" }));
    assert_eq!(said(renamed).await.is(200).text("name"), "Northern Voice Ltd");
    let why = json!({ "reason": "credit control" });
    let suspended = operator.post(&format!("{path}/suspension"), &why).await;
    assert_eq!(suspended.is(200).text("status"), "suspended");
    reseller.post("/v1/companies", &company("Acme")).await.problem(422, "refused");
    assert_eq!(operator.delete(&format!("{path}/suspension")).await.is(200).text("status"), "active");
    reseller.post("/v1/companies", &company("Acme")).await.is(201);
    site.close().await;
}

#[tokio::test]
async fn a_company_is_qualified_extended_and_released() {
    let site = Site::open().await;
    let (id, reseller) = site.reseller(1).await;
    let qualified = reseller.post("/v1/companies", &company("Acme Ltd")).await;
    let reference = qualified.is(201).text("service_reference").to_owned();
    assert_eq!(qualified.text("expires_at"), "2026-07-01T09:00:00.000Z", "30 days, in UTC with milliseconds");
    assert_eq!(qualified.text("reseller"), id.to_string());

    let path = format!("/v1/companies/{reference}");
    assert_eq!(qualified.header("location"), path);
    let shown = reseller.get(&path).await;
    assert_eq!((&shown.body, shown.header("etag")), (&qualified.body, qualified.header("etag")));
    let extended = reseller.post(&format!("{path}/qualification"), &json!({})).await;
    assert!(extended.is(200).text("expires_at") > qualified.text("expires_at"));
    assert_ne!(extended.header("etag"), qualified.header("etag"));

    let released = reseller.delete(&format!("{path}/qualification")).await;
    assert_eq!(released.is(200).text("status"), "released");
    let again = reseller.delete(&format!("{path}/qualification")).await;
    again.problem(409, "not_permitted");
    assert_eq!((again.text("state"), &again.body["actions"]), ("released", &json!([])));
    site.close().await;
}

#[tokio::test]
async fn a_history_is_read_page_by_page_as_any_list() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let path = draft.is(201).header("location").to_owned();
    reseller.post(&format!("{path}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    let whole = reseller.get(&format!("{path}/history")).await;
    let whole = whole.is(200).body["items"].as_array().unwrap().clone();
    assert!(whole.len() > 5, "{whole:?}");
    let (mut paged, mut next) = (Vec::new(), Some(format!("{path}/history?limit=2")));
    while let Some(page) = next {
        let page = reseller.get(&page).await;
        let items = page.is(200).body["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        paged.extend(items.clone());
        next = page
            .headers
            .get("link")
            .map(|link| link.to_str().unwrap().split(['<', '>']).nth(1).unwrap().to_owned());
        assert_eq!(next.is_some(), page.body["next"].is_string());
    }
    assert_eq!(paged, whole);
    for wrong in ["limit=0", "limit=501", "cursor=zz", "after=1"] {
        reseller.get(&format!("{path}/history?{wrong}")).await.problem(422, "invalid");
    }
    site.close().await;
}

#[tokio::test]
async fn an_order_is_drafted_submitted_and_followed() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme Ltd")).await;
    let path = draft.is(201).header("location").to_owned();
    assert_eq!((draft.text("status"), &draft.body["lines"]["waiting"]), ("draft", &json!(4)));
    let open = reseller.get(&format!("{path}/actions")).await;
    let submit = |body: &serde_json::Value| {
        let mut actions = body["actions"].as_array().unwrap().iter();
        actions.find(|action| action["action"] == "submit").unwrap()["open"].clone()
    };
    assert_eq!(submit(&open.is(200).body), json!(true));

    let submitted = reseller.post(&format!("{path}/submission"), &json!({})).await;
    let position = submitted.is(202).header("orderwire-position").to_owned();
    site.world.settle().await;
    let head = site.head().await;
    let done = reseller.get(&format!("{path}?after_position={head}")).await;
    assert_eq!(done.is(200).text("status"), "completed");
    assert!(position.parse::<u64>().unwrap() < head);
    let closed = reseller.get(&format!("{path}/actions")).await;
    assert_eq!(submit(&closed.is(200).body), json!(false));

    let listed = reseller.get("/v1/orders?reference=PO-1&status=completed").await;
    assert_eq!(listed.is(200).body, json!({ "items": [done.body], "next": null }));
    assert_eq!(reseller.get("/v1/orders?reference=PO-2").await.body["items"], json!([]));
    let lines = reseller.get(&format!("{path}/lines?limit=2")).await;
    let kinds: Vec<_> = lines.body["items"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["company", "numbers"]);
    let next = lines.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    let rest = reseller.get(&next).await;
    assert_eq!(rest.is(200).body["items"].as_array().unwrap().len(), 2);

    let history = reseller.get(&format!("{path}/history")).await;
    let events = history.is(200).body["items"].as_array().unwrap();
    assert_eq!(events[0]["event"], "OrderCreated");
    assert_eq!(events.last().unwrap()["event"], "OrderCompleted");
    assert!(history.body.to_string().contains("Lovelace"), "opened for whose it is");
    reseller.delete(&path).await.problem(409, "not_permitted");
    site.close().await;
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_misses_nothing() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    for name in ["One", "Two", "Three", "Four", "Five"] {
        reseller.post("/v1/companies", &company(name)).await.is(201);
    }
    let (mut path, mut names) = ("/v1/companies?limit=2&status=qualified".to_owned(), Vec::new());
    loop {
        let page = reseller.get(&path).await;
        let items = page.is(200).body["items"].as_array().unwrap();
        names.extend(items.iter().map(|company| company["name"].as_str().unwrap().to_owned()));
        match page.headers.get("link") {
            Some(link) => path = link.to_str().unwrap().split(['<', '>']).nth(1).unwrap().to_owned(),
            None => break,
        }
    }
    names.sort();
    assert_eq!(names, ["Five", "Four", "One", "Three", "Two"]);
    let wrong = reseller.get("/v1/companies?cursor=zz").await;
    assert_eq!(wrong.problem(422, "invalid").errors(), [("cursor".into(), "cursor_invalid".into())]);
    site.close().await;
}

#[tokio::test]
async fn the_correlation_of_a_request_is_in_its_events_and_its_answer() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let request = reseller.request(Method::POST, "/v1/companies").header("X-Correlation-Id", "case/4711");
    let said = said(with_json(request, &company("Acme"))).await;
    assert_eq!(said.is(201).header("x-correlation-id"), "case/4711");
    let position: u64 = said.header("orderwire-position").parse().unwrap();
    let event = site.world.engine.page(position - 1, 1).await.unwrap().remove(0);
    let metadata: serde_json::Value = serde_json::from_str(&event.metadata).unwrap();
    assert_eq!(metadata["correlation"], "case/4711");
    assert!(metadata["actor"].as_str().unwrap().starts_with("key_"));
    site.close().await;
}

#[tokio::test]
async fn a_draft_is_edited_line_by_line() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme Ltd")).await;
    let lines = format!("{}/lines", draft.is(201).header("location"));
    let phone = json!({ "kind": "device", "user": { "line": "4" }, "model": "desk_phone_t1", "mac": "00:15:65:00:00:01" });
    let request = reseller.request(Method::POST, &lines).header("Idempotency-Key", "k1");
    let added = said(with_json(request, &phone)).await;
    assert_eq!((added.is(201).body["line"].as_u64(), added.text("kind")), (Some(5), "device"));
    let again = reseller.request(Method::POST, &lines).header("Idempotency-Key", "k1");
    assert_eq!(said(with_json(again, &phone)).await.is(201).body["line"], 5);

    let line = format!("{lines}/2");
    let more =
        json!({ "kind": "numbers", "ask": { "search": { "by": { "area_code": "0113" }, "quantity": 9 } } });
    let stale =
        with_json(reseller.request(Method::PATCH, &line).header("If-Match", draft.header("etag")), &more);
    said(stale).await.problem(412, "precondition_failed");
    let fresh =
        with_json(reseller.request(Method::PATCH, &line).header("If-Match", added.header("etag")), &more);
    assert_eq!(said(fresh).await.is(200).body["numbers_asked"], 9);
    let gone = reseller.delete(&format!("{lines}/5")).await;
    let position = gone.is(200).header("orderwire-position").to_owned();
    let left = reseller.get(&format!("{lines}?after_position={position}")).await;
    assert_eq!(left.is(200).body["items"].as_array().unwrap().len(), 4);

    let before = site.head().await;
    let unknown =
        reseller.post(&lines, &json!({ "kind": "device", "user": { "line": "9" }, "colour": "red" })).await;
    let at: Vec<_> = unknown.problem(422, "refused").errors().into_iter().map(|(at, _)| at).collect();
    assert!(at.contains(&"/user/line".to_owned()) && at.contains(&"/colour".to_owned()), "{at:?}");
    let on_a_site = json!({ "kind": "device", "user": { "line": "3" }, "model": "desk_phone_t1", "mac": "00:15:65:00:00:02" });
    let wrong = reseller.post(&lines, &on_a_site).await;
    assert_eq!(wrong.is(422).errors()[0].0, "/user", "{:#}", wrong.body);
    assert_eq!(site.head().await, before);
    site.close().await;
}
