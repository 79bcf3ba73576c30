//! Access tokens of our own: what the token endpoint makes of a key, and every other request presents in its place.
//!
//! A token is a JWT (RFC 9068) signed with a key that is derived from the store's master key, so every process on a store
//! takes what any of them made, and nothing is stored. It is good for [`LIFE`] at most, and not a moment longer than its key:
//! the key is looked up as if it had been presented itself. Deliberately absent: refresh tokens; a client asks again.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Caller, Rejection};
use crate::{
    edge::keys::{self, ApiKey, Scopes},
    engine::Engine,
    http::problem::Problem,
};

/// How long a token is good.
pub const LIFE: TimeDelta = TimeDelta::minutes(15);
/// For what the master key is used here.
const PURPOSE: &str = "access tokens 1";
/// The key id in the header of our tokens; another scheme would have another.
const KEY_ID: &str = "orderwire-1";
/// Who has issued our tokens, and for whom.
const OURSELVES: &str = "orderwire";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    scope: String,
    iat: i64,
    exp: i64,
    jti: String,
}

/// Makes a token of a key, for some of its scopes.
pub fn issue(engine: &Engine, key: &ApiKey, scopes: &Scopes) -> String {
    let now = engine.now();
    let claims = Claims {
        iss: OURSELVES.to_owned(),
        aud: OURSELVES.to_owned(),
        sub: key.id.clone(),
        client_id: key.id.clone(),
        scope: words(scopes),
        iat: now.timestamp(),
        exp: (now + LIFE).timestamp(),
        jti: Uuid::now_v7().simple().to_string(),
    };
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(KEY_ID.to_owned());
    let key = EncodingKey::from_secret(&engine.derived_key(PURPOSE));
    jsonwebtoken::encode(&header, &claims, &key).expect("an HMAC can be made of any text")
}

/// Whether a token claims to be one of ours.
pub fn is_ours(header: &Header) -> bool {
    header.alg == Algorithm::HS256 && header.kid.as_deref() == Some(KEY_ID)
}

/// Whoever presents a token that claims to be ours.
pub async fn caller(engine: &Engine, token: &str) -> Result<Caller, Problem> {
    let mut validation = Validation::new(Algorithm::HS256);
    // What time it is, the engine's clock says; so `exp` is compared below.
    validation.validate_exp = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[OURSELVES]);
    validation.set_audience(&[OURSELVES]);
    let key = DecodingKey::from_secret(&engine.derived_key(PURPOSE));
    let decoded = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    let claims = decoded.map_err(|_| Rejection::NotAccepted)?.claims;
    if engine.now().timestamp() >= claims.exp {
        return Err(Rejection::Expired(DateTime::<Utc>::from_timestamp(claims.exp, 0)).into());
    }
    let key = keys::in_force(engine, &claims.sub).await?.ok_or(Rejection::NotAccepted)?;
    let scopes = key.scopes().intersection(&read(&claims.scope)).copied().collect();
    let until = DateTime::<Utc>::from_timestamp(claims.exp, 0);
    Ok(Caller { until, ..Caller::of_key(key, scopes) })
}

/// Scopes as OAuth 2.0 writes them: words between spaces.
pub fn words(scopes: &Scopes) -> String {
    scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The scopes in a text that are ours; others are for somebody else.
pub fn read(text: &str) -> Scopes {
    text.split(' ').filter_map(|word| word.parse().ok()).collect()
}
