//! The public keys of an outside issuer (JWK set, RFC 7517): fetched, kept at hand, and fetched again when they change.
//!
//! While the issuer is away, the keys that are at hand stay in force. Deliberately absent: keys that are secret. Whoever can
//! read a set could sign with them, so they are passed over.

use std::{
    collections::HashMap,
    fs,
    io::Read as _,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::config::KeysFrom;

/// Keys are fetched no more often than this, however many tokens name one that is unknown.
const FETCH_REST: TimeDelta = TimeDelta::seconds(30);
/// Keys that are older are fetched again, so that one the issuer has withdrawn does not stay.
const FRESH_FOR: TimeDelta = TimeDelta::hours(1);
/// An issuer that does not answer in this time is away.
const FETCHED_WITHIN: Duration = Duration::from_secs(5);
/// Longest set; real ones have a few thousand bytes.
const SET_BYTES_MAX: usize = 256 * 1024;
/// Keys in a set that are taken.
const KEYS_MAX: usize = 100;

/// A key, and the algorithms that it may have been used with: those of its own kind, never what a token says.
#[derive(Clone)]
pub struct PublicKey {
    /// What verifies a signature.
    pub key: DecodingKey,
    /// With which algorithms.
    pub algorithms: Vec<Algorithm>,
}

/// What became of looking for a key.
pub enum Found {
    /// It is there.
    Key(Arc<PublicKey>),
    /// The issuer has no such key.
    Unknown,
    /// Nobody knows: the issuer was away ever since the server started.
    Unavailable,
}

/// The keys of an issuer.
pub struct KeySet {
    from: KeysFrom,
    client: reqwest::Client,
    held: RwLock<Held>,
    /// When keys were asked for last; whoever holds it asks.
    asked: Mutex<Option<DateTime<Utc>>>,
}

#[derive(Default)]
struct Held {
    keys: HashMap<String, Arc<PublicKey>>,
    fetched_at: Option<DateTime<Utc>>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    File(#[source] std::io::Error),
    /// The issuer is away.
    #[error("the issuer cannot be asked")]
    Away(#[source] reqwest::Error),
    /// The issuer answered something else.
    #[error("the issuer answers {0}")]
    Status(u16),
    /// It is no such set.
    #[error("this is no set of keys")]
    Malformed(#[source] serde_json::Error),
    /// It is longer than any set.
    #[error("a set of keys has at most {SET_BYTES_MAX} bytes")]
    TooLarge,
    /// No key of it can be used.
    #[error("no key of the set is a public one with a `kid` and an algorithm that is known")]
    Empty,
}

#[derive(Deserialize)]
struct SetDocument {
    keys: Vec<Value>,
}

impl KeySet {
    /// Keys that come from there; none yet.
    pub fn new(from: KeysFrom) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(FETCHED_WITHIN)
            .build()?;
        Ok(Self { from, client, held: RwLock::default(), asked: Mutex::default() })
    }

    /// The key of an id. An unknown one is asked for, unless somebody has just asked.
    pub async fn key(self: &Arc<Self>, id: &str, now: DateTime<Utc>) -> Found {
        let (found, is_fresh) = self.held(id, now);
        if let Found::Key(_) = found {
            if !is_fresh {
                // Nobody waits for that: what is at hand is good until something else is known.
                let keys = Arc::clone(self);
                tokio::spawn(async move { keys.refresh(now).await });
            }
            return found;
        }
        self.refresh(now).await;
        self.held(id, now).0
    }

    fn held(&self, id: &str, now: DateTime<Utc>) -> (Found, bool) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = held.fetched_at.is_some_and(|at| (now - at).abs() < FRESH_FOR);
        let found = match (held.keys.get(id), held.fetched_at) {
            (Some(key), _) => Found::Key(Arc::clone(key)),
            (None, Some(_)) => Found::Unknown,
            (None, None) => Found::Unavailable,
        };
        (found, is_fresh)
    }

    /// Fetches the keys, unless that was tried a moment ago.
    pub async fn refresh(&self, now: DateTime<Utc>) {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| (now - at).abs() < FETCH_REST) {
            return;
        }
        *asked = Some(now);
        if let Err(error) = self.fetch(now).await {
            let error = anyhow::Error::new(error);
            tracing::warn!(error = format!("{error:#}"), "the keys of the outside issuer were not fetched");
        }
    }

    /// Fetches the keys now.
    pub async fn fetch(&self, now: DateTime<Utc>) -> Result<(), KeySetError> {
        let bytes = match &self.from {
            KeysFrom::File(path) => read(path)?,
            KeysFrom::Url(url) => self.get(url).await?,
        };
        let keys = parse(&bytes)?;
        tracing::info!(keys = keys.len(), "the keys of the outside issuer were fetched");
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        *held = Held { keys, fetched_at: Some(now) };
        Ok(())
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, KeySetError> {
        let mut answer = self.client.get(url).send().await.map_err(KeySetError::Away)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(KeySetError::Status(answer.status().as_u16()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(KeySetError::Away)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > SET_BYTES_MAX {
                return Err(KeySetError::TooLarge);
            }
        }
        Ok(bytes)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeySetError> {
    let file = fs::File::open(path).map_err(KeySetError::File)?;
    let mut bytes = Vec::new();
    file.take(SET_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(KeySetError::File)?;
    if bytes.len() > SET_BYTES_MAX { Err(KeySetError::TooLarge) } else { Ok(bytes) }
}

/// The keys of a set that can be used, by their ids. Others are passed over: sets have keys for other purposes too.
fn parse(bytes: &[u8]) -> Result<HashMap<String, Arc<PublicKey>>, KeySetError> {
    let set: SetDocument = serde_json::from_slice(bytes).map_err(KeySetError::Malformed)?;
    let mut keys = HashMap::new();
    for jwk in set.keys.into_iter().take(KEYS_MAX) {
        let Some(jwk) = serde_json::from_value::<Jwk>(jwk).ok() else { continue };
        let Some(id) = jwk.common.key_id.clone() else { continue };
        let Some(key) = usable(&jwk) else { continue };
        keys.insert(id, Arc::new(key));
    }
    if keys.is_empty() { Err(KeySetError::Empty) } else { Ok(keys) }
}

fn usable(jwk: &Jwk) -> Option<PublicKey> {
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let verifies =
        common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !signs || !verifies {
        return None;
    }
    let mut algorithms = algorithms(&jwk.algorithm);
    if let Some(named) = common.key_algorithm {
        algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == named);
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    (!algorithms.is_empty()).then_some(PublicKey { key, algorithms })
}

/// What a key of this kind can sign with. One that is secret: nothing.
fn algorithms(kind: &AlgorithmParameters) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match kind {
        AlgorithmParameters::RSA(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![ES256],
            EllipticCurve::P384 => vec![ES384],
            _ => Vec::new(),
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => vec![EdDSA],
        _ => Vec::new(),
    }
}
