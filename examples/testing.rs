//! Tests of an embedder, with what the feature `testing` makes public: values from generators, an aggregate in given, when
//! and then, and one that walks beside its reference model.
//!
//! `cargo run --example testing --features testing` runs them, and so does `cargo test`. In tests of your own, begin each
//! with `#[test]`.

use chrono::{DateTime, Utc};
use orderwire::domain::{
    decider::{Decider as _, Event as _},
    ids::{ResellerId, StreamId},
    number::NumberRange,
    reseller::{Reseller, ResellerStatus, commands::ResellerCommand, events::ResellerEvent},
    testing::{
        beside::{Beside, Mirror, Walked},
        company::sealed,
        machine::{Model, Said, Wish},
        reseller::ResellerModel,
        scenario::given,
        values::a_number_range,
    },
};
use proptest::prelude::*;
use proptest_state_machine::prop_state_machine;

// Generators: every value there is, and never a number that somebody has.
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    fn a_range_is_read_as_it_is_written(range in a_number_range()) {
        prop_assert_eq!(NumberRange::parse(&range.to_string()).unwrap(), range);
    }
}

/// Given, when, then: an aggregate with a history, what somebody wants, and what comes of it.
fn a_suspended_reseller_changes_its_name_and_orders_nothing() {
    let create = ResellerCommand::Create {
        code: "R100".parse().unwrap(),
        cug_id: "CUG100".parse().unwrap(),
        sales_tag: "TAG100".parse().unwrap(),
        name: "Northern Voice".parse().unwrap(),
    };
    let suspend = ResellerCommand::Suspend { reason: sealed("unpaid") };
    let suspended = given::<Reseller>([]).when(&create).accepted().when(&suspend).accepted();
    assert!(!suspended.state().may_order());

    let name = "Northern Voice and Data".parse().unwrap();
    let renamed = suspended.when(&ResellerCommand::ChangeDetails { name }).events();
    assert_eq!(renamed.iter().map(ResellerEvent::name).collect::<Vec<_>>(), ["ResellerDetailsChanged"]);
    suspended.when(&create).refused(&["not_permitted"]);
}

/// A reference model, and what we compare with it. For a system of your own, such as a client that asks across a network,
/// write a `StateMachineTest` on `Machine<ResellerModel>` instead.
#[derive(Clone, Copy, Debug)]
struct OurResellers(ResellerModel);

impl Model for OurResellers {
    type Of = Reseller;

    fn begin() -> BoxedStrategy<Self> {
        ResellerModel::begin().prop_map(Self).boxed()
    }

    fn wishes(&self, now: DateTime<Utc>) -> BoxedStrategy<Wish<Self>> {
        self.0.wishes(now)
    }

    fn hear(&mut self, command: &ResellerCommand, at: DateTime<Utc>) -> Said {
        self.0.hear(command, at)
    }
}

impl Mirror for OurResellers {
    /// An event names its three ids at most.
    const KEYS_MAX: usize = 3;

    fn stream() -> StreamId {
        ResellerId(uuid::Uuid::from_u128(1)).stream()
    }

    fn compare(&self, _: Said, walked: &Walked<Self>) {
        assert_eq!(walked.state.status(), self.0.stage);
        // An id is taken once and for good: whatever else happens, no other reseller has it.
        let taken = if self.0.stage == ResellerStatus::New { 0 } else { 3 };
        assert_eq!(walked.held().len(), taken);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    fn our_resellers_do_what_the_model_does(sequential 1..20 => Beside<OurResellers>);
}

#[cfg_attr(test, test)]
fn main() {
    a_range_is_read_as_it_is_written();
    a_suspended_reseller_changes_its_name_and_orders_nothing();
    our_resellers_do_what_the_model_does();
    println!("generators, given/when/then and the reference model agree");
}
