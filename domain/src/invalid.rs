//! One error for every value that is parsed once, at the edge.

use serde::{Deserialize, Serialize};

/// Why a piece of text is not the value it should be: a stable code, what was wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}; expected {expected}")]
pub struct Invalid {
    /// A stable slug, such as `number_too_long`.
    pub code: String,
    /// What was wrong, as a lowercase fragment.
    pub detail: String,
    /// What would be right.
    pub expected: String,
}

impl Invalid {
    /// An error from its three parts.
    pub fn new(code: &str, detail: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), expected: expected.into() }
    }
}
