//! What is in a stream, and where it is gone on with.

use std::time::Duration;

use async_nats::jetstream::stream::Config;
use orderwire::http::jetstream::Publisher;

use super::{
    STREAM, assert_published, broker, comes_to, expected, in_service, messages,
    node::{Node, is_installed},
    tell_two, told,
};
use crate::world::*;

#[tokio::test]
async fn what_is_published_is_what_was_told_in_the_order_of_the_log() {
    if !is_installed() {
        return;
    }
    let (node, store) = (Node::start(), Store::sqlite());
    let world = World::open(&store).await;
    let (_, one) = in_service(&world, 1).await;
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    let (_, other) = in_service(&world, 2).await;
    for company in [one, other, one] {
        tell_two(&world, company).await;
    }
    let client = node.client().await;
    assert_published(&client, &world.engine).await;
    let told = told(&world.engine).await;
    assert!(
        told.windows(2).any(|pair| pair[0].reseller != pair[1].reseller),
        "it is one order for all resellers"
    );
    let stream = client.get_stream(STREAM).await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.subjects, ["orderwire.notices.>"]);
    assert_eq!((config.max_age, config.num_replicas), (Duration::from_hours(1), 1));
    publisher.end().await;
}

#[tokio::test]
async fn neither_a_rebuild_nor_a_start_publishes_anything_again() {
    if !is_installed() {
        return;
    }
    let (node, world) = (Node::start(), World::in_memory().await);
    let (_, company) = in_service(&world, 1).await;
    let client = node.client().await;
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    assert_published(&client, &world.engine).await;
    world.engine.rebuild().await.unwrap();
    world.settle().await;
    tell_two(&world, company).await;
    assert_published(&client, &world.engine).await;
    publisher.end().await;

    tell_two(&world, company).await;
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    assert_published(&client, &world.engine).await;
    publisher.end().await;
}

#[tokio::test]
async fn a_stream_that_lost_every_message_goes_on_after_the_last_it_had() {
    if !is_installed() {
        return;
    }
    let (node, world) = (Node::start(), World::in_memory().await);
    let (_, company) = in_service(&world, 1).await;
    let before = told(&world.engine).await;
    // It does not begin with the first notice there ever was, so counting begins there too.
    let begun = before[1].position;
    let settings = || orderwire::config::NatsSettings { after_position: begun, ..broker(vec![node.url()]) };
    let client = node.client().await;
    let publisher = Publisher::start(&world.engine, settings());
    let many = before.len() as u64 - 2;
    assert_eq!(messages(&client, 1, many).await[0].id, before[2].id.to_string());
    publisher.end().await;

    client.get_stream(STREAM).await.unwrap().purge().await.unwrap();
    tell_two(&world, company).await;
    let publisher = Publisher::start(&world.engine, settings());
    let after = messages(&client, many + 1, many + 2).await;
    let expected = expected(&told(&world.engine).await);
    let ids = |messages: &[super::Message]| -> Vec<_> {
        messages.iter().map(|message| (message.id.clone(), message.previous.clone())).collect()
    };
    assert_eq!(ids(&after), ids(&expected[before.len()..]));
    publisher.end().await;
}

#[tokio::test]
async fn the_stream_of_another_log_is_not_gone_on_with() {
    if !is_installed() {
        return;
    }
    let (node, world) = (Node::start(), World::in_memory().await);
    in_service(&world, 1).await;
    let client = node.client().await;
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    assert_published(&client, &world.engine).await;
    publisher.end().await;

    // A restored store is another log from there on.
    let restored = World::in_memory().await;
    in_service(&restored, 1).await;
    let publisher = Publisher::start(&restored.engine, broker(vec![node.url()]));
    comes_to(&publisher, |trouble| trouble.is_some_and(|trouble| trouble.contains("is not of this log")))
        .await;
    publisher.end().await;
    assert_published(&client, &world.engine).await;

    client.publish("orderwire.notices.somebody", "else".into()).await.unwrap().await.unwrap();
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    comes_to(&publisher, |trouble| trouble.is_some_and(|trouble| trouble.contains("is no notice"))).await;
    publisher.end().await;
}

#[tokio::test]
async fn a_stream_that_is_there_is_left_as_it_is() {
    if !is_installed() {
        return;
    }
    let (node, world) = (Node::start(), World::in_memory().await);
    in_service(&world, 1).await;
    let client = node.client().await;
    let config = Config {
        name: STREAM.to_owned(),
        subjects: vec!["orderwire.notices.>".to_owned()],
        max_age: Duration::from_hours(7),
        ..Config::default()
    };
    let made = client.create_stream(config).await.unwrap().cached_info().config.clone();
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    assert_published(&client, &world.engine).await;
    publisher.end().await;
    assert_eq!(client.get_stream(STREAM).await.unwrap().cached_info().config, made);
}

#[tokio::test]
async fn a_broker_that_lets_nobody_in_is_said_and_asked_again() {
    if !is_installed() {
        return;
    }
    let (node, world) = (Node::start(), World::in_memory().await);
    in_service(&world, 1).await;
    let settings = orderwire::config::NatsSettings {
        login: orderwire::config::Login::Credentials("/nonexistent/orders.creds".into()),
        ..broker(vec![node.url()])
    };
    let publisher = Publisher::start(&world.engine, settings);
    comes_to(&publisher, |trouble| {
        trouble.is_some_and(|trouble| trouble.contains("/nonexistent/orders.creds"))
    })
    .await;
    publisher.end().await;
}
