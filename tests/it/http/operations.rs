//! What the carrier does over HTTP: stock, orders and their lines, information, and the worklist; and import orders.

use orderwire::{edge::keys::Role, http::Limits};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Site, company, order, port_order, said, with_json};

/// A submitted order whose lines wait for the carrier's own reports; its path.
async fn under_way(site: &Site, client: &Client) -> String {
    site.world.leeds().await;
    let draft = client.post("/v1/orders", &order("PO-1", "Acme")).await;
    let path = draft.is(201).header("location").to_owned();
    client.post(&format!("{path}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    path
}

async fn shown(site: &Site, client: &Client, path: &str) -> Value {
    site.world.settle().await;
    client.get(&format!("{path}?after_position={}", site.head().await)).await.is(200).body.clone()
}

#[tokio::test]
async fn lines_are_reported_until_the_order_is_complete() {
    let site = Site::manual().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let path = under_way(&site, &reseller).await;
    let lines = format!("/v1/operator{}/lines", path.strip_prefix("/v1").unwrap());
    let work = operator.get("/v1/operator/worklist?kind=line").await;
    assert_eq!(work.is(200).body["items"][0]["what"], "site", "{:#}", work.body);
    operator.post(&format!("{lines}/4/completion"), &json!({})).await.is(422);

    let why = json!({ "reason": "the building is closed" });
    assert_eq!(operator.post(&format!("{lines}/3/hold"), &why).await.is(200).text("status"), "held");
    site.world.settle().await;
    let held =
        operator.get(&format!("/v1/operator/worklist?kind=held&after_position={}", site.head().await)).await;
    assert_eq!((&held.is(200).body["items"][0]["line"], &held.body["next"]), (&json!(3), &Value::Null));
    assert_eq!(operator.delete(&format!("{lines}/3/hold")).await.is(200).text("status"), "in_progress");
    let committed =
        operator.post(&format!("{lines}/3/milestone"), &json!({ "milestone": "committed" })).await;
    assert_eq!(committed.is(200).text("milestone"), "committed");
    let wrong = operator.post(&format!("{lines}/3/milestone"), &json!({ "milestone": "allocated" })).await;
    assert_eq!(wrong.problem(422, "refused").errors()[0].1, "word_unknown");
    operator.post(&format!("{lines}/3/completion"), &json!({})).await.is(200);
    site.world.settle().await;
    let because = json!({ "code": "licence_missing", "detail": "none is left" });
    let failed = operator.post(&format!("{lines}/4/failure"), &because).await;
    assert_eq!(failed.is(200).body["failure"], because);
    assert_eq!(shown(&site, &reseller, &path).await["status"], "partial");
    operator.post(&format!("{lines}/4/completion"), &json!({})).await.problem(409, "not_permitted");
    let shouting = json!({ "code": "No Licence", "detail": "none is left" });
    let wrong = operator.post(&format!("{lines}/4/failure"), &shouting).await;
    assert_eq!(wrong.is(422).errors(), [("/code".into(), "code_malformed".into())]);
    site.close().await;
}

#[tokio::test]
async fn an_order_waits_for_information_and_goes_on_with_it() {
    let site = Site::manual().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let path = under_way(&site, &reseller).await;
    let own = format!("/v1/operator{}", path.strip_prefix("/v1").unwrap());
    let answer = json!({ "answer": "the second floor" });
    reseller.post(&format!("{path}/information"), &answer).await.problem(409, "not_permitted");
    let question = json!({ "question": "which floor?", "deadline": "2026-06-10T09:00:00Z" });
    let pending = operator.post(&format!("{own}/information"), &question).await;
    assert_eq!(
        (pending.is(200).text("status"), pending.text("information_due")),
        ("pending", "2026-06-10T09:00:00.000Z")
    );
    assert_eq!(pending.text("information_question"), "which floor?");
    for (client, question) in [
        (&reseller, "which floor?"),
        (&operator, "which floor?"),
        (&site.client(Role::Auditor, None).await, "sealed"),
    ] {
        assert_eq!(client.get(&path).await.is(200).text("information_question"), question);
        let listed = client.get("/v1/orders").await;
        assert_eq!(listed.is(200).body["items"][0]["information_question"], question);
    }
    let notices = reseller.get("/v1/notices?after=0").await;
    assert!(!notices.is(200).body.to_string().contains("which floor?"), "it is personal to no receiver");
    let history = reseller.get(&format!("{path}/history")).await;
    assert!(history.is(200).body.to_string().contains("which floor?"), "the reseller can read what is asked");
    reseller.post(&format!("{own}/information"), &question).await.problem(403, "forbidden");
    let told = reseller.post(&format!("{path}/information"), &answer).await;
    assert_ne!(told.is(200).text("status"), "pending");
    assert_eq!(told.body.get("information_question"), None, "nothing is open any more");

    let why = json!({ "reason": "flood at the exchange" });
    assert_eq!(operator.post(&format!("{own}/hold"), &why).await.is(200).text("status"), "held");
    assert_eq!(operator.delete(&format!("{own}/hold")).await.is(200).text("status"), "in_progress");
    site.close().await;
}

#[tokio::test]
async fn an_order_is_rejected_with_reasons_while_it_can_be() {
    let site = Site::idle(Limits::default()).await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    site.world.leeds().await;
    site.world.settle().await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let path = draft.is(202).header("location").to_owned();
    let own = format!("/v1/operator{}", path.strip_prefix("/v1").unwrap());
    operator.post(&format!("{own}/acknowledgement"), &json!({})).await.problem(409, "not_permitted");
    reseller.post(&format!("{path}/submission"), &json!({})).await.is(202);
    operator.post(&format!("{own}/acknowledgement"), &json!({})).await.is(202);
    let none = operator.post(&format!("{own}/rejection"), &json!({ "reasons": [] })).await;
    assert_eq!(none.is(422).errors().len(), 1, "{:#}", none.body);
    let because = json!({ "reasons": [{ "code": "address_unserviceable", "detail": "there is no cable" }] });
    operator.post(&format!("{own}/rejection"), &because).await.is(202);
    let rejected = shown(&site, &reseller, &path).await;
    assert_eq!(
        (&rejected["status"], &rejected["reasons"][0]["code"]),
        (&json!("rejected"), &json!("address_unserviceable"))
    );
    site.close().await;
}

#[tokio::test]
async fn stock_is_loaded_listed_ported_out_taken_back_and_withdrawn() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let block = json!({ "range": "0113 496 0000-0999", "place": "Leeds", "range_holder": "001" });
    let loaded = operator.post("/v1/operator/stock", &block).await;
    let path = loaded.is(201).header("location").to_owned();
    assert_eq!((&loaded.body["free"], loaded.text("last")), (&json!(1000), "+441134960999"));
    let twice = operator.post("/v1/operator/stock", &block).await;
    twice.problem(409, "taken");
    let odd = json!({ "range": "0113 496 0000-0010", "place": "", "range_holder": "1" });
    let wrong = operator.post("/v1/operator/stock", &odd).await;
    assert!(wrong.is(422).errors().len() >= 2, "{:#}", wrong.body);
    let listed = operator.get("/v1/operator/stock?area_code=0113").await;
    assert_eq!(listed.is(200).body["items"], json!([loaded.body]));
    assert_eq!(operator.get("/v1/operator/stock?area_code=0114").await.body["items"], json!([]));

    let out = json!({ "message": "N-1", "numbers": ["0113 496 0100-0109"] });
    let position = operator
        .post("/v1/operator/stock/port-outs", &out)
        .await
        .is(200)
        .header("orderwire-position")
        .to_owned();
    let shown = operator.get(&format!("{path}?after_position={position}")).await;
    assert_eq!(shown.is(200).body["free"], 990);
    let before = site.head().await;
    let again = operator.post("/v1/operator/stock/port-outs", &out).await;
    assert_eq!(again.is(200).text("outcome"), "known");
    assert_eq!(site.head().await, before, "the message is heard once");
    operator.delete(&path).await.is(422);
    let back =
        operator.post(&format!("{path}/take-backs"), &json!({ "numbers": ["0113 496 0100-0109"] })).await;
    assert_eq!(back.is(200).body["free"], 1000);
    let position = operator.delete(&path).await.is(200).header("orderwire-position").to_owned();
    operator.get(&format!("{path}?after_position={position}")).await.problem(404, "not_found");
    let (_, reseller) = site.reseller(1).await;
    reseller.get("/v1/operator/stock").await.problem(403, "forbidden");
    reseller.get("/v1/operator/worklist").await.problem(403, "forbidden");
    site.close().await;
}

#[tokio::test]
async fn a_message_that_numbers_leave_is_applied_once_as_every_other_is() {
    let site = Site::open().await;
    let operator = site.operator().await;
    site.world.leeds().await;
    site.world.stock("0114 496 0000-0099", "Sheffield").await;
    let path = "/v1/operator/stock/port-outs";
    let keyed = |key: &str, body: &Value| {
        said(with_json(operator.request(Method::POST, path).header("Idempotency-Key", key), body))
    };
    let out = json!({ "message": "N-1", "numbers": ["0113 496 0100-0109"] });
    let first = keyed("k1", &out).await;
    assert_eq!(first.is(200).text("outcome"), "applied");
    let before = site.head().await;
    let retried = keyed("k1", &out).await;
    assert_eq!(retried.is(200).body, first.body, "a retry is answered the same");
    for _ in 0..2 {
        assert_eq!(keyed("k2", &out).await.is(200).text("outcome"), "known");
    }
    let more = json!({ "message": "N-1", "numbers": ["0113 496 0100-0119"] });
    assert_eq!(operator.post(path, &more).await.is(200).text("outcome"), "known", "whatever it says now");
    keyed("k1", &more).await.problem(422, "idempotency_key_reused");
    let elsewhere = json!({ "message": "N-1", "numbers": ["0114 496 0000"] });
    let refused = operator.post(path, &elsewhere).await;
    assert_eq!(refused.problem(422, "refused").errors()[0].1, "message_known");
    let late = json!({ "message": "N-2", "numbers": ["0113 496 0100"] });
    assert_eq!(operator.post(path, &late).await.is(422).errors()[0].1, "numbers_ported_out");
    assert_eq!(site.head().await, before, "a message that is known leaves nothing");
    site.close().await;
}

#[tokio::test]
async fn an_import_order_is_a_draft_like_any_other() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let mut port = port_order("PO-1", "020 7946 0123")["lines"][0].take();
    for field in ["id", "class", "kind"] {
        port.as_object_mut().unwrap().remove(field);
    }
    port["kind"] = json!("single_line");
    port["reference"] = json!("PO-1");
    let draft = reseller.post("/v1/import-orders", &port).await;
    let path = draft.is(201).header("location").to_owned();
    assert_eq!((draft.text("status"), &draft.body["company"]), ("draft", &Value::Null));
    reseller.post(&format!("{path}/submission"), &json!({})).await.is(202);
    assert_eq!(reseller.post("/v1/import-orders", &port).await.is(201).text("id"), draft.text("id"));
    site.world.settle().await;
    let waiting = site.operator().await.get("/v1/operator/worklist?kind=port").await;
    assert_eq!(waiting.is(200).body["items"][0]["what"], "awaiting_lcp");

    let numbers = json!({ "kind": "new_numbers", "reference": "PO-2", "company": company("Acme"),
        "area_code": "0113", "quantity": 4, "contiguous": true });
    let draft = reseller.post("/v1/import-orders", &numbers).await;
    let line = reseller.get(&format!("{}/lines", draft.is(201).header("location"))).await;
    let line = &line.is(200).body["items"][0];
    assert_eq!((&line["kind"], &line["numbers_asked"]), (&json!("numbers"), &json!(4)));
    site.close().await;
}

#[tokio::test]
async fn an_import_order_that_is_wrong_leaves_nothing_and_points_into_itself() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let before = site.head().await;
    let cases = [
        (json!({ "kind": "ring" }), vec![("/kind", "word_unknown")]),
        (
            json!({ "kind": "new_numbers", "reference": "PO-1", "area_code": "0113", "place": "Leeds", "quantity": 1 }),
            vec![("/company", "field_missing"), ("", "choice")],
        ),
        (
            json!({ "kind": "new_numbers", "reference": "PO-1", "company": { "domain": "nobody.example" },
                "area_code": "0113", "quantity": 1, "window": {} }),
            vec![("/window", "field_unknown")],
        ),
    ];
    for (body, expected) in cases {
        let wrong = reseller.post("/v1/import-orders", &body).await;
        let found = wrong.problem(422, "refused").errors();
        let found: Vec<_> = found.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
        assert_eq!(found, expected, "{body}");
    }
    assert_eq!(site.head().await, before);
    reseller.post("/v1/companies", &company("Acme")).await.is(201);
    let nowhere = json!({ "kind": "new_numbers", "reference": "PO-1", "company": { "domain": "acme.example" },
        "area_code": "0113", "quantity": 1, "site": { "site_name": "Nowhere" } });
    let wrong = reseller.post("/v1/import-orders", &nowhere).await;
    assert_eq!(wrong.is(422).errors()[0].0, "/site/site_name", "{:#}", wrong.body);
    assert!(!wrong.body.to_string().contains("line 1"), "{:#}", wrong.body);
    let request = reseller.request(Method::POST, "/v1/import-orders").header("If-Match", "\"1\"");
    let wrong = said(with_json(request, &json!({}))).await;
    assert_eq!(wrong.is(422).errors()[0].1, "condition_without_resource");
    site.close().await;
}

#[tokio::test]
async fn the_worklist_is_read_page_by_page_and_has_orders_that_are_held_or_wait() {
    let site = Site::manual().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    site.world.leeds().await;
    let mut paths = Vec::new();
    for name in ["One", "Two", "Three"] {
        let draft = reseller.post("/v1/orders", &order(&format!("PO-{name}"), name)).await;
        let path = draft.is(201).header("location").to_owned();
        reseller.post(&format!("{path}/submission"), &json!({})).await.is(202);
        site.world.settle().await;
        site.world.sleep(chrono::TimeDelta::minutes(1)).await;
        paths.push(path);
    }
    for number in 0..4 {
        super::ports::submitted(
            &site,
            &reseller,
            &format!("PORT-{number}"),
            &format!("020 7946 010{number}"),
        )
        .await;
    }
    let own = |path: &str| format!("/v1/operator{}", path.strip_prefix("/v1").unwrap());
    let why = json!({ "reason": "flood at the exchange" });
    operator.post(&format!("{}/hold", own(&paths[0])), &why).await.is(200);
    let question = json!({ "question": "which floor?", "deadline": "2026-06-10T09:00:00Z" });
    operator.post(&format!("{}/information", own(&paths[1])), &question).await.is(200);
    site.world.settle().await;

    let whole = operator.get("/v1/operator/worklist?limit=500").await;
    let whole = whole.is(200).body["items"].as_array().unwrap().clone();
    let of = |kind: &str| whole.iter().filter(|item| item["kind"] == kind).collect::<Vec<_>>();
    assert_eq!((of("line").len(), of("port").len()), (3, 4), "{whole:#?}");
    let id = |path: &str| json!(path.rsplit('/').next().unwrap());
    assert_eq!((of("held_order").len(), &of("held_order")[0]["order"]), (1, &id(&paths[0])));
    let waits = of("pending_order");
    assert_eq!((waits.len(), &waits[0]["order"], &waits[0]["what"]), (1, &id(&paths[1]), &json!("pending")));
    assert!(waits[0]["detail"].as_str().unwrap().contains("2026-06-10T09:00:00.000Z"), "{waits:?}");

    for limit in [1, 2, 5] {
        let (mut path, mut found) = (format!("/v1/operator/worklist?limit={limit}"), Vec::new());
        loop {
            let page = operator.get(&path).await;
            let items = page.is(200).body["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            found.extend(items.iter().cloned());
            assert!(found.len() <= whole.len(), "a page repeats what was shown");
            match page.headers.get("link") {
                Some(link) => path = link.to_str().unwrap().split(['<', '>']).nth(1).unwrap().to_owned(),
                None => break,
            }
        }
        assert_eq!(found, whole, "by {limit}");
    }
    let wrong = operator.get("/v1/operator/worklist?cursor=zz").await;
    assert_eq!(wrong.problem(422, "invalid").errors(), [("cursor".into(), "cursor_invalid".into())]);
    site.close().await;
}
