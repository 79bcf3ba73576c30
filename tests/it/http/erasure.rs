//! Legal holds and erasure over HTTP: who may, who may not twice, what stands in the way, and what a repeat does.

use orderwire::{
    domain::{company::commands::CompanyCommand, joint::Command},
    edge::keys::Role,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Said, Site, company, order, said, with_json};

async fn keyed(client: &Client, method: Method, path: &str, key: &str, body: Option<&Value>) -> Said {
    let request = client.request(method, path).header("Idempotency-Key", key);
    match body {
        Some(body) => said(with_json(request, body)).await,
        None => said(request).await,
    }
}

fn actions(said: &Said) -> Vec<&str> {
    said.body["actions"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

#[tokio::test]
async fn holds_and_erasure_are_the_carriers_and_take_two_of_them() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let (one, other) = (site.operator().await, site.operator().await);
    let auditor = site.client(Role::Auditor, None).await;
    let id =
        reseller.post("/v1/companies", &company("Acme")).await.is(201).text("service_reference").to_owned();
    let path = format!("/v1/operator/companies/{id}");
    let (holds, erasure) = (format!("{path}/legal-holds"), format!("{path}/erasure"));
    let hold = format!("{holds}/case-7");
    let (case, why) = (json!({ "reference": "case-7" }), json!({ "reason": "asked for" }));

    let before = site.head().await;
    for client in [&reseller, &auditor, &site.nobody()] {
        let status = if client.token.is_some() { (403, "forbidden") } else { (401, "unauthenticated") };
        client.post(&holds, &case).await.problem(status.0, status.1);
        client.delete(&hold).await.problem(status.0, status.1);
        client.post(&erasure, &why).await.problem(status.0, status.1);
    }
    assert_eq!(site.head().await, before, "nothing has happened");
    reseller.get(&holds).await.problem(403, "forbidden");
    auditor.get(&holds).await.is(200);

    // Placed once, whatever it takes to hear of it; by one, lifted by another.
    let placed = keyed(&one, Method::POST, &holds, "k1", Some(&case)).await;
    assert_eq!(placed.is(201).text("reference"), "case-7");
    let head = site.head().await;
    let again = keyed(&one, Method::POST, &holds, "k1", Some(&case)).await;
    assert_eq!(
        (again.is(201), again.header("orderwire-position")),
        (&again, placed.header("orderwire-position"))
    );
    assert_eq!((&again.body, site.head().await), (&placed.body, head));
    let twice = one.post(&holds, &case).await;
    assert_eq!(twice.problem(422, "refused").errors(), [("/reference".into(), "legal_hold_exists".into())]);
    other.post(&format!("{holds}x"), &case).await.is(404);
    other
        .post(&format!("/v1/operator/companies/com_{}/legal-holds", "0".repeat(32)), &case)
        .await
        .problem(404, "not_found");
    let all = other.get(&holds).await;
    assert_eq!(all.is(200).body["items"], json!([placed.body]));
    let by_the_same = one.delete(&hold).await;
    assert_eq!(by_the_same.problem(422, "refused").errors()[0].1, "legal_hold_by_the_same");
    let unknown = other.delete(&format!("{holds}/case-8")).await;
    assert_eq!(unknown.problem(422, "refused").errors()[0].1, "legal_hold_unknown");
    let lifted = keyed(&other, Method::DELETE, &hold, "k2", None).await;
    let head = site.head().await;
    assert_eq!(lifted.is(200).text("service_reference"), id);
    keyed(&other, Method::DELETE, &hold, "k2", None).await.is(200);
    assert_eq!(site.head().await, head, "lifted once");
    let gone = other.delete(&hold).await;
    assert_eq!(gone.problem(422, "refused").errors()[0].1, "legal_hold_unknown");

    // The reseller sees the company, and nothing of this.
    for path in
        [format!("/v1/companies/{id}"), "/v1/notices?limit=500".into(), format!("/v1/companies/{id}/actions")]
    {
        let shown = reseller.get(&path).await;
        let text = shown.is(200).body.to_string();
        assert!(!text.contains("case-7") && !text.contains("hold"), "{path}: {text}");
    }
    site.close().await;
}

#[tokio::test]
async fn a_company_is_erased_once_it_has_ended_and_nobody_holds_it_and_on_what_was_seen() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let (one, other) = (site.operator().await, site.operator().await);
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let at = draft.is(201).header("location").to_owned();
    let id = draft.body["company"].as_str().unwrap().to_owned();
    let path = format!("/v1/operator/companies/{id}");
    let (holds, erasure) = (format!("{path}/legal-holds"), format!("{path}/erasure"));
    let why = json!({ "reason": "asked for by Ada Lovelace" });
    let history = format!("/v1/audit/history/{}", draft.text("id"));
    assert!(one.get(&history).await.is(200).body.to_string().contains("Lovelace"));

    let early = one.post(&erasure, &why).await;
    let early = early.problem(409, "not_permitted");
    assert_eq!(early.text("state"), "qualified");
    assert!(
        actions(early).contains(&"place_legal_hold") && !actions(early).contains(&"erase_company"),
        "{early:?}"
    );

    one.post(&holds, &json!({ "reference": "case-7" })).await.is(201);
    reseller.delete(&at).await.is(200);
    site.world
        .done(Command::Company { company: id.parse().unwrap(), command: CompanyCommand::Release })
        .await;
    let kept = one.post(&erasure, &why).await;
    let kept = kept.problem(422, "refused");
    assert_eq!(kept.errors()[0].1, "legal_hold");
    let said_of = kept.body["errors"][0].to_string();
    assert!(
        said_of.contains("case-7") && said_of.contains("a company whose legal holds were lifted"),
        "{said_of}"
    );

    let seen = other.delete(&format!("{holds}/case-7")).await;
    let tag = seen.is(200).header("etag").to_owned();
    let with = |tag: &str, body: &Value| {
        with_json(one.request(Method::POST, &erasure).header("If-Match", tag), body)
    };
    let head = site.head().await;
    said(with("\"1\"", &why)).await.problem(412, "precondition_failed");
    assert_eq!(said(with(&tag, &json!({}))).await.problem(422, "refused").errors()[0].0, "/reason");
    assert_eq!(site.head().await, head, "nothing is erased");
    let erased = said(with(&tag, &why).header("Idempotency-Key", "k1")).await;
    assert_eq!(erased.is(200).body["erased"], true);
    let head = site.head().await;
    let again = said(with(&tag, &why).header("Idempotency-Key", "k1")).await;
    assert_eq!((&again.is(200).body, site.head().await), (&erased.body, head));
    let twice = one.post(&erasure, &why).await;
    assert!(actions(twice.problem(409, "not_permitted")).is_empty(), "nothing follows: {twice:?}");
    one.post(&holds, &json!({ "reference": "case-8" })).await.problem(409, "not_permitted");

    let lines = one.get(&history).await.is(200).body.to_string();
    assert!(!lines.contains("Lovelace") && lines.contains("erased"), "{lines}");
    let history = one.get(&format!("/v1/audit/history/{id}")).await;
    assert!(history.is(200).body.to_string().contains("asked for by Ada Lovelace"), "the reason stays");
    site.close().await;
}
