//! Where the key that signs checkpoints is kept: a file that only its owner can read, apart from the store.
//!
//! Whoever has it speaks for the log, so it is not in the store, whose copies travel. Its name is the origin of the log.
//! Without it nothing is signed, and everything else works. A key that is there is never replaced: auditors hold on to it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::note::{KeyError, SignerKey};
use crate::edge::private_file;

/// A place for such a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// The file.
    pub path: PathBuf,
    /// The origin that a key must have which is read here, and that is given to one which is made.
    pub origin: Option<String>,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Nobody made one.
    #[error(
        "the log has no key to sign with: there is no file {}; `orderwire keys checkpoint create` makes it", .0.display()
    )]
    Missing(PathBuf),
    /// It is there, and stays.
    #[error("{} has a key already, that of `{origin}`: whoever knows it would not know another", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// The origin in it.
        origin: String,
    },
    /// The key is of another log.
    #[error("the key in {} is that of `{found}`, not of `{expected}` as `audit.origin` says", path.display())]
    OtherOrigin {
        /// The file.
        path: PathBuf,
        /// What is set.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Nobody said what the log is called.
    #[error(
        "nobody says what the log is called: name its origin, such as `orders.example/log`, or set `audit.origin`"
    )]
    Unnamed,
    /// It cannot be called that.
    #[error(transparent)]
    Name(KeyError),
    /// What is there is no key.
    #[error("{} holds no key: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What a key is.
        source: KeyError,
    },
    /// The file cannot be read or made.
    #[error("cannot use the key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl KeyFile {
    /// The key, if there is one.
    pub fn find(&self) -> Result<Option<SignerKey>, KeyFileError> {
        let path = || self.path.clone();
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeyFileError::File { path: path(), source }),
        };
        let key: Result<SignerKey, _> = text.trim_end().parse();
        let key = key.map_err(|source| KeyFileError::Malformed { path: path(), source })?;
        let found = key.verifier().name();
        match &self.origin {
            Some(expected) if expected != found => {
                let (expected, found) = (expected.clone(), found.to_owned());
                Err(KeyFileError::OtherOrigin { path: path(), expected, found })
            }
            _ => Ok(Some(key)),
        }
    }

    /// The key.
    pub fn read(&self) -> Result<SignerKey, KeyFileError> {
        self.find()?.ok_or_else(|| KeyFileError::Missing(self.path.clone()))
    }

    /// Makes one, where there is none.
    pub fn create(&self, origin: Option<&str>) -> Result<SignerKey, KeyFileError> {
        let origin = origin.or(self.origin.as_deref()).ok_or(KeyFileError::Unnamed)?;
        let key = SignerKey::generate(origin).map_err(KeyFileError::Name)?;
        match private_file::make(&self.path, &key.to_secret_text()) {
            Ok(true) => self.read(),
            Ok(false) => {
                let there = Self { origin: None, ..self.clone() }.read()?;
                Err(KeyFileError::Exists {
                    path: self.path.clone(),
                    origin: there.verifier().name().to_owned(),
                })
            }
            Err(source) => Err(KeyFileError::File { path: self.path.clone(), source }),
        }
    }

    /// The key; one is made where there is none and it is known what the log is called.
    pub fn at_first_need(&self) -> Result<Option<SignerKey>, KeyFileError> {
        match self.find()? {
            None if self.origin.is_some() => match self.create(None) {
                // Another process was faster.
                Err(KeyFileError::Exists { .. }) => self.find(),
                made => made.map(Some),
            },
            found => Ok(found),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_one_origin_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state").join("orders.db.checkpoint-key");
        let unnamed = KeyFile { path: path.clone(), origin: None };
        assert!(matches!(unnamed.read(), Err(KeyFileError::Missing(_))));
        assert!(matches!(unnamed.create(None), Err(KeyFileError::Unnamed)));
        assert!(unnamed.at_first_need().unwrap().is_none() && !path.exists());
        assert!(matches!(unnamed.create(Some("a b")), Err(KeyFileError::Name(_))));

        let named = KeyFile { origin: Some("orders.example/log".to_owned()), ..unnamed.clone() };
        let made = named.at_first_need().unwrap().unwrap();
        assert_eq!(made.verifier().name(), "orders.example/log");
        for again in [named.read(), unnamed.read(), named.at_first_need().map(Option::unwrap)] {
            assert_eq!(again.unwrap().verifier(), made.verifier());
        }
        assert!(matches!(unnamed.create(Some("other.example")), Err(KeyFileError::Exists { .. })));
        let other = KeyFile { origin: Some("other.example".to_owned()), ..unnamed };
        assert!(matches!(other.at_first_need(), Err(KeyFileError::OtherOrigin { .. })));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "hunter2").unwrap();
        let refused = KeyFile { path: path.clone(), origin: None }.read().unwrap_err().to_string();
        assert!(refused.contains(&path.display().to_string()) && !refused.contains("hunter2"), "{refused}");
    }
}
