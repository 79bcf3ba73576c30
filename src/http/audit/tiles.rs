//! The log as a tiled transparency log (C2SP tlog-tiles), for tools that follow it.
//!
//! They know nothing of us, so these routes are where they look for them, outside `/v1`. An entry holds no personal data:
//! the id and type of an event, and hashes of its payload and metadata. It does say when something happened to which
//! stream, so anybody may ask only where that is set.

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use utoipa_axum::routes;

use crate::{
    audit::{proofs, tiles::Tile},
    http::{App, api::Api, auth::Access, openapi::tags, problem::Problem, request::AFTER_POSITION},
};

/// What a tile holds never changes, so whoever has it need not ask again for a year.
const FOR_GOOD: &str = "max-age=31536000, immutable";

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    if api.app().proving.public_tiles {
        return api.public(routes!(checkpoint)).public(routes!(entries)).public(routes!(hashes));
    }
    api.route(Access::Auditor, routes!(checkpoint))
        .route(Access::Auditor, routes!(entries))
        .route(Access::Auditor, routes!(hashes))
}

/// Sign where the log is now.
///
/// A note as C2SP tlog-checkpoint has it: origin, number of events, root, and an Ed25519 signature.
#[utoipa::path(get, path = "/checkpoint", operation_id = "get_checkpoint", tag = tags::AUDIT,
    responses((status = 200, description = "The note.", content_type = "text/plain", body = String,
        example = "orders.example/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— orders.example/log Az3grl…\n")))]
async fn checkpoint(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    nothing_asked(query)?;
    let signed = proofs::checkpoint(&app.engine, app.proving.signer()?).await?;
    Ok(answer("text/plain; charset=utf-8", "no-store", signed.to_string().into_bytes()))
}

/// Show a tile of hashes.
///
/// Up to 256 hashes of a level, 32 bytes each. Level 0 are the leaves; a hash of the next level is the root of a whole tile.
/// The index is written in groups of three digits, all but the last behind an `x`; of a tile that is not whole, `.p/` and its
/// width follow.
#[utoipa::path(get, path = "/tile/{level}/{*index}", operation_id = "get_tile", tag = tags::AUDIT,
    params(("level" = u8, Path, description = "The level of its hashes.", example = 0),
        ("index" = String, Path, description = "Which tile of the level, such as `x001/234` or `000.p/1`.", example = "000.p/1")),
    responses((status = 200, description = "The hashes.", content_type = "application/octet-stream", body = Vec<u8>)))]
async fn hashes(
    State(app): State<App>,
    Path((level, index)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    nothing_asked(query)?;
    tile(&app, &level, &index).await
}

/// Show a bundle of entries.
///
/// What the hashes of the tile of level 0 with the same index are hashes of: each entry behind its length in two bytes.
#[utoipa::path(get, path = "/tile/entries/{*index}", operation_id = "get_entries", tag = tags::AUDIT,
    params(("index" = String, Path, description = "Which bundle, such as `x001/234` or `000.p/1`.", example = "000.p/1")),
    responses((status = 200, description = "The entries.", content_type = "application/octet-stream", body = Vec<u8>)))]
async fn entries(
    State(app): State<App>,
    Path(index): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    nothing_asked(query)?;
    tile(&app, "entries", &index).await
}

async fn tile(app: &App, level: &str, index: &str) -> Result<Response, Problem> {
    let absent = || Problem::not_found("tile", &format!("{level}/{index}"));
    let tile = Tile::parse(level, index).ok_or_else(absent)?;
    let bytes = tile.bytes(&app.engine).await?.ok_or_else(absent)?;
    let shared = if app.proving.public_tiles { "public" } else { "private" };
    Ok(answer("application/octet-stream", &format!("{shared}, {FOR_GOOD}"), bytes))
}

fn answer(kind: &'static str, cache: &str, body: Vec<u8>) -> Response {
    let headers: [(HeaderName, String); 2] =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CACHE_CONTROL, cache.to_owned())];
    (StatusCode::OK, headers, body).into_response()
}

/// Tiles have no parameters: what is asked for beside them is a mistake. Waiting for a position is none, for what is in the
/// log can be had at once.
fn nothing_asked(query: Option<String>) -> Result<(), Problem> {
    let query = query.unwrap_or_default();
    for (name, value) in query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
        let waits = name == AFTER_POSITION && value.parse::<u64>().is_ok();
        if !name.is_empty() && !waits {
            let name: String = name.chars().take(60).collect();
            let detail = "it is no parameter of this, or it cannot be that";
            return Err(Problem::parameter(&name, "parameter_unknown", detail, AFTER_POSITION));
        }
    }
    Ok(())
}
