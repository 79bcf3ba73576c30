//! The leaf of an event is frozen: an auditor computes it from the stored columns, with any tool.

use orderwire::{
    domain::ids::StreamId,
    engine::leaf::{Frontier, LeafEntry, hex},
};
use serde_json::json;

use super::same;

#[test]
fn the_leaf_and_the_root_are_what_they_always_were() {
    let stream: StreamId = "ord_018bcfe568007000800000000000002a".parse().unwrap();
    let mut frontier = Frontier::default();
    let leaves: Vec<_> = (1..=3_u32)
        .map(|n| {
            let metadata = format!("{{\"actor\":\"alice\",\"command\":\"order.submit\",\"n\":\"{n}\"}}");
            let entry = LeafEntry {
                log_id: 0,
                position: u64::from(n),
                stream,
                sequence: u64::from(n),
                event_type: "OrderAcknowledged",
                event_version: "1",
                recorded_at_us: 1_790_000_000_000_000 + i64::from(n),
                payload: "\"OrderAcknowledged\"",
                metadata: &metadata,
            };
            frontier.push(entry.hash());
            json!({
                "entry": hex(&entry.bytes()),
                "leaf": hex(&entry.hash()),
                "root": hex(&frontier.root()),
                "frontier": hex(&frontier.to_bytes()),
            })
        })
        .collect();
    let text =
        serde_json::to_string_pretty(&json!({ "layout": "orderwire-leaf-1", "leaves": leaves })).unwrap();
    same("tests/golden/leaf.json", &format!("{text}\n"));
}
