//! What its events take and release: hundreds, numbers at rest or with another provider, messages.

use super::events::{BlockEvent, BlockEventKind};
use crate::{
    claim::{Claim, ClaimChange, ClaimScope},
    decider::Event,
    ids::StreamId,
    names::MessageId,
    number::{NumberRange, NumberSet, TelephoneNumber},
};

/// How many numbers share the leading digits that are claimed for a block.
pub const HUNDRED: u32 = 100;
/// Who says that numbers leave; its message ids are its own.
const SENDER: &str = "network";

impl Event for BlockEvent {
    type Kind = BlockEventKind;

    fn kind(&self) -> BlockEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, holder: StreamId) -> Vec<ClaimChange> {
        let take = |claim| ClaimChange::take(holder, claim);
        let release = |claim| ClaimChange::release(holder, claim);
        match self {
            Self::BlockLoaded { range, .. } => hundreds(*range).map(take).collect(),
            Self::BlockWithdrawn { range } => hundreds(*range).map(release).collect(),
            Self::NumbersQuarantined { numbers, .. } => of_numbers(numbers).map(take).collect(),
            Self::NumbersPortedOut { numbers, quarantined, message } => {
                let message = message.iter().map(heard);
                of_numbers(&numbers.difference(quarantined)).chain(message).map(take).collect()
            }
            Self::NumbersFreed { numbers } | Self::NumbersTakenBack { numbers } => {
                of_numbers(numbers).map(release).collect()
            }
            // Taking a number proves that nobody held it.
            Self::NumbersUnstocked { numbers } => {
                of_numbers(numbers).flat_map(|claim| [take(claim.clone()), release(claim)]).collect()
            }
        }
    }
}

/// The claims on the hundreds of a block.
pub fn hundreds(range: NumberRange) -> impl Iterator<Item = Claim> {
    range.iter().step_by(HUNDRED as usize).map(hundred_of)
}

/// The claim on the hundred that a number lies in: its digits but the last two.
pub fn hundred_of(number: TelephoneNumber) -> Claim {
    let mut digits = number.to_string();
    digits.truncate(digits.len() - 2);
    Claim::platform(ClaimScope::BlockHundred, digits)
}

/// The claim on a message of the network.
pub fn heard(message: &MessageId) -> Claim {
    Claim::within(ClaimScope::MessageId, SENDER, message)
}

fn of_numbers(numbers: &NumberSet) -> impl Iterator<Item = Claim> + use<> {
    let numbers: Vec<_> = numbers.iter().collect();
    numbers.into_iter().map(|number| Claim::platform(ClaimScope::Number, number.to_string()))
}
