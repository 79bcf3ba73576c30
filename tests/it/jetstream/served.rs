//! The real binary with a broker: what it publishes, and what it says of that.

use std::fs;

use serde_json::json;

use super::{
    messages,
    node::{Node, is_installed},
};
use crate::http::{
    order,
    stopping::{done, orderwire, served_by},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_publishes_what_was_told_before_it_started() {
    if !is_installed() {
        return;
    }
    let (node, folder) = (Node::start(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    done(folder, &["migrate"]);
    let range = ["--range", "0113 496 0000-0099", "--place", "Leeds", "--range-holder", "001"];
    done(folder, &[&["stock", "load"][..], &range].concat());
    done(folder, &["resellers", "add", "R100", "--name", "Northern Voice"]);
    let mut order = order("PO-1", "Acme Ltd");
    order["reseller"] = json!("R100");
    fs::write(folder.join("order.json"), order.to_string()).unwrap();
    done(folder, &["--auto-provision", "orders", "submit", "order.json"]);
    let told = done(folder, &["notices", "tail"]);
    let told: Vec<&str> = told.as_array().unwrap().iter().map(|it| it["notice"].as_str().unwrap()).collect();
    assert!(told.len() > 3, "{told:?}");

    let mut server = orderwire(folder);
    let (server, url) = served_by(server.env("ORDERWIRE_NATS_URL", node.url()));
    let found = messages(&node.client().await, 1, told.len() as u64).await;
    assert_eq!(found.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), told);
    let published = format!("orderwire_jetstream_published_total {}", told.len());
    let counted = async {
        loop {
            let metrics = reqwest::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
            // The broker has them a moment before its answer is here.
            if metrics.contains(&published) {
                return metrics;
            }
        }
    };
    let metrics = tokio::time::timeout(super::WITHIN, counted).await.unwrap();
    assert!(metrics.contains("orderwire_jetstream_behind "), "{metrics}");
    server.told("-TERM");
}

#[test]
fn a_server_is_not_started_with_half_a_broker() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = orderwire(folder.path());
    server.args(["serve", "--listen", "127.0.0.1:0", "--format", "json"]);
    let ran = server.env("ORDERWIRE_NATS_PASSWORD", "hunter2").output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("nats.url") && !said.contains("hunter2"), "{said}");
}
