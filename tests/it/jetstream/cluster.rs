//! Three brokers of which the leader is killed, and two engines that publish to them.

use std::time::Duration;

use async_nats::jetstream::stream::Config;
use orderwire::{config::NatsSettings, engine::fulfilment::AutoProvisioner, http::jetstream::Publisher};

use super::{
    STREAM, WITHIN, assert_published, broker, in_service,
    node::{Cluster, is_installed},
    tell_two, told,
};
use crate::world::*;

/// A replica that has not what the leader has by then never will.
const LEVEL_WITHIN: Duration = Duration::from_secs(20);
/// How often the leader is killed.
const KILLS: usize = 2;

fn replicated(cluster: &Cluster) -> NatsSettings {
    NatsSettings { replicas: 3, ..broker(cluster.urls()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_killed_while_two_engines_publish_costs_no_notice_and_none_is_there_twice() {
    if !is_installed() {
        return;
    }
    #[cfg(feature = "postgres")]
    if let Some(database) = crate::postgres::Scratch::make().await {
        leaders_are_killed(&Store::at(database.url())).await;
        return database.drop_it().await;
    }
    leaders_are_killed(&Store::sqlite()).await;
}

async fn leaders_are_killed(store: &Store) {
    let mut cluster = Cluster::start().await;
    let one = World::open(store).await;
    let other =
        World { engine: store.engine(&one.clock, AutoProvisioner, 100).await, clock: one.clock.clone() };
    // Of two engines one has the lease; several of one engine publish at once.
    let publishers =
        [&one, &one, &one, &one, &other].map(|world| Publisher::start(&world.engine, replicated(&cluster)));
    let (_, company) = in_service(&one, 1).await;
    assert_published(&cluster.client().await, &one.engine).await;
    for _ in 0..KILLS {
        let tell = async |world: &World| {
            for _ in 0..15 {
                tell_two(world, company).await;
            }
        };
        tell(&one).await;
        let leader = cluster.leader(STREAM).await;
        let kill = async { cluster.nodes[leader].kill() };
        tokio::join!(tell(&other), kill);
        assert_published(&cluster.client().await, &one.engine).await;
        cluster.nodes[leader].launch();
    }
    assert_published(&cluster.client().await, &one.engine).await;
    for publisher in publishers {
        publisher.end().await;
    }
    for world in [one, other] {
        world.engine.close().await;
    }
}

/// A broker forgets the ids of messages after a while, and those that it reads when it starts are older. What a message is
/// accepted by must not be that, or one replica takes what the other leaves out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_starts_late_has_what_the_others_have() {
    if !is_installed() {
        return;
    }
    let (mut cluster, world) = (Cluster::start().await, World::in_memory().await);
    let client = cluster.client().await;
    let config = Config {
        name: STREAM.to_owned(),
        subjects: vec!["orderwire.notices.>".to_owned()],
        num_replicas: 3,
        duplicate_window: Duration::from_millis(100),
        ..Config::default()
    };
    let make = async { while client.create_stream(config.clone()).await.is_err() {} };
    tokio::time::timeout(WITHIN, make).await.unwrap();
    let (_, company) = in_service(&world, 1).await;
    let publisher = Publisher::start(&world.engine, replicated(&cluster));
    assert_published(&client, &world.engine).await;
    let leader = cluster.leader(STREAM).await;
    let late = (leader + 1) % 3;
    cluster.nodes[late].kill();
    cluster.nodes[late].launch();
    current(&cluster, late).await;
    for _ in 0..3 {
        tell_two(&world, company).await;
    }
    assert_published(&client, &world.engine).await;
    publisher.end().await;

    let many = told(&world.engine).await.len() as u64;
    let whole = cluster.nodes[leader].has(STREAM).await.unwrap();
    assert_eq!(whole.0, many);
    let same = async { while cluster.nodes[late].has(STREAM).await != Some(whole) {} };
    let level = tokio::time::timeout(LEVEL_WITHIN, same).await.is_ok();
    assert!(level, "it has {:?}, and the leader {whole:?}", cluster.nodes[late].has(STREAM).await);
}

/// Waits until a replica has what the leader has.
async fn current(cluster: &Cluster, node: usize) {
    let client = cluster.client().await;
    let name = format!("node-{node}");
    let current = async {
        loop {
            let Ok(stream) = client.get_stream(STREAM).await else { continue };
            let Some(info) = stream.cached_info().cluster.clone() else { continue };
            if info.replicas.iter().any(|it| it.name == name && it.current && !it.offline) {
                return;
            }
        }
    };
    tokio::time::timeout(WITHIN, current).await.unwrap();
}
