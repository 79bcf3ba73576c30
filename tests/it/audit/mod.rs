//! The auditor's side, held against a fold written apart from it: how things were, what changed them, what led to what, and what
//! other rules would have decided.

mod moments;
mod other_rules;
mod stories;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use orderwire::{
    audit::{Moment, as_of, counterfactual, diff, document, stats},
    domain::{
        fact::Happened,
        ids::{AggregateKind, CompanyId, OrderId, PortRequestId, StreamId},
        joint::{Command, State},
        order::commands::OrderCommand,
        port_request::{PortRequest, commands::PortCommand},
        rules::Rules,
    },
    edge::history::Sight,
    engine::{Engine, log::StoredEvent},
};

use serde_json::Value;

use crate::{invariants::state_text, world::*};

/// A small life: a company comes into service, ports a number in, and does not want another.
pub struct Life {
    pub world: World,
    pub company: CompanyId,
    pub orders: Vec<OrderId>,
    pub port: PortRequestId,
}

impl Life {
    pub async fn lived() -> Self {
        let world = World::in_memory().await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.in_service(reseller, 1).await;
        world.clock.move_to(beginning() + TimeDelta::hours(2));
        let (first, ports) =
            world.submitted(company, "PO-2", vec![port(port_of(1, morning("2026-06-12")))]).await;
        world.settle().await;
        world.clock.move_to(beginning() + TimeDelta::hours(3));
        world.accepted(ports[0], "m1").await;
        world.settle().await;
        let opens_at = world.state::<PortRequest>(ports[0]).await.confirmed_window().unwrap().opens_at();
        world.sleep_until(opens_at).await;
        world.say(ports[0], PortCommand::Activate).await;
        let live = world.state::<PortRequest>(ports[0]).await.numbers();
        world
            .say(ports[0], PortCommand::NetworkReport { message: "n1".parse().unwrap(), live: live.clone() })
            .await;
        world.settle().await;
        let (second, _) =
            world.submitted(company, "PO-3", vec![port(port_of(2, morning("2026-07-15")))]).await;
        world.tell(second, OrderCommand::RequestCancellation { reason: None }).await;
        world.settle().await;
        world.done(Command::CeaseNumbers { company, numbers: live }).await;
        world.settle().await;
        Self { world, company, orders: vec![first, second], port: ports[0] }
    }
}

/// The whole log.
pub async fn log(engine: &Engine) -> Vec<StoredEvent> {
    let (mut events, mut after): (Vec<StoredEvent>, _) = (Vec::new(), 0);
    loop {
        let page = engine.page(after, 1_000).await.unwrap();
        let Some(last) = page.last() else { return events };
        after = last.position;
        events.extend(page);
    }
}

pub fn recorded_at(event: &StoredEvent) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(event.recorded_at_us).unwrap()
}

/// The state of a stream after those of all events that a moment takes in; `None` where it takes in none.
pub fn naive(
    log: &[StoredEvent],
    stream: StreamId,
    taken: impl Fn(&StoredEvent) -> bool,
) -> Option<(u64, State)> {
    let mut found = None;
    for event in log.iter().filter(|event| event.stream == stream && taken(event)) {
        let (_, state) = found.unwrap_or_else(|| (0, State::beginning(stream)));
        let StoredEvent { event_type, event_version, payload, .. } = event;
        let happened = Happened::read(stream, event_type, event_version, payload).unwrap();
        found = Some((event.position, state.after(&happened).unwrap()));
    }
    found
}

/// Numbers that look like any, the same for the same log.
pub struct Picks(u64);

impl Picks {
    pub fn of(log: &[StoredEvent]) -> Self {
        let leaf = log.last().map_or([7; 32], |last| last.leaf);
        Self(u64::from_le_bytes(leaf[..8].try_into().unwrap()) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}

/// What must hold of any log: how things were is a naive fold, at positions and times of any kind; what differs is told by the event
/// that made it so; states are counted as they were; and the same rules would have decided the same.
pub async fn holds(engine: &Engine) {
    let log = log(engine).await;
    let Some(last) = log.last() else { return };
    let streams: Vec<StreamId> =
        log.iter().map(|event| event.stream).collect::<BTreeSet<_>>().into_iter().collect();
    let mut picks = Picks::of(&log);
    for _ in 0..12 {
        let stream = streams[usize::try_from(picks.below(streams.len() as u64)).unwrap()];
        let moment = any_moment(&mut picks, &log);
        as_naive(engine, &log, stream, moment).await;
        let other = Moment::Position(picks.below(last.position + 1));
        compared(engine, &log, stream, (other, Moment::Position(last.position))).await;
    }
    counted(engine, &log).await;
    let rules = Rules::clone(engine.rules());
    let same = counterfactual::counterfactual(engine, rules, Moment::Position(0), None).await.unwrap();
    assert!(same.differences.is_empty(), "the same rules decide otherwise: {:#?}", same.differences);
}

/// A position, the time of an event, or a time between two.
fn any_moment(picks: &mut Picks, log: &[StoredEvent]) -> Moment {
    let event = &log[usize::try_from(picks.below(log.len() as u64)).unwrap()];
    let off = i64::try_from(picks.below(3)).unwrap() - 1;
    match picks.below(3) {
        0 => Moment::Position(picks.below(log.len() as u64 + 1)),
        1 => Moment::Time(recorded_at(event)),
        _ => Moment::Time(
            (recorded_at(event) + TimeDelta::microseconds(off)).min(recorded_at(&log[log.len() - 1])),
        ),
    }
}

pub async fn as_naive(engine: &Engine, log: &[StoredEvent], stream: StreamId, moment: Moment) {
    let taken = |event: &StoredEvent| match moment {
        Moment::Position(position) => event.position <= position,
        Moment::Time(time) => recorded_at(event) <= time,
    };
    let found = as_of::as_of(engine, stream, moment, Sight::Sealed).await;
    let Some((position, state)) = naive(log, stream, taken) else {
        let code = found.unwrap_err().problems()[0].code.clone();
        assert!(code == "not_yet" || code == "not_found", "{stream} at {moment}: {code}");
        return;
    };
    let found = found.unwrap_or_else(|error| panic!("{stream} at {moment}: {error}"));
    let stood = as_of::fold(engine, stream, moment).await.unwrap();
    assert_eq!(state_text(&stood.state), state_text(&state), "{stream} at {moment}");
    assert_eq!((found.place.position, found.status), (position, state.status()), "{stream} at {moment}");
}

/// Every field that differs, and no other, is told; each by the last event that changed it.
pub async fn compared(engine: &Engine, log: &[StoredEvent], stream: StreamId, (from, to): (Moment, Moment)) {
    let (Moment::Position(a), Moment::Position(b)) = (from, to) else { panic!("positions here") };
    let at = |position: u64| naive(log, stream, |event| event.position <= position);
    let Some((end, _)) = at(b) else { return };
    let value = |position: u64, path: &str| {
        let (_, state) = at(position)?;
        // What became an object is gone as a field: its own fields are told.
        let is_field = |it: &Value| !it.is_null() && (!it.is_object() || it.get("ciphertext").is_some());
        document::of(&state).pointer(path).cloned().filter(is_field)
    };
    let found = diff::diff(engine, stream, (from, to), Sight::Sealed).await.unwrap();
    assert_eq!(found.to.position, end);
    for change in &found.changes {
        let position = change.by.position;
        assert!(position > a && position <= b, "{stream}: {change:?} is outside of {a} to {b}");
        let by = log.iter().find(|event| event.position == position).unwrap();
        assert_eq!((by.stream, &by.event_type), (stream, &change.by.event));
        let (old, new) = (value(a, &change.path), value(b, &change.path));
        assert_ne!(old, new, "{stream}: {} does not differ", change.path);
        assert_eq!(value(position, &change.path), new, "{stream}: {change:?} is not what made it so");
        assert_ne!(value(position - 1, &change.path), new, "{stream}: {change:?} was so before");
    }
    // Where nothing else is said to differ, nothing does.
    let (mut before, after) = (leaves(at(a)), leaves(at(b)));
    for change in &found.changes {
        before.retain(|path, _| *path != change.path);
    }
    let told: BTreeSet<&str> = found.changes.iter().map(|change| change.path.as_str()).collect();
    for (path, new) in after.iter().filter(|(path, _)| !told.contains(path.as_str())) {
        assert_eq!(before.get(path), Some(new), "{stream}: nobody told of {path} from {a} to {b}");
    }
}

fn leaves(state: Option<(u64, State)>) -> BTreeMap<String, Value> {
    fn gather(path: &str, value: Value, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(fields) if !fields.contains_key("ciphertext") => {
                for (name, value) in fields {
                    gather(&format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), value, found);
                }
            }
            Value::Null => {}
            leaf => {
                found.insert(path.to_owned(), leaf);
            }
        }
    }
    let mut found = BTreeMap::new();
    if let Some((_, state)) = state {
        gather("", document::of(&state), &mut found);
    }
    found
}

/// The states that orders are counted in are those that their own folds have.
async fn counted(engine: &Engine, log: &[StoredEvent]) {
    let found = stats::stats(engine, None, None).await.unwrap();
    let mut naive: BTreeMap<&'static str, u64> = BTreeMap::new();
    let orders: BTreeSet<StreamId> =
        log.iter().map(|event| event.stream).filter(|stream| stream.kind == AggregateKind::Order).collect();
    for order in &orders {
        let (_, state) = engine.state(*order).await.unwrap();
        *naive.entry(state.status()).or_default() += 1;
    }
    let counted = found.states.iter().filter(|it| it.now > 0).map(|it| (it.state, it.now));
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), naive);
    assert_eq!(found.orders, orders.len() as u64);
    let last = found.series.last().unwrap();
    assert_eq!(last.orders.values().sum::<u64>(), found.orders, "everything has happened at the end");
}
