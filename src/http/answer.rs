//! What an answer is: a JSON body, and what its headers say of it.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use orderwire_domain::joint::Ids;
use serde::Serialize;
use utoipa::ToSchema;

use super::{condition, page::Listed, request::Look};
use crate::engine::Receipt;

/// The header that says where in the log a write is.
pub const POSITION: HeaderName = HeaderName::from_static("orderwire-position");

/// An answer of a handler.
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: Vec<u8>,
}

/// What was done, where it cannot be shown yet: the read models are behind.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// Where it is in the log; `?after_position=` waits for it.
    position: u64,
    /// The ids that it made, by what they name.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    ids: Ids,
}

impl Done {
    /// Of a receipt.
    pub fn of(receipt: &Receipt) -> Self {
        Self { position: receipt.appended.last(), ids: receipt.ids.clone() }
    }
}

impl Answer {
    /// An answer with a body.
    pub fn new(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a body has string keys only");
        Self { status, headers: Vec::new(), body }
    }

    /// What was asked for.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, body)
    }

    /// A page of a list, with a link to the next one.
    pub fn list<T: Serialize>(look: &Look, page: &Listed<T>) -> Self {
        Self::ok(page).linked(look, "cursor", page.next.as_deref())
    }

    /// With a link to the next page, which differs from this one in one parameter.
    #[must_use]
    pub fn linked(self, look: &Look, parameter: &str, next: Option<&str>) -> Self {
        let Some(next) = next else { return self };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(look.query_without(parameter)).append_pair(parameter, next);
        let link = format!("<{}?{}>; rel=\"next\"", look.path(), query.finish());
        self.with(header::LINK, link)
    }

    /// Where in the log the write is.
    #[must_use]
    pub fn at(self, position: u64) -> Self {
        self.with(POSITION, position.to_string())
    }

    /// What the resource is as of this event, for `If-Match`.
    #[must_use]
    pub fn tagged(self, position: u64) -> Self {
        self.with(header::ETAG, condition::tag(position))
    }

    /// Where the resource is.
    #[must_use]
    pub fn located(self, path: String) -> Self {
        self.with(header::LOCATION, path)
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in self.headers {
            headers.insert(name, HeaderValue::from_str(&value).expect("our own headers are printable"));
        }
        // Whoever shares a cache with the caller is not to be shown what only the caller may see.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        response
    }
}

/// A time as it is sent: RFC 3339 in UTC, with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-06-01T09:00:00.000Z")]
pub struct Time(pub DateTime<Utc>);

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}
