//! One total order: no gap in it, time along it, and a tree over it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use super::{
    Outcome,
    fixture::{NOW_US, all_events, append_at, appended, company, events, must_append, number, order},
};
use crate::{
    engine::{
        leaf::{Frontier, LeafEntry},
        log::{Appended, SharedLog, StoreError, StoredEvent},
    },
    stores::sql::LOG_ID,
};

const WRITERS: u8 = 64;
const COMMITS_EACH: u64 = 4;

/// Checks that positions are contiguous, sequences whole, time in order, and every leaf and the head what the text implies.
pub(super) async fn check_chain(log: &SharedLog) -> Outcome {
    let events = all_events(&**log).await?;
    let mut frontier = Frontier::default();
    let mut sequences = std::collections::HashMap::new();
    for (event, position) in events.iter().zip(1_u64..) {
        assert_eq!(event.position, position, "the event after {} others", position - 1);
        let sequence = sequences.entry(event.stream).or_insert(0);
        *sequence += 1;
        assert_eq!(event.sequence, *sequence, "of {} at {position}", event.stream);
        assert_eq!(event.leaf, entry(event).hash(), "the leaf at {position}");
        frontier.push(event.leaf);
    }
    assert!(events.is_sorted_by_key(|event| event.recorded_at_us), "time runs backwards");
    let head = log.head().await?;
    assert_eq!(head.position, events.len() as u64);
    assert_eq!(head.frontier, frontier);
    assert_eq!(head.recorded_at_us, events.last().map_or(0, |event| event.recorded_at_us));
    Ok(())
}

fn entry(event: &StoredEvent) -> LeafEntry<'_> {
    LeafEntry {
        log_id: LOG_ID,
        position: event.position,
        stream: event.stream,
        sequence: event.sequence,
        event_type: &event.event_type,
        event_version: &event.event_version,
        recorded_at_us: event.recorded_at_us,
        payload: &event.payload,
        metadata: &event.metadata,
    }
}

/// 64 tasks, one appender, and a clock that jumps back and forth.
pub async fn positions_have_no_gap_under_many_writers(log: SharedLog) -> Outcome {
    let appender = Arc::new(tokio::sync::Mutex::new(log.clone()));
    let clock = Arc::new(AtomicI64::new(NOW_US));
    let writers: Vec<_> =
        (1..=WRITERS).map(|writer| tokio::spawn(write(writer, appender.clone(), clock.clone()))).collect();
    let mut answers = Vec::new();
    for writer in writers {
        answers.extend(writer.await.expect("a writer does not panic")?);
    }
    check_chain(&log).await?;

    // Each answer names the very events that were appended.
    answers.sort_by_key(|(_, appended)| appended.first);
    let stored = all_events(&*log).await?;
    let mut next = 1;
    for (writer, appended) in answers {
        assert_eq!(appended.first, next);
        next = appended.last() + 1;
        let first = usize::try_from(appended.first).expect("a few hundred events");
        let event = &stored[first - 1];
        assert_eq!((event.stream, event.recorded_at_us), (order(writer.into()), appended.recorded_at_us));
    }
    assert_eq!(log.head().await?.position, next - 1);
    Ok(())
}

async fn write(
    writer: u8,
    appender: Arc<tokio::sync::Mutex<SharedLog>>,
    clock: Arc<AtomicI64>,
) -> Result<Vec<(u8, Appended)>, StoreError> {
    let mut answers = Vec::new();
    let mut sequence = 0;
    for round in 0..COMMITS_EACH {
        let log = appender.lock().await;
        let jump = if round % 2 == 0 { 5_000 } else { -4_000 };
        let now_us = clock.fetch_add(jump, Ordering::Relaxed);
        let [verdict] =
            append_at(&**log, [events(order(writer.into()), sequence, round + 1)], now_us).await?;
        sequence += round + 1;
        answers.push((writer, appended(&verdict)));
    }
    Ok(answers)
}

/// A clock that was set back does not set the log back.
pub async fn time_never_runs_backwards_along_the_log(log: SharedLog) -> Outcome {
    for (now_us, expected, sequence) in
        [(NOW_US, NOW_US, 0), (NOW_US - 9, NOW_US, 1), (NOW_US + 1, NOW_US + 1, 2)]
    {
        let [verdict] = append_at(&*log, [events(order(1), sequence, 1)], now_us).await?;
        assert_eq!(appended(&verdict).recorded_at_us, expected);
        assert_eq!(log.head().await?.recorded_at_us, expected);
    }
    check_chain(&log).await
}

/// Nothing of an event's text is lost, so its leaf can be computed again.
pub async fn leaves_and_frontier_follow_from_the_stored_text(log: SharedLog) -> Outcome {
    check_chain(&log).await?;
    for n in 0..9 {
        let both = events(order(n), 0, 2).and_events(company(n), 0, 1);
        let kept = both.0.clone();
        let at = must_append(&*log, both.taking(order(n), number(n.try_into().expect("small")))).await?;
        let stored = log.page(at.first - 1, 3).await?;
        let appended = kept.appends.iter().flat_map(|append| &append.events);
        for (stored, appended) in stored.iter().zip(appended) {
            assert_eq!(stored.event_type, appended.event_type);
            assert_eq!(stored.event_version, appended.event_version);
            assert_eq!(stored.payload, appended.payload);
            assert_eq!(stored.metadata, appended.metadata);
        }
    }
    check_chain(&log).await
}

/// The log and one stream of it, in parts.
pub async fn pages_and_streams_come_in_order_and_bounded(log: SharedLog) -> Outcome {
    let mut after = 0;
    for n in 0..5 {
        must_append(&*log, events(order(1), after, 3).and_events(order(100 + n), 0, 2)).await?;
        after += 3;
    }
    let positions = |events: Vec<StoredEvent>| events.iter().map(|event| event.position).collect::<Vec<_>>();
    assert_eq!(positions(log.page(0, 4).await?), [1, 2, 3, 4]);
    assert_eq!(positions(log.page(23, 4).await?), [24, 25]);
    assert_eq!(positions(log.page(25, 4).await?), [0; 0]);
    assert_eq!(positions(log.page(99, 4).await?), [0; 0]);
    assert_eq!(positions(log.page(3, 0).await?), [0; 0]);
    let leaves: Vec<_> = all_events(&*log).await?.iter().map(|event| event.leaf).collect();
    assert_eq!(log.leaves(0, 100).await?, leaves);
    assert_eq!(log.leaves(3, 4).await?, leaves[3..7]);
    assert_eq!(log.leaves(24, usize::MAX).await?, leaves[24..]);
    assert_eq!(log.leaves(25, 4).await?, [[0; 32]; 0]);
    assert_eq!(log.leaves(u64::MAX >> 1, 4).await?, [[0; 32]; 0]);
    assert_eq!(positions(log.stream(order(1), 0, 4).await?), [1, 2, 3, 6]);
    assert_eq!(positions(log.stream(order(1), 13, 9).await?), [22, 23]);
    assert_eq!(positions(log.stream(order(1), 15, 9).await?), [0; 0]);
    assert_eq!(positions(log.stream(order(7), 0, 9).await?), [0; 0]);
    check_chain(&log).await
}
