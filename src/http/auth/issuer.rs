//! Tokens of an outside issuer (JWTs), and whom they stand for here.
//!
//! Signature first, then issuer, audience and times, then who it is: a role, a reseller with that role, and scopes, in
//! claims that the configuration names. Every token names its key, and every key its algorithms. Deliberately absent: asking
//! the issuer about a token; it is good until it expires, so let it be short.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header, Validation};
use orderwire_domain::{
    ids::{ResellerId, StreamId},
    names::ResellerCode,
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    Caller, Rejection,
    key_set::{Found, KeySet, KeySetError},
    rejection, tokens,
};
use crate::{
    config::{IssuerSettings, KeysFrom},
    edge::{
        keys::{Role, Scopes},
        place,
    },
    engine::{Actor, Engine, leaf::hex},
    http::problem::Problem,
};

/// What the actors of an issuer begin with.
const PREFIX: &str = "sub_";
/// Bytes of a hash that tell actors apart.
const ACTOR_BYTES: usize = 16;

type Claims = Map<String, Value>;

/// Somebody outside whose tokens are taken.
pub struct Issuer {
    settings: IssuerSettings,
    keys: Arc<KeySet>,
}

/// Why tokens of an issuer cannot be taken at all.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// There is no client to fetch its keys with.
    #[error("the keys of the issuer cannot be fetched from this machine")]
    Client(#[source] reqwest::Error),
    /// Its keys are in a file that cannot be used.
    #[error("the keys of the issuer cannot be used")]
    Keys(#[source] KeySetError),
}

impl Issuer {
    /// An issuer, with its keys. One that is away is asked again when its first token comes; a file must be there.
    pub async fn open(settings: IssuerSettings, now: DateTime<Utc>) -> Result<Self, IssuerError> {
        let keys = KeySet::new(settings.keys.clone()).map_err(IssuerError::Client)?;
        match settings.keys {
            KeysFrom::File(_) => keys.fetch(now).await.map_err(IssuerError::Keys)?,
            KeysFrom::Url(_) => keys.refresh(now).await,
        }
        Ok(Self { settings, keys: Arc::new(keys) })
    }

    /// Whoever presents a token that is not ours.
    pub async fn caller(&self, engine: &Engine, token: &str, header: &Header) -> Result<Caller, Problem> {
        let now = engine.now();
        let claims = self.verified(token, header, now).await?;
        self.current(&claims, now)?;
        self.known(engine, &claims).await
    }

    /// What a token says that the issuer has signed.
    async fn verified(&self, token: &str, header: &Header, now: DateTime<Utc>) -> Result<Claims, Problem> {
        // A secret is nobody's public key: nothing is fetched for such a token.
        if matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
            return Err(Rejection::NotAccepted.into());
        }
        let id = header.kid.as_deref().ok_or(Rejection::NotAccepted)?;
        let key = match self.keys.key(id, now).await {
            Found::Key(key) => key,
            Found::Unknown => return Err(Rejection::NotAccepted.into()),
            Found::Unavailable => {
                let detail = "the issuer of the token cannot be reached, so nobody knows its keys";
                return Err(Problem::unavailable("unavailable", detail, 30));
            }
        };
        if !key.algorithms.contains(&header.alg) {
            return Err(Rejection::NotAccepted.into());
        }
        let mut validation = Validation::new(header.alg);
        // What it claims is looked at below, with the engine's clock.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.key, &validation);
        Ok(decoded.map_err(|_| Rejection::NotAccepted)?.claims)
    }

    /// Whether it is the issuer's, for us, and for now.
    fn current(&self, claims: &Claims, now: DateTime<Utc>) -> Result<(), Rejection> {
        let IssuerSettings { issuer, audience, clock_skew, .. } = &self.settings;
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err(Rejection::Issuer(issuer.clone()));
        }
        let names_us = |audience_claim: &Value| match audience_claim {
            Value::Array(all) => all.iter().any(|one| one.as_str() == Some(audience)),
            one => one.as_str() == Some(audience),
        };
        if !claims.get("aud").is_some_and(names_us) {
            return Err(Rejection::Audience(audience.clone()));
        }
        let expires = time(claims, "exp")?.ok_or_else(|| Rejection::Claim("exp".to_owned()))?;
        if now - *clock_skew >= expires {
            return Err(Rejection::Expired(Some(expires)));
        }
        match time(claims, "nbf")? {
            Some(begins) if now + *clock_skew < begins => Err(Rejection::NotYetValid(Some(begins))),
            _ => Ok(()),
        }
    }

    /// Who its bearer is here.
    async fn known(&self, engine: &Engine, claims: &Claims) -> Result<Caller, Problem> {
        let IssuerSettings { issuer, role_claim, reseller_claim, scope_claim, .. } = &self.settings;
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| Rejection::Claim("sub".to_owned()))?;
        let role: Role =
            claims.get(role_claim).and_then(Value::as_str).and_then(|role| role.parse().ok()).ok_or_else(
                || {
                    let detail = format!("its `{role_claim}` is missing, or no role");
                    rejection::claim("role_unknown", detail, "reseller, operator or auditor")
                },
            )?;
        let reseller = match (role, claims.get(reseller_claim)) {
            (Role::Reseller, named) => Some(self.reseller(engine, named).await?),
            (Role::Operator | Role::Auditor, None | Some(Value::Null)) => None,
            (Role::Operator | Role::Auditor, Some(_)) => {
                let detail = format!("it has the role {role}, and a `{reseller_claim}`");
                return Err(rejection::claim(
                    "reseller_unexpected",
                    detail,
                    "a reseller with that role only",
                ));
            }
        };
        let scopes = claims.get(scope_claim).map(scopes).unwrap_or_default();
        let scopes = role.scopes().intersection(&scopes).copied().collect();
        let until = time(claims, "exp")?.map(|expires| expires + self.settings.clock_skew);
        Ok(Caller { actor: actor(issuer, subject), role, reseller, scopes, until })
    }

    /// The reseller that a claim names by its code or id.
    async fn reseller(&self, engine: &Engine, named: Option<&Value>) -> Result<ResellerId, Problem> {
        let claim = &self.settings.reseller_claim;
        let named = named.and_then(Value::as_str).unwrap_or_default();
        let found = if let Ok(id) = named.parse::<ResellerId>() {
            let (sequence, _) = engine.state(StreamId::from(id)).await?;
            (sequence > 0).then_some(id)
        } else if let Ok(code) = named.parse::<ResellerCode>() {
            place::reseller(engine, &code).await?
        } else {
            None
        };
        found.ok_or_else(|| {
            let detail = format!("its `{claim}` is missing, or no reseller");
            rejection::claim("reseller_unknown", detail, "the code or id of a reseller")
        })
    }
}

/// A time as JWTs have it: seconds, perhaps with a fraction.
fn time(claims: &Claims, name: &str) -> Result<Option<DateTime<Utc>>, Rejection> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    // Whole milliseconds of every year that a clock can have fit.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what does not fit is no time, and saturates to one that is none"
    )]
    let at =
        value.as_f64().map(|seconds| (seconds * 1_000.0) as i64).and_then(DateTime::from_timestamp_millis);
    at.map(Some).ok_or_else(|| Rejection::Claim(name.to_owned()))
}

/// Scopes as issuers write them: words in one text, or a list of them.
fn scopes(claim: &Value) -> Scopes {
    match claim {
        Value::Array(words) => words.iter().filter_map(|word| word.as_str()?.parse().ok()).collect(),
        text => text.as_str().map(tokens::read).unwrap_or_default(),
    }
}

/// The actor of a subject. Some issuers name people there, by an address even, and an event is for ever: so it is a hash,
/// which whoever knows the subject can make again.
fn actor(issuer: &str, subject: &str) -> Actor {
    let hash = Sha256::digest(format!("{issuer}\n{subject}"));
    Actor::new(format!("{PREFIX}{}", hex(&hash[..ACTOR_BYTES]))).expect("digits are printable")
}
