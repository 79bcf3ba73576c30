//! What would have been decided under other rules: history is read again, and every decision that a table had a part in is
//! decided once more.
//!
//! Each is decided on what was known then, with one rule document in place of another: what an earlier difference would have led
//! to is not imagined, but for the end of what would have ended sooner. The log is streamed; kept are the differences, the ends that
//! would have been others, and states of a bounded number of streams. Deliberately absent: refused commands, which leave no
//! event, and what an event does not say, such as the plans of an order that its company checked.

mod again;
mod ends;
mod states;

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use orderwire_domain::{
    decider::Context,
    fact::{Fact, Happened},
    ids::OrderId,
    joint::State,
    port_request::events::PortEvent,
    rules::Rules,
};
use serde::Serialize;
use serde_json::Value;

use self::{ends::Ends, states::States};
use super::{Moment, Origin, diff};
use crate::{
    edge::{Error, Problem},
    engine::{
        Engine,
        log::StoredEvent,
        readers::{PAGE_EVENTS_MAX, fact},
    },
};

/// Differences of one answer; what is more is counted.
pub const DIFFERENCES_MAX: usize = 10_000;
/// The fields of events that tables and limits decide.
const DECIDED: [&str; 10] = [
    "day_zero",
    "lead_time",
    "overdue_at",
    "given_up_at",
    "restorable_until",
    "expires_at",
    "qualified_until",
    "announce_at",
    "untouched_until",
    "until",
];

/// What would have been decided otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Counterfactual {
    /// The rules in question.
    pub rules: String,
    /// The last position that was read.
    pub position: u64,
    /// Events that were read.
    pub events: u64,
    /// Decisions that were decided again.
    pub decided_again: u64,
    /// How many of them would have been others.
    pub different: u64,
    /// Those, in the order of the log; up to a bound.
    pub differences: Vec<Difference>,
}

/// A decision that would have been another.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The position of the event.
    pub position: u64,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// Whose event it is.
    pub id: String,
    /// The order it was decided for, where it is a port request's.
    pub order: Option<String>,
    /// An opaque id of whoever asked.
    pub actor: String,
    /// What was asked.
    pub command: String,
    /// What happened.
    pub event: String,
    /// The rules under which it did.
    pub rules: String,
    /// What would have been.
    pub would: Would,
}

/// What would have been instead.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Would {
    /// The same, with other values.
    Decide(Vec<Field>),
    /// A refusal, for these reasons.
    Refuse(Vec<Problem>),
    /// Another event.
    LeadTo(String),
    /// It came when something fell due, which would have been at another time.
    FallDue {
        /// What fell due.
        timer: String,
        /// When it would have.
        at: DateTime<Utc>,
    },
    /// It would have come too late: what it needs would have ended before.
    HaveEnded {
        /// What would have ended it.
        timer: String,
        /// When it would have.
        at: DateTime<Utc>,
    },
}

/// A value that would have been another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// Where in the event it stands, as a JSON Pointer.
    pub path: String,
    /// What was decided.
    pub decided: Option<Value>,
    /// What would have been.
    pub would: Option<Value>,
}

/// Rules from a document, or from a part of one that is put in the place of what is in force (RFC 7396).
pub fn rules(text: &str, in_force: &Rules) -> Result<Rules, Error> {
    let whole = match Rules::from_json(text) {
        Ok(rules) => return Ok(rules),
        Err(whole) => whole,
    };
    let refused = |invalid| Error::refused(Problem::invalid("", invalid));
    let Ok(patch @ Value::Object(_)) = serde_json::from_str::<Value>(text) else {
        return Err(refused(whole));
    };
    let Ok(mut document) = serde_json::from_str::<Value>(&in_force.to_json()) else {
        return Err(refused(whole));
    };
    merge(&mut document, patch);
    Rules::from_json(&document.to_string()).map_err(refused)
}

/// Puts the fields of a patch into a document; null removes.
fn merge(document: &mut Value, patch: Value) {
    match (document, patch) {
        (Value::Object(document), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    document.remove(&name);
                } else {
                    merge(document.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (document, patch) => *document = patch,
    }
}

/// What would have been decided otherwise after a moment, up to another or the end of the log, under these rules.
pub async fn counterfactual(
    engine: &Engine,
    rules: Rules,
    from: Moment,
    to: Option<Moment>,
) -> Result<Counterfactual, Error> {
    let head = engine.head().await?.position;
    for moment in [Some(from), to].into_iter().flatten() {
        moment.check(engine).await?;
    }
    // Of what is after a time, the position is not known before it was read.
    let mut at = if let Moment::Position(position) = from { position } else { 0 };
    let mut reading = Reading::of(rules, at);
    'log: while at < head {
        let page = engine.page(at, PAGE_EVENTS_MAX).await?;
        let is_whole = (at + 1..).zip(&page).all(|(position, event)| event.position == position);
        let Some(last) = page.last().filter(|_| is_whole) else {
            let detail = format!("not every event after position {at} is there");
            return Err(crate::engine::Error::Corrupt { stream: "the log".to_owned(), detail }.into());
        };
        at = last.position;
        for event in page.iter().filter(|event| !from.includes(event)) {
            if to.is_some_and(|to| !to.includes(event)) || event.position > head {
                break 'log;
            }
            reading.read(engine, event).await?;
        }
    }
    Ok(reading.answer)
}

struct Reading {
    rules: Arc<Rules>,
    states: States,
    ends: Ends,
    /// What was found in the commit that is read: a draft of many lines is found once.
    found: (String, BTreeSet<(String, String)>),
    /// The order that the event which is read is about.
    order: Option<OrderId>,
    answer: Counterfactual,
}

impl Reading {
    fn of(rules: Rules, after: u64) -> Self {
        let answer = Counterfactual {
            rules: rules.version().to_string(),
            position: after,
            events: 0,
            decided_again: 0,
            different: 0,
            differences: Vec::new(),
        };
        let found = (String::new(), BTreeSet::new());
        let (states, ends) = (States::default(), Ends::default());
        Self { rules: Arc::new(rules), states, ends, found, order: None, answer }
    }

    async fn read(&mut self, engine: &Engine, event: &StoredEvent) -> Result<(), Error> {
        self.answer.events += 1;
        self.answer.position = event.position;
        let (fact, origin) = (fact(event)?, Origin::of(event)?);
        if self.found.0 != origin.commit {
            self.found = (origin.commit.clone(), BTreeSet::new());
        }
        let asks = again::is_of_interest(&fact.happened);
        let before = self.states.before(engine, event, &fact.happened, asks).await?;
        self.order = order_of(before.as_ref(), &fact.happened);
        if let Some(would) = self.ends.met(&fact, origin.timer()) {
            self.found(&fact, &origin, would);
        }
        let context = Context { at: fact.decided_at, rules: Arc::clone(&self.rules) };
        let decided =
            before.filter(|_| asks).and_then(|before| again::decide(&before, &fact.happened, &context));
        match decided {
            None => self.ends.follow(&fact, None),
            Some(Err(reasons)) => {
                self.answer.decided_again += 1;
                self.ends.follow(&fact, None);
                let problems = reasons.into_iter().map(Problem::from).collect();
                self.found(&fact, &origin, Would::Refuse(problems));
            }
            Some(Ok(instead)) => {
                self.answer.decided_again += 1;
                let would = otherwise(&fact.happened, &instead);
                self.ends.follow(&fact, Some(instead));
                if let Some(would) = would {
                    self.found(&fact, &origin, would);
                }
            }
        }
        Ok(())
    }

    fn found(&mut self, fact: &Fact, origin: &Origin, would: Would) {
        let id = fact.happened.stream().to_string();
        if !self.found.1.insert((id.clone(), format!("{would:?}"))) {
            return;
        }
        self.answer.different += 1;
        if self.answer.differences.len() < DIFFERENCES_MAX {
            self.answer.differences.push(Difference {
                position: fact.position,
                decided_at: fact.decided_at,
                id,
                order: self.order.map(|order| order.to_string()),
                actor: origin.actor.clone(),
                command: origin.command.clone(),
                event: fact.happened.name().to_owned(),
                rules: origin.rules.clone(),
                would,
            });
        }
    }
}

/// The order of a port request.
fn order_of(before: Option<&State>, happened: &Happened) -> Option<OrderId> {
    match (before, happened) {
        (_, Happened::PortRequest(_, PortEvent::PortDrafted(draft))) => Some(draft.order),
        (Some(State::PortRequest(port)), _) => port.request().map(|request| request.order),
        _ => None,
    }
}

/// In what a decision would have been another.
fn otherwise(decided: &Happened, instead: &Happened) -> Option<Would> {
    if decided == instead {
        return None;
    }
    if decided.name() != instead.name() {
        return Some(Would::LeadTo(instead.name().to_owned()));
    }
    let value = |happened: &Happened| {
        let payload: Value = serde_json::from_str(&happened.payload()).unwrap_or_default();
        payload.get(happened.name()).cloned().unwrap_or_default()
    };
    let by_table = |path: &str| path.split('/').any(|part| DECIDED.contains(&part));
    let fields: Vec<Field> = diff::fields("", value(decided), value(instead))
        .into_iter()
        .filter(|(path, ..)| by_table(path))
        .map(|(path, decided, would)| Field { path, decided, would })
        .collect();
    (!fields.is_empty()).then_some(Would::Decide(fields))
}
