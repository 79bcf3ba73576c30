//! One line of an order that is there already: read as a line of a document, which names the order's other lines by their
//! numbers (`{ "line": "3" }`), since that is how the order knows them.

use std::collections::BTreeMap;

use orderwire_domain::order::{
    Order,
    line::{LineNumber, LineRequest},
};

use super::{
    document::{DOCUMENT_BYTES_MAX, DocumentRequest},
    lines, order_places,
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

/// Has problems of the order's own line point into the body that this line was read from, and others into the order.
/// `None` is a line to be: any that the order does not have yet.
pub fn at_its_place(problems: Vec<Problem>, order: &Order, line: Option<LineNumber>) -> Vec<Problem> {
    let own = |number: LineNumber| match line {
        Some(line) => number == line,
        None => order.line(number).is_none(),
    };
    let (mut here, mut elsewhere) = (Vec::new(), Vec::new());
    for mut problem in problems {
        match order_places::line_of(&problem.pointer) {
            Some((number, field)) if own(number) => {
                problem.pointer = field;
                // A line to be has no number yet.
                problem.line = line.map(|line| line.0);
                here.push(problem);
            }
            _ => elsewhere.push(problem),
        }
    }
    here.extend(order_places::in_order(elsewhere, order));
    here
}
