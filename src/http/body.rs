//! The body of a request as text: bounded in size and time, of the media type that it should have, UTF-8.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt as _;

use super::{Limits, problem::Problem};
use crate::edge;

/// What bodies are, but for that of the token endpoint.
const JSON: &str = "application/json";

/// Reads the whole body; empty where there is none.
pub async fn read(headers: &HeaderMap, body: Body, limits: Limits) -> Result<String, Problem> {
    read_as(JSON, headers, body, limits).await
}

/// The same, of another media type.
pub async fn read_as(
    kind: &'static str,
    headers: &HeaderMap,
    body: Body,
    limits: Limits,
) -> Result<String, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limits.body_bytes as u64) {
        return Err(too_large(limits));
    }
    let late = || {
        let problem =
            Problem::new(StatusCode::REQUEST_TIMEOUT, "time_out", "the body did not arrive in time");
        problem.with(header::CONNECTION, "close")
    };
    let bytes =
        tokio::time::timeout(limits.body_within, gather(body, limits)).await.map_err(|_| late())??;
    if !bytes.is_empty() {
        only(kind, headers)?;
    }
    String::from_utf8(bytes).map_err(|error| {
        let detail = format!("this is not text: {}", error.utf8_error());
        vec![edge::Problem::new("", "json_malformed", detail, "JSON in UTF-8")].into()
    })
}

async fn gather(body: Body, limits: Limits) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let cut = |_| Problem::new(StatusCode::BAD_REQUEST, "malformed", "the body was cut short");
        let chunk = chunk.map_err(cut)?;
        if bytes.len() + chunk.len() > limits.body_bytes {
            return Err(too_large(limits));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large(limits: Limits) -> Problem {
    let detail = format!("a body has at most {} bytes", limits.body_bytes);
    let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail);
    // The rest of it is not worth reading.
    problem.with(header::CONNECTION, "close")
}

/// Of that media type, as it is or in UTF-8, and not compressed.
fn only(expected: &'static str, headers: &HeaderMap) -> Result<(), Problem> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value(header::CONTENT_TYPE).to_ascii_lowercase();
    let mut parts = kind.split(';').map(str::trim);
    let as_expected = parts.next() == Some(expected);
    let in_utf_8 = parts.all(|part| matches!(part, "charset=utf-8" | "charset=\"utf-8\""));
    let plain = matches!(value(header::CONTENT_ENCODING), "" | "identity");
    if as_expected && in_utf_8 && plain {
        return Ok(());
    }
    let detail = format!("a body is {expected} in UTF-8, not compressed");
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail);
    Err(problem.with(header::ACCEPT, expected))
}
