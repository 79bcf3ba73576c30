//! A broker that asks who it is; and what is said of publishing, by whom.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use orderwire::{
    config::{Login, NatsSettings},
    engine::{Engine, log::Take},
    http::jetstream::{JETSTREAM, Publisher},
};

use super::{
    WITHIN, assert_published, broker, comes_to, in_service,
    node::{Node, is_installed},
    told,
};
use crate::world::*;

const RIGHT: &str = "plum-harbour-11";
const WRONG: &str = "plum-harbour-12";

#[tokio::test]
async fn a_broker_is_told_who_it_is_and_a_wrong_password_is_said_and_not_shown() {
    if !is_installed() {
        return;
    }
    let overheard = Overheard::default();
    let listening = overheard.listen(tracing::Level::TRACE);
    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    let counting = metrics::set_default_local_recorder(&recorder);
    let (node, world) = (Node::guarded("orders", RIGHT), World::in_memory().await);
    in_service(&world, 1).await;
    let settings = |password: &str| NatsSettings {
        login: Login::User("orders".to_owned(), password.to_owned()),
        ..broker(vec![node.url()])
    };
    let publisher = Publisher::start(&world.engine, settings(WRONG));
    comes_to(&publisher, |trouble| {
        trouble.is_some_and(|it| it.contains("the broker refuses") && it.contains("authorization violation"))
    })
    .await;
    assert!(figures.render().contains("orderwire_jetstream_trouble 1"), "{}", figures.render());
    publisher.end().await;

    let publisher = Publisher::start(&world.engine, settings(RIGHT));
    let options = async_nats::ConnectOptions::with_user_and_password("orders".into(), RIGHT.into());
    let client = async_nats::jetstream::new(options.connect(node.url()).await.unwrap());
    assert_published(&client, &world.engine).await;
    comes_to(&publisher, |trouble| trouble.is_none()).await;
    assert!(figures.render().contains("orderwire_jetstream_trouble 0"), "{}", figures.render());
    publisher.end().await;
    drop((listening, counting));
    assert!(overheard.has("authorization violation"), "{}", overheard.text());
    // The client of NATS says what it sends, to whoever asks for everything; what is ours does not.
    let ours = overheard.text();
    let mut ours = ours.lines().filter(|line| line.contains(" orderwire::"));
    assert!(!ours.any(|line| line.contains(RIGHT) || line.contains(WRONG)));
}

/// Says how far the stream is behind only for as long as it is the one that publishes.
#[tokio::test]
async fn who_publishes_no_more_does_not_say_how_far_the_stream_is_behind() {
    if !is_installed() {
        return;
    }
    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let (node, store) = (Node::start(), Store::memory().await);
    let world = World::open(&store).await;
    in_service(&world, 1).await;
    let many = told(&world.engine).await.len();
    assert!(many > 0);
    let builder = Engine::builder().background(false).lease_ttl(Duration::from_secs(1));
    let engine = builder.open(store.log().await, store.master()).await.unwrap();
    let publisher = Publisher::start(&engine, broker(vec![node.url()]));
    let says = async |what: &str| {
        let said = async {
            while !figures.render().contains(what) {
                tokio::task::yield_now().await;
            }
        };
        let said = tokio::time::timeout(WITHIN, said).await;
        assert!(said.is_ok(), "{what} is not said: {}", figures.render());
    };
    // What it lacked when it began.
    says(&format!("orderwire_jetstream_behind {many}\n")).await;
    let log = store.log().await;
    let an_hour = Duration::from_hours(1);
    log.take_lease(JETSTREAM, "somebody", an_hour, Take::FromAnybody).await.unwrap();
    says("orderwire_jetstream_behind 0\n").await;
    publisher.end().await;
    engine.close().await;
}
