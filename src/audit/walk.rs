//! Going through the log or one stream, page by page: memory is that of one page.
//!
//! A log that ends before its head, or leaves a position out, is an error and never an answer.

use std::ops::ControlFlow;

use orderwire_domain::ids::StreamId;

use crate::engine::{
    Engine, Error,
    log::{Position, Sequence, StoredEvent},
    readers::PAGE_EVENTS_MAX,
};

/// Shows every event after one position up to another, in order, until somebody has seen enough.
pub async fn log(
    engine: &Engine,
    (after, to): (Position, Position),
    mut each: impl FnMut(StoredEvent) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    let mut at = after;
    while at < to {
        let page = engine.page(at, PAGE_EVENTS_MAX).await?;
        if page.is_empty() {
            return Err(lacking(at + 1, "is not there"));
        }
        for event in page {
            if event.position != at + 1 {
                return Err(lacking(at + 1, "was left out"));
            }
            at = event.position;
            if at > to || each(event)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Shows every event of a stream after a sequence, in order, until somebody has seen enough.
pub async fn stream(
    engine: &Engine,
    (stream, mut after): (StreamId, Sequence),
    mut each: impl FnMut(StoredEvent) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    loop {
        let page = engine.stream(stream, after, PAGE_EVENTS_MAX).await?;
        let count = page.len();
        for event in page {
            if event.sequence != after + 1 {
                let detail = format!("event {} was left out", after + 1);
                return Err(Error::Corrupt { stream: stream.to_string(), detail });
            }
            after = event.sequence;
            if each(event)?.is_break() {
                return Ok(());
            }
        }
        if count < PAGE_EVENTS_MAX {
            return Ok(());
        }
    }
}

/// The event at a position.
pub async fn event(engine: &Engine, position: Position) -> Result<Option<StoredEvent>, Error> {
    let Some(before) = position.checked_sub(1) else { return Ok(None) };
    let found = engine.page(before, 1).await?;
    Ok(found.into_iter().next().filter(|event| event.position == position))
}

fn lacking(position: Position, what: &str) -> Error {
    Error::Corrupt { stream: "the log".to_owned(), detail: format!("position {position} {what}") }
}
