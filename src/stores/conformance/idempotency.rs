//! A retry changes nothing and is answered as the first time.

use super::{
    Outcome,
    fixture::{
        NOW_US, append, append_at, appended, draft, events, fingerprint, must_append, number, order, picture,
    },
};
use crate::engine::log::{CommitRefusal, SharedLog, StoredRecord, Verdict};

#[track_caller]
fn repeated(verdict: &Verdict) -> StoredRecord {
    match verdict {
        Verdict::Repeated(record) => record.clone(),
        other => panic!("it should have been recognised: {other:?}"),
    }
}

/// The same key and fingerprint in a later batch, whatever else the commit says now.
pub async fn a_retry_is_answered_with_the_first_positions(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(9), 0, 4)).await?;
    let first = events(order(1), 0, 3).taking(order(1), number(1)).under("k", 1, None);
    let appended = must_append(&*log, first.clone()).await?;
    assert_eq!((appended.first, appended.count), (5, 3));
    must_append(&*log, events(order(9), 4, 1)).await?;
    let before = picture(&log).await?;

    let [same] = append(&*log, [first]).await?;
    let [decided_again] = append(&*log, [events(order(1), 3, 1).under("k", 1, None)]).await?;
    let stored = log.record("rsl_conformance", "k", NOW_US).await?;
    for record in [repeated(&same), repeated(&decided_again), stored.expect("it is stored for good")] {
        assert_eq!(record.appended, appended);
        assert_eq!(record.fingerprint, fingerprint(1));
        assert_eq!(record.ids, "{\"order\": \"of k\"}");
    }
    assert_eq!(picture(&log).await?, before);
    assert_eq!(log.record("somebody else", "k", NOW_US).await?, None);
    assert_eq!(log.record("rsl_conformance", "K", NOW_US).await?, None);
    Ok(())
}

/// The same key and fingerprint twice in one batch.
pub async fn a_retry_in_the_same_batch_is_answered_with_the_first_positions(log: SharedLog) -> Outcome {
    let draft = events(order(1), 0, 2).under("k", 1, Some(NOW_US + 1_000));
    let [first, other, second] = append(&*log, [draft.clone(), events(order(2), 0, 1), draft]).await?;
    assert_eq!(repeated(&second).appended, appended(&first));
    assert_eq!(appended(&other).first, 3);
    assert_eq!(log.head().await?.position, 3);
    Ok(())
}

/// The same key, another fingerprint: across batches and in one.
pub async fn a_key_used_for_another_request_is_refused(log: SharedLog) -> Outcome {
    let batch = [events(order(1), 0, 1).under("k", 1, None), events(order(2), 0, 1).under("k", 2, None)];
    let [first, second] = append(&*log, batch).await?;
    appended(&first);
    assert_eq!(second, Verdict::Refused(CommitRefusal::KeyReused));
    let [third] = append(&*log, [events(order(3), 0, 1).under("k", 3, None)]).await?;
    assert_eq!(third, Verdict::Refused(CommitRefusal::KeyReused));
    assert_eq!(log.head().await?.position, 1);
    Ok(())
}

/// No events, yet a retry gets the same answer.
pub async fn a_command_that_appended_nothing_is_remembered(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 2)).await?;
    let nothing = draft().reading(order(1), 2).under("k", 1, None);
    let first = must_append(&*log, nothing.clone()).await?;
    assert_eq!((first.first, first.count), (2, 0));
    must_append(&*log, events(order(1), 2, 2)).await?;
    let [second] = append(&*log, [nothing]).await?;
    assert_eq!(repeated(&second).appended, first);
    Ok(())
}

/// A refusal stores nothing: the next attempt is decided afresh.
pub async fn a_refused_commit_is_not_remembered(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 1)).await?;
    let [refused] = append(&*log, [events(order(1), 0, 1).under("k", 1, None)]).await?;
    assert!(matches!(refused, Verdict::Refused(_)));
    assert_eq!(log.record("rsl_conformance", "k", NOW_US).await?, None);
    must_append(&*log, events(order(1), 1, 1).under("k", 1, None)).await?;
    Ok(())
}

/// After its time a key is free, even for another request.
pub async fn an_expired_record_is_as_if_it_never_was(log: SharedLog) -> Outcome {
    let expiry = NOW_US + 1_000;
    must_append(&*log, events(order(1), 0, 1).under("k", 1, Some(expiry))).await?;
    assert!(log.record("rsl_conformance", "k", expiry - 1).await?.is_some());
    assert_eq!(log.record("rsl_conformance", "k", expiry + 1).await?, None);

    let other = events(order(2), 0, 1).under("k", 2, Some(expiry + 10_000));
    let [early] = append_at(&*log, [other.clone()], expiry - 1).await?;
    assert_eq!(early, Verdict::Refused(CommitRefusal::KeyReused));
    let [late] = append_at(&*log, [other], expiry + 1).await?;
    assert_eq!(appended(&late).first, 2);
    let record = log.record("rsl_conformance", "k", expiry + 1).await?.expect("it took the place");
    assert_eq!((record.fingerprint, record.appended.first), (fingerprint(2), 2));
    Ok(())
}

/// Forgetting counts what it forgets and leaves the rest.
pub async fn only_expired_records_are_forgotten(log: SharedLog) -> Outcome {
    let batch = [
        draft().under("early", 1, Some(NOW_US + 10)),
        draft().under("late", 1, Some(NOW_US + 1_000)),
        draft().under("forever", 1, None),
    ];
    for verdict in append(&*log, batch).await? {
        appended(&verdict);
    }
    assert_eq!(log.forget_records(NOW_US + 500).await?, 1);
    assert_eq!(log.forget_records(NOW_US + 500).await?, 0);
    assert_eq!(log.record("rsl_conformance", "early", NOW_US).await?, None);
    assert!(log.record("rsl_conformance", "late", NOW_US).await?.is_some());
    assert_eq!(log.forget_records(i64::MAX).await?, 1);
    assert!(log.record("rsl_conformance", "forever", i64::MAX).await?.is_some());
    Ok(())
}
