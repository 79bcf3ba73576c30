//! A whole small life, as its log had it: replayed, it leads to the states it led to then.
//!
//! The states are kept per name of their schema. A state that is written otherwise under the same name would be read from
//! a snapshot of yesterday, so it goes red; a new name gets new golden states.

use std::collections::BTreeMap;

use orderwire::{
    domain::{
        fact::Happened,
        ids::{AggregateKind, StreamId},
        joint::{Command, State},
        order::commands::OrderCommand,
        port_request::{PortRequest, commands::PortCommand},
    },
    engine::{leaf::hex, log::StoredEvent, snapshot_schema},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{golden, same};
use crate::{invariants::state_text, world::*};

const HISTORY: &str = "tests/golden/histories/v1.jsonl";

/// A stored event as a line.
#[derive(Serialize, Deserialize)]
struct Line {
    stream: StreamId,
    sequence: u64,
    event_type: String,
    event_version: String,
    recorded_at_us: i64,
    payload: String,
    metadata: String,
}

impl From<StoredEvent> for Line {
    fn from(event: StoredEvent) -> Self {
        let StoredEvent {
            stream,
            sequence,
            event_type,
            event_version,
            recorded_at_us,
            payload,
            metadata,
            ..
        } = event;
        Self { stream, sequence, event_type, event_version, recorded_at_us, payload, metadata }
    }
}

/// A company comes into service, ports a number in, gives one back, and cancels what it does not want.
async fn life() -> String {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.in_service(reseller, 1).await;
    let (_, ports) = world.submitted(company, "PO-2", vec![port(port_of(1, morning("2026-06-12")))]).await;
    world.settle().await;
    world.accepted(ports[0], "m1").await;
    world.settle().await;
    let opens_at = world.state::<PortRequest>(ports[0]).await.confirmed_window().unwrap().opens_at();
    world.sleep_until(opens_at).await;
    world.say(ports[0], PortCommand::Activate).await;
    let numbers = world.state::<PortRequest>(ports[0]).await.numbers();
    world
        .say(ports[0], PortCommand::NetworkReport { message: "n1".parse().unwrap(), live: numbers.clone() })
        .await;
    let (order, _) = world.submitted(company, "PO-3", vec![port(port_of(2, morning("2026-07-15")))]).await;
    world.tell(order, OrderCommand::RequestCancellation { reason: None }).await;
    world.settle().await;
    world.done(Command::CeaseNumbers { company, numbers }).await;
    world.settle().await;
    let events = world.engine.page(0, 10_000).await.unwrap();
    let lines = events.into_iter().map(|event| serde_json::to_string(&Line::from(event)).unwrap() + "\n");
    lines.collect()
}

#[tokio::test]
async fn the_golden_history_leads_to_the_golden_states() {
    let made = if super::path(HISTORY).exists() { String::new() } else { life().await };
    let text = golden(HISTORY, || Some(made));
    let mut states: BTreeMap<StreamId, State> = BTreeMap::new();
    let mut hashes: BTreeMap<AggregateKind, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        let happened =
            Happened::read(line.stream, &line.event_type, &line.event_version, &line.payload).unwrap();
        assert_eq!(happened.name(), line.event_type);
        assert!(*happened.version() >= *line.event_version, "an old shape is read as the newest");
        let state = states.remove(&line.stream).unwrap_or_else(|| State::beginning(line.stream));
        let state = state.after(&happened).unwrap_or_else(|illegal| panic!("{} {illegal}", line.stream));
        let hash = hex(&Sha256::digest(state_text(&state)));
        hashes.entry(line.stream.kind).or_default().push(format!("{} {} {hash}", line.stream, line.sequence));
        states.insert(line.stream, state);
    }
    assert_eq!(hashes.len(), 5, "every kind of aggregate lives in it");
    for (kind, hashes) in hashes {
        let schema = snapshot_schema(kind);
        same(&format!("tests/golden/histories/v1.{schema}.hashes"), &(hashes.join("\n") + "\n"));
        let of_kind = states.iter().filter(|(stream, _)| stream.kind == kind);
        let texts: Vec<String> =
            of_kind.map(|(stream, state)| format!("{stream} {}", state_text(state))).collect();
        same(&format!("tests/golden/snapshots/{schema}.txt"), &(texts.join("\n") + "\n"));
    }
}
