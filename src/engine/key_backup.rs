//! The data keys of a store as a backup takes them, and putting them back.
//!
//! Keys leave the store only as they are in it: wrapped. What is put back is what the store lacks and what the log does not say
//! is destroyed: a backup is older than what was erased since, and the log is what is true. Absent: files, and their layout.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Engine, Error,
    erasure::KEYS_AT_ONCE,
    leaf::{Hash, hex},
    log::WrappedKey,
};

/// What became of the keys of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredKeys {
    /// Put back.
    pub restored: u64,
    /// There already.
    pub present: u64,
    /// Left out, since the log says that their companies are erased.
    pub erased: u64,
    /// Left out, since the store says that they were destroyed. The log says so too, unless it was appended to meanwhile or
    /// the table of keys is of another moment than the log.
    pub destroyed: u64,
}

impl Engine {
    /// Every wrapped data key that is there, in order of their ids.
    pub async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, Error> {
        let mut keys: Vec<WrappedKey> = Vec::new();
        loop {
            let after = keys.last().map_or("", |key| key.key_id.as_str());
            let page = self.log().data_keys(after, KEYS_AT_ONCE).await?;
            if page.is_empty() {
                return Ok(keys);
            }
            keys.extend(page);
        }
    }

    /// Puts back those of these keys that the store has not, unless the log says that they are destroyed. A key that the
    /// store has otherwise is an error, and nothing is put back. What fails on the way is done again by doing all of it again.
    pub async fn restore_keys(&self, keys: &[WrappedKey]) -> Result<RestoredKeys, Error> {
        let erased = self.erased().await?;
        let there: BTreeMap<String, Vec<u8>> =
            self.wrapped_keys().await?.into_iter().map(|key| (key.key_id, key.wrapped)).collect();
        let (mut left_out, mut present, mut wanted) = (0, 0, Vec::new());
        for key in keys {
            match there.get(&key.key_id) {
                _ if erased.contains(&key.key_id) => left_out += 1,
                Some(wrapped) if *wrapped == key.wrapped => present += 1,
                Some(_) => {
                    let detail = "the store has another key of it than the backup".to_owned();
                    return Err(Error::Corrupt { stream: key.key_id.clone(), detail });
                }
                None => wanted.push(key.clone()),
            }
        }
        let mut restored = 0;
        for keys in wanted.chunks(KEYS_AT_ONCE) {
            restored += self.log().restore_keys(keys).await?;
        }
        let destroyed = wanted.len() as u64 - restored;
        Ok(RestoredKeys { restored, present, erased: left_out, destroyed })
    }

    /// Those of these keys that the store lacks though nobody erased them by the log: they were lost.
    pub async fn lost_keys(&self, keys: &[WrappedKey]) -> Result<Vec<String>, Error> {
        let there: BTreeSet<String> = self.wrapped_keys().await?.into_iter().map(|key| key.key_id).collect();
        let mut lost: Vec<String> = keys.iter().map(|key| key.key_id.clone()).collect();
        lost.retain(|id| !there.contains(id));
        if !lost.is_empty() {
            let erased = self.erased().await?;
            lost.retain(|id| !erased.contains(id));
        }
        Ok(lost)
    }

    /// What tells the master key of this store from another one, and says nothing about it.
    pub fn master_key_check(&self) -> String {
        self.inner.keyring.check_value()
    }

    /// Whether this is a data key of the master key of this store.
    pub fn wraps(&self, key: &WrappedKey) -> bool {
        self.inner.keyring.is_its_own(key)
    }

    /// What tells this log from every other one: the leaf of its first event, which names ids that no other log has. None while
    /// nothing has happened.
    pub async fn first_leaf(&self) -> Result<Option<String>, Error> {
        let leaves: Vec<Hash> = self.log().leaves(0, 1).await?;
        Ok(leaves.first().map(|leaf| hex(leaf)))
    }
}
