//! A store that was set back to before what the stream has.

use orderwire::{
    domain::{company::commands::CompanyCommand, joint::Command, testing::company::sealed},
    http::jetstream::Publisher,
};

use super::{
    STREAM, assert_published, broker, comes_to, in_service, messages,
    node::{Node, is_installed},
    told,
};
use crate::world::*;

/// A copy of a store as its files are now, which nobody writes to meanwhile.
fn copied(store: &Store, name: &str) -> Store {
    let copy = format!("{}.{name}", store.url);
    for part in ["", "-wal"] {
        let (from, to) = (format!("{}{part}", store.url), format!("{copy}{part}"));
        if std::fs::exists(&from).unwrap() {
            std::fs::copy(from, to).unwrap();
        }
    }
    Store::at(&copy).under(store.master())
}

#[tokio::test]
async fn a_store_whose_notices_are_not_read_again_yet_waits_and_goes_on() {
    if !is_installed() {
        return;
    }
    let (node, store) = (Node::start(), Store::sqlite());
    let world = World::open(&store).await;
    let (_, company) = in_service(&world, 1).await;
    // In the log, and in no read model.
    let suspend = CompanyCommand::Suspend { reason: sealed("credit control") };
    for command in [suspend, CompanyCommand::Resume] {
        world.done(Command::Company { company, command }).await;
    }
    let (one, other) = (copied(&store, "one"), copied(&store, "other"));
    world.settle().await;
    let client = node.client().await;
    let publisher = Publisher::start(&world.engine, broker(vec![node.url()]));
    assert_published(&client, &world.engine).await;
    publisher.end().await;
    let many = told(&world.engine).await.len();

    let waits = |trouble: Option<&str>| trouble.is_some_and(|it| it.contains("not read again up to"));
    let behind = World::open(&one).await;
    assert!(told(&behind.engine).await.len() < many);
    let publisher = Publisher::start(&behind.engine, broker(vec![node.url()]));
    comes_to(&publisher, waits).await;
    behind.settle().await;
    comes_to(&publisher, |trouble| trouble.is_none()).await;
    super::tell_two(&behind, company).await;
    assert_published(&client, &behind.engine).await;
    publisher.end().await;

    // The same where the stream has only the number of its messages left.
    client.get_stream(STREAM).await.unwrap().purge().await.unwrap();
    let behind = World::open(&other).await;
    let publisher = Publisher::start(&behind.engine, broker(vec![node.url()]));
    comes_to(&publisher, waits).await;
    super::tell_two(&behind, company).await;
    super::tell_two(&behind, company).await;
    comes_to(&publisher, |trouble| trouble.is_none()).await;
    let told = told(&behind.engine).await;
    let after = messages(&client, many as u64 + 3, told.len() as u64).await;
    let ids: Vec<_> = told[many + 2..].iter().map(|notice| notice.id.to_string()).collect();
    assert_eq!(after.iter().map(|it| it.id.clone()).collect::<Vec<_>>(), ids);
    publisher.end().await;
}
