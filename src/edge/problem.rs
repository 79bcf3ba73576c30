//! What is wrong with something that came from outside, so that whoever sent it can put it right.

use std::fmt;

use orderwire_domain::{invalid::Invalid, refusal::Reason};
use serde::Serialize;

use crate::engine::{self, ErrorKind};

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a JSON Pointer into the document; empty for the document as a whole.
    pub pointer: String,
    /// A stable slug.
    pub code: String,
    /// What is wrong, as a lowercase fragment.
    pub detail: String,
    /// What would be right, where that can be said.
    pub expected: Option<String>,
    /// The number of the line of an order that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(pointer: &str, code: &str, detail: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            detail: detail.into(),
            expected: Some(expected.into()),
            line: None,
        }
    }

    /// Shows a name as it was typed, where the rules show the key by which they compare it.
    #[must_use]
    pub fn as_typed(mut self, key: &str, typed: &str) -> Self {
        self.detail = self.detail.replace(&format!("`{key}`"), &format!("`{typed}`"));
        self
    }

    /// What a parser of the domain says about the text at a place.
    pub fn invalid(pointer: &str, invalid: Invalid) -> Self {
        Self::new(pointer, &invalid.code, invalid.detail, invalid.expected)
    }
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        let Reason { code, subject, detail, expected } = reason;
        Self { pointer: subject.unwrap_or_default(), code, detail, expected, line: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(out, "{}: ", self.pointer)?;
        }
        write!(out, "{} [{}]", self.detail, self.code)?;
        match &self.expected {
            Some(expected) => write!(out, "; expected {expected}"),
            None => Ok(()),
        }
    }
}

/// Why what was asked at the edge was not done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The document or the rules speak against it; every problem is named.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Problem>),
    /// Anything else that the engine says.
    #[error(transparent)]
    Engine(engine::Error),
}

impl Error {
    /// A refusal for one problem.
    pub fn refused(problem: Problem) -> Self {
        Self::Refused(vec![problem])
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(_) => ErrorKind::Refused,
            Self::Engine(error) => error.kind(),
        }
    }

    /// The problems of a refusal; of anything else none.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Refused(problems) => problems,
            Self::Engine(_) => &[],
        }
    }
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Refused(reasons) => {
                Self::Refused(reasons.into_iter().map(Problem::from).collect())
            }
            other => Self::Engine(other),
        }
    }
}
