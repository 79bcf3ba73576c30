//! The document: every operation says what it is, who may ask, and what can come back.

use std::{fs, path::Path};

use orderwire::{domain::port_request::reason::rejection_entries, http};
use serde_json::Value;

use super::{Site, access::QUESTIONS};

async fn document() -> Value {
    let site = Site::open().await;
    let served = site.nobody().get("/openapi.json").await;
    assert_eq!(served.is(200).body, serde_json::to_value(http::routes(&site.app).1).unwrap());
    site.close().await;
    served.body
}

#[tokio::test]
async fn the_document_is_the_golden_one() {
    let text = serde_json::to_string_pretty(&document().await).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/openapi.json");
    if std::env::var_os("ORDERWIRE_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == known,
        "the API has changed: look at it, then write {path:?} anew with ORDERWIRE_BLESS=1"
    );
}

#[tokio::test]
async fn every_operation_is_documented_in_full() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|summary| summary.len() > 10), "{at}: summary");
            ids.push(operation["operationId"].as_str().unwrap_or_else(|| panic!("{at}: operationId")));
            let tag = operation["tags"].as_array().filter(|tags| tags.len() == 1);
            assert!(tag.is_some_and(|tag| tags.contains(&&tag[0])), "{at}: one capability");
            if path.starts_with("/v1") {
                assert!(
                    operation["x-roles"].as_array().is_some_and(|roles| !roles.is_empty()),
                    "{at}: roles"
                );
                let looks = method == "get" || QUESTIONS.contains(&path.as_str());
                let scope = if looks { "orderwire.read" } else { "orderwire.write" };
                let needed = serde_json::json!([{ "bearer": [] }, { "oauth2": [scope] }]);
                assert_eq!(operation["security"], needed, "{at}: security");
            }
            if let Some(body) = operation.get("requestBody") {
                let contents = body["content"].as_object().unwrap();
                assert!(contents.values().all(|content| content.get("example").is_some()), "{at}: example");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described || response.get("$ref").is_some(), "{at}: {status}");
            }
            for parameter in operation["parameters"].as_array().unwrap() {
                let described = parameter["description"].is_string() || parameter.get("$ref").is_some();
                assert!(described, "{at}: {}", parameter["name"]);
            }
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an operationId is there twice");
}

/// Every text and every example below a value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_needs_no_other_document() {
    let document = document().await;
    let mut found = Vec::new();
    texts(&document, &mut found);
    let elsewhere =
        |text: &&&str| text.contains(".md") || text.contains("docs/") || text.contains("decision");
    assert_eq!(found.iter().find(elsewhere), None);
}

/// Every list of reasons in an example below a value.
/// What a document refers to.
fn referred<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| referred(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| referred(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn whatever_the_document_refers_to_is_in_it() {
    let document = document().await;
    let mut places = Vec::new();
    referred(&document, &mut places);
    assert!(places.len() > 100);
    for place in places {
        let pointer = place.strip_prefix('#').unwrap_or_else(|| panic!("{place} is elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{place} is nowhere");
    }
}

fn reasons<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| reasons(item, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                if let ("reasons" | "rejections", Value::Array(items)) = (name.as_str(), field) {
                    found.extend(items.iter().filter_map(Value::as_str));
                }
                reasons(field, found);
            }
        }
        _ => {}
    }
}

/// The reasons of ports that examples show are such as a port can have.
#[tokio::test]
async fn reasons_in_examples_are_known() {
    let document = document().await;
    let listed: Vec<String> = rejection_entries().iter().map(|entry| entry.slug.to_string()).collect();
    let mut found = Vec::new();
    reasons(&document["paths"], &mut found);
    reasons(&document["components"]["schemas"], &mut found);
    let unknown: Vec<_> =
        found.iter().filter(|reason| !listed.iter().any(|known| known == *reason)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    // Schemas say it once more, in the words that a field can have.
    let words = document["components"]["schemas"]["PortReason"]["enum"].as_array().unwrap();
    assert!(listed.iter().all(|reason| words.contains(&Value::from(reason.as_str()))));
}

#[tokio::test]
async fn the_page_needs_no_other_host() {
    let site = Site::open().await;
    let nobody = site.nobody();
    let page = nobody.get("/docs/").await;
    let text = page.is(200).body.as_str().unwrap().to_owned();
    assert!(text.contains("swagger-ui") && !text.contains("//cdn") && !text.contains("https://"), "{text}");
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        nobody.get(&format!("/docs/{file}")).await.is(200);
    }
    nobody.get("/docs/nothing.js").await.problem(404, "not_found");
    site.close().await;
}
