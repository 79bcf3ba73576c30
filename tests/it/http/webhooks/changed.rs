//! Webhooks that are changed while something is under way to them.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use orderwire::{engine::clock::Clock as _, http::delivery::Settings};
use tokio::sync::watch;

use super::*;

/// Webhooks that are changed at once.
const HOOKS: usize = 10;

/// Nothing takes too long here.
async fn patient() -> Site {
    let long = Duration::from_mins(2);
    let settings = Settings { read_within: long, answer_within: long, ..here() };
    over(&Arc::new(Store::memory().await), settings).await
}

#[tokio::test]
async fn what_an_address_says_that_it_has_no_more_stops_nothing() {
    let site = patient().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let (let_go, may_go) = watch::channel(false);
    let old = Receiver::replying(move |_| Reply::After(may_go.clone(), 410)).await;
    let new = Receiver::open().await;
    let hook = hooked(&client, &old.url).await;
    tell_two(&site.world, companies[0]).await;
    old.until(|heard| heard.len() == 1).await;
    let path = format!("/v1/webhooks/{}", hook.text("id"));
    patch(&client, &path, &json!({ "url": new.url })).await.is(200);
    let_go.send(true).unwrap();
    in_order(&new.took(2).await);
    assert_eq!(client.get(&path).await.is(200).text("status"), "active");
    assert_eq!((old.heard().len(), new.heard().len()), (1, 2));
    site.close().await;
}

#[tokio::test]
async fn of_a_change_and_a_410_at_once_the_later_one_stands() {
    let site = patient().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let (let_go, may_go) = watch::channel(false);
    let old = Receiver::replying(move |_| Reply::After(may_go.clone(), 410)).await;
    let new = Receiver::open().await;
    let mut paths = Vec::new();
    for _ in 0..HOOKS {
        let id = hooked(&client, &old.url).await.text("id").to_owned();
        paths.push(format!("/v1/webhooks/{id}"));
    }
    tell_two(&site.world, companies[0]).await;
    old.until(|heard| heard.len() == HOOKS).await;
    let (elsewhere, half) = (json!({ "url": new.url }), HOOKS / 2);
    let mut changed = Vec::new();
    for (n, path) in paths.iter().enumerate() {
        if n == half {
            let_go.send(true).unwrap();
        }
        changed.push(patch(&client, path, &elsewhere).await);
    }
    // Whatever was active when it was changed is not stopped by what was sent before that.
    let active: Vec<_> = changed.iter().map(|said| said.is(200).text("status") == "active").collect();
    let count = active.iter().filter(|is| **is).count();
    assert!(count >= half, "{active:?}");
    new.took(2 * count).await;
    site.world.settle().await;
    for (path, was_active) in paths.iter().zip(active) {
        let status = client.get(path).await.is(200).text("status").to_owned();
        assert_eq!(status == "active", was_active, "{path} is {status}");
    }
    site.close().await;
}

/// A webhook that is told something at an address that fails, its path, and another address that fails.
async fn failing_at_two() -> (Site, Client, String, [Receiver; 2]) {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let failing = || Receiver::replying(|_| Reply::Status(503, ""));
    let receivers = [failing().await, failing().await];
    let hook = hooked(&client, &receivers[0].url).await;
    tell_two(&site.world, companies[0]).await;
    (site, client, format!("/v1/webhooks/{}", hook.text("id")), receivers)
}

/// Waits until a delivery was sent so often; what is said of it then.
async fn attempted(client: &Client, path: &str, count: u64) -> Value {
    let is_there = |it: &&Value| it["attempts"].as_u64() >= Some(count);
    let page = until(client, &format!("{path}/deliveries"), |page| {
        page.body["items"].as_array().unwrap().iter().any(|it| is_there(&it))
    })
    .await;
    page.body["items"].as_array().unwrap().iter().find(is_there).unwrap().clone()
}

#[tokio::test]
async fn the_three_days_of_another_address_begin_with_it() {
    let (site, client, path, [_old, new]) = failing_at_two().await;
    let attempts = async |count: u64| drop(attempted(&client, &path, count).await);
    attempts(1).await;
    let clock = &site.world.clock;
    clock.move_to(clock.now() + TimeDelta::hours(71));
    attempts(2).await;
    patch(&client, &path, &json!({ "url": new.url })).await.is(200);
    // At once: what the old one was waited for says nothing of the new one.
    new.until(|heard| heard.len() == 1).await;
    attempts(3).await;
    for more in 2..=4 {
        new.until_with(|heard| heard.len() >= more, || clock.move_to(clock.now() + TimeDelta::hours(7)))
            .await;
    }
    attempts(6).await;
    assert_eq!(client.get(&path).await.is(200).text("status"), "active");
    until_with_clock(&client, &path, "stopped", clock).await;
    site.close().await;
}

#[tokio::test]
async fn another_address_is_tried_again_as_soon_as_a_new_webhook_is() {
    let (site, client, path, [_old, new]) = failing_at_two().await;
    let first = async |count: u64| attempted(&client, &path, count).await;
    let clock = &site.world.clock;
    for attempts in 1..=8 {
        first(attempts).await;
        clock.move_to(clock.now() + TimeDelta::hours(7));
    }
    first(9).await;
    patch(&client, &path, &json!({ "url": new.url })).await.is(200);
    new.until(|heard| heard.len() == 1).await;
    let failed = first(10).await;
    let next: chrono::DateTime<chrono::Utc> = failed["next_attempt_at"].as_str().unwrap().parse().unwrap();
    assert!(next - clock.now() <= TimeDelta::seconds(5), "{failed:#}");
    site.close().await;
}

async fn until_with_clock(
    client: &Client,
    path: &str,
    status: &str,
    clock: &orderwire::engine::clock::SimulatedClock,
) {
    until(client, path, |said| {
        clock.move_to(clock.now() + TimeDelta::hours(1));
        said.text("status") == status
    })
    .await;
}

#[tokio::test]
async fn a_redelivery_that_was_promised_outlives_a_pause_and_a_server() {
    let store = Arc::new(Store::sqlite());
    let first = over(&store, here()).await;
    first.world.leeds().await;
    let (_, client, companies) = companies(&first, 1, 1).await;
    let receiver = Receiver::open().await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&first.world, companies[0]).await;
    let first_two = receiver.took(2).await;
    let token = client.token.clone();
    first.close().await;
    let path = format!("/v1/webhooks/{}", hook.text("id"));

    // Nobody delivers when it is asked for, nor before it is paused.
    let idle = over(&store, Settings { deliver: false, ..here() }).await;
    let client = Client { token: token.clone(), ..idle.nobody() };
    let wish = json!({ "notice": first_two[0].id() });
    client.post(&format!("{path}/deliveries"), &wish).await.is(202);
    client.post(&format!("{path}/pause"), &json!(null)).await.is(200);
    client.post(&format!("{path}/deliveries"), &wish).await.problem(409, "not_permitted");
    idle.close().await;

    let last = over(&store, here()).await;
    let client = Client { token, ..last.nobody() };
    let waiting = until(&client, &format!("{path}/deliveries?status=waiting"), |page| {
        !page.body["items"].as_array().unwrap().is_empty()
    })
    .await;
    let waits = &waiting.body["items"][0];
    assert_eq!((&waits["again"], &waits["notice"]), (&json!(true), &json!(first_two[0].id())), "{waits:#}");
    assert_eq!(receiver.heard().len(), 2);
    client.delete(&format!("{path}/pause")).await.is(200);
    assert_eq!(receiver.took(3).await[2].body, first_two[0].body);
    last.close().await;
}

#[tokio::test]
async fn what_is_sent_once_more_in_vain_stops_nothing_and_ends_with_a_replay() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let fails = Arc::new(AtomicBool::new(false));
    let it_fails = Arc::clone(&fails);
    let receiver = Receiver::replying(move |_| {
        Reply::Status(if it_fails.load(Ordering::SeqCst) { 503 } else { 204 }, "")
    })
    .await;
    let path = format!("/v1/webhooks/{}", hooked(&client, &receiver.url).await.text("id"));
    let deliveries = format!("{path}/deliveries");
    tell_two(&site.world, companies[0]).await;
    let last = receiver.took(2).await[1].clone();
    let wish = json!({ "notice": last.id() });
    fails.store(true, Ordering::SeqCst);
    let once_more = async || {
        client.post(&deliveries, &wish).await.is(202);
        until(&client, &deliveries, |page| {
            let items = page.body["items"].as_array().unwrap();
            items.iter().any(|it| it["again"] == true && it["attempts"] == 1 && it["status"] == "waiting")
        })
        .await;
    };
    once_more().await;
    let clock = &site.world.clock;
    clock.move_to(clock.now() + TimeDelta::days(3) + TimeDelta::hours(1));
    until(&client, &deliveries, |page| {
        page.body["items"].as_array().unwrap().iter().any(|it| it["status"] == "given_up")
    })
    .await;
    assert_eq!(client.get(&path).await.text("status"), "active");
    once_more().await;
    client.post(&format!("{path}/replay"), &json!({ "after": last.sequence() })).await.is(200);
    until(&client, &format!("{deliveries}?status=waiting"), |page| {
        page.body["items"].as_array().unwrap().is_empty()
    })
    .await;
    site.close().await;
}
