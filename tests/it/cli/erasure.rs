//! Legal holds and erasure, by the binary; and what is left in the files of the store afterwards.

use std::{env, fs, path::Path};

use orderwire::{
    domain::{
        company::commands::CompanyCommand,
        ids::{CompanyId, OrderId, StreamId},
        joint::Command,
        order::commands::OrderCommand,
    },
    edge::{
        document,
        open::{OpenOptions, open_engine},
        place::place,
    },
    engine::{Actor, Engine, Provenance, log::Sweep},
};
use serde_json::{Value, json};

use super::{Desk, new_company, single_line_port, working_day};

/// Companies that are erased, unless `ORDERWIRE_ERASED` says how many.
const ERASED: usize = 50;

/// What everything personal begins with: two names, a username, an e-mail address, an account, a signatory and an address.
const WORDS: [&str; 7] =
    ["Gwendolyn", "Thistlewood", "quillfeather", "fernhollow", "OSPREYHOLM", "Mistlethwaite", "Larkspurgate"];

pub struct Customer {
    pub company: CompanyId,
    pub order: OrderId,
    pub wrapped: Vec<u8>,
}

pub(super) async fn engine(desk: &Desk) -> Engine {
    let options = OpenOptions::of(desk.store().display().to_string());
    open_engine(&options, Engine::builder().background(false)).await.unwrap()
}

pub fn operator() -> Provenance {
    Provenance::of(Actor::new("operator").unwrap())
}

/// A company that was released after somebody drafted an order for it, full of names.
pub async fn released(engine: &Engine, n: usize) -> Customer {
    let words = WORDS.map(|word| format!("{word}{n:05}"));
    let mut order = new_company();
    order["reference"] = format!("PO-{n}").into();
    order["company"]["name"] = format!("Customer {n} Ltd").into();
    order["company"]["domain"] = format!("customer-{n}.example").into();
    order["lines"][0]["contact"] = json!({
        "name": format!("{} {}", words[0], words[1]),
        "email": format!("{}@customer.example", words[3]),
    });
    order["lines"][2]["address"] = json!({ "entered": {
        "key": format!("T{n:011}"), "lines": [format!("{} House", words[6]), "Leeds"], "postcode": "LS1 4AP",
    } });
    let user = &mut order["lines"][3];
    user["first_name"] = words[0].as_str().into();
    user["last_name"] = words[1].as_str().into();
    user["username"] = words[2].as_str().into();
    order["lines"][4]["mac"] = format!("00:15:65:00:{:02x}:{:02x}", n / 256, n % 256).into();
    let mut port = single_line_port(working_day(10))["lines"][0].take();
    port["account"] = words[4].as_str().into();
    port["signatory"] = words[5].as_str().into();
    order["lines"].as_array_mut().unwrap().push(port);
    let document = document::parse(&order.to_string()).unwrap();
    let receipt = place(engine, &operator(), &document).await.unwrap();
    engine.settle().await.unwrap();
    let (order, company): (OrderId, CompanyId) = (receipt.order, receipt.company.unwrap());
    for command in [
        Command::Order { order, command: OrderCommand::Discard },
        Command::Company { company, command: CompanyCommand::Release },
    ] {
        engine.execute(&command, &operator(), None).await.unwrap();
    }
    let wrapped = engine.log().data_key(&company.to_string()).await.unwrap().unwrap().wrapped;
    Customer { company, order, wrapped }
}

/// What nothing may have that is said of somebody whose data is erased, as it was written and in small letters.
pub fn needles() -> Vec<Vec<u8>> {
    let small = WORDS.iter().map(|word| word.to_lowercase());
    WORDS.iter().map(ToString::to_string).chain(small).map(String::into_bytes).collect()
}

/// Every file of a folder with one of these in it.
pub(super) fn found(folder: &Path, needles: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(self::found(&path, needles));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for needle in needles {
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push(format!("{} has {}", path.display(), String::from_utf8_lossy(needle)));
            }
        }
    }
    found
}

#[tokio::test]
async fn nothing_of_what_was_erased_is_left_in_any_file() {
    let count = env::var("ORDERWIRE_ERASED").map_or(ERASED, |count| count.parse().unwrap());
    let desk = Desk::ready();
    let engine = engine(&desk).await;
    let mut customers = Vec::new();
    for n in 0..count {
        customers.push(released(&engine, n).await);
    }
    let leaves = engine.log().leaves(0, 1_000_000).await.unwrap();
    let wrapped: Vec<Vec<u8>> = customers.iter().take(20).map(|it| it.wrapped.clone()).collect();
    engine.sweep(Sweep::Light).await.unwrap();
    assert!(!found(desk.folder.path(), &wrapped).is_empty(), "the search finds what is there");

    for Customer { company, .. } in &customers {
        let erase = Command::Company { company: *company, command: CompanyCommand::Erase };
        engine.execute(&erase, &operator(), None).await.unwrap();
    }
    engine.settle().await.unwrap();
    let after = engine.log().leaves(0, leaves.len()).await.unwrap();
    assert_eq!(after, leaves, "no byte of history has changed");
    engine.close().await;

    let said = desk.run(&["-vv", "erase", "--reapply", "--vacuum"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let all = format!("says that {count} companies are erased; of 0 ");
    assert!(said.err.contains(&all), "{}", said.err);
    let last = desk.run(&["-vv", "history", &customers[count - 1].company.to_string()]);
    fs::write(desk.path("said"), [said.err, last.out, last.err].concat()).unwrap();
    // What all the words begin with: where that is nowhere, none of them is.
    let needles: Vec<Vec<u8>> = needles().into_iter().chain(wrapped).collect();
    assert_eq!(found(desk.folder.path(), &needles), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_that_came_back_opens_nothing_and_is_destroyed_again() {
    let desk = Desk::ready();
    let engine = engine(&desk).await;
    let Customer { company, wrapped, .. } = released(&engine, 1).await;
    let sealed = engine.seal(StreamId::from(company), "Ada", "ada").await.unwrap();
    let erase = Command::Company { company, command: CompanyCommand::Erase };
    engine.execute(&erase, &operator(), None).await.unwrap();
    let back = || {
        let connection = rusqlite::Connection::open(desk.store()).unwrap();
        let sql = "UPDATE data_keys SET wrapped = ?1, destroyed = 0 WHERE key_id = ?2";
        assert_eq!(connection.execute(sql, (&wrapped, company.to_string())).unwrap(), 1);
    };
    back();
    let is_there = async || engine.log().data_key(&company.to_string()).await.unwrap().is_some();
    assert!(is_there().await);
    assert_eq!(engine.open_sealed(&sealed).await.unwrap(), None, "the log says that it is erased");
    assert!(!is_there().await);

    back();
    assert!(desk.run(&["erase", "--reapply"]).err.contains("of 1 the key was there"));
    assert!(!is_there().await);
    assert!(desk.run(&["erase", "--reapply"]).err.contains("of 0 the key was there"));
    engine.close().await;
}

#[tokio::test]
async fn a_hold_is_lifted_by_another_actor_and_keeps_what_would_be_erased() {
    let desk = Desk::ready();
    let engine = engine(&desk).await;
    let company = released(&engine, 1).await.company.to_string();
    engine.settle().await.unwrap();
    engine.close().await;
    let hold = |what: &'static str| vec!["legal-hold", what, &company, "case-7"];
    desk.refused(2, &[&["--as", "R100"], &*hold("place")].concat(), &["the carrier's"]);
    let placed = desk.json(&[&["--actor", "op-1"], &*hold("place")].concat());
    assert_eq!(placed[0]["placed_by"], "op-1");
    let why_not = ["why-not", &company, "erase"];
    assert!(desk.done(&why_not).contains("case-7"), "the carrier is told what speaks against it");
    for command in ["erase", "place-legal-hold", "lift_legal_hold"] {
        let asked = ["--as", "R100", "why-not", &company, command];
        let told = desk.run(&asked);
        assert_eq!((told.code, told.out.as_str()), (3, ""), "{}", told.err);
        assert!(told.err.contains("command_unknown") && told.err.contains("qualify"), "{}", told.err);
        for secret in ["case-7", "legal_hold,", "erase,", "erase\n", "legal_hold\n"] {
            assert!(!told.err.contains(secret), "{secret}: {}", told.err);
        }
    }
    let erase = ["erase", &company, "--reason", "asked for"];
    desk.refused(3, &erase, &["legal_hold", "case-7", "whose legal holds were lifted"]);
    desk.refused(3, &[&["--actor", "op-1"], &*hold("lift")].concat(), &["legal_hold_by_the_same"]);
    assert_eq!(desk.json(&[&["--actor", "op-2"], &*hold("lift")].concat()), Value::Array(Vec::new()));
    assert_eq!(desk.json(&erase)["company"]["erased"], true);
    desk.refused(3, &erase, &["not_permitted"]);

    let history = desk.done(&["history", &company]);
    assert!(history.contains("because: asked for") && history.contains("LegalHoldPlaced"), "{history}");
    // That somebody looks into a company is no reseller's to know, whatever it asks.
    let head = desk.head().to_string();
    for asked in
        [&["diff", &company, "1", &head][..], &["replay", &company], &["companies", "show", &company]]
    {
        let shown = desk.done(&[&["--as", "R100", "--format", "json"], asked].concat());
        assert!(!shown.contains("case-7") && !shown.contains("hold"), "{asked:?}: {shown}");
    }
    let resellers = desk.done(&["--as", "R100", "history", &company]);
    assert!(!resellers.contains("LegalHold") && !resellers.contains("case-7"), "{resellers}");
}
