//! Why a permitted command of a number block was refused.

use chrono::{DateTime, Utc};
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    number::{NumberRange, TelephoneNumber},
    refusal::Rule,
};

/// Why the block was not changed. The code is the variant's name in snake case.
#[derive(Clone, Debug, PartialEq, Eq, Error, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each message says what the variant is")]
pub enum BlockError {
    #[error("{0} does not begin and end with a hundred")]
    NotWholeHundreds(NumberRange),
    #[error("no numbers are named")]
    NumbersMissing,
    #[error("{0} and others, {1} in all, are not in the block")]
    NumbersOutside(TelephoneNumber, usize),
    #[error("{0} and others, {1} in all, rest already")]
    NumbersAtRest(TelephoneNumber, usize),
    #[error("{0} and others, {1} in all, do not rest")]
    NumbersNotAtRest(TelephoneNumber, usize),
    #[error("{0} and others, {1} in all, are with another provider")]
    NumbersPortedOut(TelephoneNumber, usize),
    #[error("{0} and others, {1} in all, are not with another provider")]
    NumbersNotPortedOut(TelephoneNumber, usize),
    #[error("the rest lasts until {0}")]
    QuarantineRuns(DateTime<Utc>),
}

impl Rule for BlockError {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn subject(&self) -> Option<String> {
        let field = if matches!(self, Self::NotWholeHundreds(_)) { "/range" } else { "/numbers" };
        Some(field.to_owned())
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::NotWholeHundreds(_) => Some("whole hundreds, such as 0113 496 0100-299".to_owned()),
            Self::NumbersMissing => Some("at least one number".to_owned()),
            Self::NumbersOutside(..) => Some("numbers of the block".to_owned()),
            _ => None,
        }
    }
}
