//! Where in an order something is wrong. The rules know a line by its number; whoever wrote the order points into its list
//! of lines, counted from 0. Both are said.
//!
//! Deliberately absent: the one line that a request is itself about ([`draft_line`](super::draft_line)).

use std::collections::BTreeMap;

use orderwire_domain::order::{Order, line::LineNumber};

use super::problem::Problem;

/// The line that the rules point to, and the field of it as documents have it.
pub(super) fn line_of(pointer: &str) -> Option<(LineNumber, String)> {
    let rest = pointer.strip_prefix("/lines/")?;
    let (number, field) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // A search is one way to ask, so a document has a level more than the rules.
    let field = if field == "/ask/quantity" { "/ask/search/quantity" } else { field };
    Some((LineNumber(number.parse().ok()?), field.to_owned()))
}

/// Has what the rules say of lines point into the order's list of lines as it is shown, as into the document that it could
/// be written in: `/lines/2/extension` for the third of them, whose number is `line`.
pub fn in_order(problems: Vec<Problem>, order: &Order) -> Vec<Problem> {
    let indices: BTreeMap<LineNumber, usize> = order.lines().map(|(line, _)| line).zip(0..).collect();
    let place = |mut problem: Problem| {
        if let Some((line, field)) = line_of(&problem.pointer) {
            problem.line = Some(line.0);
            problem.pointer = match indices.get(&line) {
                Some(index) => format!("/lines/{index}{field}"),
                None => "/lines".to_owned(),
            };
        }
        problem
    };
    problems.into_iter().map(place).collect()
}
