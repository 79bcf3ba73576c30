//! One line of an order that is there already: read as a line of a document, which names the order's other lines by their
//! numbers (`{ "line": "3" }`), since that is how the order knows them.

use std::collections::BTreeMap;

use orderwire_domain::order::{
    Order,
    line::{LineNumber, LineRequest},
};

use super::{
    document::{DOCUMENT_BYTES_MAX, DocumentRequest},
    lines,
    problem::{Error, Problem},
    reader,
    seal::Sealer,
};
use crate::engine::Engine;

/// Reads what a line is to ask for, or says everything that is wrong with it.
pub fn parse(text: &str, order: &Order) -> Result<DocumentRequest, Vec<Problem>> {
    let numbers: Vec<(String, LineNumber)> =
        order.lines().map(|(number, _)| (number.to_string(), number)).collect();
    let names: BTreeMap<&str, LineNumber> =
        numbers.iter().map(|(name, number)| (name.as_str(), *number)).collect();
    reader::read(text, DOCUMENT_BYTES_MAX, |it| it.object(|fields| lines::request(fields, &names)))
}

/// Seals what is personal in it, and finds what it names.
pub async fn sealed(engine: &Engine, order: &Order, request: &DocumentRequest) -> Result<LineRequest, Error> {
    let sealer = match (order.company(), order.reseller()) {
        (Some(company), _) => Sealer::of_company(engine, company).await?,
        (None, Some(reseller)) => Sealer::of_reseller(engine, reseller),
        (None, None) => {
            return Err(Error::refused(Problem::new("", "not_found", "there is no such order", "an order")));
        }
    };
    sealer.line("", request).await
}

/// Has problems of the order's own line point into the body that this line was read from. `None` is a line to be: any that
/// the order does not have yet.
pub fn at_its_place(problems: Vec<Problem>, order: &Order, line: Option<LineNumber>) -> Vec<Problem> {
    let own = |number: LineNumber| match line {
        Some(line) => number == line,
        None => order.line(number).is_none(),
    };
    let place = |mut problem: Problem| {
        let rest = problem.pointer.strip_prefix("/lines/");
        let split = rest.map(|rest| rest.split_at(rest.find('/').unwrap_or(rest.len())));
        if let Some((number, field)) = split
            && number.parse().is_ok_and(|number| own(LineNumber(number)))
        {
            let field = if field == "/ask/quantity" { "/ask/search/quantity" } else { field };
            problem.pointer = field.to_owned();
        }
        problem
    };
    problems.into_iter().map(place).collect()
}
