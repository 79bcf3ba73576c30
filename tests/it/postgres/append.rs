//! The two ways to append, and when each is taken.

use orderwire::{
    domain::claim::ClaimChange,
    engine::log::{CommitRefusal, StoreError},
    stores::postgres::Paths,
};

use super::*;

#[tokio::test]
async fn the_fast_path_is_taken_when_alone_and_the_checked_path_when_another_moved_the_head() {
    on_a_database(async |database: Database| {
        let (one, other) = (database.open().await, database.open().await);
        for n in 0..4 {
            assert_appended(&append(&one, vec![events(order(1), n, 1)]).await);
        }
        assert_eq!(one.paths(), Paths { fast: 3, checked: 1 }, "the first append learns where the head is");

        assert_appended(&append(&other, vec![events(order(2), 0, 1)]).await);
        assert_appended(&append(&one, vec![events(order(1), 4, 1)]).await);
        assert_eq!(one.paths(), Paths { fast: 3, checked: 2 });
        assert_appended(&append(&one, vec![events(order(1), 5, 1)]).await);
        assert_eq!(one.paths(), Paths { fast: 4, checked: 2 });
        one.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_was_only_read_is_checked_on_both_paths() {
    on_a_database(async |database: Database| {
        let (one, other) = (database.open().await, database.open().await);
        let mut reading = events(order(1), 0, 1);
        reading.reads.push((order(2), 0));
        let moved =
            |actual| vec![Verdict::Refused(CommitRefusal::Moved { stream: order(2), seen: 0, actual })];

        // Moved by another process: the head is elsewhere, and the look under its lock finds out.
        assert_appended(&append(&one, vec![events(order(3), 0, 1)]).await);
        assert_appended(&append(&other, vec![events(order(2), 0, 1)]).await);
        assert_eq!(append(&one, vec![reading.clone()]).await, moved(1));

        // Moved by ourselves: the head is where we know it, and only the statement's own check finds out.
        assert_appended(&append(&one, vec![events(order(2), 1, 1)]).await);
        assert_eq!(append(&one, vec![reading.clone()]).await, moved(2));
        // A stream that is not as far as it was seen would leave a gap.
        let ahead = append(&one, vec![events(order(2), 5, 1)]).await;
        let gap = CommitRefusal::Moved { stream: order(2), seen: 5, actual: 2 };
        assert_eq!(ahead, [Verdict::Refused(gap)]);

        reading.reads[0].1 = 2;
        assert_appended(&append(&one, vec![reading]).await);
        one.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_claim_that_ends_as_it_began_is_checked_too() {
    on_a_database(async |database: Database| {
        let log = database.open().await;
        let with = |mut commit: Commit, claims: Vec<ClaimChange>| {
            commit.claims = claims;
            commit
        };
        let take = |n| ClaimChange::take(order(n), number(1));
        let release = |n| ClaimChange::release(order(n), number(1));
        assert_appended(&append(&log, vec![with(events(order(1), 0, 1), vec![take(1)])]).await);

        let batch =
            vec![with(events(order(2), 0, 1), vec![take(2)]), with(events(order(2), 1, 1), vec![release(2)])];
        let verdicts = append(&log, batch).await;
        assert_eq!(verdicts[0], Verdict::Refused(CommitRefusal::ClaimsTaken(vec![number(1)])));
        assert!(matches!(verdicts[1], Verdict::Refused(CommitRefusal::Moved { .. })), "{verdicts:?}");

        let back_again = vec![with(events(order(2), 0, 1), vec![release(2), take(2)])];
        let not_held = CommitRefusal::NotHeld { claim: number(1), holder: order(2) };
        assert_eq!(append(&log, back_again).await, [Verdict::Refused(not_held)]);
        assert_eq!(log.holders(&[number(1)]).await.unwrap(), [Some(order(1))]);
        log.close().await;
    })
    .await;
}

/// A claim may be changed by hand without the head moving; then the count of rows is what notices.
#[tokio::test]
async fn a_release_that_finds_nothing_undoes_the_whole_statement() {
    on_a_database(async |database: Database| {
        let log = database.open().await;
        let mut taking = events(order(1), 0, 1);
        taking.claims.push(ClaimChange::take(order(1), number(1)));
        assert_appended(&append(&log, vec![taking]).await);
        database.connect().await.execute("DELETE FROM claims").await.unwrap();

        let mut releasing = events(order(1), 1, 1);
        releasing.claims.push(ClaimChange::release(order(1), number(1)));
        releasing.record = Some(record("k"));
        let verdicts = append(&log, vec![releasing, events(order(2), 0, 1)]).await;
        assert!(matches!(verdicts[0], Verdict::Refused(CommitRefusal::NotHeld { .. })), "{verdicts:?}");
        assert_appended(&verdicts[1..]);
        assert_eq!(log.page(0, 10).await.unwrap().len(), 2);
        assert_eq!(log.record("rsl_test", "k", NOW_US).await.unwrap(), None);
        log.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_read_only_database_says_so() {
    on_a_database(async |database: Database| {
        let log = database.open().await;
        assert_appended(&append(&log, vec![events(order(1), 0, 1)]).await);
        let name = database.options.get_database().unwrap();
        let mut connection = database.connect().await;
        let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
        connection.execute(read_only.as_str()).await.unwrap();
        log.close().await;

        let log = PostgresLog::open(&database.url(), Migrate::No).await.unwrap();
        let error = log.append(&[Arc::new(events(order(1), 1, 1))], NOW_US).await.unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
        assert_eq!(log.page(0, 10).await.unwrap().len(), 1);
        log.close().await;
    })
    .await;
}

/// The server keeps the plan of a prepared statement, and this one is made while the tables are empty.
#[tokio::test]
async fn claims_are_found_by_their_keys_however_many_there_are() {
    const STREAMS: u16 = 1_000;
    on_a_database(async |database: Database| {
        let log = database.open().await;
        let with = |after, change: fn(StreamId, Claim) -> ClaimChange| {
            let commit = |n: u16| {
                let mut commit = events(order(n.into()), after, 1);
                commit.claims.push(change(order(n.into()), number(n.into())));
                commit.record = Some(record(&format!("{n} {after}")));
                commit
            };
            (0..STREAMS).map(commit).collect::<Vec<_>>()
        };
        for batch in [with(0, ClaimChange::take), with(1, ClaimChange::release)] {
            for few in batch.chunks(20) {
                assert_appended(&append(&log, few.to_vec()).await);
            }
        }
        assert_eq!(log.claim_count().await.unwrap(), 0);
        // The look-ups of a session are counted for all to see when it ends.
        log.close().await;

        let read = "SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes WHERE relname = 'claims'";
        let mut read_by_now = 0;
        let counted = async {
            while read_by_now < i64::from(STREAMS) {
                read_by_now = sqlx::query_scalar(read).fetch_one(&mut database.connect().await).await.unwrap();
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), counted).await.expect("counted at last");
        assert!(read_by_now < 10 * i64::from(STREAMS), "{read_by_now} entries read for {STREAMS} claims");
    })
    .await;
}

/// As many as a company may have: were each compared with every other, the server's limit would end it.
#[tokio::test]
async fn twenty_thousand_claims_change_hands_in_one_commit() {
    const NUMBERS: u128 = 20_000;
    on_a_database(async |database: Database| {
        let log = database.open().await;
        let claim = |n: u128| Claim::platform(ClaimScope::Number, format!("{n:05}"));
        let mut taking = events(order(1), 0, 1);
        taking.claims = (0..NUMBERS).map(|n| ClaimChange::take(order(1), claim(n))).collect();
        let mut handing_over = events(order(1), 1, 1);
        handing_over.appends.extend(events(order(2), 0, 1).appends);
        let hand_over = |n| [ClaimChange::release(order(1), claim(n)), ClaimChange::take(order(2), claim(n))];
        handing_over.claims = (0..NUMBERS).flat_map(hand_over).collect();

        assert_appended(&append(&log, vec![taking]).await);
        assert_appended(&append(&log, vec![handing_over]).await);
        assert_eq!(log.paths(), Paths { fast: 1, checked: 1 });
        assert_eq!(log.holders(&[claim(0), claim(19_999)]).await.unwrap(), [Some(order(2)); 2]);
        assert_eq!(log.claim_count().await.unwrap(), 20_000);
        log.close().await;
    })
    .await;
}
