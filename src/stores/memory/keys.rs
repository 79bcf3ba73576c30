//! The data keys of a log in memory.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use crate::engine::log::{KeyChange, WrappedKey};

/// Every key that was ever made; nothing where it was destroyed.
#[derive(Debug, Default)]
pub(super) struct DataKeys(BTreeMap<String, Option<WrappedKey>>);

impl DataKeys {
    pub(super) fn get(&self, id: &str) -> Option<WrappedKey> {
        self.0.get(id).cloned().flatten()
    }

    /// Why these changes cannot be made, if they cannot.
    pub(super) fn check(&self, changes: &[KeyChange]) -> Result<(), String> {
        let mut present: BTreeMap<&str, bool> = BTreeMap::new();
        for change in changes {
            let (key_id, makes) = match change {
                KeyChange::Make(key) => (key.key_id.as_str(), true),
                KeyChange::Destroy { key_id } => (key_id.as_str(), false),
            };
            let known = present.contains_key(key_id) || self.0.contains_key(key_id);
            let is_present = *present.get(key_id).unwrap_or(&self.0.get(key_id).is_some_and(Option::is_some));
            if makes && known {
                return Err(format!("the data key {key_id} was made before"));
            }
            if !makes && !is_present {
                return Err(format!("there is no data key {key_id} to destroy"));
            }
            present.insert(key_id, makes);
        }
        Ok(())
    }

    pub(super) fn change(&mut self, changes: Vec<KeyChange>) {
        for change in changes {
            match change {
                KeyChange::Make(key) => self.0.insert(key.key_id.clone(), Some(key)),
                KeyChange::Destroy { key_id } => self.0.insert(key_id, None),
            };
        }
    }

    pub(super) fn after(&self, id: &str, limit: usize) -> Vec<WrappedKey> {
        let later = self.0.range::<str, _>((Excluded(id), Unbounded));
        later.filter_map(|(_, key)| key.clone()).take(limit).collect()
    }

    pub(super) fn restore(&mut self, keys: &[WrappedKey]) -> u64 {
        let before = self.0.len();
        for key in keys {
            self.0.entry(key.key_id.clone()).or_insert_with(|| Some(key.clone()));
        }
        (self.0.len() - before) as u64
    }

    pub(super) fn destroy(&mut self, ids: &[String]) -> u64 {
        let there = ids.iter().filter_map(|id| self.0.get_mut(id)?.take());
        there.count() as u64
    }
}
