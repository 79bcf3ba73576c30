//! The token endpoint: OAuth 2.0 client credentials (RFC 6749, section 4.4) over the keys that there are.
//!
//! The id of a key is the client id, the secret half of its token the client secret. Refusals are those of the RFC, not
//! problems, since its clients know no others. Deliberately absent: every other grant, and the registration of clients, which
//! is `orderwire keys`.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    App,
    api::Api,
    auth::{self, guesses::Peer, tokens},
    body,
    openapi::tags,
    problem::Problem,
};
use crate::{
    edge::keys::{self, ApiKey, Scope, Scopes},
    engine::Actor,
};

/// Where tokens are made.
pub const PATH: &str = "/oauth/token";
/// Longest request; real ones have a few hundred bytes.
const REQUEST_BYTES_MAX: usize = 8 * 1024;

/// Adds the route.
pub fn routes(api: Api) -> Api {
    api.public(routes!(token))
}

/// What asks for a token.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is read parameter by parameter; this is what the document shows")]
struct TokenRequest {
    /// Always `client_credentials`.
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// The id of a key, unless the Authorization header has it.
    client_id: Option<String>,
    /// The secret half of its token, after the dot; unless the Authorization header has it.
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// Some of `orderwire.read` and `orderwire.write`, between spaces; all that the key has where nobody says.
    #[schema(example = "orderwire.read")]
    scope: Option<String>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessToken)]
struct TokenBody {
    /// What to present: `Authorization: Bearer …`.
    #[schema(example = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that it is good; never longer than its key.
    #[schema(example = 900)]
    expires_in: i64,
    /// What it may be used for.
    #[schema(example = "orderwire.read")]
    scope: String,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug, Serialize, ToSchema)]
struct TokenRefusal {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type`, `invalid_scope`, or `temporarily_unavailable`.
    #[schema(example = "invalid_client")]
    error: &'static str,
    /// The same for people.
    error_description: String,
}

/// Why there is no token, as it is answered.
enum Refusal {
    /// In the words of the RFC.
    Said(StatusCode, TokenRefusal),
    /// The key asks too often, or is guessed at.
    TooMany(Box<Response>),
    /// On our side.
    Ours(Problem),
}

impl Refusal {
    fn said(error: &'static str, description: impl Into<String>) -> Self {
        let status =
            if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        Self::Said(status, TokenRefusal { error, error_description: description.into() })
    }

    fn client() -> Self {
        // Unknown, revoked or wrong: whoever guesses is not told which.
        Self::said("invalid_client", "there is no such client, or its secret is another")
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        match problem.status() {
            StatusCode::TOO_MANY_REQUESTS => {
                let refusal = TokenRefusal {
                    error: "temporarily_unavailable",
                    error_description: problem.detail().to_owned(),
                };
                let wait = problem.header(&header::RETRY_AFTER).cloned();
                let mut answer = answer(StatusCode::TOO_MANY_REQUESTS, &refusal);
                answer.headers_mut().extend(wait.map(|wait| (header::RETRY_AFTER, wait)));
                Self::TooMany(Box::new(answer))
            }
            status if status.is_client_error() => {
                let error_description = problem.detail().to_owned();
                Self::Said(status, TokenRefusal { error: "invalid_request", error_description })
            }
            _ => Self::Ours(problem),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Said(status, refusal) => {
                let mut answer = answer(status, &refusal);
                if status == StatusCode::UNAUTHORIZED {
                    let challenge = HeaderValue::from_static("Basic realm=\"orderwire\", charset=\"UTF-8\"");
                    answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                }
                answer
            }
            Self::TooMany(answer) => *answer,
            Self::Ours(problem) => problem.into_response(),
        }
    }
}

/// Nothing of this belongs into any cache.
fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("a body has string keys only");
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ];
    (status, headers, body).into_response()
}

/// Make an access token of a key.
///
/// OAuth 2.0 client credentials: the id of a key is the client id, the half of its token after the dot the client secret,
/// by HTTP Basic or in the body. The token is good for 15 minutes at most, and not a moment longer than its key.
#[utoipa::path(post, path = "/oauth/token", operation_id = "create_token", tag = tags::AUTHENTICATION,
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded",
        example = json!({ "grant_type": "client_credentials", "client_id": "key_0190a1b2c3d47e5f8a9b0c1d2e3f4a5b",
            "client_secret": "0000000000000000000000000000000000000000000000000000000000000000",
            "scope": "orderwire.read" })),
    responses((status = 200, description = "A token. It belongs into no cache.", body = TokenBody),
        (status = 400, description = "Something is wrong with the request: `invalid_request`, `unsupported_grant_type` or \
            `invalid_scope`.", body = TokenRefusal),
        (status = 401, description = "`invalid_client`: there is no such client, or its secret is another.", body = TokenRefusal),
        (status = 408, description = "`invalid_request`: the body did not arrive in time.", body = TokenRefusal),
        (status = 413, description = "`invalid_request`: the body is too large.", body = TokenRefusal),
        (status = 415, description = "`invalid_request`: the body is no form in UTF-8.", body = TokenRefusal),
        (status = 429, description = "`temporarily_unavailable`: the client asks too often, or presented too many wrong \
            secrets; `Retry-After` says when to go on.", body = TokenRefusal)))]
async fn token(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let text = body::read_form(&parts.headers, body, REQUEST_BYTES_MAX, app.limits).await?;
    let form = Form::read(&text)?;
    let key = client(&app, auth::peer(&parts.extensions), &parts.headers, &form).await?;
    let actor = Actor::new(key.id.clone()).expect("the id of a key is printable");
    auth::in_moderation(&app, &actor)?;
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(Refusal::said(
                "unsupported_grant_type",
                "the one grant there is: client_credentials",
            ));
        }
        None => return Err(Refusal::said("invalid_request", "grant_type is missing")),
    }
    let scopes = scopes(&key, form.get("scope"))?;
    let body = TokenBody {
        access_token: tokens::issue(&app.engine, &key, &scopes),
        token_type: "Bearer",
        expires_in: tokens::LIFE.num_seconds(),
        scope: tokens::words(&scopes),
    };
    Ok(answer(StatusCode::OK, &body))
}

/// The parameters of a request; those that nobody knows are ignored, as the RFC wants it.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(text: &str) -> Result<Self, Refusal> {
        // A parameter without a value is as good as none.
        let mut form: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        form.retain(|(_, value)| !value.is_empty());
        for (index, (name, _)) in form.iter().enumerate() {
            if form[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refusal::said("invalid_request", "a parameter is given twice"));
            }
        }
        Ok(Self(form))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Whoever asks, by HTTP Basic or by the body, not both.
async fn client(app: &App, peer: Peer, headers: &HeaderMap, form: &Form) -> Result<ApiKey, Refusal> {
    let in_body = form.get("client_id").zip(form.get("client_secret"));
    let in_header = headers.contains_key(header::AUTHORIZATION);
    let (id, secret) = match in_body {
        _ if in_header && form.get("client_secret").is_some() => {
            return Err(Refusal::said("invalid_request", "the client says twice who it is"));
        }
        Some((id, secret)) => (id.to_owned(), secret.to_owned()),
        None if in_header => basic(headers).ok_or_else(Refusal::client)?,
        None => return Err(Refusal::said("invalid_client", "the client does not say who it is")),
    };
    if form.get("client_id").is_some_and(|named| named != id) {
        return Err(Refusal::said("invalid_request", "the client says twice who it is"));
    }
    if !keys::is_id(&id) {
        return Err(Refusal::client());
    }
    auth::key(app, peer, &id, &secret).await?.ok_or_else(Refusal::client)
}

/// The client id and secret of a header, each encoded like a form (RFC 6749, section 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = |text: &str| {
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        pairs.next().map(|(name, _)| name.into_owned()).filter(|_| !text.contains(['=', '&']))
    };
    Some((decoded(id)?, decoded(secret)?))
}

/// What a token may be used for: what is asked for, and no more than the key may.
fn scopes(key: &ApiKey, asked: Option<&str>) -> Result<Scopes, Refusal> {
    let allowed = key.scopes();
    let Some(asked) = asked else { return Ok(allowed) };
    let asked: Option<Scopes> = asked.split(' ').map(|word| word.parse::<Scope>().ok()).collect();
    asked.filter(|asked| asked.is_subset(&allowed)).ok_or_else(|| {
        Refusal::said("invalid_scope", format!("what this client may ask for: {}", tokens::words(&allowed)))
    })
}
