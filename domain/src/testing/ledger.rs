//! Who holds which claim, as a history says: for tests that compare it with what an aggregate says it holds.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    claim::{Claim, ClaimAction, ClaimChange},
    ids::StreamId,
};

/// Every claim taken and not released yet.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    holders: BTreeMap<Claim, StreamId>,
}

impl Ledger {
    /// Takes in the changes of one event, which may name `keys_max` keys. Panics where a store would refuse them.
    pub fn record(&mut self, changes: &[ClaimChange], keys_max: usize) {
        let keys: BTreeSet<&Claim> = changes.iter().map(|change| &change.claim).collect();
        assert!(keys.len() <= keys_max, "{} keys in one event", keys.len());
        for ClaimChange { claim, holder, action } in changes {
            match action {
                ClaimAction::Take => {
                    let before = self.holders.insert(claim.clone(), *holder);
                    assert_eq!(before, None, "{claim:?} is taken twice");
                }
                ClaimAction::Release => {
                    let before = self.holders.remove(claim);
                    assert_eq!(before, Some(*holder), "{claim:?} is released by who does not hold it");
                }
            }
        }
    }

    /// What a stream holds.
    pub fn held_by(&self, holder: StreamId) -> BTreeSet<Claim> {
        self.holders.iter().filter(|(_, it)| **it == holder).map(|(claim, _)| claim.clone()).collect()
    }
}
