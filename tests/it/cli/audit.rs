//! The auditor's commands, as an auditor runs them.

use orderwire::domain::rules::Rules;
use serde_json::{Value, json};

use super::{Desk, new_company, single_line_port, working_day};

/// A store with an order that is half done.
fn desk() -> Desk {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["orders", "submit", "order.json"]);
    desk.done(&[
        "--actor",
        "alice",
        "orders",
        "hold-line",
        "PO-1",
        "3",
        "--reason",
        "the lift is out of order",
    ]);
    desk
}

#[test]
fn a_history_reads_as_a_timeline() {
    let desk = desk();
    let text = desk.done(&["history", "PO-1"]);
    for shown in [
        "order ord_",
        "order.submit by operator, rules r1-",
        "caused by ",
        "OrderAcknowledged",
        "reason=the lift",
        "by alice",
        "draft_untouched_days: at=",
        "correlation ",
    ] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    let steps = desk.json(&["history", "PO-1"]);
    let acknowledged =
        steps.as_array().unwrap().iter().find(|it| it["event"] == "OrderAcknowledged").unwrap();
    assert_eq!(acknowledged["caused_by"]["event"], "OrderSubmitted");
    assert_eq!(acknowledged["correlation"], acknowledged["correlation"].as_str().unwrap());
    assert_eq!(steps[0]["decided_by"][0]["rule"], "draft_untouched_days");
}

#[test]
fn an_order_is_shown_as_it_was_and_compared_with_what_it_became() {
    let desk = desk();
    let steps = desk.json(&["history", "PO-1"]);
    let position = |event: &str| {
        let found = steps.as_array().unwrap().iter().find(|it| it["event"] == event).unwrap();
        found["position"].to_string()
    };
    let (created, held) = (position("OrderCreated"), position("LineHeld"));
    let was = desk.json(&["replay", "PO-1", "--as-of", &position("OrderSubmitted")]);
    assert_eq!(
        (&was["status"], &was["document"]["lines"]["3"]["status"]),
        (&json!("submitted"), &json!("waiting"))
    );
    assert_eq!(was["document"]["lines"]["4"]["asks"]["first_name"], "Ada");
    let is = desk.json(&["replay", "PO-1"]);
    assert_eq!(
        (&is["status"], &is["document"]["lines"]["3"]["status"]),
        (&json!("in_progress"), &json!("held"))
    );
    let text = desk.done(&["replay", "PO-1", "--as-of", &held]);
    assert!(
        text.contains("in_progress") && text.contains("lines\n  1  ") && text.contains("held_for=the lift"),
        "{text}"
    );
    let recorded_at = is["recorded_at"].as_str().unwrap();
    assert_eq!(desk.json(&["replay", "PO-1", "--as-of", recorded_at])["position"], is["position"]);

    let found = desk.json(&["diff", "PO-1", &created, &held]);
    let change = found[0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["path"] == "/lines/3/status")
        .unwrap()
        .clone();
    assert_eq!(
        (&change["old"], &change["new"], &change["actor"]),
        (&Value::Null, &json!("held"), &json!("alice"))
    );
    assert!(desk.done(&["diff", "PO-1", &created, &held]).contains("LineHeld"));

    desk.refused(3, &["replay", "PO-1", "--as-of", "1"], &["not_yet", &created]);
    desk.refused(3, &["replay", "PO-1", "--as-of", "99999"], &["position_beyond_log"]);
    desk.refused(3, &["replay", "PO-1", "--as-of", "2100-01-01"], &["time_to_come"]);
    desk.refused(
        2,
        &["replay", "PO-1", "--as-of", "yesterday"],
        &["--as-of", "neither a position nor a time"],
    );
    desk.refused(3, &["replay", "PO-9"], &["not_found"]);
    desk.refused(2, &["replay"], &["ID", "--rules"]);
    desk.refused(3, &["diff", "PO-1", &held, &created], &["moments_swapped"]);
}

#[test]
fn a_run_of_a_command_is_traced_by_its_correlation_its_positions_and_its_order() {
    let desk = desk();
    let steps = desk.json(&["history", "PO-1"]);
    let submitted =
        steps.as_array().unwrap().iter().find(|it| it["event"] == "OrderSubmitted").unwrap().clone();
    let by_order = desk.done(&["trace", "PO-1"]);
    assert!(by_order.contains("order.submit by operator") && by_order.contains("└─ "), "{by_order}");
    assert!(by_order.contains("order.acknowledge by engine:fulfilment"), "{by_order}");
    assert_eq!(desk.done(&["trace", &submitted["position"].to_string()]), by_order);
    let tree = desk.json(&["trace", submitted["correlation"].as_str().unwrap()]);
    let roots: Vec<&Value> = tree["roots"].as_array().unwrap().iter().map(|it| &it["command"]).collect();
    assert_eq!(roots, ["company.qualify", "order.create", "order.submit"], "one run asks for all three");
    desk.refused(3, &["trace", "nobody"], &["correlation_unknown", "nobody"]);
    desk.refused(2, &["--as", "R100", "trace", "PO-1"], &["--as"]);
}

#[test]
fn what_cannot_be_asked_says_why_since_when_and_what_unlocks_it() {
    let desk = desk();
    let text = desk.done(&["why-not", "PO-1", "discard"]);
    for shown in [
        "in_progress",
        "LineStarted by engine:fulfilment",
        "it would be refused",
        "because\n",
        "nothing unlocks it",
    ] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    assert!(desk.done(&["why-not", "PO-1", "hold"]).contains("nothing speaks against it"));
    let resume = desk.json(&["why-not", "PO-1", "resume"]);
    assert_eq!((&resume["allowed"], &resume["unlock"][0]["action"]), (&json!(false), &json!("hold")));
    desk.refused(3, &["why-not", "PO-1", "launch"], &["command_unknown", "request_cancellation"]);
}

#[test]
fn orders_are_counted_and_drawn() {
    let desk = desk();
    let text = desk.done(&["stats", "--svg", "orders.svg"]);
    assert!(text.contains("in progress") && text.contains("MEDIAN"), "{text}");
    let picture = std::fs::read_to_string(desk.path("orders.svg")).unwrap();
    assert!(
        picture.contains("<title id=\"title\">Orders by state</title>") && picture.contains("in progress")
    );
    let csv = desk.done(&["--format", "csv", "stats", "--series"]);
    assert_eq!(csv.lines().count(), 62, "{csv}");
    assert!(csv.starts_with("acknowledged,at,") || csv.starts_with("at,"), "{csv}");
    assert_eq!(desk.json(&["stats"])["orders"], 1);
    desk.refused(2, &["stats", "--from", "12"], &["--from", "position"]);
    desk.refused(2, &["stats", "--svg", "orders.svg"], &["--svg", "orders.svg"]);
    desk.refused(2, &["stats", "--svg", "nowhere/orders.svg"], &["--svg", "nowhere"]);
}

#[test]
fn other_rules_list_the_orders_that_depended_on_them() {
    let desk = Desk::ready();
    desk.write("port.json", single_line_port(working_day(6)).to_string());
    desk.done(&["orders", "submit", "port.json"]);
    let order = desk.json(&["orders", "list"])[0]["order"].as_str().unwrap().to_owned();
    let in_force: Value = serde_json::from_str(&desk.done(&["rules", "show"])).unwrap();
    assert_eq!(in_force, serde_json::from_str::<Value>(&Rules::bundled().to_json()).unwrap());
    desk.write("same.json", in_force.to_string());
    assert_eq!(desk.json(&["replay", "--rules", "same.json"])[0]["different"], 0);

    let mut longer = json!({ "lead_times": in_force["lead_times"] });
    longer["lead_times"][0]["rows"][0]["provide"] = json!(30);
    desk.write("longer.json", longer.to_string());
    let text = desk.done(&["replay", "--rules", "longer.json"]);
    assert!(
        text.contains(&order) && text.contains("refused: ") && text.contains("port_window_too_early"),
        "{text}"
    );
    let found = desk.json(&["replay", "--rules", "longer.json"]);
    assert_eq!((&found[0]["different"], &found[0]["differences"][0]["order"]), (&json!(1), &json!(order)));
    let difference = &found[0]["differences"][0];
    assert_eq!(difference["refused"][0]["code"], "port_window_too_early", "as over HTTP: {difference}");
    assert_eq!((&difference["values"], &difference["too_late"]), (&json!([]), &json!(false)));
    desk.write("wrong.json", r#"{"limits":{"reservation_days":0}}"#);
    desk.refused(2, &["replay", "--rules", "wrong.json"], &["wrong.json", "limit_zero", "/limits/"]);
    for ignored in [
        &["replay", "PO-1", "--from", "1"][..],
        &["replay", "PO-1", "--to", "1"],
        &["replay", "--rules", "longer.json", "--as-of", "1"],
        &["replay", "PO-1", "--rules", "longer.json"],
    ] {
        desk.refused(2, ignored, &["cannot be used with"]);
    }
    desk.refused(2, &["replay", "--rules", "nowhere.json"], &["nowhere.json"]);
}

#[test]
fn an_export_is_written_resumed_and_checked_without_the_store() {
    let desk = desk();
    let key = desk.json(&["keys", "checkpoint", "create", "orders.example/log"])["key"].clone();
    let key = key.as_str().unwrap();
    let done = desk.json(&["export", "-o", "out", "--part-events", "20"]);
    assert_eq!((&done["complete"], &done["events"]), (&json!(true), &done["log"]["size"]));
    assert!(done["parts"].as_array().unwrap().len() > 1 && done["log"]["checkpoint"].is_string());
    let elsewhere = ["--store", "nowhere.db", "export", "verify", "out", "--key", key];
    let checked = desk.json(&elsewhere);
    assert_eq!(
        (&checked["is_whole_log"], &checked["signed_by"]),
        (&json!(true), &json!("orders.example/log"))
    );
    desk.refused(2, &["export", "-o", "out"], &["out is not empty", "--resume"]);
    desk.done(&["export", "-o", "out", "--resume"]);
    desk.refused(2, &["export", "-o", "out", "--resume", "--order", "PO-1"], &["another filter"]);
    desk.refused(2, &["export", "-o", "none", "--resume"], &["none", "manifest.json"]);
    desk.refused(2, &["export", "--encoding", "xml", "-o", "x"], &["expected jsonl, csv or cloudevents"]);
    desk.refused(2, &["export"], &["--output"]);
    let file = desk.path("out/part-000002.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("ciphertext") && !text.contains("the lift"), "what is sealed stays sealed");
    std::fs::write(&file, text.replacen(r#""actor":""#, r#""actor":"x"#, 1)).unwrap();
    desk.refused(
        7,
        &["export", "verify", "out"],
        &["out, part-000002.jsonl, line", "not what its leaf was made of"],
    );
    std::fs::write(&file, text.replacen('\n', &" ".repeat(17 << 20), 1)).unwrap();
    desk.refused(
        7,
        &["export", "verify", "out"],
        &["part-000002.jsonl, line 1", "longer than 16777216 bytes"],
    );
    desk.refused(2, &["export", "verify", "lost"], &["lost/manifest.json"]);

    let own = desk.json(&["export", "-o", "own", "--reseller", "R100"]);
    assert!(own["events"].as_u64() < done["events"].as_u64() && own["events"].as_u64() > Some(2), "{own}");
    let order = desk.json(&["orders", "list"])[0]["order"].clone();
    for (encoding, file) in [("csv", "part-000001.csv"), ("cloudevents", "part-000001.jsonl")] {
        let folder = format!("of-{encoding}");
        let asked =
            ["export", "-o", &folder, "--encoding", encoding, "--order", "PO-1", "--type", "OrderSubmitted"];
        assert_eq!(desk.json(&asked)["events"], 1);
        let text = std::fs::read_to_string(desk.path(&format!("{folder}/{file}"))).unwrap();
        assert!(text.contains(order.as_str().unwrap()), "{text}");
        assert!(encoding == "csv" || text.contains(r#""type":"com.orderwire.log.OrderSubmitted""#), "{text}");
        assert_eq!(desk.json(&["export", "verify", &folder])["is_whole_log"], false);
        let long = text.replacen("com.orderwire", &"x".repeat(17 << 20), 1);
        let long = if encoding == "csv" {
            text.replacen(r#""{"#, &format!(r#""{}"#, "x".repeat(17 << 20)), 1)
        } else {
            long
        };
        std::fs::write(desk.path(&format!("{folder}/{file}")), long).unwrap();
        desk.refused(7, &["export", "verify", &folder], &[file, "longer than 16777216 bytes"]);
    }
}

#[test]
fn whoever_reads_the_audit_is_seen_to_have_done_so() {
    let desk = desk();
    let before = desk.head();
    desk.done(&["--actor", "carol", "history", "PO-1"]);
    desk.done(&["--actor", "carol", "prove", "1"]);
    desk.done(&["--actor", "dave", "export", "-o", "out", "--type", "OrderCreated"]);
    desk.done(&["orders", "list"]);
    let reads = desk.json(&["audit", "reads"]);
    let told: Vec<(&str, &str)> = reads
        .as_array()
        .unwrap()
        .iter()
        .map(|read| (read["actor"].as_str().unwrap(), read["what"].as_str().unwrap()))
        .take(4)
        .collect();
    assert_eq!(told[0], ("operator", "audit reads"));
    assert!(
        told[1].0 == "dave"
            && told[1].1.starts_with("export -o out ")
            && told[1].1.ends_with("--type OrderCreated")
    );
    assert_eq!(told[2..], [("carol", "prove 1"), ("carol", "history PO-1")]);
    assert_eq!((&reads[1]["position"], &reads[1]["via"]), (&json!(before), &json!("command_line")));
    let of = desk.json(&["audit", "reads", "--of", "carol", "--limit", "1"]);
    assert_eq!((of.as_array().unwrap().len(), &of[0]["what"]), (1, &json!("prove 1")));
    desk.refused(2, &["--as", "R100", "audit", "reads"], &["the carrier's"]);
    assert_eq!(desk.head(), before, "to read is no event");
}

#[test]
fn duckdb_answers_every_question_of_the_document_about_an_export() {
    let desk = desk();
    desk.done(&["export", "-o", "out"]);
    desk.done(&["export", "-o", "csv", "--encoding", "csv"]);
    let part = std::fs::read_to_string(desk.path("out/part-000001.jsonl")).unwrap();
    desk.write("stream.jsonl", part + "{\"end\":{\"events\":1}}\n");
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/query-export");
    let ran = std::process::Command::new(script).arg(desk.path("")).output().unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert!(ran.status.success(), "{err}");
    let answers: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [types, actors, days, rejected, streamed] = answers.as_slice() else { panic!("{out}") };
    let head = desk.head();
    let sum: i64 = types.as_array().unwrap().iter().map(|row| row[1].as_i64().unwrap()).sum();
    assert_eq!(json!(sum), json!(head), "{types}");
    assert!(actors.as_array().unwrap().iter().any(|row| row[0] == "alice" && row[1] == 1), "{actors}");
    assert_eq!((days, rejected), (&json!([]), &json!([])), "nothing is done, and nothing was rejected");
    assert_eq!(streamed, &json!([[head]]), "the end is no event");
}
