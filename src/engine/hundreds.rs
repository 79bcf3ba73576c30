//! Which block holds a hundred of numbers, remembered between commands.
//!
//! Every command that names numbers asks this, and blocks hardly ever change. What is remembered may be old, which is
//! safe where it leads to a commit: the commit rests on the block itself, by its sequence. A refusal rests on less, so
//! one that was decided with the help of this is decided again without it before it is answered.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use orderwire_domain::{
    claim::{Claim, ClaimScope},
    ids::StreamId,
};

use super::log::{SharedLog, StoreError};

/// Hundreds remembered; past this the memory starts again from nothing.
const HUNDREDS_MAX: usize = 200_000;

/// The blocks of hundreds, as last seen.
#[derive(Debug, Default)]
pub struct Hundreds(Mutex<HashMap<Claim, StreamId>>);

/// Whether one command may use what is remembered, and whether it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// It may, and has not yet.
    #[default]
    Unused,
    /// It has.
    Used,
    /// It may not: what it decided with it must be looked up now.
    Barred,
}

impl Hundreds {
    /// Who holds these claims: remembered for hundreds, where that is allowed, and asked of the store for all others.
    pub async fn holders(
        &self,
        log: &SharedLog,
        claims: Vec<Claim>,
        memory: &mut Memory,
    ) -> Result<Vec<(Claim, Option<StreamId>)>, StoreError> {
        let mut known = Vec::with_capacity(claims.len());
        let mut asked = Vec::new();
        {
            let remembered = self.lock();
            for claim in claims {
                match remembered.get(&claim).filter(|_| *memory != Memory::Barred) {
                    Some(block) => {
                        *memory = Memory::Used;
                        known.push((claim, Some(*block)));
                    }
                    None => asked.push(claim),
                }
            }
        }
        if asked.is_empty() {
            return Ok(known);
        }
        let holders = log.holders(&asked).await?;
        let mut remembered = self.lock();
        if remembered.len() > HUNDREDS_MAX {
            remembered.clear();
        }
        for (claim, holder) in asked.into_iter().zip(holders) {
            if claim.scope == ClaimScope::BlockHundred {
                match holder {
                    Some(block) => remembered.insert(claim.clone(), block),
                    None => remembered.remove(&claim),
                };
            }
            known.push((claim, holder));
        }
        Ok(known)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Claim, StreamId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
