//! A webhook of which something cannot be read: it waits for somebody who looks, and others do not.

use chrono::TimeDelta;
use orderwire::{
    domain::{
        sealed::Sealed,
        views::table::{Record as _, Row},
        webhook::values::{SigningKey, WebhookDescription},
    },
    edge::deliveries::{Delivery, Place, WEBHOOK_DELIVERY, WEBHOOK_PLACE},
    engine::{clock::Clock as _, log::RowChange, query},
    http::delivery::signing,
};

use super::*;

#[tokio::test]
async fn a_secret_that_cannot_be_opened_keeps_nobody_else_waiting() {
    let site = site().await;
    site.world.leeds().await;
    let (reseller, client, companies) = companies(&site, 1, 1).await;
    let (broken, sound) = (Receiver::open().await, Receiver::open().await);
    let secret = signing::fresh_secret();
    let sealed = site.world.engine.seal(reseller.into(), &secret, &secret).await.unwrap();
    // Of another text, under the same key.
    let nonce = site.world.engine.seal(reseller.into(), "another", "another").await.unwrap().nonce;
    let key = SigningKey::Hmac { secret: Sealed { nonce, ..sealed } };
    let (url, types) = (broken.url.parse().unwrap(), std::collections::BTreeSet::default());
    let (description, after) = (WebhookDescription::default(), 0);
    site.world.done(Command::CreateWebhook { reseller, url, types, description, key, after }).await;
    hooked(&client, &sound.url).await;
    tell_two(&site.world, companies[0]).await;
    in_order(&sound.took(2).await);
    site.close().await;
    assert_eq!(broken.heard().len(), 0);
}

#[tokio::test]
async fn rows_that_cannot_be_read_keep_nobody_else_waiting_and_are_read_again_later() {
    let store = Arc::new(Store::sqlite());
    let first = over(&store, here()).await;
    first.world.leeds().await;
    let (_, client, companies) = companies(&first, 1, 1).await;
    let (broken, sound) = (Receiver::open().await, Receiver::open().await);
    let id = hooked(&client, &broken.url).await.text("id").to_owned();
    hooked(&client, &sound.url).await;
    tell_two(&first.world, companies[0]).await;
    broken.took(2).await;
    sound.took(2).await;
    first.close().await;
    let log = store.log().await;
    let place: Place = query::get(&log, &id).await.unwrap().unwrap();
    let right = place.to_row();
    let wrong = Row { doc: "{}".to_owned(), ..right.clone() };
    log.change_rows(&[RowChange::Put(&WEBHOOK_PLACE, wrong)], None).await.unwrap();

    let again = over(&store, here()).await;
    tell_two(&again.world, companies[0]).await;
    in_order(&sound.took(4).await);
    assert_eq!(broken.heard().len(), 2);
    log.change_rows(&[RowChange::Put(&WEBHOOK_PLACE, right)], None).await.unwrap();
    let clock = &again.world.clock;
    clock.move_to(clock.now() + TimeDelta::minutes(2));
    in_order(&broken.took(4).await);
    again.close().await;
    assert_eq!(broken.heard().len(), 4, "each once");
    log.close().await;
}

#[tokio::test]
async fn what_an_endpoint_asks_for_outlives_a_server() {
    let store = Arc::new(Store::sqlite());
    let first = over(&store, here()).await;
    first.world.leeds().await;
    let (_, client, companies) = companies(&first, 1, 2).await;
    let busy = Receiver::replying(|_| Reply::Status(429, "retry-after: 7200\r\n")).await;
    let sound = Receiver::open().await;
    let hook = hooked(&client, &busy.url).await;
    hooked(&client, &sound.url).await;
    tell_two(&first.world, companies[0]).await;
    let path = format!("/v1/webhooks/{}/deliveries", hook.text("id"));
    until(&client, &path, |page| page.body["items"].as_array().unwrap().iter().any(|it| it["attempts"] == 1))
        .await;
    sound.took(2).await;
    first.close().await;

    let again = over(&store, here()).await;
    // Of another company: its first one waits for nothing but the endpoint.
    tell_two(&again.world, companies[1]).await;
    sound.took(4).await;
    assert_eq!(busy.heard().len(), 1, "it has asked to be left alone");
    let clock = &again.world.clock;
    clock.move_to(clock.now() + TimeDelta::hours(3));
    busy.until(|heard| heard.len() > 1).await;
    again.close().await;
}

#[tokio::test]
async fn what_is_sent_once_more_does_not_push_others_out_of_what_is_kept() {
    const TIMES_TOLD: usize = 550;
    const KEPT_MAX: u64 = 10_000;
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let receiver = Receiver::open().await;
    for _ in 0..TIMES_TOLD {
        tell_two(&site.world, companies[0]).await;
    }
    let hook = client.post("/v1/webhooks", &json!({ "url": receiver.url, "after": 0 })).await;
    let id = hook.is(201).text("id").to_owned();
    let path = format!("/v1/webhooks/{id}");
    let many = all(&client, "", 500).await.len();
    receiver.took(many).await;
    // Others that have arrived, as many as make it full.
    let log = site.world.engine.log();
    let view = query::get(log, &id).await.unwrap().unwrap();
    let told = query::get(log, receiver.taken()[0].id()).await.unwrap().unwrap();
    let ended_at = Some(site.world.clock.now());
    let of = |n| {
        let arrived = Delivery { sequence: 1_000_000 + n, ended_at, ..Delivery::new(&view, &told, true) };
        RowChange::Put(&WEBHOOK_DELIVERY, arrived.to_row())
    };
    let rows: Vec<_> = (0..KEPT_MAX).map(of).collect();
    for rows in rows.chunks(1_000) {
        log.change_rows(rows, None).await.unwrap();
    }
    let kept = async || log.count(&WEBHOOK_DELIVERY, &[query::equal("parent", id.clone())]).await.unwrap();
    client.post(&format!("{path}/replay"), &json!({ "after": 0 })).await.is(200);
    receiver.took(2 * many).await;
    // What is too much goes, and no more than that.
    let clock = &site.world.clock;
    clock.move_to(clock.now() + TimeDelta::minutes(2));
    while kept().await > KEPT_MAX {
        tokio::task::yield_now().await;
    }
    assert_eq!(kept().await, KEPT_MAX);
    site.close().await;
}
