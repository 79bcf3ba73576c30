//! Random lives of a whole carrier: several resellers, companies and orders, suppliers that speak late, twice and out of
//! turn, numbers that run short, and weeks that pass. After every step the log is audited; at the end everything is, and
//! then everything that is open comes to an end.
//!
//! What is asked next follows from what somebody believes who only knows what was asked ([`beliefs`]); where that one is
//! sure of an answer, the carrier must give it.
//!
//! `ORDERWIRE_WALKS` says how many lives (120 unless it is set; a tenth of them on SQLite), `ORDERWIRE_WALK_STEPS` how
//! long the longest is (60). A failure prints the shortest life that fails; `regressions.txt` keeps its seed.

mod beliefs;
mod carrier;
mod lines;
mod machine;
mod endings;
mod ports;
mod wish;

use std::{collections::BTreeSet, marker::PhantomData};

use orderwire::domain::fact::Fact;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{FileFailurePersistence, TestError, TestRng, TestRunner},
};
use proptest_state_machine::{ReferenceStateMachine as _, StateMachineTest, prop_state_machine};
use tokio::runtime::{Builder, Runtime};

use self::{
    beliefs::Beliefs,
    carrier::Carrier,
    machine::{Lives, Step},
    wish::{Handle, Kind, OfLine, Whole, Wish},
};
use crate::{
    planted::{Defect, planted},
    world::Store,
};

fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number of walks or steps"))
}

fn walks() -> u32 {
    number("ORDERWIRE_WALKS", 120)
}

fn steps() -> usize {
    number("ORDERWIRE_WALK_STEPS", 60) as usize
}

fn config(cases: u32) -> ProptestConfig {
    let persistence = FileFailurePersistence::Direct("tests/it/walk/regressions.txt");
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(persistence)),
        max_shrink_iters: number("ORDERWIRE_WALK_SHRINKS", 400),
        ..ProptestConfig::default()
    }
}

/// A life under way, on a runtime of its own.
struct Life {
    runtime: Runtime,
    store: Store,
    carrier: Carrier,
}

impl Life {
    fn begin(store: impl Future<Output = Store>, beliefs: &Beliefs) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (store, carrier) = runtime.block_on(async {
            let store = store.await;
            let carrier = Carrier::open(&store, beliefs.script.clone()).await;
            (store, carrier)
        });
        Self { runtime, store, carrier }
    }

    fn go(&mut self, step: &Step) {
        self.runtime.block_on(self.carrier.make(step));
    }

    /// A step that is really made; what is believed then must be so.
    fn take(&mut self, beliefs: Beliefs, step: &Step) -> Beliefs {
        let beliefs = Lives::apply(beliefs, step);
        self.go(step);
        self.carrier.keeps(&beliefs);
        beliefs
    }

    fn end(mut self) -> Vec<Fact> {
        self.runtime.block_on(self.carrier.end(&self.store));
        self.carrier.audit.facts
    }

    /// Lets everything end, and looks at it all once more.
    fn end_in_peace(mut self) -> Vec<Fact> {
        self.runtime.block_on(async {
            self.carrier.end(&self.store).await;
            endings::let_everything_end(&mut self.carrier).await;
        });
        self.end()
    }
}

/// Where the events of a walk are kept.
trait Place {
    fn store() -> impl Future<Output = Store>;
}

struct Memory;
struct Sqlite;

impl Place for Memory {
    fn store() -> impl Future<Output = Store> {
        Store::memory()
    }
}

impl Place for Sqlite {
    async fn store() -> Store {
        Store::sqlite()
    }
}

/// A whole carrier on some store.
struct CarrierOn<P>(PhantomData<P>);

impl<P: Place> StateMachineTest for CarrierOn<P> {
    type SystemUnderTest = Life;
    type Reference = Lives;

    fn init_test(beliefs: &Beliefs) -> Life {
        Life::begin(P::store(), beliefs)
    }

    fn apply(mut life: Life, _: &Beliefs, step: Step) -> Life {
        life.go(&step);
        life
    }

    fn check_invariants(life: &Life, beliefs: &Beliefs) {
        life.carrier.keeps(beliefs);
    }

    fn teardown(life: Life, _: Beliefs) {
        life.end_in_peace();
    }
}

prop_state_machine! {
    #![proptest_config(config(walks()))]

    #[test]
    fn any_life_of_a_carrier_keeps_every_invariant_in_memory(sequential 1..=steps() => CarrierOn<Memory>);
}

prop_state_machine! {
    #![proptest_config(config(walks().div_ceil(10)))]

    #[test]
    fn any_life_of_a_carrier_keeps_every_invariant_in_sqlite(sequential 1..=steps() => CarrierOn<Sqlite>);
}

struct ForgetfulOfClaims;
struct ForgetfulOfReleases;

impl Place for ForgetfulOfClaims {
    async fn store() -> Store {
        Store::of(planted(Defect::ForgetsClaims))
    }
}

impl Place for ForgetfulOfReleases {
    async fn store() -> Store {
        Store::of(planted(Defect::ForgetsReleases))
    }
}

/// The shortest life that fails there.
fn shortest_failure<P: Place>() -> Vec<Step> {
    let config = ProptestConfig { failure_persistence: None, ..config(walks()) };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng);
    let outcome = runner.run(&Lives::sequential_strategy(1..=60), |(beliefs, steps, seen)| {
        CarrierOn::<P>::test_sequential(config.clone(), beliefs, steps, seen);
        Ok(())
    });
    match outcome {
        Err(TestError::Fail(_, (_, steps, _))) => steps,
        other => panic!("no walk failed: {other:?}"),
    }
}

#[test]
fn a_store_that_breaks_a_rule_fails_a_walk_of_a_few_steps() {
    let twice = shortest_failure::<ForgetfulOfClaims>();
    assert!(twice.len() <= 5, "{twice:#?}");
    let never_free_again = shortest_failure::<ForgetfulOfReleases>();
    assert!(never_free_again.len() <= 8, "{never_free_again:#?}");
}

/// Everything that happens in the lives that a runner makes up, each of so many steps, audited.
pub fn lives(runner: &mut TestRunner, steps: usize) -> impl Iterator<Item = Vec<Fact>> {
    let lives = Lives::sequential_strategy(steps);
    std::iter::from_fn(move || {
        let (mut beliefs, steps, _) = lives.new_tree(runner).unwrap().current();
        let mut life = Life::begin(Store::memory(), &beliefs);
        for step in steps {
            beliefs = life.take(beliefs, &step);
        }
        Some(life.end())
    })
}

/// A walk that never gets anywhere proves nothing: together, a few long lives reach these events.
#[test]
fn walks_reach_the_far_ends_of_the_lifecycles() {
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
    let mut missing = BTreeSet::from(far);
    for facts in lives(&mut TestRunner::deterministic(), 160).take(100) {
        for fact in facts {
            missing.remove(fact.happened.name());
        }
        if missing.is_empty() {
            return;
        }
    }
    panic!("never reached: {missing:?}");
}

/// Random lives seldom have an order that waits for another to bring its company. These begin with one, and then nobody does.
#[test]
fn lives_in_which_an_order_waits_in_vain_come_to_an_end() {
    let mut runner = TestRunner::deterministic();
    let order =
        |order, kind, reference| [Wish::Order { order, company: 0, kind, n: 5, reference }, submit(order)];
    let whole = |what| Wish::WholeOrder { order: 1, what };
    let company_line_fails = Wish::Line { order: 1, line: 0, what: OfLine::Fail };
    for (kind, nobody_brings_it) in [
        (Kind::NewCompany, vec![whole(Whole::Reject)]),
        (Kind::NewCompany, vec![whole(Whole::Cancel)]),
        (Kind::NewCompanyAndPort, vec![whole(Whole::Acknowledge), company_line_fails]),
    ] {
        let mut begun = vec![Wish::Qualify { company: 0, reseller: 0, name: 4 }];
        begun.extend(order(1, kind, 50));
        begun.extend(order(2, Kind::NumbersAndSite, 51));
        begun.extend(nobody_brings_it);
        begun.push(Wish::Settle);
        let mut beliefs = Beliefs::scripted(vec![9; 8]);
        let mut life = Life::begin(Store::memory(), &beliefs);
        for wish in begun {
            let step = Step { sure: beliefs.sure_of(&wish), wish };
            beliefs = life.take(beliefs, &step);
        }
        let waits = life.carrier.orders[&2].stream();
        let gave_up = |fact: &Fact| fact.happened.stream() == waits && fact.happened.name() == "LineFailed";
        assert!(life.carrier.audit.facts.iter().any(gave_up), "it waits for nobody");
        for _ in 0..20 {
            let step = Lives::transitions(&beliefs).new_tree(&mut runner).unwrap().current();
            beliefs = life.take(beliefs, &step);
        }
        life.end_in_peace();
    }
}

fn submit(order: Handle) -> Wish {
    Wish::Submit { order, twice: false }
}
