//! Keys that sign notes, and those that verify them, in the texts that other tools of transparency logs read and write.

use std::str::FromStr;

use aes_gcm::aead::{OsRng, rand_core::RngCore as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::Signature;

/// The one kind of signature that is known here, in the numbering of the specification.
const ED25519: u8 = 1;
/// How the text of a secret key begins.
const SECRET: &str = "PRIVATE+KEY+";

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is written in another way.
    #[error(
        "this is no key that verifies: it is written NAME+HASH+BASE64, such as `orders.example/log+1a2b3c4d+A…`"
    )]
    NoVerifier,
    /// It is written in another way, or cut off.
    #[error("this is no secret key: it is written PRIVATE+KEY+NAME+HASH+BASE64")]
    NoSigner,
    /// It verifies signatures of a kind that is not known here.
    #[error("the key {name} is of kind {kind}: only Ed25519 (kind 1) is known here")]
    Kind {
        /// The name it has.
        name: String,
        /// What it is.
        kind: u8,
    },
    /// The hash in it is not that of the rest.
    #[error("the hash in the key {name} does not fit its other parts: something of it was changed")]
    Hash {
        /// The name it has.
        name: String,
    },
    /// No key can have this name.
    #[error(
        "`{0}` cannot name a key: a name is not empty, and has neither a space nor a plus nor a control character"
    )]
    Name(String),
}

/// Whether a key may have this name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control())
}

/// A key that verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl VerifierKey {
    fn new(name: &str, key: VerifyingKey) -> Self {
        let hash = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        let id = u32::from_be_bytes(*hash.first_chunk().expect("a hash has 32 bytes"));
        Self { name: name.to_owned(), id, key }
    }

    /// Its name: of a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells it from others of that name.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The 32 bytes of the key itself.
    pub fn bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// How it is told in messages: `NAME+HASH`.
    pub fn short(&self) -> String {
        format!("{}+{:08x}", self.name, self.id)
    }

    /// Whether this is its signature of that text.
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        // Strictly: two signatures of one text by one key do not both count.
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

impl std::fmt::Display for VerifierKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}+{}", self.short(), encoded(self.key.as_bytes()))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, hash, key) = parts(text, KeyError::NoVerifier)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| KeyError::NoVerifier)?;
        Self::new(name, key).with_hash(hash)
    }
}

impl VerifierKey {
    fn with_hash(self, hash: &str) -> Result<Self, KeyError> {
        if hash == format!("{:08x}", self.id) { Ok(self) } else { Err(KeyError::Hash { name: self.name }) }
    }
}

/// A key that signs. Its text is a secret, so it is never shown by chance.
#[derive(Clone)]
pub struct SignerKey {
    verifier: VerifierKey,
    key: SigningKey,
}

impl SignerKey {
    /// A fresh one of this name.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        OsRng.fill_bytes(&mut seed);
        Self::from_seed(name, &seed)
    }

    /// The one of this seed, which is the secret.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name(name.to_owned()));
        }
        let key = SigningKey::from_bytes(seed);
        Ok(Self { verifier: VerifierKey::new(name, key.verifying_key()), key })
    }

    /// What verifies its signatures.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The text that is kept in a file, and shown to nobody.
    pub fn to_secret_text(&self) -> String {
        format!("{SECRET}{}+{}", self.verifier.short(), encoded(self.key.as_bytes()))
    }

    pub(super) fn sign(&self, text: &[u8]) -> Signature {
        let bytes = self.key.sign(text).to_bytes().to_vec();
        Signature { name: self.verifier.name.clone(), key_id: self.verifier.id, bytes }
    }
}

impl std::fmt::Debug for SignerKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SignerKey({})", self.verifier.short())
    }
}

impl FromStr for SignerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let secret = text.strip_prefix(SECRET).ok_or(KeyError::NoSigner)?;
        let (name, hash, seed) = parts(secret, KeyError::NoSigner)?;
        let Self { verifier, key } = Self::from_seed(name, &seed)?;
        Ok(Self { verifier: verifier.with_hash(hash)?, key })
    }
}

fn encoded(key: &[u8; 32]) -> String {
    BASE64_STANDARD.encode([&[ED25519], key.as_slice()].concat())
}

/// The name, the hash and the 32 bytes of a key. The name has no plus; base64 may have some.
fn parts(text: &str, otherwise: KeyError) -> Result<(&str, &str, [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(otherwise);
    };
    if !is_name(name) {
        return Err(otherwise);
    }
    let key = BASE64_STANDARD.decode(key).map_err(|_| otherwise.clone())?;
    let (kind, key) = key.split_first().ok_or_else(|| otherwise.clone())?;
    if *kind != ED25519 {
        return Err(KeyError::Kind { name: name.to_owned(), kind: *kind });
    }
    Ok((name, hash, key.try_into().map_err(|_| otherwise)?))
}
