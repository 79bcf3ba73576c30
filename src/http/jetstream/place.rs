//! The place in our log that the end of a stream stands for.
//!
//! A stream that has its last message says it by that. One that has lost all of them, to age or to somebody who emptied it,
//! still knows how many there were, and since each notice is one message, counting them finds the place too.

use orderwire_domain::{
    ids::NoticeId,
    views::{
        self,
        notices::{NOTICE, Notice},
    },
};

use super::Trouble;
use crate::engine::{
    Engine, Error,
    log::{Comparison, Filter, Position, Select},
    query,
};

/// Where a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// How many messages it has ever had.
    pub sequence: u64,
    /// The last of them, if it is still there.
    pub last: Option<Last>,
}

/// The last message of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// The notice.
    pub id: NoticeId,
    /// The position of its event.
    pub position: Position,
}

/// A place to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// How many messages the stream has had.
    pub sequence: u64,
    /// Everything up to this position of the log is in it.
    pub position: Position,
    /// The last notice in it; `None` where it never had one, or has lost it.
    pub id: Option<NoticeId>,
}

impl Place {
    /// The place once the stream has this notice too.
    pub fn with(self, notice: &Notice) -> Self {
        Self { sequence: self.sequence + 1, position: notice.position, id: Some(notice.id) }
    }
}

/// The place of an end. A stream that never had a message begins after `begin`.
pub async fn of(engine: &Engine, end: End, begin: Position) -> Result<Place, Trouble> {
    let last = match end.last {
        Some(last) => known(engine, last).await?,
        None if end.sequence == 0 => return Ok(Place { sequence: 0, position: begin, id: None }),
        None => counted(engine, begin, end.sequence).await?,
    };
    Ok(Place { sequence: end.sequence, position: last.position, id: Some(last.id) })
}

/// The notices that come after a position, in order.
pub async fn after(engine: &Engine, position: Position, limit: usize) -> Result<Vec<Notice>, Error> {
    let select = Select {
        table: &NOTICE,
        filters: vec![beyond(position)],
        order: "position",
        descending: false,
        after: None,
        limit,
    };
    query::select(engine.log(), &select).await
}

/// How many notices come after a position.
pub async fn count_after(engine: &Engine, position: Position) -> Result<u64, Error> {
    Ok(engine.log().count(&NOTICE, &[beyond(position)]).await?)
}

/// The last message of a stream, once it is found to be a notice of this log.
async fn known(engine: &Engine, last: Last) -> Result<Last, Trouble> {
    let rows = engine.log().rows(&NOTICE, &[last.id.to_string()]).await.map_err(Error::from)?;
    let Some(row) = rows.first() else { return Err(unknown(engine, last).await?) };
    let notice: Notice = query::record(row)?;
    if notice.position == last.position {
        return Ok(last);
    }
    let Last { id, position } = last;
    Err(Trouble::Foreign(format!("it ends with {id} at {position}, which is at {} here", notice.position)))
}

/// Why a notice that the stream has is not there: it is told again soon, or was told by another log.
async fn unknown(engine: &Engine, Last { id, position }: Last) -> Result<Trouble, Error> {
    let (head, read) = ends(engine).await?;
    let is_to_come = read < position && position <= head;
    let foreign = || {
        let detail = "which this log has not; it may have been restored from before that";
        Trouble::Foreign(format!("it ends with {id} of position {position}, {detail}"))
    };
    Ok(if is_to_come { Trouble::Behind } else { foreign() })
}

/// The notice that was the message of this number, of a stream that began after `begin`.
async fn counted(engine: &Engine, begin: Position, number: u64) -> Result<Last, Trouble> {
    let told = count_after(engine, begin).await?;
    let (head, read) = ends(engine).await?;
    if told < number && read < head {
        return Err(Trouble::Behind);
    }
    let few =
        || Trouble::Foreign(format!("it has had {number} messages, and this log has told {told} notices"));
    let left = told.checked_sub(number).ok_or_else(few)?;
    // The last position after which there are more than are left is just before it.
    let (mut more, mut enough) = (begin, read);
    while enough - more > 1 {
        let middle = more + (enough - more) / 2;
        if count_after(engine, middle).await? > left { more = middle } else { enough = middle }
    }
    let found = after(engine, more, 1).await?;
    let last = found.first().map(|notice| Last { id: notice.id, position: notice.position });
    last.ok_or_else(few)
}

/// The end of the log, and up to where its notices are written.
async fn ends(engine: &Engine) -> Result<(Position, Position), Error> {
    let read = engine.log().checkpoint(views::ORDERS).await?;
    Ok((engine.head().await?.position, read))
}

fn beyond(position: Position) -> Filter {
    let next = i64::try_from(position).unwrap_or(i64::MAX).saturating_add(1);
    Filter { column: "position", comparison: Comparison::AtLeast, value: next.into() }
}
