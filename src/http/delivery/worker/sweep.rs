//! What is no longer needed: rows that are old, or too many, or of webhooks that are no more.
//!
//! What is looked at is written first: a row that has ended as it is stored may wait by now, and to remove it then would be to
//! lose a notice. Rows are counted only where there is reason to think that they are too many, and what could not be removed
//! is asked for again a minute later, so no webhook keeps the worker from others.

use chrono::{DateTime, TimeDelta, Utc};
use orderwire_domain::{ids::WebhookId, views::table::Record as _};

use super::Worker;
use crate::{
    edge::deliveries::Delivery,
    engine::{Error, log::RowChange},
    http::delivery::{endpoint::Endpoint, ledger},
};

/// How often one that has too many rows is looked at, but for those that have far too many.
const EVERY: TimeDelta = TimeDelta::minutes(1);
/// How often old rows of one are looked for.
const OLD_EVERY: TimeDelta = TimeDelta::hours(1);
/// How long a row of what has arrived is kept.
const KEPT_FOR: TimeDelta = TimeDelta::days(7);
/// Rows that are kept for one webhook.
const KEPT_MAX: u64 = 10_000;
/// Rows that are removed at once.
const SWEPT_AT_ONCE: usize = 1_000;

impl Worker {
    /// Removes rows that are old, or too many, or of webhooks that are no more.
    pub(super) async fn sweep(&mut self) -> Result<(), Error> {
        let now = self.engine.now();
        let due = now >= self.sweep_at;
        if due {
            self.sweep_at = now + EVERY;
        }
        let most = if due { KEPT_MAX + 1 } else { KEPT_MAX + SWEPT_AT_ONCE as u64 };
        let is_full = |it: &Endpoint| it.kept >= most && now >= it.sweeps.many_at;
        let full = self.endpoints.iter().filter(|(_, endpoint)| is_full(endpoint));
        let full: Vec<WebhookId> = full.map(|(id, _)| *id).collect();
        let old = self.endpoints.iter().find(|(_, endpoint)| now >= endpoint.sweeps.old_at);
        let old = old.map(|(id, _)| *id);
        if full.is_empty() && old.is_none() && self.leaving.is_empty() {
            return Ok(());
        }
        self.flush().await?;
        for id in full {
            let swept = self.too_many_of(id, now).await;
            self.swept(id, swept)?;
        }
        if let Some(id) = old.filter(|id| self.endpoints.contains_key(id)) {
            let swept = self.old_of(id, now).await;
            self.swept(id, swept)?;
        }
        if let Some(id) = self.leaving.first().copied() {
            let swept = ledger::left(self.engine.log(), id, SWEPT_AT_ONCE).await;
            if self.swept(id, swept)? == 0 {
                self.leaving.remove(&id);
            }
        }
        self.flush().await
    }

    /// Takes in what is to be removed; how much that is.
    fn swept(&mut self, id: WebhookId, swept: Result<Vec<RowChange>, Error>) -> Result<usize, Error> {
        let swept = self.or_aside(id, swept)?.unwrap_or_default();
        let count = swept.len();
        self.changes.extend(swept);
        Ok(count)
    }

    /// What there is too much of a webhook, and not more than can be removed at once.
    async fn too_many_of(&mut self, id: WebhookId, now: DateTime<Utc>) -> Result<Vec<RowChange>, Error> {
        let endpoint = self.endpoints.get_mut(&id).expect("whoever asks has seen it");
        // What is sent once more has the row that it had, so what was counted may be too much.
        endpoint.kept = ledger::kept(self.engine.log(), id).await?;
        let excess = usize::try_from(endpoint.kept.saturating_sub(KEPT_MAX)).unwrap_or(usize::MAX);
        if excess == 0 {
            return Ok(Vec::new());
        }
        let found = ledger::ended(self.engine.log(), id, None, excess.min(SWEPT_AT_ONCE)).await?;
        let removed = removed(endpoint, &found);
        if removed.is_empty() {
            endpoint.sweeps.many_at = now + EVERY;
        }
        Ok(removed)
    }

    /// What of a webhook is old, and not more than can be removed at once.
    async fn old_of(&mut self, id: WebhookId, now: DateTime<Utc>) -> Result<Vec<RowChange>, Error> {
        let endpoint = self.endpoints.get_mut(&id).expect("whoever asks has seen it");
        let found = ledger::ended(self.engine.log(), id, Some(now - KEPT_FOR), SWEPT_AT_ONCE).await?;
        let removed = removed(endpoint, &found);
        if removed.len() < SWEPT_AT_ONCE {
            endpoint.sweeps.old_at = now + OLD_EVERY;
        }
        Ok(removed)
    }
}

/// Of what has ended, what may go: not what arrived beyond the place of the webhook, which says so to whoever goes on from there.
/// What belongs to a beginning before that says nothing to anybody.
fn removed(endpoint: &mut Endpoint, found: &[Delivery]) -> Vec<RowChange> {
    let (done_to, since) = (endpoint.window.done_to(), endpoint.view.after_since);
    let may_go = |it: &&Delivery| it.again || it.sequence <= done_to || it.since != since;
    let removed: Vec<_> = found.iter().filter(may_go).collect();
    endpoint.kept = endpoint.kept.saturating_sub(removed.len() as u64);
    removed.iter().map(|it| RowChange::Delete(Delivery::TABLE, it.key())).collect()
}
