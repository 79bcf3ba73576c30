//! The contract goes red: for each rule a store that breaks just this one, and the promise that shows it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use orderwire::{
    domain::{
        claim::{Claim, ClaimAction},
        ids::StreamId,
        views::table::{Row, Table, Value},
    },
    engine::leaf::Hash,
    engine::log::{
        Commit, CommitRefusal, Fence, Filter, Head, Lease, Log, Position, ReaderCommit, RowChange, Select,
        Sequence, SharedLog, Snapshot, Standing, StoreError, StoredEvent, StoredRecord, StreamLoad, Swap,
        Sweep, Take, Verdict, WrappedKey,
    },
    stores::{conformance, memory::MemoryLog},
};

/// A rule, broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Defect {
    None,
    IgnoresReads,
    ForgetsWhatItRestsOn,
    IgnoresSequences,
    ForgetsReleases,
    AnybodyReleases,
    ForgetsRecords,
    RecordsNeverExpire,
    StopsAtTheFirstRefusal,
    ForgetsKeys,
    DestroysNoKeyAgain,
    LeavesAGap,
    SkipsALeaf,
    SetsTimeBack,
    ReordersText,
    ForgetsTheTail,
    UsesAnySnapshot,
    KeepsAnyOldSnapshot,
    IgnoresTheCheckpoint,
    ForgetsTheCheckpoint,
    AppliesHalfAPage,
    ResetsNoRows,
    IgnoresFilters,
    NullsLast,
    SkipsTies,
    SettlesTwice,
    ForgetsOtherStreams,
    ForgetsClaims,
    NamesPositionsAhead,
    MixesKeys,
    IgnoresFencesOfCommits,
    IgnoresFencesOfPages,
    IgnoresFencesOfRows,
    GivesALeaseToAnybody,
    NeverCountsTheToken,
    CountsEachRenewal,
    SwapsNothing,
}

const PLANTED: &[(Defect, &str)] = &[
    (Defect::IgnoresReads, "a_stream_that_was_only_read_refuses_the_commit_when_it_moved"),
    (Defect::ForgetsWhatItRestsOn, "a_commit_that_rests_on_a_refused_one_is_refused_with_it"),
    (Defect::IgnoresSequences, "a_written_stream_that_moved_refuses_the_commit"),
    (Defect::ForgetsReleases, "a_claim_released_and_taken_again_in_one_batch_changes_hands"),
    (Defect::AnybodyReleases, "only_the_holder_releases_a_claim"),
    (Defect::ForgetsRecords, "a_retry_is_answered_with_the_first_positions"),
    (Defect::RecordsNeverExpire, "an_expired_record_is_as_if_it_never_was"),
    (Defect::StopsAtTheFirstRefusal, "a_refused_commit_leaves_the_rest_of_its_batch_alone"),
    (Defect::ForgetsKeys, "a_data_key_is_made_and_destroyed_with_its_events"),
    (Defect::DestroysNoKeyAgain, "keys_come_back_where_they_are_missing_and_are_destroyed_again"),
    (Defect::LeavesAGap, "positions_have_no_gap_under_many_writers"),
    (Defect::SkipsALeaf, "pages_and_streams_come_in_order_and_bounded"),
    (Defect::SetsTimeBack, "time_never_runs_backwards_along_the_log"),
    (Defect::ReordersText, "leaves_and_frontier_follow_from_the_stored_text"),
    (Defect::ForgetsTheTail, "a_load_is_a_snapshot_and_every_event_after_it"),
    (Defect::UsesAnySnapshot, "a_snapshot_of_another_fingerprint_is_not_used"),
    (Defect::KeepsAnyOldSnapshot, "an_older_snapshot_never_replaces_a_later_one"),
    (Defect::IgnoresTheCheckpoint, "a_page_from_another_checkpoint_changes_nothing"),
    (Defect::IgnoresTheCheckpoint, "a_page_is_applied_once_when_two_try"),
    (Defect::ForgetsTheCheckpoint, "a_page_is_applied_with_its_checkpoint"),
    (Defect::AppliesHalfAPage, "a_page_that_cannot_be_applied_leaves_the_checkpoint"),
    (Defect::ResetsNoRows, "a_reset_removes_the_rows_of_its_tables_only"),
    (Defect::IgnoresFilters, "filters_compare_as_values_do"),
    (Defect::NullsLast, "rows_come_in_order_both_ways"),
    (Defect::SkipsTies, "pages_of_a_select_hold_every_row_once"),
    (Defect::SettlesTwice, "a_setting_keeps_its_first_value"),
    (Defect::ForgetsOtherStreams, "a_commit_appends_to_several_streams_at_once"),
    (Defect::ForgetsClaims, "a_claim_is_held_once"),
    (Defect::ForgetsClaims, "a_refused_claim_refuses_every_stream_of_its_commit"),
    (Defect::ForgetsClaims, "claims_are_listed_in_order_and_counted"),
    (Defect::NamesPositionsAhead, "an_empty_batch_changes_nothing"),
    (Defect::MixesKeys, "rows_are_found_by_key_and_by_parent"),
    (Defect::IgnoresFencesOfCommits, "a_commit_under_a_lost_lease_is_refused_alone"),
    (Defect::IgnoresFencesOfPages, "a_page_under_a_lost_lease_changes_nothing"),
    (Defect::IgnoresFencesOfRows, "a_page_under_a_lost_lease_changes_nothing"),
    (Defect::GivesALeaseToAnybody, "a_lease_is_one_owners_at_a_time"),
    (Defect::NeverCountsTheToken, "a_token_grows_at_each_change_of_hands"),
    (Defect::CountsEachRenewal, "a_lease_is_renewed_under_its_token"),
    (Defect::SwapsNothing, "tables_built_beside_take_the_place_of_others"),
];

#[tokio::test]
async fn every_planted_defect_breaks_its_promise() {
    let sound = conformance::broken_promises(async || planted(Defect::None)).await;
    assert_eq!(sound, [""; 0], "without a defect the same wrapper keeps every promise");
    let mut seen_broken = BTreeSet::new();
    for (defect, promise) in PLANTED {
        let broken = conformance::broken_promises(async || planted(*defect)).await;
        assert!(broken.contains(promise), "{defect:?} should break {promise}, it broke {broken:?}");
        seen_broken.extend(broken);
    }
    let promises: BTreeSet<&str> = conformance::CASES.iter().map(|case| case.name).collect();
    assert_eq!(promises, seen_broken, "there is no promise that nothing breaks");
}

/// An empty store that breaks one rule.
pub fn planted(defect: Defect) -> SharedLog {
    Arc::new(Planted { log: MemoryLog::new(), aside: MemoryLog::new(), defect })
}

/// A sound store behind a wrapper that breaks one rule.
struct Planted {
    log: MemoryLog,
    /// Where snapshots and settings go that the sound store would not keep.
    aside: MemoryLog,
    defect: Defect,
}

impl Planted {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// The commit as the defect lets the store see it.
    async fn altered(&self, commit: &Commit) -> Result<Commit, StoreError> {
        let mut commit = commit.clone();
        match self.defect {
            Defect::IgnoresReads => commit.reads.clear(),
            Defect::ForgetsWhatItRestsOn => commit.rests_on.clear(),
            Defect::IgnoresSequences => {
                for append in &mut commit.appends {
                    append.after = self.log.stream(append.stream, 0, usize::MAX).await?.len() as u64;
                }
            }
            Defect::ForgetsReleases => commit.claims.retain(|change| change.action == ClaimAction::Take),
            Defect::AnybodyReleases => {
                for change in &mut commit.claims {
                    let holder = self.log.holders(std::slice::from_ref(&change.claim)).await?[0];
                    if let (ClaimAction::Release, Some(holder)) = (change.action, holder) {
                        change.holder = holder;
                    }
                }
            }
            Defect::ForgetsRecords => commit.record = None,
            Defect::RecordsNeverExpire => {
                if let Some(record) = &mut commit.record {
                    record.expires_at_us = None;
                }
            }
            Defect::ForgetsKeys => commit.keys.clear(),
            Defect::ForgetsOtherStreams => commit.appends.truncate(1),
            Defect::ForgetsClaims => commit.claims.clear(),
            Defect::IgnoresFencesOfCommits => commit.fence = None,
            _ => {}
        }
        Ok(commit)
    }

    /// The events as the defect shows them.
    fn shown(&self, mut events: Vec<StoredEvent>) -> Vec<StoredEvent> {
        for event in &mut events {
            match self.defect {
                Defect::LeavesAGap if event.position > 3 => event.position += 1,
                Defect::SetsTimeBack => event.recorded_at_us -= i64::from(event.position == 2),
                Defect::ReordersText => {
                    event.payload =
                        serde_json::from_str::<serde_json::Value>(&event.payload).unwrap().to_string();
                }
                _ => {}
            }
        }
        events
    }
}

#[async_trait]
impl Log for Planted {
    async fn append(&self, batch: &[Arc<Commit>], now_us: i64) -> Result<Vec<Verdict>, StoreError> {
        let mut altered = Vec::new();
        for commit in batch {
            altered.push(Arc::new(self.altered(commit).await?));
        }
        if !self.is(Defect::StopsAtTheFirstRefusal) {
            let mut verdicts = self.log.append(&altered, now_us).await?;
            for verdict in &mut verdicts {
                if let (true, Verdict::Appended(appended)) = (self.is(Defect::NamesPositionsAhead), verdict) {
                    appended.first += 1;
                }
            }
            return Ok(verdicts);
        }
        let mut verdicts: Vec<Verdict> = Vec::new();
        for commit in altered {
            if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Refused(_))) {
                verdicts.push(Verdict::Refused(CommitRefusal::Unforeseen("one was refused".into())));
            } else {
                verdicts.extend(self.log.append(&[commit], now_us).await?);
            }
        }
        Ok(verdicts)
    }

    async fn load(&self, streams: &[(StreamId, &str)]) -> Result<Vec<StreamLoad>, StoreError> {
        let streams: Vec<(StreamId, &str)> = match self.defect {
            Defect::UsesAnySnapshot => streams.iter().map(|(stream, _)| (*stream, "v1")).collect(),
            _ => streams.to_vec(),
        };
        let mut loads = self.log.load(&streams).await?;
        if self.is(Defect::KeepsAnyOldSnapshot) {
            for (load, kept) in loads.iter_mut().zip(self.aside.load(&streams).await?) {
                load.snapshot = kept.snapshot;
            }
        }
        if self.is(Defect::ForgetsTheTail) {
            for load in &mut loads {
                load.events.truncate(load.events.len().saturating_sub(1));
            }
        }
        Ok(loads)
    }

    async fn page(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let after = if self.is(Defect::LeavesAGap) && after > 4 { after - 1 } else { after };
        Ok(self.shown(self.log.page(after, limit).await?))
    }

    async fn leaves(&self, after: Position, limit: usize) -> Result<Vec<Hash>, StoreError> {
        let after = if self.is(Defect::SkipsALeaf) && after > 0 { after + 1 } else { after };
        self.log.leaves(after, limit).await
    }

    async fn keep_snapshots(&self, snapshots: &[Snapshot]) -> Result<(), StoreError> {
        if self.is(Defect::KeepsAnyOldSnapshot) {
            let as_if_later =
                snapshots.iter().map(|snapshot| Snapshot { sequence: u64::MAX, ..snapshot.clone() });
            self.aside.keep_snapshots(&as_if_later.collect::<Vec<_>>()).await?;
        }
        self.log.keep_snapshots(snapshots).await
    }

    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        if self.is(Defect::SettlesTwice) { Ok(value.to_owned()) } else { self.log.settle(name, value).await }
    }

    async fn apply(&self, commit: &ReaderCommit) -> Result<(), StoreError> {
        let mut commit = commit.clone();
        match self.defect {
            Defect::IgnoresTheCheckpoint => commit.after = self.log.checkpoint(&commit.reader).await?,
            Defect::ForgetsTheCheckpoint => commit.to = commit.after,
            Defect::AppliesHalfAPage => self.change_rows(&commit.changes, None).await?,
            Defect::IgnoresFencesOfPages => commit.fence = None,
            _ => {}
        }
        self.log.apply(&commit).await
    }

    async fn change_rows(&self, changes: &[RowChange], fence: Option<&Fence>) -> Result<(), StoreError> {
        if self.is(Defect::AppliesHalfAPage) {
            for change in changes {
                self.log.change_rows(std::slice::from_ref(change), fence).await?;
            }
            return Ok(());
        }
        self.log.change_rows(changes, fence.filter(|_| !self.is(Defect::IgnoresFencesOfRows))).await
    }

    async fn swap(&self, swap: &Swap) -> Result<(), StoreError> {
        if self.is(Defect::SwapsNothing) { Ok(()) } else { self.log.swap(swap).await }
    }

    async fn drop_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        self.log.drop_tables(tables).await
    }

    async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        ttl: Duration,
        take: Take,
    ) -> Result<Option<Lease>, StoreError> {
        let take = if self.is(Defect::GivesALeaseToAnybody) { Take::FromAnybody } else { take };
        if self.is(Defect::CountsEachRenewal) {
            self.log.give_back(owner, &[name.to_owned()]).await?;
        }
        let lease = self.log.take_lease(name, owner, ttl, take).await?;
        Ok(lease.map(|lease| match self.defect {
            Defect::NeverCountsTheToken => Lease { token: 1, ..lease },
            _ => lease,
        }))
    }

    async fn give_back(&self, owner: &str, names: &[String]) -> Result<(), StoreError> {
        self.log.give_back(owner, names).await
    }

    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        self.log.standings().await
    }

    async fn reset(&self, reader: &str, tables: &[&'static Table]) -> Result<(), StoreError> {
        let tables = if self.is(Defect::ResetsNoRows) { &[] } else { tables };
        self.log.reset(reader, tables).await
    }

    async fn select(&self, select: &Select) -> Result<Vec<Row>, StoreError> {
        let mut select = select.clone();
        match self.defect {
            Defect::IgnoresFilters => select.filters.clear(),
            Defect::SkipsTies => {
                if let Some((_, key)) = &mut select.after {
                    *key = if select.descending { String::new() } else { "\u{10ffff}".into() };
                }
            }
            _ => {}
        }
        let mut rows = self.log.select(&select).await?;
        if self.is(Defect::NullsLast) {
            rows.sort_by_key(|row| row.columns.contains(&Value::Null));
        }
        Ok(rows)
    }

    async fn count(&self, table: &'static Table, filters: &[Filter]) -> Result<u64, StoreError> {
        self.log.count(table, filters).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.log.head().await
    }

    async fn stream(
        &self,
        of: StreamId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.log.stream(of, after, limit).await
    }

    async fn holders(&self, claims: &[Claim]) -> Result<Vec<Option<StreamId>>, StoreError> {
        self.log.holders(claims).await
    }

    async fn claims(
        &self,
        after: Option<&Claim>,
        limit: usize,
    ) -> Result<Vec<(Claim, StreamId)>, StoreError> {
        self.log.claims(after, limit).await
    }

    async fn claim_count(&self) -> Result<u64, StoreError> {
        self.log.claim_count().await
    }

    async fn record(&self, owner: &str, key: &str, now_us: i64) -> Result<Option<StoredRecord>, StoreError> {
        self.log.record(owner, key, now_us).await
    }

    async fn forget_records(&self, now_us: i64) -> Result<u64, StoreError> {
        self.log.forget_records(now_us).await
    }

    async fn data_key(&self, key_id: &str) -> Result<Option<WrappedKey>, StoreError> {
        self.log.data_key(key_id).await
    }

    async fn data_keys(&self, after: &str, limit: usize) -> Result<Vec<WrappedKey>, StoreError> {
        self.log.data_keys(after, limit).await
    }

    async fn restore_keys(&self, keys: &[WrappedKey]) -> Result<u64, StoreError> {
        self.log.restore_keys(keys).await
    }

    async fn destroy_keys(&self, ids: &[String]) -> Result<u64, StoreError> {
        if self.is(Defect::DestroysNoKeyAgain) { Ok(0) } else { self.log.destroy_keys(ids).await }
    }

    async fn sweep(&self, sweep: Sweep) -> Result<(), StoreError> {
        self.log.sweep(sweep).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.log.setting(name).await
    }

    async fn create_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        self.log.create_tables(tables).await
    }

    async fn checkpoint(&self, reader: &str) -> Result<Position, StoreError> {
        self.log.checkpoint(reader).await
    }

    async fn rows(&self, table: &'static Table, keys: &[String]) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.log.rows(table, keys).await?;
        if self.is(Defect::MixesKeys) {
            rows.reverse();
        }
        Ok(rows)
    }

    async fn children(&self, table: &'static Table, parents: &[String]) -> Result<Vec<Row>, StoreError> {
        self.log.children(table, parents).await
    }

    async fn close(&self) {}
}
