//! What resellers are told, as an operator looks at it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use orderwire::{
    domain::views::{
        notices::{NOTICE, NOTICE_COUNTER},
        table::Row,
    },
    engine::log::{RowChange, SharedLog},
    stores::{self, Migrate},
};
use serde_json::{Value, json};

use super::{Desk, new_company};

fn kinds(told: &Value) -> Vec<&str> {
    told.as_array().unwrap().iter().map(|notice| notice["type"].as_str().unwrap()).collect()
}

#[test]
fn what_was_told_is_shown_and_proved_whole() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    let told = desk.json(&["notices", "tail", "--reseller", "R100"]);
    let line = "order.line_completed";
    assert_eq!(kinds(&told), ["order.acknowledged", line, line, line, line, line, "order.completed"]);
    assert_eq!(desk.json(&["notices", "tail"]), told);
    let rest = desk.json(&["notices", "tail", "--reseller", "R100", "--after", "5"]);
    assert_eq!(kinds(&rest), [line, "order.completed"]);
    assert_eq!(desk.json(&["notices", "verify"]), json!({ "notices": 7, "resellers": 1, "orders": 1 }));
    desk.refused(3, &["notices", "tail", "--reseller", "R9"], &["not_found"]);
    desk.refused(2, &["--as", "R100", "notices", "verify"], &["--as"]);

    // The last one is missed too, and so is one in between.
    lose(&desk, &told[6]);
    disproved(&desk, &["number 7, was told last", "number 6, is there"]);
    lose(&desk, &told[3]);
    disproved(&desk, &["has the number 5, and 4 would be next"]);
    for notice in told.as_array().unwrap() {
        lose(&desk, notice);
    }
    disproved(&desk, &["none of 7 notices is there"]);
}

#[test]
fn what_follows_the_end_of_an_order_is_no_proof() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    let told = desk.json(&["notices", "tail"]);
    // One in between says that it ends the order.
    change(&desk, told[2]["notice"].as_str().unwrap(), "order.line_completed", "order.completed");
    disproved(&desk, &["follows the notice that ended it"]);
    change(&desk, told[2]["notice"].as_str().unwrap(), "order.completed", "order.line_completed");
    desk.done(&["notices", "verify"]);
    change(&desk, told[6]["notice"].as_str().unwrap(), "order.completed", "order.line_completed");
    disproved(&desk, &["it has ended, and no notice says so"]);
}

#[test]
fn what_counts_what_was_told_is_missed() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    let told = desk.json(&["notices", "tail"]);
    let (reseller, order) = (told[0]["reseller"].as_str().unwrap(), told[0]["subject"].as_str().unwrap());
    for (of, last) in [(reseller, 7), (order, 7), ("log", told[6]["position"].as_u64().unwrap())] {
        let right = counter(&desk, of);
        let counted = |row: &Row| RowChange::Put(&NOTICE_COUNTER, row.clone());
        changed(&desk, async |_| RowChange::Delete(&NOTICE_COUNTER, of.to_owned()));
        disproved(&desk, &[&format!("{of}: {last} was told last, and the row that counts it is lost")]);
        let (from, to) = (r#""last":"#, r#""last":0,"was":"#);
        let behind = Row { doc: right.doc.replace(from, to), ..right.clone() };
        changed(&desk, async |_| counted(&behind));
        disproved(&desk, &[&format!("{of}: {last} was told last, and it is counted to 0")]);
        changed(&desk, async |_| counted(&right));
        desk.done(&["notices", "verify"]);
    }
}

/// The row that counts one sequence.
fn counter(desk: &Desk, of: &str) -> Row {
    let store = desk.store().display().to_string();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = stores::open(&store, Migrate::No).await.unwrap();
        let row = log.rows(&NOTICE_COUNTER, &[of.to_owned()]).await.unwrap().remove(0);
        log.close().await;
        row
    })
}

fn disproved(desk: &Desk, why: &[&str]) {
    let broken = desk.run(&["notices", "verify"]);
    assert_ne!(broken.code, 0);
    assert!(why.iter().all(|why| broken.err.contains(why)), "{}", broken.err);
}

fn lose(desk: &Desk, notice: &Value) {
    let key = notice["notice"].as_str().unwrap().to_owned();
    changed(desk, async |_| RowChange::Delete(&NOTICE, key));
}

/// Gives a notice another type.
fn change(desk: &Desk, key: &str, from: &str, to: &str) {
    changed(desk, async |log| {
        let rows = log.rows(&NOTICE, &[key.to_owned()]).await.unwrap();
        let [row] = &rows[..] else { panic!("{key} is not there") };
        let [from, to] = [from, to].map(|kind| format!("\"type\":\"com.orderwire.{kind}.v1\""));
        assert!(row.doc.contains(&from), "{}", row.doc);
        RowChange::Put(&NOTICE, Row { doc: row.doc.replace(&from, &to), ..row.clone() })
    });
}

fn changed(desk: &Desk, change: impl AsyncFnOnce(&SharedLog) -> RowChange) {
    let store = desk.store().display().to_string();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = stores::open(&store, Migrate::No).await.unwrap();
        let change = change(&log).await;
        log.change_rows(&[change], None).await.unwrap();
        log.close().await;
    });
}

#[test]
fn who_follows_is_shown_what_there_is_and_what_comes_while_a_server_works() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    // Its readers write what this only reads.
    let arguments = ["--auto-provision", "serve", "--listen", "127.0.0.1:0"];
    let mut server = desk.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.starts_with("listening on ")));
    let follow = ["--format", "jsonl", "notices", "tail", "--follow", "--reseller", "R100", "--after", "5"];
    let mut tail = desk.command(&follow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next = |expected: u64| {
        let notice: Value = serde_json::from_str(&lines.next().expect("it goes on")).unwrap();
        assert_eq!(notice["sequence"], expected, "{notice}");
        notice["type"].as_str().unwrap().to_owned()
    };
    assert_eq!((next(6).as_str(), next(7).as_str()), ("order.line_completed", "order.completed"));
    let mut second = new_company();
    (second["reference"], second["company"]) =
        (json!("PO-2"), json!({ "name": "Globex", "domain": "globex.example" }));
    second["lines"][4]["mac"] = json!("00:15:65:00:00:02");
    desk.write("second.json", second.to_string());
    desk.done(&["orders", "submit", "second.json"]);
    assert_eq!(next(8), "order.acknowledged");
    let mut sequence = 9;
    while next(sequence) != "order.completed" {
        sequence += 1;
    }
    for process in [&mut tail, &mut server] {
        let interrupted = Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
        assert!(interrupted.success());
        assert_eq!(process.wait().unwrap().code(), Some(0), "it ends well");
    }
}
