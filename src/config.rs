//! Configuration: flag before environment before file before default, decided here and nowhere else.
//!
//! One table, [`SETTINGS`], says what can be set; a setting has the same name in the file, in the environment and in
//! `orderwire config show`. This is the only reader of the environment besides `main`. Deliberately absent: what belongs to
//! one request, such as `--as`, and any use of a value.

mod audit;
mod file;
mod issuer;
mod nats;
mod server;
mod settings;

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
};

pub use self::{
    audit::AuditSettings,
    file::{NAME, check},
    issuer::{IssuerSettings, KeysFrom},
    nats::{Login, NatsSettings},
    server::ServerSettings,
    settings::{FORMATS, Kind, SETTINGS, Setting, Shown, Value, setting},
};
use crate::edge::Problem;

/// The variable that names the file.
pub const FILE_VARIABLE: &str = "ORDERWIRE_CONFIG";
/// A configuration file has at most this many bytes; it is written by hand.
pub const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Where a value came from, the weakest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

impl Source {
    /// One word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File(_) => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was named, or one that is there, cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is set cannot be used.
    #[error("{} settings cannot be used", problems.len())]
    Problems {
        /// The file, if all of it is about one.
        file: Option<PathBuf>,
        /// What is wrong, and what would be right. Never a secret.
        problems: Vec<Problem>,
    },
}

/// What is outside: variables and folders, so that tests can have others.
pub struct Surroundings<'a> {
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Where a command works.
    pub working_folder: PathBuf,
}

/// What is in force: the value of every setting that somebody set, and where it came from.
#[derive(Clone, Debug, Default)]
pub struct Config {
    values: BTreeMap<&'static str, (Value, Source)>,
    state_folder: Option<PathBuf>,
}

/// Reads the environment, and the file that is named or the first that is there.
pub fn read(named: Option<&Path>) -> Result<Config, ConfigError> {
    let surroundings = Surroundings { variable: &|name| env::var_os(name), working_folder: PathBuf::new() };
    read_from(&surroundings, named)
}

/// The same, of other surroundings.
pub fn read_from(surroundings: &Surroundings<'_>, named: Option<&Path>) -> Result<Config, ConfigError> {
    let mut config = Config { values: BTreeMap::new(), state_folder: state_folder(surroundings) };
    if let Some((path, text)) = file_text(surroundings, named)? {
        let values = file::parse(&text)
            .map_err(|problems| ConfigError::Problems { file: Some(path.clone()), problems })?;
        for (setting, value) in values {
            config.values.insert(setting.key, (value, Source::File(path.clone())));
        }
    }
    config.take_environment(surroundings)?;
    config.refuse_two_master_keys()?;
    Ok(config)
}

/// A variable that says something: an empty one is as good as none, as container files leave them.
fn said(surroundings: &Surroundings<'_>, name: &str) -> Option<OsString> {
    (surroundings.variable)(name).filter(|value| !value.is_empty())
}

/// The text of the file that is named, or else of the first that is there.
fn file_text(
    surroundings: &Surroundings<'_>,
    named: Option<&Path>,
) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let named = named.map(Path::to_owned).or_else(|| said(surroundings, FILE_VARIABLE).map(PathBuf::from));
    if let Some(path) = named {
        let text = text(&path).map_err(|source| ConfigError::File { file: path.clone(), source })?;
        return Ok(Some((path, text)));
    }
    let here = surroundings.working_folder.join(NAME);
    let of_user = config_folder(surroundings).map(|folder| folder.join("orderwire").join(NAME));
    for path in [Some(here), of_user].into_iter().flatten() {
        match text(&path) {
            Ok(text) => return Ok(Some((path, text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ConfigError::File { file: path, source }),
        }
    }
    Ok(None)
}

/// The text of a configuration file.
pub fn text(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "no configuration is that long"));
    }
    fs::read_to_string(path)
}

/// Where the settings of this user's programs are (XDG Base Directory Specification, and its like on Windows).
fn config_folder(surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let folder =
        |name: &str| said(surroundings, name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || folder("HOME").map(|home| home.join(".config"));
    if cfg!(windows) { folder("APPDATA") } else { folder("XDG_CONFIG_HOME").or_else(home) }
}

/// Where programs of this user keep what they need to know (XDG Base Directory Specification).
fn state_folder(surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let folder = |name: &str| said(surroundings, name).map(PathBuf::from);
    let home = || folder("HOME").map(|home| home.join(".local").join("state"));
    folder("XDG_STATE_HOME").filter(|folder| folder.is_absolute()).or_else(home)
}

impl Config {
    /// What the command line says, over everything else.
    #[must_use]
    pub fn with(mut self, flags: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        for (key, value) in flags {
            assert!(setting(key).is_some_and(|setting| setting.flag.is_some()), "{key} has no flag");
            self.values.insert(key, (value, Source::Flag));
        }
        self
    }

    fn take_environment(&mut self, surroundings: &Surroundings<'_>) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        for setting in SETTINGS {
            let name = setting.variable();
            let Some(text) = said(surroundings, &name) else { continue };
            let read = text.to_str().ok_or_else(|| "text in UTF-8".to_owned());
            match read.and_then(|text| setting.kind.read(text)) {
                Ok(value) => {
                    self.values.insert(setting.key, (value, Source::Environment));
                }
                Err(expected) => problems.push(setting.problem(&name, expected)),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError::Problems { file: None, problems }) }
    }

    /// A key and a file of a key from the same place: nobody could say which one is meant.
    fn refuse_two_master_keys(&self) -> Result<(), ConfigError> {
        let source = |key| self.values.get(key).map(|(_, source)| source);
        match (source("master_key"), source("master_key_file")) {
            (Some(key), Some(file)) if key == file => {
                let detail = "the master key is named twice, as digits and as a file";
                let problem = Problem::new(file.word(), "master_key_twice", detail, "one of them");
                Err(ConfigError::Problems { file: None, problems: vec![problem] })
            }
            _ => Ok(()),
        }
    }

    /// The value of a setting and where it came from; no value where nobody set it and the default is no fixed one.
    fn effective(&self, setting: &Setting) -> (Option<Value>, Source) {
        match self.values.get(setting.key) {
            Some((value, source)) => (Some(value.clone()), source.clone()),
            None => (setting.default_value(), Source::Default),
        }
    }

    fn value(&self, key: &str) -> Option<Value> {
        self.effective(setting(key).expect("the table has every key that is asked for")).0
    }

    /// A text, a path or a word.
    pub fn text(&self, key: &str) -> Option<String> {
        self.value(key).map(|value| value.to_string())
    }

    /// A number.
    pub fn count(&self, key: &str) -> u64 {
        match self.value(key) {
            Some(Value::Count(count)) => count,
            other => unreachable!("{key} is a count with a default, not {other:?}"),
        }
    }

    /// Yes or no.
    pub fn switch(&self, key: &str) -> bool {
        self.value(key) == Some(Value::Switch(true))
    }

    /// The master key itself, unless a stronger source names a file.
    pub fn master_key(&self) -> Option<String> {
        let (key, digits_from) = self.effective(setting("master_key")?);
        let (file, file_from) = self.effective(setting("master_key_file")?);
        key.filter(|_| file.is_none() || digits_from > file_from).map(|key| key.to_string())
    }

    /// The file of the master key, unless a stronger source has the key itself.
    pub fn master_key_file(&self) -> Option<PathBuf> {
        if self.master_key().is_some() {
            return None;
        }
        self.text("master_key_file").map(PathBuf::from)
    }

    /// Where this user's programs keep what they need to know.
    pub fn state_folder(&self) -> Option<PathBuf> {
        self.text("state_folder").map(PathBuf::from).or_else(|| self.state_folder.clone())
    }

    /// Every setting as it is in force, without secrets.
    pub fn shown(&self) -> Vec<Shown> {
        let shown = |setting: &Setting| {
            let (value, source) = self.effective(setting);
            let value = if setting.key == "state_folder" && value.is_none() {
                self.state_folder().map(|folder| folder.display().to_string())
            } else {
                value.map(|value| setting.masked(&value))
            };
            let named = match &source {
                Source::Default => None,
                Source::File(path) => Some(path.display().to_string()),
                Source::Environment => Some(setting.variable()),
                Source::Flag => setting.flag.map(str::to_owned),
            };
            Shown { setting: setting.key, value, source: source.word(), named }
        };
        SETTINGS.iter().map(shown).collect()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Count(count) => count.fmt(out),
            Self::Switch(on) => on.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests;
