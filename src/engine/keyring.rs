//! The data keys of companies and resellers, unwrapped and at hand.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{
    log::{SharedLog, WrappedKey},
    sealing::{DataKey, MasterKey, SealingError},
};

/// The setting that tells one master key from another.
const CHECK_SETTING: &str = "master_key_check";
/// Unwrapped keys at hand; past this the keyring starts again from nothing.
const KEYS_AT_HAND_MAX: usize = 10_000;

/// A data key, and whether it was used here before.
pub enum Found {
    /// It was.
    AtHand(DataKey),
    /// It was not.
    New(DataKey),
}

/// Unwraps data keys, and keeps the used ones at hand.
pub struct Keyring {
    master: MasterKey,
    keys: Mutex<HashMap<String, DataKey>>,
}

impl Keyring {
    /// A keyring over this master key, which must be the store's.
    pub async fn open(master: MasterKey, log: &SharedLog) -> Result<Self, SealingError> {
        let check = master.check_value();
        if log.settle(CHECK_SETTING, &check).await? != check {
            return Err(SealingError::WrongMasterKey);
        }
        Ok(Self { master, keys: Mutex::default() })
    }

    /// A key of the same master key, for another purpose.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        self.master.derived(purpose)
    }

    /// What tells this master key from another one, and says nothing about it.
    pub fn check_value(&self) -> String {
        self.master.check_value()
    }

    /// Whether this is a data key of this master key.
    pub fn is_its_own(&self, wrapped: &WrappedKey) -> bool {
        self.master.unwrap(wrapped).is_ok()
    }

    /// Makes the data key of a new company or reseller; the commit stores it wrapped.
    pub fn make(&self, id: &str) -> (DataKey, WrappedKey) {
        self.master.make_data_key(id)
    }

    /// Forgets a key that is destroyed.
    pub fn forget(&self, id: &str) {
        self.keys().remove(id);
    }

    /// The data key of a company or reseller. One that was not at hand is kept only by [`Self::keep`], so that whoever asks
    /// can see first whether it may be used.
    pub async fn key(&self, log: &SharedLog, id: &str) -> Result<Found, SealingError> {
        // A key at hand may have been destroyed, here or by another process, so the store is always asked: what were
        // sealed with it could never be opened.
        let Some(wrapped) = log.data_key(id).await? else {
            self.forget(id);
            return Err(SealingError::Erased(id.to_owned()));
        };
        if let Some(key) = self.keys().get(id) {
            return Ok(Found::AtHand(key.clone()));
        }
        Ok(Found::New(self.master.unwrap(&wrapped)?))
    }

    /// Keeps a key at hand.
    pub fn keep(&self, id: &str, key: &DataKey) {
        let mut keys = self.keys();
        if keys.len() >= KEYS_AT_HAND_MAX {
            keys.clear();
        }
        keys.insert(id.to_owned(), key.clone());
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, HashMap<String, DataKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
