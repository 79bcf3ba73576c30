//! A new company that the reseller has already: what it should have written instead.
//!
//! Whose a name is, is told to nobody else: for them it is taken.

use orderwire_domain::{
    claim::{Claim, ClaimScope},
    company::Company,
    ids::{CompanyId, ResellerId},
    names::{CompanyName, Domain},
};

use super::{
    document::{DocumentCompany, OrderDocument},
    place::holder,
    problem::{Error, Problem},
};
use crate::engine::Engine;

/// The refusal of a new company, which says so where its name or domain is held by a company of the same reseller.
pub(super) async fn told(
    engine: &Engine,
    reseller: ResellerId,
    document: &OrderDocument,
    error: Error,
) -> Result<Error, Error> {
    let Some(DocumentCompany::New { name, domain }) = &document.company else { return Ok(error) };
    of_pair(engine, reseller, (name, domain), error).await
}

/// The refusal of a name and a domain, with pointers into the object that has both as its fields.
pub async fn qualified(
    engine: &Engine,
    reseller: ResellerId,
    (name, domain): (&CompanyName, &Domain),
    error: Error,
) -> Result<Error, Error> {
    let error = match error {
        Error::Refused(problems) => {
            Error::Refused(problems.into_iter().map(|problem| in_pair(problem, "", Some(name))).collect())
        }
        error @ Error::Engine(_) => error,
    };
    of_pair(engine, reseller, (name, domain), error).await
}

/// Has what is said of a name or domain point to it, where it is a field of what stands at `at`.
pub(super) fn in_pair(mut problem: Problem, at: &str, name: Option<&CompanyName>) -> Problem {
    match problem.code.as_str() {
        "company_name_taken" => {
            problem.pointer = format!("{at}/name");
            match name {
                Some(name) => problem.as_typed(&name.key(), name.as_str()),
                None => problem,
            }
        }
        "company_domain_taken" => {
            problem.pointer = format!("{at}/domain");
            problem
        }
        _ => problem,
    }
}

async fn of_pair(
    engine: &Engine,
    reseller: ResellerId,
    (name, domain): (&CompanyName, &Domain),
    error: Error,
) -> Result<Error, Error> {
    let Error::Refused(problems) = &error else { return Ok(error) };
    let mut told = Vec::with_capacity(problems.len());
    for problem in problems {
        let claim = match problem.code.as_str() {
            "company_name_taken" => Claim::platform(ClaimScope::CompanyName, name.key()),
            "company_domain_taken" => Claim::platform(ClaimScope::CompanyDomain, domain.key()),
            _ => {
                told.push(problem.clone());
                continue;
            }
        };
        let holder = holder(engine, claim).await?;
        let own = match holder {
            Some(id) => engine.load::<Company>(id).await?.1.reseller() == Some(reseller),
            None => false,
        };
        told.push(match holder.filter(|_| own) {
            Some(id) => yours(problem, id),
            None => problem.clone(),
        });
    }
    Ok(Error::Refused(told))
}

fn yours(taken: &Problem, id: CompanyId) -> Problem {
    let what = if taken.code == "company_name_taken" { "name" } else { "domain" };
    let detail = format!("the {what} is that of your own company {id}: name it by its service reference");
    let expected = format!("`{{ \"service_reference\": \"{id}\" }}` as the company");
    Problem::new(&taken.pointer, "company_yours", detail, expected)
}
