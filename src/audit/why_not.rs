//! Why something cannot be asked of a thing now: the rule, the event that brought it where it is, and what would unlock it.
//!
//! The same mechanism answers `GET …/actions` ([`standing`]). Nothing happens.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::{AggregateKind, StreamId},
    joint::State,
};
use serde::Serialize;

use super::{Origin, as_of, walk};
use crate::{
    edge::{
        Error, Problem,
        standing::{self, Unlock},
    },
    engine::{Engine, Provenance, clock},
};

/// What is the carrier's alone, and what resellers are told nothing of: that somebody looks into a company is not theirs to know.
const CARRIERS_OWN: [&str; 3] = ["place_legal_hold", "lift_legal_hold", "erase"];

/// Whether something can be asked, and why not.
#[derive(Clone, Debug, Serialize)]
pub struct WhyNot {
    /// Of what.
    pub id: String,
    /// What kind of thing.
    pub kind: &'static str,
    /// Where it is.
    pub status: &'static str,
    /// What brought it there.
    pub since: Since,
    /// What would be asked.
    pub command: &'static str,
    /// Whether nothing speaks against it. Of what takes more than its name, only what speaks against it whatever is said is known.
    pub allowed: bool,
    /// Whether it would be taken down and change nothing: a supplier's message may come wherever its request is.
    pub ignored: bool,
    /// Every rule that speaks against it.
    pub rules: Vec<Problem>,
    /// The statuses in which it can be asked, and means something.
    pub from: Vec<&'static str>,
    /// What would have to happen first, in order; null where it never can be asked so again.
    pub unlock: Option<Vec<Unlock>>,
}

/// The event that brought something where it is.
#[derive(Clone, Debug, Serialize)]
pub struct Since {
    /// Its position.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What happened.
    pub event: String,
    /// An opaque id of whoever wanted it.
    pub actor: String,
    /// What was asked.
    pub command: String,
}

/// Whether a command can be asked of something now, and why not. Its name may be written with hyphens.
pub async fn why_not(
    engine: &Engine,
    provenance: &Provenance,
    stream: StreamId,
    command: &str,
) -> Result<WhyNot, Error> {
    let (state, since) = brought(engine, stream).await?;
    let (kind, name) = (stream.kind.word(), command.replace('-', "_"));
    let hidden = |name: &str| {
        provenance.reseller.is_some() && stream.kind == AggregateKind::Company && CARRIERS_OWN.contains(&name)
    };
    let asked = if hidden(&name) {
        None
    } else {
        standing::asked(engine, provenance, (stream, &state), (&name, None)).await?
    };
    let Some(action) = asked else {
        let known: Vec<_> = standing::names(&state).into_iter().filter(|name| !hidden(name)).collect();
        let known = known.join(", ");
        let detail = format!("no {} can be asked to `{name}`", kind.replace('_', " "));
        return Err(Error::refused(Problem::new("", "command_unknown", detail, known)));
    };
    Ok(WhyNot {
        id: stream.to_string(),
        kind,
        status: state.status(),
        since,
        command: action.name,
        allowed: action.rules.is_empty(),
        ignored: action.ignored,
        rules: action.rules,
        from: action.from,
        unlock: action.way,
    })
}

/// The newest state, and the last event that led from another status to its own.
async fn brought(engine: &Engine, stream: StreamId) -> Result<(State, Since), Error> {
    let (mut state, mut since) = (State::beginning(stream), None);
    walk::stream(engine, (stream, 0), |event| {
        let before = std::mem::replace(&mut state, State::beginning(stream));
        let status = before.status();
        state = as_of::step(before, &event)?;
        if state.status() != status {
            let Origin { actor, command, .. } = Origin::of(&event)?;
            let (position, recorded_at) = (event.position, clock::time(event.recorded_at_us));
            since = Some(Since { position, recorded_at, event: event.event_type, actor, command });
        }
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    since.map(|since| (state, since)).ok_or_else(|| Error::refused(as_of::nobody(stream)))
}
