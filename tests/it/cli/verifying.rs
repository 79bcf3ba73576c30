//! Verifying stores and packs, by the binary.

use std::fs;

use serde_json::json;

use super::Desk;

fn meddle(desk: &Desk, sql: &str) {
    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql} changes nothing");
}

/// A store with a key, and what verifies its checkpoints.
fn keyed() -> (Desk, String) {
    let desk = Desk::ready();
    let made = desk.json(&["keys", "checkpoint", "create", "orders.example/log"]);
    (desk, made["key"].as_str().unwrap().to_owned())
}

#[test]
fn a_sound_store_is_verified_and_a_spoiled_one_ends_with_a_code_of_its_own() {
    let desk = Desk::ready();
    let verified = desk.json(&["verify", "--models"]);
    assert_eq!((&verified["to"], &verified["found"]), (&json!(desk.head()), &json!(null)));
    assert!(verified["rows"].as_u64() > Some(0) && verified["claims"].as_u64() > Some(0));
    assert!(desk.done(&["verify"]).contains("nothing"));
    desk.refused(2, &["--as", "R100", "verify"], &["the carrier's"]);
    desk.refused(2, &["verify", "--append"], &["--witness"]);
    desk.refused(2, &["verify", "--witness", "none"], &["none"]);

    meddle(
        &desk,
        "UPDATE events SET payload = replace(payload, 'Northern', 'Southern') WHERE payload LIKE '%Northern%'",
    );
    let ran = desk.run(&["--format", "json", "verify"]);
    assert_eq!(ran.code, 7, "{}", ran.err);
    let (told, said): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&ran.out).unwrap(), serde_json::from_str(&ran.err).unwrap());
    assert_eq!(told["found"]["check"], "leaf");
    assert_eq!((&said["error"]["kind"], &said["error"]["exit_code"]), (&json!("found"), &json!(7)));
    let at = told["found"]["position"].as_u64().unwrap();
    desk.refused(6, &["prove", &at.to_string()], &["not that of its stored text"]);
}

#[test]
fn a_witness_grows_and_finds_what_was_cut_off() {
    let (desk, key) = keyed();
    desk.done(&["verify", "--witness", "kept", "--append"]);
    desk.done(&["checkpoint", "-o", "since"]);
    desk.done(&["resellers", "add", "R200", "--name", "Southern Voice"]);
    let verified = desk.json(&["verify", "--witness", "kept", "--append", "--key", &key]);
    assert_eq!(verified["checkpoints"], 1);
    assert_eq!(desk.json(&["verify", "--witness", "kept"])["checkpoints"], 2);
    let increment = desk.json(&["verify", "--since", "since"]);
    assert_eq!((&increment["events"], &increment["to"]), (&json!(1), &json!(desk.head())));
    let kept = fs::read_to_string(desk.path("kept")).unwrap();
    fs::write(desk.path("forged"), kept.replacen("\n3\n", "\n2\n", 1).replacen("\n4\n", "\n5\n", 1)).unwrap();
    desk.refused(2, &["verify", "--witness", "forged"], &["forged", "line"]);
    desk.refused(2, &["verify", "--witness", "kept", "--key", "no key"], &["--key"]);
}

#[test]
fn a_pack_is_verified_where_there_is_no_store() {
    let (desk, key) = keyed();
    let reseller = desk.json(&["resellers", "list"])[0]["reseller"].as_str().unwrap().to_owned();
    desk.done(&["evidence", &reseller, "-o", "pack.jsonl"]);
    desk.refused(2, &["evidence", &reseller, "-o", "pack.jsonl"], &["pack.jsonl"]);
    desk.refused(3, &["evidence", "ord_00000000000000000000000000000000"], &["there is no order"]);
    assert_eq!(desk.done(&["evidence", &reseller]).lines().count(), 5);

    let elsewhere = Desk::empty();
    fs::copy(desk.path("pack.jsonl"), elsewhere.path("pack.jsonl")).unwrap();
    let verified = elsewhere.json(&["verify", "pack.jsonl", "--key", &key]);
    assert_eq!((&verified["subject"], &verified["events"]), (&json!(reseller), &json!(1)));
    assert!(!elsewhere.store().exists());
    assert_eq!(elsewhere.run(&["verify", "pack.jsonl"]).code, 2);
    let text = fs::read_to_string(desk.path("pack.jsonl")).unwrap();
    elsewhere.write("pack.jsonl", text.replacen("Northern", "Southern", 1));
    let ran = elsewhere.run(&["verify", "pack.jsonl", "--key", &key]);
    assert!(ran.code == 7 && ran.err.contains("pack.jsonl, line 4"), "{}", ran.err);
}
