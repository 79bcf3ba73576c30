//! What was looked up for one command: free numbers, holders of claims, counts; and what others were faster to take.
//!
//! Deliberately absent: how anything is looked up, and aggregates, which are [`Streams`](super::Streams).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    claim::{Claim, ClaimScope},
    ids::{ResellerId, StreamId},
    number::{NumberSet, TelephoneNumber},
    order::line::NumberSearch,
};

/// Free numbers as a search found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundNumbers {
    /// As many as asked; fewer where there are no more.
    pub numbers: NumberSet,
    /// How many would fit the search.
    pub free: u64,
}

/// What was looked up for one command, besides aggregates. It outlives the desk: deciding again does not ask again.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    found: Vec<(NumberSearch, NumberSet, FoundNumbers)>,
    pub(super) holders: BTreeMap<Claim, Option<StreamId>>,
    /// With the sequence of the reseller when they were counted.
    pub(super) live_companies: BTreeMap<ResellerId, (u64, u32)>,
    pub(super) taken: BTreeSet<Claim>,
    picks_lost: u32,
}

impl Lookups {
    /// The result of a search; the next one of the same need leaves out these numbers too.
    pub fn found_numbers(&mut self, search: NumberSearch, except: &mut NumberSet, found: FoundNumbers) {
        let next = except.union(&found.numbers);
        self.found.push((search, std::mem::replace(except, next), found));
    }

    /// What a search found. Searches are made again in the same order, so the place is known unless they were not.
    pub(super) fn found(
        &self,
        nth: usize,
        search: &NumberSearch,
        except: &NumberSet,
    ) -> Option<FoundNumbers> {
        let of = |entry: &&(NumberSearch, NumberSet, FoundNumbers)| entry.0 == *search && entry.1 == *except;
        let found = self.found.get(nth).filter(of).or_else(|| self.found.iter().find(of));
        found.map(|(_, _, found)| found.clone())
    }

    /// Who holds a claim.
    pub fn found_holder(&mut self, claim: Claim, holder: Option<StreamId>) {
        self.holders.insert(claim, holder);
    }

    /// How many live companies a reseller has. They were counted when it was at `sequence` already, for good.
    pub fn found_live_companies(&mut self, reseller: ResellerId, sequence: u64, count: u32) {
        self.live_companies.insert(reseller, (sequence, count));
    }

    /// Somebody else took these: the next decision neither picks nor asks for them, and looks everything up again.
    pub fn found_taken(&mut self, claims: impl IntoIterator<Item = Claim>) {
        let known = self.taken.len();
        self.taken.extend(claims);
        self.picks_lost += u32::from(self.lost_numbers() && self.taken.len() > known);
        self.forget();
    }

    /// Forgets whatever may have changed, but not which claims were lost.
    pub fn forget(&mut self) {
        self.found.clear();
        self.holders.clear();
        self.live_companies.clear();
    }

    /// Whether nobody held a claim that was looked for.
    pub fn found_nobody(&self) -> bool {
        self.holders.values().any(Option::is_none)
    }

    /// Whether numbers that looked free were not.
    pub fn lost_numbers(&self) -> bool {
        self.taken.iter().any(|claim| claim.scope == ClaimScope::Number)
    }

    /// How often others were faster.
    pub fn picks_lost(&self) -> u32 {
        self.picks_lost
    }

    /// Numbers that somebody else took meanwhile.
    pub(super) fn taken_numbers(&self) -> NumberSet {
        let numbers = self.taken.iter().filter(|claim| claim.scope == ClaimScope::Number);
        numbers.filter_map(|claim| TelephoneNumber::parse(&claim.key).ok()).collect()
    }
}
