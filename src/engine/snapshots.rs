//! Snapshots: the newest state of a stream now and then, written off the hot path so that a cold load stays short.

use super::{
    loader::{self, Loaded},
    log::SharedLog,
};

/// Snapshots are written off the hot path, and only the newest of each stream.
pub(super) struct Snapshots(tokio::sync::mpsc::Sender<Loaded>);

/// Snapshots that may wait; one that does not fit is left out, since the next one replaces it anyway.
const SNAPSHOTS_WAITING_MAX: usize = 1_000;

impl Snapshots {
    pub(super) fn start(log: &SharedLog) -> Self {
        let (sender, mut waiting) = tokio::sync::mpsc::channel::<Loaded>(SNAPSHOTS_WAITING_MAX);
        let log = SharedLog::clone(log);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while waiting.recv_many(&mut batch, 16).await > 0 {
                let snapshots: Result<Vec<_>, _> = batch
                    .drain(..)
                    .map(|(stream, sequence, state)| loader::snapshot(stream, sequence, &state))
                    .collect();
                let kept = match snapshots {
                    Ok(snapshots) => log.keep_snapshots(&snapshots).await.map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                if let Err(error) = kept {
                    tracing::warn!(%error, "snapshots were not kept; loads stay longer");
                }
            }
        });
        Self(sender)
    }

    pub(super) fn offer(&self, states: Vec<Loaded>) {
        for state in states {
            if let Err(left_out) = self.0.try_send(state) {
                tracing::debug!(%left_out, "a snapshot was left out");
            }
        }
    }
}
