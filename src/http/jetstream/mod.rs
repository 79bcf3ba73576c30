//! Every notice to a stream of NATS `JetStream`: exactly once and in the order of the log, however many publish.
//!
//! The broker alone knows how far it is. A publisher reads the last message of the stream, finds that notice in the store, and
//! publishes the ones after it, each under the condition that the stream still ends where it was seen to end
//! (`Nats-Expected-Last-Sequence`). So of several that publish the same notice one is heard; what was sent twice, or was
//! under way when a connection broke, is there once; and a broker that was away finds everything where it left off.
//!
//! A message is the notice as a `CloudEvent`, as polling and streams have it. It is found by its subject,
//! `orderwire.notices.<reseller>.<type>`, is named by its id (`Nats-Msg-Id`), and names the notice before it in the stream
//! ([`PREVIOUS`]) and the position of its event ([`POSITION`]).
//!
//! Deliberately absent: a place kept in our store, which would disagree with the broker after a restore of either; changes of
//! a stream that is there; reading from the broker, which is what its consumers do.

mod broker;
mod place;
mod publisher;

use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{config::NatsSettings, engine::Engine};

/// The name of this work among everything that follows the log.
pub const JETSTREAM: &str = "jetstream";
/// The header with the position of the event that a notice tells of.
pub const POSITION: &str = "Orderwire-Position";
/// The header with the id of the notice before it in the stream; absent on the first that was ever told.
pub const PREVIOUS: &str = "Orderwire-Previous";

/// The task that publishes, for as long as it is held.
#[derive(Debug)]
pub struct Publisher {
    stop: CancellationToken,
    trouble: watch::Receiver<Option<String>>,
    task: JoinHandle<()>,
}

impl Publisher {
    /// Begins to publish what an engine tells. Must be called within a runtime.
    pub fn start(engine: &Engine, settings: NatsSettings) -> Self {
        let stop = CancellationToken::new();
        let (trouble, told) = watch::channel(None);
        let task = tokio::spawn(publisher::run(engine.clone(), settings, stop.clone(), trouble));
        Self { stop, trouble: told, task }
    }

    /// What keeps it from publishing, as it comes and goes; `None` while nothing does.
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.clone()
    }

    /// Ends it at once: what was sent and not confirmed is found by whoever goes on.
    pub async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "{JETSTREAM} ended badly");
        }
    }
}

/// Why nothing can be published for now.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// It cannot be reached, or does not answer in time.
    #[error("the broker is away: {0}")]
    Away(String),
    /// It answers, and will not.
    #[error("the broker refuses: {0}")]
    Refused(String),
    /// The stream ends with something that this log has not told.
    #[error("the stream is not of this log: {0}")]
    Foreign(String),
    /// The store has been set back to before what the stream has, and its readers are not there yet.
    #[error("notices are not read again up to where the stream is")]
    Behind,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] crate::engine::Error),
}
