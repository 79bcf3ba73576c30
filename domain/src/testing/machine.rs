//! Models as reference state machines of `proptest-state-machine`: what somebody may want next follows from where the
//! model is, so walks go deep, and a shrunk walk is one that could have been walked.
//!
//! Every [`Model`] in [`testing`](super) makes a [`Machine`]: orders, companies, port requests, number blocks and
//! resellers. It can be the reference of any test, also of one that asks across a network:
//!
//! ```
//! use orderwire_domain::{
//!     decider::{Context, Decider as _, apply, handle},
//!     reseller::Reseller,
//!     testing::{
//!         machine::{Life, Machine, Model as _, Said, Step},
//!         reseller::ResellerModel,
//!     },
//! };
//! use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
//!
//! struct OurResellers;
//!
//! impl StateMachineTest for OurResellers {
//!     type SystemUnderTest = Reseller; // or a client of yours
//!     type Reference = Machine<ResellerModel>;
//!
//!     fn init_test(_: &Life<ResellerModel>) -> Reseller {
//!         Reseller::default()
//!     }
//!
//!     fn apply(ours: Reseller, life: &Life<ResellerModel>, step: Step<ResellerModel>) -> Reseller {
//!         let context = Context { at: step.at, rules: life.model.rules() };
//!         let outcome = handle(&ours, &step.command, &context);
//!         assert_eq!(outcome.is_ok(), life.said == Said::Done);
//!         outcome.unwrap_or_default().iter().try_fold(ours, apply).unwrap()
//!     }
//!
//!     fn check_invariants(ours: &Reseller, life: &Life<ResellerModel>) {
//!         assert_eq!(ours.status(), life.model.stage);
//!     }
//! }
//!
//! prop_state_machine! {
//!     # /*
//!     #[test]
//!     # */
//!     fn our_resellers_do_what_the_model_does(sequential 1..20 => OurResellers);
//! }
//! # our_resellers_do_what_the_model_does();
//! ```
//!
//! Absent: the aggregates themselves. [`beside`](super::beside) walks one beside its model.

use std::{
    collections::BTreeMap,
    fmt,
    marker::PhantomData,
    sync::{Arc, LazyLock, Mutex},
};

use chrono::{DateTime, Utc};
use proptest::{collection::vec, prelude::*};
use proptest_state_machine::ReferenceStateMachine;

use super::scenario::moment;
use crate::{decider::Decider, port_request::events::IgnoredBecause, rules::Rules};

/// Of so many wishes the first that the model grants becomes the next step.
const WISHES: usize = 6;
/// How often a step is one that the model grants, where it grants any of the wishes.
const LIKELY: f64 = 0.8;

/// What a model says to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// No, and nothing changes.
    Refused,
    /// That was said before; nothing changes.
    Repeated,
    /// Written down, and nothing else.
    Ignored(IgnoredBecause),
    /// Yes, and the model went where it leads.
    Done,
}

impl Said {
    /// Done, or else refused.
    pub fn done(done: bool) -> Self {
        if done { Self::Done } else { Self::Refused }
    }
}

/// A model of an aggregate, written from the specification alone.
pub trait Model: Clone + fmt::Debug + 'static {
    /// What it is a model of.
    type Of: Decider;

    /// The beginnings there are.
    fn begin() -> BoxedStrategy<Self>;

    /// What somebody may want next, and when. Most of it should suggest itself from where the model is.
    fn wishes(&self, now: DateTime<Utc>) -> BoxedStrategy<Wish<Self>>;

    /// Hears a command and goes where it leads.
    fn hear(&mut self, command: &CommandOf<Self>, at: DateTime<Utc>) -> Said;

    /// The timers that run, each with the command it will give. One that is overdue is decided as of its due time.
    fn timers(&self) -> Vec<Wish<Self>> {
        vec![]
    }

    /// The rules under which it decides.
    fn rules(&self) -> Arc<Rules> {
        rules_naming(500)
    }
}

/// The commands of what a model is a model of.
pub type CommandOf<M> = <<M as Model>::Of as Decider>::Command;

/// A command, and when somebody gives it.
pub type Wish<M> = (DateTime<Utc>, CommandOf<M>);

/// One step of a walk, and what the model said to it when the walk was made. When others are left out it may come to
/// nothing, never to something else.
pub struct Step<M: Model> {
    /// When it is decided.
    pub at: DateTime<Utc>,
    /// What is asked.
    pub command: CommandOf<M>,
    /// What the model says.
    pub said: Said,
}

impl<M: Model> Clone for Step<M> {
    fn clone(&self) -> Self {
        Self { at: self.at, command: self.command.clone(), said: self.said }
    }
}

impl<M: Model> fmt::Debug for Step<M> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {:?}", self.at, self.command)
    }
}

/// A model in the course of time.
#[derive(Clone, Debug)]
pub struct Life<M> {
    /// The model.
    pub model: M,
    /// The latest moment there was.
    pub now: DateTime<Utc>,
    /// What the model said last.
    pub said: Said,
}

/// The reference state machine of a model.
#[derive(Debug)]
pub struct Machine<M>(PhantomData<M>);

impl<M: Model> ReferenceStateMachine for Machine<M> {
    type State = Life<M>;
    type Transition = Step<M>;

    fn init_state() -> BoxedStrategy<Life<M>> {
        M::begin()
            .prop_map(|model| Life { model, now: moment("2026-06-01T10:00:00Z"), said: Said::Done })
            .boxed()
    }

    fn transitions(life: &Life<M>) -> BoxedStrategy<Step<M>> {
        let model = life.model.clone();
        // Steps are left out when a walk shrinks, never changed: each was chosen for where the model was.
        (vec(life.model.wishes(life.now), WISHES), prop::bool::weighted(LIKELY))
            .prop_map(move |(wishes, likely)| {
                let mut steps = wishes.into_iter().map(|(at, command)| {
                    let said = model.clone().hear(&command, at);
                    Step { at, command, said }
                });
                let first = steps.next().expect("there are several wishes");
                if likely && first.said != Said::Done {
                    return steps.find(|step| step.said == Said::Done).unwrap_or(first);
                }
                first
            })
            .no_shrink()
            .boxed()
    }

    fn apply(mut life: Life<M>, step: &Step<M>) -> Life<M> {
        life.said = life.model.hear(&step.command, step.at);
        life.now = life.now.max(step.at);
        life
    }

    /// Time does not go back, but for a timer that is answered late; and the answer is the same, or nothing changes.
    fn preconditions(life: &Life<M>, step: &Step<M>) -> bool {
        let in_time = step.at >= life.now || life.model.timers().iter().any(|(due, _)| *due == step.at);
        let said = life.model.clone().hear(&step.command, step.at);
        in_time && (said == step.said || said == Said::Refused)
    }
}

/// The bundled rules, but that an event names so many keys at most: so a handful of numbers needs several events.
pub fn rules_naming(keys_max: u32) -> Arc<Rules> {
    static KNOWN: LazyLock<Mutex<BTreeMap<u32, Arc<Rules>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().expect("nobody panics with the lock");
    let rules = known.entry(keys_max).or_insert_with(|| {
        let json = Rules::bundled().to_json();
        let fewer = json.replace("\"event_keys_max\":500", &format!("\"event_keys_max\":{keys_max}"));
        Arc::new(Rules::from_json(&fewer).expect("a smaller limit is allowed"))
    });
    Arc::clone(rules)
}
