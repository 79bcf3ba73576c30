//! A data key that was destroyed seals nothing any more, whoever has it at hand.

use orderwire::{
    domain::{company::commands::CompanyCommand, joint::Command},
    engine::{Error, fulfilment::AutoProvisioner, sealing::SealingError},
};

use crate::world::*;

#[tokio::test]
async fn a_destroyed_key_seals_and_opens_nothing_through_any_engine() {
    for store in [Store::memory().await, Store::sqlite()] {
        let world = World::open(&store).await;
        let other = store.engine(&world.clock, AutoProvisioner, 100).await;
        let reseller = world.reseller(1).await;
        let company = world.company(reseller, "Acme").await;
        // Both have the key at hand.
        let sealed = world.engine.seal(company.stream(), "Ada", "ada").await.unwrap();
        assert_eq!(other.open_sealed(&sealed).await.unwrap().as_deref(), Some("Ada"));

        world.done(Command::Company { company, command: CompanyCommand::Release }).await;
        let erase = CompanyCommand::Erase;
        world.done(Command::Company { company, command: erase }).await;
        let erased = Error::Sealing(SealingError::Erased(company.to_string()));
        for engine in [&other, &world.engine] {
            let outcome = engine.seal(company.stream(), "Ada", "ada").await;
            assert_eq!(outcome.unwrap_err(), erased, "what it sealed could never be opened");
            assert_eq!(engine.open_sealed(&sealed).await.unwrap(), None);
        }
        // Of the reseller nothing was destroyed.
        other.seal(reseller.stream(), "why", "why").await.unwrap();
    }
}
