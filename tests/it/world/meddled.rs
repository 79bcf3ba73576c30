//! A store that something is done to on the way: what it is asked for is held up, changed or refused.
//!
//! Each method of [`Meddles`] is one place; a test says only what happens at the places it is about.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use orderwire::{
    domain::{
        claim::Claim,
        ids::StreamId,
        views::table::{Row, Table},
    },
    engine::{
        leaf::Hash,
        log::{
            Commit, Fence, Filter, Head, Lease, Log, Position, ReaderCommit, RowChange, Select, Sequence,
            SharedLog, Snapshot, Standing, StoreError, StoredEvent, StoredRecord, StreamLoad, Swap, Sweep,
            Take, Verdict, WrappedKey,
        },
    },
};

/// What is done on the way; nothing unless a test says so.
#[async_trait]
pub trait Meddles: Send + Sync + 'static {
    /// Before a batch is appended: a verdict is given to each of its commits instead.
    async fn append(&self, _batch: &[Arc<Commit>]) -> Result<Option<Verdict>, StoreError> {
        Ok(None)
    }

    /// After a stream was loaded.
    fn load(&self, _stream: StreamId, _load: &mut StreamLoad) -> Result<(), StoreError> {
        Ok(())
    }

    /// After a page of the log was read.
    fn page(&self, _page: &mut Vec<StoredEvent>) {}

    /// Whether a page of the log cannot be read.
    fn page_fails(&self, _after: Position) -> bool {
        false
    }

    /// After claims were listed.
    async fn claims(&self, _claims: &mut Vec<(Claim, StreamId)>) {}

    /// Before the head of the log is looked up.
    async fn head(&self) {}

    /// Before a look into a table.
    async fn select(&self, _select: &Select) {}

    /// After a look into a table.
    fn selected(&self, _select: &Select) {}

    /// Before a reader's page is applied.
    async fn apply(&self, _commit: &mut ReaderCommit) {}

    /// Whether a reader's page is not applied.
    fn apply_fails(&self, _commit: &ReaderCommit) -> bool {
        false
    }

    /// Before rows are changed without a page.
    fn change_rows(&self, _changes: &mut Vec<RowChange>) -> Result<(), StoreError> {
        Ok(())
    }

    /// After a reader's page was applied, or was not.
    fn applied(&self, _commit: &ReaderCommit, _outcome: &Result<(), StoreError>) {}

    /// After a batch was appended, commit by commit.
    fn appended(&self, _batch: &[Arc<Commit>], _verdicts: &[Verdict]) {}

    /// Before tables take the places of others.
    async fn swap(&self, _swap: &mut Swap) {}

    /// After tables took the places of others.
    fn swapped(&self, outcome: Result<(), StoreError>) -> Result<(), StoreError> {
        outcome
    }

    /// Before a lease is given back.
    fn give_back(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Before a lease is asked for.
    fn take_lease(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A sound store behind it.
pub struct Meddled<M> {
    pub log: SharedLog,
    pub meddler: M,
}

#[async_trait]
impl<M: Meddles> Meddles for Arc<M> {
    async fn append(&self, batch: &[Arc<Commit>]) -> Result<Option<Verdict>, StoreError> {
        (**self).append(batch).await
    }

    fn load(&self, stream: StreamId, load: &mut StreamLoad) -> Result<(), StoreError> {
        (**self).load(stream, load)
    }

    fn page(&self, page: &mut Vec<StoredEvent>) {
        (**self).page(page);
    }

    async fn claims(&self, claims: &mut Vec<(Claim, StreamId)>) {
        (**self).claims(claims).await;
    }

    async fn head(&self) {
        (**self).head().await;
    }

    async fn select(&self, select: &Select) {
        (**self).select(select).await;
    }

    fn selected(&self, select: &Select) {
        (**self).selected(select);
    }

    async fn apply(&self, commit: &mut ReaderCommit) {
        (**self).apply(commit).await;
    }

    fn apply_fails(&self, commit: &ReaderCommit) -> bool {
        (**self).apply_fails(commit)
    }

    fn change_rows(&self, changes: &mut Vec<RowChange>) -> Result<(), StoreError> {
        (**self).change_rows(changes)
    }

    fn applied(&self, commit: &ReaderCommit, outcome: &Result<(), StoreError>) {
        (**self).applied(commit, outcome);
    }

    fn appended(&self, batch: &[Arc<Commit>], verdicts: &[Verdict]) {
        (**self).appended(batch, verdicts);
    }

    async fn swap(&self, swap: &mut Swap) {
        (**self).swap(swap).await;
    }

    fn swapped(&self, outcome: Result<(), StoreError>) -> Result<(), StoreError> {
        (**self).swapped(outcome)
    }

    fn give_back(&self) -> Result<(), StoreError> {
        (**self).give_back()
    }

    fn take_lease(&self) -> Result<(), StoreError> {
        (**self).take_lease()
    }
}

#[async_trait]
impl<M: Meddles> Log for Meddled<M> {
    async fn append(&self, batch: &[Arc<Commit>], now_us: i64) -> Result<Vec<Verdict>, StoreError> {
        if let Some(verdict) = self.meddler.append(batch).await? {
            return Ok(vec![verdict; batch.len()]);
        }
        let verdicts = self.log.append(batch, now_us).await?;
        self.meddler.appended(batch, &verdicts);
        Ok(verdicts)
    }

    async fn load(&self, streams: &[(StreamId, &str)]) -> Result<Vec<StreamLoad>, StoreError> {
        let mut loads = self.log.load(streams).await?;
        for ((stream, _), load) in streams.iter().zip(&mut loads) {
            self.meddler.load(*stream, load)?;
        }
        Ok(loads)
    }

    async fn page(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        if self.meddler.page_fails(after) {
            return Err(StoreError::Unavailable("the disk is gone".to_owned()));
        }
        let mut page = self.log.page(after, limit).await?;
        self.meddler.page(&mut page);
        Ok(page)
    }

    async fn leaves(&self, after: Position, limit: usize) -> Result<Vec<Hash>, StoreError> {
        self.log.leaves(after, limit).await
    }

    async fn claims(
        &self,
        after: Option<&Claim>,
        limit: usize,
    ) -> Result<Vec<(Claim, StreamId)>, StoreError> {
        let mut claims = self.log.claims(after, limit).await?;
        self.meddler.claims(&mut claims).await;
        Ok(claims)
    }

    async fn select(&self, select: &Select) -> Result<Vec<Row>, StoreError> {
        self.meddler.select(select).await;
        let rows = self.log.select(select).await;
        self.meddler.selected(select);
        rows
    }

    async fn apply(&self, commit: &ReaderCommit) -> Result<(), StoreError> {
        let mut commit = commit.clone();
        self.meddler.apply(&mut commit).await;
        if self.meddler.apply_fails(&commit) {
            return Err(StoreError::Unavailable("the line was cut before the commit".to_owned()));
        }
        let outcome = self.log.apply(&commit).await;
        self.meddler.applied(&commit, &outcome);
        outcome
    }

    async fn change_rows(&self, changes: &[RowChange], fence: Option<&Fence>) -> Result<(), StoreError> {
        let mut changes = changes.to_vec();
        self.meddler.change_rows(&mut changes)?;
        self.log.change_rows(&changes, fence).await
    }

    async fn reset(&self, reader: &str, tables: &[&'static Table]) -> Result<(), StoreError> {
        self.log.reset(reader, tables).await
    }

    async fn swap(&self, swap: &Swap) -> Result<(), StoreError> {
        let mut swap = swap.clone();
        self.meddler.swap(&mut swap).await;
        self.meddler.swapped(self.log.swap(&swap).await)
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
        self.meddler.take_lease()?;
        self.log.take_lease(name, owner, ttl, take).await
    }

    async fn give_back(&self, owner: &str, names: &[String]) -> Result<(), StoreError> {
        self.meddler.give_back()?;
        self.log.give_back(owner, names).await
    }

    async fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        self.log.standings().await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.meddler.head().await;
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

    async fn keep_snapshots(&self, snapshots: &[Snapshot]) -> Result<(), StoreError> {
        self.log.keep_snapshots(snapshots).await
    }

    async fn holders(&self, claims: &[Claim]) -> Result<Vec<Option<StreamId>>, StoreError> {
        self.log.holders(claims).await
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
        self.log.destroy_keys(ids).await
    }

    async fn sweep(&self, sweep: Sweep) -> Result<(), StoreError> {
        self.log.sweep(sweep).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.log.setting(name).await
    }

    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        self.log.settle(name, value).await
    }

    async fn create_tables(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        self.log.create_tables(tables).await
    }

    async fn checkpoint(&self, reader: &str) -> Result<Position, StoreError> {
        self.log.checkpoint(reader).await
    }

    async fn rows(&self, table: &'static Table, keys: &[String]) -> Result<Vec<Row>, StoreError> {
        self.log.rows(table, keys).await
    }

    async fn children(&self, table: &'static Table, parents: &[String]) -> Result<Vec<Row>, StoreError> {
        self.log.children(table, parents).await
    }

    async fn count(&self, table: &'static Table, filters: &[Filter]) -> Result<u64, StoreError> {
        self.log.count(table, filters).await
    }

    async fn close(&self) {
        self.log.close().await;
    }
}
