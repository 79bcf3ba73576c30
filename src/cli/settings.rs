//! `orderwire config`: what is set, where, and whether a file may be used.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failure, Output, output::Column};
use crate::config::{self, Config, Shown};

/// What can be asked of the configuration.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every setting as it is in force, and which flag, variable or file says so; secrets are masked
    Show,
    /// Whether a configuration file can be used; names every problem, with its line
    Check(Check),
}

/// Which file.
#[derive(Debug, Args)]
pub struct Check {
    file: PathBuf,
}

const SHOWN: &[Column<Shown>] = &[
    ("setting", |it| it.setting.to_owned()),
    ("value", |it| it.value.clone().unwrap_or_else(|| "-".to_owned())),
    ("from", |it| it.source.to_owned()),
    ("named", |it| it.named.clone().unwrap_or_default()),
];

/// Does what was asked.
pub fn run(command: &Command, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::Show => Ok(output.list(&config.shown(), SHOWN)?),
        Command::Check(Check { file }) => {
            let text = config::text(file).map_err(|source| Failure::File { file: file.clone(), source })?;
            let problems = config::check(&text);
            if !problems.is_empty() {
                return Err(Failure::Settings { file: Some(file.clone()), problems });
            }
            Ok(output.remark(&format!("{} can be used", file.display()))?)
        }
    }
}
