//! Opening a store with its master key, and an engine over it.

use std::path::PathBuf;

use orderwire_domain::views::table::Table;

pub use super::master_key::{KeyError, KeySource};
use super::{audit_reads::AUDIT_READ, deliveries, keys::API_KEY};
use crate::{
    engine::{
        self, Builder, Engine,
        log::{Select, SharedLog, StoreError},
        sealing::SealingError,
    },
    stores::{self, Migrate},
};

/// The setting by which a store knows its master key.
pub(crate) const KEY_SETTING: &str = "master_key_check";
/// How `SQLite` and `PostgreSQL` say that there is no such table.
const NO_TABLE: [&str; 2] = ["no such table", "(42P01)"];

/// Which store to open, and how.
pub struct OpenOptions {
    /// The URL or path of the store.
    pub store: String,
    /// Whether its schema may be created or brought up to date.
    pub migrate: Migrate,
    /// Where its master key is; `None` is beside a `SQLite` file, in `state_folder` for `PostgreSQL`.
    pub master_key: Option<KeySource>,
    /// Where this user's programs keep what they need to know.
    pub state_folder: Option<PathBuf>,
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store itself.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody made it.
    #[error("there is no store yet: `orderwire migrate` makes it")]
    Missing,
    /// Its migration was cut short.
    #[error("the store has no table `{table}` yet: run `orderwire migrate`")]
    TableMissing {
        /// Which.
        table: &'static str,
    },
    /// Its master key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nobody said where the master key is.
    #[error("nobody says where the master key of a PostgreSQL store is: name a file")]
    KeyUnnamed,
    /// The key is another store's.
    #[error("{key} is not the master key of this store")]
    WrongKey {
        /// Where the key came from.
        key: String,
    },
    /// The engine.
    #[error(transparent)]
    Engine(engine::Error),
}

impl OpenOptions {
    /// A store of a URL, to be opened as it is, with its key where it is by default.
    pub fn of(store: impl Into<String>) -> Self {
        Self { store: store.into(), migrate: Migrate::No, master_key: None, state_folder: None }
    }

    /// Where the key is by default that signs checkpoints of this store; nowhere for one that is gone with the process.
    pub fn checkpoint_key_file(&self) -> Option<PathBuf> {
        if self.store == "memory:" {
            return None;
        }
        if self.store.starts_with("postgres://") || self.store.starts_with("postgresql://") {
            return self.state_folder.as_ref().map(|folder| folder.join("orderwire").join("checkpoint-key"));
        }
        let file = self.store.strip_prefix("sqlite:").unwrap_or(&self.store);
        Some(PathBuf::from(format!("{file}.checkpoint-key")))
    }

    fn key_source(&self) -> Result<KeySource, OpenError> {
        if let Some(source) = &self.master_key {
            return Ok(source.clone());
        }
        if self.store == "memory:" {
            return Ok(KeySource::Fresh);
        }
        if self.store.starts_with("postgres://") || self.store.starts_with("postgresql://") {
            let folder = self.state_folder.as_ref().ok_or(OpenError::KeyUnnamed)?;
            return Ok(KeySource::File(folder.join("orderwire").join("master-key")));
        }
        let file = self.store.strip_prefix("sqlite:").unwrap_or(&self.store);
        Ok(KeySource::File(PathBuf::from(format!("{file}.master-key"))))
    }
}

impl Engine {
    /// An engine over the store of a URL or path, which is created or brought up to date, with everything as it is by
    /// default: the wall clock, the bundled rules, readers in the background, the master key beside a `SQLite` file.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let options = OpenOptions { migrate: Migrate::Yes, ..OpenOptions::of(url) };
        open_engine(&options, Self::builder()).await
    }
}

/// Opens a store, and an engine over it.
pub async fn open_engine(options: &OpenOptions, builder: Builder) -> Result<Engine, OpenError> {
    let log = stores::open(&options.store, options.migrate).await.map_err(|error| match error {
        StoreError::SchemaOlder { found: 0, .. } => OpenError::Missing,
        error => OpenError::Store(error),
    })?;
    match over(&log, options, builder).await {
        Ok(engine) => Ok(engine),
        Err(error) => {
            log.close().await;
            Err(error)
        }
    }
}

/// Every table that is created from a definition: the read models, the keys of those who ask over HTTP, who has
/// read the audit, and what was delivered to webhooks.
pub fn tables() -> Vec<&'static Table> {
    let mut tables = Engine::tables();
    tables.extend([&API_KEY, &AUDIT_READ]);
    tables.extend(deliveries::TABLES);
    tables
}

/// Looks for every such table: a migration makes them last, and may have been cut short.
async fn find_tables(log: &SharedLog) -> Result<(), OpenError> {
    for table in tables() {
        match log.select(&Select::page(table, None, 1)).await {
            Ok(_) => {}
            Err(StoreError::Corrupt(why)) if NO_TABLE.iter().any(|said| why.contains(said)) => {
                return Err(OpenError::TableMissing { table: table.name });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn over(log: &SharedLog, options: &OpenOptions, builder: Builder) -> Result<Engine, OpenError> {
    let source = options.key_source()?;
    // Before the key: it is made for a store that is whole.
    match options.migrate {
        Migrate::Yes => log.create_tables(&tables()).await?,
        Migrate::No => find_tables(log).await?,
    }
    let key = source.key(log.setting(KEY_SETTING).await?.is_none())?;
    builder.open(SharedLog::clone(log), key).await.map_err(|error| match error {
        engine::Error::Sealing(SealingError::WrongMasterKey) => OpenError::WrongKey { key: source.name() },
        engine::Error::Store(error) => OpenError::Store(error),
        error => OpenError::Engine(error),
    })
}
