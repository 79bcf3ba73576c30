//! Order documents: the JSON that a reseller sends, one document per order.
//!
//! A line has a name of the reseller's own, and other lines refer to it by that name; here the names become line numbers
//! (the n-th line of the document is line n). What people are called is plain text in a document and is sealed before
//! anything is asked of the engine, and names of what the company has become ids then. Deliberately absent: every rule
//! that needs more than the document to be judged.

use std::collections::BTreeMap;

use orderwire_domain::{
    ids::CompanyId,
    names::{CompanyName, Domain, OrderReference, ResellerCode},
    order::line::LineNumber,
};
use sha2::{Digest, Sha256};

pub use super::lines::{
    DocumentAddress, DocumentAsset, DocumentContact, DocumentEmergency, DocumentParent, DocumentPort,
    DocumentRequest, DocumentSite, DocumentUser, LINE_KINDS, Personal,
};
use super::{
    json::{self, Node},
    lines,
    problem::Problem,
    reader::{Problems, Spot},
};

/// Longest document: several times the largest order that a reseller of ours would write by hand or machine.
pub const DOCUMENT_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Most lines of a document; the rules may allow fewer.
pub const DOCUMENT_LINES_MAX: usize = 10_000;
/// Longest name of a line, in characters.
pub const LINE_ID_MAX: usize = 80;

/// An order as a reseller sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderDocument {
    /// The reseller's own reference of the order.
    pub reference: OrderReference,
    /// Whose order it is; it may be absent where the caller is a reseller.
    pub reseller: Option<ResellerCode>,
    /// For which company; an import of numbers may name none.
    pub company: Option<DocumentCompany>,
    /// Its lines.
    pub lines: Vec<DocumentLine>,
    /// SHA-256 of the document as it was sent.
    pub digest: [u8; 32],
}

/// The company that an order is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentCompany {
    /// One that does not exist yet; it is qualified first.
    New {
        /// Its name.
        name: CompanyName,
        /// Its internet domain.
        domain: Domain,
    },
    /// One that the reseller has, by its service reference.
    ServiceReference(CompanyId),
    /// One that the reseller has, by its internet domain.
    Domain(Domain),
}

/// A line of an order document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentLine {
    /// The reseller's own name of it, unique in the document.
    pub id: String,
    /// What it asks for.
    pub request: DocumentRequest,
}

/// Reads an order document, or says everything that is wrong with it.
pub fn parse(text: &str) -> Result<OrderDocument, Vec<Problem>> {
    let node = json::parse(text, DOCUMENT_BYTES_MAX).map_err(|problem| vec![problem])?;
    let problems = Problems::default();
    let document = Spot::document(&node, &problems).object(|fields| {
        let reference = fields.required("reference", |it| it.parsed());
        let reseller = fields.optional("reseller", |it| it.parsed());
        let company = fields.optional("company", |it| company(&it));
        let names = line_names(&node);
        let lines = fields.required("lines", |it| it.list(DOCUMENT_LINES_MAX, |it| line(&it, &names)));
        Some(OrderDocument {
            reference: reference?,
            reseller: reseller?,
            company: company?,
            lines: lines?,
            digest: Sha256::digest(text).into(),
        })
    });
    let problems = problems.into_vec();
    match document {
        Some(document) if problems.is_empty() => Ok(document),
        _ => Err(problems.into_iter().map(numbered).collect()),
    }
}

/// A problem with the number of the line that it is about: the n-th of the document is line n.
fn numbered(mut problem: Problem) -> Problem {
    let index = problem.pointer.strip_prefix("/lines/").and_then(|rest| rest.split('/').next());
    problem.line = index.and_then(|index| index.parse::<u32>().ok()).and_then(|index| index.checked_add(1));
    problem
}

/// How a document names its company.
const COMPANY: &str = "{ \"service_reference\": \"com_…\" } or { \"domain\": … } for one that is there, { \"name\": …, \"domain\": … } \
    for a new one";

pub(super) fn company(spot: &Spot<'_>) -> Option<DocumentCompany> {
    if !spot.is_object() {
        let detail = format!("this is {}", spot.kind());
        return spot.refuse("type_wrong", detail, COMPANY);
    }
    spot.object(|fields| {
        if fields.has("service_reference") {
            let id = fields.required("service_reference", |it| it.parsed());
            return Some(DocumentCompany::ServiceReference(id?));
        }
        let domain = fields.required("domain", |it| it.parsed());
        let name = fields.optional("name", |it| it.parsed());
        Some(match (name?, domain?) {
            (Some(name), domain) => DocumentCompany::New { name, domain },
            (None, domain) => DocumentCompany::Domain(domain),
        })
    })
}

/// The lines by their names, which other lines may use before they stand.
pub(super) type LineNames<'a> = BTreeMap<&'a str, LineNumber>;

/// The names of the lines; of two equal ones the first.
fn line_names(document: &Node) -> LineNames<'_> {
    let mut names = LineNames::new();
    if let Some(Node::List(lines)) = field(document, "lines") {
        for (number, line) in (1..).map(LineNumber).zip(lines) {
            if let Some(Node::Text(id)) = field(line, "id") {
                names.entry(id).or_insert(number);
            }
        }
    }
    names
}

fn field<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Node::Object(fields) = node else { return None };
    fields.iter().find(|(key, _)| key == name).map(|(_, node)| node)
}

fn line(spot: &Spot<'_>, names: &LineNames<'_>) -> Option<DocumentLine> {
    spot.object(|fields| {
        let id = fields.required("id", |it| line_id(&it, names));
        let request = lines::request(fields, names);
        Some(DocumentLine { id: id?, request: request? })
    })
}

fn line_id(spot: &Spot<'_>, names: &LineNames<'_>) -> Option<String> {
    let id = spot.line(LINE_ID_MAX)?;
    let number = names.get(spot.text()?)?;
    let at_first = format!("/lines/{}/id", number.0 - 1);
    if spot.pointer() != at_first {
        return spot.refuse(
            "line_id_twice",
            format!("`{id}` is the id of {at_first} already"),
            "an id of its own",
        );
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(String, String)> {
        let problems = parse(text).expect_err("it has problems");
        problems.into_iter().map(|problem| (problem.pointer, problem.code)).collect()
    }

    fn with_lines(lines: &str) -> String {
        format!(r#"{{"reference": "PO-1", "reseller": "R100", "lines": [{lines}]}}"#)
    }

    #[test]
    fn lines_refer_to_each_other_by_name() {
        let text = with_lines(
            r#"{"kind": "device", "id": "phone", "user": {"line": "ada"}, "model": "desk_phone_t1", "mac": "00:15:65:00:00:01"},
            {"kind": "user", "id": "ada", "site": {"line": "leeds"}, "first_name": "Ada", "last_name": "Lovelace",
             "username": "ada", "extension": "201", "primary_number": {"from": "new"}},
            {"kind": "numbers", "id": "new", "ask": {"search": {"by": {"area_code": "0113"}, "quantity": 2}}},
            {"kind": "site", "id": "leeds", "name": "Leeds", "location_code": "45", "extension_length": 3,
             "address": {"known": "A00000000001"}, "numbers": [{"line": "new"}]}"#,
        );
        let document = parse(&text).unwrap();
        let DocumentRequest::User(user) = &document.lines[1].request else { panic!("a user") };
        assert_eq!(user.site, DocumentParent::Line(LineNumber(4)));
        assert!(!format!("{document:?}").contains("Lovelace"), "personal data is not shown");
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let text = with_lines(
            r#"{"kind": "numbers", "id": "a", "ask": {"numbers": ["0113 496 0000-0114 496 0000", 5]}, "site": {"line": "b"}},
            {"kind": "user", "id": "a", "site": {"line": "nowhere"}, "first_name": "", "last_name": "X", "username": "Ada",
             "extension": "999", "colour": "red", "extension": "201"},
            {"kind": "unicorn", "id": "b", "horn": 1}"#,
        );
        let expected = [
            ("/lines/0/ask/numbers/0", "range_two_areas"),
            ("/lines/0/ask/numbers/1", "type_wrong"),
            ("/lines/0/site", "site_not_existing"),
            ("/lines/1/extension", "field_twice"),
            ("/lines/1/id", "line_id_twice"),
            ("/lines/1/site/line", "line_unknown"),
            ("/lines/1/first_name", "person_name_empty"),
            ("/lines/1/username", "username_character"),
            ("/lines/1/colour", "field_unknown"),
            ("/lines/2/kind", "word_unknown"),
        ];
        let expected: Vec<_> =
            expected.into_iter().map(|(at, code)| (at.to_owned(), code.to_owned())).collect();
        assert_eq!(problems(&text), expected);
    }

    #[test]
    fn a_document_is_bounded() {
        let problem = |text: &str| problems(text).remove(0).1;
        assert_eq!(problem(&" ".repeat(DOCUMENT_BYTES_MAX + 1)), "document_too_large");
        assert_eq!(problem(&with_lines(&vec!["{}"; DOCUMENT_LINES_MAX + 1].join(","))), "list_too_long");
        let many = problems(&with_lines(&vec!["{}"; DOCUMENT_LINES_MAX].join(",")));
        assert_eq!(many.last().unwrap().1, "too_many_problems");
        assert_eq!(problem("[]"), "type_wrong");
    }
}
