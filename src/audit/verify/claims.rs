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
use crate::engine::{Engine, Error, log::Position, readers::fact};

/// Claims looked at together.
const CLAIMS_AT_ONCE: usize = 1_000;

/// Every claim that is held.
#[derive(Default)]
pub struct Claims {
    secret: RandomState,
    held: HashMap<u64, Held>,
}

/// A claim that is held.
struct Held {
    holder: u32,
    /// Whether the store has it too.
    is_there: bool,
}

/// A claim that the store has otherwise than the events up to where it was followed.
struct Otherwise {
    /// Who holds it there, if anybody does.
    holder: Option<u32>,
    detail: String,
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
                    if self.held.insert(key, Held { holder, is_there: false }).is_some() {
                        return Err(wrong("is taken, and was held already"));
                    }
                }
                ClaimAction::Release => {
                    if self.held.remove(&key).map(|held| held.holder) != Some(holder) {
                        return Err(wrong("is released by who did not hold it"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Compares with what the store has; answers how many there are. They were followed up to `at`: what was appended since may
    /// have changed one before it was looked at.
    pub async fn compare(mut self, engine: &Engine, at: Position) -> Result<u64, Stop> {
        let (mut after, mut same): (Option<Claim>, u64) = (None, 0);
        let mut otherwise = HashMap::new();
        loop {
            let page = engine.log().claims(after.as_ref(), CLAIMS_AT_ONCE).await.map_err(Error::from)?;
            for (claim, stream) in &page {
                let (key, holder) = (self.key(claim), self.holder(*stream));
                let expected = self.held.get_mut(&key).map(|held| {
                    held.is_there = true;
                    held.holder
                });
                if expected == Some(holder) {
                    same += 1;
                    continue;
                }
                let what = if expected.is_some() { "by another" } else { "by nobody" };
                let (scope, shown) = (claim.scope, claim.shown());
                let detail = format!(
                    "{scope} {shown} is held by {stream} in the store, and {what} as the events have it"
                );
                otherwise.insert(key, Otherwise { holder: Some(holder), detail });
            }
            match page.into_iter().last() {
                Some((last, _)) => after = Some(last),
                None => break,
            }
        }
        for (key, _) in self.held.iter().filter(|(_, held)| !held.is_there) {
            let detail = "a claim that the events imply is not in the store".to_owned();
            otherwise.insert(*key, Otherwise { holder: None, detail });
        }
        self.excuse(engine, at, &mut otherwise).await?;
        let wrong = otherwise.len();
        match otherwise.into_values().map(|it| it.detail).min() {
            None => Ok(same),
            Some(first) if wrong == 1 => Err(Finding::of("claim", first).into()),
            Some(first) => Err(Finding::of("claim", format!("{first}; and {} more", wrong - 1)).into()),
        }
    }

    /// Leaves out what became so by an event behind a position.
    async fn excuse(
        &self,
        engine: &Engine,
        mut at: Position,
        otherwise: &mut HashMap<u64, Otherwise>,
    ) -> Result<(), Stop> {
        let head = engine.head().await?.position;
        while at < head && !otherwise.is_empty() {
            let page = engine.page(at, CLAIMS_AT_ONCE).await?;
            let Some(last) = page.last() else { break };
            at = last.position;
            for event in &page {
                for change in fact(event)?.happened.claims() {
                    let key = self.key(&change.claim);
                    let holder = match change.action {
                        ClaimAction::Take => Some(self.holder(change.holder)),
                        ClaimAction::Release => None,
                    };
                    if otherwise.get(&key).is_some_and(|it| it.holder == holder) {
                        otherwise.remove(&key);
                    }
                }
            }
        }
        Ok(())
    }
}
