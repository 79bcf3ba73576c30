//! Closing a reseller rests on claims and streams, never on a read model: another process may be rebuilding that.

use orderwire::domain::{
    company::commands::CompanyCommand,
    decider::Decider as _,
    joint::Command,
    reseller::{Reseller, ResellerStatus, commands::ResellerCommand},
    testing::port_request::sealed,
};

use crate::{
    invariants::Audit,
    race::{all, on_every_store, with_two_engines},
    world::*,
};

fn suspend(reseller: orderwire::domain::ids::ResellerId) -> Command {
    Command::Reseller { reseller, command: ResellerCommand::Suspend { reason: sealed("unpaid") } }
}

#[tokio::test]
async fn a_reseller_with_a_live_company_is_not_closed_whatever_the_read_models_say() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        let neighbour = world.reseller(2).await;
        world.company(neighbour, "Neighbour").await;
        let company = world.company(reseller, "Acme").await;
        let ended = world.company(reseller, "Ended").await;
        world.done(Command::Company { company: ended, command: CompanyCommand::Release }).await;
        let close = Command::CloseReseller { reseller };
        world.refused(close.clone(), &["not_permitted"]).await;
        world.done(suspend(reseller)).await;
        world.settle().await;
        // As another process leaves it when it has just begun to rebuild, and its rows are cleared.
        let directory = world.engine.readers().get("companies").unwrap();
        let head = world.engine.head().await.unwrap().position;
        directory.reset(world.engine.log()).await.unwrap();
        let empty = orderwire::engine::log::ReaderCommit {
            reader: directory.name.clone(),
            after: 0,
            to: head,
            ..Default::default()
        };
        world.engine.log().apply(&empty).await.unwrap();

        let error = world.refused(close.clone(), &["live_companies"]).await;
        assert!(error.to_string().contains('1'), "one of them is live: {error}");
        world.done(Command::Company { company, command: CompanyCommand::Release }).await;
        world.done(close).await;
        assert_eq!(world.state::<Reseller>(reseller).await.status(), ResellerStatus::Closed);
        world.engine.rebuild().await.unwrap();
        world.settle().await;
        Audit::of(&world.engine).await;
        world.engine.close().await;
    })
    .await;
}

/// Through two engines, whose states at hand are of before: companies come up until the reseller is suspended, and then
/// it is closed, or not. That no closed reseller has a live company is checked by the audit, at every commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_closed_reseller_has_no_live_company_however_they_race() {
    with_two_engines(async |one, other| {
        let mut closed = 0;
        for round in 0..12_u32 {
            let reseller = one.reseller(round).await;
            let tasks = (0..6).map(|n| {
                let world = if n % 2 == 0 { one.clone() } else { other.clone() };
                async move {
                    let commands = match n {
                        0 | 5 => vec![suspend(reseller), Command::CloseReseller { reseller }],
                        // In half of the rounds nobody gets a company, and the reseller can be closed.
                        _ if round % 2 == 0 => vec![],
                        1 => vec![
                            Command::Reseller { reseller, command: ResellerCommand::Resume },
                            qualify(reseller, &format!("Company {round} {n}")),
                        ],
                        _ => vec![qualify(reseller, &format!("Company {round} {n}"))],
                    };
                    for command in commands {
                        if let Err(error) = world.ask(&command).await {
                            assert_ne!(error.reasons(), [], "{error}");
                        }
                    }
                }
            });
            all(tasks).await;
            let (_, state) = one.engine.load::<Reseller>(reseller).await.unwrap();
            closed += u32::from(state.status() == ResellerStatus::Closed);
        }
        assert!(closed >= 6, "{closed} were closed");
    })
    .await;
}
