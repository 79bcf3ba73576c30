//! Many commands on one company at once: decided in order, each on what its predecessor left, none lost.

use std::collections::BTreeSet;

use orderwire::{
    domain::{
        claim::ClaimScope,
        company::Company,
        decider::Decider as _,
        joint::Command,
        order::{Order, OrderStatus, commands::OrderCommand, line::LineRequest},
    },
    engine::Error,
};

use super::{all, close, codes, on_every_store};
use crate::{invariants::Audit, world::*};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_commands_on_one_company_lose_nothing_and_refuse_nothing_wrongly() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let (company, other) = (world.company(reseller, "Hot").await, world.company(reseller, "Other").await);
        // Every eighth wants a number that somebody else has: its commit is refused by its claim, after others were
        // decided on the state it would have left.
        world.reserve(other, leeds(150, 8)).await;
        let wanted = |n: u32| if n % 8 == 3 { leeds(150 + n / 8, 1) } else { leeds(n, 1) };
        let tasks = (0..64).map(|n| {
            let world = world.clone();
            async move { world.ask(&reserve(company, wanted(n))).await }
        });
        let mut positions = BTreeSet::new();
        for (n, outcome) in (0..64).zip(all(tasks).await) {
            if n % 8 == 3 {
                assert_eq!(codes(&outcome), ["number_taken"], "{n}");
            } else {
                let receipt = outcome.unwrap_or_else(|error| panic!("{n} was refused: {error}"));
                assert!(positions.insert(receipt.appended.first), "{n} shares a position");
            }
        }
        let held = world.state::<Company>(company).await;
        assert_eq!(held.numbers().count(), 56);
        world.settle().await;
        let audit = Audit::of(&world.engine).await;
        let numbers = audit
            .holders
            .iter()
            .filter(|(claim, holder)| claim.scope == ClaimScope::Number && **holder == company.stream());
        assert_eq!(numbers.count(), 56);
        close(world).await;
    })
    .await;
}

/// Commands that are begun one after the other are done in that order, though all are in flight together.
#[tokio::test]
async fn commands_of_one_stream_are_appended_in_the_order_they_were_asked() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        let company = world.company(reseller, "Hot").await;
        // It is at hand from here on, so that no loading reorders anything.
        let order = world.order(company, "PO-1", vec![company_line(10)]).await;
        let add = |n| OrderCommand::AddLine { request: site_with(n, &n.to_string(), vec![]) };
        let commands: Vec<Command> = (0..64).map(|n| Command::Order { order, command: add(n) }).collect();
        let outcomes = futures::future::join_all(commands.iter().map(|command| world.ask(command))).await;
        let positions: Vec<u64> =
            outcomes.into_iter().map(|outcome| outcome.unwrap().appended.first).collect();
        assert!(positions.is_sorted(), "{positions:?}");
        close(world).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_submitted_many_times_at_once_is_submitted_once() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.company(reseller, "Acme").await;
        world.settle().await;
        let order = world.order(company, "PO-1", new_company(1, 20)).await;
        let tasks = (0..16).map(|_| {
            let world = world.clone();
            async move { world.ask(&Command::Submit { order }).await }
        });
        let outcomes = all(tasks).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for refused in outcomes.iter().filter(|outcome| outcome.is_err()) {
            assert_eq!(codes(refused), ["not_permitted"]);
        }
        world.refused(Command::Submit { order }, &["not_permitted"]).await;
        world.settle().await;
        assert_eq!(world.state::<Order>(order).await.status(), OrderStatus::Completed);
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}

/// Each line is added on the draft that the one before it left: none is overwritten, no number is given twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lines_added_to_one_draft_at_once_are_all_there() {
    on_every_store(async |store| {
        let world = World::open(&store).await;
        let reseller = world.reseller(1).await;
        let company = world.company(reseller, "Acme").await;
        let order = world.order(company, "PO-1", vec![company_line(10)]).await;
        let tasks = (0..64).map(|n| {
            let world = world.clone();
            let request: LineRequest = site_with(n, &n.to_string(), vec![]);
            let command = Command::Order { order, command: OrderCommand::AddLine { request } };
            async move { world.ask(&command).await.map_err(|error: Error| error.to_string()) }
        });
        for outcome in all(tasks).await {
            outcome.unwrap();
        }
        assert_eq!(world.state::<Order>(order).await.lines().count(), 65);
        world.settle().await;
        Audit::of(&world.engine).await;
        close(world).await;
    })
    .await;
}
