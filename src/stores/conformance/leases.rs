//! A lease is one owner's at a time, and nothing is written under one that was lost.

use std::time::Duration;

use orderwire_domain::views::table::Table;

use super::{
    Outcome,
    fixture::{append, appended, events, must_append, order, picture},
    readers::{SHELF, keys, put, row},
};
use crate::engine::log::{
    CommitRefusal, Fence, ReaderCommit, RowChange, SharedLog, StoreError, Swap, Take, Verdict,
};

/// Longer than any case takes.
const LONG: Duration = Duration::from_mins(10);
/// Over at once.
const OVER: Duration = Duration::ZERO;

/// A table that is built beside the shelf.
static BESIDE: Table =
    Table { name: "conformance_shelf_beside", columns: SHELF.columns, indexes: SHELF.indexes };

async fn take(log: &SharedLog, owner: &str, ttl: Duration) -> Result<Option<Fence>, StoreError> {
    let lease = log.take_lease("shelf", owner, ttl, Take::IfFree).await?;
    assert!(lease.as_ref().is_none_or(|lease| lease.name == "shelf" && lease.owner == owner));
    Ok(lease.map(|lease| lease.fence()))
}

async fn must_take(log: &SharedLog, owner: &str, ttl: Duration) -> Result<Fence, StoreError> {
    Ok(take(log, owner, ttl).await?.expect("it is free"))
}

async fn owner(log: &SharedLog) -> Result<Option<String>, StoreError> {
    let standings = log.standings().await?;
    Ok(standings.into_iter().find(|standing| standing.name == "shelf").and_then(|standing| standing.owner))
}

/// Until it is given back, or its time is over.
pub async fn a_lease_is_one_owners_at_a_time(log: SharedLog) -> Outcome {
    assert_eq!(log.standings().await?, []);
    must_take(&log, "one", LONG).await?;
    assert_eq!(take(&log, "other", LONG).await?, None);
    assert_eq!(owner(&log).await?.as_deref(), Some("one"));
    // What belongs to somebody else is not given back, and neither is what has another name.
    log.give_back("other", &["shelf".into()]).await?;
    log.give_back("one", &["shelves".into()]).await?;
    assert_eq!(take(&log, "other", LONG).await?, None);

    log.give_back("one", &["shelf".into()]).await?;
    assert_eq!(owner(&log).await?, None);
    must_take(&log, "other", OVER).await?;
    assert_eq!(owner(&log).await?, None, "its time is over");
    must_take(&log, "one", LONG).await?;
    let another = log.take_lease("another", "other", LONG, Take::IfFree).await?;
    assert!(another.is_some(), "a lease of another name is another lease");
    Ok(())
}

/// So that whoever has it can go on with what it began.
pub async fn a_lease_is_renewed_under_its_token(log: SharedLog) -> Outcome {
    let fence = must_take(&log, "one", OVER).await?;
    assert_eq!(
        must_take(&log, "one", LONG).await?,
        fence,
        "also where its time was over, and nobody took it"
    );
    assert_eq!(must_take(&log, "one", LONG).await?, fence);
    assert_eq!(take(&log, "other", LONG).await?, None, "it runs for the new time");
    Ok(())
}

/// Also when it comes back to whoever had it before.
pub async fn a_token_grows_at_each_change_of_hands(log: SharedLog) -> Outcome {
    let mut last = 0;
    for owner in ["one", "other", "one"] {
        let fence = must_take(&log, owner, OVER).await?;
        assert!(fence.token > last);
        last = fence.token;
    }
    log.give_back("one", &["shelf".into()]).await?;
    last += 1;
    assert_eq!(must_take(&log, "one", LONG).await?.token, last);
    let seized = log.take_lease("shelf", "other", LONG, Take::FromAnybody).await?.expect("from anybody");
    assert_eq!((seized.token, owner(&log).await?.as_deref()), (last + 1, Some("other")));
    assert_eq!(log.checkpoint("shelf").await?, 0, "a lease is no checkpoint");
    Ok(())
}

/// The commit alone is refused, whatever else is in its batch.
pub async fn a_commit_under_a_lost_lease_is_refused_alone(log: SharedLog) -> Outcome {
    let unknown = Fence { name: "never taken".into(), token: 1 };
    let [verdict] = append(&*log, [events(order(9), 0, 1).fenced(&unknown)]).await?;
    assert_eq!(verdict, Verdict::Refused(CommitRefusal::FencedOut("never taken".into())));

    let fence = must_take(&log, "one", LONG).await?;
    must_append(&*log, events(order(1), 0, 1)).await?;
    let [plain, fenced] =
        append(&*log, [events(order(1), 1, 1), events(order(2), 0, 2).fenced(&fence)]).await?;
    assert_eq!(appended(&plain).last() + 1, appended(&fenced).first);
    must_append(&*log, events(order(2), 2, 1).fenced(&fence)).await?;

    log.take_lease("shelf", "other", LONG, Take::FromAnybody).await?;
    let before = picture(&log).await?;
    let [lost] = append(&*log, [events(order(2), 3, 1).fenced(&fence)]).await?;
    assert_eq!(lost, Verdict::Refused(CommitRefusal::FencedOut("shelf".into())));
    assert_eq!(picture(&log).await?, before);
    let late = events(order(2), 3, 1).fenced(&fence);
    let [goes_on, lost, follows] =
        append(&*log, [events(order(1), 2, 1), late.clone(), events(order(3), 0, 1).resting_on(&late)])
            .await?;
    appended(&goes_on);
    assert_eq!(lost, Verdict::Refused(CommitRefusal::FencedOut("shelf".into())));
    assert_eq!(follows, Verdict::Refused(CommitRefusal::RestsOnRefused));
    Ok(())
}

/// Rows and checkpoint stay as the new owner knows them.
pub async fn a_page_under_a_lost_lease_changes_nothing(log: SharedLog) -> Outcome {
    log.create_tables(&[&SHELF]).await?;
    let page = |after, to, key: &str, fence: &Fence| ReaderCommit {
        reader: "shelf".into(),
        after,
        to,
        changes: vec![put(key, 1)],
        fence: Some(fence.clone()),
        ..ReaderCommit::default()
    };
    let fence = must_take(&log, "one", LONG).await?;
    log.apply(&page(0, 1, "a", &fence)).await?;
    let elsewhere = ReaderCommit { reader: "other".into(), ..page(0, 7, "b", &fence) };
    log.apply(&elsewhere).await?;
    log.change_rows(&[put("c", 1)], Some(&fence)).await?;

    let next =
        log.take_lease("shelf", "other", LONG, Take::FromAnybody).await?.expect("from anybody").fence();
    let fenced_out = Err(StoreError::FencedOut("shelf".into()));
    assert_eq!(log.apply(&page(1, 2, "late", &fence)).await, fenced_out);
    let elsewhere = ReaderCommit { reader: "other".into(), ..page(7, 8, "late", &fence) };
    assert_eq!(log.apply(&elsewhere).await, fenced_out);
    assert_eq!(log.change_rows(&[put("late", 1)], Some(&fence)).await, fenced_out);
    assert_eq!((log.checkpoint("shelf").await?, log.checkpoint("other").await?), (1, 7));
    assert_eq!(keys(&log, &SHELF).await?, ["a", "b", "c"]);
    log.apply(&page(1, 2, "d", &next)).await?;
    Ok(())
}

/// What was there before is gone; what is made beside the next time is empty.
pub async fn tables_built_beside_take_the_place_of_others(log: SharedLog) -> Outcome {
    log.create_tables(&[&SHELF]).await?;
    let fence = must_take(&log, "one", LONG).await?;
    let beside = log.take_lease("beside", "one", LONG, Take::IfFree).await?.expect("it is free").fence();
    for round in 1..=3 {
        log.create_tables(&[&SHELF, &BESIDE]).await?;
        assert_eq!(log.count(&BESIDE, &[]).await?, 0);
        let (old, new) = (format!("old {round}"), format!("new {round}"));
        let page = |reader: &str, after, change| ReaderCommit {
            reader: reader.into(),
            after,
            to: round,
            changes: vec![change],
            ..ReaderCommit::default()
        };
        log.apply(&page("shelf", round - 1, put(&old, 1))).await?;
        log.apply(&page("beside", 0, RowChange::Put(&BESIDE, row(&new, "p", None, Some(2))))).await?;

        let swap = Swap {
            reader: "shelf".into(),
            beside: "beside".into(),
            at: round,
            tables: vec![(&SHELF, &BESIDE)],
            fences: [fence.clone(), beside.clone()],
        };
        let moved = log.swap(&Swap { at: round + 1, ..swap.clone() }).await;
        assert!(matches!(moved, Err(StoreError::CheckpointMoved { .. })), "{moved:?}");
        let lost = Fence { name: "beside".into(), token: beside.token + 1 };
        let lost = log.swap(&Swap { fences: [fence.clone(), lost], ..swap.clone() }).await;
        assert_eq!(lost, Err(StoreError::FencedOut("beside".into())));
        assert!(keys(&log, &SHELF).await?.contains(&old), "a swap that is refused changes nothing");

        log.swap(&swap).await?;
        assert_eq!(keys(&log, &SHELF).await?, [new]);
        assert_eq!((log.checkpoint("shelf").await?, log.checkpoint("beside").await?), (round, 0));
    }
    log.create_tables(&[&BESIDE]).await?;
    log.drop_tables(&[&BESIDE]).await?;
    log.drop_tables(&[&BESIDE]).await?;
    assert!(log.count(&BESIDE, &[]).await.is_err());
    Ok(())
}
