//! What an auditor asks over HTTP: `/v1/audit/…`, for operators and auditors. An auditor reads `sealed` where there is personal data.
//!
//! One file per group. Deliberately absent: how anything is found out, which is [`audit`](crate::audit)'s.

mod history;
mod moments;
mod traces;
mod figures;
mod other_rules;

use orderwire_domain::ids::StreamId;

use super::{api::Api, problem::Problem, request::Look};

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    let api = history::routes(api);
    let api = moments::routes(api);
    let api = traces::routes(api);
    let api = figures::routes(api);
    other_rules::routes(api)
}

/// The stream of the id in the path.
fn stream(look: &Look) -> Result<StreamId, Problem> {
    look.id("resource")
}

/// A parameter that must be given.
fn missing(name: &str, expected: &str) -> Problem {
    Problem::parameter(name, "parameter_missing", "it is not given", expected)
}
