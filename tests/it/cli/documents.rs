//! Order documents that name what a company has, and the examples sent as they are.

use std::{fs, path::Path};

use clap::Parser as _;
use orderwire::{
    cli::{self, Cli, Output, Surroundings},
    domain::{calendar::london, company::commands::CompanyCommand, joint::Command},
    edge::{
        document::parse,
        open::{OpenOptions, open_engine},
        place::place,
    },
    engine::{Actor, Engine, Provenance, clock::SimulatedClock},
};
use serde_json::{Value, json};

use super::{Desk, new_company};

/// The new company with a PBX, and everything of it in service unless it waits for an outside system.
fn company(desk: &Desk, provision: bool) {
    let mut document = new_company();
    let pbx = json!({ "kind": "pbx", "id": "pbx", "site": { "line": "leeds" }, "name": "Main PBX" });
    document["lines"].as_array_mut().unwrap().push(pbx);
    desk.write("company.json", document.to_string());
    let submit = ["orders", "submit", "company.json", "--auto-provision"];
    desk.done(&submit[..if provision { 4 } else { 3 }]);
}

/// A later order of that company.
fn later(reference: &str, lines: &Value) -> String {
    let company = json!({ "domain": "acme.example" });
    json!({ "reference": reference, "reseller": "R100", "company": company, "lines": lines }).to_string()
}

/// A line for everything that can be hung on something, which is named so.
fn lines_of(site: &Value, user: &Value, pbx: &Value) -> Value {
    json!([
        { "kind": "numbers", "id": "more", "ask": { "numbers": ["0113 496 0500"] }, "site": site },
        { "kind": "user", "id": "bob", "site": site, "first_name": "Bob", "last_name": "Fold", "username": "bob",
          "extension": "202", "primary_number": { "from": "more" } },
        { "kind": "device", "id": "phone", "user": user, "model": "desk_phone_t1", "mac": "00:15:65:00:00:02" },
        { "kind": "add_on", "id": "recording", "user": user, "product": "call_recording" },
        { "kind": "pbx", "id": "second", "site": site, "name": "Second PBX" },
        { "kind": "trunk", "id": "trunk", "pbx": pbx, "name": "In", "channels": 2 },
        { "kind": "emergency_details", "id": "help", "site": site, "contact": { "name": "Ada Lovelace" } },
    ])
}

#[test]
fn a_document_names_what_the_company_has() {
    let desk = Desk::ready();
    company(&desk, true);
    let (site, user) = (json!({ "site_name": " LEEDS " }), json!({ "username": "ada" }));
    desk.write("later.json", later("PO-2", &lines_of(&site, &user, &json!({ "pbx_name": "main pbx" }))));
    desk.done(&["--auto-provision", "orders", "submit", "later.json"]);
    assert_eq!(desk.json(&["orders", "show", "PO-2"])["order"]["status"], "completed");

    let whole = desk.json(&["companies", "show", "acme.example"]);
    let assets = whole["assets"].as_array().unwrap();
    let named = |name: &str| {
        let named = |asset: &&Value| {
            let plan = asset["plan"].as_object().unwrap().values().next().unwrap();
            plan["name"] == name || plan["username"] == name
        };
        assets.iter().find(named).unwrap()["asset"].as_str().unwrap()
    };
    let order = assets
        .iter()
        .filter(|asset| asset["line"].as_u64() > Some(1) && asset["order"] != assets[0]["order"]);
    let parents: Vec<&str> = order
        .map(|asset| {
            let plan = asset["plan"].as_object().unwrap().values().next().unwrap();
            ["site", "user", "pbx"].iter().find_map(|field| plan[*field].as_str()).unwrap()
        })
        .collect();
    let (leeds, ada, main) = (named("Leeds"), named("ada"), named("Main PBX"));
    assert_eq!(parents, [leeds, ada, ada, leeds, main, leeds]);

    let head = desk.head();
    desk.done(&["orders", "submit", "later.json"]);
    assert_eq!(desk.head(), head, "the same file is the same order");
}

#[tokio::test]
async fn what_was_placed_is_the_same_order_whatever_its_names_name_by_now() {
    let desk = Desk::ready();
    company(&desk, true);
    let lines = json!([{ "kind": "add_on", "id": "recording", "user": { "username": "ada" }, "product": "call_recording" }]);
    desk.write("later.json", later("PO-2", &lines));
    desk.done(&["--auto-provision", "orders", "submit", "later.json"]);

    let whole = desk.json(&["companies", "show", "acme.example"]);
    let company = whole["company"]["company"].as_str().unwrap().parse().unwrap();
    let engine =
        open_engine(&OpenOptions::of(desk.store().display().to_string()), Engine::builder()).await.unwrap();
    for kind in ["add_on", "device", "user"] {
        let assets = whole["assets"].as_array().unwrap().iter();
        for asset in assets.filter(|asset| asset["plan"][kind].is_object()) {
            let command =
                CompanyCommand::RemoveAsset { asset: asset["asset"].as_str().unwrap().parse().unwrap() };
            let operator = Provenance::of(Actor::new("operator").unwrap());
            engine.execute(&Command::Company { company, command }, &operator, None).await.unwrap();
        }
    }
    engine.close().await;
    desk.done(&["settle"]);

    let head = desk.head();
    desk.done(&["orders", "submit", "later.json"]);
    assert_eq!(desk.head(), head);
    desk.write("again.json", later("PO-3", &lines));
    desk.refused(3, &["orders", "submit", "again.json"], &["/lines/0/user/username", "has no user `ada`"]);
}

#[test]
fn every_name_that_names_nothing_is_refused_with_those_there_are() {
    let desk = Desk::ready();
    company(&desk, true);
    let wrong = lines_of(
        &json!({ "site_name": "Leds" }),
        &json!({ "username": "eda" }),
        &json!({ "pbx_name": "PBX" }),
    );
    desk.write("later.json", later("PO-2", &wrong));
    let named = [
        "refused for 7 reasons",
        "/lines/0/site/site_name: the company has no site `Leds` [name_unknown]",
        "/lines/1/site/site_name",
        "/lines/2/user/username: the company has no user `eda` [name_unknown]",
        "/lines/3/user/username",
        "/lines/4/site/site_name",
        "/lines/5/pbx/pbx_name: the company has no PBX `PBX` [name_unknown]",
        "/lines/6/site/site_name",
        "one of Leeds",
        "one of Main PBX",
    ];
    desk.refused(3, &["orders", "submit", "later.json"], &named);

    let mut new = new_company();
    new["reference"] = "PO-3".into();
    new["company"] = json!({ "name": "Bolt", "domain": "bolt.example" });
    new["lines"][3]["site"] = json!({ "site_name": "Leeds" });
    new["lines"][4]["user"] = json!({ "line": "ada", "username": "ada" });
    desk.write("new.json", new.to_string());
    desk.refused(
        3,
        &["orders", "submit", "new.json"],
        &["/lines/4/user", "exactly one of line, username, asset"],
    );
    new["lines"][4]["user"] = json!({ "line": "ada" });
    desk.write("new.json", new.to_string());
    let named = ["/lines/3/site/site_name", "the company has no site `Leeds`", "the `line` of a site"];
    desk.refused(3, &["orders", "submit", "new.json"], &named);
}

#[test]
fn what_another_order_is_to_make_cannot_be_named_yet() {
    let desk = Desk::ready();
    company(&desk, false);
    let (site, user) = (json!({ "site_name": "Leeds" }), json!({ "username": "ada" }));
    desk.write("later.json", later("PO-2", &lines_of(&site, &user, &json!({ "pbx_name": "Main PBX" }))));
    let named = [
        "/lines/0/site/site_name: the site `Leeds` is still to be made by another order [name_not_in_service]",
        "/lines/2/user/username: the user `ada` is still to be made",
        "/lines/5/pbx/pbx_name: the PBX `Main PBX` is still to be made",
    ];
    desk.refused(3, &["orders", "submit", "later.json"], &named);
}

/// The commands of a section of `docs/command-line.md`, each with the exit code that its remark names.
fn documented(section: &str) -> Vec<(Vec<String>, u8)> {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md")).unwrap();
    let section = text.split("\n## ").find(|part| part.starts_with(section)).unwrap();
    let block = section.split("```").nth(1).unwrap();
    let command = |line: &str| {
        let (command, remark) = line.split_once(" #").unwrap_or((line, ""));
        let code = remark.split("exit code ").nth(1).map_or(0, |code| code.parse().unwrap());
        // Every other part stands in quotes.
        let parts = command.split('"').enumerate();
        let words = parts.flat_map(|(part, text)| match part % 2 {
            0 => text.split_whitespace().map(str::to_owned).collect(),
            _ => vec![text.to_owned()],
        });
        (words.collect(), code)
    };
    block.lines().filter(|line| line.starts_with("orderwire ")).map(command).collect()
}

#[tokio::test]
async fn the_examples_are_sent_as_they_are_by_the_documented_commands() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("orderwire.db").display().to_string();
    // The documents have dates of February 2027.
    let day = london("2027-02-01".parse().unwrap(), "10:00:00".parse().unwrap());
    let surroundings = Surroundings { clock: Some(SimulatedClock::at(day)), ..Surroundings::default() };
    let commands = documented("The examples");
    let (mut sent, mut out) = (0, Vec::new());
    for (words, code) in &commands {
        sent += words.iter().filter(|word| word.contains("examples/orders/")).count();
        let cli = Cli::try_parse_from(words.iter().chain(&["--store".to_owned(), store.clone()])).unwrap();
        let mut said = Vec::new();
        out.clear();
        let mut output = Output::new(cli.format(), &mut out, &mut said);
        let done = cli::run(cli, &surroundings, &mut output).await;
        drop(output);
        let ended = done.as_ref().err().map_or(0, |failure| failure.exit() as u8);
        assert_eq!(ended, *code, "{words:?}: {done:?} {}", String::from_utf8_lossy(&said));
    }
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/orders")).unwrap().count();
    assert_eq!((sent, files), (7, 7), "every example is sent once");
    let listed = String::from_utf8(out).unwrap();
    assert_eq!(listed.lines().count(), 7, "a heading and six orders, since one was refused: {listed}");
}

#[tokio::test]
async fn a_draft_and_a_qualified_company_are_given_up_by_name() {
    let desk = Desk::ready();
    let document = parse(&new_company().to_string()).unwrap();
    let operator = Provenance::of(Actor::new("operator").unwrap());
    let store = desk.store().display().to_string();
    let engine = open_engine(&OpenOptions::of(store), Engine::builder()).await.unwrap();
    place(&engine, &operator, &document).await.unwrap();
    engine.close().await;

    let mut corrected = new_company();
    corrected["lines"][0]["channels"] = 11.into();
    desk.write("corrected.json", corrected.to_string());
    let named = ["reference_used", "a draft can be discarded first"];
    desk.refused(3, &["orders", "submit", "corrected.json"], &named);
    desk.done(&["orders", "discard", "PO-1"]);
    desk.done(&["companies", "release", "acme.example"]);
    assert_eq!(desk.json(&["companies", "show", "acme.example"])["company"]["status"], "released");
    desk.done(&["orders", "submit", "corrected.json"]);
    desk.refused(3, &["orders", "discard", "PO-404"], &["not_found"]);
    desk.refused(3, &["companies", "release", "acme.example"], &[]);
}
