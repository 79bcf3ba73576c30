//! Webhooks: notices on their way to where resellers want them, signed, at least once, and in order for each order.
//!
//! [`worker`] is one task. It reads what a reseller is told from where each of its webhooks is, keeps what is to be sent in
//! [`window`]s, has [`sender`] send it, and writes down what became of it with where the webhook is now ([`ledger`]): one
//! transaction for whatever has arrived meanwhile, so a crash repeats what was in flight and loses nothing. What does not
//! arrive is sent again ([`backoff`]) for three days. Deliberately absent: what is told ([`views::notices`]), webhooks
//! themselves, which are events ([`webhook`]), and how they are asked for (`webhooks`).
//!
//! [`views::notices`]: orderwire_domain::views::notices
//! [`webhook`]: orderwire_domain::webhook

pub mod worker;
mod endpoint;
mod ledger;
pub mod window;
pub mod backoff;
pub mod sender;
pub mod signing;
pub mod places;

use std::{sync::Arc, time::Duration};

use orderwire_domain::webhook::{Endpoint as Target, values::SigningKey};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::{sender::Sender, signing::Signer};
use crate::engine::{Engine, Error};

/// How webhooks are delivered.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether this process delivers at all.
    pub deliver: bool,
    /// Whether private networks and this machine are delivered to.
    pub allow_private: bool,
    /// Whether addresses without TLS are delivered to.
    pub allow_http: bool,
    /// How long a connection may take to come about.
    pub connect_within: Duration,
    /// How long an endpoint may send nothing.
    pub read_within: Duration,
    /// How long an attempt may take in all.
    pub answer_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deliver: false,
            allow_private: false,
            allow_http: false,
            connect_within: Duration::from_secs(5),
            read_within: Duration::from_secs(15),
            answer_within: Duration::from_secs(20),
        }
    }
}

/// The task that delivers, while it runs.
#[derive(Debug)]
pub struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Delivers from here on. Must be called within a runtime.
pub fn start(engine: &Engine, sender: &Arc<Sender>) -> Running {
    let stop = CancellationToken::new();
    let task = tokio::spawn(worker::run(engine.clone(), Arc::clone(sender), stop.clone()));
    Running { stop, task }
}

impl Running {
    /// Lets what is in flight arrive, within bounds, and writes down where everything is.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the delivery of webhooks ended badly");
        }
    }
}

/// What signs for a webhook, each with until when; none where its secrets can be read no more.
pub async fn signers(engine: &Engine, target: &Target) -> Result<Vec<Signer>, Error> {
    let mut signers = Vec::new();
    for key in target.keys(engine.now()) {
        signers.extend(signer(engine, key).await?);
    }
    Ok(signers)
}

async fn signer(engine: &Engine, key: &SigningKey) -> Result<Option<Signer>, Error> {
    let secret = engine.open_sealed(key.secret()).await?;
    Ok(secret.and_then(|secret| Signer::read(&secret)))
}
