//! Why a permitted command of a reseller was refused.

use strum::IntoStaticStr;
use thiserror::Error;

use crate::refusal::Rule;

/// Why the reseller was not changed. The code is the variant's name in snake case.
#[derive(Clone, Debug, PartialEq, Eq, Error, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ResellerError {
    /// Somebody would be left without a reseller.
    #[error("{0} of its companies are neither released, expired nor ceased")]
    LiveCompanies(u32),
}

impl Rule for ResellerError {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn expected(&self) -> Option<String> {
        Some("no live company".to_owned())
    }
}
