//! The portability check: what the store and the numbering data know of numbers, judged by the domain.
//!
//! A submit asks the same claims, so what is said to be here is refused there. It is advice all the same: only a commit
//! decides. Deliberately absent: who holds a number, which is told to nobody.

use std::collections::BTreeSet;

use orderwire_domain::{
    claim::{Claim, ClaimScope},
    ids::AggregateKind,
    number::{NumberSet, TelephoneNumber},
    number_block::claims::hundred_of,
    portability::{self, CHECK_NUMBERS_MAX, Known, NumberCheck},
    refusal::Reason,
};

use super::{Engine, Error};

/// Claims of one question to the store. A check of ten thousand numbers is a handful of questions.
const CLAIMS_PER_LOOK: usize = 5_000;

impl Engine {
    /// Says of each number whether it could be ported here and how soon, were it submitted now.
    pub async fn check_portability(&self, numbers: &NumberSet) -> Result<Vec<NumberCheck>, Error> {
        if numbers.len() > CHECK_NUMBERS_MAX {
            return Err(Error::Refused(vec![Reason {
                code: "check_too_large".to_owned(),
                subject: None,
                detail: format!("there are {} numbers", numbers.len()),
                expected: Some(format!("at most {CHECK_NUMBERS_MAX} numbers in one check")),
            }]));
        }
        self.reference().refresh().await?;
        let (here, under_way) = (self.numbers_here(numbers).await?, self.ports_under_way(numbers).await?);
        let range = |number| self.reference().range(number);
        let known = Known { here: &here, under_way: &under_way, range: &range };
        Ok(portability::check(numbers, &known, self.rules(), self.now()))
    }

    /// Those that nobody has to hand over: of our own stock, or with a company or port request of this carrier.
    async fn numbers_here(&self, numbers: &NumberSet) -> Result<NumberSet, Error> {
        let held = self.holding(numbers, |number| Claim::platform(ClaimScope::Number, number.to_string()));
        let mut here = held.await?;
        let hundreds: BTreeSet<Claim> = numbers.iter().map(hundred_of).collect();
        let hundreds: Vec<Claim> = hundreds.into_iter().collect();
        let mut stock = BTreeSet::new();
        for some in hundreds.chunks(CLAIMS_PER_LOOK) {
            let holders = self.log().holders(some).await?;
            let ours = some
                .iter()
                .zip(holders)
                .filter(|(_, holder)| holder.is_some_and(|holder| holder.kind == AggregateKind::NumberBlock));
            stock.extend(ours.map(|(hundred, _)| hundred.clone()));
        }
        for number in numbers.iter().filter(|number| stock.contains(&hundred_of(*number))) {
            here.insert(number);
        }
        Ok(here)
    }

    async fn ports_under_way(&self, numbers: &NumberSet) -> Result<NumberSet, Error> {
        self.holding(numbers, |number| Claim::platform(ClaimScope::OpenPort, number.to_string())).await
    }

    /// Those whose claim somebody holds.
    async fn holding(
        &self,
        numbers: &NumberSet,
        claim: impl Fn(TelephoneNumber) -> Claim,
    ) -> Result<NumberSet, Error> {
        let claims: Vec<_> = numbers.iter().map(|number| (number, claim(number))).collect();
        let mut held = Vec::new();
        for some in claims.chunks(CLAIMS_PER_LOOK) {
            let asked: Vec<Claim> = some.iter().map(|(_, claim)| claim.clone()).collect();
            let holders = self.log().holders(&asked).await?;
            let taken = some.iter().zip(holders).filter(|(_, holder)| holder.is_some());
            held.extend(taken.map(|((number, _), _)| *number));
        }
        Ok(held.into_iter().collect())
    }
}
