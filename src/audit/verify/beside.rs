//! A store of our own, in a folder that goes away with it, where read models are folded once more: what the log is verified
//! for is not changed, and memory stays flat.

use std::{fs, path::PathBuf};

use orderwire_domain::views;
use uuid::Uuid;

use crate::{
    engine::{
        Error,
        log::{SharedLog, StoreError},
    },
    stores::{self, Migrate},
};

/// The store, and where it is.
pub struct Aside {
    /// The store.
    pub log: SharedLog,
    folder: Option<PathBuf>,
}

impl Aside {
    /// An empty one, with the tables of every read model. Without SQLite it is in memory.
    pub async fn open() -> Result<Self, Error> {
        let folder = cfg!(feature = "sqlite")
            .then(|| std::env::temp_dir().join(format!("orderwire-verify-{}", Uuid::now_v7().simple())));
        let unusable = |error: std::io::Error| Error::Store(StoreError::Unavailable(error.to_string()));
        let url = match &folder {
            Some(folder) => {
                fs::create_dir(folder).map_err(unusable)?;
                format!("sqlite:{}", folder.join("models.db").display())
            }
            None => "memory:".to_owned(),
        };
        let log = stores::open(&url, Migrate::Yes).await?;
        let aside = Self { log, folder };
        aside.log.create_tables(&views::tables()).await?;
        Ok(aside)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(error) = fs::remove_dir_all(folder)
        {
            tracing::warn!(folder = %folder.display(), %error, "what was folded to verify could not be removed");
        }
    }
}
