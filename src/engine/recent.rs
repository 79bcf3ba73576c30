//! The newest facts of the log, read and parsed once for all readers.
//!
//! Readers follow the log at nearly the same place, and reading a page is dearer than most of what they do with it. Facts
//! never change, so whatever was read can be shared for as long as there is room. A reader that is far behind reads for
//! itself alone.

use std::{collections::VecDeque, ops::Deref, sync::Arc};

use orderwire_domain::fact::Fact;
use tokio::sync::Mutex;

use super::{
    error::Error,
    log::{Position, SharedLog},
    readers::{PAGE_EVENTS_MAX, fact},
};

/// Pages at hand.
const PAGES_MAX: usize = 32;

/// Pages of facts that follow one another.
#[derive(Debug, Default)]
pub struct Recent(Mutex<VecDeque<Page>>);

/// Facts in order; empty at the end of the log.
#[derive(Clone, Debug)]
pub struct Page {
    facts: Arc<[Fact]>,
    /// Facts of the page that came before what was asked for.
    skip: usize,
}

impl Deref for Page {
    type Target = [Fact];

    fn deref(&self) -> &[Fact] {
        &self.facts[self.skip..]
    }
}

impl Page {
    fn after(&self, position: Position) -> Option<Self> {
        let skip = self.facts.partition_point(|fact| fact.position <= position);
        let follows = self.facts.first().is_some_and(|first| first.position <= position + 1);
        (follows && skip < self.facts.len()).then(|| Self { facts: Arc::clone(&self.facts), skip })
    }
}

impl Recent {
    /// Facts after a position, up to [`PAGE_EVENTS_MAX`].
    pub async fn page(&self, log: &SharedLog, after: Position) -> Result<Page, Error> {
        let mut pages = self.0.lock().await;
        if let Some(page) = pages.iter().rev().find_map(|page| page.after(after)) {
            return Ok(page);
        }
        let end = pages.back().and_then(|page| page.facts.last()).map(|fact| fact.position);
        if end.is_some_and(|end| after < end) {
            drop(pages);
            return read(log, after).await;
        }
        let page = read(log, after).await?;
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
}

async fn read(log: &SharedLog, after: Position) -> Result<Page, Error> {
    let events = log.page(after, PAGE_EVENTS_MAX).await?;
    let facts = events.iter().map(fact).collect::<Result<Vec<Fact>, Error>>()?;
    Ok(Page { facts: facts.into(), skip: 0 })
}
