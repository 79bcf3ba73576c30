//! Name checks over HTTP: advice about many names at once, and nothing about who else has them.

use serde_json::{Value, json};

use super::{Client, Site, order, reservations::qualified};

async fn checked(client: &Client, names: &Value) -> Vec<(String, Value)> {
    let said = client.post("/v1/name-checks", &json!({ "names": names })).await;
    let names = said.is(200).body["names"].as_array().unwrap().iter();
    names
        .map(|name| {
            let detail =
                if name["rule"].is_null() { name["company"].clone() } else { name["rule"]["code"].clone() };
            (name["status"].as_str().unwrap().to_owned(), detail)
        })
        .collect()
}

fn is(status: &str, detail: impl Into<Value>) -> (String, Value) {
    (status.to_owned(), detail.into())
}

#[tokio::test]
async fn a_name_is_free_taken_yours_or_invalid_and_nothing_is_held() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let acme = qualified(&reseller, "Acme Ltd").await;
    let before = site.head().await;
    let names = json!([
        { "kind": "company_name", "name": " ACME  LTD " },
        { "kind": "company_domain", "name": "Acme-Ltd.example." },
        { "kind": "company_name", "name": "Bolt" },
        { "kind": "company_domain", "name": "bolt" },
        { "kind": "company_name", "name": "" },
    ]);
    let own = checked(&reseller, &names).await;
    let rest =
        [is("free", Value::Null), is("invalid", "domain_one_label"), is("invalid", "company_name_empty")];
    assert_eq!(own[..2], [is("yours", acme.clone()), is("yours", acme.clone())]);
    assert_eq!(own[2..], rest);
    let theirs = other.post("/v1/name-checks", &json!({ "names": names })).await;
    assert!(!theirs.body.to_string().contains(&acme), "never says whose");
    let theirs = checked(&other, &names).await;
    assert_eq!(theirs[..2], [is("taken", Value::Null), is("taken", Value::Null)]);
    assert_eq!(theirs[2..], rest);
    assert_eq!(site.head().await, before, "advice");
    qualified(&other, "Bolt").await;
    assert_eq!(checked(&reseller, &names).await[2], is("taken", Value::Null));
    site.close().await;
}

#[tokio::test]
async fn names_within_a_company_are_only_told_to_whose_it_is() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let acme = draft.is(201).text("company").to_owned();
    reseller.post(&format!("{}/submission", draft.header("location")), &json!({})).await.is(202);
    site.world.settle().await;
    let sites =
        reseller.get(&format!("/v1/companies/{acme}/sites?after_position={}", site.head().await)).await;
    let leeds = sites.is(200).body["items"][0]["id"].as_str().unwrap().to_owned();
    let within = |kind: &str, name: &str| json!({ "kind": kind, "name": name, "company": acme });
    let names = json!([
        within("site_name", " leeds"), within("site_name", "York"), within("location_code", "45"),
        within("username", "ada"), within("username", "grace"), within("username", "a..b"),
        { "kind": "extension", "name": "201", "site": leeds }, { "kind": "extension", "name": "202", "site": leeds },
        { "kind": "extension", "name": "2020", "site": leeds }, { "kind": "mac", "name": "00:15:65:00:00:01" },
    ]);
    let yours = || is("yours", acme.clone());
    let free = || is("free", Value::Null);
    let own = [
        yours(),
        free(),
        yours(),
        yours(),
        free(),
        is("invalid", "username_dots"),
        yours(),
        free(),
        is("invalid", "extension_length"),
        free(),
    ];
    assert_eq!(checked(&reseller, &names).await, own);
    let theirs = checked(&other, &names).await;
    assert!(theirs[..6].iter().all(|name| *name == is("invalid", "company_unknown")), "{theirs:?}");
    assert!(theirs[6..9].iter().all(|name| *name == is("invalid", "site_unknown")), "{theirs:?}");
    site.close().await;
}

#[tokio::test]
async fn a_thousand_names_are_checked_at_once_and_no_more() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let names = |count: usize| {
        let name = |n| json!({ "kind": "company_domain", "name": format!("c{n}.example") });
        json!({ "names": (0..count).map(name).collect::<Vec<_>>() })
    };
    let all = reseller.post("/v1/name-checks", &names(1_000)).await;
    assert_eq!(all.is(200).body["names"].as_array().unwrap().len(), 1_000);
    let wrong = reseller.post("/v1/name-checks", &names(1_001)).await;
    assert_eq!(wrong.problem(422, "refused").errors(), [("/names".into(), "list_too_long".into())]);
    let empty = reseller.post("/v1/name-checks", &names(0)).await;
    assert_eq!(empty.problem(422, "refused").errors(), [("/names".into(), "list_empty".into())]);
    let odd =
        json!({ "names": [{ "kind": "colour", "name": "red" }, { "kind": "site_name", "name": "Leeds" }] });
    let odd = reseller.post("/v1/name-checks", &odd).await;
    let at = [("/names/0/kind", "word_unknown"), ("/names/1/company", "field_missing")];
    assert_eq!(odd.problem(422, "refused").errors(), at.map(|(at, code)| (at.into(), code.into())));
    site.close().await;
}
