//! What can be dialled: public services, and location codes against extensions.

use super::estate::Estate;
use crate::{
    claim::ClaimScope,
    names::{Extension, LocationCode},
};

/// Public short codes, beside those that no extension value can have: non-emergency police, power cuts, non-emergency
/// health (Ofcom National Telephone Numbering Plan, type A and B access codes).
const SHORT_CODES: [&str; 3] = ["101", "105", "111"];
/// Six digits beginning so are harmonised services of social value and directory enquiries (same source).
const SIX_DIGIT_PREFIXES: [&str; 2] = ["116", "118"];

/// Whether dialling it should reach a public service.
pub(super) fn is_public_service(extension: &Extension) -> bool {
    let digits = extension.as_str();
    let six = digits.len() == 6 && SIX_DIGIT_PREFIXES.iter().any(|prefix| digits.starts_with(prefix));
    six || SHORT_CODES.contains(&digits)
}

/// A location code of the company that would be dialled like the extension: one begins with the other.
pub(super) fn code_like(estate: &Estate, extension: &Extension) -> Option<LocationCode> {
    let digits = extension.as_str();
    let codes = estate.names.get(&ClaimScope::LocationCode)?;
    let shorter = (1..=digits.len()).map(|len| &digits[..len]).find(|prefix| codes.contains_key(*prefix));
    let longer = || codes.range(digits.to_owned()..).map(|(code, _)| code.as_str()).next();
    let found = shorter.or_else(|| longer().filter(|code| code.starts_with(digits)));
    found.and_then(|code| LocationCode::parse(code).ok())
}

/// An extension of the company that would be dialled like the location code: one begins with the other.
pub(super) fn extension_like(estate: &Estate, code: &LocationCode) -> Option<Extension> {
    let code = code.as_str();
    estate
        .names_of(ClaimScope::Extension)
        .map(|(key, _)| key.rsplit_once('/').map_or(key.as_str(), |(_, extension)| extension))
        .find(|it| it.starts_with(code) || code.starts_with(it))
        .and_then(|extension| Extension::parse(extension).ok())
}
