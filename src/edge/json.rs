//! JSON as it was sent: duplicate keys and the order of fields are kept, so that both can be judged.
//!
//! `serde_json::Value` keeps the last of two equal keys without a word; whoever sent both meant something else.
//! Depth is bounded by `serde_json` (128), the number of nodes by the bound on the text.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::problem::Problem;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(serde_json::Number),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object, with its keys as they came, equal ones too.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// Its type, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads JSON text of at most `bytes_max` bytes.
pub fn parse(text: &str, bytes_max: usize) -> Result<Node, Problem> {
    if text.len() > bytes_max {
        let detail = format!("the document has {} bytes", text.len());
        return Err(Problem::new("", "document_too_large", detail, format!("at most {bytes_max} bytes")));
    }
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("this is not JSON: {error}");
        Problem::new("", "json_malformed", detail, "one JSON object")
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Node, E> {
        serde_json::Number::from_f64(number).map(Node::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Node::Object(object))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Node, E> {
        Err(E::custom("an absent value"))
    }
}

/// The JSON Pointer of a field or item below another.
pub fn below(pointer: &str, name: impl fmt::Display) -> String {
    let name = name.to_string().replace('~', "~0").replace('/', "~1");
    format!("{pointer}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_of_two_equal_keys_are_kept() {
        let Node::Object(fields) = parse(r#"{"a": 1, "b": [null, true, "x"], "a": 2.5}"#, 100).unwrap()
        else {
            panic!("an object");
        };
        assert_eq!(fields.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "b", "a"]);
    }

    #[test]
    fn what_is_too_deep_or_too_large_is_refused() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        assert_eq!(parse(&deep, 10_000).unwrap_err().code, "json_malformed");
        assert_eq!(parse(&deep, 1_999).unwrap_err().code, "document_too_large");
        assert!(parse("{} {}", 100).unwrap_err().detail.contains("line 1 column 4"));
    }

    #[test]
    fn a_pointer_escapes_what_it_is_made_of() {
        assert_eq!(below("/lines/0", "a/b~c"), "/lines/0/a~1b~0c");
    }
}
