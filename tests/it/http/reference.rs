//! What is looked up: addresses, portability, and the tables that go with them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Said, Site, company, said};

#[tokio::test]
async fn addresses_are_found_by_postcode_and_text_and_shown_by_key() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let found = reseller.get("/v1/addresses?postcode=LS1&limit=500").await;
    let all = found.is(200).body["items"].as_array().unwrap().clone();
    assert!(all.len() > 2 && found.body["next"].is_null(), "{:#}", found.body);
    assert!(all.iter().all(|it| it["postcode"].as_str().unwrap().starts_with("LS1 ")));
    // Page by page it is the same.
    let (mut paged, mut path) = (Vec::new(), "/v1/addresses?postcode=LS1&limit=1".to_owned());
    loop {
        let page = reseller.get(&path).await;
        paged.extend(page.is(200).body["items"].as_array().unwrap().clone());
        let Value::String(next) = &page.body["next"] else { break };
        assert!(page.header("link").contains(next.as_str()));
        path = format!("/v1/addresses?postcode=LS1&limit=1&cursor={next}");
    }
    assert_eq!(paged, all);
    let one = &all[0];
    let shown = reseller.get(&format!("/v1/addresses/{}", one["key"].as_str().unwrap())).await;
    assert_eq!(&shown.is(200).body, one);

    reseller.get("/v1/addresses/A99999999999").await.problem(404, "not_found");
    reseller.get("/v1/addresses/nonsense").await.problem(404, "not_found");
    let wide = reseller.get("/v1/addresses").await;
    assert_eq!(wide.problem(422, "invalid").errors(), [("text".into(), "address_search_too_wide".into())]);
    let wrong = reseller.get("/v1/addresses?postcode=nowhere").await;
    assert_eq!(wrong.problem(422, "invalid").errors()[0].0, "postcode");
    let wrong = reseller.get("/v1/addresses?postcode=LS1&cursor=00").await;
    assert_eq!(wrong.problem(422, "invalid").errors(), [("cursor".into(), "cursor_invalid".into())]);
    // Places of another list, of no list, and such as no store has.
    for place in ["[\"zzz\",\"x\"]", "[1,\"\\u0000\"]", "[true,\"x\"]", "{}"] {
        let cursor = place.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        for list in ["/v1/orders", "/v1/companies"] {
            let wrong = reseller.get(&format!("{list}?cursor={cursor}")).await;
            assert_eq!(wrong.problem(422, "invalid").errors(), [("cursor".into(), "cursor_invalid".into())]);
        }
    }
    site.close().await;
}

fn signal_box(more: &Value) -> Value {
    let mut body = json!({ "lines": ["The Old Signal Box", "Leeds"], "postcode": "ls14ap" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn what_is_entered_has_a_temporary_key_that_is_its_resellers_alone() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let operator = site.operator().await;
    let entered = reseller.post("/v1/addresses", &signal_box(&json!({}))).await;
    let path = entered.is(201).header("location").to_owned();
    assert!(entered.text("key").starts_with('T'));
    assert_eq!((entered.text("qualifier"), entered.text("postcode")), ("bronze", "LS1 4AP"));
    assert_eq!(reseller.get(&path).await.is(200).body, entered.body);
    assert_eq!(operator.get(&path).await.is(200).body, entered.body);
    let again = reseller.post("/v1/addresses", &signal_box(&json!({}))).await;
    assert_eq!(again.is(201).body, entered.body, "the same address is the same key");

    other.get(&path).await.problem(404, "not_found");
    let by = json!({ "by": "A00000000001" });
    other.post(&format!("{path}/replacement"), &by).await.problem(404, "not_found");
    assert!(reseller.get(&path).await.body["entered"]["replaced_by"].is_null());
    let theirs =
        other.post("/v1/companies", &company("Bolt")).await.is(201).text("service_reference").to_owned();
    let foreign = reseller.post("/v1/addresses", &signal_box(&json!({ "company": theirs }))).await;
    assert_eq!(foreign.problem(422, "refused").errors()[0].1, "company_unknown");
    let nobodys = operator.post("/v1/addresses", &signal_box(&json!({}))).await;
    assert_eq!(nobodys.problem(422, "refused").errors()[0].1, "reseller_missing");

    let unknown = reseller.post(&format!("{path}/replacement"), &json!({ "by": "A99999999999" })).await;
    assert_eq!(unknown.problem(422, "refused").errors()[0].1, "address_not_known");
    for _ in 0..2 {
        let replaced = reseller.post(&format!("{path}/replacement"), &by).await;
        assert_eq!(replaced.is(200).body["entered"]["replaced_by"], "A00000000001");
    }
    let second = reseller.post(&format!("{path}/replacement"), &json!({ "by": "A00000000002" })).await;
    assert_eq!(second.problem(422, "refused").errors()[0].1, "address_replaced");
    assert_eq!(reseller.get(&path).await.body["entered"]["replaced_by"], "A00000000001");
    site.close().await;
}

#[tokio::test]
async fn an_address_of_the_carrier_takes_the_place_of_the_one_a_site_was_ordered_with() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let entered = reseller.post("/v1/addresses", &signal_box(&json!({}))).await.is(201).body.clone();
    let mut order = super::order("PO-1", "Acme");
    order["lines"][2]["address"] = json!({ "known": entered["key"] });
    let draft = reseller.post("/v1/orders", &order).await;
    let id = draft.is(201).text("id").to_owned();
    reseller.post(&format!("/v1/orders/{id}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    let lines = reseller.get(&format!("/v1/orders/{id}/lines")).await;
    let asset = lines.is(200).body["items"][2]["asset"]
        .as_str()
        .unwrap_or_else(|| panic!("{:#}", lines.body))
        .to_owned();

    let company = draft.text("company");
    let path = format!("/v1/companies/{company}/assets/{asset}/address");
    let by = json!({ "by": "A00000000001" });
    other.post(&path, &by).await.problem(404, "not_found");
    let unknown = reseller.post(&path, &json!({ "by": "A99999999999" })).await;
    assert_eq!(unknown.problem(422, "refused").errors(), [("/by".into(), "address_not_known".into())]);
    let sites = format!("/v1/companies/{company}/sites");
    let where_it_is = async || reseller.get(&sites).await.is(200).body["items"][0]["address"].clone();
    assert_eq!(where_it_is().await["lines"], "The Old Signal Box\nLeeds");
    reseller.post(&path, &by).await.is(200);
    site.world.settle().await;
    let known = reseller.get("/v1/addresses/A00000000001").await.is(200).body.clone();
    let lines: Vec<&str> = known["lines"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let shown = where_it_is().await;
    assert_eq!((&shown["key"], &shown["postcode"]), (&known["key"], &known["postcode"]));
    assert_eq!(shown["lines"], lines.join("\n"), "as the carrier has it");
    // It is the carrier's now, and that is not moved.
    assert_eq!(reseller.post(&path, &by).await.is(422).errors()[0].1, "address_not_entered");
    site.close().await;
}

#[tokio::test]
async fn a_check_answers_for_every_number_with_reason_holder_and_dates() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    super::ports::submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let head = site.head().await;
    let ask =
        json!({ "numbers": ["020 7946 0123", "0113 496 0100", "020 7946 0001-0002", "07700 900001", "tea"] });
    let checked = reseller.post("/v1/portability-checks", &ask).await;
    let items = checked.is(200).body["items"].as_array().unwrap();
    let said = |number: &str| {
        let item = items.iter().find(|it| it["number"] == number);
        item.unwrap_or_else(|| panic!("nothing about {number}: {:#}", checked.body))
    };
    assert_eq!(items.len(), 6);
    assert_eq!(
        (&said("+442079460123")["portable"], &said("+442079460123")["reason"]),
        (&json!(false), &json!("open_request"))
    );
    assert_eq!(said("+441134960100")["reason"], "already_here");
    assert_eq!(said("07700 900001")["reason"], "outside_product");
    assert_eq!(said("tea")["reason"], "invalid");
    let portable = said("+442079460001");
    assert_eq!(
        (&portable["portable"], &portable["class_hint"], &portable["in_a_row"]),
        (&json!(true), &json!("multi_line"), &json!(2))
    );
    assert!(portable["range_holder"]["cupid"].is_string(), "{portable:#}");
    let date =
        |route: &str| portable["earliest"][route]["date"].as_str().unwrap_or_else(|| panic!("{portable:#}"));
    assert!(date("provide") > "2026-06-01" && date("subsequent") >= date("provide"));
    assert_eq!(site.head().await, head, "a check changes nothing");

    let many = reseller
        .post("/v1/portability-checks", &json!({ "numbers": ["0113 496 0000-9999", "020 7946 0001"] }))
        .await;
    assert_eq!(many.problem(422, "refused").errors(), [("/numbers".into(), "check_too_large".into())]);
    let none = reseller.post("/v1/portability-checks", &json!({ "numbers": [] })).await;
    assert_eq!(none.problem(422, "refused").errors(), [("/numbers".into(), "list_empty".into())]);
    site.close().await;
}

#[tokio::test]
async fn a_check_answers_in_the_order_in_which_it_was_asked() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let ask = json!({ "numbers": ["tea", "020 7946 0005-0006", "07700 900001", "0113 496 0100", "020 7946 0004-0005",
        "coffee"] });
    let checked = reseller.post("/v1/portability-checks", &ask).await;
    let items = checked.is(200).body["items"].as_array().unwrap().iter();
    let numbers: Vec<&str> = items.map(|it| it["number"].as_str().unwrap()).collect();
    let asked =
        ["tea", "+442079460005", "+442079460006", "07700 900001", "+441134960100", "+442079460004", "coffee"];
    assert_eq!(numbers, asked);
    site.close().await;
}

#[tokio::test]
async fn tables_of_reference_are_lists() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let head = site.head().await;
    let places = reseller.get(&format!("/v1/places?after_position={head}")).await;
    assert_eq!(places.is(200).body["items"][0]["place"], "Leeds");
    assert_eq!(places.body["items"][0]["free"], places.body["items"][0]["numbers"]);
    let times = reseller.get("/v1/lead-times").await;
    assert!(times.is(200).body["items"].as_array().unwrap().len() > 5);
    let reasons = reseller.get("/v1/rejection-reasons").await;
    assert!(reasons.is(200).body["items"].as_array().unwrap().iter().all(|it| it["must_act"].is_string()));
    reseller.get("/v1/places?colour=red").await.problem(422, "invalid");
    site.close().await;
}

async fn load(client: &Client, kind: &str, text: &str) -> Said {
    let request = client.request(Method::POST, "/v1/operator/addresses").header("content-type", kind);
    said(request.body(text.to_owned())).await
}

#[tokio::test]
async fn the_carrier_loads_addresses_and_is_told_which_rows_were_refused() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let text = "key,qualifier,number,street,town,postcode\n\
        A00000000901,gold,1,Station Approach,Leeds,LS1 4AP\n\
        A0000000090,gold,2,Station Approach,Leeds,LS1 4AP\n\
        A00000000903,gold,3,Station Approach,Leeds,nowhere\n";
    load(&reseller, "text/csv", text).await.problem(403, "forbidden");
    load(&operator, "application/json", text).await.problem(415, "unsupported_media_type");
    let loaded = load(&operator, "text/csv", text).await;
    let file = &loaded.is(200).body["load"]["files"][0];
    assert_eq!((&file["rows"], &file["refused"]), (&json!(1), &json!(2)));
    let refused = loaded.body["refused"].as_array().unwrap();
    assert!(refused[0]["pointer"].as_str().unwrap().contains("line 3"), "{refused:?}");
    assert!(refused[1]["pointer"].as_str().unwrap().contains("postcode"), "{refused:?}");
    reseller.get("/v1/addresses/A00000000901").await.is(200);
    let loads = operator.get("/v1/operator/loads?kind=addresses").await;
    assert_eq!(loads.is(200).body["items"], json!([loaded.body["load"]]));
    operator.get("/v1/operator/loads").await.problem(422, "invalid");
    let headless = load(&operator, "text/csv", "a,b\n1,2\n").await;
    headless.problem(422, "refused");
    site.close().await;
}
