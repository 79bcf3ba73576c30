//! Requests under way, and what follows from each: its row, and the end of a webhook that is there no more.

use std::{sync::Arc, time::Duration};

use aes_gcm::aead::{OsRng, rand_core::RngCore as _};
use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::{NoticeId, WebhookId},
    joint::Command,
    views::{notices::Notice, webhooks::WebhookView},
    webhook::commands::WebhookCommand,
};
use tokio::task::JoinError;

use super::{Worker, lost};
use crate::{
    engine::{Actor, Engine, Error, Provenance, log::Position, query},
    http::{
        condition::Condition,
        delivery::{
            endpoint::{self, Outcome, Turn},
            ledger,
            sender::{Answered, Message},
            window::Job,
        },
    },
};

/// A request that has ended.
pub(super) struct Landed {
    /// The webhook as it was then.
    seen: Seen,
    job: Job,
    sluggish: bool,
    /// Nothing where it could not be sent for a reason of ours.
    answered: Option<Answered>,
}

/// Of a webhook what decides whether something still concerns it.
#[derive(Clone, Copy)]
struct Seen {
    webhook: WebhookId,
    after_since: Position,
    active_since: DateTime<Utc>,
    position: Position,
}

impl From<&WebhookView> for Seen {
    fn from(view: &WebhookView) -> Self {
        let WebhookView { webhook, after_since, active_since, position, .. } = *view;
        Self { webhook, after_since, active_since, position }
    }
}

impl Worker {
    pub(super) fn fly(&mut self, view: &WebhookView, turn: Turn) {
        let (engine, sender, url) = (self.engine.clone(), Arc::clone(&self.sender), view.url.clone());
        let (seen, fence) = (Seen::from(view), self.fence.clone());
        self.sluggish += usize::from(turn.sluggish);
        self.flights.spawn(async move {
            let Turn { job, notice, body, signers, sluggish } = turn;
            let body = match body {
                Some(body) => Some(body),
                None => fetched(&engine, notice).await,
            };
            // This process may have been frozen since its turn came, and another may deliver by now.
            let answered = match body.filter(|_| engine.holds(&fence)) {
                None => None,
                Some(body) => {
                    let message = Message { id: notice.to_string(), body };
                    Some(sender.send(&url, &message, &signers).await)
                }
            };
            Landed { seen, job, sluggish, answered }
        });
    }

    pub(super) fn land_all(&mut self, landed: Result<Landed, JoinError>) -> Result<(), Error> {
        self.land(landed.map_err(|error| lost(&error))?);
        while let Some(landed) = self.flights.try_join_next() {
            self.land(landed.map_err(|error| lost(&error))?);
        }
        Ok(())
    }

    pub(super) fn land(&mut self, landed: Landed) {
        let Landed { seen, job, sluggish, answered } = landed;
        self.sluggish -= usize::from(sluggish);
        let (webhook, now) = (seen.webhook, self.engine.now());
        let endpoint = self.endpoints.get_mut(&webhook).filter(|it| it.view.after_since == seen.after_since);
        let Some(endpoint) = endpoint else { return };
        let Some(answered) = answered else {
            self.changes.extend(endpoint.not_sent(job, now));
            self.touched.insert(webhook);
            return;
        };
        measured(&answered);
        let Some((outcome, row)) = endpoint.landed(job, answered, seen.active_since, now, OsRng.next_u64())
        else {
            return;
        };
        self.changes.push(row);
        self.touched.insert(webhook);
        self.hungry.insert(webhook);
        let command = match (outcome, endpoint.trouble(job)) {
            (Outcome::Gone, _) => WebhookCommand::GiveUp,
            (Outcome::TooLong, Some((failing_since, last_status))) => {
                WebhookCommand::Stop { failing_since, last_status }
            }
            _ => return,
        };
        // Where something has happened to it since, the next attempt shows whether that is still so.
        if endpoint.view.position == seen.position && !std::mem::replace(&mut endpoint.ending, true) {
            self.end(seen, command);
        }
    }

    fn end(&mut self, Seen { webhook, position, .. }: Seen, command: WebhookCommand) {
        tracing::info!(%webhook, ?command, "a webhook is to be delivered to no more");
        let engine = self.engine.clone();
        self.endings.spawn(async move {
            let ended = async {
                // What failed is the webhook of then: if its owner has changed it meanwhile, that stands.
                let as_seen = Condition::OneOf(vec![position]).expected(&engine, webhook.into()).await?;
                let command = Command::Webhook { webhook, command };
                let by = Provenance::of(Actor::engine(ledger::WORKER));
                engine.execute_expecting(&command, &by, None, as_seen).await
            };
            (webhook, ended.await.map(|_| ()))
        });
    }

    pub(super) fn ended(
        &mut self,
        ended: Result<(WebhookId, Result<(), Error>), JoinError>,
    ) -> Result<(), Error> {
        let (webhook, outcome) = ended.map_err(|error| lost(&error))?;
        match outcome {
            // Somebody has changed, paused or deleted it meanwhile: its row will say so.
            Ok(()) | Err(Error::Refused(_) | Error::Precondition { .. }) => {}
            Err(error) => {
                tracing::warn!(%webhook, %error, "a webhook could not be stopped; it is tried again");
                if let Some(endpoint) = self.endpoints.get_mut(&webhook) {
                    endpoint.ending = false;
                }
            }
        }
        Ok(())
    }
}

async fn fetched(engine: &Engine, notice: NoticeId) -> Option<bytes::Bytes> {
    match query::get::<Notice>(engine.log(), &notice.to_string()).await {
        Ok(notice) => notice.map(endpoint::body),
        Err(error) => {
            tracing::warn!(%error, "a notice could not be read; it is tried again");
            None
        }
    }
}

fn measured(answered: &Answered) {
    let outcome: &'static str = answered.failure.map_or("delivered", Into::into);
    metrics::counter!("orderwire_webhook_deliveries_total", "outcome" => outcome).increment(1);
    metrics::histogram!("orderwire_webhook_delivery_seconds")
        .record(Duration::from_millis(answered.latency_ms).as_secs_f64());
}
