//! Bringing what a decision needs: aggregates, free numbers, holders of claims, counts.
//!
//! Aggregates go to the tips, which may be fewer than one command looks at; so a command also keeps what it was brought
//! until it is decided.

use std::collections::{BTreeSet, HashMap};

use orderwire_domain::{
    ids::StreamId,
    joint::{Lookups, Need, State, Streams},
    number_block::claims::hundred_of,
};

use super::{
    Inner, census, committer::lock, error::Error, hundreds::Memory, log::Sequence, picks::Picked, tips::Tips,
};

/// What one command was brought.
#[derive(Default)]
pub(super) struct Brought {
    pub lookups: Lookups,
    pub memory: Memory,
    streams: HashMap<StreamId, (Sequence, State)>,
    looked_again: bool,
}

/// The tips, and what one command was brought: a tip that had to make room since is still there for the command.
pub(super) struct AtHand<'a> {
    pub tips: &'a Tips,
    pub brought: &'a Brought,
}

impl Streams for AtHand<'_> {
    fn state(&self, stream: StreamId) -> Option<(u64, State)> {
        self.tips.state(stream).or_else(|| self.brought.streams.get(&stream).cloned())
    }
}

impl Brought {
    /// Forgets whatever may have changed.
    pub fn forget(&mut self) {
        self.lookups.forget();
        self.streams.clear();
    }

    /// Forgets what a confirmed refusal may rest on and what may have changed since it was looked up: what is remembered
    /// of hundreds, and that nobody holds a claim. A message that two tell at once is known to the second, whose look was
    /// before the first was safe, though the states that it saw were already after it. Done once for each.
    pub fn looks_again(&mut self) -> bool {
        let remembered = self.memory == Memory::Used;
        let nobody = self.lookups.found_nobody() && !self.looked_again;
        if remembered {
            self.memory = Memory::Barred;
        }
        if remembered || nobody {
            self.looked_again |= nobody;
            self.forget();
        }
        remembered || nobody
    }

    /// Brings what is needed.
    pub async fn bring(&mut self, inner: &Inner, needs: Vec<Need>, picked: &Picked<'_>) -> Result<(), Error> {
        let mut streams = Vec::new();
        for need in needs {
            match need {
                Need::Stream(stream) => streams.push(stream),
                Need::Numbers { searches, mut except } => {
                    for search in searches {
                        if self.lookups.lost_numbers() {
                            // What offered them lags; the next offer would be as old, and the attempts are few.
                            inner.readers.catch_up("orders", inner).await?;
                        }
                        let mut found = picked.search(&inner.log, &inner.readers, &search, &except).await?;
                        if found.numbers.len() < search.quantity as usize {
                            // Nobody is told that there are too few by a reader that has not seen all there is.
                            inner.readers.catch_up("orders", inner).await?;
                            found = picked.search(&inner.log, &inner.readers, &search, &except).await?;
                        }
                        // Their blocks are asked for next.
                        let hundreds: BTreeSet<_> = found.numbers.iter().map(hundred_of).collect();
                        self.holders(inner, hundreds.into_iter().collect()).await?;
                        self.lookups.found_numbers(search, &mut except, found);
                    }
                }
                Need::Holders(claims) => self.holders(inner, claims).await?,
                Need::LiveCompanies(reseller) => {
                    let (sequence, count) = census::live_companies(inner, reseller).await?;
                    self.lookups.found_live_companies(reseller, sequence, count);
                }
            }
        }
        if !streams.is_empty() {
            let loaded = inner.loader.load(streams).await?;
            let mut core = lock(&inner.core);
            for (stream, sequence, state) in loaded {
                core.tips.loaded(stream, sequence, state.clone());
                self.streams.insert(stream, (sequence, state));
            }
        }
        Ok(())
    }

    async fn holders(
        &mut self,
        inner: &Inner,
        claims: Vec<orderwire_domain::claim::Claim>,
    ) -> Result<(), Error> {
        for (claim, holder) in inner.hundreds.holders(&inner.log, claims, &mut self.memory).await? {
            self.lookups.found_holder(claim, holder);
        }
        Ok(())
    }
}
