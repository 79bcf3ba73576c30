//! Everything that can be asked about a company whose data was erased: it answers as before, and names nobody.

use std::fs;

use orderwire::{domain::sealed::Sealed, engine::Engine};
use serde_json::Value;

use super::{
    Desk,
    erasure::{Customer, engine, found, needles, released},
};

/// Everything sealed with a key, wherever it stands in a document.
fn sealed_by(key: &str, value: &Value, found: &mut Vec<Sealed>) {
    match value {
        Value::Object(fields) if fields.get("key_id").is_some_and(|id| id == key) => {
            found.push(serde_json::from_value(value.clone()).unwrap());
        }
        Value::Object(fields) => {
            for value in fields.values() {
                sealed_by(key, value, found);
            }
        }
        Value::Array(values) => {
            for value in values {
                sealed_by(key, value, found);
            }
        }
        // Texts of the log are kept as texts.
        Value::String(text) => {
            if let Ok(inner @ Value::Object(_)) = serde_json::from_str(text) {
                sealed_by(key, &inner, found);
            }
        }
        _ => {}
    }
}

async fn opened(engine: &Engine, sealed: &[Sealed]) -> Vec<Option<String>> {
    let mut texts = Vec::new();
    for sealed in sealed {
        texts.push(engine.open_sealed(sealed).await.unwrap());
    }
    texts
}

/// Exports of everything in every encoding, and of one company.
fn export(desk: &Desk, name: &str, company: &str) {
    for encoding in ["jsonl", "csv", "cloudevents"] {
        desk.done(&["export", "-o", &format!("{name}-{encoding}"), "--encoding", encoding]);
    }
    desk.done(&["export", "-o", &format!("{name}-own"), "--company", company]);
}

#[tokio::test]
async fn what_was_proved_before_an_erasure_is_proved_after_it_and_names_nobody() {
    let desk = Desk::ready();
    let key = desk.json(&["keys", "checkpoint", "create", "orders.example/log"])["key"].clone();
    let key = key.as_str().unwrap();
    let engine = engine(&desk).await;
    let Customer { company, order, .. } = released(&engine, 1).await;
    let Customer { order: other_order, .. } = released(&engine, 2).await;
    let (company, order) = (company.to_string(), order.to_string());
    engine.close().await;

    // What there is before: nothing of it has a name in it but what the command line opens.
    export(&desk, "before", &company);
    for (id, file) in [(&order, "order.pack"), (&company, "company.pack")] {
        desk.done(&["evidence", id, "-o", file]);
    }
    desk.done(&["checkpoint", "-o", "before.note"]);
    desk.done(&["verify", "--witness", "kept", "--append"]);
    desk.done(&["keys", "backup", "-o", "keys"]);
    let size = desk.head();
    assert_eq!(
        found(desk.folder.path(), &needles()),
        Vec::<String>::new(),
        "what is sealed is sealed everywhere"
    );
    assert!(desk.done(&["history", &order]).contains("Gwendolyn00001"), "until it is erased it can be read");
    let at_size = size.to_string();
    let proofs: Vec<Value> =
        (1..=size).map(|at| desk.json(&["prove", &at.to_string(), "--size", &at_size])).collect();
    let mut sealed = Vec::new();
    for line in fs::read_to_string(desk.path("before-own/part-000001.jsonl")).unwrap().lines() {
        sealed_by(&company, &serde_json::from_str(line).unwrap(), &mut sealed);
    }
    let engine = super::erasure::engine(&desk).await;
    let before = opened(&engine, &sealed).await;
    engine.close().await;
    for word in [
        "Gwendolyn",
        "Thistlewood",
        "quillfeather",
        "fernhollow",
        "OSPREYHOLM",
        "Mistlethwaite",
        "Larkspurgate",
    ] {
        let is_there = before.iter().flatten().any(|text| text.contains(word));
        assert!(is_there, "{word} is in the export, sealed, and its key opens it: {before:?}");
    }

    let erased = desk.json(&["erase", &company, "--reason", "asked for", "--vacuum"]);
    assert_eq!(erased["company"]["erased"], true);

    // What was kept is as good as before, and opens no more.
    let engine = super::erasure::engine(&desk).await;
    assert_eq!(
        opened(&engine, &sealed).await,
        vec![None; sealed.len()],
        "the erasure reaches what left the house"
    );
    engine.close().await;
    for (at, before) in (1..).zip(&proofs) {
        let now: Value = desk.json(&["prove", &at.to_string(), "--size", &at_size]);
        assert_eq!(now, *before, "position {at}");
    }
    for folder in ["before-jsonl", "before-csv", "before-cloudevents", "before-own"] {
        desk.done(&["export", "verify", folder, "--key", key]);
    }
    for (id, file) in [(&order, "order.pack"), (&company, "company.pack")] {
        desk.done(&["verify", file, "--key", key]);
        let after = format!("{file}.after");
        desk.done(&["evidence", id, "-o", &after]);
        desk.done(&["verify", &after, "--key", key]);
    }
    desk.done(&["verify", "--since", "before.note"]);
    desk.done(&["verify", "--witness", "kept", "--append"]);
    desk.done(&["prove", "--from", &at_size, "--to", &desk.head().to_string()]);

    // Everything that is asked of it is answered, and every read model is made again the same.
    let head = desk.head().to_string();
    let mut said = Vec::new();
    for asked in [
        &["history", &company][..],
        &["history", &order],
        &["replay", &company],
        &["replay", &order],
        &["replay", &order, "--as-of", &at_size],
        &["diff", &order, "1", &head],
        &["diff", &company, "1", &head],
        &["trace", &order],
        &["why-not", &company, "qualify"],
        &["stats"],
        &["orders", "show", &order],
        &["orders", "list"],
        &["companies", "show", &company],
        &["companies", "list"],
        &["notices", "tail"],
        &["log", "--limit", "1000000"],
        &["audit", "reads"],
        &["verify"],
        &["verify", "--models"],
        &["rebuild"],
        &["verify", "--models"],
        &["replay", &order],
        &["keys", "restore", "keys"],
    ] {
        for format in ["table", "json"] {
            let ran = desk.run(&[&["-vvv", "--format", format], asked].concat());
            assert_eq!(ran.code, 0, "{asked:?}: {}", ran.err);
            said.push([ran.out, ran.err].concat());
        }
    }
    let erased: usize = said.iter().map(|text| text.matches("erased").count()).sum();
    assert!(erased > 10, "what is erased reads so");
    export(&desk, "after", &company);
    desk.done(&["export", "verify", "after-jsonl", "--key", key]);
    fs::write(desk.path("said"), said.concat()).unwrap();
    let mine = needles().into_iter().map(|word| [word, b"00001".to_vec()].concat()).collect::<Vec<_>>();
    assert_eq!(found(desk.folder.path(), &mine), Vec::<String>::new());
    let readable = desk.done(&["history", &other_order.to_string()]);
    assert!(readable.contains("Gwendolyn00002"), "nobody else's was erased: {readable}");
}
