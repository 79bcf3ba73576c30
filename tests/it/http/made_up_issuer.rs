//! An issuer of tokens that is none of ours: key pairs made for one test, and a server that publishes some of them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use axum::{Router, extract::State, http::StatusCode, routing::get};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use orderwire::config::{IssuerSettings, KeysFrom};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "https://orders.example";

/// A key pair, and what it is called.
#[derive(Clone)]
pub struct Pair {
    pub id: String,
    pub algorithm: Algorithm,
    key: EncodingKey,
    /// The public half, as it is published.
    pub jwk: Value,
    /// The public half, as bytes that somebody could take for a secret.
    pub public: Vec<u8>,
}

impl Pair {
    pub fn ec(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self::of(id, Algorithm::ES256, key, pair.public_key().as_ref())
    }

    pub fn ed(id: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let key = EncodingKey::from_ed_der(document.as_ref());
        Self::of(id, Algorithm::EdDSA, key, pair.public_key().as_ref())
    }

    pub fn rsa(id: &str, algorithm: Algorithm) -> Self {
        /// What PKCS #8 puts before a key of this size as PKCS #1 has it.
        const WRAPPING: usize = 26;
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let document = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let key = EncodingKey::from_rsa_der(&document.as_ref()[WRAPPING..]);
        Self::of(id, algorithm, key, pair.public_key().as_ref())
    }

    fn of(id: &str, algorithm: Algorithm, key: EncodingKey, public: &[u8]) -> Self {
        let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        Self { id: id.to_owned(), algorithm, key, jwk: json!(jwk), public: public.to_vec() }
    }

    /// A token that this pair has signed.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(Some(&self.id), claims)
    }

    /// The same; its header names another key, or none.
    pub fn sign_as(&self, id: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = id.map(str::to_owned);
        self.sign_under(&header, claims)
    }

    /// The same, under a header of its own.
    pub fn sign_under(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    /// A token that the public half has "signed", as if it were a secret.
    pub fn confused(&self, id: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.to_owned());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(&self.public)).unwrap()
    }
}

/// A token that nobody has signed, and that says so.
pub fn unsigned(id: &str, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT", "kid": id })), part(claims))
}

/// What a good token of an operator says.
pub fn claims(now: DateTime<Utc>) -> Value {
    json!({
        "iss": ISSUER,
        "aud": [AUDIENCE, "https://other.example"],
        "sub": "client-17",
        "iat": now.timestamp(),
        "nbf": now.timestamp(),
        "exp": (now + TimeDelta::minutes(5)).timestamp(),
        "orderwire_role": "operator",
        "scope": "openid orderwire.read orderwire.write",
    })
}

/// The same with other claims; those that are null are left out.
pub fn with(mut claims: Value, others: &Value) -> Value {
    for (name, value) in others.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// How the server is set to take those tokens.
pub fn settings(keys: KeysFrom) -> IssuerSettings {
    IssuerSettings {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys,
        clock_skew: TimeDelta::seconds(60),
        role_claim: "orderwire_role".to_owned(),
        reseller_claim: "orderwire_reseller".to_owned(),
        scope_claim: "scope".to_owned(),
    }
}

/// What the issuer publishes.
pub struct Published {
    keys: Mutex<Vec<Value>>,
    away: AtomicBool,
    asked: AtomicU32,
}

/// A server that publishes keys.
pub struct Publisher {
    pub url: String,
    published: Arc<Published>,
    served: JoinHandle<()>,
}

impl Publisher {
    pub async fn of(pairs: &[&Pair]) -> Self {
        let published = Arc::new(Published {
            keys: Mutex::default(),
            away: AtomicBool::new(false),
            asked: AtomicU32::new(0),
        });
        let answer = |State(published): State<Arc<Published>>| async move {
            published.asked.fetch_add(1, Ordering::SeqCst);
            if published.away.load(Ordering::SeqCst) {
                return Err(StatusCode::SERVICE_UNAVAILABLE);
            }
            Ok(json!({ "keys": *published.keys.lock().unwrap() }).to_string())
        };
        let router = Router::new().route("/keys", get(answer)).with_state(Arc::clone(&published));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let it = Self { url, published, served };
        it.publish(pairs);
        it
    }

    pub fn settings(&self) -> IssuerSettings {
        settings(KeysFrom::Url(self.url.clone()))
    }

    pub fn publish(&self, pairs: &[&Pair]) {
        *self.published.keys.lock().unwrap() = pairs.iter().map(|pair| pair.jwk.clone()).collect();
    }

    /// Publishes this, whatever it is.
    pub fn publish_raw(&self, keys: Vec<Value>) {
        *self.published.keys.lock().unwrap() = keys;
    }

    pub fn be_away(&self, away: bool) {
        self.published.away.store(away, Ordering::SeqCst);
    }

    /// How often it was asked.
    pub fn asked(&self) -> u32 {
        self.published.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.served.abort();
    }
}
