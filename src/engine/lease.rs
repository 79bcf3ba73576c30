//! A lease for a part of a process that is not the engine's own, such as a publisher of notices: of all processes on one
//! store it works in one.
//!
//! Put the fence into each [`ReaderCommit`](super::log::ReaderCommit): where another process took over, it is refused with
//! [`StoreError::FencedOut`](super::log::StoreError::FencedOut) and nothing of it is written. What leaves for an outside
//! system cannot be taken back, so [`confirm`](HeldLease::confirm) first, and send what a successor would send too.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    Engine,
    error::Error,
    leases::Leases,
    log::{Fence, StoreError},
};

/// A lease that the engine keeps asking for until it is given back or the engine is closed.
pub struct HeldLease {
    name: String,
    leases: Arc<Leases>,
    held: watch::Receiver<Option<Fence>>,
    ended: watch::Receiver<bool>,
}

impl Engine {
    /// Asks for a lease from now on. Its name is also that of the checkpoint, so it must not be that of another reader.
    pub fn lease(&self, name: &str) -> HeldLease {
        let held = self.inner.leases.want(name);
        self.keep_leases();
        let leases = Arc::clone(&self.inner.leases);
        HeldLease { name: name.to_owned(), leases, held, ended: self.inner.stop.subscribe() }
    }

    /// Whether this process certainly has the lease of this fence now; asks nobody.
    pub fn holds(&self, fence: &Fence) -> bool {
        self.inner.leases.current(&fence.name).as_ref() == Some(fence)
    }

    /// The same as [`HeldLease::confirm`], for whoever has only the fence.
    pub async fn confirm(&self, fence: &Fence) -> Result<(), Error> {
        self.inner.leases.confirm(fence).await?;
        if self.holds(fence) { Ok(()) } else { Err(StoreError::FencedOut(fence.name.clone()).into()) }
    }
}

impl HeldLease {
    /// Waits until this process has it; [`Error::Closed`] once the engine is closed.
    pub async fn held(&mut self) -> Result<Fence, Error> {
        loop {
            tokio::select! {
                biased;
                _ = self.ended.wait_for(|ended| *ended) => return Err(Error::Closed),
                held = self.held.wait_for(Option::is_some) => {
                    if let Some(fence) = held.map_err(|_| Error::Closed)?.clone() {
                        return Ok(fence);
                    }
                }
            }
        }
    }

    /// The fence, if this process certainly has the lease now.
    pub fn fence(&self) -> Option<Fence> {
        self.leases.current(&self.name)
    }

    /// Before something is done that no fence can keep back: fails where another process has the lease.
    pub async fn confirm(&self, fence: &Fence) -> Result<(), Error> {
        self.leases.confirm(fence).await
    }

    /// Does something for as long as the lease is held under this fence; `None` where it was lost, or the engine closed,
    /// before that was done.
    pub async fn during<T>(&mut self, fence: &Fence, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.ended.wait_for(|ended| *ended) => None,
            _ = self.held.wait_for(|held| held.as_ref() != Some(fence)) => None,
            done = work => Some(done),
        }
    }

    /// A commit was refused under this fence: waits for the lease anew.
    pub fn lost(&self, fence: &Fence) {
        self.leases.lost(fence);
    }

    /// Asks for it no longer, and lets another process have it at once.
    pub async fn give_back(self) -> Result<(), Error> {
        self.leases.give_back(std::slice::from_ref(&self.name)).await
    }
}

impl Drop for HeldLease {
    /// Nobody works under it any more, also where that ended in a panic.
    fn drop(&mut self) {
        self.leases.let_go(&self.name);
    }
}
