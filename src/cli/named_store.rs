//! `--store`: which store is meant, and whether the command line itself says so.
//!
//! The environment names the store that is in service. What fills a store with made-up data takes only one that was named
//! on the command line.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, error::ErrorKind, parser::ValueSource};

use crate::stores::misnamed;

const STORE: &str = "store";

/// The store that was named, and where.
#[derive(Debug)]
pub struct NamedStore {
    /// Its URL or path, from the command line or the environment.
    pub url: Option<String>,
    on_command_line: bool,
}

impl NamedStore {
    /// Forgets a store that only the environment names.
    #[must_use]
    pub fn explicit(self) -> Self {
        let url = self.url.filter(|_| self.on_command_line);
        Self { url, ..self }
    }
}

impl Args for NamedStore {
    fn augment_args(command: Command) -> Command {
        command.arg(
            Arg::new(STORE)
                .long(STORE)
                .global(true)
                .value_name("URL")
                .env("ORDERWIRE_STORE")
                .hide_env_values(true)
                .help("The store: a path or sqlite:PATH, or postgres://…; orderwire.db where none is named"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for NamedStore {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let url = matches.get_one::<String>(STORE).cloned();
        if let Some(why) = url.as_deref().and_then(misnamed) {
            return Err(clap::Error::raw(ErrorKind::ValueValidation, format!("--store: {why}\n")));
        }
        let on_command_line = matches.value_source(STORE) == Some(ValueSource::CommandLine);
        Ok(Self { url, on_command_line })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
