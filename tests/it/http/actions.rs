//! What may be asked of something now; and for what may not, the rule and what would unlock it.

use serde_json::{Value, json};

use super::{Client, Site, order, ports};

async fn action(client: &Client, path: &str, name: &str) -> Value {
    let said = client.get(&format!("{path}/actions")).await;
    let actions = said.is(200).body["actions"].as_array().unwrap().clone();
    actions.into_iter().find(|it| it["action"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn events(action: &Value) -> Vec<&str> {
    let steps = action["unlock"].as_array().unwrap_or_else(|| panic!("it has ended: {action:#}"));
    steps.iter().map(|step| step["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_may_not_be_asked_says_what_would_unlock_it() {
    let site = Site::manual().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let path = draft.is(201).header("location").to_owned();
    let submit = action(&reseller, &path, "submit").await;
    assert_eq!((&submit["open"], &submit["rules"], events(&submit)), (&json!(true), &json!([]), vec![]));
    let cancel = action(&reseller, &path, "request_cancellation").await;
    assert_eq!(cancel["open"], false);
    assert_eq!(
        (&cancel["rules"][0]["code"], events(&cancel)),
        (&json!("not_permitted"), vec!["OrderSubmitted"])
    );
    assert_eq!(cancel["unlock"][0]["to"], "submitted");

    let discarded = reseller.delete(&path).await;
    assert_eq!(discarded.is(200).text("status"), "discarded");
    let never = action(&reseller, &path, "submit").await;
    assert_eq!((&never["open"], &never["unlock"]), (&json!(false), &Value::Null), "nothing leads back");
    site.close().await;
}

#[tokio::test]
async fn what_only_the_rules_refuse_says_which_and_until_when() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let port = ports::submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let path = format!("/v1/port-requests/{port}");
    let asked = action(&reseller, &path, "activate").await;
    assert_eq!((&asked["open"], events(&asked)), (&json!(false), vec!["LcpAccepted", "WindowOpened"]));
    let heard = format!("/v1/operator/port-requests/{port}/messages");
    operator.post(&heard, &json!({ "message": "205-1", "kind": "lcp_accept" })).await.is(200);

    site.world.sleep_until("2026-06-17T08:30:00Z".parse().unwrap()).await;
    site.world.settle().await;
    let before = site.head().await;
    let early = action(&reseller, &path, "activate").await;
    assert_eq!((&early["open"], events(&early)), (&json!(false), vec![]), "the lifecycle permits it");
    let codes: Vec<&Value> = early["rules"].as_array().unwrap().iter().map(|rule| &rule["code"]).collect();
    assert!(codes.contains(&&json!("port_not_allocated")), "{early:#}");
    assert_eq!(site.head().await, before, "asking does nothing");
    site.close().await;
}
