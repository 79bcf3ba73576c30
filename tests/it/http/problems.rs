//! What a caller is told who was not served.

use std::{num::NonZeroU32, pin::pin, time::Duration};

use orderwire::{
    edge::keys::{self, Role},
    http::Limits,
};
use reqwest::Method;
use serde_json::json;

use super::{Site, company, order, said};

#[tokio::test]
async fn whoever_is_not_known_is_not_served() {
    let site = Site::open().await;
    let (id, reseller) = site.reseller(1).await;
    let path = "/v1/reseller";
    let nobody = site.nobody();
    let refused = nobody.get(path).await;
    assert_eq!(
        refused.problem(401, "unauthenticated").header("www-authenticate"),
        "Bearer realm=\"orderwire\""
    );
    let (key, token) =
        keys::create(&site.world.engine, Role::Reseller, Some(id), &"x".parse().unwrap()).await.unwrap();
    let known = nobody.presenting(&token);
    known.get(path).await.is(200);
    let last = if token.ends_with('0') { "1" } else { "0" };
    let guessed = format!("{}{last}", &token[..token.len() - 1]);
    for wrong in [guessed.as_str(), &key.id, "", "key_x.y", &token[4..]] {
        nobody.presenting(wrong).get(path).await.problem(401, "unauthenticated");
    }
    let basic = nobody.request(Method::GET, path).header("authorization", format!("Basic {token}"));
    said(basic).await.problem(401, "unauthenticated");

    site.world.engine.rebuild().await.unwrap();
    known.get(path).await.is(200);
    keys::revoke(&site.world.engine, &key.id).await.unwrap().unwrap();
    known.get(path).await.problem(401, "unauthenticated");
    reseller.get(path).await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_role_asks_only_for_what_is_its_own() {
    let site = Site::open().await;
    let (id, reseller) = site.reseller(1).await;
    let auditor = site.client(Role::Auditor, None).await;
    let operator = site.operator().await;
    reseller.get("/v1/operator/resellers").await.problem(403, "forbidden");
    let why = json!({ "reason": "none" });
    reseller.post(&format!("/v1/operator/resellers/{id}/suspension"), &why).await.problem(403, "forbidden");
    let order = super::company("Bolt");
    auditor.post("/v1/companies", &order).await.problem(403, "forbidden");
    operator.get("/v1/reseller").await.problem(403, "forbidden");
    let company = reseller.post("/v1/companies", &company("Acme")).await.text("service_reference").to_owned();
    let erasure = format!("/v1/operator/companies/{company}/erasure");
    reseller.post(&erasure, &json!({})).await.problem(403, "forbidden");
    site.close().await;
}

#[tokio::test]
async fn what_is_not_there_or_not_meant_is_a_problem_too() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    reseller.get("/v1/unicorns").await.problem(404, "not_found");
    site.nobody().get("/").await.problem(404, "not_found");
    let method = said(reseller.request(Method::PUT, "/v1/companies")).await;
    let allowed = method.problem(405, "method_not_allowed").header("allow").to_owned();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let html = said(reseller.request(Method::GET, "/v1/reseller").header("accept", "text/html")).await;
    html.problem(406, "not_acceptable");
    for accept in ["application/json", "text/html, */*;q=0.1", "application/problem+json"] {
        said(reseller.request(Method::GET, "/v1/reseller").header("accept", accept)).await.is(200);
    }
    let unknown = reseller.get("/v1/orders?colour=red").await;
    assert_eq!(unknown.problem(422, "invalid").errors(), [("colour".into(), "parameter_unknown".into())]);
    let twice = reseller.get("/v1/orders?limit=1&limit=2").await;
    assert_eq!(twice.problem(422, "invalid").errors(), [("limit".into(), "parameter_twice".into())]);
    for limit in ["0", "501", "many", "-1"] {
        reseller.get(&format!("/v1/orders?limit={limit}")).await.problem(422, "invalid");
    }
    reseller.get("/v1/orders?after_position=99").await.problem(422, "invalid");
    site.close().await;
}

#[tokio::test]
async fn what_is_taken_names_which_and_never_whose() {
    let site = Site::open().await;
    let (one, first) = site.reseller(1).await;
    let (_, second) = site.reseller(2).await;
    first.post("/v1/companies", &company("Acme")).await.is(201);
    let other_domain = json!({ "name": " ACME ", "domain": "other.example" });
    let taken = second.post("/v1/companies", &other_domain).await;
    assert_eq!(taken.problem(409, "taken").errors(), [("/name".into(), "company_name_taken".into())]);
    assert!(taken.body.to_string().contains("ACME"), "it is shown as it was written: {:#}", taken.body);
    let both = second.post("/v1/companies", &company("Acme")).await;
    let places = [("/name", "company_name_taken"), ("/domain", "company_domain_taken")];
    let places = places.map(|(at, code)| (at.to_owned(), code.to_owned()));
    assert_eq!(both.problem(409, "taken").errors(), places);
    assert!(!both.body.to_string().contains(&one.to_string()));
    site.close().await;
}

#[tokio::test]
async fn a_company_of_ones_own_is_not_taken_but_named() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let own = reseller.post("/v1/companies", &company("Acme")).await;
    let own = own.is(201).text("service_reference").to_owned();
    let before = site.head().await;
    let half = json!({ "name": "Another", "domain": "acme.example" });
    for (body, places) in [(company("Acme"), vec!["/name", "/domain"]), (half, vec!["/domain"])] {
        let told = reseller.post("/v1/companies", &body).await;
        let expected: Vec<_> =
            places.into_iter().map(|at| (at.to_owned(), "company_yours".to_owned())).collect();
        assert_eq!(told.problem(409, "yours").errors(), expected);
        assert!(told.body["errors"][0]["expected"].as_str().unwrap().contains(&own), "{:#}", told.body);
    }
    assert_eq!(site.head().await, before);
    site.close().await;
}

#[tokio::test]
async fn a_company_that_is_no_object_says_what_one_would_be() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let mut named = order("PO-1", "Acme");
    named["company"] = json!("com_01890a5d000070008000000000000001");
    let wrong = reseller.post("/v1/orders", &named).await;
    assert_eq!(wrong.problem(422, "refused").errors(), [("/company".into(), "type_wrong".into())]);
    let expected = wrong.body["errors"][0]["expected"].as_str().unwrap();
    assert!(expected.contains("{ \"service_reference\": \"com_…\" }"), "{expected}");
    site.close().await;
}

#[tokio::test]
async fn a_refused_order_names_every_reason_and_leaves_nothing() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let before = site.head().await;
    let mut wrong = order("PO-1", "Acme");
    wrong["lines"][3]["extension"] = json!("999");
    wrong["lines"][3]["colour"] = json!("red");
    wrong["lines"][2]["numbers"] = json!([{ "line": "nowhere" }]);
    let refused = reseller.post("/v1/orders", &wrong).await;
    let errors = refused.problem(422, "refused").errors();
    let places: Vec<&str> = errors.iter().map(|(at, _)| at.as_str()).collect();
    assert!(places.contains(&"/lines/2/numbers/0/line") && places.contains(&"/lines/3/colour"), "{errors:?}");
    for error in refused.body["errors"].as_array().unwrap() {
        let index: u64 = error["pointer"].as_str().unwrap().split('/').nth(2).unwrap().parse().unwrap();
        assert_eq!(error["line"], index + 1, "{error:#}");
    }
    assert_eq!(site.head().await, before);

    // No stock is loaded, so what could be drafted cannot be submitted.
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let path = draft.is(201).header("location").to_owned();
    let before = site.head().await;
    let refused = reseller.post(&format!("{path}/submission"), &json!({})).await;
    assert!(!refused.problem(422, "refused").errors().is_empty());
    assert_eq!(site.head().await, before);
    site.close().await;
}

#[tokio::test]
async fn whoever_asks_too_often_waits_and_keeps_nobody_else_waiting() {
    let two = NonZeroU32::new(2).unwrap();
    let limits = Limits { asks_per_second: NonZeroU32::MIN, asks_at_once: two, ..Limits::default() };
    let site = Site::with(limits).await;
    let ((_, hasty), (_, calm)) = (site.reseller(1).await, site.reseller(2).await);
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(hasty.get("/v1/reseller").await);
    }
    answers[0].is(200);
    answers[1].is(200);
    let limited = answers.iter().find(|said| said.status != 200).expect("four at once are too many");
    let wait: u64 = limited.problem(429, "too_many_requests").header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait));
    calm.get("/v1/reseller").await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_read_waits_for_what_the_caller_has_seen() {
    let site = Site::idle(Limits::default()).await;
    let (id, reseller) = site.reseller(1).await;
    site.world.company(id, "Acme").await;
    let head = site.head().await;
    let empty = reseller.get("/v1/companies").await;
    assert_eq!(empty.is(200).body["items"], json!([]), "the read model does nothing yet");
    let path = format!("/v1/companies?after_position={head}");
    let mut asked = pin!(reseller.get(&path));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut asked).await;
    assert!(early.is_err(), "it is not answered before the read model is there");
    site.world.settle().await;
    let waited = asked.await;
    assert_eq!(waited.is(200).body["items"].as_array().unwrap().len(), 1);
    site.close().await;
}
