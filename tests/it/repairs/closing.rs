//! Closing a reseller rests on claims and streams, never on a read model: another process may be rebuilding that.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orderwire::{
    domain::{
        claim::Claim,
        company::{Company, CompanyStatus, commands::CompanyCommand},
        decider::Decider as _,
        ids::{ResellerId, StreamId},
        joint::Command,
        reseller::{Reseller, ResellerStatus, commands::ResellerCommand},
        testing::port_request::sealed,
    },
    engine::fulfilment::AutoProvisioner,
};

use super::{Gate, beside, let_others_run};
use crate::{
    invariants::Audit,
    race::{all, codes, on_every_store, with_two_engines},
    world::*,
};

fn suspend(reseller: ResellerId) -> Command {
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
        let directory = world.engine.readers().get("orders").unwrap();
        let head = world.engine.head().await.unwrap().position;
        world.engine.log().reset(&directory.name, &directory.tables).await.unwrap();
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

/// The suspension is on its way while the companies would be counted, and another process gets in before it.
#[tokio::test]
async fn companies_are_counted_only_when_it_is_certain_that_no_more_come_up() {
    let store = Store::memory().await;
    let world = World::open(&store).await;
    let reseller = world.reseller(1).await;
    let gate = Arc::new(Gate { event: "ResellerSuspended", closed: true.into(), ..Gate::default() });
    let engine = beside(&store, &world, &gate, AutoProvisioner).await;
    let ask = |command| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.execute(&command, &operator(), None).await })
    };
    let suspending = ask(suspend(reseller));
    gate.reached.notified().await;
    let closing = ask(Command::CloseReseller { reseller });
    let_others_run().await;
    let company = world.company(reseller, "Acme").await;
    gate.opened.notify_one();
    suspending.await.unwrap().unwrap();
    let outcome = closing.await.unwrap();
    assert_eq!(codes(&outcome), ["live_companies"]);
    assert_eq!(engine.load::<Company>(company).await.unwrap().1.status(), CompanyStatus::Qualified);
    engine.settle().await.unwrap();
    Audit::of(&engine).await;
}

/// Resumes and suspends the reseller once more while its companies are counted, and gives it one in between.
#[derive(Default)]
struct OnceMore(Mutex<Option<(World, ResellerId)>>);

#[async_trait]
impl Meddles for OnceMore {
    async fn claims(&self, _claims: &mut Vec<(Claim, StreamId)>) {
        let reseller = self.0.lock().unwrap().take();
        if let Some((world, reseller)) = reseller {
            world.done(Command::Reseller { reseller, command: ResellerCommand::Resume }).await;
            world.company(reseller, "Acme").await;
            world.done(suspend(reseller)).await;
        }
    }
}

#[tokio::test]
async fn a_count_from_before_the_last_suspension_does_not_count() {
    let once_more = Arc::new(OnceMore::default());
    let store = Store::memory().await.meddled_with(Arc::clone(&once_more)).await;
    let world = World::open(&store).await;
    let reseller = world.reseller(1).await;
    world.done(suspend(reseller)).await;
    *once_more.0.lock().unwrap() = Some((world.clone(), reseller));
    world.refused(Command::CloseReseller { reseller }, &["live_companies"]).await;
    assert!(once_more.0.lock().unwrap().take().is_none(), "it was resumed in between");
    world.settle().await;
    Audit::of(&world.engine).await;
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
