//! What a webhook is made of: its address, what it is for, and what signs.
//!
//! Deliberately absent: where an address leads. That is looked at each time a connection is made, since names change.

use serde::{Deserialize, Serialize};

use crate::{
    invalid::Invalid,
    sealed::Sealed,
    text::{at_most, printable, text_value, unexpected},
};

/// Longest address, in characters.
pub const ENDPOINT_URL_MAX: usize = 2_000;
/// Longest description, in characters.
pub const WEBHOOK_DESCRIPTION_MAX: usize = 200;
/// What the public half of a signing key begins with.
pub const PUBLIC_KEY_PREFIX: &str = "whpk_";
/// Characters of 32 bytes in base64.
const PUBLIC_KEY_CHARS: usize = 44;

text_value! {
    /// The address of an endpoint: https or http, without a user and without a fragment.
    EndpointUrl <- endpoint_url
}

text_value! {
    /// What a webhook is for, in a few words; empty where nobody says.
    #[derive(Default)]
    WebhookDescription <- |text| {
        if text.trim().is_empty() { Ok(String::new()) }
        else { printable("description", text, WEBHOOK_DESCRIPTION_MAX) }
    }
}

text_value! {
    /// What verifies Ed25519 signatures; no secret.
    PublicKey <- public_key
}

/// What signs, as the Standard Webhooks specification has it. The secret half is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SigningKey {
    /// HMAC-SHA-256 with a secret that both sides know.
    Hmac {
        /// The secret.
        secret: Sealed,
    },
    /// Ed25519: who verifies cannot sign.
    Ed25519 {
        /// The private key.
        secret: Sealed,
        /// The other half of it.
        public_key: PublicKey,
    },
}

impl SigningKey {
    /// The secret half.
    pub fn secret(&self) -> &Sealed {
        match self {
            Self::Hmac { secret } | Self::Ed25519 { secret, .. } => secret,
        }
    }

    /// What verifies, where that is no secret.
    pub fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::Hmac { .. } => None,
            Self::Ed25519 { public_key, .. } => Some(public_key),
        }
    }
}

fn endpoint_url(text: &str) -> Result<String, Invalid> {
    match endpoint_faults(text).into_iter().next() {
        Some(fault) => Err(fault),
        None => Ok(text.to_owned()),
    }
}

/// Everything that is wrong with an address by its form alone; whoever reads addresses in full looks further.
pub fn endpoint_faults(text: &str) -> Vec<Invalid> {
    const EXPECTED: &str = "an address such as https://hooks.example/orderwire";
    let fault = |code: &str, detail: &str| Invalid::new(code, detail, EXPECTED);
    let mut faults: Vec<Invalid> = at_most("url", text, ENDPOINT_URL_MAX).err().into_iter().collect();
    let foreign = |c: &char| !c.is_ascii_graphic() || matches!(c, '\\' | '"' | '<' | '>' | '`');
    faults.extend(text.chars().find(foreign).map(|c| unexpected("url", c, EXPECTED)));
    match text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
        None => faults.push(fault("url_scheme", "it is no https or http address")),
        Some(rest) => {
            let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if place.is_empty() {
                faults.push(fault("url_host", "it names no host"));
            }
            if place.contains('@') {
                faults.push(fault("url_credentials", "it has a user or a password in it"));
            }
        }
    }
    if text.contains('#') {
        faults.push(fault("url_fragment", "it has a fragment, which is never sent"));
    }
    faults
}

fn public_key(text: &str) -> Result<String, Invalid> {
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let fits = text
        .strip_prefix(PUBLIC_KEY_PREFIX)
        .is_some_and(|key| key.len() == PUBLIC_KEY_CHARS && key.chars().all(base64));
    if fits {
        return Ok(text.to_owned());
    }
    Err(Invalid::new("public_key_invalid", "it is no public key", "whpk_ and 32 bytes in base64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_user_no_fragment_and_no_other_scheme() {
        let refused = |text: &str| EndpointUrl::parse(text).unwrap_err().code;
        assert_eq!(
            EndpointUrl::parse("https://hooks.example/a?b=c").unwrap().as_str(),
            "https://hooks.example/a?b=c"
        );
        assert_eq!(EndpointUrl::parse("http://[::1]:8080/").unwrap().as_str(), "http://[::1]:8080/");
        assert_eq!(refused("ftp://hooks.example"), "url_scheme");
        assert_eq!(refused("https://"), "url_host");
        assert_eq!(refused("https://ada@hooks.example/"), "url_credentials");
        assert_eq!(refused("https://hooks.example/#a"), "url_fragment");
        assert_eq!(refused("https://hooks.example/a b"), "url_character");
        assert_eq!(refused("https://hooks.example\\@evil.example/"), "url_character");
        assert_eq!(
            refused(&format!("https://hooks.example/{}", "a".repeat(ENDPOINT_URL_MAX))),
            "url_too_long"
        );
    }

    #[test]
    fn a_description_may_be_empty() {
        assert_eq!(WebhookDescription::parse("  ").unwrap(), WebhookDescription::default());
        assert_eq!(WebhookDescription::parse("a\nb").unwrap_err().code, "description_character");
    }

    #[test]
    fn a_public_key_is_32_bytes() {
        let key = format!("whpk_{}=", "A".repeat(43));
        assert_eq!(PublicKey::parse(&key).unwrap().as_str(), key);
        assert_eq!(PublicKey::parse("whsk_AAAA").unwrap_err().code, "public_key_invalid");
    }
}
