//! Signatures as the Standard Webhooks specification has them: HMAC-SHA-256 (`v1`), or Ed25519 (`v1a`).
//!
//! Deliberately absent: verifying, which is the receiver's; and where secrets are kept, which is sealed in the webhook.

use std::fmt;

use aes_gcm::aead::{OsRng, rand_core::RngCore as _};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac as _};
use orderwire_domain::webhook::values::PUBLIC_KEY_PREFIX;
use sha2::Sha256;

/// What a shared secret begins with.
const SECRET_PREFIX: &str = "whsec_";
/// What a private key begins with.
const PRIVATE_KEY_PREFIX: &str = "whsk_";
/// Bytes of a secret, or of the seed of a private key.
const BYTES: usize = 32;

/// What signs.
pub enum Signer {
    /// With a secret that both sides know.
    Hmac(Vec<u8>),
    /// With a key that only we have.
    Ed25519(Box<Ed25519KeyPair>),
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Hmac(_) => "Signer::Hmac",
            Self::Ed25519(_) => "Signer::Ed25519",
        })
    }
}

/// A fresh secret for HMAC, as its owner is shown it.
pub fn fresh_secret() -> String {
    format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(random()))
}

/// A fresh key pair: the private half, which nobody is shown, and the public one.
pub fn fresh_key_pair() -> (String, String) {
    let seed = random();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
    let public = BASE64_STANDARD.encode(pair.public_key());
    (format!("{PRIVATE_KEY_PREFIX}{}", BASE64_STANDARD.encode(seed)), format!("{PUBLIC_KEY_PREFIX}{public}"))
}

fn random() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

impl Signer {
    /// What a secret or private key signs with; `None` where it is neither.
    pub fn read(text: &str) -> Option<Self> {
        if let Some(secret) = text.strip_prefix(SECRET_PREFIX) {
            return BASE64_STANDARD.decode(secret).ok().map(Self::Hmac);
        }
        let seed = BASE64_STANDARD.decode(text.strip_prefix(PRIVATE_KEY_PREFIX)?).ok()?;
        Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(|pair| Self::Ed25519(Box::new(pair)))
    }

    /// The signature of a message, with what it is one of.
    fn sign(&self, signed: &[u8]) -> String {
        match self {
            Self::Hmac(secret) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
                mac.update(signed);
                format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
            }
            Self::Ed25519(pair) => format!("v1a,{}", BASE64_STANDARD.encode(pair.sign(signed))),
        }
    }
}

/// The value of `webhook-signature`: one signature of each signer.
pub fn signature(signers: &[Signer], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    signers.iter().map(|signer| signer.sign(&signed)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    /// The example of the specification.
    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        let signer = Signer::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            signature(&[signer], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_public_key_verifies_what_its_other_half_signs_and_nothing_else() {
        let (private, public) = fresh_key_pair();
        let signature = signature(&[Signer::read(&private).unwrap()], "ntf_1", 7, b"{}");
        let signature = BASE64_STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        let key = BASE64_STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
        let key = UnparsedPublicKey::new(&ED25519, key);
        assert!(key.verify(b"ntf_1.7.{}", &signature).is_ok());
        assert!(key.verify(b"ntf_1.8.{}", &signature).is_err());
    }

    #[test]
    fn what_is_no_secret_signs_nothing_and_a_secret_is_not_printed() {
        assert!(Signer::read("hunter2").is_none() && Signer::read("whsk_AAAA").is_none());
        let secret = fresh_secret();
        assert!(!format!("{:?}", Signer::read(&secret).unwrap()).contains(&secret[6..]));
        assert_ne!(secret, fresh_secret());
    }
}
