//! The newest facts of the log, had and parsed once for all readers.
//!
//! Readers follow the log at nearly the same place, and reading a page is dearer than most of what they do with it. What this
//! process appended is handed on by the committer once it is durable, so it is not read back at all; what other processes
//! appended is read from the store. Facts never change, so both can be shared for as long as there is room. A reader that is
//! far behind reads for itself alone.

use std::{
    collections::VecDeque,
    ops::Deref,
    sync::{Arc, MutexGuard, PoisonError},
};

use orderwire_domain::{fact::Fact, ids::StreamId};
use tokio::sync::Mutex;

use super::{
    error::Error,
    log::{Appended, Commit, Position, SharedLog},
    readers::{PAGE_EVENTS_MAX, fact, fact_of},
};

/// Pages at hand.
const PAGES_MAX: usize = 32;
/// Events at hand that no page has yet. Readers that are further behind read them from the store.
const FRESH_MAX: usize = 8 * PAGE_EVENTS_MAX;
/// Facts that are searched for those of one stream: it was made a moment ago, or reading it is the better way.
const SEARCHED_MAX: usize = 512;

/// Where a step looks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In what this process has appended: nothing is asked where all of that was taken.
    Own,
    /// In the log, where other processes append too.
    Log,
}

/// Facts that follow one another: in pages, and behind those what was appended since.
#[derive(Debug, Default)]
pub struct Recent {
    pages: Mutex<VecDeque<Page>>,
    fresh: std::sync::Mutex<Fresh>,
}

/// Facts in order; empty at the end of the log.
#[derive(Clone, Debug)]
pub struct Page {
    facts: Arc<[Fact]>,
    /// Facts of the page that came before what was asked for.
    skip: usize,
}

/// Events of this process that are durable and were not parsed yet.
#[derive(Debug, Default)]
struct Fresh {
    /// Without a gap.
    events: VecDeque<FreshEvent>,
    /// The last that this process appended.
    last: Position,
}

/// An event, as it stands in its commit.
#[derive(Clone, Debug)]
struct FreshEvent {
    position: Position,
    recorded_at_us: i64,
    commit: Arc<Commit>,
    append: usize,
    event: usize,
}

/// One of both.
enum AtHand<'a> {
    Fresh(&'a FreshEvent),
    Parsed(&'a Fact),
}

impl AtHand<'_> {
    fn position(&self) -> Position {
        match self {
            Self::Fresh(event) => event.position,
            Self::Parsed(fact) => fact.position,
        }
    }

    fn stream(&self) -> StreamId {
        match self {
            Self::Fresh(event) => event.stream(),
            Self::Parsed(fact) => fact.happened.stream(),
        }
    }

    fn fact(&self) -> Result<Fact, Error> {
        match self {
            Self::Fresh(event) => event.fact(),
            Self::Parsed(fact) => Ok(Fact::clone(fact)),
        }
    }
}

impl Deref for Page {
    type Target = [Fact];

    fn deref(&self) -> &[Fact] {
        &self.facts[self.skip..]
    }
}

impl Page {
    fn of(facts: Vec<Fact>) -> Self {
        Self { facts: facts.into(), skip: 0 }
    }

    fn after(&self, position: Position) -> Option<Self> {
        let skip = self.facts.partition_point(|fact| fact.position <= position);
        let follows = self.facts.first().is_some_and(|first| first.position <= position + 1);
        (follows && skip < self.facts.len()).then(|| Self { facts: Arc::clone(&self.facts), skip })
    }
}

impl FreshEvent {
    fn stream(&self) -> StreamId {
        self.commit.appends[self.append].stream
    }

    fn fact(&self) -> Result<Fact, Error> {
        let append = &self.commit.appends[self.append];
        let sequence = append.after + 1 + self.event as u64;
        fact_of(append.stream, (self.position, sequence), &append.events[self.event], self.recorded_at_us)
    }
}

impl Fresh {
    fn add(&mut self, commit: &Arc<Commit>, appended: &Appended) {
        if appended.count == 0 {
            return;
        }
        // Another process was in between, or nobody reads: the store has it all.
        if self.last + 1 != appended.first || self.events.len() >= FRESH_MAX {
            self.events.clear();
        }
        let places = commit.appends.iter().enumerate();
        let places = places.flat_map(|(append, it)| (0..it.events.len()).map(move |event| (append, event)));
        for ((append, event), position) in places.zip(appended.first..) {
            let (commit, recorded_at_us) = (Arc::clone(commit), appended.recorded_at_us);
            self.events.push_back(FreshEvent { position, recorded_at_us, commit, append, event });
        }
        self.last = appended.last();
    }

    /// Takes what comes after a position, up to a page; nothing where something else comes first.
    fn take(&mut self, after: Position) -> Vec<FreshEvent> {
        let passed = self.events.partition_point(|event| event.position <= after);
        self.events.drain(..passed);
        if self.events.front().is_none_or(|first| first.position != after + 1) {
            return Vec::new();
        }
        let count = self.events.len().min(PAGE_EVENTS_MAX);
        self.events.drain(..count).collect()
    }
}

impl Recent {
    /// Takes in what was appended: durable, and in the order of the log.
    pub fn appended<'a>(&self, commits: impl Iterator<Item = (&'a Arc<Commit>, &'a Appended)>) {
        let mut fresh = self.fresh();
        commits.for_each(|(commit, appended)| fresh.add(commit, appended));
    }

    /// Up to where this process has appended.
    pub fn appended_to(&self) -> Position {
        self.fresh().last
    }

    /// Facts after a position, up to [`PAGE_EVENTS_MAX`].
    pub async fn page(&self, log: &SharedLog, after: Position, source: Source) -> Result<Page, Error> {
        let mut pages = self.pages.lock().await;
        if let Some(page) = pages.iter().rev().find_map(|page| page.after(after)) {
            return Ok(page);
        }
        let end = pages.back().and_then(|page| page.facts.last()).map(|fact| fact.position);
        if end.is_some_and(|end| after < end) {
            drop(pages);
            return read(log, after).await;
        }
        let (fresh, nothing_new) = {
            let mut fresh = self.fresh();
            (fresh.take(after), source == Source::Own && after >= fresh.last)
        };
        let page = if !fresh.is_empty() {
            Page::of(fresh.iter().map(FreshEvent::fact).collect::<Result<_, _>>()?)
        } else if nothing_new {
            return Ok(Page::of(Vec::new()));
        } else {
            read(log, after).await?
        };
        if end.is_some_and(|end| after > end) {
            pages.clear();
        }
        if !page.is_empty() {
            pages.push_back(page.clone());
            if pages.len() > PAGES_MAX {
                pages.pop_front();
            }
        }
        Ok(page)
    }

    /// The facts of a stream up to a position, if all of them are at hand.
    pub fn stream(&self, stream: StreamId, to: Position) -> Option<Vec<Fact>> {
        // Whoever has the pages may be reading one, and that takes as long as reading the stream.
        let pages = self.pages.try_lock().ok()?;
        let fresh = self.fresh();
        let parsed = pages.iter().rev().flat_map(|page| page.facts.iter().rev());
        let newest_first = fresh.events.iter().rev().map(AtHand::Fresh).chain(parsed.map(AtHand::Parsed));
        let (mut next, mut found) = (None, VecDeque::new());
        for it in newest_first.take(SEARCHED_MAX) {
            let position = it.position();
            // Where something is not at hand, it could be of this stream.
            if next.map_or(position < to, |next| position + 1 != next) {
                return None;
            }
            next = Some(position);
            if position <= to && it.stream() == stream {
                let fact = it.fact().ok()?;
                let first = fact.sequence == 1;
                found.push_front(fact);
                if first {
                    return Some(found.into());
                }
            }
        }
        None
    }

    fn fresh(&self) -> MutexGuard<'_, Fresh> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(log: &SharedLog, after: Position) -> Result<Page, Error> {
    let events = log.page(after, PAGE_EVENTS_MAX).await?;
    Ok(Page::of(events.iter().map(fact).collect::<Result<Vec<Fact>, Error>>()?))
}

#[cfg(test)]
mod tests {
    use orderwire_domain::joint::Command;

    use super::*;
    use crate::{
        engine::{
            Actor, Engine, Provenance,
            log::{NewEvent, StoredEvent, StreamAppend},
            sealing::MasterKey,
        },
        stores::memory::MemoryLog,
    };

    /// A log of so many events, each of another stream.
    async fn log_of(events: usize) -> (SharedLog, Vec<StoredEvent>) {
        let log: SharedLog = Arc::new(MemoryLog::new());
        log.create_tables(&Engine::tables()).await.unwrap();
        let engine = Engine::builder().background(false);
        let engine = engine.open(Arc::clone(&log), MasterKey::generate()).await.unwrap();
        let operator = Provenance::of(Actor::new("operator").unwrap());
        for n in 0..events {
            let code = format!("R{n}");
            let command = Command::CreateReseller {
                code: code.parse().unwrap(),
                cug_id: code.parse().unwrap(),
                sales_tag: code.parse().unwrap(),
                name: "Northern Voice".parse().unwrap(),
            };
            engine.execute(&command, &operator, None).await.unwrap();
        }
        let stored = log.page(0, events).await.unwrap();
        (log, stored)
    }

    /// As the committer hands it on.
    fn hand_on(recent: &Recent, events: &[StoredEvent]) {
        for it in events {
            let event = NewEvent {
                event_type: it.event_type.clone(),
                event_version: it.event_version.clone(),
                payload: it.payload.clone(),
                metadata: it.metadata.clone(),
            };
            let append = StreamAppend { stream: it.stream, after: it.sequence - 1, events: vec![event] };
            let commit = Arc::new(Commit {
                id: uuid::Uuid::now_v7(),
                appends: vec![append],
                reads: Vec::new(),
                rests_on: Vec::new(),
                claims: Vec::new(),
                record: None,
                keys: Vec::new(),
                fence: None,
            });
            let appended = Appended { first: it.position, count: 1, recorded_at_us: it.recorded_at_us };
            recent.appended(std::iter::once((&commit, &appended)));
        }
    }

    fn places(page: &Page) -> Vec<Position> {
        page.iter().map(|fact| fact.position).collect()
    }

    #[tokio::test]
    async fn what_this_process_appended_is_not_read_back() {
        let (_, events) = log_of(3).await;
        let nothing: SharedLog = Arc::new(MemoryLog::new());
        let recent = Recent::default();
        hand_on(&recent, &events);
        let page = recent.page(&nothing, 0, Source::Log).await.unwrap();
        assert_eq!(page.to_vec(), events.iter().map(|event| fact(event).unwrap()).collect::<Vec<_>>());
        assert_eq!(places(&recent.page(&nothing, 1, Source::Own).await.unwrap()), [2, 3]);
        assert!(recent.page(&nothing, 3, Source::Own).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn nothing_that_another_process_appended_in_between_is_stepped_over() {
        let (log, events) = log_of(6).await;
        let recent = Recent::default();
        hand_on(&recent, &events[..2]);
        assert_eq!(places(&recent.page(&log, 0, Source::Own).await.unwrap()), [1, 2]);
        hand_on(&recent, &events[4..]);
        assert_eq!(places(&recent.page(&log, 2, Source::Own).await.unwrap()), [3, 4, 5, 6]);
        assert!(recent.page(&log, 6, Source::Own).await.unwrap().is_empty());
        assert!(recent.page(&log, 6, Source::Log).await.unwrap().is_empty());

        let nobody_looked = Recent::default();
        hand_on(&nobody_looked, &events[..2]);
        hand_on(&nobody_looked, &events[4..]);
        assert_eq!(places(&nobody_looked.page(&log, 0, Source::Own).await.unwrap()), [1, 2, 3, 4, 5, 6]);
    }

    #[tokio::test]
    async fn a_stream_is_at_hand_only_where_nothing_of_it_can_be_missing() {
        let (log, events) = log_of(4).await;
        let recent = Recent::default();
        hand_on(&recent, &events[..2]);
        let first = recent.page(&log, 0, Source::Own).await.unwrap();
        assert_eq!(places(&first), [1, 2]);
        hand_on(&recent, &events[2..3]);
        let at_hand = |index: usize, to| recent.stream(events[index].stream, to).map(|facts| facts.len());
        assert_eq!((at_hand(0, 3), at_hand(2, 3)), (Some(1), Some(1)), "in a page, and behind the pages");
        assert_eq!(at_hand(2, 4), None, "the fourth event is not there, and could be of it");
        assert_eq!(at_hand(3, 3), None, "it was not there yet");
        hand_on(&recent, &events[3..]);
        assert_eq!(at_hand(2, 3), Some(1));
    }
}
