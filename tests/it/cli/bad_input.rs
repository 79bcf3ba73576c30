//! Bad input of every kind: a message that names file, place and rule, a documented exit code, and nothing stored.

use std::fs;

use orderwire::stores::sqlite::SCHEMA_VERSION;
use serde_json::{Value, json};

use super::{Desk, new_company, single_line_port, working_day};

/// Submits a document that must be refused.
fn refused(document: &Value, named: &[&str]) {
    let desk = Desk::ready();
    desk.write("order.json", document.to_string());
    desk.refused(3, &["orders", "submit", "order.json"], &[&["order.json"], named].concat());
}

#[test]
fn malformed_json_says_where() {
    let desk = Desk::ready();
    desk.write("order.json", "{\"reference\": \"PO-1\",\n \"lines\": [}");
    desk.refused(
        3,
        &["orders", "submit", "order.json"],
        &["order.json", "json_malformed", "line 2 column 12"],
    );
    desk.write("order.json", [0xff, 0xfe, b'{']);
    desk.refused(3, &["orders", "submit", "order.json"], &["order.json", "json_malformed", "UTF-8"]);
    desk.refused(2, &["orders", "submit", "absent.json"], &["absent.json"]);
}

#[test]
fn an_unknown_field_is_named_with_the_known_ones() {
    let mut document = new_company();
    document["lines"][3]["colour"] = "red".into();
    refused(&document, &["/lines/3/colour", "field_unknown", "first_name"]);
}

#[test]
fn a_wrong_word_is_named_with_the_right_ones() {
    let mut document = new_company();
    document["lines"][4]["kind"] = "telephone".into();
    refused(&document, &["/lines/4/kind", "word_unknown", "telephone", "device"]);
}

#[test]
fn ten_megabytes_are_too_many() {
    let desk = Desk::ready();
    desk.write("order.json", vec![b' '; 10_000_000]);
    desk.refused(3, &["orders", "submit", "order.json"], &["order.json", "document_too_large", "5242880"]);
}

#[test]
fn a_range_does_not_leave_its_area() {
    let mut document = new_company();
    document["lines"][1]["ask"] = json!({ "numbers": ["0113 496 0999-0114 496 0000"] });
    refused(&document, &["/lines/1/ask/numbers/0", "range_two_areas", "same area code"]);
    let desk = Desk::ready();
    let load = [
        "stock",
        "load",
        "--range",
        "0113 496 0999-0114 496 0000",
        "--place",
        "Leeds",
        "--range-holder",
        "001",
    ];
    desk.refused(3, &load, &["--range", "range_two_areas"]);
    desk.write(
        "stock.csv",
        "range,place,range_holder\n0113 497 0000-0099,Leeds,001\n0114 496 0000-0113 496 0000,Leeds,1\n",
    );
    desk.refused(3, &["stock", "load", "stock.csv"], &["stock.csv", "line 3", "range_backwards"]);
}

#[test]
fn a_port_is_not_in_the_past() {
    refused(&single_line_port(working_day(-5)), &["/lines/0/window", "expected"]);
    refused(&single_line_port(working_day(1)), &["/lines/0/window", "expected"]);
    let before_the_calendar = "2020-01-01".parse().unwrap();
    refused(
        &single_line_port(before_the_calendar),
        &[
            "2020-01-01 is in the past [port_window_too_early]",
            "expected 20",
            "or later",
            "working days from",
        ],
    );
}

#[test]
fn a_number_that_is_not_ours_is_named() {
    let mut document = new_company();
    document["lines"][1]["ask"] = json!({ "numbers": ["0114 496 0001"] });
    refused(&document, &["/lines/1/ask", "number_not_ours", "+441144960001"]);
}

#[test]
fn every_reason_is_given_at_once_and_as_json_too() {
    let desk = Desk::ready();
    let mut document = new_company();
    document["lines"][1]["ask"] = json!({ "search": { "by": { "place": "Leeds" }, "quantity": 2000 } });
    document["lines"][3]["licence"] = "voice_imaginary".into();
    desk.write("order.json", document.to_string());
    let before = desk.head();
    let ran = desk.run(&["--format", "json", "orders", "submit", "order.json"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((&error["error"]["kind"], &error["error"]["file"]), (&json!("refused"), &json!("order.json")));
    let problems = error["error"]["problems"].as_array().unwrap();
    let pointers: Vec<&str> = problems.iter().map(|problem| problem["pointer"].as_str().unwrap()).collect();
    assert!(pointers.contains(&"/lines/1/ask") && pointers.len() > 1, "{}", ran.err);
    assert_eq!(desk.head(), before, "not even the company was qualified");
}

#[test]
fn what_was_taken_before_is_refused_by_name() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["orders", "submit", "order.json"]);
    let mut changed = new_company();
    changed["lines"][0]["channels"] = 11.into();
    desk.write("changed.json", changed.to_string());
    desk.refused(3, &["orders", "submit", "changed.json"], &["changed.json", "/reference", "reference_used"]);
    changed["reference"] = "PO-2".into();
    changed["company"]["domain"] = "other.example".into();
    changed["company"]["name"] = "ACME Ltd".into();
    desk.write("changed.json", changed.to_string());
    let yours = ["/company/name", "company_yours", "service_reference", "com_"];
    desk.refused(3, &["orders", "submit", "changed.json"], &yours);
    desk.done(&["resellers", "add", "R200", "--name", "Western Voice"]);
    let mut foreign = changed.clone();
    foreign["reseller"] = "R200".into();
    desk.write("foreign.json", foreign.to_string());
    let taken = ["/company/name", "company name `ACME Ltd` is not free [company_name_taken]"];
    desk.refused(3, &["orders", "submit", "foreign.json"], &taken);
    changed["company"] = json!({ "domain": "nobody.example" });
    desk.write("changed.json", changed.to_string());
    desk.refused(3, &["orders", "submit", "changed.json"], &["/company/domain", "company_unknown"]);
    changed["reseller"] = "R999".into();
    desk.write("changed.json", changed.to_string());
    desk.refused(3, &["orders", "submit", "changed.json"], &["/reseller", "reseller_unknown"]);
    let add = ["resellers", "add", "R100", "--name", "Southern Voice", "--sales-tag", "South"];
    desk.refused(3, &add, &["reseller code `R100` is not free", "cug id `R100` is not free"]);
}

#[test]
fn one_malformed_document_keeps_all_of_them_back() {
    let desk = Desk::ready();
    desk.write("good.json", new_company().to_string());
    desk.write("bad.json", "{}");
    let named = ["bad.json", "/reference", "field_missing", "0 of 2 orders were placed"];
    desk.refused(3, &["orders", "submit", "good.json", "bad.json"], &named);
}

#[test]
fn arguments_that_cannot_be_are_usage() {
    let desk = Desk::ready();
    desk.refused(2, &["orders", "list", "--status", "finished"], &["--status", "completed"]);
    desk.refused(2, &["port-requests", "show", "7"], &["prt_"]);
    desk.refused(2, &["resellers", "add", "R 1", "--name", "X"], &["CODE"]);
    desk.refused(2, &["--actor", "two words", "orders", "list"], &["--actor"]);
    desk.refused(2, &["stock", "load"], &["--range"]);
    let named = ["--store", "mysql://", "postgres://…"];
    desk.refused(2, &["--store", "mysql://carrier:hunter2@db/orders", "orders", "list"], &named);
    desk.refused(2, &["--store", "", "orders", "list"], &["--store", "empty", "sqlite:PATH"]);
    desk.refused(3, &["orders", "show", "PO-404"], &["PO-404", "not_found"]);
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let desk = Desk::empty();
    let ran = desk.run(&["orders", "list"]);
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert!(ran.err.contains("orderwire.db") && ran.err.contains("orderwire migrate"), "{}", ran.err);
    assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_newer_store_and_what_is_no_store_stay_as_they_are() {
    let desk = Desk::ready();
    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    connection.execute("INSERT INTO schema_migrations (version) VALUES (?1)", [SCHEMA_VERSION + 1]).unwrap();
    connection.close().unwrap();
    let letter = "Dear Sir or Madam, this is not a database. ".repeat(100);
    desk.write("letter.txt", &letter);
    for (store, part) in [("orderwire.db", "newer orderwire"), ("letter.txt", "not a database")] {
        let before = fs::read(desk.path(store)).unwrap();
        for command in ["migrate", "rebuild"] {
            let ran = desk.run(&["--store", store, command]);
            assert_eq!(ran.code, 6, "{}", ran.err);
            assert!(ran.err.contains(part) && ran.err.contains(store), "{}", ran.err);
        }
        assert_eq!(fs::read(desk.path(store)).unwrap(), before);
    }
    assert!(!desk.path("letter.txt.master-key").exists());
}

#[cfg(unix)]
#[test]
fn a_read_only_store_is_unavailable() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::ready();
    fs::set_permissions(desk.store(), fs::Permissions::from_mode(0o444)).unwrap();
    let may_write = fs::OpenOptions::new().append(true).open(desk.store()).is_ok();
    let ran = desk.run(&["resellers", "add", "R200", "--name", "Southern Voice"]);
    // Permissions do not bind root: then the file is not read-only.
    if !may_write {
        assert_eq!(ran.code, 5, "{}", ran.err);
        assert!(ran.err.contains("read-only"), "{}", ran.err);
    }
}

#[test]
fn a_store_is_opened_with_its_own_master_key_only() {
    let desk = Desk::ready();
    let key = desk.path("orderwire.db.master-key");
    let kept = fs::read_to_string(&key).unwrap();
    for (text, part) in
        [(Some("0".repeat(64)), "not the master key"), (Some("x".to_owned()), "64 hex"), (None, "missing")]
    {
        match text {
            Some(text) => fs::write(&key, text).unwrap(),
            None => fs::remove_file(&key).unwrap(),
        }
        let ran = desk.run(&["orders", "list"]);
        assert_eq!(ran.code, 6, "{}", ran.err);
        assert!(ran.err.contains(part) && ran.err.contains("master-key"), "{}", ran.err);
    }
    assert!(!key.exists(), "no second key was made");
    fs::write(&key, kept).unwrap();
    desk.done(&["orders", "list"]);
}

#[cfg(feature = "postgres")]
#[test]
fn an_unreachable_postgres_is_unavailable_and_its_password_is_not_shown() {
    let desk = Desk::empty();
    let ran = desk.run(&["--store", "postgres://carrier:hunter2@127.0.0.1:1/orders", "orders", "list"]);
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert!(ran.err.contains("127.0.0.1:1/orders") && !ran.err.contains("hunter2"), "{}", ran.err);
}

#[test]
fn a_store_whose_migration_was_cut_short_asks_for_it() {
    let desk = Desk::ready();
    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    connection.execute_batch("DROP TABLE name_directory").unwrap();
    drop(connection);
    let ran = desk.run(&["orders", "list"]);
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert!(ran.err.contains("name_directory") && ran.err.contains("orderwire migrate"), "{}", ran.err);
}

#[test]
fn what_clap_refuses_is_json_too_where_that_is_asked_for() {
    let desk = Desk::empty();
    let cases: [(&[&str], &str); 4] = [
        (&["orders", "submit"], "the following required arguments were not provided: <FILE>..."),
        (&["orders", "frobnicate"], "unrecognized subcommand 'frobnicate'"),
        (&["stock"], "a command is missing; --help names them"),
        (&["port-requests", "show", "7"], "prt_"),
    ];
    for (arguments, part) in cases {
        for format in [&["--format", "json"][..], &["--format=jsonl"]] {
            for words in [[format, arguments].concat(), [arguments, format].concat()] {
                let ran = desk.run(&words);
                assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words:?}");
                let error: Value =
                    serde_json::from_str(&ran.err).unwrap_or_else(|_| panic!("{words:?}: {}", ran.err));
                assert_eq!(
                    (&error["error"]["kind"], &error["error"]["exit_code"]),
                    (&json!("usage"), &json!(2))
                );
                let message = error["error"]["message"].as_str().unwrap();
                assert!(message.contains(part) && !message.contains('\n'), "{message}");
            }
        }
    }
    let ran = desk.run(&["orders", "submit"]);
    assert!(ran.code == 2 && ran.err.contains("Usage: orderwire orders submit"), "{}", ran.err);
    let mut with_environment = desk.command(&["orders", "submit"]);
    let ran = with_environment.env("ORDERWIRE_STORE", "orderwire.db").output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("Usage: orderwire orders submit <FILE>...\n"), "{said}");
    let help = desk.run(&["--format", "json", "orders", "--help"]);
    assert!(help.code == 0 && help.out.contains("Usage: orderwire orders"), "help is what was asked for");
}
