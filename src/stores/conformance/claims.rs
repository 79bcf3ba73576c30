//! What may exist once has one holder, whatever happens in one batch.

use orderwire_domain::claim::{Claim, ClaimScope};

use super::{
    Outcome,
    fixture::{append, appended, company, draft, events, must_append, number, order, picture},
};
use crate::engine::log::{CommitRefusal, SharedLog, Verdict};

/// Taken by one, refused to every other, also to the holder itself.
pub async fn a_claim_is_held_once(log: SharedLog) -> Outcome {
    let batch = [
        events(company(1), 0, 1).taking(company(1), number(1)).taking(company(1), number(2)),
        events(company(2), 0, 1).taking(company(2), number(2)).taking(company(2), number(3)),
    ];
    let [first, second] = append(&*log, batch).await?;
    appended(&first);
    let taken = Verdict::Refused(CommitRefusal::ClaimsTaken(vec![number(2)]));
    assert_eq!(second, taken);

    let again = events(company(1), 1, 1).taking(company(1), number(1)).taking(company(1), number(2));
    let [again] = append(&*log, [again]).await?;
    assert_eq!(again, Verdict::Refused(CommitRefusal::ClaimsTaken(vec![number(1), number(2)])));
    let holders = log.holders(&[number(1), number(2), number(3)]).await?;
    assert_eq!(holders, [Some(company(1)), Some(company(1)), None]);

    // The same key in another scope is another claim.
    let elsewhere = Claim::platform(ClaimScope::OpenPort, number(1).key);
    must_append(&*log, draft().taking(company(2), elsewhere.clone())).await?;
    assert_eq!(log.holders(&[elsewhere]).await?, [Some(company(2))]);
    Ok(())
}

/// A release and a re-take in two commits of one batch.
pub async fn a_claim_released_and_taken_again_in_one_batch_changes_hands(log: SharedLog) -> Outcome {
    must_append(&*log, events(company(1), 0, 1).taking(company(1), number(1))).await?;
    let batch = [
        events(company(1), 1, 1).releasing(company(1), number(1)),
        events(company(2), 0, 1).taking(company(2), number(1)),
        events(company(3), 0, 1).taking(company(3), number(1)),
    ];
    let [released, taken, late] = append(&*log, batch).await?;
    appended(&released);
    appended(&taken);
    assert_eq!(late, Verdict::Refused(CommitRefusal::ClaimsTaken(vec![number(1)])));
    assert_eq!(log.holders(&[number(1)]).await?, [Some(company(2))]);
    assert_eq!(log.claim_count().await?, 1);

    // Back to where it was is no change at all, and no error.
    let batch = [
        draft().releasing(company(2), number(1)).taking(company(1), number(1)),
        draft().releasing(company(1), number(1)).taking(company(2), number(1)),
    ];
    let [away, back] = append(&*log, batch).await?;
    appended(&away);
    appended(&back);
    assert_eq!(log.holders(&[number(1)]).await?, [Some(company(2))]);
    Ok(())
}

/// A release and a take in one commit.
pub async fn a_claim_moves_within_one_commit(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 1).taking(order(1), number(1))).await?;
    let handed = events(company(1), 0, 1).releasing(order(1), number(1)).taking(company(1), number(1));
    must_append(&*log, handed).await?;
    assert_eq!(log.holders(&[number(1)]).await?, [Some(company(1))]);

    let renewed = draft().releasing(company(1), number(1)).taking(company(1), number(1));
    must_append(&*log, renewed).await?;
    assert_eq!(log.claims(None, 10).await?, [(number(1), company(1))]);
    Ok(())
}

/// A take and a release leave nothing.
pub async fn a_claim_taken_and_released_in_one_batch_is_free(log: SharedLog) -> Outcome {
    let batch = [
        events(order(1), 0, 1).taking(order(1), number(1)),
        events(order(1), 1, 1).releasing(order(1), number(1)),
        events(order(2), 0, 1).taking(order(2), number(2)).releasing(order(2), number(2)),
    ];
    for verdict in append(&*log, batch).await? {
        appended(&verdict);
    }
    assert_eq!(log.claim_count().await?, 0);
    must_append(&*log, draft().taking(order(3), number(1)).taking(order(3), number(2))).await?;
    assert_eq!(log.claim_count().await?, 2);
    Ok(())
}

/// A release by anybody else is refused, and of what nobody holds too.
pub async fn only_the_holder_releases_a_claim(log: SharedLog) -> Outcome {
    must_append(&*log, events(company(1), 0, 1).taking(company(1), number(1))).await?;
    let before = picture(&log).await?;
    let batch = [
        events(company(2), 0, 1).releasing(company(2), number(1)),
        events(company(2), 0, 1).releasing(company(2), number(2)),
        events(company(1), 1, 1).releasing(company(1), number(1)).releasing(company(1), number(1)),
    ];
    let [foreign, free, twice] = append(&*log, batch).await?;
    let not_held = |claim, holder| Verdict::Refused(CommitRefusal::NotHeld { claim, holder });
    assert_eq!(foreign, not_held(number(1), company(2)));
    assert_eq!(free, not_held(number(2), company(2)));
    assert_eq!(twice, not_held(number(1), company(1)));
    assert_eq!(picture(&log).await?, before);
    Ok(())
}

/// One claim taken, nothing of the commit appended.
pub async fn a_refused_claim_refuses_every_stream_of_its_commit(log: SharedLog) -> Outcome {
    must_append(&*log, events(order(1), 0, 1).taking(order(1), number(5))).await?;
    let before = picture(&log).await?;
    let wide = events(order(2), 0, 2)
        .and_events(company(2), 0, 2)
        .taking(company(2), number(4))
        .taking(company(2), number(5))
        .taking(order(2), number(6))
        .making("com_2");
    let [refused] = append(&*log, [wide]).await?;
    assert_eq!(refused, Verdict::Refused(CommitRefusal::ClaimsTaken(vec![number(5)])));
    assert_eq!(picture(&log).await?, before);
    assert_eq!(log.data_key("com_2").await?, None);
    Ok(())
}

/// Claims page by page, by the word of their scope and their key.
pub async fn claims_are_listed_in_order_and_counted(log: SharedLog) -> Outcome {
    let mut wanted: Vec<Claim> = (0..8).map(number).collect();
    wanted.push(Claim::platform(ClaimScope::CompanyName, "zoe ltd"));
    wanted.push(Claim::platform(ClaimScope::CompanyName, "Zoë Ltd"));
    wanted.push(Claim::within(ClaimScope::Username, "com_1", "ada"));
    let mut taking = events(company(1), 0, 1);
    for claim in &wanted {
        taking = taking.taking(company(1), claim.clone());
    }
    must_append(&*log, taking).await?;

    wanted.sort_by_key(|claim| (claim.scope.to_string(), claim.key.clone()));
    let mut listed: Vec<Claim> = Vec::new();
    loop {
        let page = log.claims(listed.last(), 3).await?;
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|(claim, _)| claim));
        assert!(listed.len() <= wanted.len(), "a claim was listed twice");
    }
    assert_eq!(listed, wanted);
    assert_eq!(log.claim_count().await?, wanted.len() as u64);
    Ok(())
}
