//! Commands that a rule refused: who wanted what of which thing, when, and which rule said no.
//!
//! A refused command appends nothing, so the log cannot say that anybody tried; these rows can. They are no events: no fold,
//! rebuild or proof reads them, and the newest are kept up to a bound. What is recorded is a refusal of the rules, of a
//! command that somebody outside asked for: not what is malformed or not allowed to ask, nor a condition (`If-Match`) that
//! does not hold, nor what is asked once more by itself, nor what the engine's own parts ask, since the log has what
//! became of that.
//!
//! Deliberately absent: the text of a refusal, and where in a document it points. Both may repeat what somebody typed, such as
//! a company's name; a rule's code, a status, ids and counts cannot. So there is nothing here to seal or to erase.

mod recorder;

use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::{ResellerId, StreamId},
    joint::{Command, Streams as _},
    views::table::{Record, Table, Value, integer, text},
};
use serde::{Deserialize, Serialize};

pub(super) use self::recorder::Recorder;
use super::{
    Engine, Inner, Receipt,
    bring::AtHand,
    error::Error,
    execute::Asked,
    log::{Filter, Position, Select},
    provenance::{Provenance, Via},
    query::{self, equal},
};

/// A row per actor, thing, command and rule within a minute. The indexes answer what was refused last, to whom, of what, and
/// by which rule.
pub static REFUSAL: Table = Table {
    name: "refusal",
    columns: &[integer("at"), text("actor"), text("reseller"), text("about"), text("command"), text("rule")],
    indexes: &[&["at"], &["actor", "at"], &["reseller", "at"], &["about", "at"], &["rule", "at"]],
};

/// Refusals that are kept, unless the builder says otherwise: some tens of megabytes.
pub const REFUSALS_KEPT: u64 = 100_000;
/// Of those kept, one actor has at most one in so many, so that a flood of one leaves those of others.
const SHARE_OF_ONE: u64 = 10;
/// Refusals of the same kind within so many seconds are one row.
pub const COUNTED_WITHIN_SECS: i64 = 60;
/// Who says in a row of its own how many refusals could not be recorded.
pub const RECORDER: &str = "engine:refusals";
/// Rows that are added up to say how many are missing: a thousand minutes in which some were.
const MISSING_ROWS_MAX: usize = 1_000;

/// Commands of one kind that one rule refused to one actor, the first of them and how many more followed within a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its own id.
    pub id: String,
    /// When the first was refused.
    pub at: DateTime<Utc>,
    /// When the last was.
    pub last_at: DateTime<Utc>,
    /// How many there were.
    pub times: u64,
    /// An opaque id of whoever wanted it.
    pub actor: String,
    /// How it was asked for.
    pub via: Via,
    /// The reseller that asked; none for the carrier.
    pub reseller: Option<ResellerId>,
    /// The order, company, port request or other thing that it was to be done to, as it was named; where it would have begun
    /// something new, what that would have belonged to.
    pub about: Option<StreamId>,
    /// What was wanted, such as `order.submit`.
    pub command: String,
    /// The rule that spoke against it, by its code.
    pub rule: String,
    /// How many reasons of this rule the first was given, such as one for each number that is taken.
    pub reasons: u64,
    /// Where the thing was in its lifecycle, unless it does not exist for whoever asked.
    pub status: Option<String>,
    /// The position of the log's last event when the first was refused.
    pub position: Position,
    /// What ties the first to what else belongs to it.
    pub correlation: Option<String>,
}

impl Record for Refusal {
    const TABLE: &'static Table = &REFUSAL;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.at.timestamp_micros().into(),
            self.actor.clone().into(),
            self.reseller.map(|reseller| reseller.to_string()).into(),
            self.about.map(|about| about.to_string()).into(),
            self.command.clone().into(),
            self.rule.clone().into(),
        ]
    }
}

/// A command that a rule refused.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// Who wanted it.
    pub provenance: &'a Provenance,
    /// Its name.
    pub command: &'a str,
    /// What it was to be done to.
    pub about: Option<StreamId>,
    /// Where that was in its lifecycle.
    pub status: Option<&'static str>,
    /// The position of the log's last event then.
    pub position: Position,
}

/// Which refusals are looked for; all of them where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// Only those of this actor.
    pub actor: Option<String>,
    /// Only those of this reseller.
    pub reseller: Option<ResellerId>,
    /// Only those about this thing.
    pub about: Option<StreamId>,
    /// Only those of this command.
    pub command: Option<String>,
    /// Only those by this rule.
    pub rule: Option<String>,
    /// Only those before this time and id, in order.
    pub before: Option<(i64, String)>,
}

impl Sought {
    fn filters(&self) -> Vec<Filter> {
        let id = |id: Option<StreamId>| id.map(|id| id.to_string());
        let filters = [
            ("actor", self.actor.clone()),
            ("reseller", id(self.reseller.map(StreamId::from))),
            ("about", id(self.about)),
            ("command", self.command.clone()),
            ("rule", self.rule.clone()),
        ];
        filters.into_iter().filter_map(|(column, value)| Some(equal(column, value?))).collect()
    }
}

/// Refusals that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The newest first.
    pub refusals: Vec<Refusal>,
    /// How many refusals of any kind could not be recorded, as far as that is kept.
    pub not_recorded: u64,
}

impl Engine {
    /// Refusals, the newest first, so many at most. What this process refused before is among them.
    pub async fn refusals(&self, sought: &Sought, limit: usize) -> Result<Found, Error> {
        self.inner.refusals.flush().await;
        let refusals = query::select(self.log(), &newest(sought, limit)).await?;
        let own = Sought { actor: Some(RECORDER.to_owned()), ..Sought::default() };
        let missing: Vec<Refusal> = query::select(self.log(), &newest(&own, MISSING_ROWS_MAX)).await?;
        let told = missing.iter().map(|row| row.times).sum::<u64>();
        Ok(Found { refusals, not_recorded: told + self.inner.refusals.untold() })
    }

    /// Has it recorded that rules refused something before it became a command of the engine, such as a document that was
    /// rehearsed. Answers at once; a code per reason.
    pub fn tried<'a>(
        &self,
        provenance: &Provenance,
        command: &str,
        about: Option<StreamId>,
        codes: impl Iterator<Item = &'a str>,
    ) {
        let position = *self.inner.head.borrow();
        let tried = Tried { provenance, command, about, status: None, position };
        self.inner.refusals.note(self.now(), tried, codes);
    }
}

/// Where the thing is that a command is about, as the command is decided.
pub(super) fn stood(at_hand: &AtHand, command: &Command) -> Option<&'static str> {
    at_hand.state(command.about()?).filter(|(sequence, _)| *sequence > 0).map(|(_, state)| state.status())
}

/// Has a refusal recorded, unless a part of the engine asked: the log has what became of that.
pub(super) fn note(
    inner: &Inner,
    asked: &Asked,
    (at, position, status): (DateTime<Utc>, Position, Option<&'static str>),
    outcome: &Result<Receipt, Error>,
) {
    if let (Err(Error::Refused(reasons)), None) = (outcome, asked.fence) {
        let (provenance, command) = (asked.provenance, asked.command);
        let tried = Tried { provenance, command: &command.name(), about: command.about(), status, position };
        inner.refusals.note(at, tried, reasons.iter().map(|reason| reason.code.as_str()));
    }
}

fn newest(sought: &Sought, limit: usize) -> Select {
    let after = sought.before.clone().map(|(at, id)| (Value::from(at), id));
    Select { table: &REFUSAL, filters: sought.filters(), order: "at", descending: true, after, limit }
}
