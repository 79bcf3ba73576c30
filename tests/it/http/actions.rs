//! What may be asked of something now; and for what may not, the rule and what would unlock it.

use orderwire::{edge::keys::Role, http};
use serde_json::{Value, json};

use super::{Client, Site, company, order, ports};

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

#[tokio::test]
async fn what_a_guard_refuses_is_not_open() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let path = draft.is(201).header("location").to_owned();
    let open = async |path: &str, name: &str| action(&reseller, path, name).await["open"].clone();
    let submit = action(&reseller, &path, "submit").await;
    assert_eq!(submit["open"], false, "there is no stock");
    assert_eq!(
        (&submit["rules"][0]["pointer"], &submit["rules"][0]["line"]),
        (&json!("/lines/1/ask"), &json!(2)),
        "{submit:#}"
    );
    for line in [4, 3, 2, 1] {
        assert_eq!(open(&path, "remove_line").await, true);
        reseller.delete(&format!("{path}/lines/{line}")).await.is(200);
    }
    let submit = action(&reseller, &path, "submit").await;
    assert_eq!((&submit["open"], &submit["rules"][0]["code"]), (&json!(false), &json!("no_line")));
    for (name, is) in [("remove_line", false), ("change_line", false), ("add_line", true), ("discard", true)]
    {
        assert_eq!(open(&path, name).await, is, "{name}");
    }

    let port = ports::submitted(&site, &reseller, "PO-2", "020 7946 0123").await;
    let path = format!("/v1/port-requests/{port}");
    let heard = format!("/v1/operator/port-requests/{port}/messages");
    operator.post(&heard, &json!({ "message": "205-1", "kind": "lcp_accept" })).await.is(200);
    let acme = draft.text("company").to_owned();
    assert_eq!(open(&path, "allocate").await, true);
    reseller.post(&format!("{path}/allocation"), &json!({ "company": acme })).await.is(200);
    let allocate = action(&reseller, &path, "allocate").await;
    assert_eq!(
        (&allocate["open"], &allocate["rules"][0]["code"]),
        (&json!(false), &json!("port_allocated_before"))
    );
    assert_eq!(open(&path, "request_date").await, true);
    site.world.sleep_until("2026-06-17T07:30:00Z".parse().unwrap()).await;
    site.world.settle().await;
    assert_eq!(open(&path, "request_date").await, false, "it is past the cut-off");
    site.close().await;
}

#[tokio::test]
async fn an_action_names_the_operation_that_asks_for_it() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let acme = reseller.post("/v1/companies", &company("Acme")).await.text("service_reference").to_owned();
    let port = ports::submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let order = reseller.get("/v1/orders").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let document = serde_json::to_value(http::routes(&site.app).1).unwrap();
    let auditor = site.client(Role::Auditor, None).await;
    for path in
        [format!("/v1/orders/{order}"), format!("/v1/companies/{acme}"), format!("/v1/port-requests/{port}")]
    {
        for (client, role) in [(&reseller, "reseller"), (&operator, "operator"), (&auditor, "operator")] {
            let said = client.get(&format!("{path}/actions")).await;
            let actions = said.is(200).body["actions"].as_array().unwrap();
            assert!(actions.len() > 5, "{path} {role}");
            for action in actions {
                let (method, at) = (&action["operation"]["method"], &action["operation"]["path"]);
                let operation =
                    &document["paths"][at.as_str().unwrap()][method.as_str().unwrap().to_lowercase()];
                let roles = operation["x-roles"].as_array().unwrap_or_else(|| panic!("no {method} {at}"));
                assert!(roles.contains(&json!(role)), "{action:#} is not for a {role}");
            }
        }
    }
    site.close().await;
}

#[tokio::test]
async fn what_is_not_permitted_expects_what_the_caller_can_ask() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    ports::submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let order = reseller.get("/v1/orders").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let refused = reseller.post(&format!("/v1/orders/{order}/submission"), &json!({})).await;
    let refused = refused.problem(409, "not_permitted");
    let expected: Vec<&str> = refused.body["errors"][0]["expected"].as_str().unwrap().split(", ").collect();
    assert_eq!(json!(expected), refused.body["actions"], "{:#}", refused.body);
    assert!(
        expected.contains(&"request_cancellation") && !expected.contains(&"complete_line"),
        "{expected:?}"
    );
    site.close().await;
}
