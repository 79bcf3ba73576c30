//! What a refused caller is told: every reason at once, each with a stable code and what would be right.

use serde::{Deserialize, Serialize};

/// A rule that can speak against a command. Its `Display` says what was wrong, as a lowercase fragment.
pub trait Rule: std::error::Error + Clone + PartialEq + Send + Sync + 'static {
    /// A stable slug.
    fn code(&self) -> &'static str;
    /// What it is about, as a JSON Pointer into the order document or resource, such as `/lines/3/mac`.
    fn subject(&self) -> Option<String> {
        None
    }
    /// What would be right, where that can be said.
    fn expected(&self) -> Option<String> {
        None
    }
}

/// One reason of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable slug.
    pub code: String,
    /// What it is about, as a JSON Pointer.
    pub subject: Option<String>,
    /// What was wrong.
    pub detail: String,
    /// What would be right.
    pub expected: Option<String>,
}

impl Reason {
    /// The reason that a rule gives.
    pub fn from_rule(rule: &impl Rule) -> Self {
        Self {
            code: rule.code().to_owned(),
            subject: rule.subject(),
            detail: rule.to_string(),
            expected: rule.expected(),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(subject) = &self.subject {
            write!(out, "{subject}: ")?;
        }
        write!(out, "{} [{}]", self.detail, self.code)?;
        if let Some(expected) = &self.expected {
            write!(out, "; expected {expected}")?;
        }
        Ok(())
    }
}
