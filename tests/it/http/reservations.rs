//! Reservations over HTTP: one holder for each number, all or nothing, and an end.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Client, Said, Site, assets::all, company, order, said, with_json};

/// A company that somebody qualifies; its service reference.
pub async fn qualified(client: &Client, name: &str) -> String {
    client.post("/v1/companies", &company(name)).await.is(201).text("service_reference").to_owned()
}

/// Explicit numbers, for a while.
pub fn numbers(company: &str, numbers: &[&str]) -> Value {
    json!({ "company": company, "kind": "reserve", "ask": { "numbers": numbers } })
}

fn search(company: &str, quantity: u32) -> Value {
    let search = json!({ "by": { "area_code": "0113" }, "quantity": quantity, "contiguous": true });
    json!({ "company": company, "kind": "ring_fence", "ask": { "search": search } })
}

async fn reserved(client: &Client, body: &Value) -> Said {
    client.post("/v1/reservations", body).await
}

#[tokio::test]
async fn numbers_are_reserved_shown_listed_and_released() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let acme = qualified(&reseller, "Acme").await;
    let held = reserved(&reseller, &numbers(&acme, &["0113 496 0100-0103", "0113 496 0107"])).await;
    let path = held.is(201).header("location").to_owned();
    assert_eq!(path, format!("/v1/reservations/{}", held.text("id")));
    assert_eq!((held.text("kind"), held.text("status")), ("reserve", "live"));
    assert_eq!(held.text("expires_at"), "2026-06-15T09:00:00.000Z", "14 days");
    assert_eq!(held.body["numbers"], json!(["+441134960100-+441134960103", "+441134960107"]));
    assert_eq!(reseller.get(&path).await.is(200).body, held.body);

    let fenced = reserved(&reseller, &search(&acme, 10)).await;
    assert_eq!((fenced.is(201).text("kind"), &fenced.body["expires_at"]), ("ring_fence", &Value::Null));
    assert_eq!(fenced.body["quantity"], 10);
    let list = format!("/v1/reservations?company={acme}");
    let listed = reseller.get(&format!("{list}&limit=1")).await;
    let next = listed.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    let mut items = vec![listed.body["items"][0].clone()];
    items.push(reseller.get(&next).await.is(200).body["items"][0].clone());
    assert!(items.contains(&held.body) && items.contains(&fenced.body), "{items:?}");

    let request = || reseller.request(reqwest::Method::DELETE, &path).header("Idempotency-Key", "k1");
    let released = said(request()).await;
    assert_eq!((released.is(200).text("status"), &released.body["numbers"]), ("released", &json!([])));
    let again = said(request()).await;
    assert_eq!(again.is(200).body, released.body, "a retry is answered the same");
    assert_eq!(again.header("orderwire-position"), released.header("orderwire-position"));
    reseller.delete(&path).await.problem(409, "not_permitted");
    let live = reseller.get(&format!("{list}&status=live")).await;
    assert_eq!(live.is(200).body["items"], json!([fenced.body]));
    site.close().await;
}

#[tokio::test]
async fn what_cannot_be_reserved_is_refused_whole_and_says_why() {
    let site = Site::open().await;
    site.world.stock("0113 496 0000-0099", "Leeds").await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let acme = qualified(&reseller, "Acme").await;
    let bolt = qualified(&other, "Bolt").await;
    reserved(&other, &numbers(&bolt, &["0113 496 0010-0061"])).await.is(201);
    site.world.settle().await;
    let before = site.head().await;

    let taken = reserved(&reseller, &numbers(&acme, &["0113 496 0009-0010"])).await;
    taken.problem(409, "taken");
    assert_eq!(taken.errors(), [("/ask".into(), "number_taken".into())]);
    assert!(taken.body.to_string().contains("+441134960010"), "says which");
    assert!(!taken.body.to_string().contains(&bolt), "never says whose");
    let few = reserved(&reseller, &search(&acme, 39)).await;
    assert_eq!(few.problem(422, "refused").errors(), [("/ask".into(), "not_enough_numbers".into())]);
    assert!(few.body.to_string().contains("39 numbers in a row were asked for, 38 are free"), "{}", few.body);
    let strange = reserved(&reseller, &numbers(&acme, &["020 7946 0000"])).await;
    assert_eq!(strange.problem(422, "refused").errors(), [("/ask".into(), "number_not_ours".into())]);
    let none =
        json!({ "company": "com", "kind": "hold", "ask": { "numbers": [], "search": {} }, "colour": 1 });
    let at: Vec<String> =
        reserved(&reseller, &none).await.is(422).errors().into_iter().map(|(at, _)| at).collect();
    assert_eq!(at, ["/company", "/kind", "/ask", "/colour"]);
    let missing = reseller.get("/v1/reservations").await;
    assert_eq!(missing.problem(422, "invalid").errors(), [("company".into(), "parameter_missing".into())]);
    let gone = format!("/v1/reservations/rsv_{}", uuid::Uuid::now_v7().simple());
    reseller.get(&gone).await.problem(404, "not_found");
    reseller.delete(&gone).await.problem(404, "not_found");
    let tagged = reseller.request(reqwest::Method::POST, "/v1/reservations").header("If-Match", "\"1\"");
    said(with_json(tagged, &search(&acme, 1))).await.problem(422, "invalid");
    assert_eq!(site.head().await, before, "nothing was taken");
    site.close().await;
}

#[tokio::test]
async fn a_reservation_ends_when_an_order_has_used_it_up_or_its_time_is_over() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let acme = draft.is(201).text("company").to_owned();
    let held = reserved(&reseller, &numbers(&acme, &["0113 496 0100-0105"])).await;
    let used = json!({ "kind": "numbers", "ask": { "reservation": held.is(201).text("id") } });
    reseller.post(&format!("{}/lines", draft.header("location")), &used).await.is(201);
    reseller.post(&format!("{}/submission", draft.header("location")), &json!({})).await.is(202);
    site.world.settle().await;
    let path = format!("{}?after_position={}", held.header("location"), site.head().await);
    let consumed = reseller.get(&path).await;
    assert_eq!((consumed.is(200).text("status"), &consumed.body["numbers"]), ("consumed", &json!([])));
    let kept = all(&site, &reseller, &acme, "numbers").await;
    assert!(kept.iter().any(|it| it["number"] == "+441134960105" && it["holding"] == "allocated"));

    let ending = reserved(&reseller, &numbers(&acme, &["0113 496 0150"])).await.header("location").to_owned();
    site.world.sleep(TimeDelta::days(15)).await;
    let ended = reseller.get(&format!("{ending}?after_position={}", site.head().await)).await;
    assert_eq!((ended.is(200).text("status"), &ended.body["quantity"]), ("expired", &json!(0)));
    site.close().await;
}
