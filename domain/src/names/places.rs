//! Names of companies and of what stands on their sites.

use crate::invalid::Invalid;
use crate::text::{at_most, folded, made_of, printable, text_value, unexpected};

/// Longest company name, in characters.
pub const COMPANY_NAME_MAX: usize = 80;
/// Longest domain, dots included.
pub const DOMAIN_MAX: usize = 80;
/// Longest site name, in characters.
pub const SITE_NAME_MAX: usize = 80;
/// Longest location code, in digits.
pub const LOCATION_CODE_MAX: usize = 15;
/// Longest PBX name, in characters.
pub const PBX_NAME_MAX: usize = 40;
/// Longest trunk name, in characters.
pub const TRUNK_NAME_MAX: usize = 30;
/// Shortest extension, in digits.
pub const EXTENSION_MIN: usize = 2;
/// Longest extension, in digits.
pub const EXTENSION_MAX: usize = 20;

/// Longest label of a domain (RFC 1035).
const LABEL_MAX: usize = 63;
/// Numbers that a person in need dials; no desk may answer to them.
const EMERGENCY_NUMBERS: [&str; 3] = ["999", "112", "18000"];
const OPERATOR_NUMBERS: [&str; 2] = ["100", "155"];

text_value! {
    /// The name of a company, as its people write it.
    CompanyName <- |text| printable("company_name", text, COMPANY_NAME_MAX)
}

text_value! {
    /// The name of a site, unique in its company.
    SiteName <- |text| printable("site_name", text, SITE_NAME_MAX)
}

text_value! {
    /// The name of a PBX device, unique in its company.
    PbxName <- |text| printable("pbx_name", text, PBX_NAME_MAX)
}

text_value! {
    /// The name of a trunk, unique in its company.
    TrunkName <- |text| printable("trunk_name", text, TRUNK_NAME_MAX)
}

text_value! {
    /// The internet domain of a company: lower case, at least two labels, no internationalised ones.
    Domain <- domain
}

text_value! {
    /// The digits dialled before an extension to reach another site.
    LocationCode <- |text| made_of("location_code", text, (1, LOCATION_CODE_MAX), is_digit, "1 to 15 digits")
}

text_value! {
    /// The digits dialled to reach a user on the same site; never an emergency or operator number.
    Extension <- extension
}

macro_rules! folded_key {
    ($($name:ident)*) => {$(
        impl $name {
            /// The form compared: trimmed, spaces collapsed, case folded.
            pub fn key(&self) -> String {
                folded(self.as_str())
            }
        }
    )*};
}

folded_key!(CompanyName SiteName PbxName TrunkName);

macro_rules! own_key {
    ($($name:ident)*) => {$(
        impl $name {
            /// The form compared, which is the value itself.
            pub fn key(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

own_key!(Domain LocationCode Extension);

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn domain(text: &str) -> Result<String, Invalid> {
    const EXPECTED: &str = "a domain such as acme.example: letters, digits and inner hyphens between dots";
    let trimmed = text.trim();
    let lower = trimmed.strip_suffix('.').unwrap_or(trimmed).to_ascii_lowercase();
    at_most("domain", &lower, DOMAIN_MAX)?;
    let refused = |code, detail: &str| Err(Invalid::new(code, detail, EXPECTED));
    if let Some(c) = lower.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.')) {
        return Err(unexpected("domain", c, EXPECTED));
    }
    let labels: Vec<&str> = lower.split('.').collect();
    if labels.len() < 2 {
        return refused("domain_one_label", "there are fewer than two labels");
    }
    for label in &labels {
        if label.is_empty() || label.len() > LABEL_MAX || label.starts_with('-') || label.ends_with('-') {
            return refused("domain_label", "a label is empty, too long, or has a hyphen at its edge");
        }
        if label.starts_with("xn--") {
            return refused("domain_internationalised", "internationalised labels are not supported");
        }
    }
    if labels.last().is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit())) {
        return refused("domain_is_address", "the last label is a number");
    }
    Ok(lower)
}

fn extension(text: &str) -> Result<String, Invalid> {
    let digits =
        made_of("extension", text, (EXTENSION_MIN, EXTENSION_MAX), is_digit, "2 to 20 digits, such as 4501")?;
    let expected = "an extension that is no emergency or operator number";
    if EMERGENCY_NUMBERS.contains(&text) {
        return Err(Invalid::new("extension_emergency", format!("{text} is an emergency number"), expected));
    }
    if OPERATOR_NUMBERS.contains(&text) {
        return Err(Invalid::new("extension_operator", format!("{text} is an operator number"), expected));
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acme_ltd_is_one_company_however_it_is_spaced() {
        let plain = CompanyName::parse("Acme Ltd").unwrap();
        let shouted = CompanyName::parse(" ACME  LTD ").unwrap();
        assert_eq!(plain.key(), shouted.key());
        assert_eq!(shouted.to_string(), "ACME  LTD");
    }

    #[test]
    fn a_domain_is_lower_case_without_a_last_dot() {
        assert_eq!(Domain::parse("Acme.Example.").unwrap().to_string(), "acme.example");
        for (text, code) in [
            ("acme", "domain_one_label"),
            ("acme..example", "domain_label"),
            ("-acme.example", "domain_label"),
            ("acme.example..", "domain_label"),
            ("xn--acm-dma.example", "domain_internationalised"),
            ("acmé.example", "domain_character"),
            ("192.0.2.1", "domain_is_address"),
            ("", "domain_one_label"),
        ] {
            assert_eq!(Domain::parse(text).unwrap_err().code, code, "{text}");
        }
        assert_eq!(
            Domain::parse(&format!("{}.example", "a".repeat(73))).unwrap_err().code,
            "domain_too_long"
        );
    }

    #[test]
    fn an_extension_leaves_emergency_and_operator_numbers_alone() {
        for (text, code) in [
            ("999", "extension_emergency"),
            ("112", "extension_emergency"),
            ("100", "extension_operator"),
            ("4", "extension_too_short"),
            ("45a", "extension_character"),
            ("123456789012345678901", "extension_too_long"),
        ] {
            assert_eq!(Extension::parse(text).unwrap_err().code, code, "{text}");
        }
        assert_eq!(Extension::parse("4501").unwrap().to_string(), "4501");
        assert_eq!(LocationCode::parse("45").unwrap().to_string(), "45");
    }
}
