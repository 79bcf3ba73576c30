//! Where the requests of a reseller can name something, taken from the document: so an operation, a parameter or a field
//! that is added is walked too, or the test says that it does not know what to put there.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

/// Schemas of texts that name something which somebody has.
const NAMES: [&str; 9] = [
    "AddressKey",
    "AssetId",
    "CompanyId",
    "CugId",
    "NumberRange",
    "OrderId",
    "ResellerCode",
    "ReservationId",
    "TelephoneNumber",
];
/// Parameters whose schema is no name, and which say where somebody is in a list or what somebody calls its own.
const OTHER_NAMES: [(&str, &str); 3] =
    [("cursor", "Cursor"), ("reference", "OrderReference"), ("domain", "Domain")];
/// Parameters that name nothing which anybody has.
const NAME_NOTHING: [&str; 14] = [
    "after",
    "area_code",
    "contiguous",
    "limit",
    "origin",
    "place",
    "postcode",
    "state",
    "status",
    "text",
    "types",
    "unallocated",
    "wait",
    "line",
];

/// An operation that a reseller may ask for.
pub struct Operation {
    pub id: String,
    pub method: Method,
    pub path: String,
    /// The example of its body.
    pub example: Option<Value>,
    pub slots: Vec<Slot>,
}

/// A place in a request that names something of this kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    Path {
        name: String,
        kind: String,
    },
    Query {
        name: String,
        kind: String,
    },
    /// By its JSON Pointer, with `-` for any element of a list.
    Body {
        pointer: String,
        kind: String,
    },
}

/// Every operation of a reseller.
pub fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let roles = operation["x-roles"].as_array();
            if roles.is_some_and(|roles| roles.contains(&"reseller".into())) {
                let body = &operation["requestBody"]["content"]["application/json"];
                found.push(Operation {
                    id: operation["operationId"].as_str().unwrap().to_owned(),
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                    example: (!body["example"].is_null()).then(|| body["example"].clone()),
                    slots: slots(document, path, operation),
                });
            }
        }
    }
    found
}

fn slots(document: &Value, path: &str, operation: &Value) -> Vec<Slot> {
    let mut slots = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let Some(name) = parameter["name"].as_str() else { continue };
        if NAME_NOTHING.contains(&name) {
            continue;
        }
        let name = name.to_owned();
        match parameter["in"].as_str().unwrap() {
            "path" => slots.push(Slot::Path { kind: of_path(path, &name), name }),
            "query" => slots.push(Slot::Query { kind: of_query(path, parameter, &name), name }),
            _ => {}
        }
    }
    let mut fields = BTreeSet::new();
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    of_body(document, schema, "", &mut Vec::new(), &mut fields);
    slots.extend(fields.into_iter().map(|(pointer, kind)| Slot::Body { pointer, kind }));
    slots
}

fn of_path(path: &str, name: &str) -> String {
    let kind = match name {
        "asset" => "AssetId",
        "number" => "TelephoneNumber",
        "key" => "AddressKey",
        "id" => match path.split('/').nth(2).unwrap() {
            "companies" => "CompanyId",
            "orders" => "OrderId",
            "port-requests" => "PortRequestId",
            "reservations" => "ReservationId",
            "webhooks" => "WebhookId",
            other => panic!("this test does not know what `{other}` have as ids"),
        },
        other => panic!("this test does not know what `{other}` in {path} names"),
    };
    kind.to_owned()
}

fn of_query(path: &str, parameter: &Value, name: &str) -> String {
    if let Some((_, kind)) = OTHER_NAMES.iter().find(|(known, _)| *known == name) {
        return (*kind).to_owned();
    }
    let kind = parameter["schema"]["$ref"].as_str().and_then(|it| it.rsplit('/').next()).unwrap_or_default();
    assert!(NAMES.contains(&kind), "this test does not know whether `{name}` of {path} names anything");
    kind.to_owned()
}

fn of_body(
    document: &Value,
    schema: &Value,
    at: &str,
    within: &mut Vec<String>,
    found: &mut BTreeSet<(String, String)>,
) {
    if let Some(name) = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
        if NAMES.contains(&name) {
            found.insert((at.to_owned(), name.to_owned()));
        } else if !within.iter().any(|outer| outer == name) {
            within.push(name.to_owned());
            of_body(document, &document["components"]["schemas"][name], at, within, found);
            within.pop();
        }
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        for schema in schema[choice].as_array().into_iter().flatten() {
            of_body(document, schema, at, within, found);
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        of_body(document, schema, &format!("{at}/{name}"), within, found);
    }
    if schema["items"].is_object() {
        of_body(document, &schema["items"], &format!("{at}/-"), within, found);
    }
}
