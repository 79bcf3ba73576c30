//! The outside issuer of tokens, read once and whole.

use std::path::PathBuf;

use chrono::TimeDelta;

use super::{Config, setting};
use crate::edge::Problem;

/// Where the public keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    /// Behind a URL: https, or this machine.
    Url(String),
    /// In a file.
    File(PathBuf),
}

/// Whose tokens are taken beside our own, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSettings {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Whom its tokens must be for: one of their `aud`.
    pub audience: String,
    /// Its public keys.
    pub keys: KeysFrom,
    /// How much its clock and ours may differ.
    pub clock_skew: TimeDelta,
    /// The claim that has the role.
    pub role_claim: String,
    /// The claim that has the code or id of the reseller.
    pub reseller_claim: String,
    /// The claim that has the scopes.
    pub scope_claim: String,
}

impl IssuerSettings {
    /// What the configuration says of an issuer; nothing where it says nothing. Half an issuer is refused, since its tokens
    /// would not be taken, or too many would.
    pub fn of(config: &Config) -> Result<Option<Self>, Vec<Problem>> {
        let named = |key: &str| config.text(key);
        let (issuer, audience) = (named("auth.issuer"), named("auth.audience"));
        let (url, file) = (named("auth.jwks_url"), named("auth.jwks_file"));
        if [&issuer, &audience, &url, &file].iter().all(|it| it.is_none()) {
            return Ok(None);
        }
        let mut problems = Vec::new();
        for (key, value) in [("auth.issuer", &issuer), ("auth.audience", &audience)] {
            if value.is_none() {
                let about = setting(key).map_or("", |setting| setting.about);
                problems.push(Problem::new(key, "setting_missing", "an outside issuer needs it", about));
            }
        }
        let keys = match (url, file) {
            (Some(url), None) => Some(KeysFrom::Url(url)),
            (None, Some(file)) => Some(KeysFrom::File(file.into())),
            _ => {
                let detail = "the keys of an outside issuer come from one place";
                let expected = "one of auth.jwks_url and auth.jwks_file";
                problems.push(Problem::new("auth.jwks_url", "setting_missing", detail, expected));
                None
            }
        };
        let claim = |key: &str| named(key).expect("it has a default");
        match (issuer, audience, keys) {
            (Some(issuer), Some(audience), Some(keys)) => Ok(Some(Self {
                issuer,
                audience,
                keys,
                clock_skew: TimeDelta::milliseconds(
                    i64::try_from(config.count("auth.clock_skew_ms")).expect("the table bounds it"),
                ),
                role_claim: claim("auth.role_claim"),
                reseller_claim: claim("auth.reseller_claim"),
                scope_claim: claim("auth.scope_claim"),
            })),
            _ => Err(problems),
        }
    }
}
