//! How many live companies a reseller has, from claims and streams alone.
//!
//! A reseller is closed for good by this count, so it must not rest on a read model, which another process may be
//! rebuilding at that moment. Whoever is live holds its domain; the claims on domains lead to every company there is, and
//! each says whose it is. That is dear where there are many, and asked for once in the life of a reseller.

use orderwire_domain::{
    claim::{Claim, ClaimScope},
    company::{Company, CompanyStatus},
    decider::Decider as _,
    ids::ResellerId,
    joint::State,
};

use super::{Inner, certain::Seen, error::Error, log::Sequence};

/// Companies looked at together.
const COMPANIES_AT_ONCE: usize = 256;
/// How often the reseller is looked at while commits that would change it are refused.
const LOOKS_MAX: u32 = 8;

/// The count, and a sequence that the reseller had for certain before anything was counted.
///
/// Where it was suspended at that sequence, and still is, no company has come up since: each would have been decided on
/// that very sequence.
pub(super) async fn live_companies(inner: &Inner, reseller: ResellerId) -> Result<(Sequence, u32), Error> {
    for _ in 0..LOOKS_MAX {
        let (sequence, _) = inner.state(reseller.stream()).await?;
        let mut seen = Seen::default();
        inner.look(reseller.stream(), &mut seen).await?;
        // A suspension that is still on its way does not keep another process from qualifying a company before it.
        if inner.certain(&seen).await? {
            return Ok((sequence, count(inner, reseller).await?));
        }
    }
    Err(Error::Conflict { attempts: LOOKS_MAX })
}

async fn count(inner: &Inner, reseller: ResellerId) -> Result<u32, Error> {
    let scope = ClaimScope::CompanyDomain;
    let mut live = 0;
    let mut after = Claim::platform(scope, "");
    loop {
        let page = inner.log.claims(Some(&after), COMPANIES_AT_ONCE).await?;
        let domains = page.iter().take_while(|(claim, _)| claim.scope == scope);
        let holders: Vec<_> = domains.map(|(_, holder)| *holder).collect();
        let last = holders.len() < COMPANIES_AT_ONCE;
        if let Some((claim, _)) = page.last() {
            after = claim.clone();
        }
        let companies = inner.loader.load(holders).await?;
        let of_reseller = companies.iter().filter(|(_, _, state)| match state {
            State::Company(company) => company.reseller() == Some(reseller) && is_live(company),
            _ => false,
        });
        live += of_reseller.count();
        if last {
            return Ok(u32::try_from(live).unwrap_or(u32::MAX));
        }
    }
}

/// One that gave its domain up after the claims were read is not counted.
fn is_live(company: &Company) -> bool {
    use CompanyStatus as S;
    matches!(company.status(), S::Qualified | S::Ordered | S::Active | S::Suspended)
}
