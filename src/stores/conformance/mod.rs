//! What every store must keep, as cases that anybody can run against their own.
//!
//! Each case takes a log with nothing in it and returns when the log kept its promise; it panics where it did not, and
//! hands on an error of the store itself. Deliberately absent: how a store is made, damaged or killed.

pub mod appends;
pub mod claims;
mod fixture;
pub mod handles;
pub mod idempotency;
pub mod kept;
pub mod leases;
pub mod order;
pub mod readers;
pub mod selects;

use std::pin::Pin;

use crate::engine::log::{SharedLog, StoreError};

/// What a case answers: nothing, or the error that the store met.
pub type Outcome = Result<(), StoreError>;

/// A promise, by the name of the function that checks it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The promise in words.
    pub name: &'static str,
    /// Checks it on a log with nothing in it.
    pub run: fn(SharedLog) -> Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

macro_rules! cases {
    ($($module:ident { $($name:ident)* })*) => {
        &[$($(Case { name: stringify!($name), run: |log| Box::pin($module::$name(log)) },)*)*]
    };
}

/// Every promise that one handle to a log can show.
pub const CASES: &[Case] = cases! {
    appends {
        a_commit_appends_to_several_streams_at_once
        a_written_stream_that_moved_refuses_the_commit
        a_stream_that_was_only_read_refuses_the_commit_when_it_moved
        a_refused_commit_leaves_the_rest_of_its_batch_alone
        a_batch_sees_what_its_earlier_commits_appended
        a_commit_that_rests_on_a_refused_one_is_refused_with_it
        a_commit_the_store_cannot_take_is_refused_alone
        an_empty_batch_changes_nothing
    }
    claims {
        a_claim_is_held_once
        a_claim_released_and_taken_again_in_one_batch_changes_hands
        a_claim_moves_within_one_commit
        a_claim_taken_and_released_in_one_batch_is_free
        only_the_holder_releases_a_claim
        a_refused_claim_refuses_every_stream_of_its_commit
        claims_are_listed_in_order_and_counted
    }
    idempotency {
        a_retry_is_answered_with_the_first_positions
        a_retry_in_the_same_batch_is_answered_with_the_first_positions
        a_key_used_for_another_request_is_refused
        a_command_that_appended_nothing_is_remembered
        a_refused_commit_is_not_remembered
        an_expired_record_is_as_if_it_never_was
        only_expired_records_are_forgotten
    }
    order {
        positions_have_no_gap_under_many_writers
        time_never_runs_backwards_along_the_log
        leaves_and_frontier_follow_from_the_stored_text
        pages_and_streams_come_in_order_and_bounded
    }
    kept {
        a_load_is_a_snapshot_and_every_event_after_it
        a_snapshot_of_another_fingerprint_is_not_used
        an_older_snapshot_never_replaces_a_later_one
        a_data_key_is_made_and_destroyed_with_its_events
        keys_come_back_where_they_are_missing_and_are_destroyed_again
        a_setting_keeps_its_first_value
    }
    readers {
        a_page_is_applied_with_its_checkpoint
        a_page_from_another_checkpoint_changes_nothing
        a_page_that_cannot_be_applied_leaves_the_checkpoint
        a_page_is_applied_once_when_two_try
        rows_change_without_a_checkpoint
        a_reset_removes_the_rows_of_its_tables_only
    }
    leases {
        a_lease_is_one_owners_at_a_time
        a_lease_is_renewed_under_its_token
        a_token_grows_at_each_change_of_hands
        a_commit_under_a_lost_lease_is_refused_alone
        a_page_under_a_lost_lease_changes_nothing
        tables_built_beside_take_the_place_of_others
    }
    selects {
        rows_are_found_by_key_and_by_parent
        filters_compare_as_values_do
        a_null_matches_nothing
        rows_come_in_order_both_ways
        pages_of_a_select_hold_every_row_once
    }
};

/// Runs every case, each on a log that `make` makes with nothing in it, and panics with the names of the broken promises.
pub async fn run_all<Made: Future<Output = SharedLog>>(make: impl Fn() -> Made) {
    let broken = broken_promises(make).await;
    assert!(broken.is_empty(), "the store broke {} of {} promises: {broken:#?}", broken.len(), CASES.len());
}

/// Runs every case, each on a log that `make` makes with nothing in it, and answers the names of the broken promises.
pub async fn broken_promises<Made: Future<Output = SharedLog>>(make: impl Fn() -> Made) -> Vec<&'static str> {
    let mut broken = Vec::new();
    for case in CASES {
        let log = make().await;
        // In a task of its own, a panic of one case does not end the others.
        let outcome = tokio::spawn((case.run)(log.clone())).await;
        log.close().await;
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                eprintln!("{}: {error}", case.name);
                broken.push(case.name);
            }
            Err(_panic_was_printed) => broken.push(case.name),
        }
    }
    broken
}
