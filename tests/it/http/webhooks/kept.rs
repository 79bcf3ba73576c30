//! What is kept of deliveries, for how long; and that no secret is said along the way.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use orderwire::{
    domain::{views::table::Record as _, webhook::Webhook},
    edge::deliveries::{Delivery, WEBHOOK_DELIVERY},
    engine::{
        clock::Clock as _,
        log::{ReaderCommit, RowChange, Select, SharedLog},
        query,
    },
};
use tokio::sync::watch;

use super::*;
use crate::world::{Meddles, Overheard};

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

/// Rows that are kept of one webhook.
const KEPT_MAX: u64 = 10_000;

/// Writes as many rows of what was sent once more to a webhook as are kept of one, newer than any other.
async fn make_full(log: &SharedLog, webhook: &str, notice: &str, at: DateTime<Utc>) {
    let view = query::get(log, webhook).await.unwrap().unwrap();
    let told = query::get(log, notice).await.unwrap().unwrap();
    let of = |n| {
        let arrived =
            Delivery { sequence: 1_000_000 + n, ended_at: Some(at), ..Delivery::new(&view, &told, true) };
        RowChange::Put(&WEBHOOK_DELIVERY, arrived.to_row())
    };
    let rows: Vec<_> = (0..KEPT_MAX).map(of).collect();
    for rows in rows.chunks(1_000) {
        log.change_rows(rows, None).await.unwrap();
    }
}

/// A server, a receiver that fails when it is told to, and a webhook that was sent more than is removed at once.
async fn told_a_thousand(store: &Arc<Store>) -> (Site, Client, Receiver, Arc<AtomicBool>, String, usize) {
    let site = over(store, here()).await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let fails = Arc::new(AtomicBool::new(false));
    let it_fails = Arc::clone(&fails);
    let receiver = Receiver::replying(move |_| {
        Reply::Status(if it_fails.load(Ordering::SeqCst) { 503 } else { 204 }, "")
    })
    .await;
    for _ in 0..550 {
        tell_two(&site.world, companies[0]).await;
    }
    let hook = client.post("/v1/webhooks", &json!({ "url": receiver.url, "after": 0 })).await;
    let id = hook.is(201).text("id").to_owned();
    let many = all(&client, "", 500).await.len();
    receiver.took(many).await;
    (site, client, receiver, fails, id, many)
}

/// Holds up what is written of many deliveries until somebody has looked for those that have ended, as far as somebody does.
struct Holds(watch::Sender<u64>);

#[async_trait]
impl Meddles for Holds {
    async fn apply(&self, commit: &mut ReaderCommit) {
        let is_put =
            |it: &&RowChange| matches!(it, RowChange::Put(table, _) if table.name == WEBHOOK_DELIVERY.name);
        if commit.changes.iter().filter(is_put).count() < 100 {
            return;
        }
        let mut looks = self.0.subscribe();
        let looked = tokio::time::timeout(Duration::from_secs(1), looks.changed()).await;
        drop(looked);
    }

    fn selected(&self, select: &Select) {
        if select.order == "ended_at" {
            self.0.send_modify(|looks| *looks += 1);
        }
    }
}

#[tokio::test]
async fn a_sweep_in_the_middle_of_a_replay_loses_nothing_that_waits() {
    let store = Arc::new(Store::sqlite());
    let (first, client, receiver, fails, id, many) = told_a_thousand(&store).await;
    let (token, now) = (client.token.clone(), first.world.clock.now());
    first.close().await;
    let log = store.log().await;
    // So what has arrived is the oldest of what is too much.
    make_full(&log, &id, receiver.taken()[0].id(), now + TimeDelta::hours(1)).await;
    let idle = over(&store, delivery::Settings { deliver: false, ..here() }).await;
    let client = Client { token, ..idle.nobody() };
    client.post(&format!("/v1/webhooks/{id}/replay"), &json!({ "after": 0 })).await.is(200);
    idle.close().await;

    fails.store(true, Ordering::SeqCst);
    let meddled = store.meddled_with(Holds(watch::channel(0).0)).await;
    let again = over(&Arc::new(meddled), here()).await;
    let waits = [query::equal("parent", id.clone()), query::equal("waits", 1)];
    let all_wait = async {
        while log.count(&WEBHOOK_DELIVERY, &waits).await.unwrap() < many as u64 {
            tokio::task::yield_now().await;
        }
    };
    let all_wait = tokio::time::timeout(Duration::from_mins(1), all_wait).await;
    let left = log.count(&WEBHOOK_DELIVERY, &waits).await.unwrap();
    assert!(all_wait.is_ok(), "{left} of {many} are left");
    fails.store(false, Ordering::SeqCst);
    let clock = &again.world.clock;
    receiver
        .until_with(
            |heard| heard.iter().filter(|it| it.taken).count() >= 2 * many,
            || clock.move_to(clock.now() + TimeDelta::seconds(10)),
        )
        .await;
    again.close().await;
    log.close().await;
    in_order(&receiver.taken()[many..]);
}

#[tokio::test]
async fn what_is_sent_once_more_does_not_push_others_out_of_what_is_kept() {
    let store = Arc::new(Store::sqlite());
    let (first, client, receiver, _, id, many) = told_a_thousand(&store).await;
    let (token, now) = (client.token.clone(), first.world.clock.now());
    first.close().await;
    // Others that have arrived, as many as make it full.
    let log = store.log().await;
    make_full(&log, &id, receiver.taken()[0].id(), now).await;
    let again = over(&store, here()).await;
    let client = Client { token, ..again.nobody() };
    let kept = async || log.count(&WEBHOOK_DELIVERY, &[query::equal("parent", id.clone())]).await.unwrap();
    client.post(&format!("/v1/webhooks/{id}/replay"), &json!({ "after": 0 })).await.is(200);
    receiver.took(2 * many).await;
    // What is too much goes, and no more than that.
    let clock = &again.world.clock;
    clock.move_to(clock.now() + TimeDelta::minutes(2));
    let swept = async {
        while kept().await > KEPT_MAX {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), swept).await.unwrap();
    again.close().await;
    assert_eq!(kept().await, KEPT_MAX);
    log.close().await;
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
