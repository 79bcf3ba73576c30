//! Personal data as the domain sees it: carried, compared by tag, never read.
//!
//! Deliberately absent: keys and ciphers. The edge seals a value before any command carries it, and only a reader who
//! may see it opens it again. Destroying the key changes no event, no state and no hash.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A sealed text: AES-256-GCM ciphertext under a data key, and an HMAC tag that equal texts of one key share.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Whose data key: the id of a company or reseller.
    pub key_id: String,
    /// 12 bytes, as hex.
    pub nonce: String,
    /// Ciphertext and authentication tag, as hex.
    pub ciphertext: String,
    /// HMAC-SHA-256 of the normalised text under the same key, as hex.
    pub tag: String,
}

impl Sealed {
    /// Whether both hide the same text, as far as one key can tell.
    pub fn hides_the_same_as(&self, other: &Self) -> bool {
        self.key_id == other.key_id && self.tag == other.tag
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sealed({} {})", self.key_id, self.tag.get(..8).unwrap_or_default())
    }
}

/// A person to talk to; every part is personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Given and family name.
    pub name: Sealed,
    /// Telephone number.
    pub telephone: Option<Sealed>,
    /// Electronic mail.
    pub email: Option<Sealed>,
}
