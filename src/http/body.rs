//! The body of a request: bounded in size and time, JSON, CSV or a form by its media type, UTF-8.

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt as _;

use super::{Limits, problem::Problem};
use crate::edge;

/// So much of a body above its bound is read all the same, so that its sender gets to see the answer.
const DRAINED_BYTES_MAX: usize = 1024 * 1024;

/// Reads the whole body; empty where there is none.
pub async fn read(headers: &HeaderMap, body: Body, limits: Limits) -> Result<String, Problem> {
    once(headers)?;
    let bytes = within(headers, body, limits.body_bytes, limits).await?;
    if !bytes.is_empty() {
        only(headers, "application/json")?;
    }
    String::from_utf8(bytes).map_err(|error| {
        let detail = format!("this is not text: {}", error.utf8_error());
        vec![edge::Problem::new("", "json_malformed", detail, "JSON in UTF-8")].into()
    })
}

/// Reads a whole CSV file.
pub async fn read_csv(headers: &HeaderMap, body: Body, limits: Limits) -> Result<Vec<u8>, Problem> {
    once(headers)?;
    only(headers, "text/csv")?;
    within(headers, body, limits.file_bytes, limits).await
}

/// Reads a form of at most so many bytes.
pub async fn read_form(
    headers: &HeaderMap,
    body: Body,
    max: usize,
    limits: Limits,
) -> Result<String, Problem> {
    once(headers)?;
    let bytes = within(headers, body, max, limits).await?;
    if !bytes.is_empty() {
        only(headers, "application/x-www-form-urlencoded")?;
    }
    let not_text = |_| Problem::new(StatusCode::BAD_REQUEST, "malformed", "the body is not text in UTF-8");
    String::from_utf8(bytes).map_err(not_text)
}

async fn within(headers: &HeaderMap, body: Body, max: usize, limits: Limits) -> Result<Vec<u8>, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > max as u64) {
        // Whoever waits to be told to go on with the body is not told so.
        if !headers.contains_key(header::EXPECT) {
            drain(&mut body.into_data_stream(), max.saturating_add(DRAINED_BYTES_MAX), limits).await;
        }
        return Err(too_large(max));
    }
    let late = || {
        let problem =
            Problem::new(StatusCode::REQUEST_TIMEOUT, "time_out", "the body did not arrive in time");
        problem.with(header::CONNECTION, "close")
    };
    let mut chunks = body.into_data_stream();
    let gathered = tokio::time::timeout(limits.body_within, gather(&mut chunks, max)).await;
    let Some(bytes) = gathered.map_err(|_| late())?? else {
        drain(&mut chunks, DRAINED_BYTES_MAX, limits).await;
        return Err(too_large(max));
    };
    Ok(bytes)
}

/// The body; nothing where it is too large.
async fn gather(chunks: &mut BodyDataStream, max: usize) -> Result<Option<Vec<u8>>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let cut = |_| Problem::new(StatusCode::BAD_REQUEST, "malformed", "the body was cut short");
        let chunk = chunk.map_err(cut)?;
        if bytes.len() + chunk.len() > max {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// Reads what is not wanted, within bounds, and forgets it: many clients send all of a body before they look for an answer,
/// and what lies unread when a connection is closed has it reset, so that they never see the answer.
async fn drain(chunks: &mut BodyDataStream, max: usize, limits: Limits) {
    let read = async {
        let mut left = max;
        while let Some(Ok(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => break,
            }
        }
    };
    if tokio::time::timeout(limits.body_within, read).await.is_err() {
        tracing::debug!("a body that is too large did not end in time");
    }
}

fn too_large(max: usize) -> Problem {
    let detail = format!("a body has at most {max} bytes");
    let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail);
    // What is left of it is not worth reading.
    problem.with(header::CONNECTION, "close")
}

/// What says twice of what kind the body is says nothing: another server on the way may have read the other one.
fn once(headers: &HeaderMap) -> Result<(), Problem> {
    for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            let detail = format!("there is more than one {name}");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "malformed", detail));
        }
    }
    Ok(())
}

/// This media type, as it is or in UTF-8, and not compressed.
fn only(headers: &HeaderMap, wanted: &'static str) -> Result<(), Problem> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = value(header::CONTENT_TYPE).to_ascii_lowercase();
    let mut parts = given.split(';').map(str::trim);
    let right = parts.next() == Some(wanted);
    let in_utf_8 = parts.all(|part| matches!(part, "charset=utf-8" | "charset=\"utf-8\""));
    let plain = matches!(value(header::CONTENT_ENCODING), "" | "identity");
    if right && in_utf_8 && plain {
        return Ok(());
    }
    let detail = format!("a body is {wanted} in UTF-8, not compressed");
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail);
    Err(problem.with(header::ACCEPT, wanted))
}
