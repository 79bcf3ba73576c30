//! Commands for number blocks, and a model that keeps one word per number.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, sample::select};

use super::machine::{Model, Said, Wish, rules_naming};
use crate::{
    names::{Cupid, MessageId, SiteName},
    number::{NumberRange, NumberSet, TelephoneNumber},
    number_block::{BlockStatus, NumberBlock, commands::BlockCommand},
    rules::Rules,
};

/// The numbers of the block in every test.
pub fn stretch() -> NumberRange {
    NumberRange::parse("0113 496 0100-299").expect("two hundreds of a drama range")
}

/// Some of its numbers.
pub fn part(from: u32, len: u32) -> NumberSet {
    let at = |n| stretch().start().offset(n).expect("the stretch lies in one area");
    NumberRange::new(at(from), at(from + len - 1)).expect("a part is short").into()
}

/// Makes the stretch stock.
pub fn load() -> BlockCommand {
    BlockCommand::Load {
        range: stretch(),
        range_holder: Cupid::parse("001").expect("three digits"),
        place: SiteName::parse("Leeds").expect("a place"),
    }
}

/// Any command, over few enough numbers that they meet.
pub fn a_command() -> impl Strategy<Value = BlockCommand> {
    use BlockCommand as C;
    let set = || (0u32..8, 1u32..5).prop_map(|(from, len)| part(from, len));
    prop_oneof![
        1 => Just(load()),
        4 => set().prop_map(|numbers| C::Quarantine { numbers }),
        4 => set().prop_map(|numbers| C::Free { numbers }),
        3 => (set(), any::<u64>()).prop_map(|(numbers, n)| {
            let message = MessageId::parse(&format!("m{n}")).expect("a message id");
            C::PortOut { numbers, message }
        }),
        4 => set().prop_map(|numbers| C::TakeBack { numbers }),
        1 => Just(C::Withdraw),
    ]
}

/// Where the model thinks a number is; one that it does not know is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// At rest until then.
    Resting(DateTime<Utc>),
    /// With another provider.
    Elsewhere,
}

/// A block as a word and the numbers that are not free.
#[derive(Clone, Debug, Default)]
pub struct BlockModel {
    loaded: bool,
    withdrawn: bool,
    /// Numbers that are not free.
    pub away: BTreeMap<TelephoneNumber, Away>,
}

impl BlockModel {
    /// The word for its stage.
    pub fn stage(&self) -> BlockStatus {
        match (self.loaded, self.withdrawn) {
            (false, _) => BlockStatus::New,
            (true, false) => BlockStatus::Active,
            (true, true) => BlockStatus::Withdrawn,
        }
    }

    fn take(&mut self, command: &BlockCommand, at: DateTime<Utc>) -> bool {
        const REST: TimeDelta = TimeDelta::days(31);
        if self.withdrawn || self.loaded == matches!(command, BlockCommand::Load { .. }) {
            return false;
        }
        let away = &mut self.away;
        match command {
            BlockCommand::Load { .. } => {
                self.loaded = true;
                true
            }
            BlockCommand::Quarantine { numbers } => {
                numbers.iter().all(|number| away.insert(number, Away::Resting(at + REST)).is_none())
            }
            BlockCommand::Free { numbers } => numbers
                .iter()
                .all(|number| matches!(away.remove(&number), Some(Away::Resting(until)) if until <= at)),
            BlockCommand::PortOut { numbers, .. } => {
                numbers.iter().all(|number| away.insert(number, Away::Elsewhere) != Some(Away::Elsewhere))
            }
            BlockCommand::TakeBack { numbers } => {
                numbers.iter().all(|number| away.remove(&number) == Some(Away::Elsewhere))
            }
            BlockCommand::Withdraw => {
                self.withdrawn = away.is_empty();
                self.withdrawn
            }
        }
    }

    /// What the numbers that are away suggest: to free one when it may be, to take one back.
    fn suggested(&self, now: DateTime<Utc>) -> Vec<Wish<Self>> {
        let of = |(number, away): (&TelephoneNumber, &Away)| {
            let numbers = NumberSet::from_iter([*number]);
            match away {
                Away::Resting(until) => (now.max(*until), BlockCommand::Free { numbers }),
                Away::Elsewhere => (now, BlockCommand::TakeBack { numbers }),
            }
        };
        self.away.iter().map(of).collect()
    }
}

impl Model for BlockModel {
    type Of = NumberBlock;

    fn begin() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn wishes(&self, now: DateTime<Utc>) -> BoxedStrategy<Wish<Self>> {
        if !self.loaded {
            return prop_oneof![9 => Just(load()), 1 => a_command()].prop_map(move |it| (now, it)).boxed();
        }
        let any = (0i64..400, a_command()).prop_map(move |(hours, it)| (now + TimeDelta::hours(hours), it));
        let suggested = self.suggested(now);
        if suggested.is_empty() { any.boxed() } else { prop_oneof![3 => any, 1 => select(suggested)].boxed() }
    }

    fn hear(&mut self, command: &BlockCommand, at: DateTime<Utc>) -> Said {
        let mut after = self.clone();
        let done = after.take(command, at);
        if done {
            *self = after;
        }
        Said::done(done)
    }

    fn rules(&self) -> Arc<Rules> {
        rules_naming(3)
    }
}
