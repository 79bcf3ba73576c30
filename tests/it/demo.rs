//! The demo through the real binary: what it says is what is in the store it leaves behind.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

use orderwire::{
    domain::{
        claim::{Claim, ClaimAction},
        fact::Happened,
        ids::StreamId,
        views::{notices::NOTICE, order_status::ORDER_STATUS},
    },
    engine::{leaf::hex, log::SharedLog},
    stores::{self, Migrate},
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Summary {
    orders: u64,
    by_state: BTreeMap<String, u64>,
    events: u64,
    log_head: u64,
    merkle_root: String,
    claims: u64,
    notices: u64,
    memory_kib_max: Option<u64>,
}

fn demo(store: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderwire"));
    command.args(["demo", "--format", "json", "--store"]).arg(store).args(more);
    command.output().unwrap()
}

fn played(store: &Path, more: &[&str]) -> Summary {
    let output = demo(store, more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn states(states: &[(&str, u64)]) -> BTreeMap<String, u64> {
    states.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect()
}

/// Who holds what, as the events say.
async fn claims_of_events(log: &SharedLog) -> BTreeMap<Claim, StreamId> {
    let (mut held, mut after) = (BTreeMap::new(), 0);
    loop {
        let page = log.page(after, 500).await.unwrap();
        let Some(last) = page.last() else { return held };
        for event in &page {
            assert_eq!(event.position, after + 1, "positions have no gap");
            after = event.position;
            for change in
                Happened::read(event.stream, &event.event_type, &event.event_version, &event.payload)
                    .unwrap()
                    .claims()
            {
                match change.action {
                    ClaimAction::Take => assert_eq!(held.insert(change.claim, change.holder), None),
                    ClaimAction::Release => assert_eq!(held.remove(&change.claim), Some(change.holder)),
                }
            }
        }
        after = last.position;
    }
}

#[tokio::test]
async fn the_demo_sums_up_what_is_in_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("demo.db");
    let summary = played(&store, &[]);
    assert_eq!(summary.orders, 7);
    assert!(cfg!(not(target_os = "linux")) || summary.memory_kib_max.is_some_and(|kib| kib > 1_024));
    assert_eq!(summary.by_state, states(&[("cancelled", 1), ("completed", 5), ("discarded", 1)]));
    assert_eq!(summary.events, summary.log_head);

    let log = stores::open(store.to_str().unwrap(), Migrate::No).await.unwrap();
    let head = log.head().await.unwrap();
    assert_eq!((head.position, hex(&head.frontier.root())), (summary.log_head, summary.merkle_root));
    assert_eq!(log.count(&ORDER_STATUS, &[]).await.unwrap(), summary.orders);
    assert_eq!(log.count(&NOTICE, &[]).await.unwrap(), summary.notices);
    let claims: BTreeMap<Claim, StreamId> = log.claims(None, 100_000).await.unwrap().into_iter().collect();
    assert_eq!(claims.len() as u64, summary.claims);
    assert_eq!(claims, claims_of_events(&log).await);
    log.close().await;
}

#[test]
fn the_demo_comes_to_the_same_every_time_and_wants_a_store_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one.db"), folder.path().join("other.db"));
    let orders = ["--orders", "17"];
    let (first, second) = (played(&one, &orders), played(&other, &orders));
    assert_eq!(first.by_state, states(&[("cancelled", 2), ("completed", 13), ("discarded", 2)]));
    assert_eq!(first.by_state.values().sum::<u64>(), 17);
    assert_eq!(
        (first.by_state, first.events, first.claims, first.notices),
        (second.by_state, second.events, second.claims, second.notices)
    );

    let refused = demo(&one, &[]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(refused.stdout.is_empty());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("history already"));
    let none = demo(&one, &["--orders", "0"]);
    assert_eq!(none.status.code(), Some(2));
}

/// A line of the demo's output without what differs from run to run: the root, over ids that are minted, time and memory.
fn lasting(line: &str) -> &str {
    let rows = ["root of its Merkle tree", "time taken", "memory at most"];
    rows.into_iter().find(|row| line.trim_start().starts_with(row)).unwrap_or(line.trim_end())
}

#[test]
fn the_readme_shows_what_the_demo_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_orderwire"));
    let output = command.args(["demo", "--store"]).arg(folder.path().join("demo.db")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut said = said.lines().map(lasting);

    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let shown = readme.split("<!-- demo output -->\n```\n").nth(1).unwrap().split("```").next().unwrap();
    // `…` alone leaves lines out; at the end of a line, the rest of it.
    let mut left_out = true;
    for line in shown.lines().map(lasting) {
        if line == "…" {
            left_out = true;
            continue;
        }
        let is_it =
            |found: &str| line.strip_suffix('…').map_or(found == line, |begins| found.starts_with(begins));
        let found =
            if left_out { said.find(|found| is_it(found)) } else { said.next().filter(|found| is_it(found)) };
        assert!(found.is_some(), "the demo does not say: {line}");
        left_out = false;
    }
    assert_eq!(said.next(), None, "the README ends as the demo does");
}
