//! What cannot be meant is refused, rather than read as something else, and says what would be right.

use orderwire::{
    edge::keys::{self, Role},
    http::Limits,
};
use reqwest::Method;
use serde_json::json;

use super::{Said, Site, company, said, with_json};

#[tokio::test]
async fn a_query_that_is_not_utf_8_is_refused() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    for wrong in ["domain=%FF.example", "%C3=1", "reference=%ED%A0%80", "cursor=a+%E2%82"] {
        let path = format!("/v1/orders?{wrong}");
        let refused = reseller.get(&path).await;
        assert_eq!(refused.problem(422, "invalid").errors(), [("query".into(), "query_not_utf_8".into())]);
    }
    let spaced = reseller.get("/v1/addresses?postcode=LS1+4AP").await;
    assert_eq!(spaced.is(200).body, reseller.get("/v1/addresses?postcode=LS1%204AP").await.body);
    // What stands for itself is text like any other.
    reseller.get("/v1/orders?reference=%EF%BF%BD").await.is(200);
    reseller.get("/v1/orders?&limit=1&").await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_text_without_a_word_finds_nothing_by_being_ignored() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    for text in ["%21%3F", "", "%20"] {
        let refused = reseller.get(&format!("/v1/addresses?postcode=LS1&text={text}")).await;
        assert_eq!(
            refused.problem(422, "invalid").errors(),
            [("text".into(), "address_text_no_words".into())],
            "{text}"
        );
    }
    reseller.get("/v1/addresses?postcode=LS1&text=Station%21").await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_body_is_of_one_kind() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let before = site.head().await;
    let request = || reseller.request(Method::POST, "/v1/companies").body(company("Acme").to_string());
    let twice = |name, one, other| said(request().header(name, one).header(name, other));
    twice("content-type", "application/json", "application/json").await.problem(400, "malformed");
    twice("content-type", "application/json", "text/csv").await.problem(400, "malformed");
    let form = site.nobody().request(Method::POST, "/oauth/token").header("content-type", "text/plain");
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("grant_type=x");
    assert_eq!(said(form).await.is(400).text("error"), "invalid_request");
    assert_eq!(site.head().await, before);
    site.close().await;
}

fn told(said: &Said) -> (&str, &str) {
    let error = &said.body["errors"][0];
    (error["detail"].as_str().unwrap(), error["expected"].as_str().unwrap())
}

#[tokio::test]
async fn a_number_out_of_bounds_is_told_which_would_be_right() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let limits = "a whole number from 1 to 500";
    for (limit, detail) in [
        ("0", "0 is less than 1"),
        ("501", "501 is more than 500"),
        ("-1", "-1 is less than 1"),
        ("1.5", "1.5 is not whole"),
        ("many", "`many` is no whole number"),
    ] {
        let refused = reseller.get(&format!("/v1/orders?limit={limit}")).await;
        assert_eq!(told(refused.problem(422, "invalid")), (detail, limits));
    }
    let acme = reseller.post("/v1/companies", &company("Acme")).await.text("service_reference").to_owned();
    for (quantity, detail) in [
        (json!(0), "0 is less than 1"),
        (json!(-3), "-3 is less than 1"),
        (json!(2.5), "2.5 is not whole"),
        (json!(99_999_999_999_u64), "99999999999 is too large"),
    ] {
        let search = json!({ "by": { "area_code": "0113" }, "quantity": quantity });
        let body = json!({ "company": acme, "kind": "reserve", "ask": { "search": search } });
        let refused = reseller.post("/v1/reservations", &body).await;
        assert_eq!(told(refused.problem(422, "refused")), (detail, "a whole number, at least 1"));
    }
    site.close().await;
}

#[tokio::test]
async fn nobody_is_told_how_far_the_log_goes() {
    let site = Site::with(Limits::default()).await;
    let (_, reseller) = site.reseller(1).await;
    let refused = reseller.get("/v1/orders?after_position=4711").await;
    let errors = refused.problem(422, "invalid").body["errors"].to_string();
    assert!(errors.contains("position_beyond_log"), "{errors}");
    let head = site.head().await.to_string();
    assert!(!errors.contains(|c: char| c.is_ascii_digit() && head.contains(c)), "{errors}");
    site.close().await;
}

#[tokio::test]
async fn who_only_looks_may_check_names_and_numbers() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (id, reseller) = site.reseller(1).await;
    let label = "a test".parse().unwrap();
    let engine = &site.world.engine;
    let (_, token) = keys::create_limited(engine, Role::Reseller, Some(id), &label, true).await.unwrap();
    let looking = site.nobody().presenting(&token);
    let auditor = site.client(Role::Auditor, None).await;
    let acme = reseller.post("/v1/companies", &company("Acme")).await.text("service_reference").to_owned();
    let before = site.head().await;
    let numbers = json!({ "numbers": ["0113 496 0100", "020 7946 0001"] });
    let names = json!({ "names": [{ "kind": "company_name", "name": "Acme" },
        { "kind": "site_name", "name": "Leeds", "company": acme }] });
    for client in [&looking, &auditor] {
        assert_eq!(
            client.post("/v1/portability-checks", &numbers).await.is(200).body["items"][0]["reason"],
            "already_here"
        );
        assert_ne!(client.post("/v1/name-checks", &names).await.is(200).body["names"][0]["status"], "free");
        client.post("/v1/companies", &company("Bolt")).await.problem(403, "forbidden");
    }
    // Whether somebody is called so, nobody is told who is shown no names.
    let user = json!({ "names": [{ "kind": "username", "name": "ada", "company": acme }] });
    assert_eq!(looking.post("/v1/name-checks", &user).await.is(200).body["names"][0]["status"], "free");
    let sealed = auditor.post("/v1/name-checks", &user).await;
    assert_eq!(sealed.is(200).body["names"][0]["rule"]["code"], "sealed");
    assert_eq!(site.head().await, before, "nothing was changed");
    site.close().await;
}

#[tokio::test]
async fn a_suspended_reseller_enters_no_address() {
    let site = Site::open().await;
    let (id, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let path = format!("/v1/operator/resellers/{id}/suspension");
    operator.post(&path, &json!({ "reason": "credit control" })).await.is(200);
    let address = json!({ "lines": ["The Old Signal Box"], "postcode": "LS1 4AP" });
    let refused = reseller.post("/v1/addresses", &address).await;
    assert_eq!(refused.problem(422, "refused").errors()[0].1, "reseller_not_active");
    let for_it = json!({ "lines": ["The Old Signal Box"], "postcode": "LS1 4AP", "reseller": "R1" });
    operator.post("/v1/addresses", &for_it).await.is(422);
    operator.delete(&path).await.is(200);
    reseller.post("/v1/addresses", &address).await.is(201);
    site.close().await;
}

#[tokio::test]
async fn a_reseller_is_changed_as_it_was_seen() {
    let site = Site::open().await;
    let operator = site.operator().await;
    // So that its sequences are no positions.
    site.reseller(1).await;
    let new = json!({ "code": "R7", "name": "Northern Voice" });
    let made = operator.post("/v1/operator/resellers", &new).await;
    let path = format!("/v1/operator/resellers/{}", made.is(201).text("id"));
    assert_eq!(operator.get(&path).await.header("etag"), made.header("etag"));
    let rename = |tag: &str, name: &str| {
        let request = operator.request(Method::PATCH, &path).header("If-Match", tag);
        said(with_json(request, &json!({ "name": name })))
    };
    let renamed = rename(made.header("etag"), "One").await;
    assert_ne!(renamed.is(200).header("etag"), made.header("etag"));
    let late = rename(made.header("etag"), "Two").await;
    late.problem(412, "precondition_failed");
    assert!(late.text("detail").starts_with("something has happened to rsl_"), "{}", late.body);
    let never = rename("\"4711\"", "Three").await;
    assert!(
        never.problem(412, "precondition_failed").text("detail").contains("was never where"),
        "{never:?}"
    );
    rename(renamed.header("etag"), "Four").await.is(200);

    // Stock changes without events of its own, so there is nothing to match.
    let block = site.world.leeds().await;
    let request = operator.request(Method::DELETE, &format!("/v1/operator/stock/{block}"));
    let refused = said(request.header("If-Match", "\"1\"")).await;
    assert_eq!(
        refused.problem(422, "invalid").errors(),
        [("If-Match".into(), "condition_without_tag".into())]
    );
    site.close().await;
}
