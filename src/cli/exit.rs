//! How a command ends: the exit codes, and the one place that chooses them.

use std::path::PathBuf;

use clap::error::ErrorKind as Clap;
use serde_json::{Value, json};

use super::Format;
use crate::{
    config::ConfigError,
    edge::{self, Problem, open::OpenError},
    engine::{self, ErrorKind, log::StoreError},
};

/// What `--help` says about exit codes.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  something nobody foresaw
  2  the command line, or a file it names, cannot be used
  3  refused, by the document or by the rules; asking again in the same way changes nothing
  4  a conflict with others; nothing was done, try again
  5  the store is unavailable: unreachable, busy, read-only or full; look whether it was done
  6  the store cannot be used by this program: corrupt, of another schema, or of another master key
  7  what was verified is not what it should be";

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something nobody foresaw.
    Unforeseen = 1,
    /// The command line, or a file it names.
    Usage = 2,
    /// Refused.
    Refused = 3,
    /// Try again.
    Conflict = 4,
    /// Wait.
    Unavailable = 5,
    /// Somebody must look.
    Unusable = 6,
    /// What was verified is not what it should be.
    Found = 7,
}

impl Exit {
    fn word(self) -> &'static str {
        match self {
            Self::Unforeseen => "unforeseen",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Unusable => "unusable",
            Self::Found => "found",
        }
    }
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line cannot be followed.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is set cannot be used.
    #[error("{}", refusal(file.as_ref(), problems))]
    Settings {
        /// The configuration file, if all of it is about one.
        file: Option<PathBuf>,
        /// Why.
        problems: Vec<Problem>,
    },
    /// The document or the rules speak against it.
    #[error("{}", refusal(file.as_ref(), problems))]
    Refused {
        /// The file with the document, if there is one.
        file: Option<PathBuf>,
        /// Why.
        problems: Vec<Problem>,
    },
    /// Some of several documents were not placed; why was said of each.
    #[error("{placed} of {all} orders were placed")]
    Several {
        /// How many were.
        placed: usize,
        /// Of how many.
        all: usize,
        /// How the first of them ended.
        first: Box<Failure>,
    },
    /// A part of what was asked, such as a row of a file, was not done.
    #[error("{place}: {failure}")]
    At {
        /// Which part.
        place: String,
        /// Why.
        failure: Box<Failure>,
    },
    /// What was asked is done; what follows from it is not.
    #[error("done; what follows from it is pending: {0}")]
    Pending(Box<Failure>),
    /// The store was not opened.
    #[error("{store}: {error}")]
    Open {
        /// Which; never with a password.
        store: String,
        /// Why.
        error: OpenError,
    },
    /// The engine.
    #[error(transparent)]
    Engine(engine::Error),
    /// What was verified is not what it should be: where, and what is wrong there.
    #[error("{0}")]
    Found(String),
    /// Nobody foresaw it.
    #[error("{0:#}")]
    Unforeseen(#[from] anyhow::Error),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
}

impl From<edge::Error> for Failure {
    fn from(error: edge::Error) -> Self {
        match error {
            edge::Error::Refused(problems) => Self::Refused { file: None, problems },
            edge::Error::Engine(error) => Self::Engine(error),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::File { file, source } => Self::File { file, source },
            ConfigError::Problems { file, problems } => Self::Settings { file, problems },
        }
    }
}

#[cfg(feature = "server")]
impl From<crate::bench::http::Error> for Failure {
    fn from(error: crate::bench::http::Error) -> Self {
        match error {
            crate::bench::http::Error::Edge(error) => error.into(),
            error => Self::Unforeseen(error.into()),
        }
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        edge::Error::from(error).into()
    }
}

impl Failure {
    /// What clap says about arguments, on one line: what to do about it `--help` says better.
    pub fn of_arguments(error: &clap::Error) -> Self {
        // Of the former clap prints the whole help.
        if let Clap::DisplayHelpOnMissingArgumentOrSubcommand | Clap::MissingSubcommand = error.kind() {
            return Self::Usage("a command is missing; --help names them".to_owned());
        }
        let text = error.render().to_string();
        let what = text.split("\n\nUsage:").next().unwrap_or_default();
        let what = what.split("\n\nFor more information").next().unwrap_or_default();
        let words: Vec<&str> = what.trim_start_matches("error:").split_whitespace().collect();
        Self::Usage(words.join(" "))
    }

    /// A refusal of an argument.
    pub fn of_argument(name: &str, why: impl std::fmt::Display) -> Self {
        Self::Usage(format!("{name}: {why}"))
    }

    /// The same failure, about a document in a file.
    #[must_use]
    pub fn in_file(self, path: &std::path::Path) -> Self {
        match self {
            Self::Refused { problems, .. } => Self::Refused { file: Some(path.to_owned()), problems },
            other => other,
        }
    }

    /// The same failure, about a line of a file.
    #[must_use]
    pub fn in_line(self, path: &std::path::Path, line: usize) -> Self {
        let Self::Refused { mut problems, .. } = self else {
            return Self::At { place: format!("{}, line {line}", path.display()), failure: Box::new(self) };
        };
        for problem in &mut problems {
            problem.pointer = format!("line {line}");
        }
        Self::Refused { file: Some(path.to_owned()), problems }
    }

    /// A failure after what was asked had been done.
    #[must_use]
    pub fn pending(self) -> Self {
        Self::Pending(Box::new(self))
    }

    /// Nothing of that name is there, or it is another reseller's.
    pub fn not_found(what: &str, named: &str) -> Self {
        let detail = format!("there is no {what} `{named}`");
        let problem = Problem {
            pointer: String::new(),
            code: "not_found".to_owned(),
            detail,
            expected: None,
            line: None,
        };
        Self::Refused { file: None, problems: vec![problem] }
    }

    /// The code that the process ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Settings { .. } | Self::File { .. } => Exit::Usage,
            Self::Refused { .. } => Exit::Refused,
            Self::Found(_) => Exit::Found,
            Self::Several { first: failure, .. } | Self::At { failure, .. } | Self::Pending(failure) => {
                failure.exit()
            }
            Self::Open { error, .. } => of_opening(error),
            Self::Engine(error) => of_engine(error),
            Self::Unforeseen(_) | Self::Output(_) => Exit::Unforeseen,
        }
    }

    /// The message for stderr.
    pub fn shown(&self, format: Format) -> String {
        match format {
            Format::Table | Format::Csv => format!("orderwire: {self}"),
            Format::Json | Format::Jsonl => json!({ "error": self.document() }).to_string(),
        }
    }

    fn document(&self) -> Value {
        let (file, problems) = match self {
            Self::Refused { file, problems } | Self::Settings { file, problems } => {
                (file.as_ref(), problems.as_slice())
            }
            Self::File { file, .. } => (Some(file), [].as_slice()),
            _ => (None, [].as_slice()),
        };
        let file = file.map(|file| file.display().to_string());
        let exit = self.exit();
        json!({
            "kind": exit.word(),
            "exit_code": exit as u8,
            "message": self.to_string(),
            "file": file,
            "problems": problems,
        })
    }
}

fn of_opening(error: &OpenError) -> Exit {
    match error {
        OpenError::KeyUnnamed => Exit::Usage,
        OpenError::Store(error) => of_store(error),
        OpenError::Missing
        | OpenError::TableMissing { .. }
        | OpenError::Key(_)
        | OpenError::WrongKey { .. } => Exit::Unusable,
        OpenError::Engine(error) => of_engine(error),
    }
}

fn of_engine(error: &engine::Error) -> Exit {
    match error {
        engine::Error::Store(error) => of_store(error),
        error => match error.kind() {
            ErrorKind::Refused => Exit::Refused,
            ErrorKind::Conflict => Exit::Conflict,
            ErrorKind::Corrupt => Exit::Unusable,
            ErrorKind::Unavailable => Exit::Unavailable,
        },
    }
}

fn of_store(error: &StoreError) -> Exit {
    match error {
        StoreError::Unavailable(_) | StoreError::ReadOnly(_) | StoreError::Full(_) => Exit::Unavailable,
        StoreError::CheckpointMoved { .. } | StoreError::FencedOut(_) => Exit::Conflict,
        StoreError::Corrupt(_)
        | StoreError::SchemaNewer { .. }
        | StoreError::SchemaOlder { .. }
        | StoreError::Unsupported(_) => Exit::Unusable,
    }
}

/// One problem stands on the first line; several stand below it, one on each.
fn refusal(file: Option<&PathBuf>, problems: &[Problem]) -> String {
    let file = file.map(|file| format!("{}: ", file.display())).unwrap_or_default();
    match problems {
        [problem] => format!("{file}{}", shown(problem)),
        problems => {
            let lines: Vec<String> =
                problems.iter().map(|problem| format!("\n  {}", shown(problem))).collect();
            format!("{file}refused for {} reasons{}", problems.len(), lines.concat())
        }
    }
}

fn shown(Problem { pointer, code, detail, expected, .. }: &Problem) -> String {
    let place = if pointer.is_empty() { String::new() } else { format!("{pointer}: ") };
    let expected =
        expected.as_ref().map(|expected| format!("\n      expected {expected}")).unwrap_or_default();
    format!("{place}{detail} [{code}]{expected}")
}
