//! Promises that take two handles to one log: a store that lives in one process only cannot show them.

use std::time::Duration;

use super::{
    Outcome,
    fixture::{append, company, events, must_append, number, order, picture},
    order::check_chain,
};
use crate::engine::log::{CommitRefusal, SharedLog, StoreError, Take, Verdict};

const ROUNDS: usize = 40;

/// Closes a log that holds something and opens it again.
pub async fn a_log_is_the_same_when_opened_again<Opened: Future<Output = SharedLog>>(
    open: impl Fn() -> Opened,
) -> Outcome {
    let log = open().await;
    for n in 0..5 {
        must_append(&*log, events(order(n), 0, 3).taking(order(n), number(n.try_into().expect("small"))))
            .await?;
    }
    must_append(&*log, events(company(1), 0, 1).making("com_1").under("k", 1, None)).await?;
    let before = picture(&log).await?;
    log.close().await;

    let log = open().await;
    assert_eq!(picture(&log).await?, before);
    let [again] = append(&*log, [events(company(1), 0, 1).under("k", 1, None)]).await?;
    assert!(matches!(again, Verdict::Repeated(_)));
    assert!(log.data_key("com_1").await?.is_some());
    must_append(&*log, events(company(1), 1, 1)).await?;
    check_chain(&log).await
}

/// Two appenders race on streams of their own, for the same claims, and on one shared stream.
pub async fn two_appenders_share_one_order(one: SharedLog, other: SharedLog) -> Outcome {
    let (one_won, other_won) = tokio::join!(
        tokio::spawn(race(one.clone(), company(1))),
        tokio::spawn(race(other.clone(), company(2)))
    );
    let one_won = one_won.expect("an appender does not panic")?;
    let other_won = other_won.expect("an appender does not panic")?;
    check_chain(&one).await?;
    assert_eq!(picture(&one).await?, picture(&other).await?);

    let claims: Vec<_> = (0..ROUNDS).map(number).collect();
    for (claim, holder) in claims.iter().zip(one.holders(&claims).await?) {
        let holder = holder.expect("one of them took it");
        let winners = [(&one_won, company(1)), (&other_won, company(2))];
        let said: Vec<_> =
            winners.iter().filter(|(won, _)| won.contains(claim)).map(|(_, who)| *who).collect();
        assert_eq!(said, [holder], "exactly the holder was told that it took {claim:?}");
    }
    let shared = one.stream(order(1), 0, 1_000).await?;
    assert_eq!(shared.len(), one_won.len() + other_won.len());
    Ok(())
}

/// A lease that one handle has is not the other's, and a commit under it is refused once it is: also where the handle that
/// lost it appended last, and thinks that it knows the log.
pub async fn two_handles_share_one_lease(one: SharedLog, other: SharedLog) -> Outcome {
    let ttl = Duration::from_mins(10);
    let lease = one.take_lease("shelf", "one", ttl, Take::IfFree).await?.expect("it is free");
    assert_eq!(other.take_lease("shelf", "other", ttl, Take::IfFree).await?, None);
    assert_eq!(other.standings().await?[0].owner.as_deref(), Some("one"));
    must_append(&*one, events(order(1), 0, 1).fenced(&lease.fence())).await?;
    let next = other.take_lease("shelf", "other", ttl, Take::FromAnybody).await?.expect("from anybody");
    assert_eq!(next.token, lease.token + 1);
    let [verdict] = append(&*one, [events(order(1), 1, 1).fenced(&lease.fence())]).await?;
    assert_eq!(verdict, Verdict::Refused(CommitRefusal::FencedOut("shelf".into())));
    one.give_back("one", &["shelf".into()]).await?;
    assert_eq!(one.take_lease("shelf", "one", ttl, Take::IfFree).await?, None);
    must_append(&*other, events(order(1), 1, 1).fenced(&next.fence())).await?;
    other.give_back("other", &["shelf".into()]).await?;
    assert!(one.take_lease("shelf", "one", ttl, Take::IfFree).await?.is_some());
    Ok(())
}

/// Takes as many claims as it gets, writing its own stream and the shared one; answers what it was told it took.
async fn race(
    log: SharedLog,
    own: orderwire_domain::ids::StreamId,
) -> Result<Vec<orderwire_domain::claim::Claim>, StoreError> {
    let (mut own_at, mut shared_at, mut won) = (0, 0, Vec::new());
    for claim in (0..ROUNDS).map(number) {
        loop {
            let draft = events(own, own_at, 2).and_events(order(1), shared_at, 1).taking(own, claim.clone());
            let [verdict] = append(&*log, [draft]).await?;
            match verdict {
                Verdict::Appended(_) => {
                    (own_at, shared_at) = (own_at + 2, shared_at + 1);
                    won.push(claim);
                    break;
                }
                Verdict::Refused(CommitRefusal::Moved { stream, actual, .. }) => {
                    assert_eq!(stream, order(1), "nobody else writes {own}");
                    shared_at = actual;
                }
                Verdict::Refused(CommitRefusal::ClaimsTaken(_)) => break,
                other => panic!("neither appended nor a lost race: {other:?}"),
            }
        }
    }
    Ok(won)
}
