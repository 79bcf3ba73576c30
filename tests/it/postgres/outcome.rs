//! Answers that never came: whatever happens to a connection, a commit is appended exactly once and answered rightly.

use orderwire::domain::claim::ClaimChange;

use super::{
    proxy::{Fault, Proxy, Way},
    *,
};

/// More than any append sends or is sent.
const MESSAGES_MAX: usize = 24;

/// A batch that writes a little of everything, on streams nobody else uses.
fn batch(round: usize) -> Vec<Commit> {
    let stream = order(1_000 + round as u128);
    let mut first = events(stream, 0, 2);
    first.claims.push(ClaimChange::take(stream, number(round)));
    first.record = Some(record(&format!("round {round}")));
    vec![first, events(stream, 2, 1)]
}

/// Cuts the wire at every message there is, on both paths, in both directions.
#[tokio::test(flavor = "multi_thread")]
async fn a_wire_cut_at_any_message_neither_loses_nor_repeats_a_commit() {
    on_a_database(async |database: Database| {
        let proxy = Proxy::to(database.options.get_port());
        let direct = database.open().await;
        let log = PostgresLog::open(&database.url_through(proxy.port), Migrate::No).await.unwrap();
        let (mut round, mut head) = (0, 0);
        for way in [Way::Request, Way::Answer] {
            for alone in [true, false] {
                for left in 0..MESSAGES_MAX {
                    round += 1;
                    // The store knows the head from this append, unless another process moves it.
                    assert_appended(&append(&log, vec![events(order(1), round as u64 - 1, 1)]).await);
                    head += 1;
                    if !alone {
                        let others = order(10_000 + round as u128);
                        assert_appended(&append(&direct, vec![events(others, 0, 1)]).await);
                        head += 1;
                    }
                    proxy.arm(way, left, Fault::Cut);
                    let verdicts = append(&log, batch(round)).await;
                    let blown = proxy.has_blown();
                    assert_appended(&verdicts);
                    let Verdict::Appended(first) = &verdicts[0] else { unreachable!("asserted") };
                    assert_eq!((first.first, first.count), (head + 1, 2), "{way:?} {alone} {left}");
                    head += 3;
                    assert_eq!(direct.head().await.unwrap().position, head, "{way:?} {alone} {left}");
                    if !blown {
                        break;
                    }
                    assert_ne!(left, MESSAGES_MAX - 1, "the sweep reaches the last message");
                }
            }
        }
        let all = direct.page(0, 10_000).await.unwrap();
        assert!((1..).zip(&all).all(|(position, event)| event.position == position));
        assert_eq!(direct.claim_count().await.unwrap(), round as u64);
        log.close().await;
        direct.close().await;
    })
    .await;
}

/// The server ends the session while the statement waits for the head.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_terminated_in_mid_append_is_replaced() {
    on_a_database(async |database: Database| {
        let log = Arc::new(database.open().await);
        assert_appended(&append(&log, batch(1)).await);
        let mut admin = database.connect().await;
        let mut holder = database.connect().await;
        holder.execute("BEGIN; SELECT FROM log_head FOR UPDATE").await.unwrap();

        let appending = tokio::spawn({
            let log = log.clone();
            async move { append(&log, batch(2)).await }
        });
        let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                         WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let ended = async {
            while admin.fetch_all(terminate).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(4), ended)
            .await
            .expect("the append waits for us");
        holder.execute("COMMIT").await.unwrap();

        assert_appended(&appending.await.unwrap());
        assert_eq!(log.head().await.unwrap().position, 6);
        log.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_store_whose_every_connection_died_goes_on() {
    on_a_database(async |database: Database| {
        let log = database.open().await;
        let mut admin = database.connect().await;
        for round in 1..=3 {
            assert_appended(&append(&log, batch(round)).await);
            assert_eq!(log.head().await.unwrap().position, 3 * round as u64);
            let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                             WHERE datname = current_database() AND pid <> pg_backend_pid()";
            assert!(!admin.fetch_all(terminate).await.unwrap().is_empty());
        }
        assert_eq!(log.page(0, 100).await.unwrap().len(), 9);
        log.close().await;
    })
    .await;
}

/// A process that holds the head and is heard of no more: the server ends its turn, and another process goes on. When
/// it comes back it finds that its batch was not appended, and appends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_process_does_not_hold_the_head() {
    on_a_database(async |database: Database| {
        let proxy = Proxy::to(database.options.get_port());
        let other = database.open().await;
        let log =
            Arc::new(PostgresLog::open(&database.url_through(proxy.port), Migrate::No).await.unwrap());
        // A first append takes the checked path: BEGIN, the head, and then what it asks next is never heard.
        proxy.arm(Way::Request, 2, Fault::Freeze);
        let frozen = tokio::spawn({
            let log = log.clone();
            async move { append(&log, batch(1)).await }
        });
        let held = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
        let mut admin = database.connect().await;
        while admin.fetch_all(held).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }

        assert_appended(&append(&other, vec![events(order(1), 0, 1)]).await);
        assert!(!frozen.is_finished(), "the other process went on while this one was frozen");
        assert_appended(&frozen.await.unwrap());
        assert!(proxy.has_blown());
        assert_eq!(other.head().await.unwrap().position, 4);
        log.close().await;
        other.close().await;
    })
    .await;
}
