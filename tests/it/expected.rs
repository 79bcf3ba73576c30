//! What a caller saw must hold in the commit: on a stream that is written, on one that is only named, and across processes.

use orderwire::{
    domain::{company::commands::CompanyCommand, ids::CompanyId, joint::Command},
    engine::{Engine, Error, Expected, Receipt, clock::SimulatedClock, fulfilment::AutoProvisioner},
};

use crate::world::*;

async fn extend(
    engine: &Engine,
    company: CompanyId,
    sequence: u64,
    about: CompanyId,
) -> Result<Receipt, Error> {
    let command = Command::Company { company, command: CompanyCommand::ExtendQualification };
    let expected = Expected { stream: about.into(), sequence };
    engine.execute_expecting(&command, &operator(), None, Some(expected)).await
}

#[tokio::test]
async fn what_has_moved_since_is_not_touched() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    let (company, other) = (world.company(reseller, "Acme").await, world.company(reseller, "Bolt").await);
    for wrong in [0, 2, u64::MAX] {
        let missed = extend(&world.engine, company, wrong, company).await.unwrap_err();
        assert!(matches!(missed, Error::Precondition { .. }), "{missed}");
    }
    extend(&world.engine, company, 1, company).await.unwrap();
    let missed = extend(&world.engine, company, 1, company).await.unwrap_err();
    assert!(matches!(missed, Error::Precondition { .. }), "{missed}");

    // Another stream than the one that is written: it stands in the commit as one that was read.
    let missed = extend(&world.engine, other, 1, company).await.unwrap_err();
    assert!(matches!(missed, Error::Precondition { .. }), "{missed}");
    extend(&world.engine, other, 2, company).await.unwrap();
}

#[tokio::test]
async fn what_another_process_has_done_counts_too() {
    let store = Store::sqlite();
    let clock = SimulatedClock::at(beginning());
    let one = store.engine(&clock, AutoProvisioner, 100).await;
    let two = store.engine(&clock, AutoProvisioner, 100).await;
    let world = World { engine: one.clone(), clock };
    let reseller = world.reseller(1).await;
    let company = world.company(reseller, "Acme").await;
    // The second engine has the company at hand as it was.
    two.state(company.into()).await.unwrap();
    extend(&one, company, 1, company).await.unwrap();
    let missed = extend(&two, company, 1, company).await.unwrap_err();
    assert!(matches!(missed, Error::Precondition { .. }), "{missed}");
    // And what the caller saw is newer than what the first one has at hand.
    extend(&two, company, 2, company).await.unwrap();
    let refused = extend(&one, company, 3, company).await.unwrap_err();
    assert!(!refused.reasons().is_empty(), "decided on what the caller saw: {refused}");
    one.close().await;
    two.close().await;
}
