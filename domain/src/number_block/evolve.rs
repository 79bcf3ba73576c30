//! How what happened moves a number block from stage to stage.

use imbl::{OrdMap, OrdSet};

use super::{BlockEvent, NumberBlock, Stretch};

pub(super) fn evolve(block: NumberBlock, event: &BlockEvent) -> NumberBlock {
    use BlockEvent::{
        BlockLoaded, BlockWithdrawn, NumbersFreed, NumbersPortedOut, NumbersQuarantined, NumbersTakenBack,
    };
    use NumberBlock::{Active, New, Withdrawn};
    match (block, event) {
        (New, BlockLoaded { range, range_holder, place }) => Active {
            stretch: Stretch { range: *range, range_holder: range_holder.clone(), place: place.clone() },
            quarantined: OrdMap::new(),
            ported_out: OrdSet::new(),
        },
        (Active { stretch, mut quarantined, ported_out }, NumbersQuarantined { numbers, until }) => {
            quarantined.extend(numbers.iter().map(|number| (number, *until)));
            Active { stretch, quarantined, ported_out }
        }
        (Active { stretch, mut quarantined, ported_out }, NumbersFreed { numbers }) => {
            for number in numbers.iter() {
                quarantined.remove(&number);
            }
            Active { stretch, quarantined, ported_out }
        }
        (
            Active { stretch, mut quarantined, mut ported_out },
            NumbersPortedOut { numbers, quarantined: rested, .. },
        ) => {
            for number in rested.iter() {
                quarantined.remove(&number);
            }
            ported_out.extend(numbers.iter());
            Active { stretch, quarantined, ported_out }
        }
        (Active { stretch, quarantined, mut ported_out }, NumbersTakenBack { numbers }) => {
            for number in numbers.iter() {
                ported_out.remove(&number);
            }
            Active { stretch, quarantined, ported_out }
        }
        (Active { stretch, .. }, BlockWithdrawn { .. }) => Withdrawn(stretch),
        // `NumbersUnstocked` changes claims only; anything else is no row of the lifecycle, so `apply` refuses it.
        (state, _) => state,
    }
}
