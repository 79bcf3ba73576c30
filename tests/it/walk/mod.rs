//! Random lives of a whole carrier: several resellers, companies and orders, suppliers that speak late, twice and out of
//! turn, numbers that run short, and weeks that pass. After every step the log is audited; at the end everything is.
//!
//! `ORDERWIRE_WALKS` says how many lives (24 unless it is set; a tenth of them on SQLite), `ORDERWIRE_WALK_STEPS` how
//! long the longest is (60). A failure prints the shortest life that fails; `proptest-regressions` keeps its seed.

mod carrier;
mod endings;
mod ports;
mod wish;

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{FileFailurePersistence, TestRunner},
};

use orderwire::domain::fact::Fact;

use self::carrier::Carrier;
pub use self::wish::{Wish, a_wish};
use crate::world::Store;

fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number of walks or steps"))
}

fn walk(cases: u32, store: impl AsyncFn() -> Store) {
    let persistence = FileFailurePersistence::Direct("tests/it/walk/regressions.txt");
    let config = ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(persistence)),
        max_shrink_iters: number("ORDERWIRE_WALK_SHRINKS", 400),
        ..ProptestConfig::default()
    };
    let steps = number("ORDERWIRE_WALK_STEPS", 60) as usize;
    let wishes = (prop::collection::vec(any::<u8>(), 8), prop::collection::vec(wish::a_wish(), 1..=steps));
    let outcome = TestRunner::new(config).run(&wishes, |(script, wishes)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(&store, script, wishes));
        Ok(())
    });
    if let Err(failed) = outcome {
        panic!("{failed}");
    }
}

async fn live(store: &impl AsyncFn() -> Store, script: Vec<u8>, wishes: Vec<Wish>) {
    let store = store().await;
    let mut carrier = Carrier::open(&store, script).await;
    for wish in &wishes {
        carrier.make(wish).await;
    }
    carrier.end(&store).await;
    endings::let_everything_end(&mut carrier).await;
    carrier.end(&store).await;
}

/// Everything that happens in a life, audited.
pub async fn life(store: impl AsyncFn() -> Store, wishes: &[Wish]) -> Vec<Fact> {
    let store = store().await;
    let mut carrier = Carrier::open(&store, vec![9; 8]).await;
    for wish in wishes {
        carrier.make(wish).await;
    }
    carrier.end(&store).await;
    carrier.audit.facts
}

#[test]
fn any_life_of_a_carrier_keeps_every_invariant_in_memory() {
    walk(number("ORDERWIRE_WALKS", 24), Store::memory);
}

#[test]
fn any_life_of_a_carrier_keeps_every_invariant_in_sqlite() {
    walk(number("ORDERWIRE_WALKS", 24).div_ceil(10), async || Store::sqlite());
}

/// A walk that never gets anywhere proves nothing: together, a few long lives reach these events.
#[test]
fn walks_reach_the_far_ends_of_the_lifecycles() {
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..24 {
        let wishes = prop::collection::vec(wish::a_wish(), 160).new_tree(&mut runner).unwrap().current();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let facts = runtime.block_on(life(Store::memory, &wishes));
        seen.extend(facts.iter().map(|fact| fact.happened.name()));
    }
    let far = [
        "OrderCompleted",
        "OrderPartlyCompleted",
        "OrderFailed",
        "OrderCancelled",
        "OrderRejected",
        "CancellationRefused",
        "InformationRequired",
        "CompanyActivated",
        "CompanyExpired",
        "NumbersCeased",
        "NumbersFreed",
        "NumbersPortedOut",
        "NumbersWithdrawn",
        "PortCompleted",
        "PortWithdrawn",
        "PortTimedOut",
        "PortCancelled",
        "SupplierMessageIgnored",
        "ReservationEnded",
        "PortRejected",
        "PortRepresented",
        "LineFailed",
    ];
    let missing: Vec<_> = far.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?} of {seen:?}");
}

/// Random lives seldom have an order that waits for another to bring its company. These begin with one, and then nobody does.
#[test]
fn lives_in_which_an_order_waits_in_vain_come_to_an_end() {
    let mut runner = TestRunner::deterministic();
    let order = |kind, reference| Wish::Order { company: 2, kind, n: 5, reference, submit: true };
    // Of the last four orders the third is the one that was to bring the company.
    for nobody_brings_it in [Wish::WholeOrder { order: 9, what: 4 }, Wish::Cancel(9)] {
        let more = prop::collection::vec(wish::a_wish(), 20).new_tree(&mut runner).unwrap().current();
        let begun =
            vec![Wish::Qualify { reseller: 0, name: 4 }, order(0, 50), order(3, 51), nobody_brings_it];
        let wishes = [begun, more].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(&Store::memory, vec![9; 8], wishes));
    }
}
