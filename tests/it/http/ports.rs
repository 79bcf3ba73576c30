//! Ports over HTTP: from an order to numbers that work, and everything that can come between.

use chrono::{DateTime, Utc};
use orderwire::edge::keys::Role;
use serde_json::{Value, json};

use super::{Client, Said, Site, company, port_order};

/// Submits a port of one number, and waits until the losing provider was asked; its port request.
pub async fn submitted(site: &Site, client: &Client, reference: &str, number: &str) -> String {
    let draft = client.post("/v1/orders", &port_order(reference, number)).await;
    let path = draft.is(201).header("location").to_owned();
    client.post(&format!("{path}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    let found = client.get(&format!("/v1/port-requests?order={}", draft.text("id"))).await;
    let port = &found.is(200).body["items"][0];
    assert_eq!(port["status"], "awaiting_lcp");
    port["id"].as_str().unwrap().to_owned()
}

/// What an operator passes on.
async fn heard(operator: &Client, port: &str, message: &Value) -> Said {
    operator.post(&format!("/v1/operator/port-requests/{port}/messages"), message).await
}

fn accept(id: &str) -> Value {
    json!({ "message": id, "kind": "lcp_accept" })
}

async fn at(site: &Site, time: &str) {
    site.world.sleep_until(time.parse::<DateTime<Utc>>().unwrap()).await;
    site.world.settle().await;
}

async fn status(client: &Client, port: &str) -> String {
    client.get(&format!("/v1/port-requests/{port}")).await.is(200).text("status").to_owned()
}

#[tokio::test]
async fn a_port_goes_from_submit_to_ported_over_http_alone() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let acme = reseller.post("/v1/companies", &company("Acme")).await.text("service_reference").to_owned();
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let path = format!("/v1/port-requests/{port}");

    let accepted = heard(&operator, &port, &accept("205-1")).await;
    assert_eq!((accepted.is(200).text("outcome"), &accepted.body["why"]), ("applied", &Value::Null));
    assert_eq!(accepted.body["port_request"]["status"], "accepted");
    let position = accepted.header("orderwire-position");
    let waiting = format!("/v1/port-requests?state=accepted&unallocated=true&after_position={position}");
    assert_eq!(reseller.get(&waiting).await.is(200).body["items"][0]["id"], port.as_str());

    let allocated = reseller.post(&format!("{path}/allocation"), &json!({ "company": acme })).await;
    assert_eq!((allocated.is(200).text("company"), &allocated.body["allocated"]), (&*acme, &json!(true)));
    let position = allocated.header("orderwire-position");
    let waiting = format!("/v1/port-requests?state=accepted&unallocated=true&after_position={position}");
    assert_eq!(reseller.get(&waiting).await.is(200).body["items"], json!([]));

    at(&site, "2026-06-17T08:30:00Z").await;
    assert_eq!(status(&reseller, &port).await, "ready_to_activate");
    let activating = reseller.post(&format!("{path}/activation"), &json!({})).await;
    assert_eq!(activating.is(202).text("status"), "activating");
    let report = json!({ "message": "N-1", "kind": "network_report", "all_live": true });
    let ported = heard(&operator, &port, &report).await;
    assert_eq!(ported.is(200).body["port_request"]["status"], "ported");
    site.world.settle().await;
    let order = ported.body["port_request"]["order"].as_str().unwrap();
    let head = site.head().await;
    let order = reseller.get(&format!("/v1/orders/{order}?after_position={head}")).await;
    assert_eq!(order.is(200).text("status"), "completed");
    let timeline = ported.body["port_request"]["timeline"].to_string();
    assert!(timeline.contains("PortDrafted") && timeline.contains("PortCompleted"), "{timeline}");
    assert!(!ported.body.to_string().contains("EC1A"), "who passes messages on has no use for the postcode");
    site.close().await;
}

#[tokio::test]
async fn an_activation_that_cannot_be_says_what_is_missing_and_when_it_can() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let acme = reseller.post("/v1/companies", &company("Acme")).await.text("service_reference").to_owned();
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let activation = format!("/v1/port-requests/{port}/activation");
    let codes = |said: &Said| said.errors().into_iter().map(|(_, code)| code).collect::<Vec<_>>();

    let early = reseller.post(&activation, &json!({})).await;
    assert_eq!(codes(early.problem(409, "not_ready")), ["port_not_accepted"]);
    assert_eq!(early.text("state"), "awaiting_lcp");
    heard(&operator, &port, &accept("205-1")).await.is(200);
    let early = reseller.post(&activation, &json!({})).await;
    assert_eq!(codes(early.problem(409, "not_ready")), ["port_not_allocated", "port_window"]);
    let when = early.body["errors"][1]["expected"].as_str().unwrap();
    assert_eq!(when, "from 2026-06-17T08:00:00Z until before 2026-06-17T11:00:00Z");
    reseller.post(&format!("/v1/port-requests/{port}/allocation"), &json!({ "company": acme })).await.is(200);
    let early = reseller.post(&activation, &json!({})).await;
    assert_eq!(codes(early.problem(409, "not_ready")), ["port_window"]);
    at(&site, "2026-06-17T12:00:00Z").await;
    let late = reseller.post(&activation, &json!({})).await;
    assert_eq!(codes(late.problem(409, "not_ready")), ["port_lapsed"]);
    assert!(late.body["actions"].as_array().unwrap().contains(&json!("request_date")), "{:#}", late.body);
    site.close().await;
}

#[tokio::test]
async fn a_message_is_applied_once_and_what_crosses_is_noted() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let other = submitted(&site, &reseller, "PO-2", "020 7946 0124").await;
    heard(&operator, &port, &accept("205-1")).await.is(200);
    site.world.settle().await;
    let before = site.head().await;
    let again = heard(&operator, &port, &accept("205-1")).await;
    assert_eq!(again.is(200).text("outcome"), "known");
    assert_eq!(again.body["port_request"]["status"], "accepted");
    assert_eq!(site.head().await, before, "a message that is known leaves nothing");
    let elsewhere = heard(&operator, &other, &accept("205-1")).await;
    assert_eq!(elsewhere.problem(422, "refused").errors()[0].1, "message_known");

    let crossed = json!({ "message": "205-2", "kind": "reject", "reasons": ["postcode_mismatch"] });
    let ignored = heard(&operator, &port, &crossed).await;
    assert_eq!(
        (ignored.is(200).text("outcome"), &ignored.body["why"]["code"]),
        ("ignored", &json!("not_expected"))
    );
    assert_eq!(ignored.body["port_request"]["status"], "accepted");
    site.close().await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_says_everything_that_is_wrong() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let before = site.head().await;
    let cases = [
        (json!({ "kind": "shrug" }), vec![("/message", "field_missing"), ("/kind", "word_unknown")]),
        (
            json!({ "message": "1", "kind": "reject", "by": "network", "reasons": ["debt"] }),
            vec![("/by", "word_unknown"), ("/reasons/0", "word_unknown")],
        ),
        (json!({ "message": "1", "kind": "network_report" }), vec![("", "choice")]),
        (json!({ "message": "1", "kind": "rh_accept", "window": {} }), vec![("/window", "field_unknown")]),
        (json!({ "message": "1", "kind": "lcp_accept_as_complex" }), vec![("/window", "field_missing")]),
    ];
    for (message, expected) in cases {
        let wrong = heard(&operator, &port, &message).await;
        let found = wrong.problem(422, "refused").errors();
        let found: Vec<_> = found.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
        assert_eq!(found, expected, "{message}");
    }
    assert_eq!(site.head().await, before);
    heard(&reseller, &port, &accept("1")).await.problem(403, "forbidden");
    heard(&operator, "prt_01890a5d000070008000000000000009", &accept("1")).await.problem(404, "not_found");
    site.close().await;
}

#[tokio::test]
async fn a_rejected_port_is_presented_again_with_what_was_wrong_put_right() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let path = format!("/v1/port-requests/{port}");
    let reject = json!({ "message": "205-1", "kind": "reject", "reasons": ["postcode_mismatch"] });
    let rejected = heard(&operator, &port, &reject).await.is(200).body["port_request"].clone();
    assert_eq!(
        (&rejected["status"], &rejected["rejection"]["reasons"][0]["must_act"]),
        (&json!("rejected"), &json!("reseller"))
    );
    let nothing = reseller.post(&format!("{path}/re-presentation"), &json!({})).await;
    assert_eq!(nothing.problem(422, "refused").errors()[0].1, "port_nothing_changed");
    let soon = json!({ "window": { "date": "2026-06-02", "from": "09:00", "to": "12:00" } });
    let soon = reseller.post(&format!("{path}/re-presentation"), &soon).await;
    assert_eq!(soon.problem(422, "refused").errors(), [("/window".into(), "port_window_too_early".into())]);
    // A day on which nobody works, and too early besides: both name the same first day.
    let sunday = json!({ "window": { "date": "2026-05-31", "from": "09:00", "to": "12:00" } });
    let sunday = reseller.post(&format!("{path}/re-presentation"), &sunday).await;
    let days: Vec<&str> = sunday.problem(422, "refused").body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["expected"].as_str().unwrap())
        .map(|text| &text[text.find("2026-").unwrap()..][..10])
        .collect();
    assert_eq!((days.len(), days[0]), (2, days[1]), "{:#}", sunday.body);
    let changes = json!({ "postcode": "EC1A 1BD", "account": "AC-2" });
    let again = reseller.post(&format!("{path}/re-presentation"), &changes).await;
    assert_eq!((again.is(202).text("status"), &again.body["attempt"]), ("awaiting_lcp", &json!(2)));
    site.close().await;
}

#[tokio::test]
async fn a_date_is_asked_for_proposed_agreed_and_refused() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let path = format!("/v1/port-requests/{port}");
    let later = json!({ "window": { "date": "2026-07-17", "from": "09:00", "to": "12:00" } });
    reseller.post(&format!("{path}/date"), &later).await.problem(409, "not_permitted");
    reseller.post(&format!("{path}/date/agreement"), &json!({})).await.problem(409, "not_permitted");
    let proposal = json!({ "message": "205-1", "kind": "lcp_accept_as_complex",
        "window": { "date": "2026-07-15", "from": "09:00", "to": "12:00" } });
    let proposed = heard(&operator, &port, &proposal).await;
    assert_eq!(proposed.is(200).body["port_request"]["other_window"]["date"], "2026-07-15");
    let agreed = reseller.post(&format!("{path}/date/agreement"), &json!({})).await;
    assert_eq!(
        (agreed.is(200).text("status"), &agreed.body["window"]["date"]),
        ("accepted", &json!("2026-07-15"))
    );

    let asked = reseller.post(&format!("{path}/date"), &later).await;
    assert_eq!(asked.is(202).text("status"), "date_change_pending");
    let refused = heard(&operator, &port, &json!({ "message": "205-2", "kind": "refuse_date_change" })).await;
    let kept = &refused.is(200).body["port_request"];
    assert_eq!((&kept["status"], &kept["window"]["date"]), (&json!("accepted"), &json!("2026-07-15")));
    reseller.post(&format!("{path}/date"), &later).await.is(202);
    let accepted =
        heard(&operator, &port, &json!({ "message": "205-3", "kind": "accept_date_change" })).await;
    assert_eq!(accepted.is(200).body["port_request"]["window"]["date"], "2026-07-17");

    let cancelled = reseller.post(&format!("{path}/cancellation"), &json!({})).await;
    assert_eq!(cancelled.is(200).text("status"), "cancelled");
    reseller.post(&format!("{path}/cancellation"), &json!({})).await.problem(409, "not_permitted");
    let closed = reseller.get(&format!("{path}/actions")).await;
    let actions = closed.is(200).body["actions"].as_array().unwrap();
    assert!(actions.iter().all(|action| action["open"] == json!(false)), "{:#}", closed.body);

    let second = submitted(&site, &reseller, "PO-2", "020 7946 0124").await;
    let proposal = json!({ "message": "205-4", "kind": "lcp_accept_as_complex",
        "window": { "date": "2026-07-15", "from": "09:00", "to": "12:00" } });
    heard(&operator, &second, &proposal).await.is(200);
    let refused = reseller.post(&format!("/v1/port-requests/{second}/date/refusal"), &json!({})).await;
    assert_eq!(refused.is(200).text("status"), "cancelled");
    site.close().await;
}

#[tokio::test]
async fn numbers_are_allocated_to_a_company_of_the_same_reseller_once() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let (_, other) = site.reseller(2).await;
    let operator = site.operator().await;
    let acme = reseller.post("/v1/companies", &company("Acme")).await.text("service_reference").to_owned();
    let theirs = other.post("/v1/companies", &company("Bolt")).await.text("service_reference").to_owned();
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let allocation = format!("/v1/port-requests/{port}/allocation");
    let early = reseller.post(&allocation, &json!({ "company": acme })).await;
    early.problem(409, "not_permitted");
    heard(&operator, &port, &accept("205-1")).await.is(200);
    reseller.post(&allocation, &json!({ "company": theirs })).await.problem(404, "not_found");
    operator.post(&allocation, &json!({ "company": theirs })).await.problem(404, "not_found");
    let wrong = reseller.post(&allocation, &json!({ "company": "Acme" })).await;
    assert_eq!(wrong.is(422).errors()[0].0, "/company");
    reseller.post(&allocation, &json!({ "company": acme })).await.is(200);
    let twice = reseller.post(&allocation, &json!({ "company": acme })).await;
    assert_eq!(twice.problem(422, "refused").errors()[0].1, "port_allocated_before");
    site.close().await;
}

#[tokio::test]
async fn lists_of_ports_refuse_what_is_no_filter() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    for (query, code) in [
        ("state=gone", "word_unknown"),
        ("unallocated=perhaps", "word_unknown"),
        ("order=12", "id_invalid"),
        ("status=accepted", "parameter_unknown"),
    ] {
        let wrong = reseller.get(&format!("/v1/port-requests?{query}")).await;
        let errors = wrong.problem(422, "invalid").errors();
        assert!(query.starts_with(&errors[0].0), "{errors:?}");
        assert_eq!(errors[0].1, code, "{query}");
    }
    site.close().await;
}

#[tokio::test]
async fn numbers_that_do_not_work_are_tried_again_or_given_back() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let operator = site.operator().await;
    let acme = reseller.post("/v1/companies", &company("Acme")).await.text("service_reference").to_owned();
    let import = json!({
        "kind": "multi_line", "reference": "PO-1", "company": { "service_reference": acme },
        "main_number": "020 7946 0123", "associated": ["020 7946 0130-0132"], "losing_provider": "205",
        "range_holder": "206", "postcode": "EC1A 1BB", "account": "AC-55871", "signatory": "Rosalind Finch",
        "window": { "date": "2026-06-24", "from": "09:00", "to": "12:00" },
    });
    let draft = reseller.post("/v1/import-orders", &import).await;
    let order = draft.is(201).header("location").to_owned();
    reseller.post(&format!("{order}/submission"), &json!({})).await.is(202);
    site.world.settle().await;
    let found = reseller.get(&format!("/v1/port-requests?order={}", draft.text("id"))).await;
    let port = found.is(200).body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/port-requests/{port}");

    let accepted = heard(&operator, &port, &accept("205-1")).await;
    assert_eq!(
        accepted.is(200).body["port_request"]["status"],
        "awaiting_rh",
        "a subsequent port needs both"
    );
    let accepted = heard(&operator, &port, &json!({ "message": "206-1", "kind": "rh_accept" })).await;
    assert_eq!(accepted.is(200).body["port_request"]["status"], "accepted");
    site.world.settle().await;
    let shown = reseller.get(&format!("{path}?after_position={}", site.head().await)).await;
    assert_eq!(shown.is(200).body["allocated"], true, "its order names the company");
    at(&site, "2026-06-24T08:30:00Z").await;
    reseller.post(&format!("{path}/activation"), &json!({})).await.is(202);
    let strange = json!({ "message": "N-1", "kind": "network_report", "live": ["020 7946 0999"] });
    let request = format!("/v1/operator/port-requests/{port}/messages");
    for _ in 0..2 {
        let request = operator.request(reqwest::Method::POST, &request).header("Idempotency-Key", "n1");
        let ignored = super::said(super::with_json(request, &strange)).await;
        assert_eq!(ignored.is(200).body["why"]["code"], "unknown_numbers", "a retry is answered the same");
    }
    let some =
        json!({ "message": "N-2", "kind": "network_report", "live": ["020 7946 0123", "020 7946 0130"] });
    let partly = heard(&operator, &port, &some).await;
    let shown = &partly.is(200).body["port_request"];
    assert_eq!((&shown["status"], &shown["live"]), (&json!("partially_ported"), &json!(2)));
    assert_eq!(
        reseller.post(&format!("{path}/retry"), &json!({})).await.is(202).text("status"),
        "activating"
    );
    let some = json!({ "message": "N-3", "kind": "network_report", "live": ["020 7946 0123", "020 7946 0130-0131"] });
    heard(&operator, &port, &some).await.is(200);
    let returned = reseller.post(&format!("{path}/return"), &json!({})).await;
    assert_eq!((returned.is(200).text("status"), &returned.body["live"]), ("ported", &json!(3)));
    let details = &returned.body["details"];
    assert_eq!(details["numbers"], json!(["+442079460123", "+442079460130-+442079460132"]));
    assert_eq!(details["live"], json!(["+442079460123", "+442079460130-+442079460131"]));
    assert_eq!((&details["returned"], &details["kept"]), (&json!(["+442079460132"]), &json!([])));
    site.world.settle().await;
    reseller.delete(&format!("/v1/companies/{acme}/numbers/+442079460131")).await.is(200);
    let shown = reseller.get(&format!("{path}?after_position={}", site.head().await)).await;
    let details = &shown.is(200).body["details"];
    assert_eq!((&details["kept"], &shown.body["live"]), (&json!(["+442079460131"]), &json!(2)));
    assert_eq!(details["live"], json!(["+442079460123", "+442079460130"]));
    assert_eq!(details["returned"], json!(["+442079460132"]));
    let told = json!({ "postcode": "EC1A 1BB", "account": "AC-55871", "signatory": "Rosalind Finch" });
    for (name, value) in told.as_object().unwrap() {
        assert_eq!(&details[name], value);
    }
    reseller.post(&format!("{path}/retry"), &json!({})).await.problem(409, "not_permitted");
    let late = reseller.post(&format!("{path}/activation"), &json!({})).await;
    assert_eq!(late.problem(409, "not_ready").errors()[0].1, "port_nothing_to_activate");
    let restore = json!({ "message": "205-9", "kind": "restore", "by": "lcp" });
    let restored = heard(&operator, &port, &restore).await;
    assert_eq!(restored.is(200).body["port_request"]["status"], "restored");
    let restored = reseller.get(&format!("{path}?after_position={}", site.head().await)).await;
    let details = &restored.is(200).body["details"];
    assert_eq!((&details["live"], &details["returned"]), (&json!([]), &details["numbers"]));
    let withdraw = json!({ "message": "205-10", "kind": "lcp_withdraw", "reason": "the customer called" });
    let ended = heard(&operator, &port, &withdraw).await;
    assert_eq!(ended.is(200).body["why"]["code"], "ended");
    site.close().await;
}

#[tokio::test]
async fn what_a_port_says_of_people_is_not_shown_to_who_checks() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let port = submitted(&site, &reseller, "PO-1", "020 7946 0123").await;
    let path = format!("/v1/port-requests/{port}");
    let own = reseller.get(&path).await.is(200).body["details"].clone();
    assert_eq!((&own["account"], &own["signatory"]), (&json!("AC-55871"), &json!("Rosalind Finch")));
    let auditor = site.client(Role::Auditor, None).await;
    let sealed = auditor.get(&path).await.is(200).body["details"].clone();
    assert_eq!((&sealed["account"], &sealed["signatory"]), (&json!("sealed"), &json!("sealed")));
    assert_eq!(sealed["numbers"], own["numbers"]);
    site.close().await;
}
