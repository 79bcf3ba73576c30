//! What a commit rests on holds when it is appended, and a commit is whole or nothing.

use super::{
    Outcome,
    fixture::{append, appended, company, draft, events, must_append, number, order, picture},
};
use crate::engine::log::{CommitRefusal, SharedLog, Verdict};

/// Several streams in one commit.
pub async fn a_commit_appends_to_several_streams_at_once(log: SharedLog) -> Outcome {
    let both = must_append(&*log, events(order(1), 0, 2).and_events(company(1), 0, 3)).await?;
    assert_eq!((both.first, both.count, both.last()), (1, 5, 5));
    assert_eq!(log.stream(order(1), 0, 10).await?.len(), 2);
    let company_events = log.stream(company(1), 0, 10).await?;
    assert_eq!(company_events.iter().map(|event| event.position).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(company_events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    Ok(())
}

/// A conflict on what is written.
pub async fn a_written_stream_that_moved_refuses_the_commit(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 2)).await?;
    let before = picture(&log).await?;
    for seen in [0, 1, 3] {
        let stale = events(order(1), seen, 1).and_events(order(2), 0, 1).taking(order(2), number(1));
        let [verdict] = append(&*log, [stale]).await?;
        let moved = CommitRefusal::Moved { stream: order(1), seen, actual: 2 };
        assert_eq!(verdict, Verdict::Refused(moved));
    }
    assert_eq!(picture(&log).await?, before);
    Ok(())
}

/// A conflict on what was only read.
pub async fn a_stream_that_was_only_read_refuses_the_commit_when_it_moved(log: SharedLog) -> Outcome {
    must_append(&*log, events(company(1), 0, 1)).await?;
    must_append(&*log, events(order(1), 0, 1).reading(company(1), 1).reading(company(2), 0)).await?;
    must_append(&*log, events(company(1), 1, 1)).await?;
    let before = picture(&log).await?;

    let [stale] = append(&*log, [events(order(1), 1, 1).reading(company(1), 1)]).await?;
    let moved = CommitRefusal::Moved { stream: company(1), seen: 1, actual: 2 };
    assert_eq!(stale, Verdict::Refused(moved));
    let [phantom] = append(&*log, [draft().reading(company(2), 1)]).await?;
    let moved = CommitRefusal::Moved { stream: company(2), seen: 1, actual: 0 };
    assert_eq!(phantom, Verdict::Refused(moved));
    assert_eq!(picture(&log).await?, before);
    Ok(())
}

/// One refusal among others.
pub async fn a_refused_commit_leaves_the_rest_of_its_batch_alone(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 1).taking(order(1), number(1))).await?;
    let batch = [
        events(order(2), 0, 1).taking(order(2), number(2)),
        events(order(3), 0, 1).taking(order(3), number(1)),
        events(order(1), 0, 1),
        events(order(4), 0, 2).taking(order(4), number(4)),
    ];
    let [first, taken, moved, last] = append(&*log, batch).await?;
    assert_eq!(appended(&first).first, 2);
    assert_eq!(taken, Verdict::Refused(CommitRefusal::ClaimsTaken(vec![number(1)])));
    assert!(matches!(moved, Verdict::Refused(CommitRefusal::Moved { .. })));
    assert_eq!(appended(&last).first, 3);
    assert_eq!(log.head().await?.position, 4);
    assert_eq!(log.stream(order(3), 0, 10).await?, []);
    let holders = log.holders(&[number(4), number(1), number(9)]).await?;
    assert_eq!(holders, [Some(order(4)), Some(order(1)), None]);
    Ok(())
}

/// The commits of a batch build on one another.
pub async fn a_batch_sees_what_its_earlier_commits_appended(log: SharedLog) -> Outcome {
    let batch = [events(order(1), 0, 1), events(order(1), 1, 2), events(order(1), 1, 1)];
    let [first, second, stale] = append(&*log, batch).await?;
    assert_eq!((appended(&first).first, appended(&second).first), (1, 2));
    let moved = CommitRefusal::Moved { stream: order(1), seen: 1, actual: 3 };
    assert_eq!(stale, Verdict::Refused(moved));
    assert_eq!(log.head().await?.position, 3);
    Ok(())
}

/// A commit decided on one that was not appended is not appended either, although somebody else's events in its place
/// make the sequences fit. The same where commits are tried one by one.
pub async fn a_commit_that_rests_on_a_refused_one_is_refused_with_it(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 1).making("com_1")).await?;
    for batch_has_a_culprit in [false, true] {
        let at = log.stream(order(1), 0, 10).await?.len() as u64;
        let lost = events(order(1), at, 1);
        let follower = events(order(1), at + 1, 1).resting_on(&lost);
        let of_follower = draft().reading(order(1), at + 2).resting_on(&follower);
        // Another process has appended as many events meanwhile.
        must_append(&*log, events(order(1), at, 1)).await?;
        let beside = if batch_has_a_culprit { draft().making("com_1") } else { draft() };
        let [lost, follower, of_follower, _] = append(&*log, [lost, follower, of_follower, beside]).await?;
        assert!(matches!(lost, Verdict::Refused(CommitRefusal::Moved { .. })), "{lost:?}");
        assert_eq!(follower, Verdict::Refused(CommitRefusal::RestsOnRefused));
        assert_eq!(of_follower, Verdict::Refused(CommitRefusal::RestsOnRefused));
        assert_eq!(log.stream(order(1), 0, 10).await?.len() as u64, at + 1);
    }
    Ok(())
}

/// What no check foresees, such as a data key made twice, stops nobody else.
pub async fn a_commit_the_store_cannot_take_is_refused_alone(log: SharedLog) -> Outcome {
    must_append(&*log, events(company(1), 0, 1).making("com_1")).await?;
    let batch = [
        events(order(1), 0, 1).taking(order(1), number(1)),
        events(company(2), 0, 1).making("com_1").taking(company(2), number(2)),
        events(company(3), 0, 1).destroying("com_3"),
        events(order(4), 0, 1).under("key", 1, None),
    ];
    let [first, twice, absent, last] = append(&*log, batch).await?;
    assert_eq!(appended(&first).first, 2);
    assert!(matches!(twice, Verdict::Refused(CommitRefusal::Unforeseen(_))), "{twice:?}");
    assert!(matches!(absent, Verdict::Refused(CommitRefusal::Unforeseen(_))), "{absent:?}");
    assert_eq!(appended(&last).first, 3);
    assert_eq!(log.head().await?.position, 3);
    assert_eq!(log.holders(&[number(1), number(2)]).await?, [Some(order(1)), None]);
    assert_eq!(log.stream(company(2), 0, 10).await?, []);
    super::order::check_chain(&log).await
}

/// No commits, and commits of nothing.
pub async fn an_empty_batch_changes_nothing(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 3)).await?;
    let before = picture(&log).await?;
    let [] = append(&*log, []).await?;
    let nothing = must_append(&*log, draft().reading(order(1), 3)).await?;
    assert_eq!((nothing.first, nothing.count, nothing.last()), (3, 0, 3));
    assert_eq!(picture(&log).await?, before);
    Ok(())
}
