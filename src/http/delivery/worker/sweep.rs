//! What is no longer needed: rows that are old, or too many, or of webhooks that are no more.

use chrono::TimeDelta;
use orderwire_domain::views::table::Record as _;

use super::Worker;
use crate::{
    edge::deliveries::{Delivery, Place},
    engine::{Error, log::RowChange},
    http::delivery::ledger,
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
        let old = now - KEPT_FOR;
        let mut swept = Vec::new();
        for (id, endpoint) in &mut self.endpoints {
            let excess = endpoint.kept.saturating_sub(KEPT_MAX);
            if !due && excess < SWEPT_AT_ONCE as u64 {
                continue;
            }
            let before = (excess == 0).then_some(old);
            let found = ledger::ended(self.engine.log(), *id, before, SWEPT_AT_ONCE).await?;
            let done_to = endpoint.window.done_to();
            // What arrived beyond its place says so to whoever goes on from there.
            let found: Vec<_> = found.into_iter().filter(|it| it.again || it.sequence <= done_to).collect();
            endpoint.kept = endpoint.kept.saturating_sub(found.len() as u64);
            swept.extend(found.iter().map(|it| RowChange::Delete(Delivery::TABLE, it.key())));
        }
        if let Some(id) = self.leaving.first().copied() {
            let mut found = ledger::ended(self.engine.log(), id, None, SWEPT_AT_ONCE).await?;
            found.extend(ledger::waiting(self.engine.log(), id, None).await?);
            if found.is_empty() {
                self.leaving.remove(&id);
                swept.push(RowChange::Delete(Place::TABLE, id.to_string()));
            }
            swept.extend(found.iter().map(|it| RowChange::Delete(Delivery::TABLE, it.key())));
        }
        if !swept.is_empty() {
            self.changes.extend(swept);
            self.flush().await?;
        }
        Ok(())
    }
}
