//! The lines of an order over HTTP: read back as they were sent, sent again, named by one path, pointed at in one way.

use orderwire::{edge::keys::Role, http};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Said, Site, company, order, port_order, ports, said, with_json};

/// An order that asks for one of everything a line can be.
fn everything() -> Value {
    let mut document = order("PO-1", "Acme");
    let lines = document["lines"].as_array_mut().unwrap();
    lines[0]["contact"] = json!({ "name": "Grace Hopper", "telephone": "0113 496 0000" });
    lines[3]["add_ons"] = json!(["call_recording"]);
    lines[3]["alternate_numbers"] =
        json!([{ "from": "new" }, { "of": { "line": "these", "number": "0113 496 0150" } }]);
    lines[2]["numbers"] = json!([{ "line": "new", "quantity": 3 }, { "line": "these" }]);
    let port = port_order("PO-0", "020 7946 0123")["lines"][0].clone();
    let mut installation = port.clone();
    installation["id"] = json!("shop floor");
    installation["class"] = json!("multi_line");
    installation["main_number"] = json!("020 7946 0200");
    installation["associated"] = json!(["020 7946 0210", "020 7946 0212-0214"]);
    installation["ranges"] = json!(["020 7946 0300-0319"]);
    lines.extend([
        json!({ "kind": "numbers", "id": "these", "ask": { "numbers": ["0113 496 0150-0152", "0113 496 0160"] } }),
        json!({ "kind": "site", "id": "york", "name": "York", "location_code": "46", "extension_length": 3,
            "address": { "entered": { "key": "T00000000001", "lines": ["Unit 4", "Canal Wharf"], "postcode": "LS1 4AP" } } }),
        json!({ "kind": "emergency_details", "id": "help", "site": { "line": "leeds" },
            "address": { "known": "A00000000002" }, "contact": { "name": "Tom Aldous", "email": "tom@acme.example" } }),
        json!({ "kind": "device", "id": "phone", "user": { "line": "ada" }, "model": "desk_phone_t2", "mac": "001565000001" }),
        json!({ "kind": "add_on", "id": "mobile", "user": { "line": "ada" }, "product": "mobile_app" }),
        json!({ "kind": "pbx", "id": "pbx", "site": { "line": "york" }, "name": "Main" }),
        json!({ "kind": "trunk", "id": "trunk", "pbx": { "line": "pbx" }, "name": "T1", "channels": 2 }),
        port,
        installation,
    ]);
    document
}

async fn patched(client: &Client, path: &str, body: &Value) -> Said {
    said(with_json(client.request(Method::PATCH, path), body)).await
}

async fn keyed(client: &Client, method: Method, path: &str, key: &str, body: &Value) -> Said {
    said(with_json(client.request(method, path).header("Idempotency-Key", key), body)).await
}

#[tokio::test]
async fn a_line_is_read_back_and_sent_again_as_it_is() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &everything()).await;
    let path = draft.is(201).header("location").to_owned();
    let before = site.head().await;
    let lines = reseller.get(&format!("{path}/lines")).await;
    let lines = lines.is(200).body["items"].as_array().unwrap().clone();
    let kinds: std::collections::BTreeSet<&str> =
        lines.iter().map(|line| line["request"]["kind"].as_str().unwrap()).collect();
    assert_eq!((lines.len(), kinds.len()), (13, 10), "one of each kind");
    for line in &lines {
        let one = format!("{path}/lines/{}", line["line"]);
        let shown = reseller.get(&one).await;
        assert_eq!((&shown.is(200).body, shown.header("etag")), (line, draft.header("etag")));
        let same = patched(&reseller, &one, &line["request"]).await;
        assert_eq!((&same.is(200).body, same.header("etag")), (line, draft.header("etag")));
    }
    assert_eq!(site.head().await, before, "what is the same is no change");
    assert_eq!(lines[3]["request"]["first_name"], "Ada");
    assert_eq!(lines[3]["request"]["site"], json!({ "line": "3" }), "other lines by their numbers");
    assert_eq!(lines[5]["request"]["address"]["entered"]["lines"], json!(["Unit 4", "Canal Wharf"]));

    let mut ada = lines[3]["request"].clone();
    ada["first_name"] = json!("ADA");
    let changed = patched(&reseller, &format!("{path}/lines/4"), &ada).await;
    assert_eq!(changed.is(200).body["request"], ada, "a difference in case is one");
    assert_eq!(site.head().await, before + 1);
    let stale = reseller.request(Method::PATCH, &format!("{path}/lines/4"));
    let stale = with_json(stale.header("If-Match", draft.header("etag")), &ada);
    said(stale).await.problem(412, "precondition_failed");
    site.close().await;
}

#[tokio::test]
async fn what_people_are_called_in_a_line_is_not_shown_to_who_checks() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &everything()).await;
    let auditor = site.client(Role::Auditor, None).await;
    let path = format!("{}/lines", draft.is(201).header("location"));
    for path in [path.clone(), format!("{path}/4")] {
        let shown = auditor.get(&path).await.is(200).body.to_string();
        for personal in ["Ada", "Lovelace", "Grace", "Canal", "Aldous", "AC-55871", "ciphertext"] {
            assert!(!shown.contains(personal), "{personal}: {shown}");
        }
        assert!(shown.contains(r#""last_name":"sealed""#), "{shown}");
    }
    site.close().await;
}

#[tokio::test]
async fn a_line_that_is_added_is_where_the_answer_says() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let lines = format!("{}/lines", draft.is(201).header("location"));
    let phone = json!({ "kind": "device", "user": { "line": "4" }, "model": "desk_phone_t1", "mac": "00:15:65:00:00:01" });
    let added = reseller.post(&lines, &phone).await;
    assert_eq!(added.is(201).body["request"], phone);
    assert_eq!(reseller.get(added.header("location")).await.is(200).body, added.body);
    site.close().await;
}

#[tokio::test]
async fn a_line_that_is_not_there_is_not_found_by_any_operation() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let id = draft.is(201).text("id");
    let before = site.head().await;
    let numbers =
        json!({ "kind": "numbers", "ask": { "search": { "by": { "area_code": "0113" }, "quantity": 9 } } });
    for line in ["99", "0", "04", "+4", "x"] {
        let path = format!("/v1/orders/{id}/lines/{line}");
        reseller.get(&path).await.problem(404, "not_found");
        patched(&reseller, &path, &numbers).await.problem(404, "not_found");
        reseller.delete(&path).await.problem(404, "not_found");
        let own = format!("/v1/operator/orders/{id}/lines/{line}");
        let (nothing, why) = (json!({}), json!({ "reason": "closed" }));
        let failure = json!({ "code": "none_left", "detail": "none is left" });
        let milestone = json!({ "milestone": "committed" });
        for (what, body) in
            [("completion", &nothing), ("failure", &failure), ("hold", &why), ("milestone", &milestone)]
        {
            operator.post(&format!("{own}/{what}"), body).await.problem(404, "not_found");
        }
        operator.delete(&format!("{own}/hold")).await.problem(404, "not_found");
    }
    assert_eq!(site.head().await, before);
    site.close().await;
}

#[tokio::test]
async fn a_retry_is_answered_though_the_order_has_moved_on() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let path = draft.is(201).header("location").to_owned();
    let lines = format!("{path}/lines");
    let phone = json!({ "kind": "device", "user": { "line": "4" }, "model": "desk_phone_t1", "mac": "00:15:65:00:00:01" });
    let add = || keyed(&reseller, Method::POST, &lines, "k1", &phone);
    let other = json!({ "kind": "device", "user": { "line": "4" }, "model": "desk_phone_t2", "mac": "00:15:65:00:00:01" });
    let fifth = format!("{lines}/5");
    let change = || keyed(&reseller, Method::PATCH, &fifth, "k2", &other);
    let remove = |key| keyed(&reseller, Method::DELETE, &fifth, key, &Value::Null);
    let added = add().await;
    let changed = change().await;
    assert_eq!((added.is(201).body["line"].clone(), changed.is(200).text("kind")), (json!(5), "device"));
    let removed = remove("k3").await;
    removed.is(200);
    // Neither line 5 nor line 4, which it named, is there any more.
    reseller.delete(&format!("{lines}/4")).await.is(200);
    reseller.delete(&path).await.is(200);
    let head = site.head().await;
    for (first, again) in [(&added, add().await), (&changed, change().await), (&removed, remove("k3").await)]
    {
        assert!((200..300).contains(&again.status), "{:#}", again.body);
        assert_eq!(again.header("orderwire-position"), first.header("orderwire-position"));
    }
    keyed(&reseller, Method::POST, &lines, "k1", &other).await.problem(422, "idempotency_key_reused");
    remove("k4").await.problem(404, "not_found");
    assert_eq!(site.head().await, head);
    site.close().await;
}

#[tokio::test]
async fn a_retry_of_an_order_is_answered_though_its_company_is_gone() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let acme = reseller.post("/v1/companies", &company("Acme")).await;
    let mut document = order("PO-1", "Acme");
    document["company"] = json!({ "domain": "acme.example" });
    let first = keyed(&reseller, Method::POST, "/v1/orders", "k1", &document).await;
    let qualification = format!("{}/qualification", acme.is(201).header("location"));
    reseller.delete(&qualification).await.is(200);
    let again = keyed(&reseller, Method::POST, "/v1/orders", "k1", &document).await;
    assert_eq!(again.is(201).body, first.is(201).body);
    site.close().await;
}

#[tokio::test]
async fn a_refused_submission_points_as_a_refused_document_does() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let mut document = order("PO-1", "Acme");
    let spare = json!({ "kind": "company", "id": "spare", "channels": 1 });
    document["lines"].as_array_mut().unwrap().insert(0, spare);
    let refused = reseller.post("/v1/orders", &document).await;
    let errors = &refused.problem(422, "refused").body["errors"];
    assert_eq!((&errors[0]["pointer"], &errors[0]["line"]), (&json!("/lines/0"), &json!(1)), "{errors:#}");

    document["lines"][0] =
        json!({ "kind": "numbers", "id": "spare", "ask": { "numbers": ["0113 496 0000"] } });
    let draft = reseller.post("/v1/orders", &document).await;
    let path = draft.is(201).header("location").to_owned();
    reseller.delete(&format!("{path}/lines/1")).await.is(200);
    let refused = reseller.post(&format!("{path}/submission"), &json!({})).await;
    let error = &refused.problem(422, "refused").body["errors"][0];
    assert_eq!(error["code"], "not_enough_numbers", "nothing is in stock: {error:#}");
    let lines = reseller.get(&format!("{path}/lines")).await;
    let pointer = error["pointer"].as_str().unwrap().strip_prefix("/lines/").unwrap().to_owned();
    let (index, field) = pointer.split_once('/').unwrap();
    let line = &lines.is(200).body["items"][index.parse::<usize>().unwrap()];
    assert_eq!((&line["line"], &error["line"]), (&json!(3), &json!(3)), "the second that is left");
    assert!(line["request"].pointer(&format!("/{field}")).is_some(), "{pointer}: {line:#}");

    // The same of a line that is added, where another one is what is wrong.
    let second = json!({ "kind": "company", "channels": 1 });
    let refused = reseller.post(&format!("{path}/lines"), &second).await;
    let own: Vec<_> = refused.problem(422, "refused").errors();
    assert_eq!(own, [(String::new(), "second_company".to_owned())]);
    let used = reseller.delete(&format!("{path}/lines/4")).await;
    assert_eq!(used.problem(422, "refused").errors()[0].0, "", "it is the line of the path");
    site.close().await;
}

#[tokio::test]
async fn a_line_that_is_done_says_which_it_is_and_what_could_be_changed() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let mut port = port_order("PO-2", "020 7946 0123")["lines"][0].clone();
    port["company"] = Value::Null;
    let path = draft.is(201).header("location").to_owned();
    for field in ["id", "company"] {
        port.as_object_mut().unwrap().remove(field);
    }
    // A port keeps the order open while the other lines are done.
    reseller.post(&format!("{path}/lines"), &port).await.is(201);
    reseller.post(&format!("{path}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    let done = reseller.get(&format!("{path}/lines/3")).await;
    assert_eq!(done.is(200).text("status"), "completed");
    let mut request = done.body["request"].clone();
    request["name"] = json!("Another");
    let refused = patched(&reseller, &format!("{path}/lines/3"), &request).await;
    let error = &refused.problem(422, "refused").body["errors"][0];
    assert_eq!((&error["pointer"], &error["line"]), (&json!(""), &json!(3)), "{error:#}");
    // The document of the API says it in the same words.
    let document = serde_json::to_value(http::routes(&site.app).1).unwrap();
    let told = &document["paths"]["/v1/orders/{id}/lines/{line}"]["patch"]["description"];
    let told = told.as_str().unwrap().replace('\n', " ");
    let words = "a line that waits, and of a port that has begun its window";
    assert_eq!((error["expected"].as_str(), told.contains(words)), (Some(words), true), "{told}");
    site.close().await;
}

#[tokio::test]
async fn the_date_of_a_port_is_changed_by_its_line() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let port = ports::submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let heard = format!("/v1/operator/port-requests/{port}/messages");
    operator.post(&heard, &json!({ "message": "205-1", "kind": "lcp_accept" })).await.is(200);
    let order = reseller.get("/v1/orders?reference=PO-1").await.body["items"][0]["id"].clone();
    let path = format!("/v1/orders/{}/lines/1", order.as_str().unwrap());
    let mut request = reseller.get(&path).await.is(200).body["request"].clone();
    request["window"]["date"] = json!("2026-06-24");
    patched(&reseller, &path, &request).await.is(200);
    let shown = reseller.get(&format!("/v1/port-requests/{port}")).await;
    assert_eq!(
        (shown.is(200).text("status"), &shown.body["other_window"]["date"]),
        ("date_change_pending", &json!("2026-06-24"))
    );
    request["account"] = json!("AC-1");
    let more = patched(&reseller, &path, &request).await;
    assert_eq!(more.problem(422, "refused").errors()[0], (String::new(), "port_line".to_owned()));
    site.close().await;
}

#[tokio::test]
async fn a_company_of_ones_own_is_named_by_its_service_reference() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let own = reseller.post("/v1/companies", &company("Acme")).await;
    let own = own.is(201).text("service_reference").to_owned();
    let before = site.head().await;
    let mut half = order("PO-2", "Acme");
    half["company"]["name"] = json!("Another Name");
    let numbers = json!({ "kind": "new_numbers", "reference": "PO-3", "company": company("Acme"),
        "area_code": "0113", "quantity": 4 });
    for (path, document, pointers) in [
        ("/v1/orders", order("PO-1", "Acme"), vec!["/company/name", "/company/domain"]),
        ("/v1/orders", half, vec!["/company/domain"]),
        ("/v1/import-orders", numbers, vec!["/company/name", "/company/domain"]),
    ] {
        let told = reseller.post(path, &document).await;
        let expected: Vec<_> =
            pointers.iter().map(|at| ((*at).to_owned(), "company_yours".to_owned())).collect();
        assert_eq!(told.problem(409, "yours").errors(), expected);
        assert!(told.body["errors"][0]["expected"].as_str().unwrap().contains(&own), "{:#}", told.body);

        let foreign = other.post(path, &document).await;
        foreign.problem(409, "taken");
        assert!(!foreign.body.to_string().contains("com_"), "never whose: {:#}", foreign.body);
    }
    assert_eq!(site.head().await, before);
    let mut named = order("PO-1", "Acme");
    named["company"] = json!({ "service_reference": own });
    assert_eq!(reseller.post("/v1/orders", &named).await.is(201).text("company"), own);
    site.close().await;
}
