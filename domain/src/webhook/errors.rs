//! Why a permitted command of a webhook was refused.

use strum::IntoStaticStr;
use thiserror::Error;

use super::OVERLAP_HOURS_MAX;
use crate::refusal::Rule;

/// Why the webhook was not changed. The code is the variant's name in snake case.
#[derive(Clone, Debug, PartialEq, Eq, Error, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum WebhookError {
    /// A secret that was replaced must end.
    #[error("the old secret would sign for {0} hours more")]
    OverlapTooLong(u32),
}

impl Rule for WebhookError {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn subject(&self) -> Option<String> {
        Some("/overlap_hours".to_owned())
    }

    fn expected(&self) -> Option<String> {
        Some(format!("at most {OVERLAP_HOURS_MAX}"))
    }
}
