//! What one thing led to: commits as a tree, each below the one that caused it.
//!
//! An event says what caused it (`causation`: a position, or a timer) and what it belongs to (`correlation`), and whatever
//! fulfilment, provisioners and timers do is tied to what they do it for. The log is read once from where the trace begins; kept
//! is what belongs to it, and one small entry for every timer that it set. Deliberately absent: an index. A trace is asked for seldom, and
//! would cost every append.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::{AggregateKind, StreamId},
    timer::{Timer, TimerChange, timers},
    views::table::Record as _,
};
use serde::Serialize;

use super::{Origin, as_of, walk};
use crate::{
    edge::{Error, Problem},
    engine::{self, Engine, clock, log::StoredEvent, readers::fact},
};

/// Events of one trace; what is larger is shown up to here.
pub const EVENTS_MAX: usize = 200_000;

/// From where a trace begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Everything with this correlation, and what it caused.
    Correlation(String),
    /// The commit of this event, what caused it, and everything that it caused.
    Position(u64),
    /// The submit of this order, or the first event of this thing; likewise.
    Stream(StreamId),
}

/// A trace.
#[derive(Clone, Debug, Serialize)]
pub struct Trace {
    /// What ties it together, where something does.
    pub correlation: Option<String>,
    /// How many events belong to it.
    pub events: usize,
    /// Whether there are more than one trace shows.
    pub cut_short: bool,
    /// The commits that nothing in the trace caused, each with what followed.
    pub roots: Vec<Node>,
}

/// A commit, and what followed from it.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// The commit.
    pub commit: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// An opaque id of whoever wanted it.
    pub actor: String,
    /// What was asked.
    pub command: String,
    /// What caused it, as its metadata says.
    pub causation: Option<String>,
    /// What happened.
    pub happened: Vec<Happened>,
    /// What it caused.
    pub caused: Vec<Node>,
}

/// An event of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// Its position.
    pub position: u64,
    /// Whose it is.
    pub stream: String,
    /// What happened.
    pub event: String,
}

impl Start {
    /// A position, an id, or else a correlation.
    pub fn named(text: &str) -> Self {
        if let Ok(position) = text.parse() {
            return Self::Position(position);
        }
        text.parse().map_or_else(|_| Self::Correlation(text.to_owned()), Self::Stream)
    }
}

/// What belongs to one trace.
pub async fn trace(engine: &Engine, start: Start) -> Result<Trace, Error> {
    let head = engine.head().await?.position;
    let (mut gathered, after) = match start {
        Start::Correlation(correlation) => (Gathered::tied_by(correlation), 0),
        Start::Position(position) => begun_by(&root(engine, position).await?)?,
        Start::Stream(stream) => begun_by(&root(engine, first(engine, stream).await?).await?)?,
    };
    walk::log(engine, (after, head), |event| gathered.look_at(&event)).await?;
    if gathered.nodes.is_empty() {
        let named = gathered.correlation.unwrap_or_default();
        let detail = format!("nothing in the log has the correlation `{named}`");
        let expected = "a correlation as a history has it, a position, or an id";
        return Err(Error::refused(Problem::new("", "correlation_unknown", detail, expected)));
    }
    Ok(gathered.tree())
}

fn begun_by(event: &StoredEvent) -> Result<(Gathered, u64), Error> {
    let Origin { commit, correlation, .. } = Origin::of(event)?;
    let gathered = Gathered { root: Some(commit), named: correlation, ..Gathered::default() };
    Ok((gathered, event.position - 1))
}

/// The event at which the story of something begins: of an order its submit.
async fn first(engine: &Engine, stream: StreamId) -> Result<u64, Error> {
    let mut found = None;
    walk::stream(engine, (stream, 0), |event| {
        let submit = event.event_type == "OrderSubmitted";
        if found.is_none() || submit {
            found = Some(event.position);
        }
        let enough = submit || stream.kind != AggregateKind::Order;
        Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .await?;
    found.ok_or_else(|| Error::refused(as_of::nobody(stream)))
}

/// The first event of the commit that nothing caused, from which an event follows.
async fn root(engine: &Engine, position: u64) -> Result<StoredEvent, Error> {
    let mut event = at(engine, position).await?;
    loop {
        let origin = Origin::of(&event)?;
        let cause = match (origin.cause(), origin.timer()) {
            (Some(cause), _) => Some(cause),
            (None, Some(timer)) => set_by(engine, &event, timer).await?,
            (None, None) => None,
        };
        match cause.filter(|cause| *cause < event.position) {
            Some(cause) => event = at(engine, cause).await?,
            None => break,
        }
    }
    // A commit stands in one piece, so its first event is as many before as there are of it.
    let Origin { commit, .. } = Origin::of(&event)?;
    while let Some(before) = walk::event(engine, event.position - 1).await? {
        if commit.is_empty() || Origin::of(&before)?.commit != commit {
            break;
        }
        event = before;
    }
    Ok(event)
}

async fn at(engine: &Engine, position: u64) -> Result<StoredEvent, Error> {
    let head = engine.head().await?.position;
    walk::event(engine, position).await?.ok_or_else(|| {
        let detail = format!("there is no position {position}; the log ends at {head}");
        Error::refused(Problem::new(
            "",
            "position_beyond_log",
            detail,
            format!("a position from 1 to {head}"),
        ))
    })
}

/// The last event before this one, of the same stream, that set a timer.
async fn set_by(engine: &Engine, event: &StoredEvent, timer: &str) -> Result<Option<u64>, Error> {
    let mut found = None;
    walk::stream(engine, (event.stream, 0), |before| {
        if before.position >= event.position {
            return Ok(ControlFlow::Break(()));
        }
        if sets(&before)?.iter().any(|set| set.key() == timer) {
            found = Some(before.position);
        }
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    Ok(found)
}

/// The timers that an event sets.
fn sets(event: &StoredEvent) -> Result<Vec<Timer>, engine::Error> {
    let set = timers(&fact(event)?).into_iter().filter_map(|change| match change {
        TimerChange::Set(timer) => Some(timer),
        _ => None,
    });
    Ok(set.collect())
}

/// What is known of a trace so far.
#[derive(Default)]
struct Gathered {
    /// What every event of it has; of one that begins at a commit, none.
    correlation: Option<String>,
    /// The commit that it begins at.
    root: Option<String>,
    /// What its root is tied by.
    named: Option<String>,
    /// Its commits in order, with the commit that caused each.
    nodes: Vec<(Node, Option<usize>)>,
    /// Which commit has a position.
    at: BTreeMap<u64, usize>,
    /// Streams in which it set a timer, and which commit set each timer last.
    watched: BTreeSet<StreamId>,
    timers: BTreeMap<String, usize>,
    events: usize,
    cut_short: bool,
}

impl Gathered {
    fn tied_by(correlation: String) -> Self {
        Self { named: Some(correlation.clone()), correlation: Some(correlation), ..Self::default() }
    }

    fn look_at(&mut self, event: &StoredEvent) -> Result<ControlFlow<()>, engine::Error> {
        let origin = Origin::of(event)?;
        let cause = origin.cause().and_then(|position| self.at.get(&position).copied());
        let cause = cause.or_else(|| origin.timer().and_then(|timer| self.timers.get(timer).copied()));
        let same = self.nodes.last().is_some_and(|(node, _)| node.commit == origin.commit);
        let tied = self.correlation.is_some() && self.correlation == origin.correlation;
        let begins = self.root.as_deref() == Some(origin.commit.as_str()) && self.nodes.is_empty();
        let belongs = tied || begins || same || cause.is_some();
        if belongs && self.events == EVENTS_MAX {
            self.cut_short = true;
            return Ok(ControlFlow::Break(()));
        }
        let node = belongs.then(|| self.add(event, origin, cause.filter(|_| !same), same));
        self.watch(event, node)?;
        Ok(ControlFlow::Continue(()))
    }

    fn add(&mut self, event: &StoredEvent, origin: Origin, cause: Option<usize>, same: bool) -> usize {
        if !same {
            let Origin { commit, actor, command, causation, .. } = origin;
            let recorded_at = clock::time(event.recorded_at_us);
            let (happened, caused) = (Vec::new(), Vec::new());
            let node = Node { commit, recorded_at, actor, command, causation, happened, caused };
            self.nodes.push((node, cause));
        }
        let index = self.nodes.len() - 1;
        let (position, stream) = (event.position, event.stream.to_string());
        self.nodes[index].0.happened.push(Happened { position, stream, event: event.event_type.clone() });
        self.at.insert(position, index);
        self.events += 1;
        index
    }

    /// Takes down which timers an event of the trace set, and that another one set them anew.
    fn watch(&mut self, event: &StoredEvent, node: Option<usize>) -> Result<(), engine::Error> {
        if node.is_none() && !self.watched.contains(&event.stream) {
            return Ok(());
        }
        for timer in sets(event)? {
            match node {
                Some(index) => {
                    self.watched.insert(event.stream);
                    self.timers.insert(timer.key(), index);
                }
                None => {
                    self.timers.remove(&timer.key());
                }
            }
        }
        Ok(())
    }

    fn tree(self) -> Trace {
        let (mut roots, mut children) = (Vec::new(), BTreeMap::<usize, Vec<Node>>::new());
        // Whatever a commit caused comes after it: from the end on, each has all of its own.
        for (index, (mut node, cause)) in self.nodes.into_iter().enumerate().rev() {
            node.caused = children.remove(&index).unwrap_or_default();
            node.caused.reverse();
            match cause {
                Some(cause) => children.entry(cause).or_default().push(node),
                None => roots.push(node),
            }
        }
        roots.reverse();
        Trace { correlation: self.named, events: self.events, cut_short: self.cut_short, roots }
    }
}
