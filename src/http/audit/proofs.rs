//! Checkpoints and proofs as JSON, for auditors who ask with the key they have.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    audit::proofs::{self, Consistency, Inclusion, ProvingError},
    engine::leaf::hex,
    http::{answer::Answer, api::Api, auth::Access, openapi::tags, problem::Problem, request::Look},
};

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(checkpoint))
        .route(Access::Auditor, routes!(inclusion))
        .route(Access::Auditor, routes!(consistency))
}

/// Where the log is, signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Checkpoint)]
struct CheckpointBody {
    /// What the log is called worldwide.
    #[schema(example = "orders.example/log")]
    origin: String,
    /// How many events it has.
    size: u64,
    /// The root of the Merkle tree over them (RFC 6962), in hex.
    #[schema(example = "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")]
    root: String,
    /// The same as a signed note (C2SP tlog-checkpoint), to be kept and verified as it is.
    note: String,
    /// The key that verifies the note. Whoever trusts it has it from elsewhere.
    key: String,
}

/// That an event is in the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InclusionProof)]
struct InclusionBody {
    /// The position of the event; its leaf is the one before, since leaves count from 0.
    position: u64,
    /// How many events the log had.
    size: u64,
    /// The leaf of the event, in hex.
    leaf: String,
    /// The root of the tree, in hex.
    root: String,
    /// The hashes beside the way from the leaf to the root, from below, in hex.
    proof: Vec<String>,
}

/// That a log is the beginning of a longer one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsistencyProof)]
struct ConsistencyBody {
    /// How many events the shorter one had.
    from: u64,
    /// How many the longer one had.
    to: u64,
    /// The root of the shorter one, in hex.
    from_root: String,
    /// The root of the longer one, in hex.
    to_root: String,
    /// The hashes that make up both, in hex.
    proof: Vec<String>,
}

impl From<Inclusion> for InclusionBody {
    fn from(it: Inclusion) -> Self {
        let proof = it.proof.iter().map(|hash| hex(hash)).collect();
        Self { position: it.position, size: it.size, leaf: hex(&it.leaf), root: hex(&it.root), proof }
    }
}

impl From<Consistency> for ConsistencyBody {
    fn from(it: Consistency) -> Self {
        let proof = it.proof.iter().map(|hash| hex(hash)).collect();
        let (from_root, to_root) = (hex(&it.from_root), hex(&it.to_root));
        Self { from: it.from, to: it.to, from_root, to_root, proof }
    }
}

/// Sign where the log is now.
#[utoipa::path(get, path = "/v1/audit/checkpoint", operation_id = "get_audit_checkpoint", tag = tags::AUDIT,
    responses((status = 200, description = "It, with the note to keep.", body = CheckpointBody)))]
async fn checkpoint(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let key = look.app.proving.signer()?;
    let signed = proofs::checkpoint(&look.app.engine, key).await?;
    let said = signed.checkpoint();
    Ok(Answer::ok(&CheckpointBody {
        origin: said.origin.clone(),
        size: said.size,
        root: hex(&said.root),
        note: signed.to_string(),
        key: key.verifier().to_string(),
    }))
}

/// Prove that an event is in the log.
///
/// Verified as RFC 9162 §2.1.3.2 has it, against the root of a checkpoint of that size.
#[utoipa::path(get, path = "/v1/audit/proofs/inclusion", operation_id = "prove_inclusion", tag = tags::AUDIT,
    params(("position" = u64, Query, description = "The position of the event.", example = 1),
        ("size" = Option<u64>, Query, description = "In the log as it was with so many events; as it is where nobody says.")),
    responses((status = 200, description = "The proof.", body = InclusionBody)))]
async fn inclusion(look: Look) -> Result<Answer, Problem> {
    look.only(&["position", "size"])?;
    let position = needed(&look, "position")?;
    let size = number(&look, "size")?;
    let proved = proofs::inclusion(&look.app.engine, position, size).await;
    Ok(Answer::ok(&InclusionBody::from(proved.map_err(|why| unproved(why, "size"))?)))
}

/// Prove that the log with fewer events is the beginning of that with more.
///
/// Verified as RFC 9162 §2.1.4.2 has it, against the roots of two checkpoints.
#[utoipa::path(get, path = "/v1/audit/proofs/consistency", operation_id = "prove_consistency", tag = tags::AUDIT,
    params(("from" = u64, Query, description = "How many events it had.", example = 1),
        ("to" = Option<u64>, Query, description = "How many it had later; as many as it has where nobody says.")),
    responses((status = 200, description = "The proof.", body = ConsistencyBody)))]
async fn consistency(look: Look) -> Result<Answer, Problem> {
    look.only(&["from", "to"])?;
    let from = needed(&look, "from")?;
    let to = number(&look, "to")?;
    let proved = proofs::consistency(&look.app.engine, from, to).await;
    Ok(Answer::ok(&ConsistencyBody::from(proved.map_err(|why| unproved(why, "to"))?)))
}

fn number(look: &Look, name: &str) -> Result<Option<u64>, Problem> {
    look.whole(name, 0, i64::MAX.unsigned_abs())
}

fn needed(look: &Look, name: &str) -> Result<u64, Problem> {
    let missing = || Problem::parameter(name, "parameter_missing", "it is missing", "a whole number");
    number(look, name)?.ok_or_else(missing)
}

/// What cannot be proved, said of the parameter that asks for it.
fn unproved(why: ProvingError, longer: &str) -> Problem {
    let detail = why.to_string();
    match why {
        ProvingError::NoSuchPosition { size, .. } => {
            Problem::parameter("position", "position_beyond_log", detail, format!("from 1 to {size}"))
        }
        ProvingError::Beyond { head, .. } => {
            Problem::parameter(longer, "size_beyond_log", detail, format!("at most {head}"))
        }
        ProvingError::Backwards { to, .. } => {
            Problem::parameter("from", "sizes_backwards", detail, format!("at most {to}"))
        }
        ProvingError::Engine(error) => error.into(),
    }
}
