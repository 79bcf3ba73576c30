//! `orderwire refusals`, as an operator asks after something that somebody tried in vain.

use std::fs;

use serde_json::json;

use super::{Desk, new_company};

#[test]
fn what_one_run_refused_another_shows() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["orders", "submit", "order.json"]);
    let head = desk.head();
    desk.refused(3, &["--actor", "alice", "--as", "R100", "orders", "discard", "PO-1"], &["not_permitted"]);
    let order = desk.json(&["orders", "show", "PO-1"])["order"].clone();
    let found = desk.json(&["refusals", "PO-1"]);
    let [refusal] = found.as_array().unwrap().as_slice() else { panic!("{found}") };
    let told = ["actor", "via", "command", "about", "rule", "status", "position", "times", "reseller"];
    let expected = json!([
        "alice",
        "command_line",
        "order.discard",
        order["order"],
        "not_permitted",
        order["status"],
        head,
        1,
        order["reseller"]
    ]);
    assert_eq!(json!(told.map(|name| &refusal[name])), expected);
    let table = desk.done(&["refusals", "--of", "alice"]);
    assert!(table.contains("order.discard") && table.contains("not_permitted"), "{table}");
    let csv = desk.done(&["--format", "csv", "refusals", "--rule", "not_permitted", "--limit", "1"]);
    assert!(csv.starts_with("id,at,last_at,times,actor,via,reseller,about,command,rule"), "{csv}");
    for nothing in [&["--of", "bob"][..], &["--rule", "not_found"], &["--command", "order.submit"]] {
        assert_eq!(desk.json(&[&["refusals"], nothing].concat()), json!([]), "{nothing:?}");
    }
    desk.done(&["resellers", "add", "R200", "--name", "Southern Voice"]);
    assert_eq!(desk.json(&["--as", "R200", "refusals"]), json!([]), "another's are not there for it");
    assert_eq!(desk.json(&["--as", "R100", "refusals"]), found);
    let reads = desk.json(&["audit", "reads", "--limit", "1"]);
    assert_eq!(reads[0]["what"], "audit reads");
    let reads = desk.json(&["audit", "reads", "--limit", "3"]);
    assert!(reads[2]["what"].as_str().unwrap().starts_with("refusals as rsl_"), "{reads}");
    desk.done(&["verify", "--models"]);
    desk.done(&["rebuild"]);
    assert_eq!(desk.json(&["refusals", "PO-1"]), found, "no fold takes it away");
}

#[test]
fn a_refused_document_is_on_record_without_a_word_of_it() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["orders", "submit", "order.json"]);
    let mut order = new_company();
    order["reference"] = "PO-Quillfeather".into();
    order["company"]["name"] = "Quillfeather Ltd".into();
    order["lines"][0]["contact"]["name"] = "Gwendolyn Quillfeather".into();
    order["lines"][3]["first_name"] = "Gwendolyn".into();
    order["lines"][3]["last_name"] = "Quillfeather".into();
    order["lines"][3]["username"] = "quillfeather".into();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("refused.json");
    fs::write(&file, order.to_string()).unwrap();
    let file = file.to_str().unwrap();
    // Its domain is Acme's.
    desk.refused(3, &["orders", "submit", file], &["company_yours"]);
    // With one of its own it is refused for a word of the document, which the refusal quotes.
    order["company"]["domain"] = "widget.example".into();
    order["lines"][3]["licence"] = "quillfeather".into();
    fs::write(file, order.to_string()).unwrap();
    let ran = desk.run(&["orders", "submit", file]);
    assert!(ran.code == 3 && ran.err.contains("no licence quillfeather"), "{}", ran.err);
    for entry in fs::read_dir(desk.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).to_lowercase();
            for word in ["quillfeather", "gwendolyn"] {
                assert!(!text.contains(word), "{word} is in {}", path.display());
            }
        }
    }
    let found = desk.json(&["refusals"]);
    let told: Vec<_> = found.as_array().unwrap().iter().map(|it| (&it["command"], &it["rule"])).collect();
    assert_eq!(told.last(), Some(&(&json!("company.qualify"), &json!("company_domain_taken"))));
    assert!(told.len() > 1, "{told:?}");
}
