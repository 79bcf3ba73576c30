//! What happened to one thing as an auditor reads it: every step with what caused it, and what a table decided in it.
//!
//! The steps themselves are those of [`edge::history`](crate::edge::history), which every other reader is shown too.

use std::collections::BTreeMap;

use orderwire_domain::ids::StreamId;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Origin, walk};
use crate::{
    edge::history::{Sight, Step, step_in},
    engine::{Engine, Error, log::StoredEvent},
};

/// One event with what led to it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The event.
    #[serde(flatten)]
    pub step: Step,
    /// The commit; what else came about in it has the same.
    pub commit: String,
    /// The event that caused it, where it was one.
    pub caused_by: Option<Cause>,
    /// What a table or limit decided in it.
    pub decided_by: Vec<Ruling>,
}

/// The event that caused another.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    /// Its position.
    pub position: u64,
    /// Whose it is.
    pub stream: String,
    /// What happened.
    pub event: String,
    /// An opaque id of whoever wanted that.
    pub actor: String,
}

/// What a table or limit decided, with what it was asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ruling {
    /// The limit by its name in the rules, or the row of the lead-time table.
    pub rule: String,
    /// What it was asked, as far as the event has it.
    pub inputs: Map<String, Value>,
    /// What it answered.
    pub result: Map<String, Value>,
}

/// What a field of an event was decided by; `*` is every event that has the field.
const LIMITS: &[(&str, &str, &str)] = &[
    ("CompanyQualified", "expires_at", "qualification_days"),
    ("QualificationExtended", "expires_at", "qualification_days"),
    ("OrderClosed", "qualified_until", "qualification_left_days_min"),
    ("NumbersReserved", "expires_at", "reservation_days"),
    ("CompanyQualified", "announce_at", "expiry_notice_working_days"),
    ("QualificationExtended", "announce_at", "expiry_notice_working_days"),
    ("OrderClosed", "announce_at", "expiry_notice_working_days"),
    ("NumbersReserved", "announce_at", "expiry_notice_working_days"),
    ("*", "untouched_until", "draft_untouched_days"),
    ("InformationRequired", "deadline", "information_deadline_working_days"),
    ("NumbersQuarantined", "until", "quarantine_days"),
    ("PortSubmitted", "overdue_at", "overdue_hours"),
    ("PortRepresented", "overdue_at", "overdue_hours"),
    ("ActivationRequested", "overdue_at", "port_network_silent_hours"),
    ("WindowClosed", "given_up_at", "port_lapsed_working_days"),
    ("ActivationFailed", "given_up_at", "port_lapsed_working_days"),
    ("DateChangeRequested", "given_up_at", "port_lapsed_working_days"),
    ("*", "given_up_at", "port_no_progress_working_days"),
    ("PortCompleted", "restorable_until", "restoration_days"),
];

/// Shows events one after the other; what caused several is looked up once.
pub struct Reader<'a> {
    engine: &'a Engine,
    sight: Sight,
    causes: BTreeMap<u64, Option<Cause>>,
}

/// Causes at hand; past this they are looked up again.
const CAUSES_MAX: usize = 10_000;

impl<'a> Reader<'a> {
    /// For somebody who sees this much of personal data.
    pub fn new(engine: &'a Engine, sight: Sight) -> Self {
        Self { engine, sight, causes: BTreeMap::new() }
    }

    /// An event as it is shown.
    pub async fn entry(&mut self, event: &StoredEvent) -> Result<Entry, Error> {
        let origin = Origin::of(event)?;
        let step = step_in(self.engine, event, self.sight).await?;
        let decided_by = rulings(&step);
        let caused_by = match origin.cause().filter(|position| *position < event.position) {
            Some(position) => self.cause(position).await?,
            None => None,
        };
        Ok(Entry { step, commit: origin.commit, caused_by, decided_by })
    }

    async fn cause(&mut self, position: u64) -> Result<Option<Cause>, Error> {
        if let Some(known) = self.causes.get(&position) {
            return Ok(known.clone());
        }
        let found = walk::event(self.engine, position).await?;
        let cause = found.map(|event| -> Result<Cause, Error> {
            let Origin { actor, .. } = Origin::of(&event)?;
            Ok(Cause { position, stream: event.stream.to_string(), event: event.event_type, actor })
        });
        let cause = cause.transpose()?;
        if self.causes.len() >= CAUSES_MAX {
            self.causes.clear();
        }
        self.causes.insert(position, cause.clone());
        Ok(cause)
    }
}

/// Events of a stream after a sequence, as they are shown.
pub async fn page(
    engine: &Engine,
    (stream, after, limit): (StreamId, u64, usize),
    sight: Sight,
) -> Result<Vec<Entry>, Error> {
    let (mut reader, mut entries) = (Reader::new(engine, sight), Vec::new());
    for event in engine.stream(stream, after, limit).await? {
        entries.push(reader.entry(&event).await?);
    }
    Ok(entries)
}

/// What tables and limits decided in an event, as far as it says so.
pub fn rulings(step: &Step) -> Vec<Ruling> {
    let Value::Object(detail) = &step.detail else { return Vec::new() };
    let mut rulings = Vec::new();
    // A draft and a re-presentation have it among their details, a change of the date by itself.
    let presented = detail.get("details").and_then(Value::as_object).unwrap_or(detail);
    if let Some(row) = presented.get("lead_time") {
        let text = |name: &str| row.get(name).cloned().unwrap_or_default();
        let inputs = fields(presented, &["shape", "route", "window"]);
        let mut result = fields(presented, &["day_zero"]);
        result.insert("working_days".to_owned(), text("working_days"));
        let rule = format!("lead_time {}", text("row").as_str().unwrap_or_default());
        rulings.push(Ruling { rule, inputs: asked_at(step, inputs), result });
    }
    let mut taken = Vec::new();
    for (event, field, rule) in LIMITS {
        let is_it = *event == "*" || *event == step.event;
        let found = detail.get(*field).filter(|value| is_it && !value.is_null());
        if let Some(found) = found.filter(|_| !taken.contains(field)) {
            taken.push(*field);
            let result = [((*field).to_owned(), found.clone())].into_iter().collect();
            rulings.push(Ruling { rule: (*rule).to_owned(), inputs: asked_at(step, Map::new()), result });
        }
    }
    rulings
}

fn fields(of: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let found = |name: &&str| Some(((*name).to_owned(), of.get(*name)?.clone()));
    names.iter().filter_map(found).collect()
}

/// Every table is asked for a time: that of the decision.
fn asked_at(step: &Step, mut inputs: Map<String, Value>) -> Map<String, Value> {
    if let Some(at) = &step.decided_at {
        inputs.insert("at".to_owned(), Value::String(at.clone()));
    }
    inputs
}
