//! What a command leads to. Legality is in the table; here are the conditions.

use chrono::{DateTime, Days, Utc};

use super::{BlockCommand, BlockError, BlockEvent, NumberBlock, claims::HUNDRED};
use crate::{
    decider::Context,
    number::{NumberRange, NumberSet, TelephoneNumber},
};

type Decision = Result<Vec<BlockEvent>, Vec<BlockError>>;

pub(super) fn decide(block: &NumberBlock, command: &BlockCommand, context: &Context) -> Decision {
    use BlockCommand as C;
    match command {
        C::Load { range, range_holder, place } => {
            let (range_holder, place) = (range_holder.clone(), place.clone());
            let loaded = BlockEvent::BlockLoaded { range: *range, range_holder, place };
            refuse(partial_hundreds(*range), || vec![loaded])
        }
        C::Quarantine { numbers } => {
            let mut errors = outside(block, numbers);
            errors.extend(some(&at_rest(block, numbers), BlockError::NumbersAtRest));
            errors.extend(some(&ported_out(block, numbers), BlockError::NumbersPortedOut));
            let until = after(context.at, context.rules.limits().quarantine_days);
            let event = |numbers| BlockEvent::NumbersQuarantined { numbers, until };
            refuse(errors, || in_events(numbers, context, event))
        }
        C::Free { numbers } => free(block, numbers, context),
        C::PortOut { numbers, message } => {
            let mut errors = outside(block, numbers);
            errors.extend(some(&ported_out(block, numbers), BlockError::NumbersPortedOut));
            refuse(errors, || {
                // The message takes a key of the first event, so that has room for one number less.
                let max = context.rules.limits().event_keys_max as usize - 1;
                let messages = std::iter::once(Some(message.clone())).chain(std::iter::repeat(None));
                let parts = numbers.chunks(max.max(1)).into_iter().zip(messages);
                let event = |(numbers, message)| BlockEvent::NumbersPortedOut {
                    quarantined: at_rest(block, &numbers),
                    numbers,
                    message,
                };
                parts.map(event).collect()
            })
        }
        C::TakeBack { numbers } => {
            let here = numbers.difference(&ported_out(block, numbers));
            let errors = empty(numbers).into_iter().chain(some(&here, BlockError::NumbersNotPortedOut));
            let event = |numbers| BlockEvent::NumbersTakenBack { numbers };
            refuse(errors.collect(), || in_events(numbers, context, event))
        }
        C::Withdraw => withdraw(block, context),
    }
}

/// Nothing is freed before its time, whoever asks.
fn free(block: &NumberBlock, numbers: &NumberSet, context: &Context) -> Decision {
    let mut errors: Vec<_> = empty(numbers).into_iter().collect();
    errors.extend(some(&numbers.difference(&at_rest(block, numbers)), BlockError::NumbersNotAtRest));
    let last = numbers.iter().filter_map(|number| block.rests_until(number)).max();
    errors.extend(last.filter(|until| context.at < *until).map(BlockError::QuarantineRuns));
    refuse(errors, || in_events(numbers, context, |numbers| BlockEvent::NumbersFreed { numbers }))
}

fn withdraw(block: &NumberBlock, context: &Context) -> Decision {
    let NumberBlock::Active { stretch, quarantined, ported_out } = block else { return Ok(vec![]) };
    let at_rest = quarantined.keys().copied().collect();
    let elsewhere = ported_out.iter().copied().collect();
    let errors = some(&at_rest, BlockError::NumbersAtRest)
        .into_iter()
        .chain(some(&elsewhere, BlockError::NumbersPortedOut))
        .collect();
    let range = stretch.range;
    refuse(errors, || {
        let event = |numbers| BlockEvent::NumbersUnstocked { numbers };
        let mut events = in_events(&NumberSet::from(range), context, event);
        events.push(BlockEvent::BlockWithdrawn { range });
        events
    })
}

fn partial_hundreds(range: NumberRange) -> Vec<BlockError> {
    let whole = range.start().nsn().ends_with("00") && range.len().is_multiple_of(HUNDRED);
    if whole { vec![] } else { vec![BlockError::NotWholeHundreds(range)] }
}

fn outside(block: &NumberBlock, numbers: &NumberSet) -> Vec<BlockError> {
    let stretch = block.stretch().map(|stretch| NumberSet::from(stretch.range)).unwrap_or_default();
    let strange = some(&numbers.difference(&stretch), BlockError::NumbersOutside);
    empty(numbers).into_iter().chain(strange).collect()
}

fn empty(numbers: &NumberSet) -> Option<BlockError> {
    numbers.is_empty().then_some(BlockError::NumbersMissing)
}

fn at_rest(block: &NumberBlock, numbers: &NumberSet) -> NumberSet {
    numbers.iter().filter(|number| block.rests_until(*number).is_some()).collect()
}

fn ported_out(block: &NumberBlock, numbers: &NumberSet) -> NumberSet {
    numbers.iter().filter(|number| block.is_ported_out(*number)).collect()
}

/// The error about the first of these numbers, and how many there are.
fn some(numbers: &NumberSet, error: impl Fn(TelephoneNumber, usize) -> BlockError) -> Option<BlockError> {
    numbers.iter().next().map(|first| error(first, numbers.len()))
}

fn refuse(errors: Vec<BlockError>, events: impl FnOnce() -> Vec<BlockEvent>) -> Decision {
    if errors.is_empty() { Ok(events()) } else { Err(errors) }
}

fn in_events(
    numbers: &NumberSet,
    context: &Context,
    event: impl Fn(NumberSet) -> BlockEvent,
) -> Vec<BlockEvent> {
    numbers.chunks(context.rules.limits().event_keys_max as usize).into_iter().map(event).collect()
}

/// So many days later; the end of time if there are not so many.
fn after(at: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    at.checked_add_days(Days::new(days.into())).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
