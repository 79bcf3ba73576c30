//! Evidence packs: what was sealed verifies with the key alone, and no byte of it can be another.

use std::{process::Command, sync::Arc};

use orderwire::audit::{
    evidence::{Pack, PackError, Verified, verify},
    note::{SignerKey, VerifierKey},
    proofs::LeavesRead,
};
use serde_json::{Value, json};

use super::{random::*, *};

fn signer() -> SignerKey {
    SignerKey::from_seed("orders.example/log", &[7; 32]).unwrap()
}

fn trusted() -> [VerifierKey; 1] {
    [signer().verifier().clone()]
}

/// The pack of a life's first order, line by line.
async fn lines(life: &Life) -> Vec<String> {
    let subject = life.orders[0].stream();
    let engine = &life.world.engine;
    let mut pack = Pack::begin(engine, Arc::new(signer()), &LeavesRead::default(), subject).await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = pack.next().await.unwrap() {
        lines.push(line);
    }
    lines
}

fn read(lines: &[String]) -> Result<Verified, PackError> {
    verify(lines.concat().as_bytes(), &trusted())
}

#[track_caller]
fn refused(lines: &[String], line: u64, why: &str) {
    match read(lines) {
        Err(PackError::Refused { line: at, why: said }) => {
            assert!(at == line && said.contains(why), "line {at}: {said}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pack_has_the_order_its_company_and_its_port_and_proves_them() {
    let life = Life::lived().await;
    let lines = lines(&life).await;
    let verified = read(&lines).unwrap();
    let own: Vec<StreamId> = vec![life.orders[0].stream(), life.company.stream(), life.port.stream()];
    let events = crate::audit::log(&life.world.engine).await;
    let expected = events.iter().filter(|event| own.contains(&event.stream)).count();
    assert_eq!((verified.streams, verified.events), (3, expected as u64));
    assert_eq!(verified.statuses[&life.orders[0].to_string()], "completed");
    assert_eq!(verified.size, events.len() as u64);
    let text = lines.concat();
    assert!(text.contains("ciphertext"), "what is sealed is there, and stays sealed");
    let stranger = SignerKey::from_seed("orders.example/log", &[8; 32]).unwrap();
    assert!(verify(text.as_bytes(), &[stranger.verifier().clone()]).is_err());
}

#[tokio::test]
async fn a_pack_that_was_changed_is_refused_with_its_line() {
    let life = Life::lived().await;
    let lines = lines(&life).await;
    let first = 1 + lines.iter().position(|line| line.contains("\"kind\":\"event\"")).unwrap();
    let end = lines.len();
    let edited = |line: usize, field: &str, value: Value| {
        let mut changed = lines.clone();
        let mut read: Value = serde_json::from_str(&changed[line - 1]).unwrap();
        read[field] = value;
        changed[line - 1] = format!("{read}\n");
        changed
    };
    let event: Value = serde_json::from_str(&lines[first]).unwrap();
    let begins = first as u64;
    refused(&edited(first, "payload", json!("{}")), begins, "is not that of its text");
    refused(&edited(first, "recorded_at_us", json!(1)), begins, "is not that of its text");
    refused(&edited(first, "position", json!(1)), begins, "is not that of its text");
    refused(&edited(first, "proof", event["proof"].clone()), begins, "is not proved");
    refused(&edited(first, "proof", json!([])), begins, "is not proved");
    refused(&edited(first, "stream", json!("ord_0")), begins, "is not an id");
    refused(&edited(first, "more", json!(1)), begins, "cannot be read");
    refused(&edited(1, "subject", json!("ord_1")), end as u64, "the seal is of other lines");
    refused(&edited(1, "streams", json!([])), begins, "the pack is not about");
    refused(&edited(2, "note", json!("nothing\n")), 2, "no signed note");
    refused(&edited(3, "steps", json!([["a", "b", "c", "d"]])), 3, "has no step a, b, c, d");
    refused(&edited(3, "steps", json!([])), begins, "no table with the step");
    let without = |gone: usize| [&lines[..gone - 1], &lines[gone..]].concat();
    refused(&without(first), begins, "after event 0");
    refused(&without(end - 1), end as u64 - 1, "the seal is of other lines");
    refused(&without(end), end as u64, "before the note that seals it");
    refused(&without(1), 1, "the first line");
    refused(&[lines.clone(), vec![lines[0].clone()]].concat(), end as u64 + 1, "follows the seal");
    let mut swapped = lines.clone();
    swapped.swap(first - 1, first);
    refused(&swapped, begins, "after event 0");
    refused(&[], 1, "before the note that seals it");
}

#[tokio::test]
async fn any_byte_of_a_pack_that_is_another_is_noticed() {
    let (count, seed) = size_and_seed();
    let mut numbers = Numbers(seed);
    let life = Life::lived().await;
    let bytes = lines(&life).await.concat().into_bytes();
    assert!(verify(&*bytes, &trusted()).is_ok());
    for round in 0..count {
        let mut changed = bytes.clone();
        let at = usize::try_from(numbers.below(bytes.len() as u64)).unwrap();
        match numbers.below(3) {
            0 => changed[at] ^= 1 << numbers.below(8),
            1 => drop(changed.remove(at)),
            _ => changed.truncate(at),
        }
        assert!(verify(&*changed, &trusted()).is_err(), "{seed}, {round}: byte {at} of the pack");
    }
}

#[tokio::test]
async fn a_program_of_somebody_elses_verifies_a_pack() {
    let home = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Command::new(home.join("scripts/prepare-verifier")).status().unwrap();
    assert!(made.success(), "scripts/prepare-verifier makes the verifier ready");
    let life = Life::lived().await;
    let lines = lines(&life).await;
    let folder = tempfile::tempdir().unwrap();
    let said = |lines: &[String]| {
        let file = folder.path().join("pack.jsonl");
        fs::write(&file, lines.concat()).unwrap();
        let mut python = Command::new(home.join("target/verifier/python/bin/python"));
        python.arg(home.join("examples/audit/verify_pack.py")).arg(file).arg(trusted()[0].to_string());
        python.output().unwrap()
    };
    let verified = read(&lines).unwrap();
    let sound = said(&lines);
    let text = String::from_utf8_lossy(&sound.stdout).into_owned();
    assert!(sound.status.success(), "{}", String::from_utf8_lossy(&sound.stderr));
    let expected = format!(
        "{} events of {} are in the log of {} events of orders.example/log\n",
        verified.events, verified.subject, verified.size
    );
    assert_eq!(text, expected);
    let event = lines.iter().position(|line| line.contains("\"kind\":\"event\"")).unwrap();
    for (line, from, to) in
        [(event, "payload\":\"", "payload\":\" "), (0, "ord_", "ord_0"), (1, "note\":\"", "note\":\"x")]
    {
        let mut changed = lines.clone();
        changed[line] = changed[line].replacen(from, to, 1);
        assert!(!said(&changed).status.success(), "line {}", line + 1);
    }
}
