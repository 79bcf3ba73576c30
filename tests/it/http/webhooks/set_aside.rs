//! A webhook of which something cannot be read: it waits for somebody who looks, and others do not.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use orderwire::{
    domain::{
        sealed::Sealed,
        views::{
            notices::{NOTICE, NOTICE_COUNTER},
            table::{Record as _, Row},
            webhooks::WEBHOOK,
        },
        webhook::values::{SigningKey, WebhookDescription},
    },
    edge::deliveries::{Delivery, Place, Request, WEBHOOK_DELIVERY, WEBHOOK_PLACE, WEBHOOK_REQUEST},
    engine::{
        clock::Clock as _,
        log::{ReaderCommit, RowChange, Select, SharedLog},
        query,
    },
    http::delivery::signing,
};
use tokio::sync::watch;

use super::*;
use crate::world::Meddles;

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
async fn what_an_endpoint_asks_for_outlives_a_replay() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 2).await;
    let busy = Receiver::replying(|_| Reply::Status(429, "retry-after: 7200\r\n")).await;
    let sound = Receiver::open().await;
    let path = format!("/v1/webhooks/{}", hooked(&client, &busy.url).await.text("id"));
    hooked(&client, &sound.url).await;
    tell_two(&site.world, companies[0]).await;
    let deliveries = format!("{path}/deliveries");
    until(&client, &deliveries, |page| {
        page.body["items"].as_array().unwrap().iter().any(|it| it["attempts"] == 1)
    })
    .await;
    client.post(&format!("{path}/replay"), &json!({ "after": 0 })).await.is(200);
    until(&client, &deliveries, |page| page.body["items"].as_array().unwrap().is_empty()).await;
    tell_two(&site.world, companies[1]).await;
    sound.took(4).await;
    assert_eq!(busy.heard().len(), 1, "it has asked to be left alone");
    let clock = &site.world.clock;
    clock.move_to(clock.now() + TimeDelta::hours(3));
    busy.until(|heard| heard.len() > 1).await;
    site.close().await;
}

/// Keeps everything that is written of deliveries until it is let go, once it is told to.
struct Keeps {
    begins: AtomicBool,
    may_go: watch::Sender<bool>,
    looks: watch::Sender<u64>,
}

#[async_trait]
impl Meddles for Keeps {
    async fn apply(&self, commit: &mut ReaderCommit) {
        if commit.reader == "webhooks" && self.begins.load(Ordering::SeqCst) {
            self.may_go.subscribe().wait_for(|may| *may).await.unwrap();
        }
    }

    fn selected(&self, select: &Select) {
        if select.table.name == WEBHOOK.name {
            self.looks.send_modify(|looks| *looks += 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_behind_a_failure_is_written_down_as_its_webhook_is_set_aside() {
    let keeps = Arc::new(Keeps {
        begins: AtomicBool::new(false),
        may_go: watch::channel(false).0,
        looks: watch::channel(0).0,
    });
    let file = Store::sqlite();
    let store = Arc::new(file.meddled_with(Arc::clone(&keeps)).await);
    let patient = Duration::from_mins(2);
    let site =
        over(&store, delivery::Settings { read_within: patient, answer_within: patient, ..here() }).await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 3).await;
    let (may_fail, may_arrive) = (watch::channel(false).0, watch::channel(false).0);
    let first = companies[0].to_string();
    let waits = [may_fail.subscribe(), may_arrive.subscribe()];
    let broken = Receiver::replying(move |heard| {
        let [may_fail, may_arrive] = waits.clone();
        if heard.lane() == first { Reply::After(may_fail, 503) } else { Reply::After(may_arrive, 204) }
    })
    .await;
    let sound = Receiver::open().await;
    let id = hooked(&client, &broken.url).await.text("id").to_owned();
    hooked(&client, &sound.url).await;
    let log = site.world.engine.log();
    let row = log.rows(&WEBHOOK, std::slice::from_ref(&id)).await.unwrap().remove(0);
    for (n, company) in companies.iter().enumerate() {
        // What arrives of the last is not written, so that nothing else is.
        keeps.begins.store(n == 2, Ordering::SeqCst);
        tell_two(&site.world, *company).await;
        sound.took(2 * (n + 1)).await;
    }
    // One of each of two companies is under way, so that of the third is sent when the first has failed.
    broken.until(|heard| heard.len() == 2).await;
    may_fail.send_replace(true);
    broken.until(|heard| heard.len() == 3).await;
    let mut columns = row.columns.clone();
    columns[3] = (i64::MAX - 1).into();
    let spoilt = Row { doc: "{}".to_owned(), columns, ..row };
    log.change_rows(&[RowChange::Put(&WEBHOOK, spoilt)], None).await.unwrap();
    // Of two looks that end after that the second began after it.
    let seen = *keeps.looks.borrow() + 2;
    keeps.looks.subscribe().wait_for(|looks| *looks >= seen).await.unwrap();
    keeps.may_go.send_replace(true);
    let of_first = async || {
        let rows = log.children(&WEBHOOK_DELIVERY, std::slice::from_ref(&id)).await.unwrap();
        let deliveries = rows.iter().map(|row| query::record::<Delivery>(row).unwrap());
        deliveries.filter(|it| it.lane == companies[0].to_string()).count()
    };
    let written = async {
        loop {
            match of_first().await {
                0 => tokio::task::yield_now().await,
                count => return count,
            }
        }
    };
    let written = tokio::time::timeout(Duration::from_secs(30), written).await;
    assert_eq!(written, Ok(2), "the one that failed, and the one behind it");
    may_arrive.send_replace(true);
    site.close().await;
}

/// What is spoilt of one reseller.
#[derive(Clone, Copy, Debug)]
enum Spoilt {
    Webhook,
    Counter,
    Request,
    Wanted,
}

/// The changes that spoil it, and those that mend it.
async fn spoil(spoilt: Spoilt, log: &SharedLog, reseller: ResellerId, hook: &str) -> [Vec<RowChange>; 2] {
    let notice = query::equal("reseller", reseller.to_string());
    let select = Select {
        table: &NOTICE,
        filters: vec![notice],
        order: "sequence",
        descending: false,
        after: None,
        limit: 1,
    };
    let notice = log.select(&select).await.unwrap().remove(0);
    let request = Request { webhook: hook.parse().unwrap(), notice: notice.key.parse().unwrap() }.to_row();
    let changed = |table, right: Row| {
        let wrong = Row { doc: "{}".to_owned(), ..right.clone() };
        [vec![RowChange::Put(table, wrong)], vec![RowChange::Put(table, right)]]
    };
    let one = async |table, key: String| log.rows(table, &[key]).await.unwrap().remove(0);
    match spoilt {
        Spoilt::Webhook => changed(&WEBHOOK, one(&WEBHOOK, hook.to_owned()).await),
        Spoilt::Counter => changed(&NOTICE_COUNTER, one(&NOTICE_COUNTER, reseller.to_string()).await),
        Spoilt::Request => [changed(&WEBHOOK_REQUEST, request)[0].clone(), Vec::new()],
        Spoilt::Wanted => {
            let [mut wrong, right] = changed(&NOTICE, notice);
            wrong.push(RowChange::Put(&WEBHOOK_REQUEST, request));
            [wrong, right]
        }
    }
}

#[tokio::test]
async fn whatever_of_one_reseller_cannot_be_read_keeps_no_other_waiting() {
    for spoilt in [Spoilt::Webhook, Spoilt::Counter, Spoilt::Request, Spoilt::Wanted] {
        let store = Arc::new(Store::sqlite());
        let first = over(&store, here()).await;
        first.world.leeds().await;
        let (broken, sound) = (Receiver::open().await, Receiver::open().await);
        let (one, client, its) = companies(&first, 1, 1).await;
        let hook = hooked(&client, &broken.url).await.text("id").to_owned();
        let (_, client, others) = companies(&first, 2, 1).await;
        hooked(&client, &sound.url).await;
        tell_two(&first.world, its[0]).await;
        broken.took(2).await;
        first.close().await;
        let log = store.log().await;
        let [wrong, right] = spoil(spoilt, &log, one, &hook).await;
        log.change_rows(&wrong, None).await.unwrap();

        let again = over(&store, here()).await;
        tell_two(&again.world, others[0]).await;
        let taken = tokio::time::timeout(Duration::from_secs(20), sound.took(2)).await;
        in_order(&taken.unwrap_or_else(|_| panic!("{spoilt:?}: another waits")));
        log.change_rows(&right, None).await.unwrap();
        tell_two(&again.world, its[0]).await;
        let clock = &again.world.clock;
        broken
            .until_with(|heard| heard.len() >= 4, || clock.move_to(clock.now() + TimeDelta::seconds(10)))
            .await;
        in_order(&broken.taken());
        again.close().await;
        assert_eq!(broken.heard().len(), 4, "{spoilt:?}: each once");
        log.close().await;
    }
}

#[tokio::test]
async fn an_order_of_which_a_row_was_lost_goes_on_in_its_order() {
    let store = Arc::new(Store::sqlite());
    let first = over(&store, here()).await;
    first.world.leeds().await;
    let (_, client, companies) = companies(&first, 1, 1).await;
    let fails = Arc::new(AtomicBool::new(true));
    let it_fails = Arc::clone(&fails);
    let receiver = Receiver::replying(move |_| {
        Reply::Status(if it_fails.load(Ordering::SeqCst) { 503 } else { 204 }, "")
    })
    .await;
    let id = hooked(&client, &receiver.url).await.text("id").to_owned();
    for _ in 0..2 {
        tell_two(&first.world, companies[0]).await;
    }
    let path = format!("/v1/webhooks/{id}/deliveries");
    let four = |page: &Said| page.body["items"].as_array().unwrap().len() == 4;
    let said = until(&client, &path, four).await;
    let sequences = said.body["items"].as_array().unwrap().iter().map(|it| it["sequence"].as_u64().unwrap());
    let begins = sequences.min().unwrap();
    first.close().await;
    let log = store.log().await;
    let place: Place = query::get(&log, &id).await.unwrap().unwrap();
    let place = Place { done_to: begins, ..place };
    let lost = Delivery::key_of(id.parse().unwrap(), begins + 1);
    let changes =
        [RowChange::Put(&WEBHOOK_PLACE, place.to_row()), RowChange::Delete(&WEBHOOK_DELIVERY, lost)];
    log.change_rows(&changes, None).await.unwrap();

    let again = over(&store, here()).await;
    fails.store(false, Ordering::SeqCst);
    let clock = &again.world.clock;
    receiver
        .until_with(
            |heard| heard.iter().filter(|it| it.taken).count() >= 4,
            || clock.move_to(clock.now() + TimeDelta::seconds(10)),
        )
        .await;
    in_order(&receiver.taken());
    again.close().await;
    log.close().await;
}
