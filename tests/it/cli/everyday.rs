//! What an operator does all day.

use std::{collections::BTreeSet, fs};

use orderwire::{
    domain::joint::Command,
    edge::open::{OpenOptions, open_engine},
    engine::{Actor, Engine, Provenance},
};

use super::{Desk, golden, new_company, single_line_port, working_day};

#[test]
fn help_says_what_there_is() {
    let desk = Desk::empty();
    for name in [
        "",
        "stock",
        "resellers",
        "orders",
        "port-requests",
        "companies",
        "numbers",
        "addresses",
        "numbering",
        "rules",
        "history",
        "replay",
        "diff",
        "trace",
        "why-not",
        "stats",
        "refusals",
        "log",
        "config",
        "completions",
        "man",
    ] {
        let arguments: Vec<&str> = [name, "--help"].into_iter().filter(|it| !it.is_empty()).collect();
        let file = if name.is_empty() { "help.txt".to_owned() } else { format!("help-{name}.txt") };
        golden(&file, &desk.done(&arguments));
    }
}

#[test]
fn stock_is_loaded_from_arguments_and_from_a_file() {
    let desk = Desk::ready();
    desk.write(
        "stock.csv",
        "range,place,range_holder\n020 7946 0000-0999,London,002\n\"0114 496 0000-0099\",Sheffield,001\n",
    );
    golden("stock-list.txt", &desk.done(&["stock", "load", "stock.csv"]));
    let blocks = desk.json(&["stock", "list"]);
    assert_eq!(blocks[0]["free"], 1000);
    golden("resellers-list.txt", &desk.done(&["resellers", "list"]));
    golden(
        "numbers-find.txt",
        &desk.done(&["numbers", "find", "--place", "leeds", "--quantity", "100", "--contiguous"]),
    );
}

#[test]
fn an_order_is_placed_once_and_completed_line_by_line() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    golden("orders-submit.txt", &desk.done(&["orders", "submit", "order.json"]));
    let head = desk.head();
    desk.done(&["orders", "submit", "order.json"]);
    assert_eq!(desk.head(), head, "the same file is the same order");

    desk.done(&["orders", "hold-line", "PO-1", "3", "--reason", "the lift is out of order"]);
    desk.done(&["orders", "resume-line", "PO-1", "3"]);
    desk.done(&["orders", "complete-line", "PO-1", "3"]);
    desk.done(&["orders", "complete-line", "PO-1", "4"]);
    let failed =
        ["orders", "fail-line", "PO-1", "5", "--code", "no_stock", "--detail", "no such phone in stock"];
    golden("orders-show.txt", &desk.done(&failed));
    assert_eq!(desk.json(&["orders", "list"])[0]["status"], "partial");
    assert_eq!(desk.json(&["orders", "list", "--status", "completed"]), serde_json::json!([]));

    golden("companies-show.txt", &desk.done(&["companies", "show", "acme.example"]));
    golden("numbers-list.txt", &desk.done(&["numbers", "list"]));
    let history = desk.done(&["history", "PO-1"]);
    for shown in [
        "operator",
        "engine:fulfilment",
        "order.hold_line",
        "LineHeld",
        "the lift is out of order",
        "Lovelace",
    ] {
        assert!(history.contains(shown), "{shown} is not in {history}");
    }
    assert!(!desk.done(&["--format", "jsonl", "log"]).contains("Lovelace"), "the log is not opened");
}

#[test]
fn an_order_is_provisioned_or_cancelled_and_others_do_not_see_it() {
    let desk = Desk::ready();
    desk.done(&["resellers", "add", "R200", "--name", "Southern Voice"]);
    desk.write("order.json", new_company().to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    assert_eq!(desk.json(&["orders", "show", "PO-1"])["order"]["status"], "completed");

    let mut later = new_company();
    later["reference"] = "PO-2".into();
    later["company"] = serde_json::json!({ "domain": "acme.example" });
    later["lines"] = serde_json::json!([{
        "kind": "site", "id": "york", "name": "York", "location_code": "46", "extension_length": 3,
        "address": { "entered": { "key": "T00000000001", "lines": ["1 High Street", "York"], "postcode": "YO1 7HH" } },
    }]);
    desk.write("later.json", later.to_string());
    desk.done(&["--as", "R100", "orders", "submit", "later.json"]);
    desk.done(&["orders", "cancel", "PO-2", "--reason", "the customer moves elsewhere"]);
    assert_eq!(desk.json(&["orders", "show", "PO-2"])["order"]["status"], "cancelled");

    assert_eq!(desk.json(&["--as", "R200", "orders", "list"]), serde_json::json!([]));
    desk.refused(3, &["--as", "R200", "orders", "show", "PO-1"], &["PO-1", "not_found"]);
    desk.refused(3, &["--as", "R200", "history", "PO-1"], &["not_found"]);
    desk.refused(2, &["--as", "R200", "stock", "list"], &["--as"]);
    for report in [
        &["complete-line", "PO-1", "3"][..],
        &["fail-line", "PO-1", "3", "--code", "no_stock", "--detail", "none left"],
        &["hold-line", "PO-1", "3", "--reason", "later"],
        &["resume-line", "PO-1", "3"],
    ] {
        desk.refused(2, &[&["--as", "R100", "orders"], report].concat(), &["reporting a line", "--as"]);
    }
    let company = desk.json(&["companies", "list"])[0]["company"].as_str().unwrap().to_owned();
    desk.refused(3, &["--as", "R200", "companies", "show", &company], &["not_found"]);
    assert_eq!(desk.json(&["companies", "show", " acme  LTD"])["company"]["company"], company.as_str());
    let unknown = ["--as", "R200", "companies", "show", "Acme Ltd"];
    desk.refused(3, &unknown, &["there is no company `Acme Ltd`"]);
    assert!(!desk.run(&unknown).err.contains("com_"), "nor is it said whose it is");
    let numbers =
        |company: &str| desk.json(&["numbers", "list", "--company", company]).as_array().unwrap().len();
    assert_eq!((numbers("acme.example"), numbers("Acme Ltd"), numbers(&company)), (4, 4, 4));
    desk.refused(3, &["numbers", "list", "--company", "nobody.example"], &["not_found"]);
    desk.refused(3, &["--as", "R200", "orders", "submit", "later.json"], &["/reseller", "reseller_other"]);
}

#[test]
fn a_port_is_talked_about_until_it_is_cancelled() {
    let desk = Desk::ready();
    desk.write("port.json", single_line_port(working_day(20)).to_string());
    desk.done(&["orders", "submit", "port.json"]);
    let port = desk.json(&["port-requests", "list"])[0]["port_request"].as_str().unwrap().to_owned();
    let port = port.as_str();
    let status = || desk.json(&["port-requests", "show", port])["status"].as_str().unwrap().to_owned();

    desk.done(&["port-requests", "reject", port, "--message", "m-1", "--reason", "postcode_mismatch"]);
    assert_eq!(status(), "rejected");
    desk.done(&["port-requests", "represent", port, "--postcode", "LS1 4AQ"]);
    desk.done(&["port-requests", "accept", port, "--message", "m-2"]);
    assert_eq!(status(), "accepted");
    let early = desk.run(&["port-requests", "network-report", port, "--message", "m-0", "--live", "all"]);
    assert!(early.code == 0 && early.err.contains("changes nothing"), "{}", early.err);
    let head = desk.head();
    desk.done(&["port-requests", "accept", port, "--message", "m-2"]);
    assert_eq!(desk.head(), head, "a message is heard once");

    let date = working_day(25).to_string();
    let window = ["--date", date.as_str(), "--from", "13:00", "--to", "17:00"];
    desk.done(&[&["port-requests", "date-change", "request", port], window.as_slice()].concat());
    desk.done(&["port-requests", "date-change", "accept", port, "--message", "m-3"]);
    assert_eq!(desk.json(&["port-requests", "show", port])["window"]["from"], "13:00");
    desk.refused(3, &["port-requests", "activate", port], &["not_permitted"]);
    desk.refused(2, &["--as", "R100", "port-requests", "rh-accept", port, "--message", "m-4"], &["--as"]);
    desk.done(&["port-requests", "cancel", port]);
    assert_eq!(status(), "cancelled");
    assert!(desk.done(&["history", port]).contains("PortCancelled"));
}

#[test]
fn the_store_is_looked_after() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    let before = desk.done(&["orders", "list"]);
    desk.done(&["rebuild"]);
    desk.done(&["settle"]);
    assert_eq!(desk.done(&["orders", "list"]), before);
    for reader in desk.json(&["readers"]).as_array().unwrap() {
        assert_eq!(reader["behind"], 0, "{reader}");
    }
    golden("log.txt", &desk.done(&["log", "--limit", "3"]));
    assert_eq!(desk.json(&["log", "--after", "2", "--limit", "1"])[0]["position"], 3);
}

#[test]
fn a_load_that_was_cut_short_goes_on_where_it_was() {
    let desk = Desk::ready();
    let rows = "range,place,range_holder\n0114 496 0000-0099,Sheffield,001\n";
    desk.write("stock.csv", rows);
    desk.done(&["stock", "load", "stock.csv"]);
    let head = desk.head();
    desk.done(&["stock", "load", "stock.csv"]);
    assert_eq!(desk.head(), head, "a row is loaded once");
    desk.write("stock.csv", format!("{rows}0113 496 0000-0099,Leeds,001\n"));
    desk.refused(3, &["stock", "load", "stock.csv"], &["stock.csv", "line 3"]);
}

#[test]
fn files_of_one_run_do_not_want_the_same_numbers() {
    let desk = Desk::ready();
    for (reference, name) in [("PO-1", "Acme"), ("PO-2", "Bolt"), ("PO-3", "Crag")] {
        let mut document = new_company();
        document["reference"] = reference.into();
        document["company"] = serde_json::json!({ "name": name, "domain": format!("{name}.example") });
        document["lines"].as_array_mut().unwrap().truncate(4);
        desk.write(&format!("{reference}.json"), document.to_string());
    }
    let ran = desk.run(&["orders", "submit", "PO-1.json", "PO-2.json", "PO-1.json", "PO-3.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.err.matches("is submitted").count(), 4, "{}", ran.err);
    assert_eq!(desk.json(&["numbers", "list"]).as_array().unwrap().len(), 12);
}

#[test]
fn what_was_done_is_said_though_what_follows_fails() {
    let desk = Desk::ready();
    for reference in ["PO-1", "PO-2"] {
        let mut document = new_company();
        document["reference"] = reference.into();
        document["company"] =
            serde_json::json!({ "name": reference, "domain": format!("{reference}.example") });
        document["lines"].as_array_mut().unwrap().truncate(4);
        desk.write(&format!("{reference}.json"), document.to_string());
    }
    let broken =
        "CREATE TRIGGER broken BEFORE INSERT ON name_directory BEGIN SELECT RAISE(ABORT, 'broken'); END";
    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    connection.execute_batch(broken).unwrap();
    let ran = desk.run(&["resellers", "add", "R200", "--name", "Southern Voice"]);
    assert_ne!(ran.code, 0);
    let said = ran.err.find("1 event").unwrap();
    assert!(said < ran.err.find("done; what follows from it is pending").unwrap(), "{}", ran.err);

    let ran = desk.run(&["orders", "submit", "PO-1.json", "PO-2.json"]);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("PO-1.json: ord_"), "{}", ran.err);
    assert!(ran.err.contains("PO-2.json: ") && ran.err.contains("pending"), "{}", ran.err);

    connection.execute_batch("DROP TRIGGER broken").unwrap();
    desk.done(&["orders", "submit", "PO-1.json", "PO-2.json"]);
    assert_eq!(desk.json(&["orders", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_store_in_service_is_not_filled_by_demo_or_bench() {
    let desk = Desk::ready();
    let before = desk.head();
    let bench = ["bench", "store", "--rounds", "1", "--seconds", "0", "--companies", "2", "--in-flight", "1"];
    desk.refused(3, &[&bench[..], &["--store", "orderwire.db"]].concat(), &["store_not_empty", "history"]);
    desk.refused(3, &["--store", "orderwire.db", "bench", "http"], &["store_not_empty", "history"]);
    desk.refused(3, &["--store", "orderwire.db", "demo"], &["store_not_empty"]);
    desk.done(&["--store", "keyed.db", "migrate"]);
    desk.refused(3, &[&bench[..], &["--store", "keyed.db"]].concat(), &["store_not_empty", "master key"]);
    let demo =
        desk.command(&["demo", "--orders", "1"]).env("ORDERWIRE_STORE", desk.store()).output().unwrap();
    assert!(demo.status.success(), "the demo takes a store of its own: {demo:?}");
    assert_eq!(desk.head(), before);
}

/// Another process that appends and leaves the read models where they are.
async fn appended_elsewhere(desk: &Desk, code: &str) {
    let options = OpenOptions::of(desk.store().display().to_string());
    let engine = open_engine(&options, Engine::builder().background(false)).await.unwrap();
    let command = Command::CreateReseller {
        code: code.parse().unwrap(),
        cug_id: code.parse().unwrap(),
        sales_tag: code.parse().unwrap(),
        name: "Southern Voice".parse().unwrap(),
    };
    let elsewhere = Provenance::of(Actor::new("elsewhere").unwrap());
    engine.execute(&command, &elsewhere, None).await.unwrap();
    engine.close().await;
}

#[tokio::test]
async fn what_another_process_appended_is_seen_by_the_next_command() {
    let desk = Desk::ready();
    let codes = |listed: &serde_json::Value| -> BTreeSet<String> {
        listed.as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
    };
    appended_elsewhere(&desk, "R200").await;
    let listed = desk.run(&["--format", "json", "resellers", "list"]);
    assert_eq!(codes(&serde_json::from_str(&listed.out).unwrap()), ["R100", "R200"].map(String::from).into());
    assert_eq!(listed.err, "", "nothing is missing");

    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    let broken =
        "CREATE TRIGGER broken BEFORE INSERT ON name_directory BEGIN SELECT RAISE(ABORT, 'broken'); END";
    connection.execute_batch(broken).unwrap();
    appended_elsewhere(&desk, "R300").await;
    let listed = desk.run(&["--format", "json", "resellers", "list"]);
    assert_eq!(listed.code, 0, "what is known is shown: {}", listed.err);
    assert_eq!(codes(&serde_json::from_str(&listed.out).unwrap()).len(), 2);
    let said: serde_json::Value = serde_json::from_str(&listed.err).unwrap();
    assert!(said["remark"].as_str().unwrap().contains("may lack the end of the log"), "{said}");
}

#[test]
fn a_measurement_on_a_store_of_its_own_says_how_fast_it_starts_and_leaves_nothing() {
    let desk = Desk::empty();
    let measure =
        ["bench", "store", "--companies", "2", "--in-flight", "1", "--seconds", "1", "--rounds", "1"];
    let ran = desk.run(&measure);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("cold start on ") && ran.err.contains(" events: "), "{}", ran.err);
    assert!(ran.out.contains("commands, 1 in flight"), "{}", ran.out);
    assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_measured_server_has_every_figure_and_leaves_nothing() {
    let desk = Desk::empty();
    let small =
        ["--companies", "4", "--numbers", "1000", "--connections", "2", "--seconds", "1", "--rounds", "1"];
    let ran = desk.run(&[&["--format", "json", "bench", "http", "--process"], &small[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let figures: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    let of = |what: &str| -> Vec<&serde_json::Value> {
        figures.iter().filter(|figure| figure["what"].as_str().unwrap().contains(what)).collect()
    };
    let served = ["does nothing", "submitted in process", "same over HTTP", "orders shown", "free numbers"];
    let settled = ["in process, until", "over HTTP, until"];
    let alone = [
        "bare transaction, median",
        "bare transaction, p99",
        "alone, median",
        "a process",
        "that process, idle",
    ];
    for what in served.into_iter().chain(settled).chain(alone) {
        let [figure] = of(what)[..] else { panic!("{what}: {}", ran.out) };
        assert!(figure["median"].as_f64().unwrap() > 0.0, "{figure}");
        assert_eq!(figure["ratio"].is_number(), figure["compared_with"] != "", "{figure}");
    }
    assert_eq!(of("alone, p99").len(), 2, "by the bare p99 and by the bare median");
    assert_eq!(of("").len(), served.len() + settled.len() + alone.len() + 2, "{}", ran.out);
    assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_figure_that_is_missing_is_an_error() {
    let desk = Desk::empty();
    let ran = desk.run(&["bench", "http", "--companies", "4", "--numbers", "1000", "--rounds", "0"]);
    assert_eq!((ran.code, &*ran.out), (1, ""), "{}", ran.err);
    assert!(ran.err.contains("not measured: requests to a route that does nothing"), "{}", ran.err);
    assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 0, "nothing is left");
}
