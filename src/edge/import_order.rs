//! Import orders: new numbers, or one port, said in one flat document that becomes an order document of one line.
//!
//! Deliberately absent: everything else an order can ask for, which is an order document's.

use orderwire_domain::{lead_time::PortClass, order::line::LineNumber};
use sha2::{Digest as _, Sha256};
use strum::{Display, VariantArray};

use super::{
    document::{self, DOCUMENT_BYTES_MAX, DocumentLine, DocumentRequest, LineNames, OrderDocument},
    lines,
    problem::{Error, Problem},
    reader::{self, Fields},
};

/// What an import order brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum ImportKind {
    /// One number of another provider.
    SingleLine,
    /// An installation of another provider: a main billing number with others.
    MultiLine,
    /// Numbers of our stock.
    NewNumbers,
}

/// Reads an import order, or says everything that is wrong with it.
pub fn parse(text: &str) -> Result<OrderDocument, Vec<Problem>> {
    reader::read(text, DOCUMENT_BYTES_MAX, |it| {
        it.object(|fields| {
            let Some(kind) = fields.required("kind", |it| it.word(ImportKind::VARIANTS)) else {
                // Which fields there should be depends on the kind.
                fields.take_all();
                return None;
            };
            let reference = fields.required("reference", |it| it.parsed());
            let reseller = fields.optional("reseller", |it| it.parsed());
            let company = match kind {
                // Ported numbers can wait for their company; ours are somebody's from the first.
                ImportKind::NewNumbers => fields.required("company", |it| document::company(&it)).map(Some),
                _ => fields.optional("company", |it| document::company(&it)),
            };
            let request = request(kind, fields);
            Some(OrderDocument {
                reference: reference?,
                reseller: reseller?,
                company: company?,
                lines: vec![DocumentLine { id: kind.to_string(), request: request? }],
                digest: Sha256::digest(text).into(),
            })
        })
    })
}

fn request(kind: ImportKind, fields: &Fields<'_>) -> Option<DocumentRequest> {
    let names = LineNames::new();
    match kind {
        ImportKind::SingleLine => lines::port_of(Some(PortClass::SingleLine), fields, &names),
        ImportKind::MultiLine => lines::port_of(Some(PortClass::MultiLine), fields, &names),
        ImportKind::NewNumbers => lines::new_numbers(fields, &names),
    }
}

/// Has what the rules say of the one line point into the flat document.
pub fn at_its_place(error: Error) -> Error {
    const LINE: &str = "/lines/0";
    let place = |mut problem: Problem| {
        problem.line = None;
        if let Some(field) = problem.pointer.strip_prefix(LINE) {
            let field = field.strip_prefix("/ask/search").unwrap_or(field);
            problem.pointer = String::from(field.strip_prefix("/by").unwrap_or(field));
        }
        let named = format!("line {} (", LineNumber(1));
        if let Some(rest) = problem.detail.strip_prefix(&named)
            && let Some((_, detail)) = rest.split_once("): ")
        {
            problem.detail = String::from(detail);
        }
        problem
    };
    match error {
        Error::Refused(problems) => Error::Refused(problems.into_iter().map(place).collect()),
        error @ Error::Engine(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use orderwire_domain::order::line::{NumberAsk, SearchBy};

    use super::*;

    fn wrong(text: &str) -> Vec<(String, String)> {
        let problems = parse(text).unwrap_err();
        problems.into_iter().map(|problem| (problem.pointer, problem.code)).collect()
    }

    #[test]
    fn new_numbers_are_a_search_for_a_company() {
        let document = parse(
            r#"{"kind": "new_numbers", "reference": "PO-1", "company": {"domain": "acme.example"},
                "place": "Leeds", "quantity": 40, "contiguous": true}"#,
        )
        .unwrap();
        let [DocumentLine { request: DocumentRequest::Numbers { ask: NumberAsk::Search(search), .. }, .. }] =
            document.lines.as_slice()
        else {
            panic!("{document:?}")
        };
        assert!(search.contiguous && search.quantity == 40 && matches!(search.by, SearchBy::Place(_)));
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let both = wrong(r#"{"kind": "new_numbers", "area_code": "0113", "place": "Leeds", "quantity": 0}"#);
        let expected = [
            ("/reference", "field_missing"),
            ("/company", "field_missing"),
            ("", "choice"),
            ("/quantity", "number_out_of_bounds"),
        ];
        assert_eq!(both, expected.map(|(at, code)| (at.to_owned(), code.to_owned())));
        let class = wrong(r#"{"kind": "single_line", "class": "multi_line"}"#);
        assert!(class.contains(&("/class".to_owned(), "field_unknown".to_owned())), "{class:?}");
    }
}
