//! Webhooks that are deleted: no row of them is left, whatever happens meanwhile and whatever cannot be read.

use async_trait::async_trait;
use chrono::TimeDelta;
use orderwire::{
    domain::views::table::{Row, Table},
    edge::deliveries::{WEBHOOK_DELIVERY, WEBHOOK_PLACE},
    engine::{
        clock::Clock as _,
        log::{ReaderCommit, RowChange, Select, SharedLog, StoreError},
        query,
    },
};
use tokio::sync::watch;

use super::*;
use crate::world::Meddles;

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
    spoil(&WEBHOOK_PLACE, log.rows(&WEBHOOK_PLACE, &[id.clone()]).await.unwrap()).await;
    spoil(&WEBHOOK_DELIVERY, log.children(&WEBHOOK_DELIVERY, &[id.clone()]).await.unwrap()).await;

    let again = over(&store, here()).await;
    let client = Client { token, ..again.nobody() };
    client.delete(&format!("/v1/webhooks/{id}")).await.is(200);
    let clock = &again.world.clock;
    until_none(&log, &id, || clock.move_to(clock.now() + TimeDelta::minutes(2))).await;
    again.close().await;
    log.close().await;
}

/// Holds up the first place of a webhook until that is deleted, and then until somebody looks for its rows, as far as
/// somebody does.
struct Late {
    deleted: watch::Sender<bool>,
    looks: watch::Sender<u64>,
    written: watch::Sender<bool>,
}

#[async_trait]
impl Meddles for Late {
    async fn apply(&self, commit: &mut ReaderCommit) {
        if !places(commit) || *self.written.borrow() {
            return;
        }
        self.deleted.subscribe().wait_for(|is| *is).await.unwrap();
        let mut looks = self.looks.subscribe();
        let looked = tokio::time::timeout(Duration::from_secs(1), looks.changed()).await;
        drop(looked);
    }

    fn selected(&self, select: &Select) {
        if select.table.name == WEBHOOK_DELIVERY.name {
            self.looks.send_modify(|looks| *looks += 1);
        }
    }

    fn applied(&self, commit: &ReaderCommit, _outcome: &Result<(), StoreError>) {
        if places(commit) {
            self.written.send_replace(true);
        }
    }
}

fn places(commit: &ReaderCommit) -> bool {
    commit.changes.iter().any(|it| matches!(it, RowChange::Put(table, _) if table.name == WEBHOOK_PLACE.name))
}

#[tokio::test]
async fn a_webhook_that_is_deleted_before_its_place_is_written_leaves_none() {
    let store = Store::sqlite();
    let late = Arc::new(Late {
        deleted: watch::channel(false).0,
        looks: watch::channel(0).0,
        written: watch::channel(false).0,
    });
    let site = over(&Arc::new(store.meddled_with(Arc::clone(&late)).await), here()).await;
    let (_, client) = site.reseller(1).await;
    let receiver = Receiver::open().await;
    let id = hooked(&client, &receiver.url).await.text("id").to_owned();
    client.delete(&format!("/v1/webhooks/{id}")).await.is(200);
    late.deleted.send_replace(true);
    late.written.subscribe().wait_for(|is| *is).await.unwrap();
    until_none(site.world.engine.log(), &id, || {}).await;
    site.close().await;
}
