//! What a reseller is told, page by page: all of it, in order, once, and nothing that is another's or personal.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use orderwire::{
    domain::{notice::NoticeType, testing::scenario::moment},
    http::Limits,
};
use reqwest::Method;
use serde_json::{Value, json};
use strum::VariantArray as _;

use super::{
    Client, Site, order,
    ports::submitted,
    reservations::{numbers, qualified},
    said,
};

/// Every notice, in pages of this many.
pub async fn all(client: &Client, query: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut path = format!("/v1/notices?limit={limit}{query}");
    loop {
        let page = client.get(&path).await;
        found.extend(page.is(200).body["items"].as_array().unwrap().iter().cloned());
        let Some(link) = page.headers.get("link") else {
            assert!(page.body["next"].is_null());
            return found;
        };
        let link = link.to_str().unwrap();
        link.split(['<', '>']).nth(1).unwrap().clone_into(&mut path);
        assert!(path.contains(&format!("after={}", page.body["through"])), "{link}");
    }
}

pub fn number(value: &Value) -> u64 {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text")).parse().unwrap()
}

/// The types without what is the same for all of them.
fn types(notices: &[Value]) -> Vec<&str> {
    let full = notices.iter().map(|notice| notice["type"].as_str().unwrap());
    full.map(|full| full.strip_prefix("com.orderwire.").unwrap().strip_suffix(".v1").unwrap()).collect()
}

/// Each has the number after the one before it, and names it.
#[track_caller]
pub fn chained(notices: &[Value]) {
    let mut before: Option<&Value> = None;
    for (notice, sequence) in notices.iter().zip(1u64..) {
        assert_eq!(number(&notice["sequence"]), sequence);
        assert_eq!(notice.get("previousid"), before.map(|before| &before["id"]), "{sequence}");
        before = Some(notice);
    }
}

/// An order that was submitted, and carried out as far as nobody else is needed.
pub async fn carried_out(site: &Site, client: &Client, reference: &str, name: &str) -> String {
    let draft = client.post("/v1/orders", &order(reference, name)).await;
    let path = draft.is(201).header("location").to_owned();
    client.post(&format!("{path}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    draft.text("id").to_owned()
}

#[test]
fn the_page_on_notices_names_every_type() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/notices.md")).unwrap();
    let named: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    for known in NoticeType::VARIANTS {
        assert_eq!(NoticeType::named(known.short()), Some(*known));
        assert_eq!(named.iter().filter(|name| **name == known.short()).count(), 1, "{}", known.short());
    }
}

#[tokio::test]
async fn an_orders_life_is_told_in_order_as_the_api_shows_it_and_without_personal_data() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let order = carried_out(&site, &reseller, "PO-1", "Acme Ltd").await;
    let told = all(&reseller, "", 500).await;
    assert_eq!(
        types(&told),
        [
            "order.acknowledged",
            "order.line_completed",
            "order.line_completed",
            "order.line_completed",
            "order.line_completed",
            "order.completed"
        ]
    );
    chained(&told);
    for (notice, of_order) in told.iter().zip(1u64..) {
        assert_eq!(number(&notice["ordersequence"]), of_order);
        assert_eq!(
            (&notice["specversion"], &notice["subject"], &notice["datacontenttype"]),
            (&json!("1.0"), &json!(order), &json!("application/json"))
        );
    }
    let shown = reseller.get(&format!("/v1/orders/{order}")).await;
    assert_eq!(told[5]["data"], json!({ "order": shown.is(200).body }));
    let lines = reseller.get(&format!("/v1/orders/{order}/lines")).await;
    for (notice, line) in told[1..5].iter().zip(lines.is(200).body["items"].as_array().unwrap()) {
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove("request").expect("it is shown to whose it is");
        assert_eq!(notice["data"]["line"], line);
    }

    let port = submitted(&site, &reseller, "PO-2", "020 7946 0123").await;
    let message = json!({ "message": "205-1", "kind": "reject", "reasons": ["postcode_mismatch"] });
    let messages = format!("/v1/operator/port-requests/{port}/messages");
    site.operator().await.post(&messages, &message).await.is(200);
    site.world.settle().await;
    let mut shown = reseller.get(&format!("/v1/port-requests/{port}")).await.is(200).body.clone();
    assert!(!shown["timeline"].as_array().unwrap().is_empty());
    shown["timeline"] = json!([]);
    shown.as_object_mut().unwrap().remove("details").expect("they are shown to whose it is");
    let told = all(&reseller, "", 500).await;
    let rejected = told.last().unwrap();
    assert_eq!(types(&told)[6..], ["order.acknowledged", "port.rejected"]);
    assert_eq!((&rejected["data"], &rejected["subject"]), (&json!({ "port_request": shown }), &json!(port)));

    let text = Value::from(told).to_string();
    assert!(text.contains("PO-1") && text.contains("+442079460123"), "it is told what it is about");
    for personal in ["Hopper", "Lovelace", "Ada", "\"ada\"", "Finch", "AC-55871", "EC1A"] {
        assert!(!text.contains(personal), "{personal}");
    }
    site.close().await;
}

#[tokio::test]
async fn what_ends_is_told_ahead_of_time_and_when_it_does_as_the_api_shows_it_then() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let acme = qualified(&reseller, "Acme").await;
    let held = reseller.post("/v1/reservations", &numbers(&acme, &["0113 496 0100-0103"])).await;
    let held = held.is(201).header("location").to_owned();
    // What is given up has no end to be told.
    let given_up = reseller.post("/v1/reservations", &numbers(&acme, &["0113 496 0150"])).await;
    reseller.delete(given_up.is(201).header("location")).await.is(200);
    let company = format!("/v1/companies/{acme}");
    // It is Monday 1 June, and two weeks from then the reservation ends; two working days before that is a Thursday.
    let steps = [
        ("2026-06-11T09:00:00Z", "reservation.expiring", &held, "live"),
        ("2026-06-15T09:00:00Z", "reservation.expired", &held, "expired"),
        ("2026-06-29T09:00:00Z", "qualification.expiring", &company, "qualified"),
        ("2026-07-01T09:00:00Z", "qualification.expired", &company, "expired"),
    ];
    for (step, (at, kind, path, status)) in steps.into_iter().enumerate() {
        let due = moment(at);
        site.world.sleep_until(due - TimeDelta::seconds(1)).await;
        assert_eq!(all(&reseller, "", 500).await.len(), step, "{kind} is not told before its time");
        site.world.sleep_until(due).await;
        let told = all(&reseller, "", 500).await;
        assert_eq!((told.len(), types(&told)[step]), (step + 1, kind));
        let notice = &told[step];
        let shown = reseller.get(path).await;
        assert_eq!(shown.is(200).text("status"), status, "{kind}");
        let resource = if *path == held { "reservation" } else { "company" };
        assert_eq!(notice["data"][resource], shown.body, "{kind}");
        assert_eq!(notice["data"]["company"], reseller.get(&company).await.is(200).body, "{kind}");
        assert!(path.ends_with(notice["subject"].as_str().unwrap()), "{kind}");
        assert_eq!(notice.get("ordersequence"), None);
        chained(&told);
    }
    site.close().await;
}

#[tokio::test]
async fn pages_and_filters_are_parts_of_the_whole_and_say_how_far_they_are() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let first = carried_out(&site, &reseller, "PO-1", "Acme").await;
    let second = carried_out(&site, &reseller, "PO-2", "Bolt").await;
    let whole = all(&reseller, "", 500).await;
    assert_eq!(whole.len(), 12);
    chained(&whole);
    for limit in [1, 2, 3, 12, 13] {
        assert_eq!(all(&reseller, "", limit).await, whole, "{limit}");
    }
    for after in 0..=12 {
        assert_eq!(all(&reseller, &format!("&after={after}"), 5).await, whole[after..], "{after}");
    }
    let ended = |notice: &&Value| notice["type"] == "com.orderwire.order.completed.v1";
    let ended: Vec<Value> = whole.iter().filter(ended).cloned().collect();
    for types in ["order.completed", "com.orderwire.order.completed.v1", "order.completed,port.accepted"] {
        assert_eq!(all(&reseller, &format!("&types={types}"), 1).await, ended, "{types}");
    }
    for order in [first, second] {
        let of: Vec<Value> =
            whole.iter().filter(|notice| notice["subject"] == order.as_str()).cloned().collect();
        assert_eq!(all(&reseller, &format!("&order={order}"), 4).await, of);
        let none = reseller.get(&format!("/v1/notices?order={order}&types=port.accepted")).await;
        assert_eq!(none.is(200).body, json!({ "items": [], "through": 12, "next": null }));
    }
    for (query, at, code) in [
        ("after=13", "after", "sequence_beyond_last"),
        ("after=x", "after", "number_out_of_bounds"),
        ("limit=501", "limit", "number_out_of_bounds"),
        ("wait=61", "wait", "number_out_of_bounds"),
        ("types=order.done", "types", "notice_type_unknown"),
        ("order=1", "order", "id_invalid"),
        ("since=1", "since", "parameter_unknown"),
    ] {
        let wrong = reseller.get(&format!("/v1/notices?{query}")).await;
        assert_eq!(wrong.problem(422, "invalid").errors(), [(at.into(), code.into())], "{query}");
    }
    site.close().await;
}

#[tokio::test]
async fn whoever_waits_is_answered_when_something_is_told_or_when_time_is_over() {
    let site = {
        let often = NonZeroU32::new(1_000_000).unwrap();
        let limits = Limits { asks_per_second: often, asks_at_once: often, ..Limits::default() };
        Site::with(Limits { streams_per_key: 1, ..limits }).await
    };
    let (id, reseller) = site.reseller(1).await;
    site.world.leeds().await;
    let company = site.world.in_service(id, 1).await;
    let last = all(&reseller, "", 500).await.len();
    let none = reseller.get(&format!("/v1/notices?after={last}&wait=1")).await;
    assert_eq!(none.is(200).body, json!({ "items": [], "through": last, "next": null }));

    let path = format!("/v1/notices?after={last}&wait=60&types=company.resumed");
    let waiting = tokio::spawn({
        let reseller = reseller.clone();
        async move {
            loop {
                let told = reseller.get(&path).await;
                if told.status != 429 {
                    return told;
                }
            }
        }
    });
    // Whoever may have one stream is refused a second for as long as somebody waits.
    loop {
        let other = said(reseller.request(Method::GET, &format!("/v1/notices?after={last}&wait=1"))).await;
        if other.status == 429 {
            other.problem(429, "too_many_streams").header("retry-after");
            break;
        }
    }
    let operator = site.operator().await;
    let suspension = format!("/v1/operator/companies/{company}/suspension");
    operator.post(&suspension, &json!({ "reason": "credit control" })).await.is(200);
    operator.delete(&suspension).await.is(200);
    let told = waiting.await.unwrap();
    assert_eq!(types(told.is(200).body["items"].as_array().unwrap()), ["company.resumed"]);
    assert_eq!(told.body["through"], json!(last + 2));
    site.close().await;
}

#[tokio::test]
async fn a_reseller_is_told_its_own_and_the_carrier_whose_it_names() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, owner) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let order = carried_out(&site, &owner, "PO-1", "Acme").await;
    let told = all(&owner, "", 500).await;
    assert_eq!(all(&owner, "&reseller=R1", 500).await, told);
    assert_eq!(all(&other, "", 500).await, [] as [Value; 0]);
    assert_eq!(all(&other, &format!("&order={order}"), 500).await, [] as [Value; 0]);
    let operator = site.operator().await;
    assert_eq!(all(&operator, "&reseller=R1", 500).await, told);
    for (client, query, code) in [
        (&other, "?reseller=R1", "reseller_unknown"),
        (&other, "?reseller=R9", "reseller_unknown"),
        (&operator, "?reseller=R9", "reseller_unknown"),
        (&operator, "", "reseller_missing"),
    ] {
        for path in ["/v1/notices", "/v1/notices/stream"] {
            let wrong = client.get(&format!("{path}{query}")).await;
            assert_eq!(wrong.problem(422, "invalid").errors(), [("reseller".into(), code.into())], "{query}");
        }
    }
    site.close().await;
}
