//! What may be asked of something now; and for what may not, the rule and what would unlock it.

use orderwire::{edge::keys::Role, http};
use serde_json::{Value, json};

use super::{Client, Said, Site, company, order, port_order, ports};

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
    assert_eq!(
        (&early["open"], events(&early)),
        (&json!(false), vec!["PortAllocated"]),
        "a company is missing"
    );
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
    let hook = reseller.post("/v1/webhooks", &json!({ "url": "https://hooks.example/" })).await;
    let hook = hook.is(201).header("location").to_owned();
    for (path, at_least) in [
        (format!("/v1/orders/{order}"), 5),
        (format!("/v1/companies/{acme}"), 5),
        (format!("/v1/port-requests/{port}"), 5),
        (hook, 1),
    ] {
        for (client, role) in [(&reseller, "reseller"), (&operator, "operator"), (&auditor, "operator")] {
            let said = client.get(&format!("{path}/actions")).await;
            let actions = said.is(200).body["actions"].as_array().unwrap();
            assert!(actions.len() > at_least, "{path} {role}");
            for action in actions {
                let (method, at) = (&action["operation"]["method"], &action["operation"]["path"]);
                let operation =
                    &document["paths"][at.as_str().unwrap()][method.as_str().unwrap().to_lowercase()];
                let roles = operation["x-roles"].as_array().unwrap_or_else(|| panic!("no {method} {at}"));
                assert!(roles.contains(&json!(role)), "{action:#} is not for a {role}");
                let steps = action["unlock"].as_array().into_iter().flatten();
                let asked = steps.map(|step| &step["operation"]).chain([&action["operation"]]);
                for asked in asked.filter(|asked| !asked.is_null()) {
                    let (method, at) = (asked["method"].as_str().unwrap(), asked["path"].as_str().unwrap());
                    let there = &document["paths"][at][method.to_lowercase()]["operationId"];
                    assert_eq!(there, &asked["operation_id"], "{asked:#}");
                }
            }
        }
    }
    site.close().await;
}

/// What a problem says can be asked, and what the list of actions says.
async fn both(client: &Client, path: &str, problem: &Said) -> (Value, Value) {
    let said = client.get(&format!("{path}/actions")).await;
    let actions = said.is(200).body["actions"].as_array().unwrap().clone();
    let open = actions.iter().filter(|it| it["open"] == true);
    let mut open: Vec<&str> = open.map(|it| it["action"].as_str().unwrap()).collect();
    open.dedup();
    (problem.body["actions"].clone(), json!(open))
}

#[tokio::test]
async fn a_problem_and_the_list_of_actions_say_the_same() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let order = draft.is(201).header("location").to_owned();
    let early = reseller.post(&format!("{order}/cancellation"), &json!({ "reason": "too late" })).await;
    let (told, listed) = both(&reseller, &order, early.problem(409, "not_permitted")).await;
    assert_eq!(told, listed);
    assert!(!told.to_string().contains("submit"), "there is no stock: {told}");

    // Twice, and no more.
    let acme = format!("/v1/companies/{}", draft.text("company"));
    for _ in 0..2 {
        reseller.post(&format!("{acme}/qualification"), &json!({})).await.is(200);
    }
    let why = json!({ "reason": "credit control" });
    let suspended = operator.post(&format!("/v1/operator{}/suspension", &acme[3..]), &why).await;
    let (told, listed) = both(&operator, &acme, suspended.problem(409, "not_permitted")).await;
    assert_eq!(told, listed);
    assert!(!told.to_string().contains("extend_qualification"), "{told}");

    let port = ports::submitted(&site, &reseller, "PO-2", "020 7946 0123").await;
    let port = format!("/v1/port-requests/{port}");
    let heard = json!({ "message": "205-1", "kind": "lcp_accept" });
    operator.post(&format!("/v1/operator{}/messages", &port[3..]), &heard).await.is(200);
    reseller.post(&format!("{port}/allocation"), &json!({ "company": draft.text("company") })).await.is(200);
    let early = reseller.post(&format!("{port}/activation"), &json!({})).await;
    let (told, listed) = both(&reseller, &port, early.problem(409, "not_ready")).await;
    assert_eq!(told, listed);
    assert!(!told.to_string().contains("allocate"), "it has a company: {told}");

    let hook = reseller.post("/v1/webhooks", &json!({ "url": "https://hooks.example/" })).await;
    let hook = hook.is(201).header("location").to_owned();
    reseller.post(&format!("{hook}/pause"), &json!(null)).await.is(200);
    let again = reseller.post(&format!("{hook}/pause"), &json!(null)).await;
    let (told, listed) = both(&reseller, &hook, again.problem(409, "not_permitted")).await;
    assert_eq!((&told, told.to_string().contains("resume_deliveries")), (&listed, true));
    site.close().await;
}

/// Who takes the steps to an action, and by which operation.
fn steps(action: &Value) -> Vec<(&str, Option<&str>)> {
    let steps = action["unlock"].as_array().unwrap_or_else(|| panic!("it never can be: {action:#}"));
    let step = |it: &'_ Value| (it["by"].as_str().unwrap().to_owned(), it["operation"].clone());
    assert!(steps.iter().map(step).all(|(by, _)| !by.is_empty()));
    steps.iter().map(|it| (it["by"].as_str().unwrap(), it["operation"]["operation_id"].as_str())).collect()
}

#[tokio::test]
async fn each_step_says_who_takes_it_and_by_which_operation() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let mut subsequent = port_order("PO-1", "020 7946 0123");
    subsequent["lines"][0]["range_holder"] = json!("206");
    let draft = reseller.post("/v1/orders", &subsequent).await;
    let order = draft.is(201).header("location").to_owned();
    let activate = action(&reseller, &order, "provide_information").await;
    assert_eq!(
        steps(&activate),
        [
            ("reseller", Some("submit_order")),
            ("operator", Some("acknowledge_order")),
            ("operator", Some("require_information"))
        ]
    );
    reseller.post(&format!("{order}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    let found = reseller.get("/v1/port-requests").await.is(200).body["items"][0]["id"].clone();
    let port = format!("/v1/port-requests/{}", found.as_str().unwrap());
    let activate = action(&reseller, &port, "activate").await;
    assert_eq!(events(&activate), ["LcpAccepted", "RhAccepted", "WindowOpened"], "both must accept");
    let heard = Some("hear_port_message");
    assert_eq!(steps(&activate), [("losing_provider", heard), ("range_holder", heard), ("time", None)]);

    let hook = reseller.post("/v1/webhooks", &json!({ "url": "https://hooks.example/" })).await;
    let resume = action(&reseller, hook.is(201).header("location"), "resume_deliveries").await;
    assert_eq!(steps(&resume), [("reseller", Some("pause_webhook"))]);
    site.close().await;
}

#[tokio::test]
async fn whoever_is_suspended_is_told_who_ends_that() {
    let site = Site::manual().await;
    site.world.leeds().await;
    let (id, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let order = draft.is(201).header("location").to_owned();
    let acme = format!("/v1/companies/{}", draft.text("company"));
    assert_eq!(action(&reseller, &order, "submit").await["open"], true);
    let suspension = format!("/v1/operator/resellers/{id}/suspension");
    operator.post(&suspension, &json!({ "reason": "credit control" })).await.is(200);
    for (path, name) in [(&order, "submit"), (&acme, "reserve_numbers")] {
        let refused = action(&reseller, path, name).await;
        assert_eq!(refused["rules"][0]["code"], "reseller_not_active", "{refused:#}");
        assert_eq!(
            (refused["open"].clone(), steps(&refused)),
            (json!(false), vec![("operator", Some("resume_reseller"))])
        );
        assert_eq!(refused["unlock"][0]["operation"]["path"], "/v1/operator/resellers/{id}/suspension");
    }
    operator.delete(&suspension).await.is(200);
    assert_eq!(action(&reseller, &order, "submit").await["open"], true);
    site.close().await;
}

#[tokio::test]
async fn what_is_left_of_a_company_is_expected_to_go_before_it_ceases() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    reseller.post(&format!("{}/submission", draft.is(201).header("location")), &json!({})).await.is(202);
    site.world.settle().await;
    let acme = format!("/v1/companies/{}", draft.text("company"));
    let cease = action(&reseller, &acme, "cease").await;
    let rules = cease["rules"].as_array().unwrap();
    let codes: Vec<&str> = rules.iter().map(|rule| rule["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["assets_left", "numbers_left"]);
    for rule in rules {
        assert!(rule["expected"].as_str().is_some_and(|text| text.starts_with("no ")), "{rule:#}");
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
