//! What a caller is told who was not served: RFC 9457, and the one place that chooses the HTTP status of an error.
//!
//! `code` is stable and so is `type`, which ends in it; `detail` is for people. Deliberately absent: anything about our own
//! faults. What cannot be right is logged with the correlation id that the answer carries, and nothing else is said.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    edge::{self, Problem as Wrong, reader},
    engine::{Error, ErrorKind, log::StoreError},
};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// What the `type` of every problem begins with.
const TYPE: &str = "https://orderwire.example/problems/";
/// The code of what is asked of a resource where it is not.
const NOT_PERMITTED: &str = "not_permitted";
/// Seconds after which a crowded engine is worth asking again.
const SOON: u32 = 1;
/// Seconds after which a store that could not be reached is worth asking again.
const LATER: u32 = 5;

/// Why a request was not served.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inside>);

#[derive(Clone, Debug)]
struct Inside {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    document: ProblemDocument,
}

/// A problem as it is sent (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Names the kind of problem, for good.
    #[serde(rename = "type")]
    #[schema(format = "uri", example = "https://orderwire.example/problems/refused")]
    kind: String,
    /// The kind of problem in a few words.
    #[schema(example = "Unprocessable Entity")]
    title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// The kind of problem as a word, for good: the end of `type`.
    #[schema(example = "refused")]
    code: String,
    /// What is wrong this time.
    #[schema(example = "the document or the rules speak against it")]
    detail: String,
    /// Everything that is wrong, at once.
    errors: Vec<Fault>,
    /// Where the resource is, if that is why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// What may be asked of it now, if that is why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<Vec<String>>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// Where in the body, as a JSON Pointer; empty for the request as a whole. What is about a line of an order that is there
    /// already, points into the list of its lines, from 0.
    #[schema(example = "/lines/0/mac")]
    pub pointer: String,
    /// Which parameter or header, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// A stable slug.
    #[schema(example = "mac_multicast")]
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// What would be right, where that can be said.
    pub expected: Option<String>,
    /// The number of the line that it is about, where it is about a line of an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    pub line: Option<u32>,
}

impl From<Wrong> for Fault {
    fn from(Wrong { pointer, code, detail, expected, line }: Wrong) -> Self {
        // What the lifecycle would permit is said in words of the engine; `actions` says it in those of the API.
        let expected = expected.filter(|_| code != NOT_PERMITTED);
        Self { pointer, parameter: None, code, detail, expected, line }
    }
}

impl Problem {
    /// A problem of a kind.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let document = ProblemDocument {
            kind: format!("{TYPE}{code}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            state: None,
            actions: None,
        };
        Self(Box::new(Inside { status, headers: Vec::new(), document }))
    }

    /// Nobody said who asks, or nobody who is known.
    pub fn unauthenticated(detail: &str) -> Self {
        let problem = Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail);
        problem.with(header::WWW_AUTHENTICATE, "Bearer realm=\"orderwire\"")
    }

    /// There is nothing of that name, or it is another's: nobody can tell which.
    pub fn not_found(what: &str, named: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} {}", reader::shown(named)))
    }

    /// A parameter or header cannot be what it is.
    pub fn parameter(name: &str, code: &str, detail: impl Into<String>, expected: impl Into<String>) -> Self {
        let fault = Fault {
            pointer: String::new(),
            parameter: Some(name.to_owned()),
            code: code.to_owned(),
            detail: detail.into(),
            expected: Some(expected.into()),
            line: None,
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{name} is not right"))
            .listing(vec![fault])
    }

    /// It is not here, for a reason that is no secret.
    pub fn absent(code: &str, detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// What the caller saw is not what there is.
    pub fn precondition(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
    }

    /// It may be asked again after so many seconds.
    pub fn unavailable(code: &str, detail: impl Into<String>, retry_after_s: u32) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.with(header::RETRY_AFTER, &retry_after_s.to_string())
    }

    /// With a header of the answer.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("our own headers are printable");
        self.0.headers.push((name, value));
        self
    }

    /// With everything that is wrong.
    #[must_use]
    pub fn listing(mut self, errors: Vec<Fault>) -> Self {
        self.0.document.errors = errors;
        self
    }

    /// With where the resource is, and what may be asked of it there.
    #[must_use]
    pub fn standing(mut self, state: &str, actions: Vec<String>) -> Self {
        let expected = if actions.is_empty() { "nothing".to_owned() } else { actions.join(", ") };
        for error in self.0.document.errors.iter_mut().filter(|error| error.code == NOT_PERMITTED) {
            error.expected = Some(expected.clone());
        }
        self.0.document.state = Some(state.to_owned());
        self.0.document.actions = Some(actions);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What is wrong this time.
    pub fn detail(&self) -> &str {
        &self.0.document.detail
    }

    /// A header of the answer.
    pub fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.0.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Whether one of its errors has this code.
    pub fn says(&self, code: &str) -> bool {
        self.0.document.errors.iter().any(|error| error.code == code)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Inside { status, headers, document } = *self.0;
        let body = serde_json::to_vec(&document).expect("a problem has string keys only");
        let mut response = (status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.headers_mut().extend(headers);
        response
    }
}

impl From<edge::Error> for Problem {
    fn from(error: edge::Error) -> Self {
        match error {
            edge::Error::Refused(problems) => problems.into(),
            edge::Error::Engine(error) => of_engine(&error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        edge::Error::from(error).into()
    }
}

impl From<Vec<Wrong>> for Problem {
    fn from(problems: Vec<Wrong>) -> Self {
        let (status, code, detail) = of_refusal(&problems);
        Self::new(status, code, detail).listing(problems.into_iter().map(Fault::from).collect())
    }
}

/// What a document or the rules refuse.
fn of_refusal(problems: &[Wrong]) -> (StatusCode, &'static str, String) {
    let all = |is: fn(&str) -> bool| !problems.is_empty() && problems.iter().all(|problem| is(&problem.code));
    if all(|code| code == "not_found") {
        let detail = problems.iter().map(|problem| problem.detail.as_str()).collect::<Vec<_>>().join("; ");
        return (StatusCode::NOT_FOUND, "not_found", detail);
    }
    if all(|code| code == "json_malformed") {
        return (StatusCode::BAD_REQUEST, "malformed", "the body cannot be read".to_owned());
    }
    if all(|code| code == "document_too_large") {
        return (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large".to_owned());
    }
    if all(|code| code == NOT_PERMITTED) {
        let detail = "the resource is not where this can be asked of it".to_owned();
        return (StatusCode::CONFLICT, NOT_PERMITTED, detail);
    }
    if all(|code| code.ends_with("_yours")) {
        let detail = "you have it already: name it by its service reference".to_owned();
        return (StatusCode::CONFLICT, "yours", detail);
    }
    if all(|code| code.ends_with("_taken") || code.ends_with("_yours")) {
        return (StatusCode::CONFLICT, "taken", "somebody holds it already".to_owned());
    }
    let detail = "the document or the rules speak against it".to_owned();
    (StatusCode::UNPROCESSABLE_ENTITY, "refused", detail)
}

/// What the engine says besides refusing.
fn of_engine(error: &Error) -> Problem {
    match error {
        Error::Refused(reasons) => reasons.iter().cloned().map(Wrong::from).collect::<Vec<_>>().into(),
        Error::KeyReused => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", error.to_string())
        }
        // No resource is at 0: that is what a tag is which none of its own answers had.
        Error::Precondition { stream, expected: 0 } => {
            Problem::precondition(format!("{stream} was never where the tags of `If-Match` say"))
        }
        Error::Precondition { stream, .. } => {
            Problem::precondition(format!("something has happened to {stream} since it had this tag"))
        }
        Error::Conflict { .. } => Problem::unavailable("conflict", error.to_string(), SOON),
        Error::Overloaded | Error::NotThereYet { .. } => {
            Problem::unavailable("not_yet", error.to_string(), SOON)
        }
        Error::Store(StoreError::Unavailable(_)) => {
            tracing::warn!(%error, "the store could not be asked");
            Problem::unavailable("unavailable", "the store cannot be reached just now", LATER)
        }
        error if error.kind() == ErrorKind::Unavailable => {
            tracing::error!(%error, "the engine cannot do it");
            Problem::unavailable("unavailable", "this cannot be done just now", LATER)
        }
        error => {
            tracing::error!(%error, "something cannot be right");
            let detail = "something is wrong on our side; it is logged under this correlation id";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
        }
    }
}
