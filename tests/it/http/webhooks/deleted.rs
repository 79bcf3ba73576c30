//! Webhooks that are deleted: no row of them is left, whatever cannot be read.

use chrono::TimeDelta;
use orderwire::{
    domain::views::table::{Row, Table},
    edge::deliveries::{WEBHOOK_DELIVERY, WEBHOOK_PLACE},
    engine::{
        clock::Clock as _,
        log::{RowChange, SharedLog},
        query,
    },
};

use super::*;

/// How many rows there are of deliveries of a webhook, and whether it has a place.
async fn left(log: &SharedLog, webhook: &str) -> (u64, bool) {
    let deliveries = log.count(&WEBHOOK_DELIVERY, &[query::equal("parent", webhook)]).await.unwrap();
    (deliveries, !log.rows(&WEBHOOK_PLACE, &[webhook.to_owned()]).await.unwrap().is_empty())
}

/// Waits until nothing is left; `meanwhile` is done again and again.
async fn until_none(log: &SharedLog, webhook: &str, meanwhile: impl Fn()) {
    let none = async {
        while left(log, webhook).await != (0, false) {
            meanwhile();
            tokio::task::yield_now().await;
        }
    };
    let none = tokio::time::timeout(Duration::from_secs(30), none).await;
    assert!(none.is_ok(), "{:?} are left", left(log, webhook).await);
}

#[tokio::test]
async fn a_webhook_of_which_nothing_can_be_read_leaves_nothing() {
    let store = Arc::new(Store::sqlite());
    let first = over(&store, here()).await;
    first.world.leeds().await;
    let (_, client, companies) = companies(&first, 1, 1).await;
    let failing = Receiver::replying(|_| Reply::Status(503, "")).await;
    let id = hooked(&client, &failing.url).await.text("id").to_owned();
    tell_two(&first.world, companies[0]).await;
    until(&client, &format!("/v1/webhooks/{id}/deliveries"), |page| {
        page.body["items"].as_array().unwrap().len() == 2
    })
    .await;
    let token = client.token.clone();
    first.close().await;
    let log = store.log().await;
    let spoil = async |table: &'static Table, rows: Vec<Row>| {
        assert!(!rows.is_empty());
        let spoilt = rows.into_iter().map(|row| RowChange::Put(table, Row { doc: "{}".to_owned(), ..row }));
        log.change_rows(&spoilt.collect::<Vec<_>>(), None).await.unwrap();
    };
    spoil(&WEBHOOK_PLACE, log.rows(&WEBHOOK_PLACE, std::slice::from_ref(&id)).await.unwrap()).await;
    spoil(&WEBHOOK_DELIVERY, log.children(&WEBHOOK_DELIVERY, std::slice::from_ref(&id)).await.unwrap()).await;

    let again = over(&store, here()).await;
    let client = Client { token, ..again.nobody() };
    client.delete(&format!("/v1/webhooks/{id}")).await.is(200);
    let clock = &again.world.clock;
    until_none(&log, &id, || clock.move_to(clock.now() + TimeDelta::minutes(2))).await;
    again.close().await;
    log.close().await;
}
