//! A broker that is away, and comes back: it costs delay and nothing else.

use async_nats::jetstream::{Context, stream::State};
use orderwire::http::jetstream::Publisher;

use super::{
    STREAM, assert_published, broker, comes_to, in_service,
    node::{Node, is_installed},
    tell_two,
};
use crate::world::*;

/// How often the broker is killed while it is published to.
const KILLS: u64 = 4;

#[tokio::test]
async fn what_is_told_while_the_broker_is_away_is_there_when_it_is_back() {
    if !is_installed() {
        return;
    }
    let (mut node, world) = (Node::away(), World::in_memory().await);
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    comes_to(&publisher, |trouble| trouble.is_some_and(|trouble| trouble.contains("the broker is away")))
        .await;
    let (_, company) = in_service(&world, 1).await;
    node.launch();
    assert_published(&node.client().await, &world.engine).await;
    comes_to(&publisher, |trouble| trouble.is_none()).await;

    node.kill();
    tell_two(&world, company).await;
    comes_to(&publisher, |trouble| trouble.is_some()).await;
    tell_two(&world, company).await;
    node.launch();
    assert_published(&node.client().await, &world.engine).await;
    publisher.end().await;
}

async fn state(client: &Context) -> Option<State> {
    let stream = client.get_stream(STREAM).await.ok()?;
    Some(stream.cached_info().state.clone())
}

/// It is killed while messages are under way, so that some are there which nobody was told of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_while_it_is_published_to_has_everything_once() {
    if !is_installed() {
        return;
    }
    let (mut node, world) = (Node::start(), World::in_memory().await);
    let many = super::race::backlog(&world.engine, 4_000).await;
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    for kill in 1..=KILLS {
        let client = node.client().await;
        while state(&client).await.is_none_or(|state| state.last_sequence < many * kill / (KILLS + 1)) {}
        node.kill();
        node.launch();
    }
    assert_published(&node.client().await, &world.engine).await;
    publisher.end().await;
}
