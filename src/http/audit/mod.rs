//! The auditor's side over HTTP: one file per group of operations.

pub mod proofs;
pub mod tiles;

use std::sync::Arc;

use super::{api::Api, problem::Problem};
use crate::audit::note::SignerKey;

/// How the log speaks for itself.
#[derive(Clone, Debug, Default)]
pub struct Proving {
    /// What signs its checkpoints; without it there are none, but everything else.
    pub signer: Option<Arc<SignerKey>>,
    /// Whether anybody may ask for the checkpoint and for tiles, known or not.
    pub public_tiles: bool,
}

impl Proving {
    /// The key, or why there is no checkpoint.
    fn signer(&self) -> Result<&SignerKey, Problem> {
        let detail = "this log signs no checkpoints: `orderwire keys checkpoint create` makes a key for it";
        self.signer.as_deref().ok_or_else(|| Problem::absent("no_checkpoint_key", detail))
    }
}

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    tiles::routes(proofs::routes(api))
}
