//! Where the master key of a store is kept: a file that only its owner can read, made when the store is new.
//!
//! A store that has keys already is never given a new one: what its people were called could not be read any more.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::private_file;
use crate::engine::sealing::{MasterKey, SealingError};

/// Where a master key comes from.
#[derive(Clone)]
pub enum KeySource {
    /// The 64 hex digits themselves.
    Digits(String),
    /// A file; it is made where it does not exist and the store is new.
    File(PathBuf),
    /// Nowhere: a key that is gone with the process, for stores that are too.
    Fresh,
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store has keys, and what opens them is not there.
    #[error("the master key of the store is missing: there is no file {}", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read or made.
    #[error("cannot use the master key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is there is no key.
    #[error("{from} holds no master key: {source}")]
    Malformed {
        /// Where it came from.
        from: String,
        /// What a key is.
        source: SealingError,
    },
}

impl KeySource {
    /// The key. A new store may have one made.
    pub fn key(&self, store_is_new: bool) -> Result<MasterKey, KeyError> {
        match self {
            Self::Fresh => Ok(MasterKey::generate()),
            Self::Digits(digits) => {
                let from = "the given text".to_owned();
                MasterKey::parse(digits).map_err(|source| KeyError::Malformed { from, source })
            }
            Self::File(path) => match read(path)? {
                Some(key) => Ok(key),
                None if store_is_new => make(path),
                None => Err(KeyError::Missing(path.clone())),
            },
        }
    }

    /// Where it comes from, for messages. Never the key.
    pub fn name(&self) -> String {
        match self {
            Self::Digits(_) => "the given key".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Fresh => "a fresh key".to_owned(),
        }
    }
}

fn read(path: &Path) -> Result<Option<MasterKey>, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let malformed = |source| KeyError::Malformed { from: path.display().to_string(), source };
            MasterKey::parse(&text).map(Some).map_err(malformed)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyError::File { path: path.to_owned(), source }),
    }
}

/// Makes a key file; of two processes that make it at once the first one wins.
fn make(path: &Path) -> Result<MasterKey, KeyError> {
    let key = MasterKey::generate();
    match private_file::make(path, &key.to_hex()) {
        Ok(true) => Ok(key),
        Ok(false) => read(path)?.ok_or_else(|| KeyError::Missing(path.to_owned())),
        Err(source) => Err(KeyError::File { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_for_a_new_store_only_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state").join("orders.db.master-key");
        let source = KeySource::File(path.clone());
        assert!(matches!(source.key(false), Err(KeyError::Missing(_))));
        assert!(!path.exists());
        let made = source.key(true).unwrap();
        assert_eq!(source.key(false).unwrap().to_hex(), made.to_hex());
        assert_eq!(source.key(true).unwrap().to_hex(), made.to_hex());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left behind");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "hunter2").unwrap();
        let refused = KeySource::File(path.clone()).key(true).err().unwrap().to_string();
        assert!(refused.contains(&path.display().to_string()) && !refused.contains("hunter2"), "{refused}");
        assert!(matches!(KeySource::Digits("ab".to_owned()).key(true), Err(KeyError::Malformed { .. })));
    }
}
