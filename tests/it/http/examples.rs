//! The examples of the document, sent as they are to a site that has one of everything: each is served, or refused for what
//! the site is not ready for.
//!
//! Whoever has nothing but the document copies an example and puts the ids of their own things in; so does this test.

use orderwire::http;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Said, Site, order, ports, said};

/// Examples that cannot stand alone, how they are refused, and what they would need.
const NOT_READY: &[(&str, u16, &str, &str)] = &[
    ("create_token", 401, "", "the id and secret of a key, which are shown once"),
    ("replace_address_of_asset", 404, "not_found", "a company with a site; this one has nothing yet"),
    ("reject_order", 409, "not_permitted", "an order on which work has not begun"),
    ("erase_company", 409, "not_permitted", "a company that has ended; this one is qualified"),
    ("lift_legal_hold", 422, "refused", "a hold that somebody else placed"),
    ("suspend_company", 409, "not_permitted", "a company in service; this one is qualified"),
    ("provide_information", 409, "not_permitted", "an order whose information is asked for"),
    ("load_stock", 409, "taken", "a range that is not in stock yet"),
    ("redeliver_notice", 422, "refused", "a notice of this reseller"),
    ("take_numbers_back", 422, "refused", "numbers that are with another provider"),
];

/// What the paths and bodies of examples can name.
struct Ready {
    reseller: Client,
    operator: Client,
    company: String,
    reseller_id: String,
    block: String,
    address: String,
    draft: String,
    submitted: String,
    awaiting: String,
    accepted: String,
    rejected: String,
    webhook: String,
}

async fn ready(site: &Site) -> Ready {
    let block = site.world.stock("0113 496 0000-0199", "Leeds").await.to_string();
    let (id, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Widget Works")).await;
    let (draft, company) = (draft.is(201).text("id").to_owned(), draft.text("company").to_owned());
    let submitted = reseller.post("/v1/orders", &order("PO-2", "Sprocket Works")).await;
    let submitted = submitted.is(201).text("id").to_owned();
    reseller.post(&format!("/v1/orders/{submitted}/submission"), &json!({})).await.is(202);
    let mut ports = Vec::new();
    for (n, message) in [
        Value::Null,
        json!({ "message": "m-1", "kind": "lcp_accept" }),
        json!({ "message": "m-2", "kind": "reject", "reasons": ["postcode_mismatch"] }),
    ]
    .iter()
    .enumerate()
    {
        let port = ports::submitted(site, &reseller, &format!("PORT-{n}"), &format!("020 7946 099{n}")).await;
        if message.is_object() {
            operator.post(&format!("/v1/operator/port-requests/{port}/messages"), message).await.is(200);
        }
        ports.push(port);
    }
    let [awaiting, accepted, rejected] = ports.try_into().unwrap();
    let entered = json!({ "lines": ["1 Station Approach", "Leeds"], "postcode": "LS1 4AP" });
    let address = reseller.post("/v1/addresses", &entered).await.is(201).text("key").to_owned();
    let hook = reseller.post("/v1/webhooks", &json!({ "url": "https://hooks.example/orders" })).await;
    let webhook = hook.is(201).text("id").to_owned();
    let reseller_id = id.to_string();
    Ready {
        reseller,
        operator,
        company,
        reseller_id,
        block,
        address,
        draft,
        submitted,
        awaiting,
        accepted,
        rejected,
        webhook,
    }
}

impl Ready {
    /// The path of an operation, with what it is about.
    fn path(&self, operation: &str, path: &str, tenant: bool) -> String {
        let order = if tenant && operation != "cancel_order" { &self.draft } else { &self.submitted };
        let port = match operation {
            "represent_port" => &self.rejected,
            _ if tenant => &self.accepted,
            _ => &self.awaiting,
        };
        // The third line is the site, which an outside system works on.
        let line = if tenant { "1" } else { "3" };
        let asset = "ast_01890a5d000070008000000000000001";
        path.replace("/orders/{id}", &format!("/orders/{order}"))
            .replace("/port-requests/{id}", &format!("/port-requests/{port}"))
            .replace("/companies/{id}", &format!("/companies/{}", self.company))
            .replace("/resellers/{id}", &format!("/resellers/{}", self.reseller_id))
            .replace("/stock/{id}", &format!("/stock/{}", self.block))
            .replace("/webhooks/{id}", &format!("/webhooks/{}", self.webhook))
            .replace("{key}", &self.address)
            .replace("{line}", line)
            .replace("{asset}", asset)
            .replace("{reference}", "case-7")
    }
}

/// Every operation with an example of its body: its document, method and path.
fn examples(document: &Value) -> Vec<(Value, Method, String)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("requestBody").is_some() {
                found.push((operation.clone(), method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    found
}

async fn sent(ready: &Ready, operation: &Value, method: Method, path: &str) -> Said {
    let (kind, content) = operation["requestBody"]["content"].as_object().unwrap().iter().next().unwrap();
    let mut body = match &content["example"] {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    body = body.replace("com_01890a5d000070008000000000000001", &ready.company);
    let roles = operation["x-roles"].as_array();
    let tenant = roles.is_none_or(|roles| roles.contains(&json!("reseller")));
    let client = if tenant { &ready.reseller } else { &ready.operator };
    let path = ready.path(operation["operationId"].as_str().unwrap(), path, tenant);
    said(client.request(method, &path).header("content-type", kind).body(body)).await
}

#[tokio::test]
async fn every_example_of_the_document_is_served_or_refused_for_a_known_reason() {
    let site = Site::manual().await;
    let document = serde_json::to_value(http::routes(&site.app).1).unwrap();
    site.close().await;
    let mut wrong = Vec::new();
    let examples = examples(&document);
    assert!(examples.len() >= 25, "{}", examples.len());
    for (operation, method, path) in examples {
        // One site for each, so that none rests on what another has done.
        let site = Site::manual().await;
        let said = sent(&ready(&site).await, &operation, method, &path).await;
        site.close().await;
        let id = operation["operationId"].as_str().unwrap();
        let known = NOT_READY.iter().find(|(known, ..)| *known == id);
        let served = (200..300).contains(&said.status);
        let as_known = known.is_some_and(|(_, status, code, _)| {
            said.status == *status && said.body["code"].as_str().unwrap_or_default() == *code
        });
        let documented = operation["responses"].get(said.status.to_string()).is_some();
        if !documented || served == known.is_some() || !(served || as_known) {
            wrong.push(format!("{id}: {} {}", said.status, said.body));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
