//! A broker that talks TLS: known by a certificate, or told nothing.

use orderwire::{config::NatsSettings, http::jetstream::Publisher};

use super::{
    assert_published, broker, comes_to, in_service,
    node::{Node, is_installed},
};
use crate::world::*;

#[tokio::test]
async fn a_broker_is_published_to_over_tls_if_its_certificate_is_trusted_and_not_otherwise() {
    if !is_installed() {
        return;
    }
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let certificate = pem("CERTIFICATE", made.cert.der());
    std::fs::write(&ca_file, &certificate).unwrap();
    let node = Node::encrypted(&certificate, &pem("PRIVATE KEY", &made.signing_key.serialize_der()));
    let world = World::in_memory().await;
    in_service(&world, 1).await;

    // Whoever does not know its certificate tells it nothing.
    let publisher = Publisher::start(&world.engine, broker(vec![node.tls_url()]));
    comes_to(&publisher, |trouble| trouble.is_some_and(|it| it.contains("certificate"))).await;
    publisher.end().await;

    let trusting = NatsSettings { ca_file: Some(ca_file.clone()), ..broker(vec![node.tls_url()]) };
    let publisher = Publisher::start(&world.engine, trusting);
    let options = async_nats::ConnectOptions::new().add_root_certificates(ca_file);
    let client = async_nats::jetstream::new(options.connect(node.tls_url()).await.unwrap());
    assert_published(&client, &world.engine).await;
    comes_to(&publisher, |trouble| trouble.is_none()).await;
    publisher.end().await;
    world.engine.close().await;
}

#[tokio::test]
async fn a_broker_that_is_to_talk_tls_and_does_not_is_told_nothing() {
    if !is_installed() {
        return;
    }
    let (node, world) = (Node::start(), World::in_memory().await);
    in_service(&world, 1).await;
    let publisher = Publisher::start(&world.engine, broker(vec![node.tls_url()]));
    comes_to(&publisher, |trouble| trouble.is_some()).await;
    publisher.end().await;
    let streams = node.client().await.get_stream(super::STREAM).await;
    assert!(streams.is_err(), "{streams:?}");
    world.engine.close().await;
}
