//! What fulfilment, provisioning and timers had to leave out, so that one order never stops another.
//!
//! It is kept in memory: after a restart each is tried again with its next fact, or when its timer is due.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{error::Error, sealing::SealingError};

/// What was left out, with the reason.
#[derive(Debug, Default)]
pub struct Parked(Mutex<BTreeMap<String, String>>);

impl Parked {
    /// Whether an error is the fault of one aggregate alone. A store that cannot be read, or a reader that has stopped,
    /// is everybody's: going on would leave out whatever comes.
    pub fn takes(error: &Error) -> bool {
        match error {
            Error::Corrupt { .. } | Error::Panicked { .. } | Error::Silent { .. } | Error::KeyReused => true,
            Error::Sealing(error) => !matches!(error, SealingError::Store(_)),
            _ => false,
        }
    }

    /// Leaves one out, loudly.
    pub fn park(&self, name: &str, error: &Error) {
        tracing::error!(%name, %error, "left out: somebody must look; the others go on");
        self.lock().insert(name.to_owned(), error.to_string());
    }

    /// It went well after all.
    pub fn free(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Whether it is left out.
    pub fn has(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }

    /// How many are.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Each of them, with the reason.
    pub fn list(&self) -> Vec<(String, String)> {
        self.lock().iter().map(|(name, why)| (name.clone(), why.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
