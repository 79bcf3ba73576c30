//! Numbers over HTTP: what a scope may use, page by page, and nothing that is another's.

use serde_json::{Value, json};

use super::{
    Client, Site,
    assets::{all, served},
    ports::submitted,
    reservations::{numbers, qualified},
};

/// Every run that a search finds, through all its pages.
async fn found(site: &Site, client: &Client, query: &str) -> Vec<Value> {
    let (mut path, mut items) =
        (format!("/v1/numbers?{query}&after_position={}", site.head().await), Vec::new());
    for _ in 0..100 {
        let page = client.get(&path).await;
        items.extend(page.is(200).body["items"].as_array().unwrap().clone());
        let Some(link) = page.headers.get("link") else { return items };
        path = String::from(link.to_str().unwrap().split(['<', '>']).nth(1).unwrap());
    }
    panic!("a list without an end: {query}");
}

fn brief(runs: &[Value]) -> Vec<(&str, u64, &str)> {
    runs.iter()
        .map(|run| {
            let text = |field: &str| run[field].as_str().unwrap();
            (text("first"), run["quantity"].as_u64().unwrap(), text("holding"))
        })
        .collect()
}

#[tokio::test]
async fn free_stock_is_everybodys_and_what_is_held_only_whose_it_is() {
    let site = Site::open().await;
    site.world.leeds().await;
    site.world.stock("0117 496 0000-0099", "Bristol").await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let (acme, bolt) = (qualified(&reseller, "Acme").await, qualified(&other, "Bolt").await);
    reseller.post("/v1/reservations", &numbers(&acme, &["0113 496 0010-0019"])).await.is(201);
    let fenced = json!({ "company": acme, "kind": "ring_fence", "ask": { "numbers": ["0113 496 0020"] } });
    reseller.post("/v1/reservations", &fenced).await.is(201);

    let stock = [("+441134960021", 179, "free"), ("+441134960000", 10, "free")];
    for query in [
        "cug_id=CUG2&area_code=0113",
        "cug_id=CUG2&place=%20LEEDS",
        &format!("company={bolt}&area_code=0113"),
    ] {
        let runs = found(&site, &other, query).await;
        assert_eq!(brief(&runs), stock, "{query}");
        assert!(runs.iter().all(|run| run["company"].is_null() && run["reservation"].is_null()));
    }
    let own = found(&site, &reseller, &format!("company={acme}&area_code=0113")).await;
    let held = [("+441134960010", 10, "reserved"), ("+441134960020", 1, "ring_fenced")];
    assert_eq!(brief(&own), [&held[..], &stock].concat());
    assert_eq!(own[0]["until"], "2026-06-15T09:00:00.000Z");
    let by_page = found(&site, &reseller, &format!("company={acme}&area_code=0113&limit=1")).await;
    assert_eq!(by_page, own, "page by page it is the same");
    assert_eq!(brief(&found(&site, &reseller, "cug_id=CUG1").await).len(), 3, "every area");

    let in_a_row = found(&site, &reseller, &format!("company={acme}&contiguous=10")).await;
    let fits = [held[0], stock[1], ("+441174960000", 100, "free"), stock[0]];
    assert_eq!(brief(&in_a_row), fits, "the shortest stock that suffices comes first");
    assert_eq!(found(&site, &reseller, &format!("company={acme}&contiguous=180")).await, Vec::<Value>::new());
    assert_eq!(found(&site, &reseller, "cug_id=CUG1&origin=ported").await, Vec::<Value>::new());
    site.close().await;
}

#[tokio::test]
async fn a_ported_number_waits_in_the_resellers_scope_until_a_company_has_it() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let operator = site.operator().await;
    let acme = qualified(&reseller, "Acme").await;
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    assert_eq!(found(&site, &reseller, "cug_id=CUG1&origin=ported").await, Vec::<Value>::new());
    let accept = json!({ "message": "205-1", "kind": "lcp_accept" });
    operator.post(&format!("/v1/operator/port-requests/{port}/messages"), &accept).await.is(200);
    let waiting = found(&site, &reseller, "cug_id=CUG1&origin=ported").await;
    assert_eq!(brief(&waiting), [("+442079460123", 1, "free")]);
    assert_eq!((&waiting[0]["network"], &waiting[0]["port_request"]), (&json!("port_pending"), &json!(port)));
    assert_eq!(found(&site, &reseller, "cug_id=CUG1&origin=new").await, Vec::<Value>::new());
    assert_eq!(found(&site, &other, "cug_id=CUG2").await, Vec::<Value>::new());

    let allocation = json!({ "company": acme });
    reseller.post(&format!("/v1/port-requests/{port}/allocation"), &allocation).await.is(200);
    assert_eq!(found(&site, &reseller, "cug_id=CUG1").await, Vec::<Value>::new());
    let allocated = found(&site, &reseller, &format!("company={acme}&area_code=020")).await;
    assert_eq!(brief(&allocated), [("+442079460123", 1, "allocated")]);
    site.close().await;
}

#[tokio::test]
async fn a_place_is_shown_as_it_was_loaded_and_found_however_it_is_written() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let acme = qualified(&reseller, "Acme").await;
    reseller.post("/v1/reservations", &numbers(&acme, &["0113 496 0100"])).await.is(201);
    let held = all(&site, &reseller, &acme, "numbers").await;
    assert_eq!(held[0]["place"], "Leeds");
    for place in ["Leeds", "leeds", "LEEDS"] {
        let runs = found(&site, &reseller, &format!("company={acme}&place={place}")).await;
        assert!(runs.iter().any(|run| run["holding"] == "reserved"), "{place}");
        assert!(runs.iter().all(|run| run["place"] == "Leeds"), "{runs:?}");
    }
    site.close().await;
}

#[tokio::test]
async fn a_site_may_use_what_it_has_but_no_user() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let acme = served(&site, &reseller).await;
    let leeds = all(&site, &reseller, &acme, "sites").await[0]["id"].as_str().unwrap().to_owned();
    let users = all(&site, &reseller, &acme, "users").await;
    let runs = found(&site, &reseller, &format!("site={leeds}")).await;
    assert_eq!(runs.iter().map(|run| run["quantity"].as_u64().unwrap()).sum::<u64>(), 3);
    assert!(runs.iter().all(|run| run["holding"] == "assigned_to_site" && run["site"] == leeds.as_str()));
    assert!(!runs.iter().any(|run| run["first"] == users[0]["primary_number"]));
    other.get(&format!("/v1/numbers?site={leeds}")).await.problem(404, "not_found");
    let user = users[0]["id"].as_str().unwrap();
    reseller.get(&format!("/v1/numbers?site={user}")).await.problem(404, "not_found");
    site.close().await;
}

#[tokio::test]
async fn runs_longer_than_a_page_looks_at_are_found_whole() {
    let site = Site::open().await;
    for area in ["0113", "0114"] {
        site.world.stock(&format!("{area} 496 0000-0999"), "Leeds").await;
    }
    let (_, reseller) = site.reseller(1).await;
    let acme = qualified(&reseller, "Acme").await;
    // 300 alone, then 900 in a row: the page that meets them ends within the row.
    for range in ["0113 496 0000-0299", "0113 496 0301-0999", "0114 496 0000-0400"] {
        reseller.post("/v1/reservations", &numbers(&acme, &[range])).await.is(201);
    }
    let runs = found(&site, &reseller, &format!("company={acme}&contiguous=400&origin=new&limit=2")).await;
    let held: Vec<_> = brief(&runs).into_iter().filter(|run| run.2 == "reserved").collect();
    assert_eq!(held, [("+441134960301", 699, "reserved"), ("+441144960000", 401, "reserved")]);
    site.close().await;
}

#[tokio::test]
async fn a_search_that_says_too_little_or_too_much_is_refused() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let wrong = [
        ("", "cug_id", "choice"),
        ("cug_id=CUG1&company=com_1", "cug_id", "choice"),
        ("cug_id=CUG1&area_code=0113&place=Leeds", "place", "choice"),
        ("cug_id=CUG1&area_code=leeds", "area_code", "area_code_malformed"),
        ("cug_id=CUG1&origin=old", "origin", "word_unknown"),
        ("cug_id=CUG1&contiguous=0", "contiguous", "number_out_of_bounds"),
        ("cug_id=CUG1&limit=501", "limit", "number_out_of_bounds"),
        ("cug_id=CUG1&cursor=zz", "cursor", "cursor_invalid"),
        ("cug_id=CUG1&colour=red", "colour", "parameter_unknown"),
    ];
    for (query, parameter, code) in wrong {
        let said = reseller.get(&format!("/v1/numbers?{query}")).await;
        assert_eq!(said.problem(422, "invalid").errors(), [(parameter.into(), code.into())], "{query}");
    }
    for query in ["cug_id=CUG4711", "cug_id=%20", "company=com_1", "site=ast_1"] {
        reseller.get(&format!("/v1/numbers?{query}")).await.problem(404, "not_found");
    }
    site.close().await;
}
