//! Webhooks of which something cannot be right, such as a row or a secret that cannot be read: they are set aside and tried
//! again, and others go on. Deliberately absent: a store that fails, which concerns all of them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use orderwire_domain::ids::WebhookId;

use super::Worker;
use crate::{
    engine::{Error, ErrorKind},
    http::delivery::ledger,
};

/// How long one is set aside.
const TRIED_AGAIN_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Those that are, each until when.
pub(super) type Aside = BTreeMap<WebhookId, DateTime<Utc>>;

impl Worker {
    /// What was done for a webhook; nothing where that is set aside now.
    pub(super) fn or_aside<T>(
        &mut self,
        id: WebhookId,
        outcome: Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                tracing::error!(webhook = %id, %error, "a webhook is delivered to no more for now: somebody must look");
                if let Some(mut endpoint) = self.endpoints.remove(&id) {
                    // What waits before something that has a row must have one too, now that nobody else knows of it.
                    endpoint.settle(&mut self.changes);
                }
                self.busy.remove(&id);
                self.leaving.remove(&id);
                self.aside.insert(id, self.engine.now() + TRIED_AGAIN_AFTER);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Begins again with those that were set aside for long enough.
    pub(super) async fn try_again(&mut self) -> Result<(), Error> {
        let now = self.engine.now();
        let due: Vec<WebhookId> =
            self.aside.iter().filter(|(_, until)| now >= **until).map(|(id, _)| *id).collect();
        for id in due {
            self.aside.remove(&id);
            let view = ledger::view(self.engine.log(), id).await;
            if let Some(Some(view)) = self.or_aside(id, view)? {
                self.changed(view).await?;
            }
        }
        Ok(())
    }
}
