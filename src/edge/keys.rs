//! API keys: who may speak to the engine from outside, and as whom.
//!
//! A key is an id and 32 random bytes, shown once; the store keeps their SHA-256. Keys are rows of a table beside the read
//! models, which no rebuild touches, since no event tells of them: they are about access, not about orders.

use std::collections::BTreeSet;

use aes_gcm::aead::{OsRng, rand_core::RngCore as _};
use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::ResellerId,
    names::FreeText,
    views::table::{Record, Table, Value, integer, text},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::engine::{
    Engine, Error,
    leaf::hex,
    log::{RowChange, Select},
    query,
};

/// One row per key. The index answers whose keys there are.
pub static API_KEY: Table =
    Table { name: "api_key", columns: &[text("reseller"), integer("created_at")], indexes: &[&["reseller"]] };

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;
/// What every key id begins with.
const PREFIX: &str = "key_";
/// Keys that one list shows at most.
const KEYS_MAX: usize = 10_000;

/// As whom a key speaks.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// One reseller, which sees and changes only what is its own.
    Reseller,
    /// The carrier.
    Operator,
    /// Somebody who checks, and changes nothing.
    Auditor,
}

/// What a key or a token may be used for, within its role.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Display, EnumString, IntoStaticStr, VariantArray,
)]
pub enum Scope {
    /// To look.
    #[strum(serialize = "orderwire.read")]
    Read,
    /// To change something.
    #[strum(serialize = "orderwire.write")]
    Write,
}

/// Some of the scopes.
pub type Scopes = BTreeSet<Scope>;

impl Role {
    /// Everything that the role can be used for.
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Reseller | Self::Operator => Scopes::from([Scope::Read, Scope::Write]),
            Self::Auditor => Scopes::from([Scope::Read]),
        }
    }
}

/// A key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id, which is no secret.
    pub id: String,
    /// As whom it speaks.
    pub role: Role,
    /// As which reseller; with that role only.
    pub reseller: Option<ResellerId>,
    /// What it is for; not a person's name.
    pub label: String,
    /// Whether it changes nothing, though its role may.
    #[serde(default)]
    pub read_only: bool,
    /// SHA-256 of the secret, in hex.
    pub hash: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it is not accepted any more.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// What it may be used for.
    pub fn scopes(&self) -> Scopes {
        let mut scopes = self.role.scopes();
        scopes.retain(|scope| !self.read_only || *scope == Scope::Read);
        scopes
    }
}

impl Record for ApiKey {
    const TABLE: &'static Table = &API_KEY;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<Value> {
        let reseller = self.reseller.map(|reseller| reseller.to_string());
        vec![reseller.into(), self.created_at.timestamp_micros().into()]
    }
}

/// Makes a key for a reseller, or else for the carrier's side. The second answer is what its owner presents; it is not
/// kept.
pub async fn create(
    engine: &Engine,
    role: Role,
    reseller: Option<ResellerId>,
    label: &FreeText,
) -> Result<(ApiKey, String), Error> {
    create_limited(engine, role, reseller, label, false).await
}

/// The same; the key may be one that changes nothing.
pub async fn create_limited(
    engine: &Engine,
    role: Role,
    reseller: Option<ResellerId>,
    label: &FreeText,
    read_only: bool,
) -> Result<(ApiKey, String), Error> {
    assert_eq!(
        role == Role::Reseller,
        reseller.is_some(),
        "a reseller's key names its reseller, and only that"
    );
    let mut secret = [0; SECRET_BYTES];
    OsRng.fill_bytes(&mut secret);
    let secret = hex(&secret);
    let key = ApiKey {
        id: format!("{PREFIX}{}", Uuid::now_v7().simple()),
        role,
        reseller,
        label: label.to_string(),
        read_only,
        hash: hash(&secret),
        created_at: engine.now(),
        revoked_at: None,
    };
    put(engine, &key).await?;
    let token = format!("{}.{secret}", key.id);
    Ok((key, token))
}

/// Every key, oldest first, also those that are revoked.
pub async fn list(engine: &Engine) -> Result<Vec<ApiKey>, Error> {
    let look = Select {
        table: &API_KEY,
        filters: Vec::new(),
        order: "created_at",
        descending: false,
        after: None,
        limit: KEYS_MAX,
    };
    query::select(engine.log(), &look).await
}

/// Lets a key be accepted no more; `None` where there is no such key.
pub async fn revoke(engine: &Engine, id: &str) -> Result<Option<ApiKey>, Error> {
    let Some(mut key) = query::get::<ApiKey>(engine.log(), id).await? else { return Ok(None) };
    if key.revoked_at.is_none() {
        key.revoked_at = Some(engine.now());
        put(engine, &key).await?;
    }
    Ok(Some(key))
}

/// The id and the secret that a text consists of, if it looks like what [`create`] answers.
pub fn parts(token: &str) -> Option<(&str, &str)> {
    token.split_once('.').filter(|(id, _)| is_id(id))
}

/// Whether this could be the id of a key.
pub fn is_id(id: &str) -> bool {
    let rest = id.strip_prefix(PREFIX).unwrap_or_default();
    rest.len() == Uuid::nil().simple().to_string().len() && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The key of an id, unless it is unknown or revoked.
pub async fn in_force(engine: &Engine, id: &str) -> Result<Option<ApiKey>, Error> {
    let key = query::get::<ApiKey>(engine.log(), id).await?;
    Ok(key.filter(|key| key.revoked_at.is_none()))
}

/// The key of an id, unless it is unknown, revoked, or its secret is another one.
pub async fn authenticated(engine: &Engine, id: &str, secret: &str) -> Result<Option<ApiKey>, Error> {
    let same = |key: &ApiKey| bool::from(key.hash.as_bytes().ct_eq(hash(secret).as_bytes()));
    Ok(in_force(engine, id).await?.filter(same))
}

/// Those of these ids that are of keys which were revoked.
pub async fn revoked(engine: &Engine, ids: &[String]) -> Result<Vec<String>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<ApiKey> = query::several(engine.log(), ids).await?;
    Ok(keys.into_iter().filter(|key| key.revoked_at.is_some()).map(|key| key.id).collect())
}

async fn put(engine: &Engine, key: &ApiKey) -> Result<(), Error> {
    Ok(engine.log().change_rows(&[RowChange::Put(&API_KEY, key.to_row())], None).await?)
}

fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}
