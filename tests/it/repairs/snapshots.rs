//! A snapshot only saves time: one that cannot be read, or is of another schema, is as if it were not there.

use std::sync::Arc;

use cqrs_es::{AggregateContext as _, CqrsFramework, EventStore};
use orderwire::{
    domain::{
        decider::Decider as _,
        ids::{ResellerId, StreamId},
        joint::Command,
        reseller::{Reseller, ResellerStatus, commands::ResellerCommand},
        rules::Rules,
        testing::port_request::sealed,
    },
    engine::{
        fulfilment::AutoProvisioner,
        hosted::{Hosted, LogEventStore, Services},
        log::Snapshot,
        snapshot_schema,
    },
};

use crate::world::*;

/// A suspended reseller, of two events.
async fn suspended(store: &Store) -> (World, ResellerId) {
    let world = World::open(store).await;
    let reseller = world.reseller(1).await;
    let command = ResellerCommand::Suspend { reason: sealed("unpaid") };
    world.done(Command::Reseller { reseller, command }).await;
    (world, reseller)
}

/// A state that its events do not lead to.
async fn active(world: &World) -> String {
    let other = world.reseller(2).await;
    serde_json::to_string(&*world.state::<Reseller>(other).await).unwrap()
}

fn harmed(stream: StreamId, active: &str) -> [Snapshot; 3] {
    let schema = snapshot_schema(stream.kind);
    let of = |fingerprint: &str, state: &str| Snapshot {
        stream,
        sequence: 2,
        fingerprint: fingerprint.into(),
        state: state.into(),
    };
    [of(schema, "{\"suspended\":"), of(schema, "{\"retired\":{}}"), of("reseller-0", active)]
}

#[tokio::test]
async fn an_unreadable_snapshot_is_as_if_it_were_not_there() {
    for n in 0..3 {
        for store in [Store::memory().await, Store::sqlite()] {
            let (world, reseller) = suspended(&store).await;
            let snapshot = harmed(reseller.stream(), &active(&world).await)[n].clone();
            world.engine.log().keep_snapshots(std::slice::from_ref(&snapshot)).await.unwrap();
            let cold = store.engine(&world.clock, AutoProvisioner, 10).await;
            let (sequence, state) = cold.load::<Reseller>(reseller).await.unwrap();
            assert_eq!((sequence, state.status()), (2, ResellerStatus::Suspended), "{snapshot:?}");
            let command = Command::Reseller { reseller, command: ResellerCommand::Resume };
            cold.execute(&command, &operator(), None).await.unwrap();
            assert_eq!(cold.state(reseller.stream()).await.unwrap().0, 3);
        }
    }
}

#[tokio::test]
async fn an_unreadable_snapshot_is_as_if_it_were_not_there_under_the_framework_too() {
    for n in 0..3 {
        let store = Store::memory().await;
        let (world, reseller) = suspended(&store).await;
        let snapshot = harmed(reseller.stream(), &active(&world).await)[n].clone();
        world.engine.log().keep_snapshots(std::slice::from_ref(&snapshot)).await.unwrap();

        let clock = Arc::new(world.clock.clone());
        let events = LogEventStore::new(store.log().await, clock.clone());
        let id = reseller.to_string();
        let mut loaded = EventStore::<Hosted<Reseller>>::load_aggregate(&events, &id).await.unwrap();
        assert_eq!(loaded.aggregate().state().status(), ResellerStatus::Suspended, "{snapshot:?}");
        let services = Services { clock, rules: Arc::new(Rules::bundled()) };
        let framework = CqrsFramework::<Hosted<Reseller>, _>::new(events, vec![], services);
        framework.execute(&id, ResellerCommand::Resume).await.unwrap();
        assert_eq!(world.engine.stream(reseller.stream(), 0, 10).await.unwrap().len(), 3);
    }
}
