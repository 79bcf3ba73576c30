//! Sealing and opening personal data.
//!
//! Every company and reseller has a data key, made in the commit that creates it and stored wrapped by the master key.
//! Destroying the data key makes what it sealed unreadable for good, without changing one stored byte of history.

use aes_gcm::{
    Aes256Gcm, Key, KeyInit, Nonce,
    aead::{Aead, AeadCore, OsRng, Payload},
};
use hmac::{Hmac, Mac};
use orderwire_domain::sealed::Sealed;
use sha2::Sha256;

use super::{
    leaf::hex,
    log::{StoreError, WrappedKey},
};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// The key that wraps data keys. It is never stored in the store.
#[derive(Clone)]
pub struct MasterKey([u8; KEY_BYTES]);

/// The key of one company or reseller.
#[derive(Clone)]
pub struct DataKey {
    id: String,
    key: [u8; KEY_BYTES],
}

/// Why something could not be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// 64 hex digits were expected.
    #[error("a master key is {} hex digits", KEY_BYTES * 2)]
    NotAKey,
    /// The store's keys were wrapped by another master key.
    #[error("this is not the master key of the store")]
    WrongMasterKey,
    /// The data key was destroyed, or never made.
    #[error("the data key of {0} does not exist: its personal data is erased")]
    Erased(String),
    /// Not what this key sealed.
    #[error("the sealed value of {0} is not authentic")]
    NotAuthentic(String),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MasterKey {
    /// A fresh random key.
    pub fn generate() -> Self {
        Self(Aes256Gcm::generate_key(OsRng).into())
    }

    /// A key from its hex text.
    pub fn parse(text: &str) -> Result<Self, SealingError> {
        let bytes = unhex(text.trim()).ok_or(SealingError::NotAKey)?;
        bytes.try_into().map(Self).map_err(|_| SealingError::NotAKey)
    }

    /// The hex text, for the file that keeps it.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// What the store keeps to tell this key from another one. It says nothing about the key.
    pub fn check_value(&self) -> String {
        hex(&mac(&self.0, b"orderwire master key check")[..8])
    }

    /// A key for one other purpose. Every process with this master key derives the same, and none tells another.
    pub fn derived(&self, purpose: &str) -> [u8; KEY_BYTES] {
        mac(&self.0, format!("orderwire derived key: {purpose}").as_bytes())
    }

    /// Makes a data key, and wraps it.
    pub fn make_data_key(&self, id: &str) -> (DataKey, WrappedKey) {
        let data_key = DataKey { id: id.to_owned(), key: Aes256Gcm::generate_key(OsRng).into() };
        let nonce = Aes256Gcm::generate_nonce(&mut OsRng);
        let payload = Payload { msg: &data_key.key, aad: id.as_bytes() };
        let sealed =
            cipher(&self.0).encrypt(&nonce, payload).expect("32 bytes are never too long to encrypt");
        let wrapped = [nonce.as_slice(), &sealed].concat();
        (data_key, WrappedKey { key_id: id.to_owned(), wrapped })
    }

    /// Unwraps a data key.
    pub fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, SealingError> {
        let not_authentic = || SealingError::NotAuthentic(wrapped.key_id.clone());
        let (nonce, sealed) = wrapped.wrapped.split_at_checked(NONCE_BYTES).ok_or_else(not_authentic)?;
        let payload = Payload { msg: sealed, aad: wrapped.key_id.as_bytes() };
        let key = cipher(&self.0).decrypt(Nonce::from_slice(nonce), payload).map_err(|_| not_authentic())?;
        let key = key.try_into().map_err(|_| not_authentic())?;
        Ok(DataKey { id: wrapped.key_id.clone(), key })
    }
}

impl DataKey {
    /// Seals a text. `normalised` is what equal texts have in common; its tag lets them be compared.
    pub fn seal(&self, text: &str, normalised: &str) -> Sealed {
        let nonce = Aes256Gcm::generate_nonce(&mut OsRng);
        let payload = Payload { msg: text.as_bytes(), aad: self.id.as_bytes() };
        let ciphertext =
            cipher(&self.key).encrypt(&nonce, payload).expect("texts are bounded far below the cipher's");
        Sealed {
            key_id: self.id.clone(),
            nonce: hex(&nonce),
            ciphertext: hex(&ciphertext),
            tag: hex(&mac(&self.key, normalised.as_bytes())),
        }
    }

    /// Opens what this key sealed.
    pub fn open(&self, sealed: &Sealed) -> Result<String, SealingError> {
        let not_authentic = || SealingError::NotAuthentic(self.id.clone());
        let nonce =
            unhex(&sealed.nonce).filter(|nonce| nonce.len() == NONCE_BYTES).ok_or_else(not_authentic)?;
        let ciphertext = unhex(&sealed.ciphertext).ok_or_else(not_authentic)?;
        let payload = Payload { msg: ciphertext.as_slice(), aad: self.id.as_bytes() };
        let text =
            cipher(&self.key).decrypt(Nonce::from_slice(&nonce), payload).map_err(|_| not_authentic())?;
        String::from_utf8(text).map_err(|_| not_authentic())
    }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Aes256Gcm {
    Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key))
}

fn mac(key: &[u8; KEY_BYTES], text: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// The bytes of a text in lower-case hex, or in upper-case.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_by_the_same_key_only() {
        let master = MasterKey::generate();
        let (key, wrapped) = master.make_data_key("com_1");
        let (other, _) = master.make_data_key("com_2");
        let sealed = key.seal("Ada Lovelace", "ada lovelace");
        assert_eq!(master.unwrap(&wrapped).unwrap().open(&sealed).unwrap(), "Ada Lovelace");
        assert!(other.open(&sealed).is_err());
        assert!(MasterKey::generate().unwrap(&wrapped).is_err());
        assert!(!format!("{sealed:?}").contains("Ada"));
    }

    #[test]
    fn equal_texts_have_equal_tags_and_different_ciphertexts() {
        let (key, _) = MasterKey::generate().make_data_key("com_1");
        let (one, two) = (key.seal("Ada", "ada"), key.seal("ADA", "ada"));
        assert!(one.hides_the_same_as(&two));
        assert_ne!(one.ciphertext, two.ciphertext);
    }

    #[test]
    fn a_derived_key_is_the_master_keys_and_its_purposes_alone() {
        let (one, other) = (MasterKey::generate(), MasterKey::generate());
        assert_eq!(one.derived("a"), MasterKey::parse(&one.to_hex()).unwrap().derived("a"));
        assert_ne!(one.derived("a"), one.derived("b"));
        assert_ne!(one.derived("a"), other.derived("a"));
        assert!(!hex(&one.derived("a")).starts_with(&one.check_value()));
    }

    #[test]
    fn a_changed_ciphertext_is_not_opened() {
        let (key, _) = MasterKey::generate().make_data_key("com_1");
        let mut sealed = key.seal("Ada", "ada");
        let last = sealed.ciphertext.pop().unwrap();
        sealed.ciphertext.push(if last == '0' { '1' } else { '0' });
        assert_eq!(key.open(&sealed), Err(SealingError::NotAuthentic("com_1".to_owned())));
    }

    #[test]
    fn a_master_key_survives_its_file_and_is_told_from_another() {
        let master = MasterKey::generate();
        let again = MasterKey::parse(&format!("{}\n", master.to_hex())).unwrap();
        assert_eq!(again.check_value(), master.check_value());
        assert_ne!(MasterKey::generate().check_value(), master.check_value());
        assert!(MasterKey::parse("0123").is_err());
    }
}
