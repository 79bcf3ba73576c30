//! The state of an aggregate as this process knows it, and how what it knows is brought up to date.

use orderwire_domain::{
    ids::StreamId,
    joint::{self, Streams as _},
};

use super::{Inner, committer::lock, error::Error};

impl Inner {
    /// The state of an aggregate with whatever another process has appended to it by now.
    pub(super) async fn newest(&self, stream: StreamId) -> Result<(u64, joint::State), Error> {
        let (sequence, _) = self.state(stream).await?;
        if !self.log.stream(stream, sequence, 1).await?.is_empty() {
            self.catch_up(stream, sequence + 1).await?;
        }
        self.state(stream).await
    }

    /// Loads a stream again where what is at hand of it is older than what the log is known to have.
    pub(super) async fn catch_up(&self, stream: StreamId, sequence: u64) -> Result<(), Error> {
        if self.state(stream).await?.0 < sequence {
            for (stream, sequence, state) in self.loader.load(vec![stream]).await? {
                lock(&self.core).tips.loaded(stream, sequence, state);
            }
        }
        Ok(())
    }

    /// The state of an aggregate as this process knows it, or as commits in flight will leave it.
    pub(super) async fn state(&self, stream: StreamId) -> Result<(u64, joint::State), Error> {
        if let Some(known) = lock(&self.core).tips.state(stream) {
            return Ok(known);
        }
        let loaded = self.loader.load(vec![stream]).await?;
        let (_, sequence, state) = loaded.into_iter().next().ok_or(Error::Closed)?;
        lock(&self.core).tips.loaded(stream, sequence, state.clone());
        Ok((sequence, state))
    }
}
