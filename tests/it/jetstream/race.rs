//! Several that publish the same notices, as several processes would: one is heard, and the order stays.

use std::sync::Arc;

use orderwire::{
    domain::{
        ids::{Mint, ResellerId},
        notice::NoticeType,
        views::{
            notices::{NOTICE, Notice, NoticeData},
            table::Record as _,
        },
    },
    engine::{Engine, fulfilment::AutoProvisioner, log::RowChange},
    http::jetstream::Publisher,
};
use uuid::Uuid;

use super::{
    assert_published, broker, in_service,
    node::{Node, is_installed},
    tell_two,
};
use crate::world::*;

/// Rows of so many notices that no event made, which is soon done; answers how many.
pub async fn backlog(engine: &Engine, many: u64) -> u64 {
    let mut mint = Mint::new(Uuid::now_v7(), beginning());
    let reseller: ResellerId = mint.fresh();
    let mut previous_id = None;
    let changes = (1..=many).map(|n| {
        let id = mint.fresh();
        let notice = Notice {
            id,
            notice_type: NoticeType::CompanyResumed,
            reseller,
            sequence: n,
            previous_id: previous_id.replace(id),
            order: None,
            order_sequence: None,
            order_previous_id: None,
            subject: format!("com_{n}"),
            time: beginning(),
            // Most events make no notice.
            position: n * 3,
            data: NoticeData::default(),
        };
        RowChange::Put(&NOTICE, notice.to_row())
    });
    let changes: Vec<_> = changes.collect();
    for changes in changes.chunks(1_000) {
        engine.log().change_rows(changes, None).await.unwrap();
    }
    many
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_four_that_publish_a_backlog_at_once_each_notice_is_there_once_and_in_order() {
    if !is_installed() {
        return;
    }
    let (node, world) = (Node::start(), World::in_memory().await);
    backlog(&world.engine, 3_000).await;
    let publishers: Vec<_> =
        (0..4).map(|_| Publisher::start(&world.engine, broker(vec![node.url()]))).collect();
    assert_published(&node.client().await, &world.engine).await;
    for publisher in publishers {
        publisher.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_that_publish_what_both_tell_publish_it_once() {
    if !is_installed() {
        return;
    }
    let (node, store) = (Node::start(), Arc::new(Store::sqlite()));
    let one = World::open(&store).await;
    let other =
        World { engine: store.engine(&one.clock, AutoProvisioner, 100).await, clock: one.clock.clone() };
    let publishers = [&one, &other].map(|world| Publisher::start(&world.engine, broker(vec![node.url()])));
    let (_, company) = in_service(&one, 1).await;
    for n in 0..20 {
        tell_two(if n % 2 == 0 { &one } else { &other }, company).await;
    }
    assert_published(&node.client().await, &one.engine).await;
    // Whoever is left goes on alone.
    let [first, second] = publishers;
    first.end().await;
    tell_two(&one, company).await;
    assert_published(&node.client().await, &one.engine).await;
    second.end().await;
}
