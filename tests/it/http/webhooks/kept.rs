//! What is kept of deliveries, for how long; and that no secret is said along the way.

use std::sync::atomic::{AtomicU16, Ordering};

use chrono::TimeDelta;
use orderwire::{domain::webhook::Webhook, engine::clock::Clock as _};

use super::*;
use crate::world::Overheard;

/// Which deliveries of a webhook are kept, oldest first, and how many of them wait.
async fn kept(client: &Client, path: &str) -> (Vec<u64>, usize) {
    let said = client.get(&format!("{path}/deliveries?limit=500")).await;
    let items = said.is(200).body["items"].as_array().unwrap().clone();
    let mut sequences: Vec<u64> = items.iter().map(|it| it["sequence"].as_u64().unwrap()).collect();
    sequences.reverse();
    (sequences, items.iter().filter(|it| it["status"] == "waiting").count())
}

#[tokio::test]
async fn a_sweep_removes_what_arrived_a_week_ago_and_nothing_that_waits() {
    let answers = Arc::new(AtomicU16::new(503));
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let brisk = Receiver::open().await;
    let status = Arc::clone(&answers);
    let failing = Receiver::replying(move |_| Reply::Status(status.load(Ordering::SeqCst), "")).await;
    let mut paths = Vec::new();
    for receiver in [&brisk, &failing] {
        let wish = json!({ "url": receiver.url, "types": ["company.suspended", "company.resumed"] });
        let hook = client.post("/v1/webhooks", &wish).await;
        paths.push(format!("/v1/webhooks/{}", hook.is(201).text("id")));
    }
    let [arrives, waits] = &paths[..] else { panic!("there are two") };
    let clock = &site.world.clock;
    let begun = clock.now();
    tell_two(&site.world, companies[0]).await;
    brisk.took(2).await;
    // What was heard is written down a moment later.
    until(&client, &format!("{arrives}/deliveries"), |page| {
        page.body["items"].as_array().unwrap().len() == 2
    })
    .await;
    until(&client, &format!("{waits}/deliveries"), |page| {
        page.body["items"].as_array().unwrap().iter().any(|it| it["attempts"] == 1)
    })
    .await;
    clock.move_to(begun + TimeDelta::days(5));
    until(&client, waits, |said| said.text("status") == "stopped").await;
    tell_two(&site.world, companies[0]).await;
    brisk.took(4).await;
    until(&client, &format!("{arrives}/deliveries"), |page| {
        page.body["items"].as_array().unwrap().len() == 4
    })
    .await;
    let (before, _) = kept(&client, arrives).await;
    let (waiting, count) = kept(&client, waits).await;
    assert_eq!(count, 2);

    clock.move_to(begun + TimeDelta::days(7) + TimeDelta::hours(1));
    until(&client, &format!("{arrives}/deliveries"), |page| {
        page.body["items"].as_array().unwrap().len() == 2
    })
    .await;
    assert_eq!(kept(&client, arrives).await.0, before[2..]);
    assert_eq!(kept(&client, waits).await, (waiting.clone(), 2));
    // Long after everything that has arrived is gone, what waits is sent.
    clock.move_to(begun + TimeDelta::days(60));
    until(&client, &format!("{arrives}/deliveries"), |page| {
        page.body["items"].as_array().unwrap().is_empty()
    })
    .await;
    assert_eq!(kept(&client, waits).await, (waiting, 2));
    answers.store(204, Ordering::SeqCst);
    client.delete(&format!("{waits}/pause")).await.is(200);
    failing.took(4).await;
    in_order(&failing.taken());
    // Nothing is sent twice for want of a row.
    assert_eq!(brisk.heard().len(), 4);
    site.close().await;
}

#[tokio::test]
async fn no_secret_and_no_key_is_ever_logged() {
    let overheard = Overheard::default();
    let listening = overheard.listen(tracing::Level::TRACE);
    let answers = Arc::new(AtomicU16::new(503));
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let status = Arc::clone(&answers);
    let receiver = Receiver::replying(move |_| Reply::Status(status.load(Ordering::SeqCst), "")).await;
    let mut secrets = Vec::new();
    let mut paths = Vec::new();
    for signing in ["hmac", "ed25519"] {
        let wish = json!({ "url": receiver.url, "signing": signing });
        let hook = client.post("/v1/webhooks", &wish).await;
        let path = format!("/v1/webhooks/{}", hook.is(201).text("id"));
        secrets.extend(hook.body["secret"].as_str().map(str::to_owned));
        let rotated = client.post(&format!("{path}/secret"), &json!({ "overlap_hours": 1 })).await;
        secrets.extend(rotated.is(200).body["secret"].as_str().map(str::to_owned));
        let (_, webhook) = site.world.engine.load::<Webhook>(hook.text("id").parse().unwrap()).await.unwrap();
        for key in webhook.endpoint().unwrap().keys(site.world.clock.now()) {
            secrets.extend(site.world.engine.open_sealed(key.secret()).await.unwrap());
        }
        client.post(&format!("{path}/test"), &json!(null)).await.is(200);
        paths.push(path);
    }
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), 4, "two of each kind");
    tell_two(&site.world, companies[0]).await;
    receiver.until(|heard| heard.len() >= 4).await;
    answers.store(410, Ordering::SeqCst);
    let clock = &site.world.clock;
    clock.move_to(clock.now() + TimeDelta::minutes(1));
    for path in &paths {
        until(&client, path, |said| said.text("status") == "gone").await;
    }
    site.close().await;
    drop(listening);
    let text = overheard.text();
    assert!(text.contains("TRACE") && text.contains("a webhook is to be delivered to no more"), "{text}");
    for secret in secrets {
        let bare = secret.split_once('_').map_or(secret.as_str(), |(_, bare)| bare);
        let line = text.lines().find(|line| line.contains(bare));
        assert_eq!(line, None, "a secret is logged");
    }
}
