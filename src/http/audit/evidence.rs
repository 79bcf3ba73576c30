//! Evidence packs over HTTP: the same lines as the command line writes, one after the other.

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse as _, Response},
};
use utoipa_axum::routes;

use super::stream;
use crate::{
    audit::evidence::Pack,
    http::{api::Api, auth::Access, openapi::tags, problem::Problem, request::Look},
};

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(evidence))
}

/// Hand out a history that proves itself.
///
/// A line of JSON each: what it is about, a signed checkpoint, lifecycle tables, every event with its proof, and a note that seals
/// the lines before it. Where the note is missing, the answer was cut off. `orderwire verify` verifies it without a store.
#[utoipa::path(get, path = "/v1/audit/evidence/{id}", operation_id = "get_evidence", tag = tags::AUDIT,
    params(("id" = String, Path, description = "An order, with its company and port requests; or anything else.")),
    responses((status = 200, description = "The pack.", content_type = "application/jsonl", body = String,
        example = "{\"kind\":\"pack\",\"layout\":\"orderwire-evidence-1\",\"subject\":\"ord_…\",\"streams\":[\"ord_…\"]}\n")))]
async fn evidence(look: Look) -> Result<Response, Problem> {
    look.only(&[])?;
    let subject = stream(&look)?;
    let proving = &look.app.proving;
    let signer = proving.shared_signer()?;
    let pack = Pack::begin(&look.app.engine, signer, &proving.read, subject).await?;
    let lines = futures::stream::try_unfold(pack, async |mut pack| {
        let line = pack.next().await?;
        Ok::<_, crate::engine::Error>(line.map(|line| (line, pack)))
    });
    let headers = [(header::CONTENT_TYPE, "application/jsonl"), (header::CACHE_CONTROL, "private, no-cache")];
    Ok((headers, Body::from_stream(lines)).into_response())
}
