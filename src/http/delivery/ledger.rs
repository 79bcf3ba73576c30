//! Where every webhook is and what became of every delivery, as it is stored.
//!
//! All of it is written by one function, in one transaction, under a number that must follow the one before: of two workers
//! that write at once, one is told that it is not the only one. Deliberately absent: who may be the only one.

use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::{ResellerId, WebhookId},
    views::{
        notices::{NOTICE, NOTICE_COUNTER, Notice, NoticeCounter},
        table::{Record as _, Row, Value},
        webhooks::{WEBHOOK, WebhookView},
    },
};

use crate::{
    edge::deliveries::{Delivery, Place, WEBHOOK_DELIVERY, WEBHOOK_PLACE, WEBHOOK_REQUEST},
    engine::{
        Error,
        log::{Comparison, Fence, Filter, Position, ReaderCommit, RowChange, Select, SharedLog, StoreError},
        query::{self, equal},
    },
};

/// The name under which the worker writes, and of its lease.
pub const WORKER: &str = "webhooks";
/// Rows that are fetched at once.
pub const ROWS_AT_ONCE: usize = 500;

/// Writes what became of deliveries, and where webhooks are: the one place that does. Refused once another process has the
/// lease.
pub async fn commit(
    log: &SharedLog,
    after: Position,
    changes: Vec<RowChange>,
    fence: Fence,
) -> Result<(), StoreError> {
    let (reader, fence) = (WORKER.to_owned(), Some(fence));
    let commit = ReaderCommit { reader, after, to: after + 1, changes, fence, ..ReaderCommit::default() };
    log.apply(&commit).await
}

/// The number of the last commit.
pub async fn turn(log: &SharedLog) -> Result<Position, StoreError> {
    log.checkpoint(WORKER).await
}

fn at_least(column: &'static str, value: u64) -> Filter {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    Filter { column, comparison: Comparison::AtLeast, value: value.into() }
}

/// A webhook that has changed, as far as that can be read.
pub struct Changed {
    /// Which, where its key says so.
    pub webhook: Option<WebhookId>,
    /// The position of its last change.
    pub position: Position,
    /// What it is now.
    pub view: Result<WebhookView, Error>,
}

/// Webhooks that have changed since a position, in order of their last changes.
pub async fn changed(log: &SharedLog, since: Position) -> Result<Vec<Changed>, Error> {
    let select = Select {
        table: &WEBHOOK,
        filters: vec![at_least("position", since.saturating_add(1))],
        order: "position",
        descending: false,
        after: None,
        limit: ROWS_AT_ONCE,
    };
    let rows = log.select(&select).await?;
    let column = WEBHOOK.columns.iter().position(|column| column.name == "position");
    let changed = |row: &Row| {
        let position = match column.and_then(|column| row.columns.get(column)) {
            Some(Value::Integer(position)) => u64::try_from(*position).unwrap_or(since),
            _ => since,
        };
        Changed { webhook: row.key.parse().ok(), position, view: query::record(row) }
    };
    Ok(rows.iter().map(changed).collect())
}

/// What somebody wants delivered once more, each a row of a [`Request`](crate::edge::deliveries::Request).
pub async fn requests(log: &SharedLog) -> Result<Vec<Row>, Error> {
    let select = Select {
        table: &WEBHOOK_REQUEST,
        filters: Vec::new(),
        order: "key",
        descending: false,
        after: None,
        limit: ROWS_AT_ONCE,
    };
    Ok(log.select(&select).await?)
}

/// Where a webhook was left.
pub async fn place(log: &SharedLog, webhook: WebhookId) -> Result<Option<Place>, Error> {
    query::get(log, &webhook.to_string()).await
}

/// What removes the rows of a webhook that is deleted, so many at once: its deliveries, then its place, then nothing. They are
/// not read, so it is no matter whether they could be.
pub async fn left(log: &SharedLog, webhook: WebhookId, limit: usize) -> Result<Vec<RowChange>, Error> {
    let select = Select {
        table: &WEBHOOK_DELIVERY,
        filters: vec![equal("parent", webhook.to_string())],
        order: "sequence",
        descending: false,
        after: None,
        limit,
    };
    let deliveries = log.select(&select).await?;
    if !deliveries.is_empty() {
        return Ok(deliveries.into_iter().map(|row| RowChange::Delete(&WEBHOOK_DELIVERY, row.key)).collect());
    }
    let place = log.rows(&WEBHOOK_PLACE, &[webhook.to_string()]).await?;
    Ok(place.into_iter().map(|row| RowChange::Delete(&WEBHOOK_PLACE, row.key)).collect())
}

/// A webhook as queries show it.
pub async fn view(log: &SharedLog, webhook: WebhookId) -> Result<Option<WebhookView>, Error> {
    query::get(log, &webhook.to_string()).await
}

/// Deliveries of a webhook that wait, a page of them in order, each after the last of the one
/// before.
pub async fn waiting(
    log: &SharedLog,
    webhook: WebhookId,
    last: Option<&Delivery>,
) -> Result<Vec<Delivery>, Error> {
    let select = Select {
        table: &WEBHOOK_DELIVERY,
        filters: vec![equal("parent", webhook.to_string()), equal("waits", 1)],
        order: "sequence",
        descending: false,
        after: last.map(|last| (i64::try_from(last.sequence).unwrap_or(i64::MAX).into(), last.key())),
        limit: ROWS_AT_ONCE,
    };
    query::select(log, &select).await
}

/// What is written of the deliveries of these sequences, but for those that somebody wanted once more.
pub async fn several(log: &SharedLog, webhook: WebhookId, sequences: &[u64]) -> Result<Vec<Delivery>, Error> {
    let keys: Vec<String> = sequences.iter().map(|sequence| Delivery::key_of(webhook, *sequence)).collect();
    query::several(log, &keys).await
}

/// Deliveries of a webhook after a sequence, whatever became of them.
pub async fn after(log: &SharedLog, webhook: WebhookId, sequence: u64) -> Result<Vec<Delivery>, Error> {
    let mut found: Vec<Delivery> = Vec::new();
    loop {
        let last = found.last();
        let select = Select {
            table: &WEBHOOK_DELIVERY,
            filters: vec![
                equal("parent", webhook.to_string()),
                at_least("sequence", sequence.saturating_add(1)),
            ],
            order: "sequence",
            descending: false,
            after: last.map(|last| (i64::try_from(last.sequence).unwrap_or(i64::MAX).into(), last.key())),
            limit: ROWS_AT_ONCE,
        };
        let page: Vec<Delivery> = query::select(log, &select).await?;
        let whole = page.len() == ROWS_AT_ONCE;
        found.extend(page);
        if !whole {
            return Ok(found);
        }
    }
}

/// The oldest deliveries of a webhook that have ended: before a time, or whenever where none is given.
pub async fn ended(
    log: &SharedLog,
    webhook: WebhookId,
    before: Option<DateTime<Utc>>,
    limit: usize,
) -> Result<Vec<Delivery>, Error> {
    let until_us = before.map_or(i64::MAX, |before| before.timestamp_micros());
    let filters = vec![
        equal("parent", webhook.to_string()),
        Filter { column: "ended_at", comparison: Comparison::AtMost, value: until_us.into() },
    ];
    let select = Select {
        table: &WEBHOOK_DELIVERY,
        filters,
        order: "ended_at",
        descending: false,
        after: None,
        limit,
    };
    query::select(log, &select).await
}

/// How many deliveries of a webhook are kept that have ended.
pub async fn kept(log: &SharedLog, webhook: WebhookId) -> Result<u64, Error> {
    let ended = Filter { column: "ended_at", comparison: Comparison::AtLeast, value: i64::MIN.into() };
    Ok(log.count(&WEBHOOK_DELIVERY, &[equal("parent", webhook.to_string()), ended]).await?)
}

/// The last sequences that these resellers were given, of those that were given any.
pub async fn told(
    log: &SharedLog,
    resellers: &[ResellerId],
) -> Result<Vec<(ResellerId, Result<u64, Error>)>, Error> {
    let keys: Vec<String> = resellers.iter().map(ToString::to_string).collect();
    let mut told = Vec::new();
    for keys in keys.chunks(ROWS_AT_ONCE) {
        for row in log.rows(&NOTICE_COUNTER, keys).await? {
            let counter = query::record::<NoticeCounter>(&row).map(|it| it.last);
            told.extend(row.key.parse().ok().map(|reseller| (reseller, counter)));
        }
    }
    Ok(told)
}

/// Notices of a reseller after a sequence, in order.
pub async fn notices(
    log: &SharedLog,
    reseller: ResellerId,
    after: u64,
    limit: usize,
) -> Result<Vec<Notice>, Error> {
    let select = Select {
        table: &NOTICE,
        filters: vec![equal("reseller", reseller.to_string()), at_least("sequence", after.saturating_add(1))],
        order: "sequence",
        descending: false,
        after: None,
        limit,
    };
    query::select(log, &select).await
}
