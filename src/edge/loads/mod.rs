//! Loading reference data from CSV files: addresses, and who holds which range of numbers.
//!
//! Files are read as a stream, so a file of any size takes the same memory. Columns are found by their headings, whose
//! names vary from publisher to publisher. A row that breaks a rule is refused with its line, its column and the rule.
//! Deliberately absent: other formats, downloads, and guessing what a row may have meant.

mod addresses;
mod csv_file;
mod numbering;

use std::io::{self, Read};

use serde::Serialize;

pub use self::{
    addresses::load_addresses,
    numbering::{Providers, Refusing, load_numbering},
};
use super::problem::Problem;
use crate::engine::{self, reference::loads::LoadRecord};

/// Refused rows that a report repeats; the others are counted.
pub const REFUSED_SHOWN_MAX: usize = 1_000;

/// A file to load.
pub struct Source<'a> {
    /// Its name, without the folder, as the record of the load keeps it.
    pub name: String,
    /// Its bytes.
    pub bytes: Box<dyn Read + Send + 'a>,
}

/// A row that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// The file.
    pub file: String,
    /// The line on which the row begins; the headings are line 1.
    pub line: u64,
    /// The column, as its heading has it; empty where the row as a whole is wrong.
    pub column: String,
    /// The rule it breaks, as a stable slug.
    pub code: String,
    /// What is wrong, as a lowercase fragment.
    pub detail: String,
    /// What would be right.
    pub expected: String,
}

/// What became of a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// As it is kept.
    pub record: LoadRecord,
    /// The first refused rows, at most [`REFUSED_SHOWN_MAX`]; the record says how many there were.
    pub refused: Vec<RefusedRow>,
}

/// Why nothing more of a file was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file as a whole is not what it should be.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Problem>),
    /// It cannot be read.
    #[error("{name}: {error}")]
    File {
        /// Which.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// The engine.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

impl From<RefusedRow> for Problem {
    fn from(row: RefusedRow) -> Self {
        let column = if row.column.is_empty() { String::new() } else { format!(", {}", row.column) };
        let place = format!("{}, line {}{column}", row.file, row.line);
        Self::new(&place, &row.code, row.detail, row.expected)
    }
}

/// Refused rows as far as a report repeats them.
#[derive(Default)]
pub(super) struct Refused(Vec<RefusedRow>);

impl Refused {
    fn add(&mut self, row: RefusedRow) {
        if self.0.len() < REFUSED_SHOWN_MAX {
            self.0.push(row);
        }
    }
}
