//! What is no longer needed: rows that are old, or too many, or of webhooks that are no more.

use chrono::{DateTime, TimeDelta, Utc};
use orderwire_domain::{ids::WebhookId, views::table::Record as _};

use super::Worker;
use crate::{
    edge::deliveries::{Delivery, Place},
    engine::{Error, log::RowChange},
    http::delivery::{endpoint::Endpoint, ledger},
};

/// How often old rows are looked for.
const EVERY: TimeDelta = TimeDelta::minutes(1);
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
        let is_full = |endpoint: &Endpoint| endpoint.kept >= KEPT_MAX + SWEPT_AT_ONCE as u64;
        let swept = self.endpoints.iter().filter(|(_, endpoint)| due || is_full(endpoint));
        let ids: Vec<WebhookId> = swept.map(|(id, _)| *id).collect();
        for id in ids {
            let swept = self.too_much_of(id, now).await;
            let swept = self.or_aside(id, swept)?;
            self.changes.extend(swept.into_iter().flatten());
        }
        if let Some(id) = self.leaving.first().copied() {
            let swept = self.left_of(id).await;
            let swept = self.or_aside(id, swept)?.unwrap_or_default();
            if swept.is_empty() {
                self.leaving.remove(&id);
            }
            self.changes.extend(swept);
        }
        if !self.changes.is_empty() {
            self.flush().await?;
        }
        Ok(())
    }

    /// What there is too much of a webhook, and not more than can be removed at once.
    async fn too_much_of(&mut self, id: WebhookId, now: DateTime<Utc>) -> Result<Vec<RowChange>, Error> {
        let endpoint = self.endpoints.get_mut(&id).expect("whoever asks has seen it");
        // What is sent once more has the row that it had, so what was counted may be too much.
        endpoint.kept = ledger::kept(self.engine.log(), id).await?;
        let excess = endpoint.kept.saturating_sub(KEPT_MAX);
        let (before, limit) = match usize::try_from(excess).unwrap_or(usize::MAX) {
            0 => (Some(now - KEPT_FOR), SWEPT_AT_ONCE),
            excess => (None, excess.min(SWEPT_AT_ONCE)),
        };
        let found = ledger::ended(self.engine.log(), id, before, limit).await?;
        let done_to = endpoint.window.done_to();
        // What arrived beyond its place says so to whoever goes on from there.
        let found: Vec<_> = found.iter().filter(|it| it.again || it.sequence <= done_to).collect();
        endpoint.kept = endpoint.kept.saturating_sub(found.len() as u64);
        Ok(found.iter().map(|it| RowChange::Delete(Delivery::TABLE, it.key())).collect())
    }

    /// What there is of a webhook that is no more, and not more than can be removed at once; its place last, and then nothing.
    async fn left_of(&self, id: WebhookId) -> Result<Vec<RowChange>, Error> {
        let log = self.engine.log();
        let mut found = ledger::ended(log, id, None, SWEPT_AT_ONCE).await?;
        found.extend(ledger::waiting(log, id, None).await?);
        if found.is_empty() {
            let place = ledger::place(log, id).await?;
            return Ok(place.iter().map(|place| RowChange::Delete(Place::TABLE, place.key())).collect());
        }
        Ok(found.iter().map(|it| RowChange::Delete(Delivery::TABLE, it.key())).collect())
    }
}
