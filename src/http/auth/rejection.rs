//! What somebody is told whose token, role or scope does not do: RFC 6750, and what would be right.

use axum::http::{StatusCode, header};
use chrono::{DateTime, SecondsFormat, Utc};

use super::super::problem::{Fault, Problem};
use crate::edge::keys::{Role, Scope};

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is no token, nobody known has signed it, or its key is unknown or revoked. Whoever guesses is not told which.
    NotAccepted,
    /// It was good until then.
    Expired(Option<DateTime<Utc>>),
    /// It is good from then on.
    NotYetValid(Option<DateTime<Utc>>),
    /// It is for somebody else.
    Audience(String),
    /// Somebody else has issued it.
    Issuer(String),
    /// It lacks this claim, or what it says there cannot be.
    Claim(String),
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let time = |at: Option<DateTime<Utc>>| {
            at.map_or_else(|| "no time".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
        };
        let (code, about, detail, expected) = match rejection {
            Rejection::NotAccepted => (
                "token_not_accepted",
                "the token is not accepted",
                "the token is not accepted".to_owned(),
                None,
            ),
            Rejection::Expired(at) => (
                "token_expired",
                "the token has expired",
                format!("it was good until {}", time(at)),
                Some("a fresh token".to_owned()),
            ),
            Rejection::NotYetValid(at) => (
                "token_not_yet_valid",
                "the token is not valid yet",
                format!("it is good from {}", time(at)),
                Some("a token that is good now; is a clock wrong?".to_owned()),
            ),
            Rejection::Audience(ours) => (
                "audience_wrong",
                "the token is for another audience",
                "its `aud` does not name us".to_owned(),
                Some(ours),
            ),
            Rejection::Issuer(ours) => (
                "issuer_wrong",
                "the token is of another issuer",
                "its `iss` is another".to_owned(),
                Some(ours),
            ),
            Rejection::Claim(name) => (
                "claim_invalid",
                "the token lacks a claim",
                format!("its `{name}` is missing, or cannot be that"),
                None,
            ),
        };
        let challenge =
            format!("Bearer realm=\"orderwire\", error=\"invalid_token\", error_description=\"{about}\"");
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", about)
            .with(header::WWW_AUTHENTICATE, &challenge)
            .listing(vec![fault(code, detail, expected)])
    }
}

/// The role is not one of those.
pub fn role(role: Role, allowed: &[Role]) -> Problem {
    let words = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    let detail = format!("this is not for the role {role}");
    let fault = fault("role_wrong", detail.clone(), Some(format!("the role {words}")));
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).listing(vec![fault])
}

/// The token or key is not for this.
pub fn scope(needed: Scope) -> Problem {
    let challenge = format!("Bearer realm=\"orderwire\", error=\"insufficient_scope\", scope=\"{needed}\"");
    let detail = "the token or key is not for this".to_owned();
    let expected = format!("one with the scope {needed}");
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail.clone())
        .with(header::WWW_AUTHENTICATE, &challenge)
        .listing(vec![fault("insufficient_scope", detail, Some(expected))])
}

/// What an issuer's token says of its bearer means nothing here.
pub fn claim(code: &str, detail: String, expected: &str) -> Problem {
    let about = "the token gives no access here";
    Problem::new(StatusCode::FORBIDDEN, "forbidden", about).listing(vec![fault(
        code,
        detail,
        Some(expected.to_owned()),
    )])
}

fn fault(code: &str, detail: String, expected: Option<String>) -> Fault {
    let parameter = Some("Authorization".to_owned());
    Fault { pointer: String::new(), parameter, code: code.to_owned(), detail, expected, line: None }
}
