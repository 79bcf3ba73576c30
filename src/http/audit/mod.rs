//! What an auditor asks over HTTP, for operators and auditors. An auditor reads `sealed` where there is personal data.
//!
//! One file per group. Deliberately absent: how anything is found out, which is [`audit`](crate::audit)'s.

mod history;
mod moments;
mod traces;
mod figures;
mod other_rules;
mod export;
mod evidence;
mod verify;
pub mod reads;
mod refusals;
pub mod proofs;
pub mod tiles;

use std::sync::Arc;

use orderwire_domain::ids::StreamId;

use super::{api::Api, problem::Problem, request::Look};
use crate::audit::{note::SignerKey, proofs::LeavesRead};

/// How the log speaks for itself.
#[derive(Clone, Debug, Default)]
pub struct Proving {
    /// What signs its checkpoints; without it there are none, but everything else.
    pub signer: Option<Arc<SignerKey>>,
    /// Whether anybody may ask for the checkpoint and for tiles, known or not.
    pub public_tiles: bool,
    /// What was read of the leaves before a checkpoint was signed.
    pub read: Arc<LeavesRead>,
    /// Held while the log is verified.
    pub verifying: Arc<tokio::sync::Mutex<()>>,
}

impl Proving {
    /// The key, or why there is no checkpoint.
    fn signer(&self) -> Result<&SignerKey, Problem> {
        self.signer.as_deref().ok_or_else(keyless)
    }

    /// The same for what goes on after the answer has begun.
    fn shared_signer(&self) -> Result<Arc<SignerKey>, Problem> {
        self.signer.clone().ok_or_else(keyless)
    }
}

fn keyless() -> Problem {
    let detail = "this log signs no checkpoints: `orderwire keys checkpoint create` makes a key for it";
    Problem::absent("no_checkpoint_key", detail)
}

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    let api = history::routes(api);
    let api = moments::routes(api);
    let api = traces::routes(api);
    let api = figures::routes(api);
    let api = refusals::routes(reads::routes(export::routes(other_rules::routes(api))));
    tiles::routes(proofs::routes(verify::routes(evidence::routes(api))))
}

/// The stream of the id in the path.
fn stream(look: &Look) -> Result<StreamId, Problem> {
    look.id("resource")
}

/// A parameter that must be given.
fn missing(name: &str, expected: &str) -> Problem {
    Problem::parameter(name, "parameter_missing", "it is not given", expected)
}
