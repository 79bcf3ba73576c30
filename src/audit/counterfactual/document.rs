//! Other rules as somebody wrote them: read, put in the place of what is in force, and told what is wrong in words of the file.
//!
//! The rules read a document as a whole and stop at the first fault. So that a file with several is told all of them, each where it
//! stands, every value of it is also tried alone on the rules in force. Deliberately absent: what the values mean.

use orderwire_domain::rules::{RULES_TEXT_MAX, Rules};
use serde_json::{Map, Value};

use crate::edge::{
    Error, Problem,
    json::{self, Node, below},
};

/// Values of a file that are tried alone, past which only the first fault is told: each is a document to read.
const TRIED_MAX: usize = 500;
/// What only shows when several values are put together.
const TOGETHER: &str = "quarantine_too_short";

/// Rules from a document, or from a part of one that is put in the place of what is in force (RFC 7396).
pub fn rules(text: &str, in_force: &Rules) -> Result<Rules, Error> {
    let node = json::parse(text, RULES_TEXT_MAX).map_err(Error::refused)?;
    let mut problems = Vec::new();
    let patch = value(node, "", &mut problems);
    if !patch.is_object() {
        problems.push(Problem::new(
            "",
            "type_wrong",
            "this is no object",
            "a rules document, or a part of one",
        ));
    }
    let base: Value = serde_json::from_str(&in_force.to_json()).expect("the rules are JSON");
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    let mut document = base.clone();
    merge(&mut document, patch.clone());
    let whole = match Rules::from_json(&document.to_string()) {
        Ok(rules) => return Ok(rules),
        Err(whole) => whole,
    };
    let mut changes = Vec::new();
    gather(String::new(), &base, patch, &mut changes);
    for (pointer, change) in changes.iter().take(TRIED_MAX) {
        let mut document = base.clone();
        put(&mut document, pointer, change.clone());
        match Rules::from_json(&document.to_string()) {
            Err(alone) if alone.code != TOGETHER => problems.push(said(pointer, alone)),
            _ => {}
        }
    }
    if problems.is_empty() {
        problems.push(said("", whole));
    }
    Err(Error::Refused(problems))
}

/// A fault without the place in a text that nobody wrote.
fn said(pointer: &str, mut invalid: orderwire_domain::invalid::Invalid) -> Problem {
    if let Some(place) = invalid.detail.rfind(" at line ") {
        invalid.detail.truncate(place);
    }
    if !pointer.is_empty() && invalid.code == "rules_malformed" {
        "what `orderwire rules show` has there".clone_into(&mut invalid.expected);
    }
    Problem::invalid(pointer, invalid)
}

/// The value as it was sent; a key that stands twice is told.
fn value(node: Node, at: &str, problems: &mut Vec<Problem>) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Flag(flag) => Value::Bool(flag),
        Node::Number(number) => Value::Number(number),
        Node::Text(text) => Value::String(text),
        Node::List(items) => {
            let items = items.into_iter().enumerate();
            items.map(|(index, item)| value(item, &below(at, index), problems)).collect()
        }
        Node::Object(fields) => {
            let mut object = Map::new();
            for (name, field) in fields {
                let at = below(at, &name);
                let field = value(field, &at, problems);
                if object.insert(name, field).is_some() {
                    problems.push(Problem::new(&at, "field_twice", "this field is there twice", "it once"));
                }
            }
            Value::Object(object)
        }
    }
}

/// Puts the fields of a patch into a document; null removes.
fn merge(document: &mut Value, patch: Value) {
    match (document, patch) {
        (Value::Object(document), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    document.remove(&name);
                } else {
                    merge(document.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (document, patch) => *document = patch,
    }
}

/// Every value of a patch that has no values of its own in the document, with its pointer. A list of as many items is gone through.
fn gather(at: String, base: &Value, patch: Value, found: &mut Vec<(String, Value)>) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (name, value) in patch {
                let at = below(&at, &name);
                match base.get(&name) {
                    Some(base) => gather(at, base, value, found),
                    None => found.push((at, value)),
                }
            }
        }
        (Value::Array(base), Value::Array(patch)) if base.len() == patch.len() => {
            for (index, (base, value)) in base.iter().zip(patch).enumerate() {
                gather(below(&at, index), base, value, found);
            }
        }
        (base, patch) if *base == patch => {}
        (_, patch) => found.push((at, patch)),
    }
}

/// Puts one value where its pointer says; null removes.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        *document = value;
        return;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(fields)) if value.is_null() => {
            fields.remove(&name);
        }
        Some(Value::Object(fields)) => {
            fields.insert(name, value);
        }
        Some(Value::Array(items)) => {
            if let Some(item) = name.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                *item = value;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, String)> {
        let refused = rules(text, &Rules::bundled()).unwrap_err();
        let told = refused.problems().iter().map(|it| (it.pointer.clone(), it.code.clone()));
        assert!(!refused.to_string().contains(" at line 1 column ") || text.contains("]]"), "{refused}");
        told.collect()
    }

    fn at(pointer: &str, code: &str) -> (String, String) {
        (pointer.to_owned(), code.to_owned())
    }

    #[test]
    fn every_fault_of_a_file_is_told_where_it_stands() {
        let wrong = r#"{"limits": {"reservation_days": 0, "qualification_days": "30", "days": 1, "site_users_max": 3000000},
            "cut_off_hour": {}, "calendar": null}"#;
        assert_eq!(
            told(wrong),
            [
                at("/limits/reservation_days", "limit_zero"),
                at("/limits/qualification_days", "rules_malformed"),
                at("/limits/days", "rules_malformed"),
                at("/limits/site_users_max", "limit_too_high"),
                at("/cut_off_hour", "rules_malformed"),
                at("/calendar", "rules_malformed"),
            ]
        );
        let mut lead_times: Value =
            serde_json::from_str::<Value>(&Rules::bundled().to_json()).unwrap()["lead_times"].take();
        lead_times[0]["rows"][0]["provide"] = "four".into();
        let rows = serde_json::json!({ "lead_times": lead_times }).to_string();
        assert_eq!(told(&rows), [at("/lead_times/0/rows/0/provide", "rules_malformed")]);
        assert_eq!(told(r#"{"limits": {"quarantine_days": 1}}"#), [at("", "quarantine_too_short")]);
    }

    #[test]
    fn what_stands_twice_and_what_is_no_document_is_refused() {
        let twice = r#"{"limits": {"reservation_days": 3, "reservation_days": 4}}"#;
        assert_eq!(told(twice), [at("/limits/reservation_days", "field_twice")]);
        assert_eq!(told("[]"), [at("", "type_wrong")]);
        assert_eq!(told("{]]"), [at("", "json_malformed")]);
    }
}
