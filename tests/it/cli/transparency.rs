//! Checkpoints, proofs and the key of the log, by the binary.

use std::fs;

use orderwire::audit::note::{SignedCheckpoint, VerifierKey};
use serde_json::json;

use super::Desk;

#[test]
fn a_key_is_made_once_and_signs_where_the_log_is() {
    let desk = Desk::ready();
    desk.refused(2, &["checkpoint"], &["no key to sign with", "keys checkpoint create"]);
    desk.refused(2, &["keys", "checkpoint", "show"], &["no key to sign with"]);
    desk.refused(2, &["keys", "checkpoint", "create"], &["audit.origin"]);
    desk.refused(2, &["keys", "checkpoint", "create", "a b"], &["cannot name a key"]);
    desk.refused(2, &["--as", "R100", "checkpoint"], &["the carrier's"]);
    let made = desk.json(&["keys", "checkpoint", "create", "orders.example/log"]);
    assert_eq!(made, desk.json(&["keys", "checkpoint", "show"]));
    desk.refused(2, &["keys", "checkpoint", "create", "orders.example/log"], &["has a key already"]);
    let file = desk.path("orderwire.db.checkpoint-key");
    let secret = fs::read_to_string(&file).unwrap();
    assert!(secret.starts_with("PRIVATE+KEY+orders.example/log+") && !made.to_string().contains("PRIVATE"));

    let trusted: VerifierKey = made["key"].as_str().unwrap().parse().unwrap();
    let note = desk.done(&["checkpoint"]);
    let signed = SignedCheckpoint::open_of("orders.example/log", &note, &[trusted]).unwrap();
    assert_eq!(signed.checkpoint().size, desk.head() as u64);
    let shown = desk.json(&["checkpoint"]);
    assert_eq!(
        (shown["note"].as_str(), shown["origin"].as_str()),
        (Some(&*note), Some("orders.example/log"))
    );
    desk.done(&["checkpoint", "-o", "kept"]);
    assert_eq!(fs::read_to_string(desk.path("kept")).unwrap(), note);
    desk.refused(2, &["checkpoint", "-o", "kept"], &["kept"]);
}

#[test]
fn a_key_is_made_at_first_need_where_it_is_known_what_the_log_is_called() {
    let desk = Desk::ready();
    desk.write(
        "orderwire.toml",
        "[audit]\norigin = 'orders.example/log'\ncheckpoint_key_file = 'keys/log'\n",
    );
    assert!(desk.done(&["checkpoint"]).starts_with("orders.example/log\n"));
    assert!(desk.path("keys/log").exists());
    desk.write("orderwire.toml", "[audit]\norigin = 'other.example'\ncheckpoint_key_file = 'keys/log'\n");
    desk.refused(2, &["checkpoint"], &["orders.example/log", "other.example", "audit.origin"]);
}

#[test]
fn events_and_beginnings_are_proved() {
    let desk = Desk::ready();
    let head = desk.head();
    let proved = desk.json(&["prove", "1"]);
    assert_eq!((proved["position"].clone(), proved["size"].clone()), (json!(1), json!(head)));
    let earlier = desk.json(&["prove", "1", "--size", "1"]);
    assert_eq!((earlier["root"].clone(), earlier["proof"].clone()), (earlier["leaf"].clone(), json!([])));
    let grown = desk.json(&["prove", "--from", "1"]);
    assert_eq!(
        (grown["from_root"].clone(), grown["to_root"].clone()),
        (earlier["root"].clone(), proved["root"].clone())
    );
    assert!(desk.done(&["prove", "1"]).contains(proved["root"].as_str().unwrap()));
    desk.refused(2, &["prove", "99"], &["there is no position 99"]);
    desk.refused(2, &["prove", "--from", "99"], &["cannot be the beginning"]);
    desk.refused(2, &["prove", "--from", "1", "--to", "99"], &["events, not 99"]);
    desk.refused(2, &["prove"], &["POSITION"]);
    desk.refused(2, &["prove", "1", "--from", "1"], &["--from"]);
}
