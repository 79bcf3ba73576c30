//! What resellers are told, as an operator looks at it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use orderwire::{
    domain::views::notices::NOTICE,
    engine::log::RowChange,
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

    let lost = told[3]["notice"].as_str().unwrap().to_owned();
    let store = desk.store().display().to_string();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = stores::open(&store, Migrate::No).await.unwrap();
        log.change_rows(&[RowChange::Delete(&NOTICE, lost)], None).await.unwrap();
        log.close().await;
    });
    let broken = desk.run(&["notices", "verify"]);
    assert_ne!(broken.code, 0);
    assert!(broken.err.contains("has the number 5, and 4 would be next"), "{}", broken.err);
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
