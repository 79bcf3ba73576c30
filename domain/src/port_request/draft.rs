//! What a request may ask for: the rules of its class, its window, and the lead time, which starts with each presentation.

use chrono::NaiveTime;

use super::{
    PortError, Request, RequestFault,
    commands::PortChanges,
    deadlines::{answer_due, no_progress},
    decide::Decision,
    events::{PortDetails, PortDraft, PortEvent},
    reason::PortRejection,
};
use crate::{
    calendar::{PortWindow, london_date},
    decider::Context,
    lead_time::{PortClass, PortRoute, PortShape},
    number::{NUMBER_SET_MAX, NumberSet},
    order::line::PortLine,
    rules::EarliestPortDate,
    sealed::Sealed,
};

/// Before this time of day nobody at the other provider is there to undo what goes wrong.
pub(super) const PORT_HOURS_FROM: NaiveTime = hour(8);
/// After this time of day likewise.
pub(super) const PORT_HOURS_TO: NaiveTime = hour(18);

/// Begins a request for a line. The draft knows whose it is; numbers and details are found here.
pub(super) fn begin(
    line: &PortLine,
    simultaneous: u32,
    context: &Context,
    draft: impl FnOnce(NumberSet, PortDetails) -> PortDraft,
) -> Result<Vec<PortEvent>, Vec<RequestFault>> {
    let numbers = line.numbers();
    let (shape, route) = (shape(line, &numbers, simultaneous), line.route());
    let mut faults = line_faults(line, &numbers);
    let earliest = window_fits(&line.window, &shape, route, context, &mut faults);
    let (Some(earliest), true) = (earliest, faults.is_empty()) else { return Err(faults) };
    let details = PortDetails {
        shape,
        route,
        main_number: line.main_number,
        losing_provider: line.losing_provider.clone(),
        range_holder: line.range_holder.clone(),
        postcode: line.postcode.clone(),
        account: line.account.clone(),
        signatory: line.signatory.clone(),
        window: line.window,
        day_zero: earliest.day_zero,
        lead_time: earliest.lead_time,
    };
    let mut parts = numbers.chunks(context.rules.limits().event_keys_max as usize).into_iter();
    let first = parts.next().unwrap_or_default();
    let drafted = PortEvent::PortDrafted(Box::new(draft(first, details)));
    let added = parts.map(|numbers| PortEvent::PortNumbersAdded { numbers });
    Ok(std::iter::once(drafted).chain(added).collect())
}

/// Presents a rejected request again, with something changed; its lead time starts again.
pub(super) fn represent(
    request: &Request,
    reasons: &[PortRejection],
    changes: &PortChanges,
    context: &Context,
) -> Decision {
    let details = changed(&request.details, changes);
    let mut faults = class_faults(request, reasons, changes);
    faults.extend(
        changes
            .main_number
            .filter(|number| !request.numbers.contains(*number))
            .map(RequestFault::OtherMainNumber),
    );
    let earliest = window_fits(&details.window, &details.shape, details.route, context, &mut faults);
    let mut errors: Vec<PortError> = faults.into_iter().map(PortError::Change).collect();
    if details == request.details {
        errors.push(PortError::NothingChanged);
    }
    let attempts_max = context.rules.limits().port_attempts_max;
    if request.attempt >= attempts_max {
        errors.push(PortError::NoAttemptsLeft(attempts_max));
    }
    let (Some(earliest), true) = (earliest, errors.is_empty()) else { return Err(errors) };
    let EarliestPortDate { day_zero, lead_time, .. } = earliest;
    let overdue_at = answer_due(details.shape.class, context);
    Ok(vec![PortEvent::PortRepresented {
        details: Box::new(PortDetails { day_zero, lead_time, ..details }),
        attempt: request.attempt + 1,
        overdue_at,
        given_up_at: no_progress(context)?,
    }])
}

impl PortDetails {
    /// The same, presented at a time under some rules: with the day zero and the lead time that then apply, or every fault
    /// of its window. For whoever asks what other rules would have said.
    pub fn presented(&self, context: &Context) -> Result<Self, Vec<RequestFault>> {
        let mut faults = vec![];
        match window_fits(&self.window, &self.shape, self.route, context, &mut faults) {
            Some(EarliestPortDate { day_zero, lead_time, .. }) if faults.is_empty() => {
                Ok(Self { day_zero, lead_time, ..self.clone() })
            }
            _ => Err(faults),
        }
    }
}

/// The earliest date of such a window, where the calendar knows; every fault is added to the others.
pub(super) fn window_fits(
    window: &PortWindow,
    shape: &PortShape,
    route: PortRoute,
    context: &Context,
    faults: &mut Vec<RequestFault>,
) -> Option<EarliestPortDate> {
    let (date, calendar) = (window.date(), context.rules.calendar());
    if window.from() < PORT_HOURS_FROM || window.to() > PORT_HOURS_TO {
        faults.push(RequestFault::OddHours);
    }
    let past = date < london_date(context.at);
    let worked = calendar.is_working_day(date).and_then(|worked| Ok((worked, calendar.add(date, 1)?)));
    let earliest = context.rules.earliest_port_date(shape, route, context.at);
    match (worked, earliest) {
        // Before the calendar begins, the earliest date says more than where it begins.
        (Err(_), Ok(earliest)) if date < earliest.date => {
            faults.push(RequestFault::TooEarly { date, past, earliest });
            None
        }
        (Err(beyond), _) | (_, Err(beyond)) => {
            faults.push(beyond.into());
            None
        }
        (Ok((worked, day_after)), Ok(earliest)) => {
            if !worked {
                // Whoever took the next working day, and that is too early as well, would be refused once more.
                let next = day_after.max(earliest.date);
                faults.push(RequestFault::NoWorkingDay { date, next });
            }
            if date < earliest.date {
                faults.push(RequestFault::TooEarly { date, past, earliest: earliest.clone() });
            }
            Some(earliest)
        }
    }
}

fn shape(line: &PortLine, numbers: &NumberSet, simultaneous: u32) -> PortShape {
    PortShape {
        class: line.class,
        numbers: u32::try_from(numbers.len()).unwrap_or(u32::MAX),
        has_range: line.ranges.iter().any(|range| range.len() > 1),
        // Only the losing provider knows whether the range it belongs to is larger.
        complex: false,
        geographic: line.main_number.is_geographic(),
        simultaneous: simultaneous.max(1),
    }
}

fn line_faults(line: &PortLine, numbers: &NumberSet) -> Vec<RequestFault> {
    let single = line.class == PortClass::SingleLine;
    let mixed = || numbers.runs().any(|run| run.start().is_geographic() != line.main_number.is_geographic());
    [
        (single && !line.associated.is_empty()).then_some(RequestFault::AssociatedOfSingleLine),
        (single && !line.ranges.is_empty()).then_some(RequestFault::RangesOfSingleLine),
        (!single && numbers.len() < 2).then_some(RequestFault::NotMulti),
        mixed().then_some(RequestFault::Mixed),
        (numbers.len() > NUMBER_SET_MAX as usize).then(|| RequestFault::TooManyNumbers(numbers.len())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A new class must fit the numbers, unless the losing provider itself named it: its word wins.
fn class_faults(request: &Request, reasons: &[PortRejection], changes: &PortChanges) -> Vec<RequestFault> {
    let numbers = request.numbers.len();
    let fault = match changes.class {
        Some(PortClass::SingleLine) if numbers > 1 => Some(RequestFault::NotSingle(numbers)),
        Some(PortClass::MultiLine)
            if numbers < 2 && !reasons.contains(&PortRejection::SingleLineButMultiLine) =>
        {
            Some(RequestFault::NotMulti)
        }
        _ => None,
    };
    // What was presented as multi line may stay it.
    fault.filter(|_| changes.class != Some(request.details.shape.class)).into_iter().collect()
}

/// The details with the changes; a text sealed anew that hides the same is no change.
fn changed(details: &PortDetails, changes: &PortChanges) -> PortDetails {
    let mut details = details.clone();
    let set = |field: &mut Sealed, change: &Option<Sealed>| {
        if let Some(value) = change.as_ref().filter(|value| !value.hides_the_same_as(field)) {
            field.clone_from(value);
        }
    };
    set(&mut details.account, &changes.account);
    set(&mut details.signatory, &changes.signatory);
    details.shape.class = changes.class.unwrap_or(details.shape.class);
    details.main_number = changes.main_number.unwrap_or(details.main_number);
    details.window = changes.window.unwrap_or(details.window);
    if let Some(postcode) = &changes.postcode {
        details.postcode.clone_from(postcode);
    }
    if let Some(provider) = &changes.losing_provider {
        details.losing_provider.clone_from(provider);
    }
    let provide = details.losing_provider == details.range_holder;
    details.route = if provide { PortRoute::Provide } else { PortRoute::Subsequent };
    details
}

const fn hour(hour: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, 0, 0) {
        Some(time) => time,
        None => panic!("an hour of the day"),
    }
}
