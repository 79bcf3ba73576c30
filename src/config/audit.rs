//! What is set of the auditor's side.

use std::path::PathBuf;

use super::Config;

/// How the log speaks for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// The file of the key that signs checkpoints, where it is not where it is by default.
    pub checkpoint_key_file: Option<PathBuf>,
    /// What the log is called worldwide.
    pub origin: Option<String>,
    /// Whether anybody may ask for the checkpoint and for tiles: no.
    pub public_tiles: bool,
    /// How many refused commands are kept.
    pub refusals_kept: u64,
}

impl AuditSettings {
    /// What the configuration says of it.
    pub fn of(config: &Config) -> Self {
        Self {
            checkpoint_key_file: config.text("audit.checkpoint_key_file").map(PathBuf::from),
            origin: config.text("audit.origin"),
            public_tiles: config.switch("audit.public_tiles"),
            refusals_kept: config.count("audit.refusals_kept"),
        }
    }
}
