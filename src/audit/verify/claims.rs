//! Who holds what, as the events imply it, compared with what the store has.
//!
//! A claim is kept as a number of eight bytes, and its holder as one of four; both under a secret of this run, so that nobody can
//! choose two that look the same.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
};

use orderwire_domain::{
    claim::{Claim, ClaimAction},
    fact::Fact,
    ids::StreamId,
};

use super::{Finding, Stop};
use crate::engine::{Engine, Error};

/// Claims looked at together.
const CLAIMS_AT_ONCE: usize = 1_000;

/// Every claim that is held.
#[derive(Default)]
pub struct Claims {
    secret: RandomState,
    held: HashMap<u64, u32>,
}

impl Claims {
    fn key(&self, claim: &Claim) -> u64 {
        self.secret.hash_one(claim)
    }

    fn holder(&self, stream: StreamId) -> u32 {
        u32::try_from(self.secret.hash_one(stream) >> 32).expect("half of its bits")
    }

    /// Takes what an event takes and releases.
    pub fn take(&mut self, fact: &Fact) -> Result<(), Finding> {
        for change in fact.happened.claims() {
            let (key, holder) = (self.key(&change.claim), self.holder(change.holder));
            let (scope, shown) = (change.claim.scope, change.claim.shown().to_owned());
            let wrong = |what: &str| Finding::at(fact.position, "claim", format!("{scope} {shown} {what}"));
            match change.action {
                ClaimAction::Take => {
                    if self.held.insert(key, holder).is_some() {
                        return Err(wrong("is taken, and was held already"));
                    }
                }
                ClaimAction::Release => {
                    if self.held.remove(&key) != Some(holder) {
                        return Err(wrong("is released by who did not hold it"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Compares with what the store has; answers how many there are.
    pub async fn compare(mut self, engine: &Engine) -> Result<u64, Stop> {
        let (mut after, mut same): (Option<Claim>, u64) = (None, 0);
        loop {
            let page = engine.log().claims(after.as_ref(), CLAIMS_AT_ONCE).await.map_err(Error::from)?;
            for (claim, holder) in &page {
                let expected = self.held.remove(&self.key(claim));
                if expected != Some(self.holder(*holder)) {
                    let what = if expected.is_some() { "by another" } else { "by nobody" };
                    let detail = format!(
                        "{} {} is held by {holder} in the store, and {what} as the events have it",
                        claim.scope,
                        claim.shown()
                    );
                    return Err(Finding::of("claim", detail).into());
                }
                same += 1;
            }
            match page.into_iter().last() {
                Some((last, _)) => after = Some(last),
                None => break,
            }
        }
        if self.held.is_empty() {
            return Ok(same);
        }
        let detail = format!("{} claims that the events imply are not in the store", self.held.len());
        Err(Finding::of("claim", detail).into())
    }
}
